/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

int idmap_parse(const char *text, struct idmap *ret, struct error *err)
{
	auto_strings struct strings parts = STRINGS_EMPTY;
	struct idmap map;

	strings_split(&parts, text, ":");
	if (parts.n != 3 || strstr(text, "::") || *text == ':' || text_ends(text, ":") || parse_u32(parts.items[0], &map.inside) < 0 ||
	    parse_u32(parts.items[1], &map.outside) < 0 || parse_u32(parts.items[2], &map.count) < 0)
		return fail(err, 0, "id map \"%s\" is not of the form inside:outside:count", text);
	if (map.inside != 0)
		return fail(err, 0, "id map \"%s\": inside must be 0, the container's root", text);
	if (map.outside == 0)
		return fail(err, 0, "id map \"%s\": outside must not be 0, the host's root", text);
	if (map.outside > UINT32_MAX - 2)
		return fail(err, 0, "id map \"%s\": no count fits above outside, which is 1 to %u", text,
			    UINT32_MAX - 2);
	if (map.count == 0 || map.count > UINT32_MAX - 1 - map.outside)
		return fail(err, 0, "id map \"%s\": count is 1 to %u here", text,
			    UINT32_MAX - 1 - map.outside);
	*ret = map;
	return 0;
}

const char *idmap_format(const struct idmap *map, char *buf, unsigned long room)
{
	snprintf(buf, room, "%u:%u:%u", map->inside, map->outside, map->count);
	return buf;
}

struct keeper {
	int read_fd, write_fd;
};

/* Shares our memory (CLONE_VM): touches nothing but its argument and its own stack. It lives until the
 * pipe's other end is closed, which our death does too. */
static int keeper_main(void *arg)
{
	const struct keeper *keeper = arg;
	char byte;

	close(keeper->write_fd);
	while (read(keeper->read_fd, &byte, 1) > 0)
		;
	_exit(0);
}

static int write_map(pid_t pid, const char *file, const struct idmap *map)
{
	char path[48], line[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	snprintf(line, sizeof(line), "%u %u %u\n", map->inside, map->outside, map->count);
	return write_value_at(AT_FDCWD, path, line);
}

static int first_extent(const char *file, uint32_t *ret, struct error *err)
{
	auto_free char *path = xasprintf("/proc/self/%s", file), *text = NULL;
	unsigned int inside, outside;
	int r = read_file_at(AT_FDCWD, path, 65536, &text, NULL);

	if (r < 0)
		return fail(err, -r, "read %s", path);
	if (sscanf(text, "%u %u %u", &inside, &outside, ret) != 3 || inside != 0)
		return fail(err, EPROTO, "find id 0 in %s", path);
	return 0;
}

int idmap_identity(struct idmap *ret, struct error *err)
{
	uint32_t users, groups;

	if (first_extent("uid_map", &users, err) < 0 || first_extent("gid_map", &groups, err) < 0)
		return -err->code;
	*ret = (struct idmap){ 0, 0, users < groups ? users : groups };
	return 0;
}

/* Run clone(2) for the keeper with another effective user id and all capabilities kept. */
static pid_t clone_keeper(struct keeper *keeper, char *stack, size_t room, uid_t euid, int flags)
{
	int bits = prctl(PR_GET_SECUREBITS), dumpable = prctl(PR_GET_DUMPABLE);
	pid_t pid;
	int saved;

	if (prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return -1;
	if (syscall(SYS_setresuid, -1, euid, -1) < 0) {
		saved = errno;
		if (prctl(PR_SET_SECUREBITS, bits) < 0)
			end_here("let the kernel see to the capabilities again");
		errno = saved;
		return -1;
	}
	pid = clone(keeper_main, stack + room, flags | CLONE_VM | SIGCHLD, keeper);
	saved = errno;
	if (syscall(SYS_setresuid, -1, 0, -1) < 0 || prctl(PR_SET_SECUREBITS, bits) < 0)
		end_here("become root of the host again");
	/* The change of ids made the memory that the keeper shares undumpable, and its files in /proc the global root's: a
	 * container's root could not write its map. */
	prctl(PR_SET_DUMPABLE, dumpable);
	errno = saved;
	return pid;
}

static int open_namespace(pid_t pid, const char *kind)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* One at a time: the keeper's stack and argument are here, and the process is not dumpable meanwhile. */
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;
static pid_t keeper_left;	/* on its way out; 0: none */

static void reap_keeper(void)
{
	while (keeper_left && waitpid(keeper_left, NULL, 0) < 0 && errno == EINTR)
		;
	keeper_left = 0;
}

void userns_reap(void)
{
	pthread_mutex_lock(&creating);
	reap_keeper();
	pthread_mutex_unlock(&creating);
}

static int create_alone(const struct idmap *map, int flags, int *ret_netns, struct error *err)
{
	static char stack[16384] __attribute__((aligned(16)));
	static struct keeper keeper;
	auto_close int reader = -1, writer = -1, ns = -1, net = -1;
	int fds[2], r;
	pid_t pid;

	reap_keeper();
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	reader = keeper.read_fd = fds[0];
	writer = keeper.write_fd = fds[1];
	pid = clone_keeper(&keeper, stack, sizeof(stack), map->outside, flags);
	if (pid < 0) {
		r = fail(err, errno, "create a user namespace");
		if (err->code == ENOSPC || err->code == EPERM)
			error_hint(err, "user namespaces are off or used up: sysctl -w "
					"user.max_user_namespaces=16384; in a chroot there are none");
		return r;
	}
	r = write_map(pid, "uid_map", map);
	if (r == 0)
		r = write_map(pid, "gid_map", map);
	if (r == 0)
		r = ns = open_namespace(pid, "user");
	if (r >= 0 && ret_netns)
		r = net = open_namespace(pid, "net");
	kill(pid, SIGKILL);	/* it runs no code of ours any more, whose stack and thread-local storage may soon be somebody else's */
	keeper_left = pid;
	if (r < 0) {
		fail(err, -r, "write the id map 0:%u:%u", map->outside, map->count);
		if (r == -EPERM)
			error_hint(err, "sysct needs CAP_SETUID and CAP_SETGID over these ids; in a "
					"container they must lie in its own map");
		return r;
	}
	if (ret_netns)
		*ret_netns = take_fd(&net);
	return take_fd(&ns);
}

static int create(const struct idmap *map, int flags, int *ret_netns, struct error *err)
{
	int r;

	pthread_mutex_lock(&creating);
	r = create_alone(map, flags, ret_netns, err);
	if (r < 0 || !ret_netns)
		reap_keeper();
	pthread_mutex_unlock(&creating);
	return r;
}

int userns_create(const struct idmap *map, struct error *err)
{
	return create(map, CLONE_NEWUSER, NULL, err);
}

int userns_create_with_net(const struct idmap *map, int *ret_netns, struct error *err)
{
	return create(map, CLONE_NEWUSER | CLONE_NEWNET, ret_netns, err);
}
