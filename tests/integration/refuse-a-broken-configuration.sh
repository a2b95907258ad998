#!/bin/sh
# Three errors in one file: all three are told, each in a line of error with file and line, and the box does not start.
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
    grep -q "^sysct: start box: .*$file:$line: " "$ERR" || fail "line $line is not told: $(cat "$ERR")"
done
has "$(cat "$ERR")" 'hostname' "did you mean"
expect 2 sysct config check box
for line in 2 3 7; do
    grep -q -F ":$line:" "$OUT" || grep -q -F ":$line:" "$ERR" || fail "config check does not tell line $line"
done
same "$(grep -c -v "^sysct: config check box: $file:" "$ERR")" 0 "lines of another form"
same "$(state_of box)" broken state
unchanged
cp "$TEST_TMP/good" "$file"
ok sysct start box
# what does not go together has the line of the key that is too much
expect 2 sysct config set box security.nesting=yes security.hardened=yes limits.memory=1G
has "$(cat "$ERR")" "^sysct: config set box: the changed text of $file:[0-9]+: \[security\] nesting and hardened exclude each other" "a rule between keys"
printf '[mount "/opt"]\ntype = tmpfs\nreadonly = yes\n' >>"$file"
expect 2 sysct config unset box mount./opt.type
has "$(cat "$ERR")" "^sysct: config unset box: the changed text of $file:[0-9]+: \[mount \"/opt\"\] source" "config unset"
cp "$TEST_TMP/good" "$file"
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
