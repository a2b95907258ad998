#!/bin/sh
# Where no process is to be had for a moment, the holder of a killed monitor waits for one and eats no CPU, and a monitor that is
# told to end its box does so as soon as it can.
. "${0%/*}/lib.sh"

for pids in /sys/fs/cgroup/pids /sys/fs/cgroup; do
    group=$pids/scttest$$
    mkdir "$group" 2>/dev/null || continue
    [ ! -f "$group/pids.max" ] || break
    rmdir "$group"
    group=''
done
[ -n "$group" ] || skip "no controller of processes"
defer rmdir "$group"
busybox box

# ticks PID: of CPU so far
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
none() { echo 0 >"$group/pids.max"; }
some() { echo max >"$group/pids.max"; }

ok sysct start box --wait
holder=$(holder_of box)
echo "$holder" >"$group/cgroup.procs"
none
kill -KILL "$(monitor_of box)"
sleep 1
before=$(ticks "$holder")
sleep 2
spent=$(($(ticks "$holder") - before))
[ -z "$(monitor_of box)" ] || fail "there is a monitor: nothing is shown"
[ "$spent" -lt 20 ] || fail "the holder spent $spent ticks in 2 s"
some
has_monitor() { [ -n "$(monitor_of box)" ]; }
eventually 10 has_monitor
eventually 10 in_state box running
ok inside box true

monitor=$(monitor_of box)
echo "$monitor" >"$group/cgroup.procs"
none
kill -TERM "$monitor"
sleep 2
same "$(state_of box)" running "state, while nothing can stop it"
some
eventually 30 in_state box stopped
