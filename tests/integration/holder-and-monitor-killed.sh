#!/bin/sh
# Both killed: list and info tell the truth, stop works, nothing is left.
. "${0%/*}/lib.sh"

mark
busybox box
ok sysct start box --wait
kill -KILL "$(holder_of box)" "$(monitor_of box)"
sleep 0.5
ok timeout 5 sysct list
has "$(state_of box)" '^(running|stopped)$' state
expect_stop() { sysct stop box || [ $? = 4 ]; }
ok timeout 40 sysct stop --timeout 5 box
same "$(state_of box)" stopped "state after the stop"
ok sysct start box --wait
ok inside box true
# who looks while it is asked to end sees that, also where no monitor has been told
kill -STOP "$(field box init_pid)"
kill -KILL "$(holder_of box)" "$(monitor_of box)"
sysct stop --timeout 100 box 2>/dev/null &
stopper=$!
defer kill $stopper
eventually 5 in_state box stopping
kill -INT $stopper
wait $stopper || :
same "$(state_of box)" running "state after a stop that was given up"
ok sysct stop --now box
ok sysct destroy box
unchanged
