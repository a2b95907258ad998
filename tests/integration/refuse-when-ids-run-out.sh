#!/bin/sh
# The pool of ids has room for one box: the second is refused, the first one goes on.
. "${0%/*}/lib.sh"

printf '[host]\nid_pool = 1900000000-1900065535\n' >"$TEST_TMP/sysct.conf"
# a range of root's in /etc/subuid would go before id_pool: create does not see one
limited() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare -m sh -c 'for f in /etc/subuid /etc/subgid; do
            [ ! -e $f ] || mount --bind /dev/null $f || exit 99
        done
        exec "$@"' sh sysct --config "$TEST_TMP/sysct.conf" "$@"
}
defer remove one
ok limited create one --template busybox
mark
refused 1 'id' limited create two --template busybox
unchanged
ok sysct start one --wait
# given back with the box
ok limited destroy --force one
ok limited create one --template busybox
