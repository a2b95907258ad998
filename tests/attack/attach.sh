#!/bin/sh
# Those who enter a container are attacked from inside: while they join, by what they bring along, and by what they find.
# Called by run, which says in ATTACK_ENTER and so on how to enter; prints a result for each check.
HERE=$(cd "${0%/*}" && pwd)
# shellcheck source=tests/attack/lib.sh
. "$HERE/lib.sh"

: "${ATTACK_ENTER:?run me by run}"
WORK=$ATTACK_WORK
# So many at least; more while the watch, which has to be executed meanwhile, has seen few of them.
VISITS=40
MOST=400

# enter COMMAND...: without a terminal
enter() {
    # shellcheck disable=SC2086 # a command with its options
    $ATTACK_ENTER "$@"
}

# --- A1, A2, A3: from the first moment on ---
# The secret is in the environment of whoever enters, the directory is one of its descriptors.
sum() {
    if [ -n "$ATTACK_JOINER" ]; then sha256sum "$ATTACK_JOINER" | cut -d ' ' -f 1; fi
}
before=$(sum)
# result FILE: what somebody in the background writes there
result() {
    tries=0
    until enter cat "$1" </dev/null 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 20 ] || return 1
        # not too often: whoever enters keeps the program of the host busy
        sleep 0.4
    done
}
enter sh -c 'rm -f /attack/end; exec /attack/inside watch /attack/end /attack/watched' </dev/null
i=0
while [ $i -lt $VISITS ] || { [ $i -lt $MOST ] && ! enter test -e /attack/end.enough </dev/null; }; do
    i=$((i + 1))
    ATTACK_SECRET=of-the-host enter true 7</ 8</etc/passwd </dev/null >"$WORK/own" || :
done
VISITS=$i
enter touch /attack/end </dev/null
result /attack/watched >"$WORK/watch" || :
got() { sed -n "s/^$1 \([0-9]*\).*/\1/p" "$WORK/watch"; }
# watched ID KIND TEXT
watched() {
    if [ "$(got joiners)" -gt 0 ] 2>/dev/null; then
        if [ "$(got "$2")" = 0 ]; then
            pass "$1" "$3, in $(got joiners) of $VISITS visits that were seen"
        else
            breach "$1" "$(grep "^$2 " "$WORK/watch")"
        fi
    else
        breach "$1" "the watch saw nobody come: $(cat "$WORK/watch")"
    fi
}
watched A1-exe write-exe "the program cannot be written while it runs"
watched A1-kept keep-exe "the program cannot be written after it ran"
watched A2-directories directories "no working directory or root of the host"
watched A2-descriptors descriptors "no file of the host"
watched A3-trace trace "no ptrace"
watched A3-memory memory "no access to the memory"
watched A3-getfd getfd "no descriptor can be taken"
watched A3-environ environ "no environment of the host"
same_text A1-hash "the program on the host" "$(sum)" "$before"

# --- A1: #!/proc/self/exe executes what executes it ---
# With the container's own loader, where the program of the host names one.
loader=''
[ -z "$ATTACK_JOINER" ] || loader=$(loader_of "$ATTACK_JOINER")
if [ -n "$loader" ]; then
    dir=${loader%/*}
    enter sh -c "mkdir -p $dir && { [ ! -e $loader ] || mv $loader $loader.saved; } && cp /attack/interp $loader &&
        printf '#!/proc/self/exe\n' >/attack/script && chmod 0755 /attack/script" </dev/null
    enter rm -f /attack/reopened </dev/null
    got=$(enter /attack/script </dev/null 2>&1 | tail -n 1)
    # what it printed itself, or what it wrote after it had waited
    [ -n "$got" ] || got=$(result /attack/reopened || echo "it was executed, and said nothing: WRITABLE?")
    enter sh -c "rm -f $loader; [ ! -e $loader.saved ] || mv $loader.saved $loader" </dev/null
    case $got in
    *WRITABLE*) breach A1-interpreter "$got" ;;
    outside* | inside*) pass A1-interpreter "what was executed: $got" ;;
    *) pass A1-interpreter "nothing was executed: $(printf '%s' "$got" | tr -c '[:print:]' ' ' | cut -c 1-100)" ;;
    esac
else
    pass A1-interpreter "the program of the host has no loader"
fi

# --- A2: what is given ---
if got=$(enter /attack/inside given 7</ 8</etc 9</etc/passwd </dev/null 2>&1); then
    pass A2-caller "of descriptors 7, 8 and 9 of the caller: $got"
else
    breach A2-caller "$got"
fi
for dir in / /etc "$WORK"; do
    got=$(cd "$dir" && enter /attack/inside --only A2-held </dev/null)
    case $got in
    *PASS*) ;;
    *) break ;;
    esac
done
case $got in
*PASS*) pass A2-cwd "the caller's directory stays outside" ;;
*) breach A2-cwd "$got" ;;
esac

# --- A4: a /proc of the container's making ---
# attached WHAT: of a process that was attached while /proc was a trap, as the host sees it
mark=attack-$$-marker
enter sh -c 'mount -t tmpfs none /proc && mkdir -p /proc/self/attr /proc/self/fd /proc/1/ns /proc/self/ns /proc/sys/kernel &&
    for f in attr/exec attr/current oom_score_adj uid_map gid_map setgroups loginuid status; do
        : >/proc/self/$f; done; ln -s /attack /proc/self/exe; ln -s / /proc/self/root' </dev/null 2>/dev/null || :
enter sh -c "sleep 5; : $mark" </dev/null >/dev/null 2>&1 &
sleeper=$!
pid=''
tries=0
while [ -z "$pid" ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    sleep 0.05
    # the one that is inside, not the one that brought it there
    for p in $(pgrep -f "^sh -c sleep 5; : $mark" || :); do
        [ "$(readlink "/proc/$p/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || pid=$p
    done
done
confinement() {
    grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' "/proc/$1/status"
    for ns in cgroup ipc mnt net pid user uts; do readlink "/proc/$1/ns/$ns"; done
    cat "/proc/$1/uid_map"
    cat "/proc/$1/attr/current" 2>/dev/null || :
}
# in_group: each of its groups is that of PID 1, or below it
in_group() {
    while IFS=: read -r _ controllers path; do
        init=$(sed -n "s/^[0-9]*:$controllers://p" "/proc/$ATTACK_INIT/cgroup")
        # systemd and others move themselves down in their own tree: what counts is the container's
        init=${init%/init.scope}
        case $path/ in
        "${init%/}"/*) ;;
        *)
            echo "$controllers: $path is not below $init"
            return 1
            ;;
        esac
    done <"/proc/$1/cgroup"
}
if [ -z "$ATTACK_INIT" ]; then
    for id in A4-proc A5-groups E5-cgroup; do skip_check $id "needs --init"; done
elif [ -z "$pid" ]; then
    # refusing to enter is as good
    for id in A4-proc A5-groups E5-cgroup; do
        if kill -0 $sleeper 2>/dev/null; then breach $id "what was attached is not to be found"; else pass $id "refused"; fi
    done
else
    confinement "$ATTACK_INIT" >"$WORK/confined"
    if got=$(confinement "$pid" | diff "$WORK/confined" -); then
        pass A4-proc "attached below a false /proc, confined as PID 1"
    else
        breach A4-proc "attached below a false /proc: $got"
    fi
    # none, or the group of root inside
    got=$(sed -n 's/^Groups:[[:space:]]*//p' "/proc/$pid/status" | tr -s ' ' | sed 's/ $//')
    case $got in
    '' | "$(awk 'NR == 1 { print $2 }' "/proc/$pid/gid_map")") pass A5-groups "groups: $got" ;;
    *) breach A5-groups "groups of the host: $got" ;;
    esac
    if got=$(in_group "$pid"); then pass E5-cgroup "in the groups of PID 1"; else breach E5-cgroup "$got"; fi
fi
kill $sleeper 2>/dev/null || :
wait $sleeper 2>/dev/null || :
enter umount /proc </dev/null 2>/dev/null || :

# --- B6: what is mounted inside stays inside ---
mark=sysct-attack-mount-$$
enter sh -c "i=0; while [ \$i -lt 50 ]; do mount -t tmpfs $mark /mnt || exit 1; i=\$((i + 1)); done; mount --make-rshared / || :
    mount -t tmpfs $mark /mnt" </dev/null 2>/dev/null || :
n=$(enter grep -c "$mark" /proc/mounts </dev/null) || :
if [ "${n:-0}" -lt 50 ]; then
    breach B6-mounts "the attack did not run: ${n:-0} mounts"
else
    same_text B6-mounts "of $n mounts inside, the host sees" "$(grep -c "$mark" /proc/self/mountinfo)" 0
fi
enter sh -c 'while umount /mnt; do :; done' </dev/null >/dev/null 2>&1 || :

# --- A7: what the caller has and the container must not ---
got=$(ATTACK_SECRET=of-the-host LD_PRELOAD='' BASH_ENV=/x enter env </dev/null | grep -E '^(ATTACK_SECRET|LD_|BASH_ENV|SSH_|SUDO_|PWD=/root/)' || :)
same_text A7-environment "of the caller's environment" "$got" ""
same_text A7-umask "umask" "$(umask 0; enter sh -c umask </dev/null)" 0022
got=$(prlimit --nofile=77: sh -c "$ATTACK_ENTER sh -c 'ulimit -n' </dev/null")
verdict A7-rlimit "the caller's limit of descriptors stays outside ($got)" [ "$got" != 77 ]
got=$(sh -c "echo 555 >/proc/self/oom_score_adj; $ATTACK_ENTER cat /proc/self/oom_score_adj </dev/null")
verdict A7-oom "the caller's oom_score_adj stays outside ($got)" [ "$got" != 555 ]
got=$("$ATTACK_PROGRAMS/attack-inside" session "attack-$$" sh -c "$ATTACK_ENTER /attack/inside --only C6-session </dev/null")
case $got in
*PASS*) pass A7-session "${got#* PASS }" ;;
*) breach A7-session "$got" ;;
esac

# --- D1: the caller's terminal ---
# typed_into WAY COMMAND: nobody types into it, whether the command has a terminal inside or not
typed_into() {
    # shellcheck disable=SC2086 # a command with its options
    if got=$(python3 "$HERE/typed.py" $2 /attack/inside push "touch /tmp/sysct-attack") && [ "${got#*pushed}" != "$got" ]; then
        pass "D1-$1" "pushed ${got##*pushed }, and nothing came out"
    else
        breach "D1-$1" "$got"
    fi
}
typed_into terminal "$ATTACK_TERMINAL"
typed_into pipe "$ATTACK_ENTER"
# shellcheck disable=SC2086 # a command with its options, facts
got=$(python3 "$HERE/typed.py" $ATTACK_TERMINAL /attack/inside --only D1-streams $ATTACK_FACTS) || :
case $got in
*PASS*) pass D1-own "${got#* PASS }" ;;
*) breach D1-own "$got" ;;
esac
