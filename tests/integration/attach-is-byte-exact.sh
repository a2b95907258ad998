#!/bin/sh
# Pipes stay pipes: what goes through `attach -- cat` comes out the same.
# timeout: 180
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
mib=${SYSCT_TEST_BULK:-256}
numbers() { python3 -c '
import random, sys
source = random.Random(1).randbytes(1 << 20)
for n in range(int(sys.argv[1])):
    sys.stdout.buffer.write(n.to_bytes(8, "big") + source[8:])' "$mib"; }
want=$(numbers | sha256sum)
got=$(numbers | sysct attach box -- cat | sha256sum)
same "$got" "$want" "$mib MiB through cat"
# output and errors stay apart
sysct attach box -- sh -c 'echo out; echo err >&2' >"$TEST_TMP/1" 2>"$TEST_TMP/2" </dev/null
same "$(cat "$TEST_TMP/1")" out stdout
same "$(cat "$TEST_TMP/2")" err stderr
same "$(printf 'a\0b\r\n\377' | sysct attach box -- cat | od -An -tx1 | tr -d ' ')" 6100620d0aff "odd bytes"
