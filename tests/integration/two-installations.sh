#!/bin/sh
# Two installations on one host do not see each other, with boxes of the same name.
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
