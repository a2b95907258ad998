#!/bin/sh
# timeout: 420
# machined knows boxes on a host with systemd, and what systemd's tools do with machines works; the host starts boxes when it boots and
# stops them in their order, each in its own way, when it goes down.
. "${0%/*}/lib.sh"
. "${0%/*}/systemd-host"

machine() { on_th machinectl show "$1" -p "$2" --value; }
is_gone() { [ -z "$(on_th machinectl list --no-legend)" ]; }

systemd_host
th_debian deb
ok on_th sysct create one --template busybox

say "what machined knows"
ok on_th sysct start one
ok on_th sysct start deb --wait=60
same "$(on_th machinectl list --no-legend | awk '{ print $1, $2, $3 }' | xargs)" "deb container sysct one container sysct" "the list"
same "$(machine deb Leader)" "$(th_field deb init_pid)" "its leader"
same "$(machine deb Id)" "$(th_field deb uuid | tr -d -)" "its id"
same "$(machine deb Unit)" sysct@deb.service "its unit"
link=$(on_th sed -n 's/^.*link=\(sct.*\)/\1/p' /run/sysct/deb/state)
has "$(on_th machinectl status deb --no-pager)" "Iface: $link\$" "its link, ${link:-none}"
has "$(on_th machinectl status deb --no-pager)" 'OS: Debian GNU/Linux 13' "its status"
has "$(on_th machinectl status one --no-pager)" 'OS: BusyBox' "the other one's status"

say "names"
address=$(inside th sysct attach -T deb -- hostname -I | grep -o -w '10\.[0-9.]*')
same "$(on_th getent -s mymachines ahostsv4 deb | awk 'NR == 1 { print $1 }')" "$address" "its address"
same "$(on_th getent ahostsv4 deb | awk 'NR == 1 { print $1 }')" "$address" "its address, as everybody asks"
has "$(on_th getent hosts one)" ' one$' "the other's name"

say "files go in and out"
ok on_th sh -c 'echo some text >/root/file'
for box in deb one; do
    ok on_th machinectl copy-to $box /root/file /root/copy
    same "$(on_th sysct attach -T $box -- cat /root/copy)" "some text" "a copy in $box"
    same "$(on_th sysct attach -T $box -- stat -c %u:%g /root/copy)" 0:0 "its owner in $box"
    ok on_th machinectl copy-from $box /root/copy /root/back-$box
    same "$(on_th cat /root/back-$box)" "some text" "a copy from $box"
done

say "commands"
has "$(terminal 'expect=uid=0\(root\)' exit=0 -- sysct attach -t th -- machinectl -q shell deb /usr/bin/id 2>&1 && echo well)" well "machinectl shell"
same "$(on_th systemctl -M deb is-system-running)" running "systemctl -M"
same "$(on_th systemd-run -q -M deb --wait --pipe hostname)" deb "systemd-run -M"
ok on_th systemd-run -q -M deb --wait logger from-the-inside
has "$(on_th journalctl -M deb -o cat -n 20)" '^from-the-inside$' "journalctl -M"
has "$(on_th loginctl -M deb list-sessions --no-legend)" ' root ' "loginctl -M"

say "a reboot is another boot of the same machine, a power off is the end of it"
leader=$(machine deb Leader)
ok on_th machinectl reboot deb
is_new() { now=$(machine deb Leader) && [ -n "$now" ] && [ "$now" != "$leader" ] && [ "$now" = "$(th_field deb init_pid)" ]; }
eventually 60 is_new
ok on_th sysct wait deb --for booted --timeout 60
ok on_th machinectl poweroff deb
ok on_th sysct wait deb --for stopped --timeout 60
same "$(th_field deb last_exit)" halt "how it ended"
same "$(property sysct@deb.service ActiveState)" inactive "its unit"
same "$(on_th machinectl list --no-legend | awk '{ print $1 }')" one "who is left"
ok on_th machinectl terminate one
eventually 30 is_property sysct@one.service ActiveState inactive
same "$(th_field one last_exit)" stopped "how the other one ended, by terminate"
eventually 10 is_gone

say "the host goes down with them: what has the lower priority first"
# a slow machine is no reason to kill them
ok on_th sysct config set one container.autostart=yes container.autostart_priority=20 container.stop_timeout=90s
ok on_th sysct config set deb container.autostart=yes container.autostart_priority=10 container.stop_timeout=90s
ok on_th systemctl enable --now sysct.service
ok on_th systemctl enable sysct@deb.service
same "$(on_th sysct list --running -q | xargs)" "deb one" "what sysct.service has started"
ok on_th sysct wait deb --for booted --timeout 60
# a getty that is asked to end just when it logs somebody in does so by its own time-out of 90 s
eventually 30 on_th sysct attach -T deb -- sh -c 'grep -q -x bash /proc/[0-9]*/comm'
ok on_th sh -c 'echo the last boot >/dev/kmsg 2>/dev/null; logger the-host-goes-down; journalctl --sync'
ok sysct restart th --timeout 150
same "$(field th last_exit)" stopped "how the host ended"
ok sysct wait th --for booted --timeout 90
last() { on_th journalctl -o short-unix --no-pager | sed '1,/the-host-goes-down/d; /Startup finished/,$d'; }
last >"$TEST_TMP/last"
# when: the second of a line, or nothing
when() { sed -n "s/^\([0-9.]*\) .*$1.*/\1/p" "$TEST_TMP/last" | head -n 1; }
deb=$(when 'Stopped sysct@deb.service') one=$(when 'Stopped sysct@one.service') all=$(when 'Stopped sysct.service') bus=$(when 'Stopped dbus.service')
case :$deb:$one:$all:$bus: in *::*) fail "not all of them stopped: $(cat "$TEST_TMP/last")" ;; esac
same "$(printf '%s deb\n%s one\n%s all\n%s bus\n' "$deb" "$one" "$all" "$bus" | sort -s -n -k 1,1 | cut -d ' ' -f 2 | xargs)" "deb one all bus" "the order"
! grep -q -E 'sysct@.*(Failed|timed out|SIGKILL)' "$TEST_TMP/last" || fail "not cleanly: $(cat "$TEST_TMP/last")"
has "$(on_th sh -c 'journalctl -D /var/lib/sysct/containers/deb/rootfs/var/log/journal -o cat')" 'System is powering down|Reached target poweroff.target' "the log of the box in it"
ends="$(th_field deb last_exit) $(th_field one last_exit)"
[ "$ends" = "stopped stopped" ] || on_th journalctl -D /var/lib/sysct/containers/deb/rootfs/var/log/journal --until "@$((${deb%.*} + 1))" -n 40 --no-pager || :
same "$ends" "stopped stopped" "how the boxes ended"

say "and starts them when it boots, once each"
eventually 60 is_property sysct.service ActiveState active
same "$(on_th sysct list --running -q | xargs)" "deb one" "what runs"
same "$(on_th systemctl list-units --failed --plain --no-legend)" "" "failed units"
same "$(on_th machinectl list --no-legend | awk '{ print $1 }' | xargs)" "deb one" "what machined knows"
ok sysct stop --now th
