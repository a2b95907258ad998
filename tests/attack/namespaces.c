/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other namespaces than the container's: entering them, and seeing what is in them. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };

static const char *needed(const char *key)
{
	const char *value = fact(key);

	if (!value)
		skip("needs --set %s=...", key);
	return value;
}

/* The host's own, by their inodes. */
static void own_namespace(const void *arg)
{
	char path[40];
	struct stat st;

	needed("namespaces");
	snprintf(path, sizeof(path), "/proc/self/ns/%s", (const char *)arg);
	if (stat(path, &st) < 0)
		broken("cannot look at %s: %s", path, errno_name(errno));
	if (fact_has("namespaces", st.st_ino))
		breach("%s is the host's", (const char *)arg);
	pass("inode %llu", (unsigned long long)st.st_ino);
}

/* The parents of ours, and the user namespaces that own them, by ioctl_ns(2). */
static void parent_namespace(const void *arg)
{
	static const unsigned long requests[] = { NS_GET_PARENT, NS_GET_USERNS };
	int found = 0;

	(void)arg;
	for (size_t i = 0; i < COUNT(kinds); i++)
		for (size_t r = 0; r < COUNT(requests); r++) {
			char path[40];
			int fd, up, own;
			struct stat st, mine;

			snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			up = ioctl(fd, requests[r]);
			close(fd);
			if (up < 0)
				continue;
			found++;
			own = stat("/proc/self/ns/user", &mine);
			if (fstat(up, &st) == 0 && own == 0 && st.st_ino != mine.st_ino && setns(up, 0) == 0)
				breach("entered the namespace above %s", kinds[i]);
			close(up);
		}
	pass("none above ours can be entered, of %d that have an owner", found);
}

/* --- processes --- */

/* A process of the host whose command line is a word that nobody else says. */
static void find_process(const void *arg)
{
	const char *mark = needed("mark");
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int n = 0;

	(void)arg;
	if (!proc)
		broken("cannot read /proc");
	while ((e = readdir(proc))) {
		char path[300];
		const char *line;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' || atoi(e->d_name) == getpid() || atoi(e->d_name) == getppid())
			continue;
		n++;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		line = slurp(path);
		/* the first word alone: others may be called with it as a fact */
		if (line && strncmp(line, mark, strlen(mark)) == 0)
			breach("process %s is the host's", e->d_name);
	}
	pass("%d processes, none of the host", n);
}

/* By number, whether /proc shows it or not: signal 0 does nothing. */
static void signal_process(const void *arg)
{
	unsigned long pid = strtoul(needed("pid"), NULL, 10);

	(void)arg;
	if (kill((pid_t)pid, 0) == 0 || errno != ESRCH) {
		char path[40];

		/* a process inside may have that number */
		snprintf(path, sizeof(path), "/proc/%lu/cmdline", pid);
		if (!slurp(path) || strstr(slurp(path), needed("mark")))
			breach("signal 0 to process %lu: %s", pid, errno_name(errno));
	}
	pass("no process %lu", pid);
}

/* --- ids --- */

static int map_all(void *arg)
{
	static const char *const maps[] = { "0 0 4294967295\n", "1 0 4294967294\n", "0 4000000000 1\n" };

	(void)arg;
	if (unshare(CLONE_NEWUSER) < 0)
		return 1;
	for (size_t i = 0; i < COUNT(maps); i++) {
		int fd = open("/proc/self/uid_map", O_WRONLY);
		ssize_t n;

		if (fd < 0)
			return 2;
		n = write(fd, maps[i], strlen(maps[i]));
		close(fd);
		if (n > 0)
			return 10;
	}
	return 0;
}

/* A user namespace with ids that ours does not have. Its map is written by a process in the parent namespace, which alone
 * could write one of more than one id; then by itself. */
static void wide_map(const void *arg)
{
	int pipe_fds[2], status;
	char path[40], byte = 0;
	pid_t pid;
	ssize_t n;
	int fd, r = in_child(map_all, NULL);

	(void)arg;
	if (r == 1)
		pass("no user namespaces inside");
	if (r == 10)
		breach("a new user namespace maps ids from outside by itself");
	if (pipe(pipe_fds) < 0)
		broken("cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		n = write(pipe_fds[1], "x", 1);
		pause();
		_exit(n == 1);
	}
	if (read(pipe_fds[0], &byte, 1) != 1)
		broken("no user namespace was made");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	fd = open(path, O_WRONLY);
	n = fd < 0 ? -1 : write(fd, "0 0 4294967295\n", 15);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (n > 0)
		breach("a new user namespace maps all ids of the host");
	pass("no id from outside can be mapped");
}

/* Ids that are not ours. */
static int become(void *arg)
{
	static const unsigned int ids[] = { 65536, 100000, 1000000, 2000000000, 4294967294U };

	(void)arg;
	for (size_t i = 0; i < COUNT(ids); i++)
		if (syscall(SYS_setresuid, -1, ids[i], -1) == 0)
			return 10;
	return 0;
}

static void other_ids(const void *arg)
{
	(void)arg;
	if (in_child(become, NULL) == 10)
		breach("ids beyond 65535 can be taken");
	pass("no id beyond 65535");
}

/* --- IPC and sockets --- */

static void abstract_socket(const void *arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *mark = needed("mark");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	if (fd < 0)
		broken("no unix sockets: %s", errno_name(errno));
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", mark);
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(mark))) == 0)
		breach("the host's abstract socket @%s answers", mark);
	pass("%s", errno_name(errno));
}

static void shared_memory(const void *arg)
{
	key_t key = (key_t)strtoul(needed("shm"), NULL, 10);
	int id = shmget(key, 0, 0);

	(void)arg;
	if (id >= 0 || errno != ENOENT)
		breach("the host's shared memory %#x: %s", (unsigned int)key, id >= 0 ? "is there" : errno_name(errno));
	pass("%s", errno_name(errno));
}

/* --- what attach must have in common with PID 1 --- */

static void as_init(const void *arg)
{
	static const char *const all_kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
	static const char *const keys[] = { "\nSeccomp:", "\nNoNewPrivs:", "\nCapBnd:", "\nCapInh:" };
	char own[100], init[100], copy[4096];
	const char *text;

	(void)arg;
	for (size_t i = 0; i < COUNT(all_kinds); i++) {
		struct stat a, b;

		snprintf(own, sizeof(own), "/proc/self/ns/%s", all_kinds[i]);
		snprintf(init, sizeof(init), "/proc/1/ns/%s", all_kinds[i]);
		if (stat(own, &a) < 0 || stat(init, &b) < 0)
			continue;
		if (a.st_ino != b.st_ino)
			breach("namespace %s is not that of PID 1", all_kinds[i]);
	}
	for (size_t i = 0; i < COUNT(keys); i++) {
		text = slurp("/proc/1/status");
		snprintf(copy, sizeof(copy), "%s", text ? text : "");
		text = slurp("/proc/self/status");
		if (!text || !strstr(text, keys[i]) || !strstr(copy, keys[i]))
			broken("no %s in the status", keys[i] + 1);
		if (strncmp(strstr(text, keys[i]), strstr(copy, keys[i]), 1 + strcspn(strstr(copy, keys[i]) + 1, "\n")) != 0)
			breach("%s differs from that of PID 1", keys[i] + 1);
	}
	text = slurp("/proc/1/attr/current");
	snprintf(copy, sizeof(copy), "%s", text ? text : "");
	text = slurp("/proc/self/attr/current");
	if (strcmp(text ? text : "", copy) != 0)
		breach("the label %s is not that of PID 1, %s", text, copy);
	pass("namespaces, filter, capabilities and label are those of PID 1");
}

static const struct check items[] = {
	{ "N-cgroup", own_namespace, "cgroup" },
	{ "N-ipc", own_namespace, "ipc" },
	{ "N-mnt", own_namespace, "mnt" },
	{ "N-net", own_namespace, "net" },
	{ "N-pid", own_namespace, "pid" },
	{ "N-user", own_namespace, "user" },
	{ "N-uts", own_namespace, "uts" },
	{ "N-parent", parent_namespace, NULL },
	{ "N-process", find_process, NULL },
	{ "N-signal", signal_process, NULL },
	{ "N-map", wide_map, NULL },
	{ "N-ids", other_ids, NULL },
	{ "N-socket", abstract_socket, NULL },
	{ "N-shm", shared_memory, NULL },
	{ "A8-as-init", as_init, NULL },
};
const struct checks namespace_checks = CHECKS(items);
