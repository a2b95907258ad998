#!/bin/sh
# timeout: 700
# sysct in a box of sysct, and once more in that: boxes boot at each level in ids, networks and cgroups that are cut out of
# those of the level above, reach the world, and leave nothing; a box with running boxes inside ends by itself.
. "${0%/*}/lib.sh"

# The installation goes in as it is, so the libraries must be the host's.
# shellcheck disable=SC1091 # the host's
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $release in bookworm | trixie) ;; *) skip "the host is no Debian 12 or 13" ;; esac
mirror
program=$(command -v sysct)
packages=$(ldd "$program" "$SYSCT_LIBEXEC_DIR"/sysct-* 2>/dev/null | sed -n 's,.* => \(/[^ ]*\) .*,\1,p' | while read -r library; do
    dpkg -S "$library" "/usr$library" 2>/dev/null | sed 's/:.*//'
done | sort -u | tr '\n' ' ')
[ -n "$packages" ] || fail "no packages with the libraries of $program"
prefix=${program%/sbin/sysct}
prefix=${prefix%/bin/sysct}

idmap_of() { sed -n 's/.*"idmap": *"\([0-9:]*\)".*/\1/p'; }
in_outer() { sysct attach -T outer -- "$@" </dev/null; }
in_deep() { in_outer sysct attach -T deep -- "$@"; }

debian "$release" outer --set security.nesting=yes --set mount./usr/local.source="$prefix" \
    --set mount./usr/local.readonly=yes --set mount./opt/mirror.source="$(cd "$MIRROR" && pwd -P)" --set mount./opt/mirror.readonly=yes \
    --set mount./opt/mirror.create=yes
ok sysct start outer --wait=90
ok in_outer sh -c "export DEBIAN_FRONTEND=noninteractive; apt-get update -q &&
    apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io $packages \
        nftables dnsmasq-base busybox-static openssl curl procps"
ok sysct attach -T outer -- sh -s snapshot /root/before <"$REPO/scripts/leak-check"

say "a busybox and an Alpine box in the box"
ok in_outer sysct create one --template busybox
has "$(cat "$ERR")" '^sysct: .*directory' "what is said of the back end"
same "$(grep -c . "$ERR")" 1 "lines that say it"
ok in_outer sysct start one --wait
ok in_outer sysct launch alpine two --mirror /opt/mirror
ok in_outer sysct attach -T two -- ping -c 1 -W 5 one
# by way of both bridges
gateway=$(inside outer ip -4 route show default | sed 's/.* via \([0-9.]*\) .*/\1/')
ok in_outer sysct attach -T one -- ping -c 1 -W 5 "$gateway"
inner=$(in_outer sysct attach -T one -- ip -4 route | sed -n 's/^default via \([0-9.]*\)\.[0-9]* .*/\1/p')
[ -n "$inner" ] || fail "no route inside"
[ "$inner" != "${gateway%.*}" ] || fail "one subnet, $inner, on both levels"

# ids: blocks of the box's own, each box another; on disk too, where nothing maps them
one=$(in_outer sysct info one --format json | idmap_of)
two=$(in_outer sysct info two --format json | idmap_of)
[ "$one" != "$two" ] || fail "the same ids $one for both"
first=$(echo "$one" | cut -d: -f2)
if [ "$first" -lt 65536 ] || [ "$first" -ge 1048576 ]; then fail "ids from $first"; fi
same "$(in_outer stat -c %u:%g /var/lib/sysct/containers/one/rootfs/etc)" "$first:$first" "owner of its files"
same "$(in_outer sysct attach -T one -- stat -c %u:%g /etc)" 0:0 "owner of its files inside"
base=$(inside outer awk '{ print $2 }' /proc/self/uid_map)
same "$(in_outer sysct attach -T one -- awk '{ print $1, $2, $3 }' /proc/self/uid_map)" "0 $first 65536" "id map"
pgrep -U $((base + first)) >"$OUT" || fail "no process on the host has the inner root's id $((base + first))"

# it lives: it reboots, freezes, stops
ok in_outer sysct attach -T two -- reboot
sleep 1
ok in_outer sysct wait two --for booted --timeout 60
ok in_outer sysct freeze one
ok in_outer sysct thaw one
ok in_outer sysct stop two
# a file of root's that is setuid stays so where owners change, also when the ids change later
ok in_outer sysct attach -T one -- sh -c 'cp /bin/busybox /root/su; chmod 4755 /root/su'
ok in_outer sysct config set one security.nesting=yes
ok in_outer sysct restart one
ok in_outer sysct wait one --for booted --timeout 30
[ "$(in_outer sysct info one --format json | idmap_of)" != "$one" ] || fail "no more ids with nesting"
same "$(in_outer sysct attach -T one -- stat -c '%u %a' /root/su)" "0 4755" "the setuid file, moved to other ids"

# its Alpine, to take it further down
ok in_outer sysct start two --wait
in_outer sh -c 'sysct attach -T two -- tar -c -C / bin etc home lib root sbin usr var >/root/alpine.tar &&
    mkdir /root/empty && cd /root/empty && mkdir proc sys dev run tmp && tar -rf /root/alpine.tar .'

say "a Debian in the box, and boxes in that, an Alpine too"
ok in_outer sysct destroy --force one two
ok in_outer sh -c 'cd / && tar --one-file-system --exclude=./var/lib/sysct --exclude=./var/cache --exclude=./var/lib/apt --exclude=./var/log \
    --exclude=./usr/share/doc --exclude=./usr/share/locale --exclude=./usr/share/man --exclude=./root --exclude=./opt \
    -cf /root/debian.tar . usr/local'
ok in_outer sysct create deep --template tarball --source /root/debian.tar --set security.nesting=yes
ok in_outer sysct start deep --wait=90
same "$(in_deep systemctl is-system-running)" running "the Debian inside"
ok in_deep sysct create box --template busybox
ok in_deep sysct start box --wait
ok in_deep sysct attach -T box -- ping -c 1 -W 5 "$gateway"
in_outer sh -c 'sysct attach -T deep -- sh -c "cat >/root/alpine.tar" </root/alpine.tar'
ok in_deep sysct create alpine --template tarball --source /root/alpine.tar
ok in_deep sysct start alpine --wait=60
has "$(in_deep sysct attach -T alpine -- cat /etc/os-release)" '^ID=alpine$' "what is in the third"
same "$(in_deep sysct info alpine --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["init"])')" openrc "its init"
ok in_deep sysct attach -T alpine -- ping -c 1 -W 5 "$gateway"
ok in_deep sysct destroy --force alpine

say "the end"
ok sysct stop outer --timeout 60
same "$(field outer last_exit)" stopped "how the box ended, with boxes running inside"
ok sysct start outer --wait=90
same "$(in_outer sysct list --format csv | sed 1d | cut -d, -f 1,2)" deep,stopped "after a new boot"
ok in_outer sysct start deep --wait=90
same "$(in_deep sysct list --format csv | sed 1d | cut -d, -f 1,2)" box,stopped "in the box inside"
ok in_outer sysct destroy --force deep
sysct attach -T outer -- sh -s compare /root/before --wait 10 <"$REPO/scripts/leak-check" >"$OUT" 2>&1 || {
    cat "$OUT"
    fail "something is left in the box"
}
