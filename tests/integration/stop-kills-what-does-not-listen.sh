#!/bin/sh
# An init that ignores the request is killed after the timeout, with all its children; stop says so.
. "${0%/*}/lib.sh"

mark
busybox box
ok sysct start box --wait
# init frozen by a signal of the host cannot listen
kill -STOP "$(field box init_pid)"
begin=$(date +%s)
ok sysct stop --timeout 2 box
[ $(($(date +%s) - begin)) -le 10 ] || fail "it took long"
has "$(cat "$ERR")" 'kill' "what it says"
ok sysct start box --wait
ok timeout 10 sysct stop --now box
ok sysct destroy box
unchanged
