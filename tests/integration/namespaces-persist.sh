#!/bin/sh
# timeout: 120
# namespaces.persist: net, uts and ipc outlive a stop, with addresses and rules, and the next start goes on in them; refusals, and
# how to let go of them.
# shows: namespaces.persist
. "${0%/*}/lib.sh"

kept() { sysct info box --format json | python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)["kept"]))'; }
ns_of() { stat -L -c %i "$SYSCT_RUN_DIR/box/ns/$1"; }
kept_at() { sysct info box --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["kept"][sys.argv[1]])' "$1"; }

mark
busybox box --set namespaces.persist=net,uts,ipc
ok sysct start box --wait
same "$(kept)" "" "kept while it runs for the first time"
net=$(ns_of net) uts=$(ns_of uts) user=$(ns_of user)
address=$(field box ipv4)
# its boot would set what stands there
inside box sh -c ': >/etc/hostname; hostname changed; ip link add d0 type bridge; ip addr add 192.0.2.77/32 dev d0; ip link set d0 up'
ok sysct stop box
same "$(kept)" "ipc net uts" "kept after the stop"
# from the host, while it does not run
has "$(nsenter --net="$(kept_at net)" ip -4 addr)" "192\.0\.2\.77" "the address of its own"
has "$(nsenter --net="$(kept_at net)" ip -4 addr)" "inet $address/" "the address on the bridge"
ok sysct start box --wait
same "$(ns_of net) $(ns_of uts) $(ns_of user)" "$net $uts $user" "the namespaces"
same "$(inside box hostname)" changed "host name"
has "$(inside box ip addr)" "192\.0\.2\.77" "the address of its own, inside"
has "$(inside box ip addr)" "inet $address/" "the address on the bridge, inside"
# root inside has its rights in them
ok inside box sh -c 'ip link add d1 type bridge && hostname again && ls /sys/class/net/d1'
gateway=$(inside box ip route | sed -n 's/^default via \([0-9.]*\).*/\1/p')
ok inside box ping -c 1 -w 5 "$gateway"
# a reboot goes on in them as well
pid=$(field box init_pid)
inside box reboot
new_pid() { [ -n "$(field box init_pid)" ] && [ "$(field box init_pid)" != "$pid" ] && can_attach box; }
eventually 30 new_pid
same "$(ns_of net)" "$net" "the net namespace after a reboot"
has "$(inside box ip addr)" "d1" "its link after a reboot"
# other ids do not fit; what is kept has those that it ran with
before=$(sysct config get box security.privileged)
ok sysct config set box security.privileged=yes
ok sysct stop box
refused 4 'other ids' sysct start box
has "$(cat "$ERR")" 'stop --forget' "the hint"
ok sysct config set box "security.privileged=$before"
# let go
ok sysct stop --forget box
same "$(kept)" "" "kept after it was let go"
expect 4 sysct stop --forget box
ok sysct start box --wait
# a number may be given again, so ask for what was in it
if inside box ip addr | grep -q 192.0.2.77; then fail "the old namespace"; fi
same "$(inside box hostname)" box "host name in a new one"
ok sysct stop box --forget
same "$(kept)" "" "kept after a stop that lets go"
# to let go and boot, of one that does not run
ok sysct start box
ok sysct stop box
ok sysct restart --forget box
ok can_attach box
if [ -n "$(kept)" ]; then fail "kept after a restart that lets go: $(kept)"; fi
ok sysct stop box --forget
# only some, and no longer
ok sysct config set box namespaces.persist=uts
ok sysct start box
ok sysct stop box
same "$(kept)" uts "what is kept of uts alone"
# the next start has a link all the same, in a new net namespace, and so has a reboot
ok sysct start box --wait
has "$(inside box ip addr show eth0)" "inet $(field box ipv4)/" "the address beside a kept uts"
pid=$(field box init_pid)
inside box reboot
eventually 30 new_pid
has "$(inside box ip addr show eth0)" "inet $(field box ipv4)/" "the address after a reboot beside a kept uts"
ok sysct stop box
ok sysct config unset box namespaces.persist
ok sysct start box
ok sysct stop box
same "$(kept)" "" "kept without the key"
# a start that fails leaves no link in what is kept, which the next one could not make
ok sysct config set box namespaces.persist=net
ok sysct start box
ok sysct stop box
ok sysct config set box network.eth1.type=veth mount./mnt.source=/no/such/directory
refused 1 'no/such' sysct start box
ok sysct config unset box mount./mnt
ok sysct start box --wait
ok inside box ip link show eth1
ok sysct stop box --forget
# with the box everything goes
ok sysct config set box namespaces.persist=net
ok sysct start box
ok sysct destroy --force box
unchanged 10
