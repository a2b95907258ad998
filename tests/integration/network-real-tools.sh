#!/bin/sh
# timeout: 120
# DHCP clients get a box's own address from the bridge's server, also where nothing was set up inside, and nothing that
# keeps boxes apart is in the way of what they send each other: dhclient, udhcpc and iperf3 themselves.
. "${0%/*}/lib.sh"

for tool in dnsmasq dhclient iperf3; do
    command -v $tool >/dev/null || skip "no $tool"
done
host=scthost$$
ip netns add "$host"
defer forget_note "$(stat -L -c %i "/run/netns/$host")"
defer ip netns delete "$host"
ip -n "$host" link set lo up
there() { nsenter --net="/run/netns/$host" "$@"; }
sysct() { there sysct "$@"; }
# in_net NAME COMMAND...: a tool of the host's, in the box's network
in_net() {
    net_=$SYSCT_RUN_DIR/$1/ns/net
    shift
    nsenter --net="$net_" "$@"
}
reserved() { sed -n 's/^ipv4.eth0=//p' "$SYSCT_STATE_DIR/containers/$1/identity"; }
address() { in_net "$1" ip -4 -o address show dev eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p'; }

busybox one
busybox two --set network.address=none
ok sysct start one two --wait
same "$(address two)" "" "what is set up inside with address = none"

say dhclient
cat >"$TEST_TMP/script" <<'EOS'
#!/bin/sh
case $reason in
PREINIT) ip link set "$interface" up ;;
BOUND | RENEW | REBIND | REBOOT)
    ip address replace "$new_ip_address/24" dev "$interface"
    ip route replace default via "$new_routers"
    ;;
RELEASE | EXPIRE | STOP) ip address flush dev "$interface" ;;
esac
EOS
chmod 755 "$TEST_TMP/script"
client() { in_net two dhclient -4 -v -sf "$TEST_TMP/script" -lf "$TEST_TMP/leases" -pf "$TEST_TMP/pid" "$@" eth0; }
defer sh -c "kill \$(cat '$TEST_TMP/pid' 2>/dev/null) 2>/dev/null || :"
ok client -1
same "$(address two)" "$(reserved two)" "the lease"
ok inside two ping -c 1 -W 5 one
ok inside one ping -c 1 -W 5 two
ok client -r
same "$(address two)" "" "after its release"

say udhcpc
has "$(inside two udhcpc -i eth0 -n -q -f -s /bin/true 2>&1)" "lease of $(reserved two) obtained" "the lease"

say iperf3
ok sysct config set two network.address=
ok sysct restart two
eventually 10 can_attach two
for family in ipv4 ipv6; do
    to=$(field one $family)
    in_net one iperf3 -s -1 -B "$to" >/dev/null 2>&1 &
    server=$!
    eventually 10 sh -c "nsenter --net='$SYSCT_RUN_DIR/one/ns/net' ss -Htln sport = 5201 | grep -q ."
    ok in_net two iperf3 -c "$to" -n 20M -J
    same "$(jq '.end.sum_sent.bytes >= 20971520 and .end.sum_received.bytes > 0' "$OUT")" true "20 MiB by $family"
    wait $server || fail "the server of iperf3"
done
