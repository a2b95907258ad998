#!/bin/sh
# Debian 12 with systemd: running, no failed unit, packages by NAT and DNS, stop.
# timeout: 600
. "${0%/*}/lib.sh"

debian bookworm box --set limits.memory=1G
ok sysct start box --wait
same "$(inside box systemctl is-system-running)" running "systemctl is-system-running"
same "$(inside box systemctl --failed --no-legend --plain)" "" "failed units"
same "$(field box init)" systemd "kind of init"
same "$(field box booted)" true booted
ok inside box apt-get update -q
ok inside box apt-get install -y -q hello
same "$(inside box hello)" "Hello, world!" hello
has "$(inside box cat /etc/os-release)" 'VERSION_ID="12"' release
ok timeout 40 sysct stop box
asks_by_networkd box
boots_readonly bookworm
