#!/bin/sh
# A run directory without a free byte keeps no container running.
. "${0%/*}/lib.sh"

mkdir "$TEST_TMP/run"
mount -t tmpfs -o size=8m,mode=755 none "$TEST_TMP/run"
defer umount "$TEST_TMP/run"
here() { sysct --run-dir "$TEST_TMP/run" "$@"; }
defer here destroy --force box
ok here create box --template busybox
state() { here list --format csv | sed -n 's/^box,\([a-z]*\),.*/\1/p'; }
fill() { dd if=/dev/zero of="$TEST_TMP/run/fill" bs=4k 2>/dev/null || :; }
started_and_full() {
    rm -f "$TEST_TMP/run/fill"
    ok here start box --wait
    same "$(state)" running state
    fill
}

for how in --now '' --timeout=5; do
    started_and_full
    # shellcheck disable=SC2086 # or none
    ok here stop box $how
    same "$(state)" stopped "state after stop $how"
done
started_and_full
kill -9 "$(sed -n 's/^monitor=\([0-9]*\):.*/\1/p' "$TEST_TMP/run/box/state")"
ok here stop box --now
same "$(state)" stopped "state after a stop without a monitor"
started_and_full
ok here destroy --force box
same "$(here list -q)" "" boxes
