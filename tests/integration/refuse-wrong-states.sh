#!/bin/sh
# Start of a running box, stop and attach of a stopped one, destroy of a running one.
. "${0%/*}/lib.sh"

busybox box
refused 4 'not run' sysct stop box
refused 4 'not run' sysct freeze box
ok sysct start box --wait
refused 4 'running|runs' sysct start box
refused 4 'running|runs' sysct destroy box
ok inside box true

# between two boots, which is when init has ended and the monitor has not begun the next one
monitor=$(monitor_of box)
kill -STOP "$monitor"
kill -KILL "$(field box init_pid)"
eventually 10 in_state box starting
refused 125 'starting' sysct attach box -- true
has "$(cat "$ERR")" '^hint: sysct wait box --for running$' "the hint"
kill -CONT "$monitor"
eventually 20 in_state box stopped
ok sysct start box --wait
ok sysct destroy --force box
refused 3 'box' sysct start box
