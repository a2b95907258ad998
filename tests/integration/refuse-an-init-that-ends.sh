#!/bin/sh
# An init that cannot be executed, or ends at once: the start says why.
. "${0%/*}/lib.sh"

busybox box
warm box
inits() { printf '%s\n' "$1" >"$TEST_TMP/init"; debugfs -w -R 'rm /sbin/init' "$image" 2>/dev/null
    printf 'write %s /sbin/init\nset_inode_field /sbin/init mode 0100755\n' "$TEST_TMP/init" | debugfs -w "$image" >/dev/null 2>&1; }
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
mark
inits '#!/no/such/interpreter'
refused 1 'init' sysct start box
unchanged
inits 'neither a program nor a script'
refused 1 'init' sysct start box
unchanged
