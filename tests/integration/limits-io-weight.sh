#!/bin/sh
# timeout: 90
# limits.io_weight: on a disk with the bfq scheduler the box with the larger weight reads more, and the other one once the
# weights are changed while both read.
# shows: limits.io_weight
. "${0%/*}/lib.sh"

modprobe -q bfq 2>/dev/null || :
# a disk of our own: whose it is decides which scheduler it has
disk=$TEST_TMP/disk
truncate -s 192M "$TEST_TMP/disk.img"
mke2fs -q -t ext4 -F "$TEST_TMP/disk.img"
loop=$(losetup --find --show "$TEST_TMP/disk.img")
defer losetup --detach "$loop"
number=$(stat -c %Hr:%Lr "$loop")
queue=/sys/block/${loop#/dev/}/queue
mkdir "$disk"
defer umount -l "$disk"
mount -o noatime "$loop" "$disk"
head -c 100M /dev/zero >"$disk/file"
sync "$disk/file"

busybox small --set limits.io_weight=1 --set "mount./disk.source=$disk" --set mount./disk.create=yes
busybox large --set limits.io_weight=10000 --set "mount./disk.source=$disk" --set mount./disk.create=yes
ok sysct start small large --wait
# bfq's scale ends at 1000
[ -n "$(on_host 'default 10000' io.weight)$(on_host 'default 1000' io.bfq.weight)$(on_host 1000 blkio.bfq.weight)" ] || fail "no weight of 10000"
# the device keeps it for whoever is next
scheduler=$(sed 's/.*\[\(.*\)\].*/\1/' "$queue/scheduler")
defer sh -c "echo '$scheduler' >'$queue/scheduler'"
if ! echo bfq >"$queue/scheduler" 2>/dev/null; then
    say "this kernel has no bfq: all that can be seen is that the weight is set"
    exit 0
fi
# no favours for who has just begun, and the real disk below, not the host's memory
echo 0 >"$queue/iosched/low_latency"
losetup --direct-io=on "$loop" || say "through the host's memory"

# read_by BOX: bytes that its group has read from that disk
read_by() {
    uuid=$(sed -n 's/^uuid=//p' "$SYSCT_STATE_DIR/containers/$1/identity")
    find /sys/fs/cgroup -path "*/sysct*/$uuid/*" \( -name io.stat -o -name blkio.bfq.io_service_bytes \) \
        -exec sed -n "s/^$number .*rbytes=\([0-9]*\).*/\1/p; s/^$number Read \([0-9]*\)/\1/p" {} + | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
readers='for i in 1 2 3 4; do timeout 2 sh -c "while dd if=/disk/file of=/dev/null bs=128k iflag=direct 2>/dev/null; do :; done" & done; wait'
# race: what each of them reads when both do, in KiB
race() {
    small=$(read_by small) large=$(read_by large)
    inside small sh -c "$readers" >/dev/null 2>&1 &
    inside large sh -c "$readers" >/dev/null 2>&1 || :
    wait $! || :
    small=$((($(read_by small) - small) / 1024))
    large=$((($(read_by large) - large) / 1024))
    say "small read $small KiB, large $large KiB"
}
race
[ "$large" -ge 1024 ] || fail "nothing is read"
[ "$large" -ge $((small * 3)) ] || fail "a weight of 10000 read $large KiB, one of 1 $small KiB"
ok sysct config set small limits.io_weight=10000
ok sysct config set large limits.io_weight=1
race
[ "$small" -ge $((large * 3)) ] || fail "changed, a weight of 10000 read $small KiB, one of 1 $large KiB"
ok sysct config unset small limits.io_weight
same "$(sysct config get small limits.io_weight)" none "the weight"
