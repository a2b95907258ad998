#!/bin/sh
# A start that is killed at any moment leaves nothing that the next command does not mend.
# timeout: 180
. "${0%/*}/lib.sh"

busybox box
warm box
mark
n=0
while [ $n -lt 20 ]; do
    sysct start box >/dev/null 2>&1 &
    starter=$!
    python3 -c 'import sys, time; time.sleep(int(sys.argv[1]) * 0.003)' $n
    kill -KILL $starter 2>/dev/null || :
    wait $starter 2>/dev/null || :
    sysct stop --now box >/dev/null 2>&1 || rc=$?
    case ${rc:-0} in 0 | 4) ;; *) fail "stop after a killed start: status $rc" ;; esac
    unchanged 10
    n=$((n + 1))
done
ok sysct start box --wait
ok inside box true
ok sysct stop box
unchanged
