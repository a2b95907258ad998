#!/bin/sh
# Two watch at once, both see all; one that leaves or is killed disturbs nobody.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
sleep 30 | sysct console box >"$TEST_TMP/one" 2>&1 &
one=$!
terminal 'quiet=30' -- sysct console box >"$TEST_TMP/two" 2>&1 &
two=$!
defer kill $one $two
sleep 1
inside box sh -c 'echo he""llo >/dev/console'
eventually 5 grep -q hello "$TEST_TMP/two"
kill $two
inside box sh -c 'echo ag""ain >/dev/console'
terminal 'send=\r' 'quiet=0.5' 'send=\x01q' exit=0 -- sysct console box || fail "a new watcher"
# a signal from outside is no leaving by the key
for signal in INT TERM; do
    sleep 3 | {
        expect 130 timeout --preserve-status -s $signal 1 sysct console box
        same "$(cat "$ERR")" "" "what is said of SIG$signal"
    }
done
ok sysct stop box
