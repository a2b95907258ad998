/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into a group: its directory of cgroup2 for who joins later, and those in the hierarchies of v1. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

#define ATTACH_LEAF ".sysct"

/* Where the group of the processes may be below the one with the limits: the container's root sees the directory that its
 * processes are in, and where it has the host's ids its files are its own. What stands above it stays. Others can write none of
 * them, and a level costs time (cgroup_name_v1()). Not with
 * controllers whose rules count for the group's own processes alone (blkio), or which a smaller parent would contradict
 * (cpuset); devices asks for more than an id. */
static bool has_inner(const struct hierarchy *h)
{
	static const char *const inherited[] = { "memory", "pids", "cpu" }, *const own[] = { "blkio", "cpuset", "devices" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		any = any || cgroup_has_controller(h, inherited[i]);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		any = any && !cgroup_has_controller(h, own[i]);
	return any;
}

/* Caller frees; NULL with err. */
static char *tasks_of(const struct hierarchy *h, const char *group, bool host_ids, struct error *err)
{
	auto_free char *name = cgroup_name_v1(h, group), *path = xasprintf("%s/%s/payload", h->path, name);
	bool inner = has_inner(h);

	if (inner && host_ids) {
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			fail(err, errno, "create the cgroup %s", path);
			return NULL;
		}
	} else if (inner) {	/* an older start made it for everybody */
		inner = access(path, F_OK) == 0;
	}
	if (!inner)
		path[strlen(path) - strlen("/payload")] = '\0';
	return xasprintf("%s/tasks", path);
}

int cgroup_ways(const char *group, bool host_ids, struct cgroup_ways *ret, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	char own[32];

	if (!layout)
		return -err->code;
	*ret = (struct cgroup_ways)CGROUP_WAYS_EMPTY;
	for (size_t i = 0; i < layout->n_v1; i++) {
		char *tasks = tasks_of(&layout->v1[i], group, host_ids, err);

		if (!tasks) {
			cgroup_ways_done(ret);
			return -err->code;
		}
		strings_add_take(&ret->tasks, tasks);
	}
	ret->payload = xasprintf("%s/%s/payload", layout->path ? layout->path : fd_path(layout->root, own, sizeof(own)), group);
	ret->pids = cgroup_path_v1("pids", group);
	return 0;
}

void cgroup_ways_done(struct cgroup_ways *ways)
{
	free(ways->payload);
	free(ways->pids);
	strings_clear(&ways->tasks);
	*ways = (struct cgroup_ways)CGROUP_WAYS_EMPTY;
}

bool cgroup_ways_last(const struct cgroup_ways *ways)
{
	bool last = text_starts(ways->payload, CGROUP_ROOT "/");

	for (size_t i = 0; i < ways->tasks.n; i++)
		last = last && text_starts(ways->tasks.items[i], CGROUP_ROOT "/");
	return last && (!ways->pids || text_starts(ways->pids, CGROUP_ROOT "/"));
}

bool cgroup_ways_frozen(const struct cgroup_ways *ways)
{
	auto_free char *path = xasprintf("%s/cgroup.freeze", ways->payload);
	char value[16];

	return read_value_at(AT_FDCWD, path, value, sizeof(value)) >= 0 && value[0] == '1';
}

bool cgroup_ways_full(const struct cgroup_ways *ways)
{
	auto_free char *max_path = ways->pids ? xasprintf("%s/pids.max", ways->pids) : NULL;
	auto_free char *current_path = ways->pids ? xasprintf("%s/pids.current", ways->pids) : NULL;
	uint64_t current, max;

	return max_path && cgroup_read_number(AT_FDCWD, max_path, &max) && cgroup_read_number(AT_FDCWD, current_path, &current) &&
	       current >= max;
}

int cgroup_ways_open(const struct cgroup_ways *ways, uid_t owner, struct error *err)
{
	auto_free char *path = xasprintf("%s/" ATTACH_LEAF, ways->payload);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(path, 0755) == 0) {
			if (owner && cgroup_delegate(AT_FDCWD, path, owner, err) < 0)
				return -err->code;
			cgroup_count_no_pressure(AT_FDCWD, path);
		} else if (errno != EEXIST) {
			return fail(err, errno, "create the cgroup %s", path);
		}
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return fail(err, errno, "open the cgroup %s", path);
	/* The container may have made it before us, with files of its own, and frozen whatever comes in. */
	write_value_at(fd, "cgroup.freeze", "0");
	return fd;
}

int cgroup_open_v1(const struct cgroup_ways *ways, struct cgroup_v1 *ret, struct error *err)
{
	ret->n = 0;
	if (ways->tasks.n > CGROUP_V1_MOST)
		return fail(err, E2BIG, "enter %zu hierarchies of cgroup v1", ways->tasks.n);
	for (; ret->n < ways->tasks.n; ret->n++) {
		const char *path = ways->tasks.items[ret->n];

		ret->paths[ret->n] = path;
		ret->fds[ret->n] = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		if (ret->fds[ret->n] >= 0)
			continue;
		fail(err, errno, "open %s", path);
		cgroup_close_v1(ret);
		return -err->code;
	}
	return 0;
}

/* "0" to "tasks" is the writer itself, one thread: nobody else's execution or end can come between, so the kernel takes no
 * lock over all processes (cgroup_procs_write_start() of kernel/cgroup/cgroup.c, since 5.16). That lock is what makes the
 * same move from outside cost a grace period of RCU, 8 to 18 ms. */
int cgroup_enter_opened(const struct cgroup_v1 *groups, struct error *err)
{
	for (size_t i = 0; i < groups->n; i++) {
		ssize_t w;

		do {
			w = write(groups->fds[i], "0", 1);
		} while (w < 0 && errno == EINTR);
		if (w < 0)
			return fail(err, errno, "enter the cgroup of %s", groups->paths[i]);
	}
	return 0;
}

void cgroup_close_v1(struct cgroup_v1 *groups)
{
	while (groups->n > 0)
		close(groups->fds[--groups->n]);
}

int cgroup_enter_v1(const char *group, bool host_ids, struct error *err)
{
	struct cgroup_ways ways;
	struct cgroup_v1 groups;
	int r = cgroup_ways(group, host_ids, &ways, err);

	if (r < 0)
		return r;
	r = cgroup_open_v1(&ways, &groups, err);
	if (r == 0)
		r = cgroup_enter_opened(&groups, err);
	cgroup_close_v1(&groups);
	cgroup_ways_done(&ways);
	return r;
}
