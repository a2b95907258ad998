#!/bin/sh
# Three hundred in a row: no process, no descriptor, no mount, no memory more than before.
# timeout: 120
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
monitor=$(monitor_of box)
holder=$(holder_of box)
count() {
    {
        find "/proc/$monitor/fd" "/proc/$holder/fd" | wc -l
        inside box ps | wc -l
        wc -l </proc/self/mountinfo
        inside box sh -c 'wc -l </proc/mounts; ls /dev/pts | wc -l; find /sys/fs/cgroup -type d | wc -l'
    } | tr '\n' ' '
}
inside box true
mark
before=$(count)
n=0
while [ $n -lt 300 ]; do
    sysct attach box -- true </dev/null || fail "attach $n"
    n=$((n + 1))
done
unchanged
same "$(count)" "$before" "descriptors, processes, mounts, terminals, groups"
