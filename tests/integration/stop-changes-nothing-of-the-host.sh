#!/bin/sh
# timeout: 120
# stop asks runit by the mode of files and an old sysvinit through a pipe, as root of the box: where these are links to files of the
# host that the box sees and may not change, they stay as they are.
. "${0%/*}/lib.sh"

cat >"$TEST_TMP/init.c" <<'EOS'
/* As runit and an old sysvinit look from outside: a child named runsvdir, SIGCONT ends it; a pipe, by which it is told to end. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void end(int signal) { _exit(signal == SIGCONT ? 3 : 4); }

int main(int argc, char **argv)
{
	char request[384];
	int fd;

	signal(SIGCONT, end);
	signal(SIGINT, end);
	if (fork() == 0) {
		prctl(PR_SET_NAME, "runsvdir");
		for (;;)
			pause();
	}
	if (argc > 1 && symlink(argv[1], "/run/initctl") == 0 && (fd = open(argv[1], O_RDWR)) >= 0 &&
	    read(fd, request, sizeof(request)) == sizeof(request))
		_exit(5);
	for (;;)
		pause();
}
EOS
ok gcc -static -O1 -o "$TEST_TMP/init" "$TEST_TMP/init.c"

ended() { sysct info box --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_exit"])'; }
src=$TEST_TMP/src
mkdir "$src"
echo secret >"$src/stopit"
echo secret >"$src/reboot"
chmod 644 "$src/stopit" "$src/reboot"
mkfifo -m 644 "$src/pipe"
exec 3<>"$src/pipe"
chown -R 0:0 "$src"
chmod 755 "$src"
busybox box --set "mount./mnt.source=$src" --set mount./mnt.options=noidmap
ok sysct start box --wait
sysct attach -T box -- sh -c 'cat >/root/runit; chmod +x /root/runit; cp /root/runit /root/init
    mkdir -p /etc/runit; touch /etc/runit/stopit /etc/inittab; chmod 644 /etc/runit/stopit; mkfifo /root/pipe' <"$TEST_TMP/init"
if inside box chmod 700 /mnt/stopit 2>/dev/null; then fail "root of the box may change the file itself"; fi
ok sysct stop --now box

is_kind() { [ "$(field box init)" = "$1" ]; }
# run_and_stop KIND END COMMAND: a box with this init
run_and_stop() {
    ok sysct config set box "container.init=$3"
    ok sysct start box
    eventually 10 is_kind "$1"
    ok sysct stop box --timeout 5
    same "$(ended)" "$2" "how it ended"
}

say "files and a pipe of the box"
run_and_stop runit 'exit 3' /root/runit
run_and_stop sysvinit 'exit 5' '/root/init /root/pipe'
ok sysct config unset box container.init
ok sysct start box --wait
same "$(inside box stat -c %a /etc/runit/stopit)" 100 "mode of its file"

say "links to those of the host"
inside box sh -c 'ln -sf /mnt/stopit /mnt/reboot /etc/runit/'
ok sysct stop --now box
run_and_stop runit 'exit 3' /root/runit
same "$(stat -c %a "$src/stopit") $(stat -c %a "$src/reboot")" '644 644' "modes of the host's files"
run_and_stop sysvinit 'killed after the stop timeout' '/root/init /mnt/pipe'
same "$(timeout 1 head -c 1 <&3 | wc -c)" 0 "bytes in the host's pipe"
