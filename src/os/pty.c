/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define DEVPTS_MAGIC 0x1cd1

int pty_open(int pts_fd, int *ret_slave, int *ret_number, struct error *err)
{
	auto_close int master = -1, slave = -1;
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct statfs fs;
	int unlocked = 0, number;

	if (fstatfs(pts_fd, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
		return fail(err, 0, "/dev/pts is not a devpts file system");
	master = open_beneath(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (master < 0)
		return fail(err, -master, "open /dev/pts/ptmx");
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
		return fail(err, 0, "/dev/pts/ptmx is not of devpts");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		return fail(err, errno, "unlock a new pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return fail(err, errno, "open the peer of a new pty");
	ioctl(master, TIOCSWINSZ, &size);
	*ret_slave = take_fd(&slave);
	*ret_number = number;
	return take_fd(&master);
}

int terminal_raw(int fd, struct termios *ret_old)
{
	struct termios raw;

	if (tcgetattr(fd, ret_old) < 0)
		return -errno;
	raw = *ret_old;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

void terminal_restore(int fd, const struct termios *old)
{
	tcsetattr(fd, TCSADRAIN, old);
}
