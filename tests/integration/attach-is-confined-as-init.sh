#!/bin/sh
# What attach brings in has the namespaces, capabilities, groups of processes and id map of init.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
for ns in cgroup ipc mnt net pid user uts; do
    same "$(inside box readlink /proc/self/ns/$ns)" "$(inside box readlink /proc/1/ns/$ns)" "namespace $ns"
    [ "$(inside box readlink /proc/self/ns/$ns)" != "$(readlink /proc/self/ns/$ns)" ] || fail "$ns is the host's"
done
for line in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
    same "$(inside box grep "^$line:" /proc/self/status)" "$(inside box grep "^$line:" /proc/1/status)" $line
done
same "$(inside box cat /proc/self/uid_map)" "$(inside box cat /proc/1/uid_map)" "id map"
# every hierarchy: below the box, never the host's root
inside box cat /proc/self/cgroup | while IFS=: read -r _ controllers path; do
    case $path in /..* | '') fail "$controllers: $path is outside" ;; esac
done
