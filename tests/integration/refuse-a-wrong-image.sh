#!/bin/sh
# The image is missing, no ext4, or cut short.
. "${0%/*}/lib.sh"

busybox box
warm box
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
mv "$image" "$TEST_TMP/away"
mark
refused 1 'rootfs.img' sysct start box
unchanged
truncate -s 10M "$image"
refused 1 'ext4' sysct start box
rm "$image"
mkfs.ext4 -q "$image" 64M
mkfs.ext2 -q -F -O ^has_journal "$image"
truncate -s 20M "$image"
expect 1 sysct start box
has "$(cat "$ERR")" 'rootfs.img' "the reason"
rm "$image"
unchanged
mv "$TEST_TMP/away" "$image"
ok sysct start box
