#!/bin/sh
# An address that a destroyed box had leads to the box that has it now, whose MAC is another: from the host at once, by IPv4 and
# IPv6, and from its neighbours long before they forget the old one by themselves: half a minute, by IPv6 15 seconds at the least.
. "${0%/*}/lib.sh"

busybox other --set network.eth0.address=auto
ok sysct start other --wait
v4=$(field other ipv4)
v4=${v4%.*}.$((${v4##*.} % 200 + 40))
v6=$(field other ipv6)
v6=${v6%::*}::abcd
# known ADDRESS: which MAC the neighbour other has for it
known() { inside other ip neigh show "$1" | sed -n 's/.*lladdr \([0-9a-f:]*\) .*/\1/p'; }
pinged() { inside other ping -c 1 -W 1 "$1"; }

made() {
    busybox again --set "network.eth0.address=$v4/24,$v6/64"
    ok sysct start again --wait
    ok ping -c 1 -W 5 "$v4"
    ok ping -c 1 -W 5 "$v6"
    eventually 5 pinged "$v6"
    eventually 10 pinged "$v4"
    mac=$(inside again cat /sys/class/net/eth0/address)
    for address in "$v4" "$v6"; do
        same "$(known "$address")" "$mac" "the MAC that the neighbour knows for $address"
    done
}

say "one has it"
made
before=$mac
ok sysct destroy --force again
for address in "$v4" "$v6"; do
    same "$(known "$address")" "$before" "the MAC that the neighbour still knows for $address"
done

say "another has it"
made
[ "$mac" != "$before" ] || fail "both have the MAC $mac"

say "a given one, wherever it is in the subnet"
seq 2 254 | while read -r i; do
    printf 'neigh replace %s::%x lladdr 02:00:00:00:00:99 nud reachable dev eth0\n' "${v6%::*}" "$i"
done | nsenter -t "$(field other init_pid)" -n ip -batch -
busybox given
ok sysct start given --wait
address=$(field given ipv6)
has "$address" "^${v6%::*}::[0-9a-f]{1,2}\$" "the given address"
known_again() { [ "$(known "$address")" = "$(field given hwaddr)" ]; }
eventually 5 known_again
