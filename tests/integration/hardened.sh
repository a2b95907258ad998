#!/bin/sh
# [security] hardened, and privileged: what is masked in /proc and /sys stays masked, whatever root inside tries; neither can
# be mounted anew. Without both, root inside does mount a proc of its own.
# shows: security.hardened
. "${0%/*}/lib.sh"

tries() {
    # each must fail; what a try that works would show is printed
    inside "$1" sh -c '
        mkdir -p /m
        exec 2>/dev/null
        for path in $(sed -n "s,^[^ ]* [^ ]* [^ ]* [^ ]* \(/\(proc\|sys\)/[^ ]*\) .*,\1,p" /proc/self/mountinfo); do
            case $path in /sys/fs/cgroup | */boot_id) continue ;; esac
            umount "$path" && echo "lifted $path"
            umount -l "$path" && echo "lifted $path lazily"
        done
        mount -t proc none /m && echo "a new proc" && umount /m
        mount -t sysfs none /m && echo "a new sysfs" && umount /m
        unshare -m mount -t proc none /m && echo "a new proc elsewhere"
        unshare -mpf mount -t proc none /m && echo "a new proc for new pids"
        mount --bind /proc /m && echo "proc without what is on it" && umount /m
        mount --bind /sys /m && echo "sys without what is on it" && umount /m
        mount -o remount,rw /proc/sys && echo "proc/sys writable"
        mount -o remount,bind,rw /proc/sys && echo "proc/sys writable by bind"
        mount -o remount,rw /sys && echo "sys writable"
        mount -o remount,bind,rw /sys && echo "sys writable by bind"
        for f in kernel/core_pattern kernel/hostname vm/drop_caches fs/file-max; do
            value=$(cat /proc/sys/$f) && echo "$value" >/proc/sys/$f && echo "wrote $f"
        done
        [ -z "$(ls /sys/firmware)" ] || echo "firmware can be seen"
        [ -z "$(cat /proc/kallsyms /proc/keys /proc/timer_list)" ] || echo "kernel internals can be read"
        exit 0'
}

busybox hardened --set security.hardened=yes
busybox privileged --set security.privileged=yes
for kind in hardened privileged; do
    ok sysct start $kind --wait
    say "$kind"
    [ "$(inside $kind cat /proc/sys/kernel/random/boot_id)" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail "the host's boot id"
    same "$(tries $kind)" "" "what root inside a $kind box achieves"
    ok inside $kind sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    same "$(inside $kind cat /proc/sys/net/ipv4/ip_forward)" 1 "its own net sysctls"
    ok sysct stop --now $kind
done

busybox plain
ok sysct start plain --wait
tries plain >"$TEST_TMP/plain"
grep -q '^a new proc$' "$TEST_TMP/plain" || fail "the tries cannot find anything: $(cat "$TEST_TMP/plain")"

say "32-bit calls and user namespaces go as well"
ok sysct start hardened --wait
expect 1 inside hardened unshare -r true
has "$(cat "$ERR")" 'not permitted' "a new user namespace"
ok inside plain unshare -r true
expect 2 sysct config set hardened security.nesting=yes
has "$(cat "$ERR")" 'nesting and hardened exclude each other' "both"
