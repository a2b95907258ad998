#!/bin/sh
# Every box has its own 65536 ids that nobody else has; on its disk they count from 0.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one two --wait
map() { inside "$1" cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //'; }
python3 - "$(map one)" "$(map two)" <<'EOS'
import sys
ranges = []
for text in sys.argv[1:]:
    inside, outside, count = map(int, text.split())
    assert inside == 0 and count == 65536 and outside >= 65536, text
    ranges.append(range(outside, outside + count))
assert not set(ranges[0]) & set(ranges[1]), ranges
EOS
same "$(inside one cat /proc/self/uid_map)" "$(inside one cat /proc/self/gid_map)" "group ids"
inside one sh -c 'touch /root/mine && touch /root/theirs && chown 1000:65535 /root/theirs'
same "$(inside one stat -c %u:%g /root/mine /root/theirs | tr '\n' ' ')" "0:0 1000:65535 " "owners inside"
ok sysct stop one
# on disk, without any map
debugfs -R "stat $(own /root/theirs)" "$SYSCT_STATE_DIR/containers/one/rootfs.img" 2>/dev/null >"$TEST_TMP/stat"
has "$(cat "$TEST_TMP/stat")" 'User: +1000 +Group: +65535' "owners on disk"
# and the same again after a restart
before=$(map two)
ok sysct restart two
eventually 10 can_attach two
same "$(map two)" "$before" "ids after a restart"
# what cannot be read of one may be what another would get: nothing new is given out, and those who have theirs run on
containers=$SYSCT_STATE_DIR/containers
cp -p "$containers/one/identity" "$TEST_TMP/identity"
echo what >"$containers/one/identity"
ok sysct restart two
eventually 10 can_attach two
same "$(map two)" "$before" "ids beside one that is damaged"
refused 1 "read $containers/one/identity: it is damaged" sysct create three --template busybox
[ ! -d "$containers/three" ] || fail "something is left of it"
ok sysct list
sed '/^ipv4/d' "$containers/two/identity" >"$TEST_TMP/none"
ok sysct stop two
cp "$TEST_TMP/none" "$containers/two/identity"
refused 1 "read $containers/one/identity: it is damaged" sysct start two
has "$(cat "$ERR")" 'hint: .*sysct destroy --force one' "the way out"
cp -p "$TEST_TMP/identity" "$containers/one/identity"
ok sysct start two
