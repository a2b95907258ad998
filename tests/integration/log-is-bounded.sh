#!/bin/sh
# A box that floods its console does not fill the disk of the host.
. "${0%/*}/lib.sh"

busybox box --set container.console_log_size=1M
ok sysct start box --wait
inside box sh -c 'dd if=/dev/zero bs=1M count=8 2>/dev/null | tr "\\0" x | fold -w 100 >/dev/console'
# shellcheck disable=SC2012 # sizes
kept=$(du -cb "$SYSCT_STATE_DIR"/containers/box/console.log* | tail -n 1 | cut -f 1)
[ "$kept" -le 2200000 ] || fail "the log has $kept bytes"
[ "$kept" -ge 100000 ] || fail "the log has only $kept bytes"
