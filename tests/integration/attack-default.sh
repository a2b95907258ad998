#!/bin/sh
# timeout: 240
# Root of a default container does not get out: all that tests/attack/list has is tried, and fails.
. "${0%/*}/lib.sh"
. "$REPO/tests/attack/boxes.sh"

attack_box box
attack_run box
attack_with accounts.sh box
attack_with names.sh box "$TEST_TMP/canary-names"
ok sysct stop --now box
attack_with rootfs.sh box "$TEST_TMP/canary-rootfs"
attack_judge default
