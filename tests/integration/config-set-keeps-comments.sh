#!/bin/sh
# config set changes one line: comments and order stay; get, unset and check agree.
. "${0%/*}/lib.sh"

busybox box
file=$SYSCT_STATE_DIR/containers/box/config
printf '; a remark of mine\n' >>"$file"
before=$(cat "$file")
ok sysct config set box container.description="my box" limits.memory=128M
same "$(sysct config get box container.description)" "my box" get
grep -q -F '; a remark of mine' "$file" || fail "the remark is gone"
ok sysct config check box
ok sysct config unset box container.description
ok sysct config unset box limits.memory
expect 2 sysct config set box container.nonsense=1
expect 2 sysct config set box limits.memory=lots
has "$(cat "$ERR")" 'memory' "the reason"
expect 2 sysct config set box container.stop_timout=3s
has "$(cat "$ERR")" 'stop_timeout' "did you mean"
if printf '%s\n' "$before" | diff - "$file" | grep '^<'; then fail "a line of before is gone"; fi
