#!/bin/sh
# A mirror that cannot be reached: the mirror is named, nothing is left.
# timeout: 90
. "${0%/*}/lib.sh"

mark
refused 1 '127.0.0.1:9' sysct create box --template alpine --mirror http://127.0.0.1:9/alpine
refused 1 'no-such-mirror' sysct create box --template alpine --mirror "$TEST_TMP/no-such-mirror"
same "$(sysct list -q)" "" boxes
unchanged
