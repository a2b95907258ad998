#!/bin/sh
# A state file of an earlier boot, with process ids that are somebody else's now: the box is stopped and starts.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
cp "$SYSCT_RUN_DIR/box/state" "$TEST_TMP/state"
ok sysct stop box
mkdir -m 0700 "$SYSCT_RUN_DIR/box"
sed '/^boot/s/[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*$/00000000-0000-4000-8000-000000000000/' \
    "$TEST_TMP/state" >"$SYSCT_RUN_DIR/box/state"
same "$(state_of box)" stopped state
ok sysct start box --wait
ok inside box true
ok sysct stop box
