#!/bin/sh
# reboot from inside: the same box comes back with its name, address and files.
# timeout: 120
. "${0%/*}/lib.sh"

alpine box
ok sysct start box --wait
inside box sh -c 'echo kept >/root/file; echo gone >/run/file'
boot=$(inside box cat /proc/sys/kernel/random/boot_id)
before="$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(field box idmap)"
inside box reboot || :
again() { [ ! -f "$TEST_TMP/x" ] && inside box sh -c '! [ -e /run/file ] && [ -e /root/file ]'; }
eventually 40 again
same "$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(field box idmap)" "$before" "name, address and ids"
same "$(inside box cat /root/file)" kept "a file"

# a boot id that is no other boot's, nor the host's
again=$(inside box cat /proc/sys/kernel/random/boot_id)
has "$again" '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' "the boot id"
[ "$again" != "$boot" ] || fail "the boot id $boot again"
for id in "$boot" "$again"; do
    [ "$id" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail "the host's boot id"
done
# it keeps nobody from a proc of his own, and leaves none to get round what a service may see
ok inside box unshare -mpf mount -t proc none /mnt
ok inside box unshare -Urpf --mount-proc true
same "$(inside box ls -A /run/host/proc)" "" "the other proc"
ok sysct stop box
