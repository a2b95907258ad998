#!/bin/sh
# Boxes reach each other and themselves by name, and the host reaches them by address.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one two --wait
ok inside one ping -c 1 -W 5 two
ok inside two ping -c 1 -W 5 one
ok inside one ping -c 1 -W 5 one
ok inside one ping -c 1 -W 5 two.sysct
ok ping -c 1 -W 5 "$(field one ipv4)"
ok ping -c 1 -W 5 "$(field two ipv6 | cut -d ' ' -f 1)"
# the address is kept
before=$(field two ipv4)
ok sysct restart two
eventually 10 can_attach two
same "$(field two ipv4)" "$before" "address after a restart"
ok inside one ping -c 1 -W 5 two
# a name that is gone is not answered
ok sysct stop two
if inside one ping -c 1 -W 2 two; then fail "a stopped box answers"; fi
