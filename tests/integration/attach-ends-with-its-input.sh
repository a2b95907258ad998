#!/bin/sh
# The end of standard input is the end inside too, and a reader that goes away ends the command.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
same "$(printf 'one\ntwo' | timeout 10 sysct attach box -- wc -c | tr -d ' ')" 7 "bytes until the end"
same "$(timeout 10 sysct attach box -- cat </dev/null)" "" "nothing at all"
timeout 20 sysct attach box -- cat /dev/zero 2>/dev/null | head -c 100000 >/dev/null
# a command that reads nothing ends by itself though its input is open
mkfifo "$TEST_TMP/open"
sleep 20 >"$TEST_TMP/open" &
defer kill $!
ok timeout 10 sysct attach box -- true <"$TEST_TMP/open"
gone() { ! inside box pgrep -f 'cat /dev/zero'; }
eventually 5 gone
