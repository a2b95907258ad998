#!/bin/sh
# A frozen box does nothing until it is thawed; a stop gets through.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
inside box sh -c 'while :; do echo x >>/root/beat; sleep 0.05; done >/dev/null 2>&1 &'
beats() { inside box sh -c 'wc -c </root/beat'; }
eventually 5 beats
ok sysct freeze box
same "$(state_of box)" frozen state
sleep 0.5
ok sysct thaw box
a=$(beats)
same "$(state_of box)" running state
sleep 0.5
[ "$(beats)" -gt "$a" ] || fail "it did not go on"
# half a second frozen: not more beats than fit besides
ok sysct freeze box
ok timeout 30 sysct stop --timeout 5 box
same "$(state_of box)" stopped "after a stop of a frozen box"
