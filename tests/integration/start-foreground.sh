#!/bin/sh
# timeout: 120
# start --foreground shows the console from its first byte, stays over a reboot, stops the box when it is asked to, tells by its
# exit status how the box ended, tells a service manager when it is ready; and a killed one harms no box.
. "${0%/*}/lib.sh"

# foreground [OPTIONS]: $fg is its process, $TEST_TMP/said what it shows, $TEST_TMP/status its exit status
foreground() {
    rm -f "$TEST_TMP/status"
    : >"$TEST_TMP/said"
    {
        sh -c 'echo $$ >"$1"; shift; exec sysct start box --foreground "$@"' - "$TEST_TMP/fg" "$@" \
            </dev/null >"$TEST_TMP/said" 2>"$TEST_TMP/notes" && echo 0 >"$TEST_TMP/status" || echo $? >"$TEST_TMP/status"
    } &
    eventually 20 can_attach box
    fg=$(cat "$TEST_TMP/fg")
}
shown() { grep -q -a "$1" "$TEST_TMP/said"; }
shown_times() { [ "$(grep -c -a "$1" "$TEST_TMP/said")" = "$2" ]; }
# ends_with STATUS: and then nothing of the box is left
ends_with() {
    eventually 30 test -s "$TEST_TMP/status"
    same "$(cat "$TEST_TMP/status")" "$1" "exit status ($(cat "$TEST_TMP/notes"))"
    same "$(state_of box)" stopped "the box, when the command has ended"
    unchanged
}
init_is_new() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && can_attach box; }

busybox box
warm box
mark

say "a reboot inside, a restart from outside and a new monitor are no end; a power off is"
foreground
init=$(field box init_pid)
inside box reboot || :
eventually 30 init_is_new
eventually 10 shown 'Requesting system reboot'
init=$(field box init_pid)
ok sysct restart --now box
eventually 10 init_is_new
kill -KILL "$(monitor_of box)"
again() { inside box sh -c 'echo agai""n >/dev/console' && shown again; }
eventually 15 again
kill -0 "$fg" || fail "it has ended"
inside box poweroff || :
ends_with 0
has "$(cat "$TEST_TMP/notes")" 'ended: halt' "what it says of the end"

say "SIGTERM stops the box"
foreground
kill -TERM "$fg"
ends_with 0
has "$(cat "$TEST_TMP/said")" 'SIGTERM to all' "an orderly stop"

say "a killed one harms no box"
foreground
kill -KILL "$fg"
eventually 10 test -s "$TEST_TMP/status"
ok sysct attach box -- true
refused 4 'start box: it is already running' sysct start box --foreground
sysct attach -T box -- sh -c 'cat >/stubborn && chmod +x /stubborn' <<'EOS'
#!/bin/sh
trap 'echo not yet' TERM
echo first words
while :; do sleep 1 & wait $!; done
EOS
inside box sh -c 'printf "#!/bin/sh\necho quick words\nexit 7\n" >/quick; chmod +x /quick'
ok sysct stop --now box

say "a second request is for now, and a watcher that sees nothing any more goes on"
ok sysct config set box container.init=/stubborn container.stop_timeout=1h
foreground
eventually 10 shown 'first words'
kill -INT "$fg"
eventually 10 shown 'not yet'
sleep 0.3
kill -INT "$fg"
ends_with 137
rm -f "$TEST_TMP/status"
(
    sysct start box --foreground </dev/null 2>"$TEST_TMP/notes" || echo $? >"$TEST_TMP/status"
) | head -n 1 >"$TEST_TMP/said" &
eventually 10 shown 'first words'
eventually 10 can_attach box
ok sysct kill box --signal TERM
ok sysct stop --now box
ends_with 137

say "the exit status is init's, and its first words are not lost"
ok sysct config set box container.init=/quick
expect 7 sysct start box --foreground
has "$(cat "$OUT")" '^quick words' "what a short-lived init said"
unchanged
ok sysct config set box security.privileged=yes
expect 7 sysct start box --foreground
has "$(cat "$OUT")" '^quick words' "what it said, privileged"
ok sysct config set box security.privileged=no
unchanged
ok sysct config set box "container.init=/bin/sleep 100"
foreground
ok sysct kill box
ends_with 137
ok sysct config set box container.restart=on-failure container.init=/quick
sysct start box --foreground >"$TEST_TMP/said" 2>"$TEST_TMP/notes" </dev/null &
eventually 30 shown_times 'quick words' 2
ok sysct stop box
got=0
wait $! || got=$?
same $got 7 "exit status of a box that a stop found between two lives"
ok sysct config unset box container.init
ok sysct config unset box container.restart

say "a service manager hears of it"
cat >"$TEST_TMP/manager.py" <<'EOS'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
box = subprocess.Popen(["sysct", "start", "box", "--foreground", "--wait=30"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1]))
assert s.recv(100) == b"READY=1"
assert subprocess.run(["sysct", "attach", "-T", "box", "--", "true"]).returncode == 0
box.terminate()
assert s.recv(100) == b"STOPPING=1"
assert box.wait(30) == 0
EOS
python3 "$TEST_TMP/manager.py" "$TEST_TMP/notify" || fail "what it tells"
unchanged

say "on a terminal what is typed goes inside"
terminal 'expect=#' 'send=echo ty$((1+1))ped\r' 'expect=ty2ped' 'send=sleep 100\r' 'quiet=0.5' 'send=\x03' 'send=echo st$((1+1))ill\r' \
    'expect=st2ill' 'send=\x01q' 'expect=runs on' exit=0 -- sysct start box --foreground || fail "typing and leaving"
same "$(state_of box)" running "after ^a q"
ok sysct stop --now box
terminal 'expect=\^b q leaves' 'expect=#' 'send=\x02\x03' 'expect=going down' exit=0 -- sysct start box --foreground --escape ^b ||
    fail "stopping by keys"
same "$(state_of box)" stopped "after ^b ^c"
unchanged
terminal --size=30x100 'expect=leave it with \^\] q' 'expect=#' 'send=stty size\r' 'expect=30 100' resize=40x120 'quiet=0.3' 'send=stty size\r' \
    'expect=40 120' 'send=\x1dq' exit=0 -- sysct start box --console --escape ^] || fail "start --console"
same "$(state_of box)" running "after ^] q"
ok sysct stop --now box

say "wrong words"
refused 2 'takes one name' sysct start box other --foreground
refused 2 'either --console or --foreground' sysct start box --foreground --console
refused 2 'no key' sysct start box --foreground --escape b
refused 2 '.--escape is for' sysct start box --escape ^b
refused 3 'no container' sysct start nobody --foreground
