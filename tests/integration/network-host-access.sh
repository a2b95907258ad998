#!/bin/sh
# timeout: 180
# A box reaches names, DHCP and ping of the host, and nothing else by any of its addresses, until host_access = yes; the
# host reaches the box, and the box the outside. In a network namespace of its own, as a host.
# shows: network.host_access
. "${0%/*}/lib.sh"

a_host_and_its_lan
ip -n "$lan" address add 169.254.169.254/32 dev lo
there() { nsenter --net="/run/netns/$host" "$@"; }
sysct() { there sysct "$@"; }
get() { curl -sS -g -m 5 "$@"; }
# served NAMESPACE PORT TEXT
served() {
    mkdir "$TEST_TMP/www-$3"
    echo "$3" >"$TEST_TMP/www-$3/index.html"
    nsenter --net="/run/netns/$1" python3 -m http.server --bind :: --directory "$TEST_TMP/www-$3" "$2" >/dev/null 2>&1 &
    defer kill $!
    eventually 10 nsenter --net="/run/netns/$1" curl -sS -m 5 "http://127.0.0.1:$2/"
}
served "$host" 1234 of-the-host
served "$lan" 80 of-the-lan

busybox box
busybox web --set network.publish=1235:80
ok sysct start box web --wait
inside web sh -c 'mkdir /www; echo of-web >/www/index.html; httpd -p "[::]:80" -h /www'
gateway=$(inside box ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')
gateway6=$(inside box ip -6 route | sed -n 's/^default via \([0-9a-f:]*\) .*/\1/p')
local6=$(there ip -6 -o address show dev "sysct0$("$REPO/scripts/leak-check" id)" scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
from_box() { inside box sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 2 $1 $2 | tail -n 1" 2>/dev/null; }
sysct attach -T box -- sh -c 'cat >/scan; chmod 755 /scan' <"$SYSCT_BUILD_DIR/tests/net-scan"

say "by default"
addresses="$gateway 198.51.100.1 $gateway6 $local6%eth0"
# shellcheck disable=SC2086 # words
same "$(inside box sh -c 'ms=$1; shift; for to; do /scan "$ms" "$to" 1-1234 | sed "s,^,$to ," & done; wait' sh $((1500 * ${SYSCT_TEST_PATIENCE:-1})) $addresses | grep -v -e "^$gateway6 53$" \
    -e "^$local6%eth0 53$")" "$gateway 53" "ports of the host that answer"
for address in $addresses; do same "$(from_box "$address" 1234)" "" "the host's service at $address"; done
ok inside box ping -c 1 -W 5 "$gateway"
ok inside box ping -c 1 -W 5 "$gateway6"
ok inside box nslookup web.sysct "$gateway"
same "$(from_box 198.51.100.2 80)" of-the-lan "the outside"
same "$(from_box 169.254.169.254 80)" "" "the metadata of a cloud"
same "$(from_box 198.51.100.1 1235)" of-web "a published port"
same "$(from_box web 80)" of-web "its neighbour"

say "what the host begins is answered"
inside box sh -c 'mkdir /www; echo of-box >/www/index.html; httpd -p "[::]:80" -h /www'
same "$(there curl -sS -m 5 "http://$(field box ipv4)/")" of-box "from the host"
same "$(there curl -sS -g -m 5 "http://[$(field box ipv6)]/")" of-box "from the host, by IPv6"

say "allowed while it runs"
ok sysct config set box network.host_access=yes
same "$(cat "$ERR")" "" "what has to wait for a start"
for address in $addresses; do same "$(from_box "$address" 1234)" of-the-host "the host's service at $address"; done
same "$(from_box 169.254.169.254 80)" of-the-lan "the metadata of a cloud"
ok sysct stop --now box
ok sysct start box --wait
same "$(from_box "$gateway" 1234)" of-the-host "after a restart"

say "and taken away again, also from what is connected"
inside box sh -c "mkfifo /ask; exec 3<>/ask; nc $gateway 1234 <&3 >/late 2>/dev/null & echo \$! >/pid"
eventually 10 sh -c "nsenter --net=/run/netns/$host ss -Htn state established sport = 1234 | grep -q ."
ok sysct config set box network.host_access=no
same "$(from_box "$gateway" 1234)" "" "a new connection"
inside box sh -c 'printf "GET / HTTP/1.0\r\n\r\n" >/ask; sleep 2; kill $(cat /pid)'
same "$(inside box cat /late)" "" "the old connection"

say "on a bridge of the administrator's likewise"
ok sysct stop --now box
ip -n "$host" link add br7 type bridge
ip -n "$host" address add 203.0.113.1/24 dev br7
ip -n "$host" link set br7 up
ok sysct config set box network.bridge=br7 network.address=203.0.113.7/24 network.gateway=203.0.113.1
ok sysct start box --wait
ok inside box ping -c 1 -W 5 203.0.113.1
same "$(from_box 203.0.113.1 1234)" "" "the host's service"
ok sysct config set box network.host_access=yes
same "$(from_box 203.0.113.1 1234)" of-the-host "the host's service, allowed"

say "not where it means nothing"
expect 2 sysct config set web network.type=none network.publish= network.host_access=yes
