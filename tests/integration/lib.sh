# shellcheck shell=sh
# What the integration tests share. A test is a POSIX script, named by the property that it shows:
#
#   #!/bin/sh
#   # timeout: 120                     seconds, where 60 are not enough
#   . "${0%/*}/lib.sh"
#
# scripts/test gives each one a private installation (SYSCT_STATE_DIR and so on), sysct in PATH and an empty directory
# $TEST_TMP, and compares the host before and after. A test succeeds with 0, fails with any other status, and is
# skipped with 77. What it makes it takes away again, by defer, also when it fails.
set -eu
export LC_ALL=C

: "${TEST_TMP:?run me by scripts/test}"
TESTS_DIR=$(cd "${0%/*}" && pwd)
REPO=$(cd "$TESTS_DIR/../.." && pwd)
OUT=$TEST_TMP/out
ERR=$TEST_TMP/err
DEFERRED=$TEST_TMP/deferred
: >"$DEFERRED"

# defer COMMAND...: at the end, last first; its failure is shown, and changes nothing
defer() {
    for word in "$@"; do
        printf "'%s' " "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
    done >>"$DEFERRED"
    echo >>"$DEFERRED"
}

finish() {
    status=$?
    trap - EXIT INT TERM HUP
    set +e
    tac "$DEFERRED" >"$DEFERRED.sh"
    # shellcheck disable=SC1090 # written by defer
    . "$DEFERRED.sh"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { echo "# $*"; }

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() {
    echo "SKIPPED: $*"
    exit 77
}

# expect STATUS COMMAND...: runs it with its output in $OUT and $ERR, and wants that exit status
expect() {
    want=$1
    shift
    got=0
    "$@" >"$OUT" 2>"$ERR" || got=$?
    [ "$got" = "$want" ] || {
        sed 's/^/out: /' "$OUT" | tail -n 20
        sed 's/^/err: /' "$ERR" | tail -n 20
        fail "status $got instead of $want: $*"
    }
}

# ok COMMAND...: it succeeds; its output is shown only when it does not
ok() { expect 0 "$@"; }

# same GOT WANT WHAT
same() { [ "$1" = "$2" ] || fail "$3: \"$1\" instead of \"$2\""; }

# has TEXT PATTERN WHAT: an extended regular expression
has() { printf '%s\n' "$1" | grep -q -E -e "$2" || fail "$3: \"$1\" has no \"$2\""; }

# refused STATUS PATTERN COMMAND...: an error of one line that PATTERN matches, one line with a hint, that exit status
refused() {
    want=$1
    pattern=$2
    shift 2
    expect "$want" "$@"
    say "$(cat "$ERR")"
    [ "$(grep -c '^sysct: ' "$ERR")" = 1 ] || fail "not one line of error: $*: $(cat "$ERR")"
    [ "$(grep -c '^hint: ' "$ERR")" = 1 ] || fail "not one line with a hint: $*: $(cat "$ERR")"
    [ "$(grep -c -v -E '^(sysct|hint): ' "$ERR")" = 0 ] || fail "more than an error and its hint: $*: $(cat "$ERR")"
    grep '^sysct: ' "$ERR" | grep -q -i -E -e "$pattern" || fail "the error does not say \"$pattern\": $(cat "$ERR")"
}

# eventually SECONDS COMMAND...: until it succeeds
eventually() {
    until_=$(($(date +%s) + $1 * ${SYSCT_TEST_PATIENCE:-1}))
    shift
    while ! "$@" >"$OUT" 2>"$ERR"; do
        [ "$(date +%s)" -lt $until_ ] || fail "did not come true: $*: $(tail -n 3 "$OUT" "$ERR")"
        sleep 0.1
    done
}

# mark, unchanged: nothing is left of what was tried in between
mark() { "$REPO/scripts/leak-check" snapshot "$TEST_TMP/mark"; }
unchanged() { "$REPO/scripts/leak-check" compare "$TEST_TMP/mark" --wait "${1:-3}" || fail "something is left on the host"; }

# create NAME OPTIONS...: a box that is gone after the test
# shellcheck disable=SC2086 # options
create() {
    defer remove "$1"
    ok sysct create "$@" ${SYSCT_TEST_CREATE_OPTIONS:-}
}

# own PATH: where a file that a box has written lies in its image
own() {
    case " ${SYSCT_TEST_CREATE_OPTIONS:-} " in *' --linked '*) echo "/upper$1" ;; *) echo "$1" ;; esac
}

remove() {
    [ ! -d "$SYSCT_STATE_DIR/containers/$1" ] || sysct destroy --force "$1"
}

# warm NAME: what all boxes share (bridge, rules, name server) is made with the first start, and stays until the last
# box goes; a test that compares the host around a start wants it made
warm() {
    ok sysct start "$1"
    ok sysct stop --now "$1"
}

# busybox NAME OPTIONS..., alpine NAME OPTIONS..., debian RELEASE NAME OPTIONS...
busybox() { create "$@" --template busybox; }

mirror() {
    MIRROR=${SYSCT_TEST_ALPINE_MIRROR:-$REPO/../shared/fixtures/alpine}
    [ -d "$MIRROR" ] || skip "no mirror of Alpine (SYSCT_TEST_ALPINE_MIRROR)"
    MIRROR=$(cd "$MIRROR" && pwd)
}

alpine() {
    mirror
    create "$@" --template alpine --mirror "$MIRROR"
}

debian() {
    release=$1
    shift
    defer remove "$1"
    # the mirror is the world's: when it does not answer for a moment it is asked again
    tries_=1
    # shellcheck disable=SC2086 # options
    until sysct create "$@" --template debian --release "$release" ${SYSCT_TEST_CREATE_OPTIONS:-} >/dev/null 2>"$TEST_TMP/create.err" </dev/null; do
        if [ $tries_ -ge 3 ] || ! grep -q ' mirror ' "$TEST_TMP/create.err"; then
            cat "$TEST_TMP/create.err" >&2
            fail "create $1"
        fi
        tries_=$((tries_ + 1))
        sleep 10
    done
}

asked_by_networkd() { inside "$1" networkctl status eth0 | grep -E "Address: $(field "$1" ipv4) \(DHCP(v)?4 via"; }

# asks_by_networkd NAME: a stopped Debian that has the package hello gets its address from its own networkd
asks_by_networkd() {
    say "its own networkd asks for the address"
    ok sysct config set "$1" network.address=dhcp
    ok sysct start "$1" --wait
    same "$(inside "$1" hello)" "Hello, world!" "after a restart"
    eventually 30 asked_by_networkd "$1"
    ok sysct stop "$1"
    has "$(sysct logs "$1")" 'systemd' "the log of its console"
}

# boots_readonly RELEASE: a Debian whose root file system is read-only
boots_readonly() {
    say "a root file system that is read-only"
    debian "$1" fixed --set rootfs.readonly=yes
    ok sysct start fixed --wait
    same "$(inside fixed systemctl --failed --no-legend --plain)" "" "failed units, read-only"
    if inside fixed touch /etc/written 2>"$ERR"; then fail "/etc can be written"; fi
    ok sysct stop fixed
}

# person NAME: a user of the host with an ssh key, who is gone after the test. His ssh client knows the boxes of this
# installation, by the drop-in that is installed for all.
person() {
    defer userdel -r -f "$1"
    ok useradd -m -k /dev/null -s /bin/sh -c "Some Body,,," "$1"
    drop_in=${SYSCT_DATA_DIR%/usr/*}/etc/ssh/ssh_config.d/50-sysct.conf
    [ -f "$drop_in" ] || drop_in=$REPO/config/ssh/50-sysct.conf
    ok grep -q '^Include /run/sysct/' "$drop_in"
    as "$1" sh -c 'umask 077; cd; mkdir .ssh; ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519'
    sed "s,/run/sysct/,$SYSCT_RUN_DIR/," "$drop_in" | as "$1" sh -c 'umask 077; cd; cat >.ssh/config'
}

# as NAME COMMAND...: that user of the host
as() {
    as_=$1
    shift
    (cd / && runuser -u "$as_" -- "$@")
}

# by_ssh NAME WHERE COMMAND...: as that user, who cannot be asked for anything
by_ssh() {
    by_=$1
    shift
    as "$by_" ssh -o BatchMode=yes -o ConnectTimeout=20 "$@" </dev/null
}

# inside NAME COMMAND...: what it prints
inside() {
    name_=$1
    shift
    sysct attach -T "$name_" -- "$@" </dev/null
}

# on_host VALUE FILE...: the file of one of these names, in the cgroups of boxes on the host, that says VALUE
on_host() {
    value_=$1
    shift
    for name_ in "$@"; do
        find /sys/fs/cgroup -path '*/sysct-*' -name "$name_" -exec grep -l -x "$value_" {} + 2>/dev/null
    done | head -n 1
}

# field NAME KEY: from info, as python prints it
field() {
    sysct info "$1" --format json | python3 -c '
import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print("" if value is None else " ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
      if isinstance(value, bool) else value)' "$2"
}

# forget_note INODE: of what forwarding was in that network namespace (see store/network.h), which is gone
forget_note() {
    grep -l -x "netns=$1" /run/sysct-sysctls-* 2>/dev/null | xargs -r rm -f
}

# a_host_and_its_lan: two network namespaces, $host and $lan, and a link between them: 198.51.100.1 and .2, the second one the
# first one's router. sysct that runs in $host has it for its host.
a_host_and_its_lan() {
    host=scthost$$
    lan=sctlan$$
    for n in "$host" "$lan"; do
        ip netns add "$n"
        # after the namespace: where another bridge was in it, its note would stay until the next network is made
        defer forget_note "$(stat -L -c %i "/run/netns/$n")"
        defer ip netns delete "$n"
        ip -n "$n" link set lo up
    done
    ip link add "scta$$" netns "$host" type veth peer name "sctb$$" netns "$lan"
    ip -n "$host" address add 198.51.100.1/24 dev "scta$$"
    ip -n "$host" link set "scta$$" up
    ip -n "$host" route add default via 198.51.100.2
    ip -n "$lan" address add 198.51.100.2/24 dev "sctb$$"
    ip -n "$lan" link set "sctb$$" up
}

# state_of NAME: as list shows it
state_of() {
    sysct list --format json | python3 -c '
import json, sys
print(*(box["state"] for box in json.load(sys.stdin) if box["name"] == sys.argv[1]))' "$1"
}

# terminal STEP... -- COMMAND...: see terminal.py
terminal() { python3 "$TESTS_DIR/terminal.py" "$@"; }

in_state() {
    state_=$(state_of "$1")
    echo "$1 is $state_"
    [ "$state_" = "$2" ]
}
can_attach() { inside "$1" true; }

# monitor_of NAME, holder_of NAME: process ids on the host
monitor_of() { pgrep -f "^[^ ]*sysct-monitor $1 $SYSCT_RUN_DIR " | head -n 1; }
holder_of() { pgrep -f "^[^ ]*sysct-holder .*sysct-monitor $1 $SYSCT_RUN_DIR " | head -n 1; }

has_victims() {
    case $2 in
    monitor) [ -n "$(monitor_of "$1")" ] ;;
    holder) [ -n "$(holder_of "$1")" ] ;;
    both) [ -n "$(monitor_of "$1")" ] && [ -n "$(holder_of "$1")" ] ;;
    esac
}

# die NAME WHO: kill -9 of its monitor, its holder, or both at the same instant, as far as anything can see
die() {
    # one that has just been made is the program of its maker for a moment
    eventually 10 has_victims "$1" "$2"
    case $2 in
    monitor) victims_=$(monitor_of "$1") ;;
    holder) victims_=$(holder_of "$1") ;;
    both) victims_="$(monitor_of "$1") $(holder_of "$1")" ;;
    esac
    # stopped first: neither of them sees the other's end
    for signal_ in STOP KILL; do
        # shellcheck disable=SC2086 # a list
        kill -$signal_ $victims_ || fail "there is no $2 of $1 to kill"
    done
    for p_ in $victims_; do
        while [ -d "/proc/$p_" ] && ! grep -q '^State:.Z' "/proc/$p_/status" 2>/dev/null; do sleep 0.01; done
    done
}
