#!/bin/sh
# restart = on-failure starts a box again whose init died by a signal, and leaves alone one that powered off; always starts
# that one too, and no starts none.
# shows: container.restart
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
ok sysct config set box container.restart=no
ok sysct start box --wait
ok sysct kill box
eventually 20 in_state box stopped
ok sysct config set box container.restart=always "container.init=/bin/sleep 1"
ok sysct start box
init=$(field box init_pid)
other_init() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ]; }
eventually 20 other_init
ok sysct stop box --now
sleep 1
same "$(state_of box)" stopped "after a stop"
