#!/bin/sh
# kill -9 of the monitor: the box goes on, its console works, and stop leaves nothing.
. "${0%/*}/lib.sh"

mark
busybox box
ok sysct start box --wait
inside box sh -c 'sleep 12345 & echo $! >/run/sleeper'
init=$(field box init_pid)
old=$(monitor_of box)
kill -KILL "$old"
renewed() { new=$(monitor_of box) && [ -n "$new" ] && [ "$new" != "$old" ]; }
eventually 10 renewed
same "$(field box init_pid)" "$init" "process id of init"
same "$(state_of box)" running state
inside box sh -c 'kill -0 $(cat /run/sleeper)' || fail "a process of the box ended"
terminal 'send=\r' 'expect=[#$:] ' 'send=\x01q' exit=0 -- sysct console box || fail "console"
inside box sh -c 'echo after-the-kill >/dev/console'
logged() { sysct logs box | grep -q after-the-kill; }
eventually 5 logged
ok sysct stop box
ok sysct destroy box
unchanged
