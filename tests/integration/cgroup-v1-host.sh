#!/bin/sh
# Where v1 is all that is mounted, as on a host of before cgroup2, a box still sees a pure cgroup2 tree of its own, and limits,
# delegation, freezing and killing work as ever: the tests of them, where cgroup2 is taken away from sight.
# timeout: 240
. "${0%/*}/lib.sh"

grep -q " cgroup .*memory" /proc/mounts || skip "this host has no v1 controllers"
unshare -m sh -c 'awk "\$3 == \"cgroup2\" { print \$2 }" /proc/mounts | while read -r at; do umount -l "$at"; done
    sysct doctor --format json' >"$OUT" 2>"$ERR" || :
layout=$(python3 -c 'import json, sys
print(*(one["reason"] for one in json.load(sys.stdin) if one["id"] == "cgroup.layout"))' <"$OUT")
has "$layout" '^v1 with .*memory' "what doctor says of such a host"
for test in cgroup-is-delegated limits-tasks limits-memory limits-cpus limits-io freeze-and-thaw kill-sends-a-signal \
    stop-kills-what-does-not-listen; do
    mkdir "$TEST_TMP/$test"
    TEST_TMP=$TEST_TMP/$test unshare -m sh -c '
        awk "\$3 == \"cgroup2\" { print \$2 }" /proc/mounts | while read -r at; do umount -l "$at"; done
        ! grep -q " cgroup2 " /proc/mounts || exit 1
        exec sh "$0"' "$TESTS_DIR/$test.sh" >"$OUT" 2>&1 || fail "$test: $(tail -n 5 "$OUT")"
    say "$test"
done
