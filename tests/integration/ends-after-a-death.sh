#!/bin/sh
# How a box ends is known, and what follows is as configured, also when its monitor, its holder or both have died before: a
# reboot and a power off from inside, a crash with restart = on-failure, an exit status; also when they die again, or one of
# those that have taken it up, and when init was stopped by a signal meanwhile.
# timeout: 180
. "${0%/*}/lib.sh"

busybox box
warm box
mark

another() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && [ "$(state_of box)" = running ]; }
# died DEATH: and was taken up, which a look does not do
died() {
    for d_ in $1; do
        die box "$d_"
        ok inside box true
    done
    init=$(field box init_pid)
}

for death in monitor holder 'both both' 'both monitor' 'both holder'; do
    say "after the death of: $death"
    ok sysct config set box container.restart=no
    ok sysct start box --wait
    died "$death"
    inside box reboot -f || :
    eventually 20 another
    same "$(field box last_exit)" reboot "last exit ($death)"
    died "$death"
    inside box poweroff -f || :
    eventually 20 in_state box stopped
    same "$(field box last_exit)" halt "last exit ($death)"
    unchanged
done

ok sysct config set box container.restart=on-failure
ok sysct start box --wait
died both
ok sysct kill box
eventually 20 another
same "$(field box last_exit)" 'killed by SIGKILL' "last exit of one that crashed"
died both
inside box poweroff -f || :
eventually 20 in_state box stopped
unchanged

# A script is init. It is traced by who has taken it up, and yet gets each signal, stops and goes on; its exit status is told.
ok sysct start box --wait
sysct attach -T box -- sh -c 'cat >/root/run && chmod +x /root/run' <<'EOS'
#!/bin/sh
trap 'echo heard >>/run/said' USR2
trap 'exit 7' USR1
: >/run/said
while :; do sleep 0.1 & wait $!; done
EOS
ok sysct stop --now box
ok sysct config set box container.restart=no container.init=/root/run
ok sysct start box
eventually 20 inside box test -f /run/said
died both
heard() { [ "$(inside box cat /run/said | wc -l)" = "$1" ]; }
n=0
while [ $n -lt 5 ]; do
    n=$((n + 1))
    ok sysct kill box --signal USR2
    eventually 10 heard $n
done
is_stopped() { grep -q '^State:.[Tt]' "/proc/$init/status"; }
goes_on() { ! is_stopped; }
ok sysct kill box --signal STOP
eventually 10 is_stopped
ok sysct kill box --signal USR2
sleep 0.3
heard 5 || fail "a stopped init has run"
is_stopped || fail "a signal has made a stopped init go on"
ok sysct kill box --signal CONT
eventually 10 heard 6
goes_on || fail "it has not gone on"
die box holder # and whoever traces it now lets it be or goes on with it
ok sysct kill box --signal USR2
eventually 10 heard 7
ok sysct kill box --signal USR1
eventually 20 in_state box stopped
same "$(field box last_exit)" 'exit 7' "how it ended"
unchanged
