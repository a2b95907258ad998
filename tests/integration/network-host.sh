#!/bin/sh
# type = host: the links of the host.
# shows: network.type
. "${0%/*}/lib.sh"

busybox box --set network.eth0.type=host
ok sysct start box --wait
same "$(inside box readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)" "network namespace"
[ ! -e "$SYSCT_RUN_DIR/box/ns/net" ] || same "$(stat -L -c %i "$SYSCT_RUN_DIR/box/ns/net")" "$(stat -L -c %i /proc/self/ns/net)" pin
ok sysct stop box
