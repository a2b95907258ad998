#!/bin/sh
# timeout: 180
# The attacks can succeed: where the guard is off, each of these does. A check that never fails would test nothing.
. "${0%/*}/lib.sh"
. "$REPO/tests/attack/boxes.sh"

INSIDE=$ATTACK_PROGRAMS/attack-inside
n=0

# succeed WHERE ID...: each of these is in the results, as FAIL
succeed() {
    where=$1
    shift
    for id in "$@"; do
        grep -q "^$id FAIL " "$RESULTS" || fail "$where: $id did not get out: $(grep "^$id " "$RESULTS" || echo "no result")"
        n=$((n + 1))
    done
    : >"$RESULTS"
}

# --- on the host, with none of its own but a mount namespace, so that nothing is left ---
mkfifo "$TEST_TMP/stdin"
"$INSIDE" canary "attack-canary-$$" <"$TEST_TMP/stdin" >"$TEST_TMP/facts" &
exec 9>"$TEST_TMP/stdin"
eventually 10 grep -q '^$' "$TEST_TMP/facts"
FACTS=$(sed -n 's/^\([a-z]*=[^ ]*\)$/--set \1/p' "$TEST_TMP/facts" | tr '\n' ' ')
# bare ID...
bare() {
    # shellcheck disable=SC2086 # options
    unshare --mount --propagation private "$INSIDE" $FACTS --only "$(echo "$@" | tr ' ' ',')" </dev/null >>"$RESULTS"
    succeed "on the host" "$@"
}
bare C5-call C6-add_key C6-request_key C6-keyctl C6-canary
bare C7-bpf C7-perf_event_open C7-userfaultfd C7-umount_force C7-sysfs C8-audit C9-setup C9-enter C9-register
bare C10-tiocsti C10-tiocsti-32 C10-tiocsti-63 C10-tioclinux C11-init C11-attached
bare N-cgroup N-ipc N-net N-pid N-user N-uts N-process N-signal N-map N-ids N-socket N-shm
bare CAP-bounding CAP-bounding-init E1-tmpfs E4-up C1-sysctl C1-helpers K-nice K-io H6-freeze
exec 9>&-

# --- in a directory, by chroot alone, with a directory of the host as a descriptor ---
mkdir -p "$TEST_TMP/root/proc" "$TEST_TMP/root/tmp" "$TEST_TMP/root/mnt"
cp "$INSIDE" "$TEST_TMP/root/inside"
ok sh "$ATTACK/plant" "$TEST_TMP/root"
unshare --mount --propagation private sh -c 'mount -t tmpfs none "$1/tmp" && mount -t proc none "$1/proc" &&
    exec chroot "$1" /inside --only B7-chroot,B7-roots,A2-held,E1-planted,E1-remount,E1-nodev' sh "$TEST_TMP/root" 7</etc </dev/null >>"$RESULTS"
succeed "in a chroot" B7-chroot B7-roots A2-held E1-planted E1-remount E1-nodev

# --- the terminal of who enters is the one inside ---
if got=$(python3 "$ATTACK/typed.py" "$INSIDE" push x); then fail "nothing was typed into a terminal: $got"; fi
has "$got" 'typed: ' "what typed.py says"
n=$((n + 1))

# --- in containers, with a guard off ---
attack_box box --set security.keep_capabilities=sys_time --set security.keep_capabilities=syslog
got=$(sysct attach -T box -- sh -c 'cat >/attack/inside && chmod 0755 /attack/inside' <"$INSIDE")
inside box /attack/inside --set tasks=20 --set memory=4 --only CAP-bounding,K1-tasks,K2-memory >>"$RESULTS"
succeed "with capabilities kept, below its limits" CAP-bounding K1-tasks K2-memory

# nsenter enters as sysct does, without what sysct does about it
INIT=$(field box init_pid)
sh "$ATTACK/run" --enter "nsenter -a -S 0 -G 0 -t $INIT" --init "$INIT" --joiner "$(command -v nsenter)" \
    --programs "$ATTACK_PROGRAMS" --only 'A*' >"$RESULTS"
succeed "by nsenter" A2-caller A8-as-init A8-caps E5-cgroup A7-environment A7-rlimit A7-oom A7-session \
    D1-terminal D1-pipe D1-own A4-proc
ok sysct stop --now box

# privileged is a guard off: the ids are the host's; and there is no filter
attack_box open --set security.privileged=yes --set security.seccomp=none
INIT=$(field open init_pid)
# races, of which not each is won each time: until all have been, in one round or another
: >"$TEST_TMP/won"
for again in $(seq 20); do
    sh "$ATTACK/run" --enter "nsenter -a -t $INIT" --init "$INIT" --joiner "$(command -v nsenter)" \
        --programs "$ATTACK_PROGRAMS" --only 'N-*,C*' >"$RESULTS"
    grep -E '^A(1-kept|1-interpreter|2-descriptors|3-trace|3-memory|3-environ) FAIL ' "$RESULTS" >>"$TEST_TMP/won" || :
    [ "$(cut -d ' ' -f 1 "$TEST_TMP/won" | sort -u | wc -l)" -lt 6 ] || break
done
say "the races were won in $again rounds"
cat "$TEST_TMP/won" >>"$RESULTS"
succeed "by nsenter, with the host's ids, without a filter" A1-kept A1-interpreter A3-trace A3-memory A3-environ \
    A2-descriptors N-map N-ids C11-init C11-attached C10-tiocsti C8-audit C9-setup C7-userfaultfd C6-keyctl
ok sysct stop --now open

# --- what says that the host was left alone says when it was not ---
. "$ATTACK/lib.sh"
canary "$TEST_TMP/canary"
tree "$TEST_TMP/canary" >"$TEST_TMP/before"
tree "$TEST_TMP/canary" | cmp -s "$TEST_TMP/before" - || fail "nothing has changed, and it says so"
for change in 'touch $C/dir/new' 'echo >>$C/file' 'chmod 0700 $C/program' 'mkdir $C/dir/below/more' 'ln -sf x $C/link'; do
    C=$TEST_TMP/canary sh -c "$change"
    if tree "$TEST_TMP/canary" | cmp -s "$TEST_TMP/before" -; then fail "not seen: $change"; fi
    tree "$TEST_TMP/canary" >"$TEST_TMP/before"
    n=$((n + 1))
done
# and who judges knows what is missing, what is skipped and what he does not know
printf 'B7-chroot PASS\n' >"$RESULTS"
if sh "$ATTACK/judge" default file <"$RESULTS" >"$OUT"; then fail "a missing result is none"; fi
has "$(cat "$OUT")" '^B7-mountinfo: no result' "the missing one"
awk '$2 == "file" { print $1, "PASS" }' "$ATTACK/list" >"$RESULTS"
ok sh "$ATTACK/judge" default file <"$RESULTS"
sed 's/^B7-pivot PASS/B7-pivot SKIP/' "$RESULTS" >"$TEST_TMP/changed"
if sh "$ATTACK/judge" default file <"$TEST_TMP/changed" >"$OUT"; then fail "what was skipped is held"; fi
{ cat "$RESULTS"; echo "X-unknown PASS"; } >"$TEST_TMP/changed"
if sh "$ATTACK/judge" default file <"$TEST_TMP/changed" >"$OUT"; then fail "an unknown id is known"; fi
n=$((n + 4))
say "$n controls"
[ $n -ge 60 ] || fail "only $n controls"
