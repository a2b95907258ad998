#!/bin/sh
# timeout: 120
# A published port leads into the box: from the host, from another machine and from another box, by IPv4 and IPv6.
# shows: network.publish
. "${0%/*}/lib.sh"

lan=sctlan$$
ip netns add "$lan"
defer ip netns delete "$lan"
ip link add "scta$$" type veth peer name "sctb$$"
ip link set "sctb$$" netns "$lan"
ip address add 198.51.100.1/24 dev "scta$$"
ip address add 2001:db8:5c7::1/64 dev "scta$$" nodad
ip link set "scta$$" up
ip -n "$lan" address add 198.51.100.2/24 dev "sctb$$"
ip -n "$lan" address add 2001:db8:5c7::2/64 dev "sctb$$" nodad
ip -n "$lan" link set "sctb$$" up

port=$((20000 + $$ % 10000))
busybox web --set "network.publish=$port:80" --set "network.publish+=127.0.0.1:$((port + 1)):80"
busybox other
ok sysct start web other --wait
inside web sh -c 'mkdir -p /www; echo it-is-web >/www/index.html; httpd -p "[::]:80" -h /www'

get() { curl -sS -g -m 5 "$@"; }
# asked through a box's own hands
from_box() { inside "$1" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $2 $3 | tail -n 1"; }

same "$(get "http://127.0.0.1:$port/")" it-is-web "127.0.0.1 of the host"
same "$(get "http://198.51.100.1:$port/")" it-is-web "the host's address, from the host"
same "$(get "http://127.0.0.1:$((port + 1))/")" it-is-web "the port of 127.0.0.1 alone"
expect 7 get "http://198.51.100.1:$((port + 1))/"
expect 7 get "http://[::1]:$port/"
same "$(ip netns exec "$lan" curl -sS -m 5 "http://198.51.100.1:$port/")" it-is-web "from another machine"
same "$(ip netns exec "$lan" curl -sS -g -m 5 "http://[2001:db8:5c7::1]:$port/")" it-is-web "from another machine, by IPv6"
same "$(from_box other 198.51.100.1 "$port")" it-is-web "from another box"
same "$(from_box other 2001:db8:5c7::1 "$port")" it-is-web "from another box, by IPv6"

say "a box does not reach what listens on 127.0.0.1 of the host"
gateway=$(inside other ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')
python3 -m http.server --bind 127.0.0.1 $((port + 2)) >/dev/null 2>&1 &
defer kill $!
eventually 5 get "http://127.0.0.1:$((port + 2))/"
inside other sh -c "ip address del 127.0.0.1/8 dev lo
for f in eth0 all; do echo 1 >/proc/sys/net/ipv4/conf/\$f/route_localnet; done
ip route add 127.0.0.1/32 via $gateway"
has "$(inside other ip route get 127.0.0.1)" "via $gateway" "the way of the attack"
if [ "$(from_box other 127.0.0.1 $((port + 2)))" ]; then fail "the host's loopback is open to a box"; fi

say "ports that somebody has are refused, with who"
refused 4 'container "web"' sysct config set other "network.publish=$port:80"
refused 4 'python3' sysct config set other "network.publish=$((port + 2)):80"
same "$(sysct config get other network.publish)" "" "what was refused is not written"

say "changed while it runs"
ok sysct config set web "network.publish=$((port + 3)):80"
same "$(get "http://127.0.0.1:$((port + 3))/")" it-is-web "the new port"
expect 7 get "http://127.0.0.1:$port/"
ok sysct config set other "network.publish=$port:80"
ok sysct config set web network.publish=
expect 7 get "http://127.0.0.1:$((port + 3))/"

say "of a link that is to come, or to be another one: with the next start"
at_next_start() { same "$(cat "$ERR")" "sysct: web: $1: at the next start" "what config set says"; }
ok sysct config set web network.eth1.address=none
at_next_start network.eth1
ok sysct config set web network.eth1.address=auto "network.eth1.publish=$((port + 4)):80"
at_next_start network.eth1
ok sysct config set web "network.eth1.publish=$((port + 5)):80"
at_next_start network.eth1
if nft list ruleset | grep -q "$((port + 5))"; then fail "a port leads to a link that is not there"; fi
# the ones that are there come at once beside it
ok sysct config set web "network.publish=$((port + 3)):80"
same "$(cat "$ERR")" "" "what is said of the link that is there"
same "$(get "http://127.0.0.1:$((port + 3))/")" it-is-web "the new port beside it"
ok sysct config set web network.publish=
ok sysct restart web --timeout 10
has "$(nft list ruleset)" "$((port + 5))" "the port of the new link"
# one that is there, and is on no bridge of ours, is refused as before
ip link add "sctc$$" type bridge
defer ip link delete "sctc$$"
ok sysct config set web network.eth1.address=192.0.2.7/24 "network.eth1.bridge=sctc$$" network.eth1.publish=
ok sysct restart web --timeout 10
refused 4 'own bridge' sysct config set web "network.eth1.publish=$((port + 5)):80"
ok sysct config unset web network.eth1
ok sysct restart web --timeout 10

say "gone with the box"
ok sysct config set other network.publish=
ok sysct config set web "network.publish=$port:80"
ok sysct stop web
expect 7 get "http://127.0.0.1:$port/"
[ ! -e "$SYSCT_RUN_DIR/.host/ports" ] || fail "records of ports are left"

say "refused at a start too"
ok sysct config set web "network.publish=$((port + 2)):80"
mark
refused 4 'python3' sysct start web
unchanged
