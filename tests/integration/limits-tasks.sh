#!/bin/sh
# limits.tasks: at 6 the seventh process cannot be forked; live, and back to the default.
# shows: limits.tasks
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
ok sysct config set box limits.tasks=6
[ -n "$(on_host 6 pids.max)" ] || fail "the kernel does not know"
forks='n=0; while [ $n -lt 12 ]; do sleep 2 & n=$((n + 1)); done; wait; echo all'
if inside box sh -c "$forks" >"$OUT" 2>"$ERR" && grep -q all "$OUT" && ! grep -q -i fork "$ERR"; then
    fail "twelve more processes where 6 tasks are all: $(cat "$ERR")"
fi
has "$(cat "$ERR")" "fork" "why it failed"
# as few as there are already: nobody can come in
ok sysct config set box limits.tasks=1
refused 125 "fork into the container: Resource temporarily unavailable" sysct attach box -- true
has "$(cat "$ERR")" "no free process left: raise limits.tasks" "the hint"
ok sysct config unset box limits.tasks
same "$(inside box sh -c "$forks")" all "after the limit is gone"
