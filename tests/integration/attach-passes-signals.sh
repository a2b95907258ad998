#!/bin/sh
# A signal to attach reaches the command, not only attach.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
# shellcheck disable=SC2016 # for the box
sysct attach -T box -- sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >"$TEST_TMP/said" &
client=$!
eventually 10 grep -q ready "$TEST_TMP/said"
kill -TERM $client
rc=0
wait $client || rc=$?
same $rc 9 "exit status"
has "$(cat "$TEST_TMP/said")" got "the command"
# a command that does not mind ends when attach is killed: it must not stay behind without anybody who reads it
sysct attach -T box -- sh -c 'echo ready2; exec sleep 1000' >"$TEST_TMP/said" &
client=$!
eventually 10 grep -q ready2 "$TEST_TMP/said"
kill -INT $client
rc=0
wait $client || rc=$?
same $rc 130 "exit status after SIGINT"
gone() { ! inside box pgrep -f 'sleep 1000'; }
eventually 5 gone
