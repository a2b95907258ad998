#!/bin/sh
# attach to what a start has noted needs no other program of sysct's, and is as the large one's.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
ok sysct attach box -- true
[ -x "$SYSCT_LIBEXEC_DIR/sysct-main" ] || fail "sysct was built without its small program: install musl-tools"
alone() { SYSCT_LIBEXEC_DIR=$TEST_TMP/none sysct "$@"; }
# shellcheck disable=SC2317,SC2329 # by words
main() { "$SYSCT_LIBEXEC_DIR/sysct-main" "$@"; }

expect 0 alone attach box -- true
# shellcheck disable=SC2016 # for the shell inside
expect 42 alone attach -u root -w /etc -e A=b box -- sh -c '[ "$PWD $A" = "/etc b" ] && exit 42'
expect 127 alone attach box -- no-such-command
same "$(cat "$ERR")" "$(main attach box -- no-such-command 2>&1)" "what it says of a command that is not there"
ok sysct attach box -- ln -s loop /loop
expect 126 alone attach box -- /loop
same "$(cat "$ERR")" "$(main attach box -- /loop 2>&1)" "what it says of a command that leads nowhere"
alone attach box -- sh -c 'cat; echo end >&2' <"$0" >"$OUT" 2>"$ERR"
cmp "$0" "$OUT" || fail "its input did not come out"
same "$(cat "$ERR")" end "its standard error"

say "confined, limited and named as by the large one"
tell='grep -E "^(Cap|NoNew|Seccomp|Sig|Uid|Gid|Groups|Cpus_allowed:)" /proc/self/status; cat /proc/self/cgroup /proc/self/limits
cat /proc/self/oom_score_adj; cut -d " " -f 18,19,40,41 /proc/self/stat; for n in /proc/self/ns/*; do readlink "$n"; done; env | sort; pwd; umask; ls -l /proc/self/fd 2>/dev/null | grep -c "[0-9] -> "'
as_ignored() { setsid nice -n 5 sh -c 'trap "" USR1 HUP 34 35; exec "$@"' sh "$@"; }
by_it=$(as_ignored env SYSCT_LIBEXEC_DIR="$TEST_TMP/none" sysct attach -T box -- sh -c "$tell" </dev/null)
by_main=$(as_ignored "$SYSCT_LIBEXEC_DIR/sysct-main" attach -T box -- sh -c "$tell" </dev/null)
same "$by_it" "$by_main" "what a command sees of itself"
has "$by_it" "^SigIgn:.0000000000000000" "ignored signals"
has "$by_it" "^Max processes" "limits"

say "tables of what is of musl cannot be written while it runs"
# protected PID PROGRAM
protected() {
    table=$(readelf -lW "$2" | awk '$1 == "GNU_RELRO" { print $3 }')
    maps=$(grep "$2\$" "/proc/$1/maps")
    has "$maps" "^$(printf %x $(((0x${maps%%-*} + table) & ~4095)))-[0-9a-f]+ r--p" "where the tables of ${2##*/} are"
}
mkfifo "$TEST_TMP/in"
SYSCT_LIBEXEC_DIR=$TEST_TMP/none sysct attach -T box -- sh -c 'echo in; cat' <"$TEST_TMP/in" >"$TEST_TMP/said" &
pid=$!
exec 4>"$TEST_TMP/in"
eventually 10 grep -q in "$TEST_TMP/said"
protected $pid "$(command -v sysct)"
exec 4>&-
wait $pid
protected "$(monitor_of box)" "$SYSCT_LIBEXEC_DIR/sysct-monitor"

if unshare --time true 2>/dev/null; then
    say "the box's clocks, whoever's the caller has"
    its=$(SYSCT_LIBEXEC_DIR=$TEST_TMP/none unshare --time --boottime 100000 sysct attach -T box -- readlink /proc/self/ns/time </dev/null)
    same "$its" "$(inside box readlink /proc/self/ns/time)" "its time namespace"
fi

say "what has changed, is wrong or another's is for the large one"
defer chmod g-w "$SYSCT_STATE_DIR/containers/box"
ok chmod g+w "$SYSCT_STATE_DIR/containers/box"
refused 125 "containers/box: it is not root's alone" sysct attach box -- true
ok chmod g-w "$SYSCT_STATE_DIR/containers/box"
ok sysct config set box environment.LATER=yes
refused 125 "execute .*/none/sysct-main: .*No such file" alone attach box -- true
# shellcheck disable=SC2016 # for the shell inside
later='echo $LATER'
ok sysct attach box -- true
expect 125 alone attach no-such-box -- true
expect 125 alone attach
expect 125 alone attach --help
refused 1 "execute .*/none/sysct-main: .*No such file" alone list
ok sysct restart box --now
ok sysct wait box --for running
same "$(alone attach -T box -- sh -c "$later" </dev/null)" yes "what was set before it started"
ok sysct freeze box
expect 125 alone attach box -- true
expect 125 sysct attach box -- true
ok sysct thaw box
expect 0 alone attach box -- true
