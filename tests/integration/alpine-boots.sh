#!/bin/sh
# Alpine with its whole OpenRC: boots without a failed service, installs a package over the network, stops, goes.
# timeout: 120
. "${0%/*}/lib.sh"

mirror
# a server beside the bridge, on its address: what a box can reach
alpine box --set network.host_access=yes
sum=$(find "$MIRROR" -path '*/v3.19/main/*' -name APKINDEX.tar.gz -exec sha256sum {} + | cut -d' ' -f1)
same "$(sysct config get box template.checksum)" "$sum" "checksum of the index"
ok sysct start box --wait
same "$(inside box rc-status --crashed)" "" "failed services"
has "$(inside box rc-status default)" 'crond|networking' "runlevel default"
same "$(field box booted)" true booted
same "$(field box init)" openrc "kind of init"
gateway=$(inside box ip -4 route show default | sed 's/.*via \([^ ]*\).*/\1/')
[ -n "$gateway" ] || fail "no default route"
python3 -m http.server --bind "$gateway" --directory "$MIRROR" 8099 >"$TEST_TMP/http.log" 2>&1 &
defer kill $!
up() { wget -q -O /dev/null "http://$gateway:8099/v3.19/main/x86_64/APKINDEX.tar.gz"; }
eventually 10 up
inside box sh -c "echo http://$gateway:8099/v3.19/main >/etc/apk/repositories"
ok inside box apk add --no-cache tzdata
inside box test -e /usr/share/zoneinfo/Europe/Berlin || fail "the package is not there"
expect 7 sysct attach box -- sh -c 'exit 7'
ok sysct stop box
has "$(sysct logs box)" 'OpenRC' "the log of its console"
ok sysct destroy box
