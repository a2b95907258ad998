#!/bin/sh
# Without a name a box is called as its template, then with a number.
. "${0%/*}/lib.sh"

defer remove busybox
defer remove busybox-2
ok sysct create --template busybox
same "$(cat "$OUT")" busybox name
ok sysct create --template busybox
same "$(cat "$OUT")" busybox-2 "second name"
