#!/bin/sh
# The host has lost its power with boxes running, and boots: what is left of the runs is of another boot, with pids that are
# somebody else's now; the images were not cleanly unmounted, and one is damaged so that e2fsck -p gives up. autostart starts
# those that it can, in their order, and says of the other what mends it, which it does.
# timeout: 120
. "${0%/*}/lib.sh"

for box in last first broken; do
    busybox $box --set container.autostart=yes --size 256M
done
ok sysct config set first container.autostart_priority=20
ok sysct config set broken container.autostart_priority=10
ok sysct start last first broken
for box in last first broken; do
    ok inside $box sh -c 'echo kept >/root/file; sync; echo more >/root/more'
    mkdir "$TEST_TMP/$box"
    ok sysct freeze $box
    cp --sparse=always "$SYSCT_STATE_DIR/containers/$box/rootfs.img" "$TEST_TMP/$box/"
    cp "$SYSCT_RUN_DIR/$box/state" "$SYSCT_RUN_DIR/$box/config" "$SYSCT_RUN_DIR/$box/filter" "$TEST_TMP/$box/"
    ok sysct thaw $box
    dumpe2fs -h "$TEST_TMP/$box/rootfs.img" 2>/dev/null | grep -q '^Filesystem state: *not clean\|needs_recovery' ||
        fail "the image of $box is a clean one"
done
ok sysct stop --now last first broken
# now the host is as after its boot, but for files that a run directory on a disk would still have
sleep 12345 &
other=$!
defer kill $other
for box in last first broken; do
    cp --sparse=always "$TEST_TMP/$box/rootfs.img" "$SYSCT_STATE_DIR/containers/$box/rootfs.img"
    mkdir -m 0700 "$SYSCT_RUN_DIR/$box"
    sed "s/^boot_id=.*/boot_id=00000000-0000-4000-8000-000000000000/
         s/^\(init\|monitor\|holder\|starter\)=.*/\1=$other:$(sed 's/.*) //' /proc/$other/stat | cut -d ' ' -f 20)/" \
        "$TEST_TMP/$box/state" >"$SYSCT_RUN_DIR/$box/state"
    cp "$TEST_TMP/$box/config" "$TEST_TMP/$box/filter" "$SYSCT_RUN_DIR/$box/"
    : >"$SYSCT_RUN_DIR/$box/control"
done
image=$SYSCT_STATE_DIR/containers/broken/rootfs.img
debugfs -w -R 'clri <2>' "$image" >"$OUT" 2>&1 || fail "damage it: $(cat "$OUT")"
for box in last first broken; do
    same "$(state_of $box)" stopped "state of $box"
done

expect 1 sysct autostart
has "$(cat "$ERR")" 'first: cleaned up what was left of an earlier boot' "note"
has "$(cat "$ERR")" "^sysct: autostart broken: .*$image: it is damaged, and e2fsck -p does not mend that" "the broken one"
command=$(sed -n 's/^hint: .*then: \(e2fsck -f .*\)$/\1/p' "$ERR")
has "$(cat "$ERR")" "^hint: .*e2fsck -f $image\$" "what mends it"
same "$(sed -n 's/^sysct: \(autostart \)*\([a-z]*\): \(cleaned\|step\).*/\2/p' "$ERR" | uniq | xargs)" "first broken last" "the order"
kill -0 $other || fail "a process was killed that has the pid of one of an earlier boot"
for box in last first; do
    ok sysct wait $box --for booted
    same "$(inside $box cat /root/file)" kept "what was synced in $box"
    ok sysct stop --now $box
    ok e2fsck -f -n "$SYSCT_STATE_DIR/containers/$box/rootfs.img"
done
mended=0
# the hint's own command, with each of its questions answered by yes
${command:?} -y >"$OUT" 2>&1 || mended=$?
[ $mended -lt 4 ] || fail "$command: status $mended: $(cat "$OUT")"
ok e2fsck -f -n "$image"
lost=$(debugfs -R 'ls -p /lost+found' "$image" 2>/dev/null | grep -c '/#')
[ "$lost" -gt 5 ] || fail "nothing was found again: $lost"
