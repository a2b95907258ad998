#!/bin/sh
# timeout: 600
# container.cgroup = v1: a systemd of today boots on the v1 hierarchy, keeps its services in it, reboots and stops.
. "${0%/*}/lib.sh"

# it misses the end of its user manager now and then, as nobody tells it when a group of v1 is empty, and waits for it
debian bookworm deb --set container.cgroup=v1 --set "container.init=/sbin/init systemd.mask=user@.service"
ok sysct start deb --wait=90
same "$(inside deb systemctl is-system-running --wait)" running "systemd"
same "$(inside deb sed -n 's/.*:name=systemd://p' /proc/1/cgroup)" /init.scope "where systemd is"
inside deb systemd-run -q --unit tried sleep 1000
pid=$(inside deb systemctl show -p MainPID --value tried)
same "$(inside deb sed -n 's/.*:name=systemd://p' "/proc/$pid/cgroup")" /system.slice/tried.service "where a service is"
init=$(field deb init_pid)
inside deb systemctl reboot || :
back() { now=$(field deb init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && [ "$(field deb booted)" = true ]; }
eventually 90 back
ok sysct stop deb --timeout 60
same "$(sysct info deb --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_exit"])')" stopped "how it ended"
