/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/fdpass.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/pty.h"
#include "runtime/handshake.h"

#define VISIT_TIMEOUT_MS 10000

/* --- inside --- */

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

/* On a copy of the mount of /run: on that of /run/host nobody inside can write. -errno. */
static int bind_notify(int fd, int root)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "notify" };
	auto_close int run = open_beneath(root, "run", O_PATH | O_DIRECTORY, 0);
	struct error why = ERROR_NONE;
	auto_close int copy = run < 0 ? run : mount_clone(run, "", false, &why);
	auto_close int host = copy < 0 ? copy : open_beneath(copy, "host", O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (host < 0)
		return host;
	if (fchdir(host) < 0)
		return -errno;
	unlinkat(host, address.sun_path, 0);
	umask(0);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(022);
	return r;
}

/* *ret_bound: 0, or why nobody reaches it. */
static int open_notify(int root, int *ret_bound, struct error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fail(err, errno, "make the notify socket");
	*ret_bound = bind_notify(fd, root);
	return take_fd(&fd);
}

/* What was made goes to the caller in one packet. */
static int work_inside(int root, void *arg, struct error *err)
{
	const int *peer = arg;
	auto_close int console = open_console(root, err), notify = -1;
	int bound, r;

	if (console < 0)
		return console;
	notify = open_notify(root, &bound, err);
	if (notify < 0)
		return notify;
	r = fd_send(*peer, &bound, sizeof(bound), (const int[]){ console, notify }, 2);
	return r < 0 ? fail(err, -r, "hand out the console") : 0;
}

/* --- outside --- */

int adopt_open(const struct process_id *init, int *ret_console, int *ret_notify, int *ret_bound, struct error *err)
{
	auto_close int ours = -1, its = -1;
	int pair[2], fds[2] = { -1, -1 };
	size_t n_fds = 2;

	if (handshake_pair(pair, err) < 0)
		return -err->code;
	ours = pair[0];
	its = pair[1];
	if (ns_visit(&(struct ns_visit){ init, &its, 1, VISIT_TIMEOUT_MS, work_inside, &its }, err) < 0)
		return -err->code;
	close_fd(&its);
	if (fd_receive(ours, ret_bound, sizeof(*ret_bound), fds, &n_fds) != sizeof(*ret_bound) || n_fds != 2) {
		for (size_t i = 0; i < n_fds; i++)
			close_fd(&fds[i]);
		return fail(err, EPROTO, "get its console");
	}
	*ret_console = fds[0];
	*ret_notify = fds[1];
	return 0;
}
