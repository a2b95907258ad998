#!/bin/sh
# Monitor, holder, or both of them at the same instant are killed, and the very next command is each of them in turn: it
# works, and init has noticed nothing. After both have died the command says that it has made new ones; list and info only
# tell, and change nothing.
# timeout: 180
. "${0%/*}/lib.sh"

busybox box
warm box
ok sysct start box --wait
ok inside box sh -c 'sleep 12345 & echo $! >/run/sleeper'
init=$(field box init_pid)
n=0

taken_up='sysct: box: its monitor and its holder were killed; it has new ones, and a new console'
# said DEATH: the note of one that takes it up, if there was anything to take up
said() {
    if [ "$1" = both ]; then
        same "$(grep -c -x "$taken_up" "$ERR")" 1 "notes of $step"
    else
        same "$(grep -c 'were killed' "$ERR" || :)" 0 "notes of $step"
    fi
}

logged() { sysct logs box | grep -q "marker-$n"; }
unharmed() {
    n=$((n + 1))
    ok inside box sh -c "kill -0 \$(cat /run/sleeper) && echo marker-$n >/dev/console"
    eventually 10 logged
    [ -n "$(monitor_of box)" ] || fail "no monitor after $step"
    [ -n "$(holder_of box)" ] || fail "no holder after $step"
    ok sysct info box
    grep -q -E '^State: +running$' "$OUT" || fail "it does not run after $step: $(cat "$OUT")"
    grep -q -E "^ +Init pid: +$init\$" "$OUT" || fail "init is another after $step: $(cat "$OUT")"
    if grep '^Problem:' "$OUT"; then fail "after $step"; fi
}

for death in monitor holder both; do
    for command in 'attach -T box -- true' 'freeze box' 'kill box --signal HUP' "config set box limits.tasks=123$n" \
        'wait box --for booted'; do
        step="the $death's death and $command"
        die box $death
        if [ "$command" = 'freeze box' ] && [ $death = both ]; then
            ok sysct list
            same "$(state_of box)" running "state in list"
            has "$(field box problem)" 'were killed: sysct attach' "problem in info"
            has "$(sysct info box)" '^Problem: .*were killed' "info for people"
            ok sysct logs box
            same "$(cat "$ERR")" "" "what logs says"
        fi
        # shellcheck disable=SC2086 # words
        ok sysct $command </dev/null
        said $death
        [ "$command" != 'freeze box' ] || ok sysct thaw box
        case $command in
        config*) [ -n "$(on_host "${command##*=}" pids.max)" ] || fail "the limit is not set after $step" ;;
        esac
        unharmed
    done
    step="the $death's death and console"
    die box $death
    terminal 'send=\r' 'expect=[#$:] ' 'send=echo con$((1+1))sole\r' 'expect=con2sole' 'send=\x01q' exit=0 -- \
        sysct console box >"$ERR" || fail "$step: $(cat "$ERR")"
    step="the $death's death and start"
    die box $death
    expect 4 sysct start box
    has "$(cat "$ERR")" '^sysct: start box: it is already running' "$step"
    said $death
done

# one who watches sees on through all of it, and what the box has printed before
for death in monitor holder both; do
    step="the $death's death under a console"
    (
        eventually 30 inside box test -f "/run/watched-$death"
        die box $death
        until inside box sh -c "echo seen-$death >/dev/console" 2>/dev/null; do sleep 0.1; done
    ) &
    terminal "expect=marker-$n" 'send=\r' 'expect=[#$:] ' "again=: >/run/watched-$death\\r" "expect=seen-$death" \
        'send=\x01q' exit=0 -- sysct console box >"$OUT" 2>&1 || fail "$step: $(tail -n 20 "$OUT")"
    wait $!
    unharmed
done

ok sysct stop box
same "$(field box last_exit)" stopped "how it ended"
mark
for death in monitor holder both; do
    ok sysct start box
    die box $death
    ok sysct restart box
    ok inside box true
    die box $death
    ok sysct stop box --now
    unchanged
done
