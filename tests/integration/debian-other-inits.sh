#!/bin/sh
# timeout: 900
# Debian with sysvinit, OpenRC, runit or s6 as its init: it boots and says so, is asked to stop in its own way, and a reboot and
# a power off from inside end rightly.
. "${0%/*}/lib.sh"

# derive NAME PACKAGES...: a Debian whose init is another one
derive() {
    name=$1
    shift
    debian bookworm "$name"
    ok sysct start "$name" --wait=90
    inside "$name" sh -c "export DEBIAN_FRONTEND=noninteractive; apt-get update -q && apt-get install -q -y --no-install-recommends $*" \
        >"$TEST_TMP/apt" 2>&1 || {
        tail -n 5 "$TEST_TMP/apt"
        fail "apt-get install $*"
    }
}
swap() { ok sysct stop "$1" --now; }
ended() { sysct info "$1" --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_exit"])'; }
pid_changed() { [ "$(field "$1" init_pid)" != "$2" ] && [ "$(field "$1" booted)" = true ]; }

# try NAME KIND REBOOT POWEROFF
try() {
    say "$2"
    ok sysct start "$1" --wait=90
    same "$(field "$1" init)" "$2" "kind of init"
    same "$(field "$1" booted)" true "booted"
    pid=$(field "$1" init_pid)
    # shellcheck disable=SC2086 # words
    inside "$1" $3 >/dev/null 2>&1 || :
    eventually 60 pid_changed "$1" "$pid"
    ok sysct stop "$1" --timeout 60
    has "$(ended "$1")" 'stopped|halt' "how it ended, asked to stop"
    ok sysct start "$1" --wait=90
    # shellcheck disable=SC2086 # words
    inside "$1" $4 >/dev/null 2>&1 || :
    eventually 60 in_state "$1" stopped
    has "$(ended "$1")" 'halt|stopped' "how it ended, from inside"
    ok sysct destroy "$1"
}
derive sysv sysvinit-core
swap sysv
try sysv sysvinit reboot poweroff
derive openrc sysvinit-core openrc
swap openrc
try openrc sysvinit reboot poweroff
derive runit runit runit-init
swap runit
try runit runit 'init 6' 'init 0'

derive s6 s6 execline
inside s6 sh -c 'mkdir -p /etc/s6/svc/one /etc/s6/svc/.s6-svscan
    printf "#!/bin/sh\nexec sleep 100000\n" >/etc/s6/svc/one/run
    printf "#!/bin/sh\nexec /sbin/init\n" >/etc/s6/svc/.s6-svscan/crash
    printf "#!/bin/sh\nexit 0\n" >/etc/s6/svc/.s6-svscan/finish
    chmod +x /etc/s6/svc/one/run /etc/s6/svc/.s6-svscan/*'
swap s6
ok sysct config set s6 "container.init=/bin/s6-svscan /etc/s6/svc"
ok sysct start s6 --wait=30
same "$(field s6 init)" s6 "kind of init"
same "$(field s6 booted)" '' "s6 cannot say"
has "$(inside s6 ps ax)" 's6-supervise one' "its service"
ok sysct stop s6 --timeout 20
same "$(ended s6)" 'exit 0' "how it ended"
