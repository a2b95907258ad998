/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/pty.h"
#include "runtime/handshake.h"

#define PACKET_TIMEOUT_MS 10000
#define KILL_TIMEOUT_MS 1000

enum packet { CONSOLE, NOTIFY };

/* --- inside --- */

static int enter(int pidfd, int flags, struct error *err)
{
	if (setns(pidfd, flags) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return fail(err, errno, "enter its mount namespace");
	prctl(PR_SET_DUMPABLE, 0);	/* the change of ids has set it anew */
	return 0;
}

/* Whatever else the container has made of /dev/console is its own. */
static void link_console(int dev, int number)
{
	char old[32] = "", new[32];
	ssize_t n = readlinkat(dev, "console", old, sizeof(old) - 1);

	if (n < 0 || !text_starts(old, "pts/"))
		return;
	snprintf(new, sizeof(new), "pts/%d", number);
	unlinkat(dev, ".console", 0);
	if (symlinkat(new, dev, ".console") == 0)
		renameat(dev, ".console", dev, "console");
}

static int open_console(int root, struct error *err)
{
	auto_close int dev = open_beneath(root, "dev", O_RDONLY | O_DIRECTORY, 0);
	auto_close int pts = open_beneath(root, "dev/pts", O_RDONLY | O_DIRECTORY, 0);
	auto_close int slave = -1;
	int master, number;

	if (dev < 0 || pts < 0)
		return fail(err, dev < 0 ? -dev : -pts, "open /dev/pts in the container");
	master = pty_open(pts, &slave, &number, err);
	if (master >= 0)
		link_console(dev, number);
	return master;
}

/* On a copy of the mount of /run: on that of /run/host nobody inside can write. */
static int bind_notify(int fd, int root)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "notify" };
	auto_close int run = open_beneath(root, "run", O_PATH | O_DIRECTORY, 0);
	struct error ignored = ERROR_NONE;
	auto_close int copy = run < 0 ? -1 : mount_clone(run, "", false, &ignored);
	auto_close int host = copy < 0 ? -1 : open_beneath(copy, "host", O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (host < 0 || fchdir(host) < 0)
		return -1;
	unlinkat(host, address.sun_path, 0);
	umask(0);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(022);
	return r;
}

static int open_notify(int root, struct error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fail(err, errno, "make the notify socket");
	bind_notify(fd, root);
	return take_fd(&fd);
}

__attribute__((noreturn)) static void work_inside(int pidfd, int peer, int flags)
{
	const int keep[] = { pidfd, peer };
	struct error err = ERROR_NONE;
	int root, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	close_others(keep, ARRAY_SIZE(keep));
	if (enter(pidfd, flags, &err) < 0) {
		handshake_report(peer, CONSOLE, &err, -1);
		_exit(1);
	}
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = open_console(root, &err);
	handshake_report(peer, CONSOLE, fd < 0 ? &err : NULL, fd);
	if (fd < 0)
		_exit(1);
	fd = open_notify(root, &err);
	handshake_report(peer, NOTIFY, fd < 0 ? &err : NULL, fd);
	_exit(0);
}

/* --- outside --- */

static int take(int peer, enum packet packet, int *ret, struct error *err)
{
	enum handshake_result r = handshake_await(peer, packet, PACKET_TIMEOUT_MS, ret, err);

	if (r == HANDSHAKE_CLOSED)
		return fail(err, 0, "the process that opens its console was killed");
	if (r == HANDSHAKE_DONE && *ret < 0)
		return fail(err, EPROTO, "get its console");
	return r == HANDSHAKE_DONE ? 0 : -err->code;
}

static int join_flags(const struct process_id *init)
{
	char theirs[40];

	snprintf(theirs, sizeof(theirs), "/proc/%d/ns/user", (int)init->pid);
	return CLONE_NEWNS | (ns_inode(theirs) == ns_inode("/proc/self/ns/user") ? 0 : CLONE_NEWUSER);
}

int adopt_open(const struct process_id *init, int *ret_console, int *ret_notify, struct error *err)
{
	auto_close int pidfd = process_open(init), ours = -1, its = -1, console = -1;
	int flags = join_flags(init), pair[2], r;
	pid_t child;

	if (pidfd < 0)
		return fail(err, -pidfd, "open its init");
	if (handshake_pair(pair, err) < 0)
		return -err->code;
	ours = pair[0];
	its = pair[1];
	child = fork();
	if (child < 0)
		return fail(err, errno, "fork");
	if (child == 0)
		work_inside(pidfd, its, flags);
	close_fd(&its);
	r = take(ours, CONSOLE, &console, err);
	if (r == 0)
		r = take(ours, NOTIFY, ret_notify, err);
	if (!child_wait(child, r == 0 ? KILL_TIMEOUT_MS : 0, NULL)) {
		kill(child, SIGKILL);	/* its file system hangs */
		child_wait(child, KILL_TIMEOUT_MS, NULL);
	}
	if (r == 0)
		*ret_console = take_fd(&console);
	return r;
}
