# shellcheck shell=sh
# What the integration tests attack-*.sh share, above lib.sh there.
ATTACK=$REPO/tests/attack
ATTACK_PROGRAMS=$SYSCT_BUILD_DIR/tests
export ATTACK_PROGRAMS
RESULTS=$TEST_TMP/results
: >"$RESULTS"

# The limits are small, so that their end is found soon.
LIMITS='--set limits.tasks=600 --set limits.memory=128M'
BOUNDS='--set tasks=700 --set memory=2000 --set image=1'

# attack_box NAME OPTIONS...: makes one, plants nodes in its image and starts it
attack_box() {
    name_=$1
    shift
    # shellcheck disable=SC2086 # options
    busybox "$name_" $LIMITS "$@"
    ok sh "$ATTACK/plant" "$SYSCT_STATE_DIR/containers/$name_/rootfs.img"
    ok sysct start "$name_" --wait
}

# attack_run NAME: everything that is tried from inside, and against those who enter
attack_run() {
    # shellcheck disable=SC2086 # options
    sh "$ATTACK/run" --enter "sysct attach -T $1 --" --terminal "sysct attach $1 --" --init "$(field "$1" init_pid)" \
        --joiner "$(command -v sysct)" --programs "$ATTACK_PROGRAMS" $BOUNDS >>"$RESULTS"
}

# attack_with SCRIPT ARGUMENT...
attack_with() {
    script_=$1
    shift
    sh "$ATTACK/$script_" "$@" >>"$RESULTS"
}

# attack_judge KIND
attack_judge() {
    sh "$ATTACK/judge" "$1" <"$RESULTS" || fail "a $1 container does not hold"
}
