#!/bin/sh
# kill ends a box at once and nothing is left; --signal sends another; unknown ones are refused.
. "${0%/*}/lib.sh"

mark
busybox box
ok sysct start box --wait
refused 2 'signal' sysct kill --signal NONSENSE box
ok sysct kill --signal HUP box
sleep 0.2
same "$(state_of box)" running "after SIGHUP"
ok sysct kill box
eventually 10 in_state box stopped
ok sysct destroy box
unchanged 10
