#!/bin/sh
# Of several starts at once exactly one wins, the others say that it runs.
. "${0%/*}/lib.sh"

busybox box
for round in 1 2 3; do
    for n in 1 2 3 4; do
        (
            rc=0
            sysct start box 2>"$TEST_TMP/err-$n" || rc=$?
            echo $rc >"$TEST_TMP/rc-$n"
        ) &
    done
    wait
    same "$(sort "$TEST_TMP"/rc-[1-4] | tr '\n' ' ')" "0 4 4 4 " "statuses in round $round"
    ok inside box true
    ok sysct stop box
done
