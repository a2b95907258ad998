/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into a group's directories in the hierarchies of v1. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cgroup_parts.h"

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

static int open_tasks(const struct hierarchy *h, const char *group, bool host_ids, struct error *err)
{
	auto_free char *name = cgroup_name_v1(h, group), *path = xasprintf("%s/%s/payload", h->path, name), *tasks = NULL;
	bool inner = has_inner(h);
	int fd;

	if (inner && host_ids) {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fail(err, errno, "create the cgroup %s", path);
	} else if (inner) {	/* an older start made it for everybody */
		inner = access(path, F_OK) == 0;
	}
	if (!inner)
		path[strlen(path) - strlen("/payload")] = '\0';
	tasks = xasprintf("%s/tasks", path);
	fd = open(tasks, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open %s", tasks) : fd;
}

int cgroup_open_v1(const char *group, bool host_ids, struct cgroup_v1 *ret, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);

	ret->n = 0;
	if (!layout)
		return -err->code;
	if (layout->n_v1 > CGROUP_V1_MOST)
		return fail(err, E2BIG, "enter %zu hierarchies of cgroup v1", layout->n_v1);
	for (; ret->n < layout->n_v1; ret->n++) {
		ret->fds[ret->n] = open_tasks(&layout->v1[ret->n], group, host_ids, err);
		if (ret->fds[ret->n] >= 0)
			continue;
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
	const struct cgroup_layout *layout = cgroup_layout(err);

	if (!layout)
		return -err->code;
	for (size_t i = 0; i < groups->n; i++) {
		ssize_t w;

		do {
			w = write(groups->fds[i], "0", 1);
		} while (w < 0 && errno == EINTR);
		if (w < 0)
			return fail(err, errno, "enter the cgroup of %s", layout->v1[i].path);
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
	struct cgroup_v1 groups;
	int r = cgroup_open_v1(group, host_ids, &groups, err);

	if (r == 0)
		r = cgroup_enter_opened(&groups, err);
	cgroup_close_v1(&groups);
	return r;
}
