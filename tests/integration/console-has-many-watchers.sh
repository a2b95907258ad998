#!/bin/sh
# Two watch at once, both see all; one that leaves or is killed disturbs nobody.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
sleep 30 | sysct console box >"$TEST_TMP/one" 2>&1 &
one=$!
python3 "$TESTS_DIR/terminal.py" quiet=30 -- sysct console box >"$TEST_TMP/two" 2>&1 &
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
# nor of all who look now: one terminal's answer is enough, of who typed last, and a pipe gives none
watch() {
    python3 "$TESTS_DIR/terminal.py" --timeout=50 "$2" "$3" quiet=50 -- sysct console box >"$TEST_TMP/$1" 2>&1 &
    defer kill $!
    eventually 5 grep -q asked "$TEST_TMP/$1"
}
# ask WORD: in two parts, so that nobody may be changed for another between them
ask() { inside box sh -c "{ printf '$1-\\033['; sleep 0.2; printf '6none-\\033[31m\\r\\n'; } >/dev/console"; }
# shows WHO WORD some|all
shows() {
    part=one
    [ "$3" = some ] || part="${esc}[6none"
    grep -q -F "$2-$part-${esc}[31m" "$TEST_TMP/$1"
}
watch first quiet=0 quiet=0
watch second expect=begin-one 'send=\r'
ask begin
eventually 5 shows first begin all
eventually 5 shows second begin some
eventually 5 shows one begin some
typed() { ask try && shows second try all; }
eventually 10 typed
ask last
eventually 5 shows second last all
eventually 5 shows first last some
eventually 5 shows one last some
ok sysct stop box
