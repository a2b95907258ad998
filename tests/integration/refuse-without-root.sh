#!/bin/sh
# Not root: one line that says so.
. "${0%/*}/lib.sh"

chmod 755 "$TEST_TMP"
copy=$(mktemp -d /tmp/sysct-test-XXXXXX)
defer rm -rf "$copy"
chmod 755 "$copy"
cp "$(command -v sysct)" "$SYSCT_LIBEXEC_DIR/sysct-main" "$copy/"
refused 1 'root' setpriv --reuid 65534 --regid 65534 --clear-groups "$copy/sysct" create box --template busybox
refused 1 'root' setpriv --reuid 65534 --regid 65534 --clear-groups "$copy/sysct" start box
