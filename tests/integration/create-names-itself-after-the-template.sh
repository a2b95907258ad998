#!/bin/sh
# Without a name a box is called as its template, then with a number.
. "${0%/*}/lib.sh"

defer remove busybox
defer remove busybox-2
ok sysct create --template busybox
same "$(cat "$OUT")" busybox name
ok sysct create --template busybox
same "$(cat "$OUT")" busybox-2 "second name"
# a name that nobody could read is said to be unwritten, and whose it is; so is any other result
defer remove busybox-3
unwritten() { "$@" >/dev/full; }
refused 1 'write the result: No space left' unwritten sysct create --template busybox
has "$(cat "$ERR")" 'busybox-3 is made' "what became of it"
same "$(state_of busybox-3)" stopped "the box whose name could not be written"
for what in --version --help 'list --help'; do
    # shellcheck disable=SC2086 # words
    expect 1 unwritten sysct $what
    same "$(cat "$ERR")" 'sysct: write the result: No space left on device' "$what"
done
