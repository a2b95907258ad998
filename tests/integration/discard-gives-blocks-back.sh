#!/bin/sh
# What is deleted inside goes back to the host at once, by default and with discard = yes; with no it stays until sysct trim.
# shows: rootfs.discard
. "${0%/*}/lib.sh"

busybox box
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
# KiB of the host
used() { echo $(($(stat -c %b "$image") / 2)); }
at_most() { [ "$(used)" -le "$1" ]; }
# what a file of 24M that was written and removed leaves
write_file() { inside box sh -c 'head -c 24m /dev/urandom >/file && sync'; }
remove_file() { inside box sh -c 'rm /file && sync'; }

for mode in '' yes; do
    ok sysct config set box rootfs.discard=$mode
    ok sysct start box --wait
    before=$(used)
    write_file
    full=$(used)
    [ "$full" -ge $((before + 24000)) ] || fail "24M took $((full - before)) KiB"
    remove_file
    # the file system gives back when it has committed
    eventually 15 at_most $((full - 23000))
    ok sysct stop box --now
done
ok sysct config set box rootfs.discard=no
ok sysct start box --wait
write_file
full=$(used)
remove_file
inside box sync
sleep 1
[ "$(used)" -ge $((full - 1000)) ] || fail "given back with discard = no: $full KiB, then $(used)"
ok sysct stop box --now
[ "$(used)" -ge $((full - 1000)) ] || fail "given back by the stop: $full KiB, then $(used)"
ok sysct trim box
at_most $((full - 23000)) || fail "not given back by trim: $full KiB, then $(used)"
