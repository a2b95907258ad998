#!/bin/sh
# The name of the bridge belongs to something else: it is not touched, the start is refused.
. "${0%/*}/lib.sh"

link=scx$$
printf '[host]\nbridge = %s\n' "$link" >"$TEST_TMP/sysct.conf"
# the name on the host carries the id of the installation
ok sysct --config "$TEST_TMP/sysct.conf" create box --template busybox
defer sysct --config "$TEST_TMP/sysct.conf" destroy --force box
sed -i "s/sysct0/$link/" "$SYSCT_STATE_DIR/containers/box/config"
ok sysct --config "$TEST_TMP/sysct.conf" start box
real=$link$("$REPO/scripts/leak-check" id)
ok sysct --config "$TEST_TMP/sysct.conf" stop box
eventually 5 ip link delete "$real"
ip link add "$real" type veth peer name "scy$$"
defer ip link delete "$real"
mark
refused 1 "$link" sysct --config "$TEST_TMP/sysct.conf" start box
has "$(ip -d link show "$real")" 'veth' "the link of somebody else"
unchanged
