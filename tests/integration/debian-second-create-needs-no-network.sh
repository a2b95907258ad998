#!/bin/sh
# The second box of a kind is made of the cached image: no network, and at once.
# timeout: 600
. "${0%/*}/lib.sh"

debian trixie first
defer remove second
begin=$(date +%s%N)
ok unshare -n env http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 sysct create second --template debian --release trixie
took=$((($(date +%s%N) - begin) / 1000000))
say "second create: $took ms"
[ $took -lt 3000 ] || fail "it took $took ms"
ok sysct start first second --wait
[ "$(inside first cat /etc/machine-id)" != "$(inside second cat /etc/machine-id)" ] || fail "the same machine-id"
same "$(inside second hostname)" second hostname
