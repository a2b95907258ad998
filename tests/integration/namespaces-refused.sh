#!/bin/sh
# What cannot be kept is refused, and the clocks of a box may begin with it.
# shows: namespaces.time
. "${0%/*}/lib.sh"

busybox box
for kind in mnt pid cgroup time user all; do
    expect 2 sysct config set box namespaces.persist=$kind
done
ok sysct config set box network.type=host
expect 2 sysct config set box namespaces.persist=net
ok sysct config set box network.type=veth
expect 2 sysct config set box namespaces.time=old
ok sysct config set box namespaces.time=new
ok sysct start box --wait
uptime=$(inside box cut -d . -f 1 /proc/uptime)
[ "$uptime" -lt 60 ] || fail "it is up for $uptime s"
[ "$(cut -d . -f 1 /proc/uptime)" -gt "$uptime" ] || fail "the host is not older"
ok sysct stop box
ok sysct config set box namespaces.time=host
ok sysct start box --wait
[ "$(inside box cut -d . -f 1 /proc/uptime)" -ge "$(($(cut -d . -f 1 /proc/uptime) - 5))" ] || fail "not the clock of the host"
