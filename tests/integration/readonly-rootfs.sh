#!/bin/sh
# readonly = yes: the box boots, and its root file system stays as it is.
# shows: rootfs.readonly
. "${0%/*}/lib.sh"

busybox box --set rootfs.readonly=yes
ok sysct start box --wait
if inside box touch /etc/written 2>"$ERR"; then fail "/etc can be written"; fi
has "$(cat "$ERR")" 'Read-only' "the reason"
ok inside box touch /run/written
ok inside box touch /tmp/written
if inside box sh -c 'mount -o remount,rw / && touch /etc/written' 2>/dev/null; then fail "root inside made it writable"; fi
ok sysct stop box
