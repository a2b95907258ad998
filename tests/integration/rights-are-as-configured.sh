#!/bin/sh
# Capabilities, ids, no_new_privileges and nesting of init and of attach are what the configuration says, also after a
# reboot from inside, which reads it again.
# shows: security.keep_capabilities security.drop_capabilities security.no_new_privileges security.idmap security.nesting
. "${0%/*}/lib.sh"

# caps LINE: the names of a line of init's status, by the numbers in capability.h
caps() {
    python3 - "$(inside box sed -n "s/^$1:.//p" /proc/1/status)" <<'EOS'
import sys
names = {0: "chown", 13: "net_raw", 16: "sys_module", 25: "sys_time", 34: "syslog"}
mask = int(sys.argv[1], 16)
print(*(name for bit, name in names.items() if mask >> bit & 1))
EOS
}
map() { inside box cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //'; }
# as somebody without rights, by a program that is setuid root
ping_of_user() { sysct attach -T box -u 1234:1234 -- ping -c 1 -W 2 127.0.0.1 </dev/null; }
# reboots by itself, and is there again
reboot_box() {
    pid=$(field box init_pid)
    inside box reboot
    new_pid() { [ -n "$(field box init_pid)" ] && [ "$(field box init_pid)" != "$pid" ] && can_attach box; }
    eventually 30 new_pid
}

say "by default"
busybox box
ok sysct start box --wait
same "$(caps CapBnd)" "chown net_raw" "capabilities"
same "$(caps CapEff)" "chown net_raw" "effective capabilities"
inside box sh -c ': >/root/file && chown 5 /root/file'
ok ping_of_user
case $(map) in "0 "*" 65536") ;; *) fail "the map is $(map)" ;; esac

say "as configured"
ok sysct config set box security.keep_capabilities=sys_time,CAP_SYSLOG security.drop_capabilities=cap_chown security.no_new_privileges=yes \
    security.idmap=0:1950000000:1100000
reboot_box
same "$(caps CapBnd)" "net_raw sys_time syslog" "capabilities"
same "$(caps CapEff)" "net_raw sys_time syslog" "effective capabilities"
for line in CapEff CapBnd NoNewPrivs; do
    same "$(inside box grep "^$line:" /proc/self/status)" "$(inside box grep "^$line:" /proc/1/status)" "$line of attach"
done
expect 1 inside box chown 6 /root/file
has "$(cat "$ERR")" 'not permitted' "the reason"
same "$(inside box sed -n 's/^NoNewPrivs:.//p' /proc/1/status)" 1 NoNewPrivs
expect 1 ping_of_user
has "$(cat "$ERR")" 'denied|not permitted' "the reason"
same "$(map)" "0 1950000000 1100000" "the map"
same "$(field box idmap)" 0:1950000000:1100000 "the map in info"

say "ids that another box has are refused"
create other --template busybox
ok sysct config set other security.idmap=0:1951099999:65536
refused 2 'overlaps the ids' sysct start other

say "nesting, with a range of sysct's own again"
ok sysct config set box security.nesting=yes security.idmap=auto security.no_new_privileges=no security.keep_capabilities= security.drop_capabilities=
ok sysct stop box --now
ok sysct start box --wait
same "$(caps CapBnd)" "chown net_raw sys_module sys_time syslog" "capabilities, all of them, in its user namespace"
ok ping_of_user
case $(map) in "0 1950000000 "* | "0 0 "*) fail "the map is $(map)" ;; "0 "*" 1048576") ;; *) fail "the map is $(map)" ;; esac
