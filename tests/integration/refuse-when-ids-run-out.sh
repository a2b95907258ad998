#!/bin/sh
# The pool of ids has room for one box: the second is refused, the first one goes on.
. "${0%/*}/lib.sh"

if grep -q '^root:' /etc/subuid 2>/dev/null; then skip "root has a range in /etc/subuid, which goes before id_pool"; fi
printf '[host]\nid_pool = 1900000000-1900065535\n' >"$TEST_TMP/sysct.conf"
limited() { sysct --config "$TEST_TMP/sysct.conf" "$@"; }
defer remove one
ok limited create one --template busybox
mark
refused 1 'id' limited create two --template busybox
unchanged
ok limited start one --wait
# given back with the box
ok limited destroy --force one
ok limited create one --template busybox
