#!/bin/sh
# What the console printed is still there after the stop, and after the next start.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
inside box sh -c 'echo first-life >/dev/console'
logged() { sysct logs box | grep -q "$1"; }
eventually 5 logged first-life
ok sysct stop box
logged first-life || fail "gone with the stop"
ok sysct start box --wait
inside box sh -c 'echo second-life >/dev/console'
eventually 5 logged second-life
logged first-life || fail "gone with the next start"
same "$(sysct logs box -n 1 | grep -c '')" 1 "-n 1"
timeout 3 sysct logs box -f >"$TEST_TMP/follow" &
sleep 1
inside box sh -c 'echo followed >/dev/console'
wait || :
grep -q followed "$TEST_TMP/follow" || fail "-f does not follow"
