#!/bin/sh
# type = host: the links of the host, and the servers that it asks for names, for a systemd's resolver too.
# shows: network.type
. "${0%/*}/lib.sh"

busybox box --set network.eth0.type=host
ok sysct start box --wait
same "$(inside box readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)" "network namespace"
[ ! -e "$SYSCT_RUN_DIR/box/ns/net" ] || same "$(stat -L -c %i "$SYSCT_RUN_DIR/box/ns/net")" "$(stat -L -c %i /proc/self/ns/net)" pin
# as much of systemd as says that a resolver may be there
ok inside box sh -c 'mkdir -p /usr/lib/systemd && : >/usr/lib/systemd/systemd'
ok sysct restart box
servers() { awk '$1 == "nameserver" { print $2 }' "$1"; }
inside box cat /run/systemd/resolved.conf.d/10-sysct.conf >"$TEST_TMP/resolved"
same "$(sed -n 's/^DNS=//p' "$TEST_TMP/resolved")" "$(servers /etc/resolv.conf)" "servers that its resolver is told of"
ok sysct stop box
