#!/bin/sh
# timeout: 180
# A pid in a state file that is somebody else's by now is never signalled, entered or believed: neither one that was written
# there, nor one that the kernel has given again after init, the monitor and the holder died, nor one of another boot.
. "${0%/*}/lib.sh"

state=$SYSCT_RUN_DIR/box/state
pid_in_state() { sed -n "s/^$1=\([0-9]*\):.*/\1/p" "$state"; }
start_in_state() { sed -n "s/^$1=[0-9]*:\([0-9]*\)$/\1/p" "$state"; }

# bystander [PID]: a process that must not be touched; $bystander
bystanders=''
bystander() {
    rm -f "$TEST_TMP/ready"
    python3 "$TESTS_DIR/bystander.py" "$TEST_TMP/ready" "$TEST_TMP/touched" "$@" &
    parent=$!
    defer sh -c "kill -KILL $parent 2>/dev/null || :"
    eventually 30 test -s "$TEST_TMP/ready"
    bystander=$(cat "$TEST_TMP/ready")
    bystanders="$bystanders $parent"
}
unharmed() {
    sleep 0.1
    [ ! -e "$TEST_TMP/touched" ] || fail "$*: a bystander was touched: $(cat "$TEST_TMP/touched")"
}
# they have done their part
dismiss() {
    for parent in $bystanders; do
        kill -KILL "$parent"
        wait "$parent" 2>/dev/null || :
    done
    bystanders=''
}

# says KEY=VALUE...: the state file does
says() {
    for entry in "$@"; do
        sed -i "s/^${entry%%=*}=.*/$entry/" "$state"
        grep -q -x "$entry" "$state" || fail "the state has no ${entry%%=*}"
    done
}

# tried COMMAND...: its status is that for a box that does not run, whose last run is cleaned up, and nobody is harmed
tried() {
    rc=0
    timeout 100 sysct "$@" >"$OUT" 2>"$ERR" </dev/null || rc=$?
    unharmed "$*"
    [ "$1" != list ] || ! grep -q ' running ' "$OUT" || fail "it is believed to run"
    case $1 in
    attach) wanted=125 ;;
    list | info | logs | start) wanted=0 ;;
    stop | restart) wanted="[04]" ;;    # what is left of its last run is something to stop
    *) wanted=4 ;;
    esac
    # shellcheck disable=SC2254 # a pattern
    case $rc in $wanted) return ;; esac
    same $rc "$wanted" "status of $*: $(cat "$ERR")"
}
over() {
    sysct stop --now box >/dev/null 2>&1 || :
    unharmed "the stop after it"
    same "$(state_of box)" stopped "state after it"
    unchanged 10
}

# each SETTER: for all commands, in the state that it makes of a box that runs; those that change nothing come first
each() {
    for command in 'kill box' 'freeze box' 'stop box --timeout 1' 'stop --now box' 'restart --now box' 'start box'; do
        ok sysct start box
        "$@"
        tried list
        tried info box
        tried attach -T box -- true
        # shellcheck disable=SC2086 # a command
        tried $command
        over
        dismiss
    done
}

busybox box
warm box
mark

written() {
    bystander
    says "init=$bystander:$(start_in_state init)" "monitor=$bystander:$(start_in_state monitor)" \
        "holder=$bystander:$(start_in_state holder)"
}
say "a pid that was written there, with a start time that is not its own"
each written

# by SIGSTOP first, or one would take the other's place
given_again() {
    init=$(pid_in_state init) monitor=$(pid_in_state monitor) holder=$(pid_in_state holder)
    kill -STOP "$monitor" "$holder"
    kill -KILL "$monitor" "$holder" "$init"
    for pid in $init $monitor $holder; do
        bystander "$pid"
        same "$bystander" "$pid" "the pid that was given again"
    done
}
say "pids that the kernel has given again"
each given_again

another_boot() {
    given_again
    cp "$state" "$TEST_TMP/state"
    boot=$(tr '0-9a-f' '1-9a-f0' </proc/sys/kernel/random/boot_id)
    ticks=$(sed 's/.*) //' "/proc/$bystander/stat" | cut -d' ' -f20)
    says "boot_id=$boot" "init=$bystander:$ticks" "monitor=$bystander:$ticks" "holder=$bystander:$ticks"
}
say "the very process, but of another boot, by the state"
ok sysct start box
another_boot
tried list
tried attach -T box -- true
tried kill box
# the host has not been booted: what is left can only be found by what the state said before
cp "$TEST_TMP/state" "$state"
dismiss
over

say "destroy --force"
ok sysct start box
given_again
ok sysct destroy --force box
unharmed "destroy --force"
