#!/bin/sh
# timeout: 120
# A container that may use fuse, and serves an /etc of its own that never answers, holds nobody up: what looks there gives
# up, says so, and keeps no lock; it is stopped as any other.
. "${0%/*}/lib.sh"

[ -c /dev/fuse ] || modprobe fuse 2>/dev/null || skip "no fuse on this host"
busybox box --set device.fuse=yes
ok sysct start box --wait
ok sysct attach -T box -- sh -c 'cat >/hang && chmod 0755 /hang' <"$SYSCT_BUILD_DIR/tests/attack-inside"
inside box /hang hang /etc
# both at once: each waits its own time
rc=0
timeout -k 1 40 sysct attach -T box -- true >"$TEST_TMP/attach" 2>&1 </dev/null &
attach=$!
mkdir "$TEST_TMP/source"
timeout -k 1 40 sysct config set box "mount./etc/x.source=$TEST_TMP/source" mount./etc/x.create=yes >"$OUT" 2>"$ERR" || rc=$?
same $rc 6 "status of config set"
has "$(cat "$ERR")" 'does not answer' "the reason"
rc=0
wait $attach || rc=$?
same $rc 125 "status of attach"
has "$(cat "$TEST_TMP/attach")" '^sysct: attach box: ' "what attach says"
for command in 'info box' list 'logs box'; do
    # shellcheck disable=SC2086 # a command
    ok timeout -k 1 20 sysct $command
done
ok timeout -k 1 40 sysct stop --now box
