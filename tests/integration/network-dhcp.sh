#!/bin/sh
# timeout: 180
# address = dhcp: the guest's own client asks, on sysct's bridge and on one of the administrator's with his own server.
. "${0%/*}/lib.sh"

command -v dnsmasq >/dev/null || skip "no dnsmasq"
alpine box --set network.address=dhcp
busybox neighbour
ok sysct start box neighbour --wait
has_address() { inside box ip -4 address show dev eth0 | grep -q "inet $1"; }
eventually 20 has_address ""
has_address "$(field box ipv4)" || fail "another address than list shows"
ok inside neighbour ping -c 1 -W 5 box
ok inside box ping -c 1 -W 5 neighbour

say "another client on the same bridge"
ok sysct config set neighbour network.address=dhcp
ok sysct restart neighbour
eventually 10 can_attach neighbour
has "$(inside neighbour udhcpc -i eth0 -n -q -f -s /bin/true 2>&1)" "lease of $(field neighbour ipv4) obtained" udhcpc

say "no longer"
ok sysct stop box
ok sysct config set box network.address=
ok sysct start box --wait
if inside box cat /etc/network/interfaces | grep -q 'inet dhcp'; then fail "the client is still asked to ask"; fi

say "a bridge of the administrator's, with his own server"
ip link add "scbr$$" type bridge
defer ip link delete "scbr$$"
ip address add 203.0.113.1/24 dev "scbr$$"
ip link set "scbr$$" up
dnsmasq --conf-file=/dev/null --keep-in-foreground --port=0 --interface="scbr$$" --bind-interfaces --except-interface=lo \
    --dhcp-range=203.0.113.50,203.0.113.60,1h --leasefile-ro --no-ping --pid-file >/dev/null 2>&1 &
defer kill $!
ok sysct stop box
ok sysct config set box network.address=dhcp "network.bridge=scbr$$"
ok sysct start box --wait
eventually 20 has_address 203.0.113
ok ping -c 1 -W 5 "$(inside box ip -4 address show dev eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')"

say "no link at all"
ok sysct stop box
ok sysct config set box network.address= network.bridge= network.type=none
ok sysct start box --wait
if inside box cat /etc/network/interfaces | grep -q 'inet dhcp'; then fail "the client is still asked to ask"; fi
