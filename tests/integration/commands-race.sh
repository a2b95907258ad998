#!/bin/sh
# timeout: 240
# Any two of create, start, stop, destroy, config set, restart, kill, freeze, thaw and attach of one box, at the same time: where
# they exclude each other one wins and the other says why, and what is there afterwards is what some order of the two comes
# to. See races.py.
. "${0%/*}/lib.sh"

defer remove raced
busybox other    # so that what boxes share stays, and is not what is measured
warm other
mark
python3 "$TESTS_DIR/races.py" raced 15 || fail "two commands at once"
remove raced
unchanged
