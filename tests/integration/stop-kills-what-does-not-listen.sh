#!/bin/sh
# timeout: 90
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
# meanwhile all see that it is to end; a stop that is given up, or killed, leaves it running
for signal in INT KILL; do
    ok sysct start box --wait
    kill -STOP "$(field box init_pid)"
    sysct stop --timeout 100 box 2>/dev/null &
    stopper=$!
    eventually 5 in_state box stopping
    same "$(field box state)" stopping "state by info"
    same "$(sysct list --running -q)" box "what runs"
    ok sysct wait box --for running --timeout 1
    # which is waited for as long as any other command
    [ $signal = KILL ] || refused 4 "is busy: process $stopper .sysct stop.* works on it" sysct start box
    kill -$signal $stopper
    wait $stopper || :
    same "$(state_of box)" running "state after SIG$signal"
    kill -CONT "$(field box init_pid)"
    ok timeout 10 sysct stop --now box
done
ok sysct destroy box
unchanged
