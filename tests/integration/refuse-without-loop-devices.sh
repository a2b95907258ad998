#!/bin/sh
# No loop device: said so, with the way out.
. "${0%/*}/lib.sh"

busybox box
warm box
mark
# a /dev with the usual nodes, but no loop
cat >"$TEST_TMP/without" <<'EOS'
set -e
mount -t tmpfs none /mnt
for n in null zero full random urandom tty ptmx; do
    [ -e /dev/$n ] && cp -a /dev/$n /mnt/
done
mkdir -p /mnt/pts /mnt/shm
mount --bind /dev/pts /mnt/pts
mount --bind /dev/shm /mnt/shm
mount --move /mnt /dev
exec "$@"
EOS
refused 1 'loop' unshare -m sh "$TEST_TMP/without" sysct start box
has "$(cat "$ERR")" 'directory|modprobe' "the hint"
ok sysct list
unchanged
ok sysct start box --wait
