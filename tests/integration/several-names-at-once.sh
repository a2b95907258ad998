#!/bin/sh
# With several names all are tried, and the worst status counts.
. "${0%/*}/lib.sh"

busybox one
busybox two
expect 3 sysct start one missing two BAD
has "$(cat "$ERR")" '^sysct: start BAD: "BAD" is no container name' "the bad name's error"
same "$(state_of one) $(state_of two)" "running running" states
expect 4 sysct start one two
ok sysct stop one two
expect 4 sysct stop one two
ok sysct start --all
ok sysct stop --all
ok sysct destroy one two
