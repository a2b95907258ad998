#!/bin/sh
# An init that cannot be executed, or ends at once: the start says why. The host name that it was to have is no later one's.
. "${0%/*}/lib.sh"

busybox box
warm box
inits() { printf '%s\n' "$1" >"$TEST_TMP/init"; debugfs -w -R 'rm /sbin/init' "$image" 2>/dev/null
    printf 'write %s /sbin/init\nset_inode_field /sbin/init mode 0100755\n' "$TEST_TMP/init" | debugfs -w "$image" >/dev/null 2>&1; }
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
mark
ok sysct config set box container.hostname=other.example container.init=/sbin/none
refused 1 '/sbin/none' sysct start box
ok sysct config set box container.hostname=box container.init=/sbin/init
ok sysct start box
same "$(inside box cat /etc/hostname) $(inside box grep 127.0.1.1 /etc/hosts)" "box 127.0.1.1	box" "names after a start that failed"
ok sysct stop --now box
unchanged
inits '#!/no/such/interpreter'
refused 1 'init' sysct start box
unchanged
inits 'neither a program nor a script'
refused 1 'init' sysct start box
unchanged
