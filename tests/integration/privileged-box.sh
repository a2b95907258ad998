#!/bin/sh
# privileged = yes: the ids inside are the host's, capabilities are not; devices are closed; sysct runs as a sealed copy in
# it, over a reboot too; info says so.
# shows: security.privileged
. "${0%/*}/lib.sh"

busybox box --set security.privileged=yes
ok sysct start box --wait
same "$(inside box cat /proc/self/uid_map | tr -s ' ')" " 0 0 4294967295" "id map"
[ "$(inside box readlink /proc/self/ns/user)" != "$(readlink /proc/self/ns/user)" ] || fail "it has the host's user namespace"
same "$(field box unprivileged)" false unprivileged
same "$(field box idmap)" 0:0:4294967295 idmap
# sys_module, sys_rawio and sys_time are gone (bits 16, 17, 25)
python3 - "$(inside box sed -n 's/^CapBnd:.//p' /proc/self/status)" <<'EOS'
import sys
caps = int(sys.argv[1], 16)
assert not caps & (1 << 16 | 1 << 17 | 1 << 25), hex(caps)
EOS
if inside box sh -c 'mknod /root/mem c 1 1 && head -c 1 </root/mem' >/dev/null 2>&1; then fail "/dev/mem can be read"; fi
if inside box sh -c 'echo >/proc/sysrq-trigger' 2>/dev/null; then fail "sysrq-trigger can be written"; fi

say "files inside are those of the same ids outside"
mkdir "$TEST_TMP/shared"
touch "$TEST_TMP/shared/f"
chown 12345:54321 "$TEST_TMP/shared/f"
ok sysct config set box mount./srv.source="$TEST_TMP/shared" mount./srv.create=yes
same "$(inside box stat -c %u:%g /srv/f)" 12345:54321 "owner of a shared file"

say "a sealed copy"
strace -f -e trace=execve,execveat -o "$TEST_TMP/trace" sysct attach -T box -- true </dev/null
grep -q 'execveat([0-9]*, "", .*AT_EMPTY_PATH) = 0' "$TEST_TMP/trace" || fail "attach did not become a sealed copy"
ok sysct stop --now box
# it would wait for holder and monitor, which stay
strace -I 2 -f -e trace=execveat -o "$TEST_TMP/trace" sysct start box &
tracer=$!
eventually 30 in_state box running
case $(field box cgroup) in
*.service/payload) wait $tracer ;;	# by a child of systemd's, which is not traced
*)
    kill $tracer
    wait $tracer || :
    grep -q 'execveat([0-9]*, "", .*AT_EMPTY_PATH) = 0' "$TEST_TMP/trace" || fail "start did not become a sealed copy"
    ;;
esac
refused 4 'it is already running' sysct start box
init=$(field box init_pid)
ok inside box reboot
booted_again() { in_state box running && [ "$(field box init_pid)" != "$init" ] && can_attach box; }
eventually 30 booted_again
ok sysct stop --now box
