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
# what is asked of a terminal is asked now, and not again of who looks later, whose answer would go into the box's shell
esc=$(printf '\033')
inside box sh -c 'printf "as\033[6nked\033]11;?\007-\033[31mred\r\n" >/dev/console'
asked() { grep -q "as$esc\[6nked$esc]11;?" "$TEST_TMP/one"; }
eventually 5 asked
sleep 3 | timeout 2 sysct console box >"$TEST_TMP/late" 2>&1 || :
has "$(cat "$TEST_TMP/late")" "asked-$esc\[31mred" "what one sees who looks later"
has "$(sysct logs box)" "asked-$esc\[31mred" "the log in a pipe"
has "$(sysct logs --raw box)" "as$esc\[6nked" "the log with all its bytes"
ok sysct stop box
