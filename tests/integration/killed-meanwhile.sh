#!/bin/sh
# Whoever works on a box is killed at any moment of a reboot from inside, or of the taking up of a box whose monitor and
# holder had died: the box comes back or is stopped, the next command makes it true, and nothing is left.
# timeout: 120
. "${0%/*}/lib.sh"

busybox box
warm box
mark
pause() { python3 -c 'import sys, time; time.sleep(int(sys.argv[1]) * int(sys.argv[2]) / 1000)' "$1" "$2"; }
settled() {
    case $(state_of box) in
    running) inside box true ;;
    stopped | broken) ;;
    *) return 1 ;;
    esac
}
back=0
for victim in monitor holder both; do
    for n in 0 2; do
        ok sysct start box
        monitor=$(monitor_of box) holder=$(holder_of box)
        inside box reboot -f || :
        pause $n 25
        # the monitor's process may be sysct just now, and has the same pid
        case $victim in monitor) victims=$monitor ;; holder) victims=$holder ;; both) victims="$monitor $holder" ;; esac
        # shellcheck disable=SC2086 # a list
        { kill -STOP $victims && kill -KILL $victims; } 2>/dev/null || :
        eventually 20 settled
        [ "$(state_of box)" != running ] || back=$((back + 1))
        sysct stop --now box >"$OUT" 2>"$ERR" || [ $? = 4 ] || fail "stop after the death of $victim: $(cat "$ERR")"
        same "$(state_of box)" stopped "state after the death of $victim"
        unchanged
    done
done
say "$back of 6 came back from their reboot"
[ $back -ge 2 ] || fail "only $back of 6 came back, where the other of the two was left in 4"

ok sysct start box
init=$(field box init_pid)
for n in 0 2 5; do
    die box both
    sysct attach -T box -- true >/dev/null 2>&1 </dev/null &
    command=$!
    pause $n 3
    kill -KILL $command 2>/dev/null || :
    wait $command 2>/dev/null || :
    eventually 10 can_attach box
    same "$(field box init_pid)" "$init" "init"
    same "$(pgrep -c -f "^[^ ]*sysct-monitor box $SYSCT_RUN_DIR ")" 1 "number of monitors"
done
inside box poweroff -f || :
eventually 20 in_state box stopped
unchanged
