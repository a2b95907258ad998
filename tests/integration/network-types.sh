#!/bin/sh
# timeout: 180
# Each way to be connected: static addresses, several links, macvlan, a namespace of somebody else's, another bridge.
# shows: network.type network.bridge network.parent network.path network.hwaddr network.address network.gateway
# shows: network.dns network.search network.mtu
. "${0%/*}/lib.sh"

lan=sctlan$$
ip netns add "$lan"
defer ip netns delete "$lan"
ip -n "$lan" link set lo up
ip link add "scta$$" type veth peer name "sctb$$"
ip link set "scta$$" up
ip link set "sctb$$" netns "$lan"
ip -n "$lan" address add 198.51.100.1/24 dev "sctb$$"
ip -n "$lan" link set "sctb$$" up

say "static addresses, several, with MAC, MTU, DNS and search"
busybox first
ok sysct start first --wait
net=$(field first ipv4 | sed 's/[0-9]*$//')
# not the address that the first one happens to have
last=$(field first ipv4 | sed 's/.*\.//')
a=$(((last + 50) % 200 + 2))
b=$((a + 1))
net6=$(field first ipv6 | sed 's/::.*/::/')
busybox box --set "network.address=${net}$a/24" --set "network.address+=${net}$b/24" --set "network.address+=${net6}$a/64" \
    --set network.hwaddr=02:00:5e:00:00:77 --set network.mtu=1300 --set network.dns=192.0.2.53 --set network.search=a.example
ok sysct start box --wait
has "$(inside box ip address show dev eth0)" "inet ${net}$a/24" "first address"
has "$(inside box ip address show dev eth0)" "inet ${net}$b/24" "second address"
has "$(inside box ip address show dev eth0)" "inet6 ${net6}$a/64" "IPv6 address"
has "$(inside box ip address show dev eth0)" "mtu 1300" MTU
has "$(inside box ip address show dev eth0)" "02:00:5e:00:00:77" MAC
has "$(inside box ip route)" "default via ${net}1 " "default route"
has "$(inside box ip -6 route)" "default via ${net6}1 " "default route of IPv6"
has "$(inside box cat /etc/resolv.conf)" "nameserver 192.0.2.53" DNS
has "$(inside box cat /etc/resolv.conf)" "search a.example" search
ok inside first ping -c 1 -W 5 box
ok inside first ping -c 1 -W 5 "${net}$b"
ok inside first ping -6 -c 1 -W 5 "${net6}$a"
busybox rival --set "network.address=${net}$a/24"
refused 4 'container "box"' sysct start rival
ok sysct config set rival "network.address=${net}1/24"
refused 4 'the host' sysct start rival

say "several links: one default route, MACs of their own"
ok sysct stop box
ok sysct config set box network.address= network.hwaddr=auto network.mtu=auto network.eth1.type=veth
ok sysct start box --wait
same "$(inside box ip route | grep -c ^default)" 1 "default routes"
[ "$(inside box cat /sys/class/net/eth0/address)" != "$(inside box cat /sys/class/net/eth1/address)" ] || fail "one MAC twice"
ok sysct stop box

say macvlan
ok sysct config unset box network.eth1
ok sysct config set box network.type=macvlan "network.parent=scta$$" network.address=198.51.100.7/24 \
    network.gateway=198.51.100.1
ok sysct start box --wait
ok inside box ping -c 1 -W 5 198.51.100.1
same "$(inside box ip route | grep ^default)" "default via 198.51.100.1 dev eth0 " "default route"
ok ip netns exec "$lan" ping -c 1 -W 5 198.51.100.7
ok sysct stop box
ok sysct config set box network.parent=none0
refused 1 'none0' sysct start box
expect 2 sysct config set box network.address=auto network.gateway=
has "$(cat "$ERR")" 'dhcp, none' "no address is given there"

say "a namespace of somebody else's"
ok sysct config set box network.type=namespace "network.path=/run/netns/$lan" network.address= network.gateway=
ok sysct start box --wait
same "$(inside box readlink /proc/self/ns/net)" "$(ip netns exec "$lan" readlink /proc/self/ns/net)" "its namespace"
has "$(inside box ls /sys/class/net)" "sctb$$" "its links in /sys"
ok sysct stop box
ok ip netns exec "$lan" true
ok sysct config set box network.path=/etc/passwd
refused 1 'no network namespace' sysct start box

say "a bridge of the administrator's, without NAT"
ip link add "scbr$$" type bridge
defer ip link delete "scbr$$"
ip address add 203.0.113.1/24 dev "scbr$$"
ip link set "scbr$$" up
ok sysct config set box network.type=veth "network.bridge=scbr$$" network.path= network.address=203.0.113.7/24 \
    network.gateway=203.0.113.1
ok sysct start box --wait
ok ping -c 1 -W 5 203.0.113.7
ok inside box ping -c 1 -W 5 203.0.113.1
ok sysct stop box
expect 2 sysct config set box network.address=none network.gateway= network.publish=80:80
has "$(cat "$ERR")" 'publish: needs an address' "a port that leads nowhere"
ok sysct config set box network.publish=80:80
refused 4 "own bridge only" sysct start box
