#!/bin/sh
# timeout: 120
# The tab key completes commands, names, options, templates, releases, keys, their values and checks: in bash, zsh and fish, which
# read what sysct completion prints, and each is driven as by a person.
. "${0%/*}/lib.sh"

for shell in bash zsh fish; do
    command -v $shell >/dev/null || skip "no $shell"
    ok sysct completion $shell
    mkdir "$TEST_TMP/$shell"
    cp "$OUT" "$TEST_TMP/$shell/_sysct"
    ok $shell -n "$TEST_TMP/$shell/_sysct"
done
busybox alder
busybox birch-1
busybox birch-2

# a line and what it becomes by one tab
set -- \
    'sysct autos|sysct autostart ' \
    'sysct start al|sysct start alder ' \
    'sysct start bi|sysct start birch-' \
    'sysct start alder --wai|sysct start alder --wait' \
    'sysct create x --template bus|sysct create x --template busybox ' \
    'sysct create x --template devuan --release exc|sysct create x --template devuan --release excalibur ' \
    'sysct create x --set limits.me|sysct create x --set limits.memory=' \
    'sysct config se|sysct config set ' \
    'sysct config set alder security.nes|sysct config set alder security.nesting=' \
    'sysct config set alder security.nesting=y|sysct config set alder security.nesting=yes ' \
    'sysct config set alder container.restart=on|sysct config set alder container.restart=on-failure ' \
    'sysct config unset alder limits.mem|sysct config unset alder limits.memory ' \
    'sysct list --format js|sysct list --format json ' \
    'sysct wait alder --for boo|sysct wait alder --for booted ' \
    'sysct kill alder --signal HU|sysct kill alder --signal HUP ' \
    'sysct template info alp|sysct template info alpine ' \
    'sysct doctor kernel.openat|sysct doctor kernel.openat2 ' \
    'sysct completion z|sysct completion zsh ' \
    'sysct help destr|sysct help destroy '
for shell in bash zsh; do
    say "$shell"
    python3 "$TESTS_DIR/completing.py" $shell "$TEST_TMP/$shell/_sysct" "$@" >"$OUT" 2>&1 || fail "$(cat "$OUT")"
done

say "fish"
for case in "$@"; do
    line=${case%|*}
    wanted=${case#*|}
    wanted=${wanted% }
    case $line in
    *'start bi') wanted='birch-1 birch-2' ;;
    *) wanted=${wanted##* } ;;
    esac
    same "$(HOME=$TEST_TMP fish --no-config -c "source $TEST_TMP/fish/_sysct; complete -C '$line'" | cut -f 1 | xargs)" "$wanted" "fish: $line"
done

same "$(sysct .complete start alder al)" "" "a name that stands there already"
say "directories of another installation, and files"
same "$(sysct .complete --state-dir "$TEST_TMP/nowhere" start '' | xargs)" "" "names of an installation without containers"
same "$(sysct .complete create x --template tarball --source '')" "@files" "what is said of files"
same "$(sysct .complete attach alder -- '')" "@files" "words that are somebody else's"
