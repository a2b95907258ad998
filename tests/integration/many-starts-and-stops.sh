#!/bin/sh
# timeout: 300
# A thousand starts and stops leave the host as it was, and the last costs what the first did. Here as many as fit in 20
# seconds; SYSCT_TEST_CYCLES=1000 for that many. See cycles.py.
. "${0%/*}/lib.sh"

busybox box
warm box
mark
export REPO
python3 "$TESTS_DIR/cycles.py" box "${SYSCT_TEST_CYCLES:-0}" 20 >"$OUT" 2>&1 || fail "something grows: $(cat "$OUT")"
sed 's/^/# /' "$OUT"
unchanged 10
