#!/bin/sh
# What watches a container holds next to no memory while it waits: pages of its program and of the C library go back, also after it
# has had something to do, and it does its work all the same.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
monitor=$(sed -n 's/^monitor=\([0-9]*\).*/\1/p' "$SYSCT_RUN_DIR/box/state")
# of files, in KiB
mapped() { awk '/^RssFile:/ { print $2 }' "/proc/$monitor/status"; }
small() { [ "$(mapped)" -lt 600 ]; }

has "$(cat "/proc/$monitor/comm")" sysct-monitor "the process"
eventually 5 small
say "waiting: $(mapped) KiB"
inside box sh -c 'yes "a line of some length" | head -c 4000000 >/dev/console'
eventually 5 small
inside box sh -c 'echo still-heard >/dev/console'
eventually 5 grep -q still-heard "$SYSCT_STATE_DIR/containers/box/console.log"
ok sysct stop box
