#!/bin/sh
# wait returns when a box runs, has booted, has an address or has stopped, and with 6 when it does not.
. "${0%/*}/lib.sh"

busybox box
expect 6 sysct wait box --for running --timeout 1
ok sysct start box
ok sysct wait box --for running --timeout 10
ok sysct wait box --for address --timeout 10
sysct wait box --for stopped --timeout 20 &
waiter=$!
sleep 0.3
kill -0 $waiter || fail "it waits for nothing"
ok sysct stop box
wait $waiter || fail "stopped, and wait failed"
expect 3 sysct wait no-such-box --for running --timeout 1
expect 2 sysct wait box --for christmas
# with init, monitor and holder dead nobody but who waits could see to its end
ok sysct start box --wait
init=$(field box init_pid)
sysct wait box --for stopped --timeout 20 2>"$ERR.wait" &
waiter=$!
sleep 0.3
victims="$(monitor_of box) $(holder_of box) $init"
# shellcheck disable=SC2086 # a list
kill -STOP $victims && kill -KILL $victims
wait $waiter || fail "dead, and wait failed: $(cat "$ERR.wait")"
has "$(cat "$ERR.wait")" 'cleaned up what was left of its last run' "what wait says"
same "$(state_of box)" stopped "state of the dead one"
# a configuration file that is broken changes nothing about what runs
file=$SYSCT_STATE_DIR/containers/box/config
cp -p "$file" "$TEST_TMP/good"
echo nonsense >>"$file"
same "$(state_of box)" broken "state of the stopped one"
ok sysct wait box --for stopped --timeout 1
expect 6 sysct wait box --for running --timeout 1
cp -p "$TEST_TMP/good" "$file"
ok sysct start box --wait
echo nonsense >>"$file"
same "$(state_of box)" broken "state of the running one"
ok sysct wait box --for running --timeout 1
ok sysct wait box --for booted --timeout 5
expect 6 sysct wait box --for stopped --timeout 1
cp -p "$TEST_TMP/good" "$file"
