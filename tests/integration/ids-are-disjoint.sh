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
