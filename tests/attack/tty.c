/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminals: typing for somebody else, and other people's ptys. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define TIOCL_PASTE 3

/* A terminal of our own, as our controlling one. */
static int own_terminal(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave, unlocked = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		broken("cannot make a pty: %s", errno_name(errno));
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (slave < 0)
		broken("cannot open a pty: %s", errno_name(errno));
	/* the leader of a group cannot make a session, and this is one */
	if (setsid() < 0) {
		pid_t pid = fork();

		if (pid > 0) {
			/* its verdict is ours */
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			_exit(0);
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
	}
	signal(SIGHUP, SIG_IGN);
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		broken("cannot make the pty ours: %s", errno_name(errno));
	return slave;
}

/* The number of an ioctl has 32 bits; one who compares all 64 of the register misses this. */
static void inject(const void *arg)
{
	int fd = own_terminal();
	unsigned long high = *(const unsigned long *)arg;
	char byte = 'x';

	if (syscall(SYS_ioctl, fd, TIOCSTI | high, &byte) == 0)
		breach("TIOCSTI types into a terminal");
	if (!refused(errno) && errno != EIO)
		breach("TIOCSTI: %s", errno_name(errno));
	pass("%s", errno_name(errno));
}

/* On a virtual console this pastes the selection into it; on a pty the driver does not know it. So what counts is that it
 * does not get that far. */
static void paste(const void *arg)
{
	int fd = own_terminal();
	unsigned long high = *(const unsigned long *)arg;
	char code = TIOCL_PASTE;

	if (syscall(SYS_ioctl, fd, TIOCLINUX | high, &code) == 0 || !refused(errno))
		breach("TIOCLINUX gets to the terminal: %s", errno_name(errno));
	pass("%s", errno_name(errno));
}

/* What the host's programs write to its console would come to this pty. It is given back at once. */
static void take_console(const void *arg)
{
	int fd = own_terminal();

	(void)arg;
	if (ioctl(fd, TIOCCONS, 0) == 0) {
		close(fd);
		breach("TIOCCONS takes the host's console");
	}
	if (errno == EBUSY)
		breach("TIOCCONS is allowed, and somebody has it already");
	pass("%s", errno_name(errno));
}

/* Typing is done by programs of the other word size, too. */
static void inject_i386(const void *arg)
{
	(void)arg;
#ifdef __x86_64__
	static char byte = 'x';
	int fd;
	long r;

	if (!has_i386())
		pass("no 32-bit calls on this machine");
	fd = own_terminal();
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(54L), "b"((long)fd), "c"((long)TIOCSTI), "d"((long)&byte)
			 : "memory", "r8", "r9", "r10", "r11", "cc");
	if (r == 0 || !(refused((int)-r) || r == -EIO))
		breach("TIOCSTI by its i386 number: %s", errno_name((int)-r));
	pass("%s", errno_name((int)-r));
#else
	pass("no 32-bit calls on this machine");
#endif
}

/* The standard streams are none of the host's terminals. */
static void streams(const void *arg)
{
	const char *host = fact("devpts");

	(void)arg;
	if (!host)
		skip("needs --set devpts=...");
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0)
			continue;
		if (isatty(fd) && st.st_dev == strtoull(host, NULL, 10))
			breach("descriptor %d is a terminal of the host", fd);
	}
	pass("no terminal of the host");
}

/* A new devpts shows its own ptys alone. */
static void other_ptys(const void *arg)
{
	struct stat st;
	DIR *dir;
	struct dirent *e;
	int n = 0;

	(void)arg;
	if (fact("devpts") && stat("/dev/pts", &st) == 0 && st.st_dev == strtoull(fact("devpts"), NULL, 10))
		breach("/dev/pts is the host's");
	if (mount("attack", "/mnt", "devpts", 0, NULL) < 0)
		pass("no devpts of one's own: %s", errno_name(errno));
	dir = opendir("/mnt");
	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.' && strcmp(e->d_name, "ptmx") != 0;
	umount2("/mnt", MNT_DETACH);
	if (n)
		breach("a new devpts shows %d ptys", n);
	pass("a new devpts is empty");
}

static const unsigned long none = 0, bit32 = 1UL << 32, bit63 = 1UL << 63;

static const struct check items[] = {
	{ "C10-tiocsti", inject, &none },
	{ "C10-tiocsti-32", inject, &bit32 },
	{ "C10-tiocsti-63", inject, &bit63 },
	{ "C10-tiocsti-i386", inject_i386, NULL },
	{ "C10-tioclinux", paste, &none },
	{ "C10-tioclinux-32", paste, &bit32 },
	{ "C10-tioccons", take_console, NULL },
	{ "D1-streams", streams, NULL },
	{ "D1-devpts", other_ptys, NULL },
};
const struct checks tty_checks = CHECKS(items);
