#!/bin/sh
# timeout: 120
# shows: container.autostart container.autostart_priority container.autostart_delay
# autostart starts what is marked, the highest priority first, with the delay between, goes on past one that cannot be started and
# leaves alone what runs; --stop goes the other way round.
. "${0%/*}/lib.sh"

for box in last first middle other broken; do
    busybox $box
done
ok sysct config set first container.autostart=yes container.autostart_priority=20
ok sysct config set middle container.autostart=yes container.autostart_priority=10
ok sysct config set last container.autostart=yes
ok sysct config set broken container.autostart=yes container.autostart_priority=15 container.init=/no/such/init

# names, in the order in which their inits began
running() { sysct list --running --format json | python3 -c '
import json, sys
began = lambda box: int(open("/proc/%d/stat" % box["init_pid"]).read().rsplit(")", 1)[1].split()[19])
print(*(box["name"] for box in sorted(json.load(sys.stdin), key=began)))'; }
same "$(sysct list --format json | python3 -c 'import json, sys; print(*sorted(b["name"] for b in json.load(sys.stdin) if b["autostart"]))')" \
    "broken first last middle" "what list says is marked"

say "by priority, past one that fails"
ok sysct start middle
expect 1 sysct autostart
has "$(cat "$ERR")" '^sysct: autostart broken: .*/no/such/init' "the one that fails"
same "$(running)" "middle first last" "what runs, in the order of their starts"

say "the other way round; what is not marked stays"
ok sysct start other
for box in first middle last; do
    eventually 20 can_attach $box
done
ok sysct -v autostart --stop
same "$(sed -n 's/^.*\(first\|middle\|last\|other\): send .* to init$/\1/p' "$ERR" | xargs)" "last middle first" "order of the stop"
same "$(running)" other "what is left"
ok sysct autostart --stop
ok sysct autostart --stop --all
same "$(running)" '' "after a stop of all"

say "a delay is waited for after a start, and not after one that ran already"
ok sysct config set broken container.autostart=no
ok sysct config set first container.autostart_delay=1h
sysct autostart 2>"$TEST_TMP/notes" &
starter=$!
eventually 20 in_state first running
sleep 0.5
same "$(running)" first "while the delay passes"
kill -INT $starter
got=0
wait $starter || got=$?
same $got 130 "exit status of an interrupted one"
ok sysct autostart
same "$(running)" "first middle last" "all of them"
ok sysct autostart --stop --timeout 0s

say "one that cannot be read may be meant"
echo 'nonsense' >>"$SYSCT_STATE_DIR/containers/middle/config"
ok sysct config set first container.autostart_delay=0s
expect 2 sysct autostart
has "$(cat "$ERR")" '^sysct: autostart middle: ' "the one that cannot be read"
same "$(running)" "first last" "the others"
ok sysct autostart --stop --all --timeout 0s
refused 2 'no names' sysct autostart first
refused 2 'are for --stop' sysct autostart --all
