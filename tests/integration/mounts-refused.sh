#!/bin/sh
# timeout: 90
# [mount] is refused where it cannot be, and a link in the rootfs leads nowhere.
. "${0%/*}/lib.sh"

mkdir "$TEST_TMP/src" "$TEST_TMP/canary"
ln -s "$TEST_TMP/src" "$TEST_TMP/link"
busybox box
for bad in mount./proc/x.source=/etc mount./sys.source=/etc mount./dev.source=/etc mount./run/host.source=/etc \
    mount./run.source=/etc mount./a/../b.source=/etc mount./x.source=etc mount./x.source=/ mount./x.options=bla \
    mount./x.type=overlay mount./x.readonly=maybe; do
    expect 2 sysct config set box "$bad"
done
# what does not go together
expect 2 sysct config set box mount./x.type=tmpfs mount./x.source=/etc
expect 2 sysct config set box mount./x.readonly=yes
has "$(cat "$ERR")" 'source is missing' "the reason"
expect 2 sysct config set box mount./x.source=/etc mount./x.options=size=1M
refuse() {
    pattern=$1
    shift
    ok sysct config set box "$@"
    refused 1 "$pattern" sysct start box
    key=${1%%=*}
    [ $# = 1 ] || ok sysct config unset box "${2%%=*}"
    # with its last key the mount is gone
    ok sysct config unset box "$key"
}
refuse 'No such file' "mount./mnt.source=$TEST_TMP/missing"
refuse 'link|levels' "mount./mnt.source=$TEST_TMP/link"
refuse 'place "/nowhere' "mount./nowhere.source=$TEST_TMP/src"
# a link in the rootfs is not followed, neither to its place nor on the way there
debugfs -w "$SYSCT_STATE_DIR/containers/box/rootfs.img" >/dev/null 2>&1 <<EOS
symlink /out $TEST_TMP/canary
EOS
refuse 'levels|link|directory' "mount./out.source=$TEST_TMP/src" mount./out.create=yes
refuse 'levels|link|directory' "mount./out/new.source=$TEST_TMP/src" mount./out/new.create=yes
same "$(ls "$TEST_TMP/canary")" "" "what is behind the link"
# a file system without idmapped mounts: refused, and shown as nobody's when that is wanted
ok sysct config set box mount./mnt.source=/proc/tty
if sysct start box --wait >"$OUT" 2>"$ERR"; then
    ok sysct stop box --now
else
    has "$(cat "$ERR")" '^hint: .*noidmap' "the hint"
    ok sysct config set box mount./mnt.options=noidmap
    ok sysct start box --wait
    same "$(inside box stat -c %u /mnt/drivers)" 65534 "owner without a map"
fi
