#!/bin/sh
# timeout: 120
# An isolated box and the others exchange nothing, by no way, and it still reaches the host's names and the outside. In a
# network namespace of its own, as a host.
# shows: network.isolated
. "${0%/*}/lib.sh"

a_host_and_its_lan
there() { nsenter --net="/run/netns/$host" "$@"; }
sysct() { there sysct "$@"; }
there sysctl -q -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || :
from() { inside "$1" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 2 $2 $3 | tail -n 1" 2>/dev/null; }
# pinged FROM TO...: those that answer
pinged() {
    from_=$1
    shift
    inside "$from_" sh -c 'for to; do (ping -c 1 -W 1 "$to" >/dev/null 2>&1 && echo "$to ") & done; wait' sh "$@" | sort | tr -d '\n'
}
addresses() { for box_; do field "$box_" ipv4; field "$box_" ipv6; done | sort | tr '\n' ' '; }

busybox one --set network.isolated=yes --set network.publish=8001:80
busybox two --set network.isolated=yes
busybox free --set network.publish=8003:80
ok sysct start one two free --wait
for box in one free; do
    inside "$box" sh -c "mkdir /www; echo of-$box >/www/index.html; httpd -p '[::]:80' -h /www"
done
gateway=$(inside one ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')

# at_once COMMAND...: what they print together
at_once() {
    for command_; do $command_ & done
    wait
}
# none of the ways between an isolated one and the others, one that is isolated too among them
apart() {
    same "$(at_once "pinged one $(addresses two free)" "pinged free $(addresses one)" "from free $gateway 8001" \
        "from one $gateway 8003")" "" "neighbours and published ports that answer"
    # by way of the host, which would route it back
    ok inside one ip route add "$(field free ipv4)/32" via "$gateway"
    ok inside free ip route add "$(field one ipv4)/32" via "$gateway"
    same "$(at_once "pinged one $(field free ipv4)" "pinged free $(field one ipv4)")" "" "neighbours through the host"
    ok inside one ip route del "$(field free ipv4)/32"
    ok inside free ip route del "$(field one ipv4)/32"
}

say "isolated"
apart
for box in one free; do
    same "$(pinged "$box" 198.51.100.2)" "198.51.100.2 " "the outside"
    ok inside "$box" nslookup free.sysct "$gateway"
done
same "$(ip netns exec "$lan" curl -sS -m 5 http://198.51.100.1:8001/)" of-one "its published port, from another machine"
same "$(there curl -sS -m 5 "http://$(field one ipv4)/")" of-one "from the host"

say "no longer, while it runs"
ok sysct config set one network.isolated=no
# shellcheck disable=SC2046 # words
same "$(pinged one $(addresses two free))" "$(addresses free)" "neighbours that answer"
same "$(from free "$gateway" 8001)" of-one "its published port"
inside one ip route add "$(field free ipv4)/32" via "$gateway"
same "$(pinged one "$(field free ipv4)")" "$(field free ipv4) " "one and free, through the host"
inside one ip route del "$(field free ipv4)/32"

say "and again"
ok sysct config set one network.isolated=yes
apart
port=$(there ip -brief link | sed -n "s/^\(sct[^ @]*\)@.*/\1/p" | while read -r p; do
    there bridge -d link show dev "$p" | grep -q 'isolated on' && echo "$p"
done | wc -l)
same "$port" 2 "ports that the bridge keeps apart"

say "on a bridge of the administrator's it reaches what is no box"
ok sysct stop --now one two
ip -n "$host" link add br7 type bridge
ip -n "$host" link set br7 up
ip link add "sctc$$" netns "$host" type veth peer name "sctd$$" netns "$lan"
ip -n "$host" link set "sctc$$" master br7 up
ip -n "$lan" address add 203.0.113.1/24 dev "sctd$$"
ip -n "$lan" link set "sctd$$" up
ok sysct config set one network.bridge=br7 network.address=203.0.113.7/24 network.publish=
ok sysct config set two network.bridge=br7 network.address=203.0.113.8/24 network.isolated=no
ok sysct start one two --wait
same "$(pinged one 203.0.113.1 203.0.113.8)" "203.0.113.1 " "whom the isolated one reaches"
same "$(pinged two 203.0.113.1 203.0.113.7)" "203.0.113.1 " "whom the other one reaches"
