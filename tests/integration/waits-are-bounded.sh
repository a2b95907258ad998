#!/bin/sh
# timeout: 240
# Whatever does not go on is not waited for without end: a lock that nobody lets go of, a monitor, a holder and a starter that are
# stopped, a payload that is frozen from outside, nft, e2fsck and mke2fs that hang. What was waited for is named, ^C ends the
# wait, nothing is left, and commands that only look do not wait at all.
. "${0%/*}/lib.sh"

# hold FILE: somebody who has the lock, until let_go; $holder is his pid
hold() {
    rm -f "$TEST_TMP/held"
    python3 - "$1" "$TEST_TMP/held" <<'EOS' &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
# F_OFD_SETLKW
fcntl.fcntl(fd, 38, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
open(sys.argv[2], "w").close()
time.sleep(1000)
EOS
    holder=$!
    defer sh -c "kill -KILL $holder 2>/dev/null || :"
    eventually 20 test -e "$TEST_TMP/held"
}
let_go() {
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null || :
}

# begin WORD...: in the background, as $begun; end STATUS PATTERN: what came of it
begin() {
    "$@" >/dev/null 2>"$TEST_TMP/begun" &
    begun=$!
}
end() {
    rc=0
    wait $begun || rc=$?
    same $rc "$1" "status ($(cat "$TEST_TMP/begun"))"
    has "$(cat "$TEST_TMP/begun")" "$2" "what it says"
}

# instead_of TOOL COMMAND...: in a mount namespace where that tool hangs; it tells that it was called
hang() {
    tool=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$1")
    shift
    rm -f "$TEST_TMP/called"
    printf '#!/bin/sh\n: >%s/called\nexec sleep 1000\n' "$TEST_TMP" >"$TEST_TMP/hanging"
    chmod 755 "$TEST_TMP/hanging"
    # the shell becomes the command, so that its pid is that of the command
    # shellcheck disable=SC2016 # for the other shell
    begin unshare --mount --propagation private sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
        "$TEST_TMP/hanging" "$tool" "$@"
    eventually 30 test -e "$TEST_TMP/called"
}

busybox box
busybox other
busybox privileged --set security.privileged=yes
ok sysct start box --wait

say "a lock that nobody lets go of"
hold "$SYSCT_RUN_DIR/.host/lock/box"
waiting=''
# impatient COMMAND...: in the background, with what comes of it in files
impatient() {
    (
        rc=0
        timeout 60 sysct "$@" >/dev/null 2>"$TEST_TMP/$1.err" || rc=$?
        echo $rc >"$TEST_TMP/$1.rc"
    ) &
    waiting="$waiting $!"
}
impatient stop box
impatient restart box
impatient freeze box
impatient config set box limits.tasks=50
for command in list 'info box' 'logs box' 'attach -T box -- true' 'wait box --for running' 'kill box --signal CONT' 'config get box'; do
    # shellcheck disable=SC2086 # a command
    ok timeout 8 sysct $command
done
impatient destroy --force box    # it kills init, and then waits as all others
# shellcheck disable=SC2086 # pids
wait $waiting
for command in stop restart freeze destroy config; do
    same "$(cat "$TEST_TMP/$command.rc")" 4 "status of $command"
    has "$(cat "$TEST_TMP/$command.err")" "\"box\" is busy: process $holder \(python3 .*\) works on it" "what $command says"
done
kill -STOP "$holder"
begin sysct start box
sleep 0.3
kill -INT $begun
end 130 interrupted
let_go
eventually 20 in_state box stopped

say "the network's lock, and a starter that is stopped"
warm box
mark
hold "$SYSCT_RUN_DIR/.host/network.lock"
begin sysct start other
starting() { grep -q '^starter=' "$SYSCT_RUN_DIR/other/state" && [ "$(sed -n 's/^starter=\([0-9]*\):.*/\1/p' "$SYSCT_RUN_DIR/other/state")" != $begun ]; }
eventually 20 starting
starter=$(sed -n 's/^starter=\([0-9]*\):.*/\1/p' "$SYSCT_RUN_DIR/other/state")
same "$(state_of other)" starting "state meanwhile"
kill -STOP "$starter"
let_go
sleep 0.5
same "$(state_of other)" starting "state of a stopped start"
kill -INT $begun
end 130 interrupted
unchanged 10
ok sysct start other
ok sysct stop --now other
mark

# a privileged one is started by a copy of the command, which the signal does not reach by itself
hold "$SYSCT_RUN_DIR/.host/network.lock"
begin sysct start privileged
starts() { in_state privileged starting; }
eventually 20 starts
kill -INT $begun
end 130 interrupted
let_go
ok sysct start privileged
ok sysct stop --now privileged
mark

say "a start whose command was killed is waited for by who changes its settings"
hold "$SYSCT_RUN_DIR/.host/network.lock"
begin sysct start other
eventually 20 starting
kill -KILL $begun
wait $begun 2>/dev/null || :
begin sysct config set other network.eth0.publish=127.0.0.1:18098:80
sleep 0.5
let_go
end 0 ''
same "$(state_of other)" running "state of the one that was started by nobody"
has "$(nft list ruleset)" 18098 "the port of one that was just started"
ok sysct config unset other network.eth0.publish
ok sysct stop --now other
mark

say "a monitor and a holder that are stopped"
for who in monitor holder; do
    ok sysct start box --wait
    kill -STOP "$(${who}_of box)"
    same "$(state_of box)" running "state with a stopped $who"
    ok timeout 10 sysct attach -T box -- true
    ok timeout 10 sysct logs box
    ok timeout 60 sysct stop --timeout 10 box
    unchanged 10
done

say "a payload that is frozen from outside"
ok sysct start box --wait
group=$(field box cgroup)
echo 1 >"$group/cgroup.freeze"
same "$(state_of box)" frozen "state"
ok timeout 60 sysct stop --timeout 10 box
unchanged 10

say "tools that hang"
ok sysct config set other network.eth0.publish=127.0.0.1:18099:80
hang nft sysct start other
kill -INT $begun
end 130 interrupted
ok sysct config unset other network.eth0.publish
ok sysct start other
ok sysct stop --now other
# not cleanly unmounted: an e2fsck before the start
debugfs -w -R 'ssv state 0' "$SYSCT_STATE_DIR/containers/box/rootfs.img" >/dev/null 2>&1
hang e2fsck sysct start box
kill -INT $begun
end 130 interrupted
unchanged 10
ok sysct start box
ok sysct stop --now box
hang mke2fs env SYSCT_CACHE_DIR="$TEST_TMP/cache" sysct --state-dir "$TEST_TMP/state" create new --template busybox
kill -INT $begun
end 130 interrupted
same "$(ls -A "$TEST_TMP/state/containers")" "" "what is left of a create"
