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
# --all means those for which there is something to do, and says nothing of the others
quietly() {
    ok "$@"
    same "$(cat "$ERR")" "" "what $* says"
}
quietly sysct start --all
ok sysct stop two
quietly sysct freeze --all
quietly sysct freeze --all
quietly sysct thaw --all
quietly sysct thaw --all
init=$(field one init_pid)
quietly sysct restart --all
same "$(state_of one) $(state_of two)" "running stopped" "states after restart --all"
[ "$(field one init_pid)" != "$init" ] || fail "restart --all has restarted nothing"
quietly sysct start --all --wait
same "$(state_of one) $(state_of two)" "running running" "states after start --all"
ok sysct stop one
quietly sysct stop --all
quietly sysct stop --all
quietly sysct restart --all
quietly sysct kill --all
same "$(state_of one) $(state_of two)" "stopped stopped" "states at the end"
# what cannot be started is told of
ok sysct config set two container.init=/no/such/init
expect 1 sysct start --all
has "$(cat "$ERR")" '^sysct: start two: ' "what start --all says of one that fails"
ok sysct stop --all
ok sysct destroy one two
