#!/bin/sh
# A box in a directory instead of an image: boots, keeps its files, its owners inside are 0.., no loop device.
# shows: rootfs.directory
. "${0%/*}/lib.sh"

mkdir -p "$TEST_TMP/tree"
mark
create box --template busybox --set "rootfs.directory=$TEST_TMP/tree/box"
ok sysct start box --wait
if ls "$SYSCT_STATE_DIR"/containers/box/rootfs.img 2>/dev/null; then fail "there is an image"; fi
same "$(inside box stat -c %u /etc)" 0 "owner of /etc"
inside box sh -c 'echo kept >/root/file; chown 1000 /root/file'
ok sysct restart box
eventually 10 can_attach box
same "$(inside box cat /root/file)" kept "file after a restart"
same "$(inside box stat -c %u /root/file)" 1000 "owner after a restart"
ok sysct stop box
ok sysct destroy box
[ ! -e "$TEST_TMP/tree/box" ] || fail "the directory that create made is left"
unchanged
