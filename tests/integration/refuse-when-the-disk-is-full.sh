#!/bin/sh
# The disk fills up during create: said so, and all space is free again.
# timeout: 120
. "${0%/*}/lib.sh"

mirror
mkdir "$TEST_TMP/small"
mount -t tmpfs -o size=24m,mode=755 none "$TEST_TMP/small"
defer umount "$TEST_TMP/small"
run=$(mktemp -d /run/sysct-test-XXXXXX)
defer rm -rf "$run"
used() { df --output=used "$TEST_TMP/small" | tail -n 1 | tr -d ' '; }
tiny() { sysct --state-dir "$TEST_TMP/small/state" --run-dir "$run" --cache-dir "$TEST_TMP/small/cache" "$@"; }
refused 1 'space' tiny create box --template alpine --mirror "$MIRROR"
find "$TEST_TMP/small" -name '*.img*' | grep . && fail "an image is left"
same "$(tiny list -q)" "" boxes
# the cache of the host has room, the place of the boxes has none
dd if=/dev/zero of="$TEST_TMP/small/ballast" bs=64k 2>/dev/null || :
ballast=$(used)
second() { sysct --state-dir "$TEST_TMP/small/state" --run-dir "$run" "$@"; }
refused 1 'space' second create box --template busybox
[ "$(used)" -le $((ballast + 64)) ] || fail "space is not given back"
if losetup -l -n -O BACK-FILE | grep -F "$TEST_TMP/small"; then fail "a loop device is left"; fi

# a linked one needs little, and what it needs is looked for before anything is written
rm "$TEST_TMP/small/ballast"
mount -o remount,size=96m "$TEST_TMP/small"
ok tiny create first --template busybox --linked
free() { df --output=avail "$TEST_TMP/small" | tail -n 1 | tr -d ' '; }
dd if=/dev/zero of="$TEST_TMP/small/ballast" bs=1k count=$(($(free) - 2048)) 2>/dev/null
before=$(used)
refused 1 'space' tiny create second --template busybox --linked
[ "$(used)" -le $((before + 64)) ] || fail "space is not given back: $(used) KiB for $before"
same "$(tiny list -q)" first boxes
rm "$TEST_TMP/small/ballast"
ok tiny create second --template busybox --linked
ok tiny destroy first second
