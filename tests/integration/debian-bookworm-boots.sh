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
say "its own networkd asks for the address"
ok sysct config set box network.address=dhcp
ok sysct start box --wait
same "$(inside box hello)" "Hello, world!" "after a restart"
asked() { inside box networkctl status eth0 | grep -E "Address: $(field box ipv4) \(DHCP(v)?4 via"; }
eventually 30 asked
ok sysct stop box
has "$(sysct logs box)" 'systemd' "the log of its console"
say "a root file system that is read-only"
debian bookworm fixed --set rootfs.readonly=yes
ok sysct start fixed --wait
same "$(inside fixed systemctl --failed --no-legend --plain)" "" "failed units, read-only"
if inside fixed touch /etc/written 2>"$ERR"; then fail "/etc can be written"; fi
ok sysct stop fixed
