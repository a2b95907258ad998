#!/bin/sh
# A package or an index that was changed on the mirror: status 5, nothing is left, nothing of it is used later.
# timeout: 120
. "${0%/*}/lib.sh"

mirror
mark
cp -rL "$MIRROR" "$TEST_TMP/bad"
flip() {
    python3 - "$1" <<'EOS'
import sys
with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    for n in range(len(data) // 2, len(data) // 2 + 8):
        data[n] ^= 0x55
    f.seek(0)
    f.write(data)
EOS
}
packages=$TEST_TMP/bad/v3.19/main/x86_64
for victim in busybox-1.36.1-r15.apk musl-1.2.4_git20230717-r4.apk apk-tools-2.14.0-r5.apk APKINDEX.tar.gz; do
    [ -f "$packages/$victim" ] || fail "the mirror has no $victim"
    cp "$packages/$victim" "$TEST_TMP/good"
    flip "$packages/$victim"
    refused 5 'verif' sysct -q create box --template alpine --mirror "$TEST_TMP/bad"
    cp "$TEST_TMP/good" "$packages/$victim"
done
unchanged
# mended, it works: nothing bad was kept
create box --template alpine --mirror "$TEST_TMP/bad"
