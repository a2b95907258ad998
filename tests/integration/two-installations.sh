#!/bin/sh
# Two installations on one host do not see each other, with boxes of the same name; and a command that has the run directory of
# one and another cache or other boxes takes nothing there for its own to mend.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
other=$(mktemp -d /run/sysct-test-XXXXXX)
chmod 755 "$other"
mkdir "$TEST_TMP/other"
second() { sysct --state-dir "$TEST_TMP/other/state" --run-dir "$other" --cache-dir "$TEST_TMP/other/cache" "$@"; }
ended() {
    [ ! -d "$TEST_TMP/other/state/containers/box" ] || second destroy --force box
    rm -rf "$other"
}
defer ended
ok second create box --template busybox
ok second start box --wait
same "$(second list -q)" box "the other's boxes"
[ "$(second attach -T box -- cat /proc/self/uid_map </dev/null)" != "$(inside box cat /proc/self/uid_map)" ] || fail "the same ids"
ok second stop box
ok inside box true
ok sysct stop box

say "a run directory that is another's"
ok sysct start box
applied=$(cat "$SYSCT_RUN_DIR/.host/nft")
# untouched WHAT STATE CACHE: it has no tables of its own, and left alone what is written down of the other one's
untouched() {
    id=$(SYSCT_STATE_DIR=$2 SYSCT_CACHE_DIR=$3 "$REPO/scripts/leak-check" id)
    nft list tables >"$TEST_TMP/tables"
    ! grep -q -e " sysct$id\$" "$TEST_TMP/tables" || fail "$1: it has tables: $(cat "$TEST_TMP/tables")"
    same "$(cat "$SYSCT_RUN_DIR/.host/nft")" "$applied" "$1: what the rules are said to be"
}
ok sysct --cache-dir "$TEST_TMP/third" create new --template busybox
defer remove new
untouched "create with another cache" "$SYSCT_STATE_DIR" "$TEST_TMP/third"
ok sysct --cache-dir "$TEST_TMP/third" config set new limits.tasks=50
untouched "config with another cache" "$SYSCT_STATE_DIR" "$TEST_TMP/third"
ok sysct --state-dir "$TEST_TMP/third-state" create new --template busybox
untouched "create with other boxes" "$TEST_TMP/third-state" "$SYSCT_CACHE_DIR"
ok sysct --state-dir "$TEST_TMP/third-state" destroy new
untouched "destroy with other boxes" "$TEST_TMP/third-state" "$SYSCT_CACHE_DIR"
ok sysct config set box limits.tasks=61
config=$(cat "$SYSCT_STATE_DIR/containers/box/config")
for command in 'stop --now box' 'destroy --force box' 'attach box' 'freeze box' 'freeze --all' 'thaw box' 'kill box' 'kill --all' \
    'config set box limits.tasks=60' 'config set box limits.tasks=61' 'config unset box limits.tasks'; do
    want=4
    [ "$command" != 'attach box' ] || want=125
    # shellcheck disable=SC2086 # a command and its words
    refused $want "started with --state-dir $SYSCT_STATE_DIR --cache-dir $SYSCT_CACHE_DIR," \
        sysct --cache-dir "$TEST_TMP/third" $command
    has "$(cat "$ERR")" "^hint: .*give the same: .*--cache-dir $SYSCT_CACHE_DIR " "the hint"
done
ok inside box true
same "$(cat "$SYSCT_STATE_DIR/containers/box/config")" "$config" "the configuration of another's"
# its own command still mends them
nft delete table bridge "sysct$("$REPO/scripts/leak-check" id)"
ok sysct config set box limits.tasks=50
nft list tables | grep -q "bridge sysct$("$REPO/scripts/leak-check" id)\$" || fail "the rules are not mended"
