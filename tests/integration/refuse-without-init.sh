#!/bin/sh
# No /sbin/init in the box: said so, by name.
. "${0%/*}/lib.sh"

busybox box
warm box
debugfs -w -R 'rm /sbin/init' "$SYSCT_STATE_DIR/containers/box/rootfs.img" 2>/dev/null
mark
refused 1 'sbin/init' sysct start box
unchanged
