#!/bin/sh
# The host loses its power while a box writes and syncs, as copies of its image show that were taken at random moments
# without stopping anything (a clone of a file on XFS is of one moment): each is mended by the next start elsewhere, in
# another installation, and holds all that had been synced before. SYSCT_TEST_CRASHES=N takes N copies instead of 4.
# timeout: 120
. "${0%/*}/lib.sh"

grep -q -w xfs /proc/filesystems || skip "this kernel has no XFS"
most=${SYSCT_TEST_CRASHES:-4}
truncate -s 2G "$TEST_TMP/disk"
ok mkfs.xfs -q -m reflink=1 "$TEST_TMP/disk"
mkdir "$TEST_TMP/xfs"
ok mount -o loop "$TEST_TMP/disk" "$TEST_TMP/xfs"
defer umount "$TEST_TMP/xfs"
here=$SYSCT_STATE_DIR

busybox other # in the installation where the copies are started
other=$here/containers/other/rootfs.img
ok sysct start other # and its host is prepared
ok sysct stop other

# the box that loses its power: its files are on XFS
create_there() {
    SYSCT_STATE_DIR=$TEST_TMP/xfs/state SYSCT_RUN_DIR=$SYSCT_RUN_DIR/there sysct "$@"
}
mkdir -m 0755 "$SYSCT_RUN_DIR/there"
defer rmdir "$SYSCT_RUN_DIR/there"
defer rm -r "$SYSCT_RUN_DIR/there/.host"
defer create_there destroy --force box
ok create_there create box --template busybox --set network.eth0.type=none --size 256M
ok create_there start box --wait
image=$TEST_TMP/xfs/state/containers/box/rootfs.img
# shellcheck disable=SC2016 # for the shell inside
create_there attach -T box -- sh -c '
    mkdir -p /root/data
    sync
    i=0
    while [ $i -lt 100000 ]; do
        i=$((i + 1))
        d=/root/data/$((i % 7))
        mkdir -p $d
        { echo $i; head -c $((i * 37 % 9000)) /dev/zero; echo end; } >$d/$i.new
        mv $d/$i.new $d/$i
        [ $((i % 11)) != 5 ] || rm -f /root/data/*/$((i - 200))
        sync
        echo $i
    done' >"$TEST_TMP/synced" 2>&1 </dev/null &
writer=$!
defer wait $writer
wrote() { [ "$(tail -n 1 "$TEST_TMP/synced")" -gt "$1" ]; }
eventually 20 wrote 5

n=0 dirty=0
while [ $n -lt "$most" ]; do
    n=$((n + 1))
    python3 -c 'import random, time; time.sleep(random.random() * 0.3)'
    synced=$(tail -n 1 "$TEST_TMP/synced")
    ok cp --reflink=always "$image" "$TEST_TMP/xfs/copy"
    if dumpe2fs -h "$TEST_TMP/xfs/copy" 2>/dev/null | grep -q '^Filesystem state: *not clean\|needs_recovery'; then
        dirty=$((dirty + 1))
    fi
    cp --sparse=always "$TEST_TMP/xfs/copy" "$other"
    ok sysct start other
    first=$((synced > 180 ? synced - 180 : 1))
    # shellcheck disable=SC2016 # for the shell inside
    inside other sh -c '
        i=$1
        while [ $i -le $2 ]; do
            f=/root/data/$((i % 7))/$i
            [ "$(head -n 1 $f)" = $i ] && [ "$(tail -n 1 $f | tr -d "\000")" = end ] &&
                [ $(wc -c <$f) = $((${#i} + 1 + i * 37 % 9000 + 4)) ] || { echo "file $i is not whole"; exit 1; }
            i=$((i + 1))
        done' sh $first "$synced" >"$OUT" 2>&1 || fail "copy $n, synced up to $synced: $(cat "$OUT")"
    ok sysct stop --now other
    ok e2fsck -f -n "$other"
done
say "$n copies, $dirty of them not cleanly unmounted; $(tail -n 1 "$TEST_TMP/synced") files were synced meanwhile"
[ $dirty = $n ] || fail "only $dirty of $n copies were of one that ran"
kill $writer 2>/dev/null || :
