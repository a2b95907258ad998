#!/bin/sh
# An image that is damaged inside, though its superblock says that it is clean, and that asks the kernel to panic: the host
# lives on, the file system becomes read-only, info says it, the box can be stopped, and the next start repairs it or
# says how.
. "${0%/*}/lib.sh"

busybox box
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
ok sysct start box
ok inside box sh -c 'mkdir /root/d; for i in 1 2 3; do echo $i >/root/d/$i; done; sync'
ok sysct stop --now box
ok tune2fs -e panic "$image"
block=$(debugfs -R "bmap $(own /root/d) 0" "$image" 2>/dev/null)
[ "$block" -gt 0 ] || fail "no block of /root/d: $block"
size=$(dumpe2fs -h "$image" 2>/dev/null | sed -n 's/^Block size: *//p')
head -c "$size" /dev/urandom | dd of="$image" bs="$size" seek="$block" conv=notrunc status=none

ok sysct start box
same "$(field box problem)" "" "problem before anybody has looked"
inside box ls /root/d >"$OUT" 2>&1 || :
if inside box cat /root/d/1 >/dev/null 2>&1; then fail "a file in the damaged directory can be read"; fi
eventually 10 sh -c 'sysct info box --format json | grep -q "file system is damaged"'
same "$(field box state)" running state
if inside box sh -c 'echo x >/root/x' 2>/dev/null; then fail "it can still be written to"; fi
ok inside box true
ok sysct stop --now box

got=0
sysct start box >"$OUT" 2>"$ERR" || got=$?
if [ $got != 0 ]; then
    say "$(cat "$ERR")"
    grep -q '^hint: .*e2fsck' "$ERR" || fail "nothing says how to repair it: $(cat "$ERR")"
    e2fsck -fy "$image" >"$OUT" 2>&1 || [ $? -lt 4 ] || fail "e2fsck could not: $(cat "$OUT")"
    ok sysct start box
fi
same "$(field box problem)" "" "problem after the repair"
ok inside box sh -c 'echo x >/root/x'
ok sysct stop --now box
