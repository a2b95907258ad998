#!/bin/sh
# A start that is killed between making its bridge and marking it as sysct's: the next start goes on with that bridge, and the last
# destroy takes it. One of that name that somebody else has made is refused, and left.
. "${0%/*}/lib.sh"

id=$("$REPO/scripts/leak-check" id)
bridge=sysct0$id
hwaddr() { cat "/sys/class/net/$bridge/address"; }

# one that is not ours, though it has no mark either
mark
defer ip link delete "$bridge"
busybox box
ip link add "$bridge" type bridge
refused 1 "a bridge of that name exists which sysct did not make" sysct start box
# nor one with a mark of another, whatever its address
kept=$(sed -n 's/^hwaddr=//p' "$SYSCT_STATE_DIR/network")
ip link set "$bridge" address "$kept" alias another
refused 1 "a bridge of that name exists which sysct did not make" sysct start box
same "$(cat "/sys/class/net/$bridge/ifalias")" another "the mark"
# what such a start leaves
ip link delete "$bridge"
ip link add "$bridge" address "$kept" type bridge
index=$(cat "/sys/class/net/$bridge/ifindex")
ok sysct start box --wait
same "$(cat "/sys/class/net/$bridge/ifindex")" "$index" "the bridge"
gateway=$(inside box ip route | sed -n 's/^default via \([0-9.]*\).*/\1/p')
ok inside box ping -c 1 -w 5 "$gateway"
ok sysct destroy --force box
unchanged 10
# and with nothing but the destroy after it
busybox box
ok sysct start box
ok sysct stop --now box
kept=$(hwaddr)
ip link delete "$bridge"
ip link add "$bridge" address "$kept" type bridge
ok sysct destroy box
unchanged 10
