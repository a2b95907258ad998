#!/bin/sh
# type = none: loopback alone.
# shows: network.type
. "${0%/*}/lib.sh"

busybox box --set network.eth0.type=none
ok sysct start box --wait
same "$(inside box ls /sys/class/net | tr '\n' ' ')" "lo " links
ok inside box ping -c 1 -W 2 127.0.0.1
same "$(field box ipv4)" "" addresses
