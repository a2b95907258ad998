#!/bin/sh
# Three errors in one file: all three are told, each with file and line, and the box does not start.
. "${0%/*}/lib.sh"

busybox box
file=$SYSCT_STATE_DIR/containers/box/config
cp "$file" "$TEST_TMP/good"
cat >"$file" <<'EOS'
[container]
hostnam = box
stop_timeout = soon
[rootfs]
image = rootfs.img
[limits]
memory = much
EOS
mark
expect 2 sysct start box
for line in 2 3 7; do
    grep -q -F "config:$line" "$ERR" || fail "line $line is not told: $(cat "$ERR")"
done
has "$(cat "$ERR")" 'hostname' "did you mean"
expect 2 sysct config check box
for line in 2 3 7; do
    grep -q -F ":$line:" "$OUT" || grep -q -F ":$line:" "$ERR" || fail "config check does not tell line $line"
done
same "$(state_of box)" broken state
unchanged
cp "$TEST_TMP/good" "$file"
ok sysct start box
# one who is not root may not write it
ok sysct stop box
chmod 666 "$file"
expect 2 sysct start box
chmod 600 "$file"
ok sysct start box
# defaults that were named must be there, those of the host need not
mkdir "$TEST_TMP/state" "$TEST_TMP/none"
lonely() { sysct --state-dir "$TEST_TMP/state" "$@"; }
refused 2 "read $TEST_TMP/none/x.conf: No such file" lonely --config "$TEST_TMP/none/x.conf" config check
same "$(cat "$OUT")" "" "what is right"
refused 2 "read $TEST_TMP/none/sysct.conf: No such file" lonely config check "$TEST_TMP/none/sysct.conf"
[ -e /etc/sysct/sysct.conf ] || ok lonely config check
