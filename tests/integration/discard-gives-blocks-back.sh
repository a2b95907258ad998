#!/bin/sh
# What is deleted inside goes back to the host: at once with discard = yes; by default now and then while it runs, after a stop
# that leaves enough of it, and by sysct trim; with no by sysct trim alone.
# shows: rootfs.discard
. "${0%/*}/lib.sh"

busybox box
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
# KiB of the host
used() { echo $(($(stat -c %b "$image") / 2)); }
at_most() { [ "$(used)" -le "$1" ]; }
# what a file of so many MiB that was written and removed leaves
write_file() { inside box sh -c "head -c ${1}m /dev/urandom >/file && sync"; }
remove_file() { inside box sh -c 'rm /file && sync'; }
# fills MIB: $full is what the image then takes, though nothing is left of the file
fills() {
    ok sysct trim box
    before=$(used)
    write_file "$1"
    full=$(used)
    [ "$full" -ge $((before + $1 * 1000)) ] || fail "${1}M took $((full - before)) KiB"
    remove_file
}
stays() {
    sleep 1
    [ "$(used)" -ge $((full - 1000)) ] || fail "given back $1: $full KiB, then $(used)"
}

say "discard = yes: at once"
ok sysct config set box rootfs.discard=yes
ok sysct start box --wait
fills 24
# the file system gives back when it has committed
eventually 15 at_most $((full - 23000))
ok sysct stop box --now

say "by default: by sysct trim while it runs"
ok sysct config unset box rootfs.discard
ok sysct start box --wait
fills 24
stays "at once"
ok sysct trim box
at_most $((full - 23000)) || fail "not given back by trim: $full KiB, then $(used)"
has "$(cat "$OUT")" ' given back, ' "what trim says"

say "by itself, while it runs, when there is enough"
has "$(cat "$SYSCT_RUN_DIR/box/state")" 'step.reclaim=600' "every ten minutes"
pid_of() { sed -n "s/^$1=\([0-9]*\):.*/\1/p" "$SYSCT_RUN_DIR/box/state"; }
monitor=$(pid_of monitor)
sed -i 's/^step.reclaim=.*/step.reclaim=1/' "$SYSCT_RUN_DIR/box/state"
kill -9 "$monitor"
another_monitor() { [ "$(pid_of monitor)" != "$monitor" ]; }
eventually 10 another_monitor
fills 24
stays "though it was little"
fills 240
eventually 15 at_most $((full - 230000))

say "after a stop, when there is enough"
sed -i '/^step.reclaim=/d' "$SYSCT_RUN_DIR/box/state"
kill -9 "$(pid_of monitor)"
fills 240
ok sysct restart box --now
stays "by a restart"
ok sysct stop box --now
at_most $((full - 230000)) || fail "not given back by the stop: $full KiB, then $(used)"
ok sysct start box --wait
fills 240
inside box poweroff || true
ok sysct wait box --for stopped --timeout 30s
eventually 15 at_most $((full - 230000))

say "discard = no: by sysct trim alone"
ok sysct config set box rootfs.discard=no
ok sysct start box --wait
fills 240
if grep step.reclaim "$SYSCT_RUN_DIR/box/state"; then fail "the monitor would give it back"; fi
stays "with discard = no"
ok sysct stop box --now
stays "by the stop"
ok sysct trim box
at_most $((full - 230000)) || fail "not given back by trim: $full KiB, then $(used)"
ok sysct start box --wait
fills 24
ok sysct trim box
at_most $((full - 23000)) || fail "not given back by trim of a running one: $full KiB, then $(used)"
ok sysct stop box --now

say "init's root directory is looked at, not trusted"
ok sysct start box --wait
inside box sh -c 'mkdir -p /other && mount -t tmpfs other /other && mkdir /other/old && mount --make-rprivate / &&
    pivot_root /other /other/old' || fail "no other root"
refused 4 'its root directory is not on its image' sysct trim box
ok sysct stop box --now
