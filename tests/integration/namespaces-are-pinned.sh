#!/bin/sh
# Every namespace of a running box is at a path, and tools of the system can enter by it.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
pid=$(field box init_pid)
for ns in cgroup ipc mnt net pid user uts; do
    same "$(stat -L -c %i "$SYSCT_RUN_DIR/box/ns/$ns")" "$(stat -L -c %i "/proc/$pid/ns/$ns")" "pin of $ns"
done
# not by /sys, which stays the host's
same "$(nsenter --net="$SYSCT_RUN_DIR/box/ns/net" ip -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')" "$(field box hwaddr)" nsenter
name=box$("$REPO/scripts/leak-check" id)
has "$(ip netns exec "$name" ip -o addr show dev eth0)" "$(field box ipv4)" "ip netns exec"
same "$(nsenter --uts="$SYSCT_RUN_DIR/box/ns/uts" hostname)" box "host name by nsenter"
ok sysct stop box
[ ! -e "/run/netns/$name" ] || fail "/run/netns keeps the entry"
