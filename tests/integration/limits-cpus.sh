#!/bin/sh
# timeout: 90
# limits.cpus: a busy loop gets the share that is given, half or a fifth of a CPU; cpuset keeps it on one CPU, and of one CPU
# two boxes get as their weights are; all of it live.
# shows: limits.cpus limits.cpu_weight limits.cpuset
. "${0%/*}/lib.sh"

busybox box --set limits.cpus=0.5 --set limits.cpu_weight=50
ok sysct start box --wait
# share SECONDS: thousandths of a CPU that a busy loop got, by its own account
share() {
    # shellcheck disable=SC2046 # words
    set -- "$1" $(inside box sh -c "timeout $1 sh -c 'while :; do :; done'; cut -d ' ' -f 16,17 /proc/\$\$/stat")
    echo $((($2 + $3) * 10 / $1))
}
half=$(share 4)
ok sysct config set box limits.cpus=0.2
fifth=$(share 4)
say "half: $half, a fifth: $fifth thousandths"
[ "$half" -le 650 ] || fail "$half thousandths of a CPU where 500 are given"
[ "$fifth" -le 300 ] || fail "$fifth thousandths of a CPU where 200 are given"
[ "$fifth" -ge 50 ] || fail "nothing runs: $fifth thousandths"
[ $((half * 10)) -ge $((fifth * 14)) ] || fail "$half at 0.5 and $fifth at 0.2"
# v2 or v1
[ -n "$(on_host 50 cpu.weight)$(on_host 512 cpu.shares)" ] || fail "no weight of 50"
cpus=$(grep -c ^processor /proc/cpuinfo)
ok sysct config set box limits.cpuset=0
same "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" 0 "CPUs in use"
# both on that CPU, for the same time
busybox other --set limits.cpuset=0 --set limits.cpu_weight=1000
ok sysct start other --wait
ok sysct config unset box limits.cpus
# used BOX: microseconds of CPU so far
used() {
    path=$(field "$1" cgroup)
    if [ -n "$path" ]; then
        sed -n 's/^usage_usec //p' "$path/cpu.stat"
    else
        # no cgroup2 is mounted
        uuid=$(sed -n 's/^uuid=//p' "$SYSCT_STATE_DIR/containers/$1/identity")
        echo $(($(find /sys/fs/cgroup -path "*/sysct*$uuid/cpuacct.usage" -exec cat {} +) / 1000))
    fi
}
running() { [ "$(inside "$1" cat /tmp/loops)" = 1 ]; }
# race: what each gets while both run
race() {
    loops=''
    for name in box other; do
        sysct attach -T $name -- sh -c 'echo 1 >/tmp/loops; while :; do :; done' </dev/null >/dev/null 2>&1 &
        loops="$loops $!"
        eventually 10 running $name
    done
    light=$(used box) heavy=$(used other)
    sleep 2
    light=$((($(used box) - light) / 1000)) heavy=$((($(used other) - heavy) / 1000))
    for name in box other; do inside $name rm /tmp/loops; done
    # shellcheck disable=SC2086 # a list
    kill $loops
    wait
    say "box: $light, other: $heavy milliseconds"
}
race
[ "$heavy" -ge $((light * 3)) ] || fail "a weight of 1000 got $heavy ms, one of 50 $light ms"
ok sysct config set other limits.cpu_weight=1
race
[ "$light" -ge $((heavy * 3)) ] || fail "a weight of 50 got $light ms, one of 1 $heavy ms"
ok sysct destroy --force other
ok sysct config unset box limits.cpuset
has "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" '^0(-[0-9]+)?$' "CPUs in use again"
[ "$cpus" = 1 ] || has "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" '-' "all CPUs"
# a start moves its own processes about, and takes that back; what its caller is kept from is the caller's alone
allowed() { sed -n 's/^Cpus_allowed_list:.//p' "$1"; }
same "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/1/status)" "$(allowed /proc/self/status)" "CPUs that init has again"
ok sysct stop box
ok taskset -c 0 sysct start box --wait
same "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/1/status)" "$(allowed /proc/self/status)" "CPUs of init, of a caller who has one"
same "$(allowed "/proc/$(monitor_of box)/status")" "$(allowed /proc/self/status)" "CPUs of its monitor"
same "$(allowed "/proc/$(holder_of box)/status")" "$(allowed /proc/self/status)" "CPUs of its holder"
refused 1 'limits\.cpuset' sysct config set box limits.cpuset=8000
for bad in 3-1 x 1,,2 5,4 1-99999; do
    expect 2 sysct config set box "limits.cpuset=0,$bad"
done
