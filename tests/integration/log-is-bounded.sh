#!/bin/sh
# A box that floods its console does not fill the disk of the host: two files of at most half of console_log_size each.
# shows: container.console_log_size
. "${0%/*}/lib.sh"

busybox box --set container.console_log_size=1M
ok sysct start box --wait
inside box sh -c 'dd if=/dev/zero bs=1M count=8 2>/dev/null | tr "\\0" x | fold -w 100 >/dev/console'
dir=$SYSCT_STATE_DIR/containers/box
for file in console.log console.log.1; do
    size=$(stat -c %s "$dir/$file")
    [ "$size" -le 524288 ] || fail "$file has $size bytes"
done
[ "$size" -ge 500000 ] || fail "the older half has only $size bytes"
