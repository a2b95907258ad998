#!/bin/sh
# restart = on-failure starts a box again whose init died by a signal, and leaves alone one that powered off.
. "${0%/*}/lib.sh"

busybox box --set container.restart=on-failure
ok sysct start box --wait
init=$(field box init_pid)
ok sysct kill box
again() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && inside box true; }
eventually 20 again
inside box poweroff || :
eventually 20 in_state box stopped
sleep 2
same "$(state_of box)" stopped "after a poweroff"
