#!/bin/sh
# timeout: 400
# SIGKILL, ^C or an error at any system call of start, stop, restart, config set, create and destroy: nothing is lost or left,
# and the next command works. A random sample of what scripts/faults does at each call; the seed to repeat it is printed.
. "${0%/*}/lib.sh"

export SYSCT_FAULTS_TOOLS="$SYSCT_BUILD_DIR/tests" SYSCT_FAULTS_TMP="$TEST_TMP/faults"
[ -x "$SYSCT_FAULTS_TOOLS/faults-inject" ] || fail "the injector is not built"
# it must be able to fail: a command that leaves something is caught
mkdir "$TEST_TMP/broken" "$TEST_TMP/faults"
cat >"$TEST_TMP/broken/sysct" <<EOS
#!/bin/sh
case "\$1" in start) mkdir "$SYSCT_RUN_DIR/left.\$\$" ;; esac
exec "$(command -v sysct)" "\$@"
EOS
chmod +x "$TEST_TMP/broken/sysct"
expect 1 env PATH="$TEST_TMP/broken:$PATH" python3 "$REPO/tests/faults/sweep.py" --commands start --faults kill --from 50 --once --leak-wait 1
has "$(cat "$OUT")" "left: file $SYSCT_RUN_DIR/left" "what the sweep says of a leak"
rmdir "$SYSCT_RUN_DIR"/left.*
# a child that ends before its parent is seen to have forked is not counted for ever: so it is where processors are few
busy=
for _ in $(seq $(($(nproc) * 3))); do
    timeout 60 sh -c 'while :; do :; done' &
    busy="$busy $!"
done
ok env SYSCT_CACHE_DIR="$TEST_TMP/cold" SYSCT_TEST_PATIENCE=3 "$SYSCT_FAULTS_TOOLS/faults-inject" --helpers -- sysct create cold --template busybox
ok env SYSCT_CACHE_DIR="$TEST_TMP/cold" sysct destroy cold
# shellcheck disable=SC2086 # a list
kill $busy
python3 "$REPO/tests/faults/sweep.py" --sample 20 --verbose || fail "not survived; see the seed above"
