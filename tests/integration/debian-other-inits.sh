#!/bin/sh
# timeout: 900
# Debian with sysvinit, OpenRC, openrc-init, runit or s6 as its init: it boots and says so, is asked to stop in its own way, and a
# reboot, a power off and a halt from inside end rightly.
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

# try NAME KIND REBOOT POWEROFF [HALT]
try() {
    say "$2${5:+: $5}"
    ok sysct start "$1" --wait=90
    same "$(field "$1" init)" "$2" "kind of init"
    same "$(field "$1" booted)" true "booted"
    pid=$(field "$1" init_pid)
    # shellcheck disable=SC2086 # words
    inside "$1" $3 >/dev/null 2>&1 || :
    eventually 60 pid_changed "$1" "$pid"
    ok sysct stop "$1" --timeout 60
    same "$(ended "$1")" stopped "how it ended, asked to stop"
    for words in "$4" "${5:-}"; do
        [ -n "$words" ] || continue
        ok sysct start "$1" --wait=90
        # shellcheck disable=SC2086 # words
        inside "$1" $words >/dev/null 2>&1 || :
        eventually 60 in_state "$1" stopped
        same "$(ended "$1")" halt "how it ended, from inside by $words"
    done
}
# at_once NAME: asked before it can hear
at_once() {
    ok sysct start "$1"
    ok sysct stop "$1" --timeout 60
    same "$(ended "$1")" stopped "how it ended, asked at once"
}
# make_s6 NAME: a directory for a bare s6-svscan; and what s6-linux-init lays out, which Debian does not have: a chain of programs
# becomes the supervisor, on a /run of its own; stage 2 is its child; a script for each signal; the end is reboot(2)
make_s6() {
    inside "$1" sh -c 'mkdir -p /etc/s6/svc/one /etc/s6/svc/.s6-svscan
    printf "#!/bin/sh\nexec sleep 100000\n" >/etc/s6/svc/one/run
    printf "#!/bin/sh\nexec /sbin/init\n" >/etc/s6/svc/.s6-svscan/crash
    printf "#!/bin/sh\nexit 0\n" >/etc/s6/svc/.s6-svscan/finish
    chmod +x /etc/s6/svc/one/run /etc/s6/svc/.s6-svscan/*'
    sysct attach -T "$1" -- sh -e <<'EOS'
base=/etc/s6-linux-init/current
service=$base/run-image/service
mkdir -p $base/scripts $service
cp -a /etc/s6/svc/. $service
cat >/sbin/s6-init <<'EOI'
#!/bin/execlineb -P
umask 022
if { mount -t tmpfs -o nodev,nosuid,mode=0755 tmpfs /run }
if { cp -a /etc/s6-linux-init/current/run-image/. /run }
background { s6-setsid /etc/s6-linux-init/current/scripts/rc.init default }
unexport !
s6-svscan -t0 -- /run/service
EOI
printf '#!/bin/sh\nsleep 2\necho over >/run/stage2\n' >$base/scripts/rc.init
cat >/sbin/s6-end <<'EOI'
#!/bin/sh
s6-svc -d /run/service/one
exec systemctl -ff "$1"
EOI
for signal in TERM HUP QUIT WINCH; do
    printf '#!/bin/sh\nexit 0\n' >$service/.s6-svscan/SIG$signal
done
printf '#!/bin/sh\nexec s6-end poweroff\n' | tee $service/.s6-svscan/SIGPWR >$service/.s6-svscan/SIGUSR1
printf '#!/bin/sh\nexec s6-end reboot\n' >$service/.s6-svscan/SIGINT
printf '#!/bin/sh\nexec s6-end halt\n' >$service/.s6-svscan/SIGUSR2
chmod +x $service/.s6-svscan/* $base/scripts/* /sbin/s6-end /sbin/s6-init
EOS
}
derive sysv sysvinit-core
swap sysv
try sysv sysvinit reboot poweroff
ok sysct destroy sysv

# this one has the parts of s6 too
derive openrc sysvinit-core openrc s6 execline
make_s6 openrc
swap openrc
try openrc sysvinit reboot poweroff
ok sysct config set openrc container.init=/sbin/openrc-init
try openrc openrc 'openrc-shutdown -r now' 'openrc-shutdown -p now' 'openrc-shutdown -H now'
at_once openrc

ok sysct config set openrc "container.init=/bin/s6-svscan /etc/s6/svc"
ok sysct start openrc --wait=30
same "$(field openrc init)" s6 "kind of init"
same "$(field openrc booted)" '' "s6 cannot say"
has "$(inside openrc ps ax)" 's6-supervise one' "its service"
ok sysct stop openrc --timeout 20
same "$(ended openrc)" 'exit 0' "how it ended"
ok sysct config set openrc container.init=/sbin/s6-init
ok sysct start openrc --wait=30
same "$(inside openrc cat /run/stage2)" over "stage 2, after the wait"
ok sysct stop openrc
try openrc s6 'kill -INT 1' 'kill -PWR 1' 'kill -USR2 1'
at_once openrc
ok sysct destroy openrc

derive runit runit runit-init
swap runit
try runit runit 'init 6' 'init 0'
ok sysct destroy runit
