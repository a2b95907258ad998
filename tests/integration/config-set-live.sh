#!/bin/sh
# config set of a limit changes a running box at once.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
ok sysct config set box limits.memory=96M
[ -n "$(on_host 100663296 memory.max memory.limit_in_bytes)" ] || fail "the kernel does not know"
