#!/bin/sh
# timeout: 60
# A script or a program is init: it runs, hears SIGTERM when it wants to, its exit status is told.
. "${0%/*}/lib.sh"

ended() { sysct info box --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_exit"])'; }
busybox box
ok sysct start box --wait
sysct attach -T box -- sh -c 'cat >/root/run && chmod +x /root/run' <<'EOS'
#!/bin/sh
echo "started with $*" >/root/said
trap 'echo bye >>/root/said; exit 7' TERM
while :; do sleep 1 & wait $!; done
EOS
ok sysct stop box
ok sysct config set box "container.init=/root/run one two"
ok sysct start box --wait
same "$(field box init)" unknown "kind of init"
same "$(inside box cat /root/said)" "started with one two" "what it said"
ok sysct stop box --timeout 10
same "$(ended)" "exit 7" "how it ended"
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
