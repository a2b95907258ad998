#!/bin/sh
# timeout: 420
# On a host with systemd a box runs in a delegated unit of its own: it begins and ends by sysct and by systemctl alike, its limits are the
# unit's, it outlives the session that it was started in and its own holder and monitor, and without a bus it runs all the same.
. "${0%/*}/lib.sh"
. "${0%/*}/systemd-host"

unit=sysct@one.service
group=/sys/fs/cgroup/machine.slice/$unit

# runs_in_its_unit: all that belongs to it is where it should be, and nothing else
runs_in_its_unit() {
    same "$(property $unit ActiveState)" active "the unit"
    main=$(property $unit MainPID)
    same "$(on_th cat "/proc/$main/comm")" sysct-holder "its main process"
    same "$(on_th cat $group/cgroup.procs)" "" "processes in the unit's own group"
    same "$(on_th cat $group/supervisor/cgroup.procs | sort -n | xargs)" "$( (echo "$main" && th_field one monitor_pid) | sort -n | xargs)" "the supervisor's"
    has "$(on_th cat "/proc/$(th_field one init_pid)/cgroup")" "^0::/machine.slice/$unit/payload\$" "the cgroup of init"
    ok on_th sysct attach -T one -- true
}
is_over() {
    same "$(property $unit ActiveState)" inactive "the unit"
    same "$(th_state one)" stopped "the box"
    expect 1 on_th test -e $group
}
new_holder() {
    now=$(property $unit MainPID)
    [ "$now" != 0 ] && [ "$now" != "$main" ] && [ "$(on_th cat "/proc/$now/comm")" = sysct-holder ]
}
new_monitor() { [ "$(on_th cat $group/supervisor/cgroup.procs | wc -l)" = 2 ] && [ "$(th_field one monitor_pid)" != "$monitor" ]; }

systemd_host
ok on_th sysct create one --template busybox

say "started by sysct, stopped by systemctl"
ok on_th sysct start one --wait
runs_in_its_unit
same "$(property $unit Delegate) $(property $unit Slice) $(property $unit Type)" "yes machine.slice notify" "the unit"
expect 4 on_th sysct start one
ok on_th systemctl start $unit
runs_in_its_unit
ok on_th systemctl stop $unit
is_over
same "$(th_field one last_exit)" stopped "how it ended"
same "$(property $unit Result)" success "the unit's result"

say "started by systemctl, stopped by sysct; a reboot and a power off from inside"
ok on_th systemctl start $unit
runs_in_its_unit
init=$(th_field one init_pid)
ok on_th sysct attach -T one -- reboot
another_init() { [ "$(th_state one)" = running ] && [ "$(th_field one init_pid)" != "$init" ] && on_th sysct attach -T one -- true; }
eventually 30 another_init
same "$(property $unit MainPID)" "$main" "its main process, after a reboot"
runs_in_its_unit
ok on_th sysct stop one
is_over
ok on_th systemctl start $unit
on_th sysct attach -T one -- poweroff || :
eventually 30 is_property $unit ActiveState inactive
is_over
same "$(th_field one last_exit)" halt "how it ended"
same "$(property $unit Result)" success "the unit's result"

say "limits"
ok on_th sysct start one
same "$(property $unit TasksMax) $(property $unit MemoryMax) $(property $unit MemorySwapMax)" \
    "$(th_field one limits.tasks) $(th_field one limits.memory) $(th_field one limits.swap)" "the automatic ones"
# as each kind of value is said
ok on_th /usr/local/libexec/sysct/sysct-bus set $unit CPUQuotaPerSecUSec=1500000 CPUWeight=50 AllowedCPUs=0 TasksMax=infinity \
    'IOReadBandwidthMax=/dev/null 4096'
same "$(property $unit CPUQuotaPerSecUSec) $(property $unit CPUWeight) $(property $unit AllowedCPUs) $(property $unit TasksMax) $(property $unit IOReadBandwidthMax)" \
    "1.500000s 50 0 infinity /dev/null 4096" "what was said to systemd"
if on_th grep -q -w pids /sys/fs/cgroup/cgroup.controllers; then
    ok on_th sysct config set one limits.tasks=77
    same "$(property $unit TasksMax) $(on_th cat $group/pids.max)" "77 77" "a limit that was set while it runs"
else
    # one that the kernel does not keep is said to nobody
    expect 1 on_th sysct config set one limits.tasks=77
    has "$(cat "$ERR")" 'this host has no pids controller' "why not"
    same "$(property $unit TasksMax)" infinity "the limit of the unit"
fi
ok on_th sysct stop --now one
ok on_th sysct config unset one limits.tasks
ok on_th sysct start one
same "$(property $unit CPUQuotaPerSecUSec) $(property $unit AllowedCPUs) $(property $unit TasksMax) $(property $unit IOReadBandwidthMax)" \
    "infinity  $(th_field one limits.tasks) " "after a start nothing of it is left"

say "its holder and its monitor are killed, one, the other, and both"
runs_in_its_unit
monitor=$(th_field one monitor_pid)
ok on_th kill -KILL "$monitor"
eventually 20 new_monitor
runs_in_its_unit
ok on_th kill -KILL "$main"
eventually 20 new_holder
runs_in_its_unit
main=$(property $unit MainPID)
both=$(on_th cat $group/supervisor/cgroup.procs | xargs)
# stopped first: neither of them sees the other's end
ok on_th sh -c "kill -STOP $both && kill -KILL $both"
eventually 10 is_property $unit MainPID 0
same "$(property $unit ActiveState)" active "the unit, without both"
ok on_th sysct attach -T one -- true
has "$(cat "$ERR")" 'it has new ones' "what is said of it"
eventually 10 new_holder
runs_in_its_unit
init=$(th_field one init_pid)
ok on_th sysct attach -T one -- reboot
eventually 30 another_init
runs_in_its_unit
ok on_th systemctl stop $unit
is_over

say "the session that it was started in ends"
ok on_th sh -c 'systemd-run -q --scope --unit=session sh -c "sysct start one && touch /run/started && exec sleep 1000" >/dev/null 2>&1 &'
eventually 20 on_th test -e /run/started
ok on_th systemctl stop session.scope
expect 1 on_th pgrep -x sleep
runs_in_its_unit
has "$(on_th cat "/proc/$(on_th pgrep -x dnsmasq)/cgroup")" '/sysct-dns\.scope$' "whose the name server is"
ok on_th sysct stop --now one

say "a start that fails says why, to whoever asked and in the journal"
ok on_th sysct config set one container.init=/no/such
expect 1 on_th sysct start one
has "$(cat "$ERR")" '^sysct: start one: step .*"execute init": execute /no/such: No such file' "what is said"
expect 1 on_th systemctl start $unit
same "$(on_th journalctl -u $unit -o cat | grep -c 'execute /no/such: No such file')" 2 "lines in the journal"
same "$(th_state one)" stopped "the box"
ok on_th systemctl reset-failed $unit
ok on_th sysct config unset one container.init
expect 2 on_th sysct .unit run one
has "$(cat "$ERR")" '^sysct: start one: this is what systemd runs' "who is no unit"

say "in the foreground, and privileged"
expect 124 on_th timeout --foreground -s TERM 3 sysct start one --foreground
has "$(cat "$ERR")" '^sysct: one: ended: stopped' "how it ended"
is_over
ok on_th sysct config set one security.privileged=yes
ok on_th sysct start one --wait
runs_in_its_unit
same "$(on_th cat "/proc/$(th_field one init_pid)/uid_map" | xargs | cut -d ' ' -f 1,2)" "0 0" "its ids"
ok on_th systemctl stop $unit
ok on_th sysct config unset one security.privileged

say "another installation has units of its own, which are gone with their boxes"
sysct attach -T th -- sh -c 'cat >/root/other && chmod +x /root/other' <<'EOS'
#!/bin/sh
exec sysct --state-dir /srv/other/state --run-dir /run/other --cache-dir /srv/other/cache "$@"
EOS
ok on_th /root/other create one --template busybox
ok on_th /root/other start one --wait
other=$(on_th systemctl list-units --plain --no-legend 'sysct-*@one.service' | cut -d ' ' -f 1)
has "$other" '^sysct-[0-9a-f]{6}@one\.service$' "its unit"
same "$(property "$other" ActiveState) $(property "$other" Transient) $(property "$other" Delegate)" "active yes yes" "its unit"
same "$(property "$other" TasksMax)" "$(th_field one limits.tasks)" "its limit"
ok on_th /root/other restart --now one
same "$(property "$other" ActiveState)" active "its unit, after a restart"
ok on_th systemctl stop "$other"
same "$(on_th /root/other list --format csv | sed 1d | cut -d , -f 1,2)" one,stopped "the box"
ok on_th /root/other destroy one
same "$(on_th systemctl list-units --all --plain --no-legend 'sysct-*@*')" "" "units that are left"

say "without a bus it is in no unit, and all goes on"
ok on_th systemctl stop dbus.socket dbus.service
ok on_th sysct start one --wait
has "$(on_th cat "/proc/$(th_field one init_pid)/cgroup")" '^0::/sysct/[0-9a-f-]*/payload$' "the cgroup of init"
ok on_th sysct attach -T one -- true
ok on_th systemctl start dbus.socket
ok on_th sysct stop one
ok on_th sysct start one
runs_in_its_unit
ok on_th sysct destroy --force one
same "$(on_th systemctl list-units --failed --plain --no-legend)" "" "failed units"
