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

# given again in one command, a list appends, however its key is written; another key is refused
ok sysct config set box network.eth0.publish=8090:80
ok sysct config set box network.eth0.publish=8091:80 network.publish=8092:80
same "$(sysct config get box network.publish)" "$(printf '8091:80\n8092:80')" "a list that was given twice"
ok sysct config unset box network.publish
cp "$file" "$TEST_TMP/before"
expect 2 sysct config set box limits.tasks=100 limits.memory=128M limits.memory=256M
same "$(cat "$ERR")" 'sysct: config set box: "limits.memory" is given twice' "the reason"
cmp "$file" "$TEST_TMP/before" || fail "the file is changed"
expect 2 sysct create other --template busybox --set limits.memory=128M --set limits.memory=256M
has "$(cat "$ERR")" '"limits\.memory" is given twice' "the reason"
busybox other --set network.eth0.publish=8091:80 --set network.publish=8092:80
same "$(sysct config get other network.publish)" "$(printf '8091:80\n8092:80')" "a list that was given twice"

if printf '%s\n' "$before" | diff - "$file" | grep '^<'; then fail "a line of before is gone"; fi
