/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking more of the host than is given. All attempts are bounded: where there is no limit they end by themselves. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

/* Given by --set, so that a container with small limits is tested quickly. */
static unsigned long number(const char *key)
{
	const char *text = fact(key);

	if (!text)
		skip("needs --set %s=...", key);
	return strtoul(text, NULL, 10);
}

/* --- K1 --- */

static int wait_for_end(void *arg)
{
	char byte;

	return (int)read(*(int *)arg, &byte, 1);
}

/* As many processes as a fact says, all of them asleep: more must be refused. They share all they can, and so cost little
 * more than a number each. */
static void tasks(const void *arg)
{
	unsigned long most = number("tasks"), n = 0;
	const size_t stack = 4096;
	int ends[2], code = 0;
	char *stacks;

	(void)arg;
	if (pipe(ends) < 0)
		broken("cannot make a pipe");
	stacks = mmap(NULL, stack * most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		broken("cannot map memory");
	/* the kernel's limit for one user is not meant */
	while (n < most) {
		if (clone(wait_for_end, stacks + (n + 1) * stack, CLONE_VM | CLONE_FS | CLONE_SIGHAND, &ends[0]) < 0) {
			code = errno;
			break;
		}
		n++;
	}
	if (code == 0)
		breach("%lu processes, and no end", n);
	pass("%s after %lu", errno_name(code), n);
}

/* --- K2 --- */

static int take_memory(void *arg)
{
	size_t bytes = *(unsigned long *)arg;
	char *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return 2;
	for (size_t at = 0; at < bytes; at += 4096)
		data[at] = 1;
	return 0;
}

static void memory(const void *arg)
{
	unsigned long bytes = number("memory") << 20;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY), r;

	(void)arg;
	/* this one first, and no other process of the container */
	if (fd < 0 || write(fd, "1000", 4) < 0)
		broken("cannot write oom_score_adj");
	close(fd);
	r = in_child(take_memory, &bytes);
	if (r == 0)
		breach("%lu MiB can be used", bytes >> 20);
	if (r != -SIGKILL && r != 2)
		broken("the attempt ended with %d", r);
	pass("killed before it had %lu MiB", bytes >> 20);
}

/* File systems in memory are memory, and inodes of theirs are the kernel's. */
static void tmpfs_sizes(const void *arg)
{
	static const char *const points[] = { "/dev", "/dev/shm", "/run", "/tmp", "/run/lock" };
	struct sysinfo info;
	struct stat root, st;

	(void)arg;
	if (sysinfo(&info) < 0 || stat("/", &root) < 0)
		broken("cannot ask for the memory");
	for (size_t i = 0; i < COUNT(points); i++) {
		struct statvfs fs;

		if (stat(points[i], &st) < 0 || st.st_dev == root.st_dev || statvfs(points[i], &fs) < 0)
			continue;
		if (fs.f_blocks == 0 || fs.f_files == 0)
			breach("%s has no limit", points[i]);
		if ((unsigned long long)fs.f_blocks * fs.f_frsize > (unsigned long long)info.totalram * info.mem_unit / 4)
			breach("%s may have %llu MiB", points[i], (unsigned long long)fs.f_blocks * fs.f_frsize >> 20);
		if (fs.f_files > 1000000)
			breach("%s may have %llu inodes", points[i], (unsigned long long)fs.f_files);
	}
	pass("all of them have limits");
}

/* Files in /dev. */
static void fill_dev(const void *arg)
{
	static char chunk[1 << 16];
	int fd = open("/dev/sysct-attack", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t n = 0;
	int code = 0;

	(void)arg;
	if (fd < 0)
		pass("no file in /dev: %s", errno_name(errno));
	while (n < (16 << 20)) {
		ssize_t w = write(fd, chunk, sizeof(chunk));

		if (w < 0) {
			code = errno;
			break;
		}
		n += (size_t)w;
	}
	unlink("/dev/sysct-attack");
	if (code == 0)
		breach("/dev takes %zu MiB", n >> 20);
	pass("%s after %zu KiB", errno_name(code), n >> 10);
}

/* --- K3, K4 --- */

static void inotify(const void *arg)
{
	unsigned long most = 4096, n = 0;
	struct rlimit limit;

	(void)arg;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (n < most && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	if (n == most)
		breach("%lu inotify instances, and no end", n);
	pass("%s after %lu", errno_name(errno), n);
}

static void ptys(const void *arg)
{
	unsigned long most = 1100, n = 0;
	struct rlimit limit;

	(void)arg;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (n < most && open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0)
		n++;
	if (n == most)
		breach("%lu ptys, and no end", n);
	pass("%s after %lu", errno_name(errno), n);
}

/* --- to be preferred to others --- */

static void realtime(const void *arg)
{
	const struct sched_param param = { .sched_priority = 1 };

	(void)arg;
	if (sched_setscheduler(0, SCHED_FIFO, &param) == 0)
		breach("real-time scheduling");
	pass("%s", errno_name(errno));
}

static void io_class(const void *arg)
{
	(void)arg;
	/* IOPRIO_CLASS_RT, highest */
	if (syscall(SYS_ioprio_set, 1, 0, 1 << 13) == 0)
		breach("the real-time class of I/O");
	pass("%s", errno_name(errno));
}

static void niceness(const void *arg)
{
	(void)arg;
	errno = 0;
	if (setpriority(PRIO_PROCESS, 0, -20) == 0)
		breach("a nice value of -20");
	pass("%s", errno_name(errno));
}

static void oom_score(const void *arg)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	(void)arg;
	if (fd < 0)
		broken("cannot open oom_score_adj");
	if (write(fd, "-900", 4) > 0)
		breach("the out-of-memory killer takes others first");
	pass("%s", errno_name(errno));
}

static void raise_limit(const void *arg)
{
	int resource = *(const int *)arg;
	struct rlimit limit;

	getrlimit((__rlimit_resource_t)resource, &limit);
	if (limit.rlim_max == RLIM_INFINITY)
		breach("there is no limit");
	limit.rlim_max += 1;
	if (setrlimit((__rlimit_resource_t)resource, &limit) == 0)
		breach("the hard limit %llu can be raised", (unsigned long long)limit.rlim_max - 1);
	pass("%s", errno_name(errno));
}

static const int nofile = RLIMIT_NOFILE, memlock = RLIMIT_MEMLOCK, msgqueue = RLIMIT_MSGQUEUE;

static const struct check items[] = {
	{ "K1-tasks", tasks, NULL },
	{ "K2-memory", memory, NULL },
	{ "K2-tmpfs", tmpfs_sizes, NULL },
	{ "K2-dev", fill_dev, NULL },
	{ "K3-inotify", inotify, NULL },
	{ "K4-ptys", ptys, NULL },
	{ "K-realtime", realtime, NULL },
	{ "K-io", io_class, NULL },
	{ "K-nice", niceness, NULL },
	{ "K-oom", oom_score, NULL },
	{ "K-nofile", raise_limit, &nofile },
	{ "K-memlock", raise_limit, &memlock },
	{ "K-msgqueue", raise_limit, &msgqueue },
};
const struct checks limit_checks = CHECKS(items);
