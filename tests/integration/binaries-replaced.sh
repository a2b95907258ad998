#!/bin/sh
# A new build is installed over the old one while boxes run, by rename: each command, a reboot from inside and the death of
# monitor and holder work with the new programs. While they are missing boxes run on; what wanted them then is done when they
# are back.
# timeout: 120
. "${0%/*}/lib.sh"

busybox box
warm box
mark
installed=$TEST_TMP/installed
mkdir "$installed"
program=$(command -v sysct)
cp "$program" "$SYSCT_LIBEXEC_DIR"/sysct-* "$installed/"
build=$SYSCT_LIBEXEC_DIR
SYSCT_LIBEXEC_DIR=$installed
PATH=$installed:$PATH

# install_anew: files of their own, by rename
install_anew() {
    for file in "$program" "$build"/sysct-*; do
        cp "$file" "$installed/.new"
        mv "$installed/.new" "$installed/${file##*/}"
    done
}
# runs_new PID PROGRAM: it executes the file that has that name now
runs_new() { [ "$(stat -L -c %i "/proc/$1/exe")" = "$(stat -c %i "$installed/$2")" ]; }
of_now() {
    eventually 10 runs "$1"
    pid=$("$1_of" box)
    runs_new "$pid" "sysct-$1" || fail "the $1 is of the old build"
}
runs() { [ -n "$("$1_of" box)" ]; }
another() { now=$(field box init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && inside box true; }

ok sysct start box --wait
init=$(field box init_pid)
runs_new "$(monitor_of box)" sysct-monitor || fail "it was not started by the copy"
install_anew
if runs_new "$(monitor_of box)" sysct-monitor; then fail "nothing was replaced"; fi
for command in list 'info box' 'attach -T box -- true' 'logs box' 'freeze box' 'thaw box' 'kill box --signal HUP' \
    'config set box limits.tasks=77' 'wait box --for booted'; do
    # shellcheck disable=SC2086 # words
    ok sysct $command
done
terminal 'send=\r' 'expect=[#$:] ' 'send=\x01q' exit=0 -- sysct console box >"$OUT" || fail "console: $(cat "$OUT")"
die box monitor
of_now monitor
die box holder
of_now holder
install_anew
inside box reboot -f || :
eventually 20 another
of_now monitor
install_anew
die box both
ok inside box true
of_now monitor
of_now holder

# missing for a while
rm "$installed"/sysct-holder "$installed"/sysct-monitor
init=$(field box init_pid)
die box holder
ok inside box true
sleep 1.5
same "$(field box init_pid)" "$init" "init while there is no program for a holder"
[ -n "$(monitor_of box)" ] || fail "the monitor went with the program of the holder"
install_anew
eventually 10 runs holder
rm "$installed"/sysct-*
die box monitor
ok inside box true
sleep 1.5
install_anew
eventually 10 runs monitor
rm "$installed"/sysct "$installed"/sysct-*
inside box reboot -f || :
sleep 1.5
install_anew
eventually 20 another
find "$installed" -name 'sysct-*' ! -name sysct-main -delete
die box both
ok "$program" attach -T box -- true </dev/null
has "$(cat "$ERR")" 'no new ones: find .*sysct-holder' "what attach says without programs"
ok "$program" list --format csv
refused 1 'show a table: execute .*sysct-table: No such file' "$program" list
install_anew
ok inside box true
rm -r "$installed"
SYSCT_LIBEXEC_DIR=$build
ok "$program" stop box
unchanged
