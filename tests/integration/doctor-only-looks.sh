#!/bin/sh
# doctor tells the same as table, JSON and CSV, says by its exit status what is worst, changes nothing, works for people who are
# not root as far as they may look, and takes a wrong word for one.
. "${0%/*}/lib.sh"

state=$TEST_TMP/none/state
doctor() { sysct --state-dir "$state" --run-dir "$TEST_TMP/none/run" --cache-dir "$TEST_TMP/none/cache" doctor "$@"; }

# mounts, links, rules and settings of the network in namespaces where nobody else changes any
mark
cat >"$TEST_TMP/watch" <<'EOS'
all() {
    ip address
    nft list ruleset
    (cd /proc/sys/net && grep -r -s . ipv4/ip_forward ipv4/conf/all ipv6/conf/all)
    (cd /proc/sys && grep -s . fs/inotify/* fs/protected* kernel/pty/max kernel/pid_max user/*)
    cat /proc/filesystems
}
all >"$TEST_TMP/before"
sort /proc/self/mountinfo >"$TEST_TMP/mounts.before"
rc=0
"$@" || rc=$?
all >"$TEST_TMP/after"
sort /proc/self/mountinfo >"$TEST_TMP/mounts.after"
exit $rc
EOS
expect 0 unshare -m -n sh "$TEST_TMP/watch" sysct --state-dir "$state" --run-dir "$TEST_TMP/none/run" --cache-dir "$TEST_TMP/none/cache" \
    doctor kernel host cgroup ids storage device sysctl network.links network.rules network.firewall program template
grep -q '^ok  *kernel\.openat2 ' "$OUT" || fail "no line of kernel.openat2: $(cat "$OUT")"
tail -n 1 "$OUT" | grep -q -E '^[0-9]+ ok, [0-9]+ warnings, 0 failures, 0 not looked at$' || fail "no sum: $(tail -n 1 "$OUT")"
unchanged
[ ! -e "$TEST_TMP/none" ] || fail "directories were made"
diff "$TEST_TMP/before" "$TEST_TMP/after" || fail "something is not as it was"
# one goes here too when somebody removes the directory that it is on
same "$(comm -13 "$TEST_TMP/mounts.before" "$TEST_TMP/mounts.after")" "" "new mounts"

say "formats"
for format in table json csv; do doctor kernel program --format $format >"$TEST_TMP/$format" || fail "status $? as $format"; done
python3 - "$TEST_TMP" <<'EOS'
import csv, json, re, sys
at = sys.argv[1]
found = json.load(open(at + "/json"))
rows = list(csv.DictReader(open(at + "/csv")))
assert [{k: v or "" for k, v in f.items()} for f in found] == rows, "JSON and CSV differ"
lines = open(at + "/table").read().split("\n\n")[0].split("\n")
assert [l.split()[:2] for l in lines[1:]] == [[f["status"], f["id"]] for f in found], "the table differs"
assert len(set(f["id"] for f in found)) == len(found)
assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-zA-Z0-9_-]+)+", f["id"]) for f in found)
EOS
if grep -q "$(printf '\033')" "$TEST_TMP/table"; then fail "colours in a file"; fi

say "exit statuses"
expect 0 doctor kernel.version --strict
expect 1 env SYSCT_LIBEXEC_DIR=/nowhere sysct doctor program
printf '[host]\nid_pool = 1999962112-2000224255\n' >"$TEST_TMP/few.conf"
expect 0 sysct --config "$TEST_TMP/few.conf" doctor ids.pool
expect 1 sysct --config "$TEST_TMP/few.conf" doctor ids.pool --strict
expect 0 sysct doctor kernel.openat2 --problems
same "$(grep -c openat2 "$OUT")" 0 "lines of what is ok, with --problems"
refused 2 'kernel\.opneat2' sysct doctor kernel.opneat2
grep -q 'did you mean "kernel.openat2"' "$ERR" || fail "nothing near: $(cat "$ERR")"
refused 2 'formt' sysct doctor --formt json

say "not root"
chmod 755 "$TEST_TMP"
copy=$(mktemp -d /tmp/sysct-test-XXXXXX)
defer rm -rf "$copy"
chmod 755 "$copy"
cp "$(command -v sysct)" "$SYSCT_LIBEXEC_DIR/sysct-main" "$SYSCT_LIBEXEC_DIR/sysct-table" "$copy/"
nobody() { env -u SYSCT_DATA_DIR SYSCT_LIBEXEC_DIR="$copy" setpriv --reuid 65534 --regid 65534 --clear-groups "$copy/sysct" "$@"; }
expect 0 nobody doctor kernel
grep -q '^ok  *kernel\.openat2 ' "$OUT" || fail "nothing is seen: $(cat "$OUT")"
grep -q '^unknown *kernel\.image .*root' "$OUT" || fail "not said what was not looked at: $(cat "$OUT")"
expect 1 nobody doctor kernel --strict
