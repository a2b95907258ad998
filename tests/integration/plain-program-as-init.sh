#!/bin/sh
# timeout: 60
# A script or a program is init: it runs, hears SIGTERM when it wants to, or another signal; its exit status is told.
# shows: container.init container.stop_signal container.stop_timeout
. "${0%/*}/lib.sh"

ended() { sysct info box --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_exit"])'; }
busybox box
ok sysct start box --wait
sysct attach -T box -- sh -c 'cat >/root/run && chmod +x /root/run' <<'EOS'
#!/bin/sh
echo "started with $*" >/root/said
trap 'echo bye >>/root/said; exit 7' TERM
trap 'exit 8' USR1
trap 'echo not yet >>/root/said' USR2
while :; do sleep 1 & wait $!; done
EOS
ok sysct stop box
ok sysct config set box "container.init=/root/run one two"
ok sysct start box --wait
same "$(field box init)" unknown "kind of init"
same "$(inside box cat /root/said)" "started with one two" "what it said"
ok sysct stop box --timeout 10
same "$(ended)" "exit 7" "how it ended"
# another signal, from now on
ok sysct start box --wait
ok sysct config set box container.stop_signal=SIGUSR1
ok sysct stop box
same "$(ended)" "exit 8" "how it ended by another signal"
# one that it does not end by, and less patience than the default of 30 s
ok sysct start box --wait
ok sysct config set box container.stop_signal=usr2 container.stop_timeout=500ms
ok timeout 20 sysct stop box
has "$(cat "$ERR")" 'did not stop in time and was killed' "what stop says"
same "$(ended)" "killed after the stop timeout" "how it ended without patience"
ok sysct config unset box container.stop_signal
ok sysct config set box "container.init=/bin/sleep 1"
ok sysct start box
eventually 10 in_state box stopped
same "$(ended)" "exit 0" "how it ended by itself"
# one that hears nothing is not waited for
ok sysct config set box "container.init=/bin/sleep 1000"
ok sysct start box
before=$(date +%s)
ok sysct stop box --timeout 30
[ $(($(date +%s) - before)) -lt 10 ] || fail "waited for a program that cannot hear"
same "$(cat "$ERR")" "sysct: box was killed without more waiting: its init takes no SIGTERM" "what stop says of it"
same "$(ended)" "killed, since it takes no SIGTERM" "how it ended"
ok sysct start box
ok sysct stop box --timeout 500ms
same "$(cat "$ERR")" "sysct: box did not stop in time and was killed" "what stop says with less patience"
