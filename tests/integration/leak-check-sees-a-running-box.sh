#!/bin/sh
# The check that all these tests rely on does see a box: each kind of thing that it has on the host.
. "${0%/*}/lib.sh"

mark
busybox seen
ok sysct start seen
if "$REPO/scripts/leak-check" compare "$TEST_TMP/mark" --wait 0 >"$TEST_TMP/seen"; then
    fail "a running box is not seen"
fi
for kind in 'loop loop[0-9]*: .*/seen/rootfs.img' 'mount .*/seen/ns' 'mount .*/seen/ns/net' 'link sct.*' 'link sysct0.*' \
    'nft table [a-z]* sysct.*' 'cgroup .*/sysct.*/.*' 'netns .*/seen.*' 'process .*sysct-holder.*' \
    'process .*sysct-monitor.*' 'file .*/seen/state' 'file .*/seen/control' 'file .*/containers/seen'; do
    grep -q -x "left: $kind" "$TEST_TMP/seen" || {
        cat "$TEST_TMP/seen"
        fail "not seen: $kind"
    }
done

say "tables of nobody"
table=$(printf 'sysct-%06x' $$)
strange=$(mktemp -d /run/sysct-test-XXXXXX)
defer rm -rf "$strange"
mark
nft add table bridge "$table"
defer sh -c "nft delete table bridge $table 2>/dev/null || :"
if "$REPO/scripts/leak-check" compare "$TEST_TMP/mark" --wait 0 >"$TEST_TMP/seen"; then
    fail "a table of no installation is not seen"
fi
has "$(cat "$TEST_TMP/seen")" "^left: stray nft table bridge $table\$" "what is seen"
# until an installation says that it is its own
mkdir "$strange/.host"
printf 'table inet %s\n' "$table" >"$strange/.host/nft"
unchanged 10
nft delete table bridge "$table"
unchanged 10
