#!/bin/sh
# Debian 13 with systemd: running, no failed unit, packages by NAT and DNS, stop.
# timeout: 600
. "${0%/*}/lib.sh"

debian trixie box --set limits.memory=1G
ok sysct start box --wait
same "$(inside box systemctl is-system-running)" running "systemctl is-system-running"
same "$(inside box systemctl --failed --no-legend --plain)" "" "failed units"
same "$(field box init)" systemd "kind of init"
same "$(field box booted)" true booted
ok inside box apt-get update -q
ok inside box apt-get install -y -q hello nftables
same "$(inside box hello)" "Hello, world!" hello
say "its newer nft takes the rules that the host's nft took, in a network of its own"
sysct attach -T box -- nft -f - <"$SYSCT_RUN_DIR/.host/nft" || fail "$(inside box nft --version) refuses the rules"
has "$(inside box nft list ruleset)" 'iifgroup . @th,64,128 @targets6 accept' "a rule that nft has no words for"
inside box nft flush ruleset
has "$(inside box cat /etc/os-release)" 'VERSION_ID="13"' release
ok timeout 40 sysct stop box
asks_by_networkd box
boots_readonly trixie
