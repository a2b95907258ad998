#!/bin/sh
# A box sees a pure cgroup2 tree of its own and may use it; limits stand on the host side, out of its reach.
. "${0%/*}/lib.sh"

busybox box --set limits.memory=64M --set limits.tasks=100
ok sysct start box --wait
same "$(inside box sh -c 'grep " /sys/fs/cgroup" /proc/mounts | cut -d " " -f 3')" cgroup2 "what is mounted"
ok inside box sh -c 'mkdir /sys/fs/cgroup/mine && sh -c "echo \$\$ >/sys/fs/cgroup/mine/cgroup.procs && grep -q mine /proc/self/cgroup" && sleep 0.1; rmdir /sys/fs/cgroup/mine'
# what controllers the host has in cgroup2, or systemd gave to its unit, the box has, to give on to groups of its own
given=" $(inside box cat /sys/fs/cgroup/cgroup.controllers) "
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
case $(field box cgroup) in *.service/payload) root=$(dirname "$(field box cgroup)") ;; esac
for controller in ${root:+$(cat "$root/cgroup.controllers")}; do
    case $given in *" $controller "*) ;; *) fail "no $controller inside:$given" ;; esac
done
# how long its tasks wait is counted where it can be asked, not again around it, where a host has that (Linux 6.1, PSI)
group=$(field box cgroup)
if [ -e "$group/cgroup.pressure" ]; then
    has "$(inside box cat /sys/fs/cgroup/cpu.pressure)" '^some avg10=' "the pressure inside"
    case $group in
    *.service/payload) ;;
    *) same "$(cat "$group/../cgroup.pressure" "$group/../../cgroup.pressure" "$group/.sysct/cgroup.pressure")" "$(printf '0\n0\n0')" "the pressure around it" ;;
    esac
fi
# paths are relative to the box
if inside box grep -E 'sysct|^0::/\.\.' /proc/1/cgroup; then fail "the box sees where it is"; fi
# the host's side: v2 or v1, whichever has the controller
found=$(on_host 67108864 memory.max memory.limit_in_bytes)
[ -n "$found" ] || fail "no limit of 64M on the host"
# a box that looks finds its own
if inside box test -e /sys/fs/cgroup/memory.max; then
    same "$(inside box cat /sys/fs/cgroup/memory.max)" 67108864 "the limit that the box sees"
fi
[ -n "$(on_host 100 pids.max)" ] || fail "no limit of 100 tasks on the host"
inside box sh -c 'for f in $(find /sys/fs/cgroup -name memory.max -o -name pids.max); do echo max >$f; done' 2>/dev/null || :
same "$(cat "$found")" 67108864 "the limit after the box tried to lift it"
# it holds: what asks for more is killed, the box lives on
if inside box sh -c 'head -c 200m /dev/zero | tail' >/dev/null 2>&1; then fail "200M in 64M"; fi
ok inside box true
