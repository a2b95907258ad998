#!/bin/sh
# timeout: 400
# No room on a disk, no descriptors, no memory, a file system that is read-only, while start, stop, config set, create and
# destroy run: one line says so, nothing is lost or left, and with enough of it the same command succeeds. A random sample of
# what scripts/faults --limits tries.
. "${0%/*}/lib.sh"

export SYSCT_FAULTS_TOOLS="$SYSCT_BUILD_DIR/tests" SYSCT_FAULTS_TMP="$TEST_TMP/faults"
# places of its own, below which it mounts small file systems
run=$(mktemp -d /run/sysct-test-XXXXXX)
defer rm -rf --one-file-system "$run"
chmod 755 "$run"
mkdir "$run/run"
export SYSCT_STATE_DIR="$TEST_TMP/places/state" SYSCT_RUN_DIR="$run/run" SYSCT_CACHE_DIR="$TEST_TMP/places/cache"
python3 "$REPO/tests/faults/sweep.py" --limits --sample 14 --verbose || fail "not survived; see the seed above"
