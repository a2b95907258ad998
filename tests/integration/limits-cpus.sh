#!/bin/sh
# timeout: 90
# limits.cpus: a busy loop gets the share that is given, half or a fifth of a CPU; cpuset keeps it on one CPU; all of it live.
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
ok sysct config unset box limits.cpuset
has "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" '^0(-[0-9]+)?$' "CPUs in use again"
[ "$cpus" = 1 ] || has "$(inside box sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" '-' "all CPUs"
refused 1 'limits\.cpuset' sysct config set box limits.cpuset=8000
for bad in 3-1 x 1,,2 5,4 1-99999; do
    expect 2 sysct config set box "limits.cpuset=0,$bad"
done
