#!/bin/sh
# timeout: 240
# A fork bomb, a memory hog, a full disk, a flooded console, floods of the sockets that the host listens on, an init that ignores all
# signals, one that is killed for want of memory and a frozen one: all at once, and every command on another box answers;
# list shows what is true of each, and each is stopped.
. "${0%/*}/lib.sh"

bad='forks memory disk console notify deaf oom frozen'
for box in good $bad; do
    busybox "$box" --size 128M --set limits.cpus=0.4 --set limits.tasks=300
done
ok sysct config set memory limits.memory=64M limits.swap=0
ok sysct config set oom limits.memory=64M limits.swap=0
# shellcheck disable=SC2086 # names
ok sysct start good $bad --wait

# run NAME SCRIPT: inside, in the background, by a shell that nobody waits for
run() { inside "$1" sh -c "($2) >/dev/null 2>&1 </dev/null &"; }
# a shell ends when it cannot fork: init begins it again
inside forks sh -c 'echo "::respawn:/bin/bomb" >>/etc/inittab
    printf "#!/bin/sh\\nf() { f | f & }\\nf\\nwhile :; do f & sleep 1000 & done\\n" >/bin/bomb; chmod +x /bin/bomb; kill -HUP 1'
run memory 'while :; do head -c 200m /dev/zero | tail; done'
run disk 'while :; do cat /dev/zero >>/full; sleep 0.1; done'
run console 'while :; do head -c 100m /dev/zero | tr "\\0" x >/dev/console; done'
# the sockets of the monitor, in the box and on the host: one is flooded, of the other all connections are taken
python3 - "/proc/$(field notify init_pid)/root/run/host/notify" "$SYSCT_RUN_DIR/notify/control" <<'EOS' &
import socket, sys
taken = []
for _ in range(100):
    taken.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    taken[-1].settimeout(1)
    try:
        taken[-1].connect(sys.argv[2])
    except OSError:
        break
flood = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try:
    flood.connect(sys.argv[1])
    while True:
        flood.send(b"READY=1\nSTATUS=" + b"x" * 4000)
except OSError:
    pass
EOS
defer sh -c "kill -KILL $! 2>/dev/null || :"
deaf_init=$(field deaf init_pid)
kill -STOP "$deaf_init"
ok sysct freeze frozen
# The kernel is told to take init first: worth 1000 times as many pages as a thousandth of the limit has, rounded down, which is less
# than one process alone may come to (oom_badness() of mm/oom_kill.c), so there are several.
run oom 'echo 1000 >/proc/1/oom_score_adj && for n in 1 2 3 4; do head -c 200m /dev/zero | tail & done'
eventually 60 in_state oom stopped
same "$(field oom last_exit)" "killed by SIGKILL" "how init ended"

# they do harm indeed: of_cgroup NAME FILE...: the largest number there
of_cgroup() {
    uuid=$(sysct info "$1" --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["uuid"])')
    shift
    for file in "$@"; do
        find /sys/fs/cgroup -path "*/sysct*$uuid*" -name "$file" -exec cat {} + 2>/dev/null
    done | sed -n 's/^\(max\|oom_kill\) //p' | sort -n | tail -n 1
}
is_full() { [ "$(of_cgroup forks pids.events)" -ge 100 ]; }
eventually 60 is_full
has_failed() { [ "$(of_cgroup memory memory.oom_control memory.events)" -gt 0 ]; }
eventually 60 has_failed
no_room() { inside disk df /full | grep -q ' 100% '; }
eventually 60 no_room
log_is_full() { [ -e "$SYSCT_STATE_DIR/containers/console/console.log.1" ]; }
eventually 60 log_is_full

# tried SECONDS COMMAND...: it succeeds in bounded time; the bound is for a loaded machine
tried() {
    bound=$1
    shift
    begun=$(date +%s%N)
    ok timeout "$((bound * ${SYSCT_TEST_PATIENCE:-1}))" "$@"
    say "$(($(date +%s%N) / 1000000 - begun / 1000000)) ms: $*"
}
for round in 1 2; do
    tried 20 sysct list
    tried 20 sysct info good
    tried 20 sysct attach -T good -- true
    tried 20 sysct logs good
    tried 20 sysct config set good limits.tasks=$((300 + round))
    tried 20 sysct freeze good
    tried 20 sysct thaw good
    tried 40 sysct stop --now good
    tried 40 sysct start good
done
tried 30 python3 "$TESTS_DIR/terminal.py" 'send=\r' 'expect=[#$:] ' 'send=\x01q' exit=0 -- sysct console good
for box in $bad; do
    wanted=running
    [ "$box" != frozen ] || wanted=frozen
    [ "$box" != oom ] || wanted=stopped
    same "$(state_of "$box")" $wanted "state of $box"
    tried 20 sysct info "$box"
    tried 20 sysct logs -n 1 "$box"
done
for size in $(stat -c %s "$SYSCT_STATE_DIR"/containers/console/console.log*); do
    [ "$size" -le 4194304 ] || fail "the log of a flooded console has $size bytes"
done
# by each way that there is
tried 60 sysct kill forks
eventually 60 in_state forks stopped
tried 60 sysct stop --timeout 2 deaf
tried 60 sysct stop --timeout 5 console
tried 60 sysct restart --now notify
tried 60 sysct stop --now memory disk frozen notify
for box in $bad; do
    same "$(state_of "$box")" stopped "state of $box"
done
