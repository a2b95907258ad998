#!/bin/sh
# timeout: 120
# container.cgroup = v1: init finds a v1 hierarchy named systemd that its root may fill, and nothing of it is left; auto gives it to
# a systemd that is too old for cgroup2. Also where the host has not mounted it.
# shows: container.cgroup
. "${0%/*}/lib.sh"

# see BOX: the file system at the place of the tree, and what its root may do there
see() {
    inside "$1" sh -c 'awk "\$2 ~ \"^/sys/fs/cgroup\" { print \$2, \$3 }" /proc/mounts | xargs
        mkdir /sys/fs/cgroup/systemd/mine && echo $$ >/sys/fs/cgroup/systemd/mine/cgroup.procs && sed -n "s/.*:name=systemd://p" /proc/self/cgroup
        mkdir /sys/fs/cgroup/other || echo readonly
        echo $$ >/sys/fs/cgroup/systemd/cgroup.procs' 2>/dev/null | xargs
}
v1='/sys/fs/cgroup tmpfs /sys/fs/cgroup/systemd cgroup /mine readonly'

busybox box
warm box
mark
ok sysct config set box container.cgroup=v1
ok sysct start box --wait
same "$(see box)" "$v1" "the tree"
init=$(field box init_pid)
inside box reboot || :
again() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && can_attach box; }
eventually 30 again
same "$(see box)" "$v1" "the tree after a reboot"
ok sysct freeze box
ok sysct thaw box
ok sysct stop --now box
unchanged

say "more of them below each other than files may be open, by paths that are too long for the kernel"
few() { prlimit --nofile=1024 sysct "$@"; }
nest() {
    inside box sh -c 'cd /sys/fs/cgroup/systemd; hundred=$(yes nested | head -n 100 | tr "\n" /)
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
            mkdir -p $hundred beside && cd -P $hundred 2>/dev/null || exit 1
        done' || fail "nest groups"
}
ok few start box --wait
nest
init=$(field box init_pid)
inside box reboot || :
eventually 30 again
nest
ok few stop --now box
unchanged
ok few start box --wait
same "$(see box)" "$v1" "the tree after them"
nest
ok few destroy --force box
busybox box
warm box
mark

say "auto looks at systemd"
ok sysct start box --wait
inside box sh -c 'mkdir -p /lib/systemd; printf "\177ELF\0systemd 219\0" >/lib/systemd/systemd; printf "\177ELF\0systemd 252\0" >/lib/systemd/new'
ok sysct stop --now box
unchanged
ok sysct config set box container.cgroup=auto
ok sysct start box --wait
same "$(see box)" "$v1" "the tree of an old systemd"
inside box mv /lib/systemd/new /lib/systemd/systemd
ok sysct restart --now box
has "$(see box)" '^/sys/fs/cgroup cgroup2' "the tree of a new systemd"
ok sysct stop --now box
unchanged

say "on a host that has not mounted it"
ok sysct config set box container.cgroup=v1
cat >"$TEST_TMP/without" <<'EOS'
set -e
! grep -q ' /sys/fs/cgroup/systemd ' /proc/mounts || umount /sys/fs/cgroup/systemd
sysct start box --wait
sysct attach -T box -- mkdir /sys/fs/cgroup/systemd/mine </dev/null
sysct restart --now box
sysct attach -T box -- mkdir /sys/fs/cgroup/systemd/mine </dev/null
sysct stop --now box
EOS
ok unshare -m sh "$TEST_TMP/without"
unchanged
