#!/bin/sh
# timeout: 90
# limits.io_read and io_write: a measured rate on the box's own disk, live, and info says what the host's cgroups cannot do.
# shows: limits.io_read limits.io_write
. "${0%/*}/lib.sh"

busybox box --set limits.io_read=4M
ok sysct start box --wait
inside box sh -c 'head -c 12m /dev/zero >/file && sync'
# seconds COMMAND...: in tenths
tenths() {
    begin=$(date +%s%N)
    inside box "$@" >"$OUT" 2>&1 || fail "$*: $(cat "$OUT")"
    echo $((($(date +%s%N) - begin) / 100000000))
}
read_file() { tenths dd if=/file of=/dev/null bs=64k iflag=direct; }
write_file() { tenths dd if=/dev/zero of=/written bs=64k count=96 oflag=direct; }
slow=$(read_file)
free=$(write_file)
ok sysct config set box limits.io_read=none limits.io_write=2M
fast=$(read_file)
bound=$(write_file)
say "12M read: $slow tenths of a second at 4M/s, $fast without; 6M written: $free without, $bound at 2M/s"
[ "$slow" -ge 20 ] || fail "12M at 4M a second in $slow tenths of a second"
[ "$bound" -ge 20 ] || fail "6M at 2M a second in $bound tenths of a second"
[ $((fast * 2)) -lt "$slow" ] || fail "no faster without a limit: $fast against $slow"
[ $((free * 2)) -lt "$bound" ] || fail "no faster without a limit: $free against $bound"
case $(sysct info box --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["limits_note"])') in
*direct*) [ -d /sys/fs/cgroup/blkio ] || fail "a note about v1 where there is none" ;;
None) [ ! -d /sys/fs/cgroup/blkio ] || fail "info does not say what v1 cannot do" ;;
esac
# over a restart the rule is for the loop device of that run
ok sysct restart box
[ "$(write_file)" -ge 20 ] || fail "the limit is gone after a restart"
ok sysct stop box --now
# a directory is on nobody's own disk
mkdir "$TEST_TMP/dir"
expect 2 sysct config set box "rootfs.directory=$TEST_TMP/dir"
has "$(cat "$ERR")" 'io_read and io_write' "the reason"
