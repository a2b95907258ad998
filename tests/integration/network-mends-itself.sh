#!/bin/sh
# A killed name server, and rules that were flushed, are there again after the next command, also one that starts nothing.
. "${0%/*}/lib.sh"

command -v dnsmasq >/dev/null || skip "no dnsmasq"
busybox one
busybox two
busybox three
ok sysct start one two three --wait
for command in "config set one container.description=x" "wait one --for running" "stop two"; do
    pid=$(cat "$SYSCT_RUN_DIR/.host/dnsmasq.pid")
    kill -9 "$pid"
    eventually 10 test ! -d "/proc/$pid"
    if inside one ping -c 1 -W 1 three >/dev/null 2>&1; then fail "somebody else answers"; fi
    # shellcheck disable=SC2086 # words
    ok sysct $command
    ok inside one ping -c 1 -W 5 three
done
