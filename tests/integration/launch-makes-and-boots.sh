#!/bin/sh
# launch: created, booted, and a word on how to get in.
. "${0%/*}/lib.sh"

defer remove quick
ok sysct launch busybox quick
same "$(state_of quick)" running state
has "$(cat "$OUT" "$ERR")" 'sysct attach quick' "how to get in"
ok sysct destroy --force quick
