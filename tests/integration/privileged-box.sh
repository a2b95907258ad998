#!/bin/sh
# privileged = yes: no user namespace, still capabilities dropped and devices closed, and info says so.
. "${0%/*}/lib.sh"

busybox box --set security.privileged=yes
ok sysct start box --wait
same "$(inside box cat /proc/self/uid_map | tr -s ' ')" " 0 0 4294967295" "id map"
same "$(field box unprivileged)" false unprivileged
# sys_module, sys_rawio and sys_time are gone (bits 16, 17, 25)
python3 - "$(inside box sed -n 's/^CapBnd:.//p' /proc/self/status)" <<'EOS'
import sys
caps = int(sys.argv[1], 16)
assert not caps & (1 << 16 | 1 << 17 | 1 << 25), hex(caps)
EOS
if inside box sh -c 'mknod /root/mem c 1 1 && head -c 1 </root/mem' >/dev/null 2>&1; then fail "/dev/mem can be read"; fi
if inside box sh -c 'echo >/proc/sysrq-trigger' 2>/dev/null; then fail "sysrq-trigger can be written"; fi
ok sysct stop box
