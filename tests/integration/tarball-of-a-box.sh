#!/bin/sh
# A box from the tree of another one: create --template tarball.
# timeout: 120
. "${0%/*}/lib.sh"

mirror
alpine first
ok sysct start first --wait
inside first sh -c 'echo from-the-first >/etc/mark; tar -C / --exclude=./proc --exclude=./sys --exclude=./dev --exclude=./run --exclude=./tmp -cf - . 2>/dev/null' >"$TEST_TMP/tree.tar" || :
ok sysct stop first
create second --template tarball --source "$TEST_TMP/tree.tar"
same "$(sysct config get second template.checksum)" "$(sha256sum <"$TEST_TMP/tree.tar" | cut -d' ' -f1)" "checksum of the archive"
ok sysct start second --wait
same "$(inside second cat /etc/mark)" from-the-first "a file of the first"
same "$(inside second hostname)" second hostname
same "$(inside second rc-status --crashed)" "" "failed services"
expect 2 sysct create third --template tarball --source "$TEST_TMP/no-such-file"
has "$(cat "$ERR")" no-such-file "the reason"
echo "this is no archive" >"$TEST_TMP/text.tar.gz"
refused 1 "template \"tarball\": $TEST_TMP/text.tar.gz is not a tar archive" \
    sysct create third --template tarball --source "$TEST_TMP/text.tar.gz"
