#!/bin/sh
# timeout: 120
# What [host] of sysct.conf says is so: the bridge and its subnets, the ids of boxes, the mirror, how long a built image is used.
# shows: host.bridge host.subnet host.subnet6 host.id_pool host.cache_age host.mirror
. "${0%/*}/lib.sh"

conf=$TEST_TMP/sysct.conf
# a net that the host has no route to but by default
n=$(($$ % 200))
while ip route show match "10.99.$n.0/28" | grep -q -v '^default' || ip route show root "10.99.$n.0/28" | grep -q .; do
    n=$((n + 1))
done
# configure LINE...: [host] is these lines
configure() {
    echo '[host]' >"$conf"
    for line in "$@"; do echo "$line" >>"$conf"; done
}
with() { sysct --config "$conf" "$@"; }
id=$("$REPO/scripts/leak-check" id)
end() { [ ! -d "$SYSCT_STATE_DIR/containers/$1" ] || with destroy --force "$1"; }
# range BOX: the first and the last of its ids on the host
range() { with attach -T "$1" -- awk '{ print $2, $2 + $3 - 1 }' /proc/self/uid_map </dev/null; }

say "bridge, subnets, ids"
base="subnet = 10.99.$n.0/28"
pool='id_pool = 1900100000-1900362143'
configure "bridge = scb$n" "$base" 'subnet6 = fd5c:7e57::/112' "$pool"
defer end box
ok with create box --template busybox
ok with start box --wait
has "$(ip -d link show "scb$n$id")" ' bridge ' "the link"
has "$(ip address show dev "scb$n$id")" "inet 10\.99\.$n\.1/28 " "its address"
has "$(ip address show dev "scb$n$id")" "inet6 fd5c:7e57::1/112 " "its IPv6 address"
if ip link show "sysct0$id" 2>/dev/null; then fail "there is a sysct0 too"; fi
has "$(with attach -T box -- ip address show dev eth0 </dev/null)" "inet 10\.99\.$n\.([2-9]|1[0-4])/28 " "the box's address"
has "$(with attach -T box -- ip address show dev eth0 </dev/null)" "inet6 fd5c:7e57::[2-9a-e]/112 " "the box's IPv6 address"
ok with attach -T box -- ping -c 1 -W 5 "10.99.$n.1"
ok with attach -T box -- ping -6 -c 1 -W 5 fd5c:7e57::1
# root's lines in /etc/subuid go before the key
if ! grep -q '^root:' /etc/subuid /etc/subgid 2>/dev/null; then
    # shellcheck disable=SC2046 # two words
    set -- $(range box)
    { [ "$1" -ge 1900100000 ] && [ "$2" -le 1900362143 ]; } || fail "the ids are $1 to $2"
fi

say "without IPv6; a subnet that others use is refused, and one without room"
# two bridges would have the same addresses
configure "bridge = scc$n" "$base" 'subnet6 = none' "$pool"
defer end other
ok with create other --template busybox
refused 4 "1 running containers are on \"scb$n$id\"" with start other
ok with destroy other
ok with stop --now box
ok with start box --wait
if ip link show "scb$n$id" 2>/dev/null; then fail "the bridge of before is left"; fi
if with attach -T box -- ip address show dev eth0 </dev/null | grep -q 'inet6 fd'; then fail "the box has an IPv6 address"; fi
if ip address show dev "scc$n$id" | grep -q inet6; then fail "the bridge has an IPv6 address"; fi
ok with stop --now box
configure "bridge = scb$n" 'subnet = 198.18.0.0/15' 'subnet6 = fd5c:7e57::/112' "$pool"
refused 2 'subnet6 fd5c:7e57::/112: it has fewer addresses than subnet 198\.18\.0\.0/15' with start box
ip link add "scd$$" type bridge
defer ip link delete "scd$$"
ip address add 198.51.100.1/24 dev "scd$$"
ip link set "scd$$" up
configure "bridge = scb$n" 'subnet = 198.51.100.64/26' "$pool"
refused 2 'the host has a route to 198\.51\.100\.' with start box
configure "$base" "$pool"
ok with destroy box

say "the age of what is in the cache"
# built TEMPLATE: when, of the newest
built() { with image list --format json | python3 -c '
import json, sys
print(max((i["built_at"] for i in json.load(sys.stdin) if i["template"] == sys.argv[1]), default=""))' "$1"; }
create_box() {
    ok with create box --template busybox
    ok with destroy box
}
before=$(built busybox)
create_box
same "$(built busybox)" "$before" "used again within the default of 7 days"
sleep 1.1
configure 'cache_age = 1s'
has "$(with image list --format json | grep -A 12 '"template": "busybox"')" '"old": true' "image list"
create_box
[ "$(built busybox)" != "$before" ] || fail "the old image was used"
before=$(built busybox)
sleep 1.1
configure 'cache_age = 0s'
create_box
same "$(built busybox)" "$before" "used again whatever its age"

say "the mirror, which --mirror goes before"
configure "mirror = alpine file://$TEST_TMP/no-such-mirror" 'mirror = debian http://127.0.0.1:9/debian'
refused 1 "$TEST_TMP/no-such-mirror" with create box --template alpine
refused 1 '127\.0\.0\.1:9/debian' with create box --template debian
refused 1 'another-mirror' with create box --template alpine --mirror "$TEST_TMP/another-mirror"
mirror
configure "mirror = alpine file://$MIRROR"
ok with create box --template alpine
ok with destroy box
