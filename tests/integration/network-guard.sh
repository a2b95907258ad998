#!/bin/sh
# timeout: 240
# Root of a box cannot take another's place on the bridge: not its MAC, nor its addresses, nor the part of the router or of
# the DHCP server. Each attempt is shown to succeed where nothing keeps it from it. In a network namespace of its own, as a
# host.
. "${0%/*}/lib.sh"

host=scthost$$
ip netns add "$host"
defer forget_note "$(stat -L -c %i "/run/netns/$host")"
defer ip netns delete "$host"
ip -n "$host" link set lo up
there() { nsenter --net="/run/netns/$host" "$@"; }
sysct() { there sysct "$@"; }
# where bridged packets also pass the host's own hooks, those see more than a bridge
there sysctl -q -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || :
programs=$SYSCT_BUILD_DIR/tests
id=$("$REPO/scripts/leak-check" id)

# arm BOX: the program is put there by its root's own means
arm() { sysct attach -T "$1" -- sh -c 'cat >/forge; chmod 755 /forge' <"$programs/net-forge"; }
mac() { inside "$1" cat /sys/class/net/eth0/address; }
port_of() { there ip -brief link | sed -n "s/^\(sct[^ @]*$id\)@.*/\1/p"; }
# seen NAMESPACE LINK ATTACKER KEY=VALUE... KIND...: what of that comes in there, in one line
seen() {
    nsenter --net="$1" "$programs/net-watch" "$2" >"$TEST_TMP/seen" &
    watcher_=$!
    eventually 10 grep -q ready "$TEST_TMP/seen"
    attacker_=$3
    shift 3
    # a busy host loses a packet now and then
    ok inside "$attacker_" /forge eth0 "$@" "$@" end
    while sleep 0.1 && kill -0 $watcher_ 2>/dev/null; do inside "$attacker_" /forge eth0 "$@" end; done
    wait $watcher_ || fail "the honest packet did not come in: $(cat "$TEST_TMP/seen")"
    sort -u "$TEST_TMP/seen" | grep -v -x -e ready -e end | tr '\n' ' '
}

# with_nft FILE COMMAND...: as the only nft there is
with_nft() { nsenter --net="/run/netns/$host" unshare -m sh -c 'mount --bind "$1" "$(command -v nft)" && shift && exec "$@"' sh "$@"; }
# what is told by elements of sets alone goes without nft, until somebody else has changed a rule
disturb() { ok there nft add table inet passing; ok there nft delete table inet passing; }

busybox one
busybox two
busybox three
busybox four
ok sysct start one two --wait

say "no start without the rules"
printf '#!/bin/sh\necho "Error: not today" >&2\nexit 1\n' >"$TEST_TMP/nft"
chmod 755 "$TEST_TMP/nft"
disturb
mark
refused 1 'rules.*not today' with_nft "$TEST_TMP/nft" sysct start three
unchanged
printf '#!/bin/sh\nkill -SEGV $$\n' >"$TEST_TMP/nft"
refused 1 'rules.*nft ended with status 139' with_nft "$TEST_TMP/nft" sysct start three
unchanged
if grep -q "$(sed -n 's/^uuid=//p' "$SYSCT_STATE_DIR/containers/three/identity")" "$SYSCT_RUN_DIR/.host/guard"; then
    fail "what could not be is recorded"
fi

ok sysct start three --wait

say "entries that cannot be read are not taken for none"
guard=$SYSCT_RUN_DIR/.host/guard
cp -p "$guard" "$TEST_TMP/guard"
echo 'no entry at all' >>"$guard"
mark
refused 1 'what links are held to.*damaged' sysct start four
unchanged
rm "$guard"
mkdir "$guard"
refused 1 'what links are held to' sysct start four
rmdir "$guard"
cp -p "$TEST_TMP/guard" "$guard"

say "a new link needs no nft where nobody has touched the rules"
ok with_nft "$TEST_TMP/nft" sysct start four --wait
ok inside four ping -c 1 -W 5 "$(field one ipv4)"
ok sysct destroy --force four

say "who was started before changes no rule"
handle() { there nft -a list table bridge "sysct$id" | head -n 1; }
before=$(handle)
ok sysct stop --now two
ok sysct start two --wait
same "$(handle)" "$before" "the table, which is a new one after each change"
has "$before" 'handle [0-9]' "its number"

arm one
bridge=sysct0$id
gateway=$(inside one ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')
gateway6=$(inside one ip -6 route | sed -n 's/^default via \([0-9a-f:]*\) .*/\1/p')
own="ip4=$(field one ipv4) ip6=$(field one ipv6)"
third="other=$(mac three) other4=$(field three ipv4) other6=$(field three ipv6) gateway4=$gateway gateway6=$gateway6"
victim=$SYSCT_RUN_DIR/two/ns/net
# shellcheck disable=SC2086 # words
to_two() { seen "$victim" eth0 one "to=$(mac two)" $own $third all; }
# shellcheck disable=SC2086 # words
to_host() { seen "/run/netns/$host" "$bridge" one "to=$(there ip -o link show "$bridge" | sed "s|.*ether \([^ ]*\).*|\1|")" $own $third all; }
honest='local-tcp6 local6 own-arp own-dhcp own-tcp4 own-tcp6 own4 own6 '
everything='arp arp-gateway arp-mac arp-odd arp-probe arp-request dad dhcp-client dhcp-odd dhcp-offer dhcp-offer6 igmp-query ip4 ip4-gateway '
everything="${everything}ip4-nobody ip4-none ip6 ip6-gateway ip6-local ip6-none llc local-tcp6 local6 mac mac6 mld-query na na-gateway na-local na-options "
everything="${everything}own-arp own-dhcp own-tcp4 own-tcp6 own4 own6 ra ra-options redirect tcp4 tcp4-gateway tcp4-mac tcp4-metadata tcp4-odd "
everything="${everything}tcp4-other tcp4-vlan tcp6 tcp6-local tcp6-mac tcp6-metadata tcp6-vlan type vlan "
of_its_mac=$(printf '%s' "$everything" | sed 's/ mac mac6 / /; s/ tcp4-mac / /; s/ tcp4-other / /; s/ tcp6-mac / /')

say "what it forges reaches nobody"
same "$(to_two)" "$honest" "guarded"
same "$(to_host)" "$honest" "guarded, at the host"

say "nor does it see what is not for it"
unknown=02:00:5e:00:99:99
listen() {
    # shellcheck disable=SC2086 # words
    seen "$SYSCT_RUN_DIR/three/ns/net" eth0 one $own "to=$(mac two)" own4 own6 to=$unknown local6 "to=$(mac three)"
}
same "$(listen)" "" "for others, and for nobody"
for port in $(port_of); do there bridge link set dev "$port" flood on; done
same "$(listen)" "local6 " "for nobody, where a bridge floods it"

say "the rules alone hold the MAC too, for kernels whose bridges have no locked ports"
for port in $(port_of); do there bridge link set dev "$port" locked off; done
same "$(to_two)" "$honest" "without locked ports"

say "without the rules all of it comes in, but what the locked ports hold"
there nft delete table bridge "sysct$id"
same "$(to_two)" "$everything" "unguarded"
has "$(inside two ip -6 route)" "default via fe80::" "the route of a router that is none"
if there bridge fdb show br "$bridge" | grep "$(mac three)" | grep -v static; then fail "a MAC was learnt"; fi
for port in $(port_of); do there bridge link set dev "$port" locked on; done
same "$(to_two)" "$of_its_mac" "with locked ports alone"

say "they are made again by the next command"
ok sysct config set two container.description=x
same "$(to_two)" "$honest" "guarded again"

say "a bridge of the administrator's: what stands in the configuration, and what it makes of its MAC"
ok sysct destroy --force three
ok sysct stop one two
ip -n "$host" link add br7 type bridge
ip -n "$host" address add 203.0.113.1/24 dev br7
ip -n "$host" link set br7 up
ok sysct config set one network.bridge=br7 network.address=203.0.113.7/24
ok sysct config set two network.bridge=br7 network.address=203.0.113.8/24
ok sysct start one two --wait
own="ip4=203.0.113.7 ip6=2001:db8::7"
same "$(to_two)" "local-tcp6 local6 own-arp own-dhcp own-tcp4 own4 " "static addresses"
there nft delete table bridge "sysct$id"
ok sysct config set two container.description=y
same "$(to_two)" "local-tcp6 local6 own-arp own-dhcp own-tcp4 own4 " "static addresses, after the rules were lost"

say "and his own DHCP server: nobody knows the addresses, the MAC and the roles are held"
ok sysct stop one
ok sysct config set one network.address=none
ok sysct start one --wait
inside one ip link set eth0 up
same "$(to_two)" "arp arp-gateway arp-probe arp-request dad ip4 ip4-gateway ip4-nobody ip4-none ip6 ip6-gateway ip6-local local-tcp6 local6 \
na na-gateway na-local na-options own-arp own-dhcp own-tcp4 own-tcp6 own4 own6 tcp4 tcp4-gateway tcp6 tcp6-local " "unknown addresses"

say "nothing is left with the last of them"
ok sysct destroy --force one two
same "$(there nft list tables | grep -c sysct || :)" 0 "tables"
[ ! -e "$SYSCT_RUN_DIR/.host/guard" ] || fail "what links are held to is left"
