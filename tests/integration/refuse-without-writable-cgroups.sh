#!/bin/sh
# A cgroup tree that cannot be written: said so, with a hint.
. "${0%/*}/lib.sh"

busybox box
warm box
mark
cat >"$TEST_TMP/frozen" <<'EOS'
set -e
awk '$3 ~ /^cgroup/ { print $2 }' /proc/self/mounts | while read -r m; do mount -o remount,bind,ro "$m"; done
exec "$@"
EOS
refused 1 'cgroup' unshare -m sh "$TEST_TMP/frozen" sysct start box
unchanged
ok sysct start box
