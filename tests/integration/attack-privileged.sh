#!/bin/sh
# timeout: 240
# Nor does root of a privileged one, but for what tests/attack/list calls open, with the reason.
. "${0%/*}/lib.sh"
. "$REPO/tests/attack/boxes.sh"

attack_box box --set security.privileged=yes
attack_run box
ok sysct stop --now box
attack_with rootfs.sh box "$TEST_TMP/canary-rootfs"
attack_judge privileged
