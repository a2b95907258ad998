#!/bin/sh
# What keeps the host usable without being asked for: tasks, memory, swap, cgroups below each other and in all, terminals;
# info tells, "none" lifts, "auto" brings back.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
uuid=$(field box uuid)
# named by its UUID, or below a unit of systemd
group() { find /sys/fs/cgroup \( -path "*$uuid/$1" -o -path "*$uuid/payload/$1" -o -path "$(field box cgroup)/$1" \) 2>/dev/null; }
limit() { for f in $(group "$1"); do cat "$f"; done | grep -v max | sort -n | head -n 1 | grep .; }
# v1 or v2
memory() { limit memory.limit_in_bytes || limit memory.max; }

total=$(awk '/^MemTotal/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
python3 - "$(memory)" "$(sysct info box --format json | jq .limits.memory)" "$total" <<'EOS'
import sys
kept, told, total = map(int, sys.argv[1:])
assert kept == told, (kept, told)
assert 0.79 * total < kept <= 0.8 * total, (kept, total)
EOS
same "$(limit pids.max)" "$(sysct info box --format json | jq .limits.tasks)" "tasks"
same "$(sysct info box --format json | jq '.limits.memory / 2 - .limits.swap | . < 2')" true "swap is half of memory"
same "$(limit cgroup.max.descendants) $(limit cgroup.max.depth)" "5000 32" "cgroups"

say "root inside cannot make more"
expect 1 inside box sh -c 'cd /sys/fs/cgroup && i=0 && while [ $i -lt 40 ]; do mkdir x || exit 1; cd x; i=$((i + 1)); done'
has "$(cat "$ERR")" 'unavailable' "cgroups below each other"
same "$(inside box sed -n 's,^devpts /dev/pts devpts .*max=\([0-9]*\).*,\1,p' /proc/mounts)" 1024 "terminals"

say "none and auto"
ok sysct config set box limits.tasks=none limits.memory=none
[ -z "$(limit pids.max)" ] || fail "limits.tasks = none keeps $(limit pids.max)"
same "$(sysct info box --format json | jq -c '[.limits.tasks, .limits.memory]')" '[null,null]' "info"
ok sysct config set box limits.tasks=auto limits.memory=auto
same "$(limit pids.max)" "$(sysct info box --format json | jq .limits.tasks)" "tasks again"
ok sysct stop --now box
