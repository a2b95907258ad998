#!/bin/sh
# kill -9 of the holder: the box goes on, its console works, and stop leaves nothing.
. "${0%/*}/lib.sh"

mark
busybox box
ok sysct start box --wait
init=$(field box init_pid)
kill -KILL "$(holder_of box)"
sleep 1
same "$(field box init_pid)" "$init" "process id of init"
same "$(state_of box)" running state
ok inside box true
terminal 'send=\r' 'expect=[#$:] ' 'send=\x01q' exit=0 -- sysct console box || fail "console"
ok sysct stop box
ok sysct destroy box
unchanged
