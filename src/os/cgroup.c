/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups are made, given to their owners and opened. */
#include "os/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

static int not_writable(struct error *err)
{
	if (err->code == EROFS || err->code == EACCES || err->code == EPERM)
		error_hint(err, "the cgroup tree must be writable: run sysct as root, and in a container "
				"give that one a delegated cgroup (with sysct: nesting = yes)");
	return -err->code;
}

static int make_path(int root, char *path, void (*prepare)(int dirfd, const char *name))
{
	for (char *p = path;; p++) {
		char end = *p;

		if (end != '/' && end != '\0')
			continue;
		*p = '\0';
		if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (prepare)
			prepare(root, path);
		*p = end;
		if (end == '\0')
			return 0;
	}
}

#define MAKE_TRIES 100

/* mkdir -p below a directory. prepare, when given, runs on each directory that was there or made: whoever made one may have
 * been killed before it could. The directory of all groups is there as a rule, and may go with another container's last one at
 * any moment: then it is made again. */
static int make_group(int root, const char *group, void (*prepare)(int dirfd, const char *name), struct error *err)
{
	auto_free char *path = xstrdup(group);
	int r = -ENOENT;

	if (!prepare && mkdirat(root, path, 0755) == 0)
		return 0;
	for (int i = 0; i < MAKE_TRIES && (r == -ENOENT || r == -ENODEV); i++) {
		strcpy(path, group);
		r = make_path(root, path, prepare);
	}
	if (r == 0)
		return 0;
	fail(err, -r, "create the cgroup %s", path);
	return not_writable(err);
}

static bool lacks_value(int root, const char *file)
{
	auto_free char *value = NULL;
	size_t n;

	return read_file_at(root, file, 4096, &value, &n) == 0 && n <= 1;
}

/* A new v1 cpuset has no CPU and no memory node, and nothing can be moved into it; but below one with clone_children set it
 * has those of its parent, and to write them makes the kernel build the domains of its scheduler anew (cpusets.rst of the
 * kernel's documents). */
static void prepare_cpuset(int root, const char *path)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *own = xasprintf("%s/%s", path, files[i]);
		auto_free char *parent = xasprintf("%s/../%s", path, files[i]);
		auto_free char *value = NULL;

		if (lacks_value(root, own) && read_file_at(root, parent, 4096, &value, NULL) == 0)
			write_value_at(root, own, value);
	}
	if (!strchr(path, '/')) {	/* the directory of all groups */
		auto_free char *clone = xasprintf("%s/cgroup.clone_children", path);

		write_value_at(root, clone, "1");
	}
}

/* Let children have every controller there is; false: there is none, and so none further below. Each write takes the kernel's lock
 * on all cgroups: what is enabled is not written again, and the rest is in one go, unless some of it is refused. */
static bool enable_there(int root, const char *path)
{
	auto_free char *file = xasprintf("%s/cgroup.controllers", path);
	auto_free char *target = xasprintf("%s/cgroup.subtree_control", path);
	auto_free char *list = NULL, *text = NULL, *all = NULL;
	auto_strings struct strings there = STRINGS_EMPTY, enabled = STRINGS_EMPTY, wanted = STRINGS_EMPTY;

	if (read_file_at(root, file, 4096, &list, NULL) < 0)
		return true;
	strings_split(&there, list, " \n");
	if (!there.n)
		return false;
	if (read_file_at(root, target, 4096, &text, NULL) < 0)
		return true;
	strings_split(&enabled, text, " \n");
	for (size_t i = 0; i < there.n; i++)
		if (!strings_has(&enabled, there.items[i]))
			strings_add_take(&wanted, xasprintf("+%s", there.items[i]));
	all = strings_join(&wanted, " ");
	if (!wanted.n || write_value_at(root, target, all) == 0)
		return true;
	for (size_t i = 0; i < wanted.n; i++)
		write_value_at(root, target, wanted.items[i]);
	return true;
}

static void enable_controllers(int root, const char *path)
{
	enable_there(root, path);
}

/* The files of a delegated cgroup that its new owner must be able to write: the kernel's own list
 * (/sys/kernel/cgroup/delegate) without the limits of the directory itself. */
static const char *const delegated[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads",
					 "memory.oom.group", "memory.reclaim" };

int cgroup_delegate(int root, const char *path, uid_t owner, struct error *err)
{
	if (fchownat(root, path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "give the cgroup %s to user %u", path, owner);
	for (size_t i = 0; i < ARRAY_SIZE(delegated); i++) {
		auto_free char *file = xasprintf("%s/%s", path, delegated[i]);

		if (fchownat(root, file, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return fail(err, errno, "give %s to user %u", file, owner);
	}
	return 0;
}

static int create_in_unit(int root, const char *group, const char *payload, struct error *err)
{
	enable_controllers(root, group);
	if (mkdirat(root, payload, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "create the cgroup %s", payload);
	return 0;
}

/* The usual case, where the directory of all groups is there, and made as cpusets want it. */
static bool made_v1(const struct hierarchy *h, const char *name)
{
	auto_free char *path = xasprintf("%s/%s", h->path, name);
	auto_free char *cpus = xasprintf("%s/cpuset.cpus", path), *mems = xasprintf("%s/cpuset.mems", path);

	return mkdir(path, 0755) == 0 &&
	       (!cgroup_has_controller(h, "cpuset") || (!lacks_value(AT_FDCWD, cpus) && !lacks_value(AT_FDCWD, mems)));
}

static int make_group_v1(const struct hierarchy *h, const char *group, struct error *err)
{
	auto_free char *name = cgroup_name_v1(h, group);
	auto_close int dir = -1;

	if (made_v1(h, name))
		return 0;
	dir = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(err, errno, "open %s", h->path);
	if (make_group(dir, name, cgroup_has_controller(h, "cpuset") ? prepare_cpuset : NULL, err) < 0)
		return error_prefix(err, "%s", h->path);
	return 0;
}

/* How long tasks have to wait is counted for each level at every switch of tasks, which it makes one per cent longer (psi.rst,
 * cgroup.pressure in cgroup-v2.rst). Nobody asks those above and below the container's own, that has the same processes. Before
 * Linux 6.1 it cannot be turned off. */
void cgroup_count_no_pressure(int root, const char *group)
{
	auto_free char *file = xasprintf("%s/cgroup.pressure", group);

	write_value_at(root, file, "0");
}

static void count_no_pressure_above(int root, const char *group)
{
	auto_free char *all = xstrdup(group);

	all[strcspn(all, "/")] = '\0';
	cgroup_count_no_pressure(root, all);
	cgroup_count_no_pressure(root, group);
}

int cgroup_create(const char *group, uid_t owner, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	auto_free char *payload = xasprintf("%s/payload", group);

	if (!layout)
		return -err->code;
	if (cgroup_is_unit(group)) {	/* on a host with cgroup2 alone */
		if (create_in_unit(layout->root, group, payload, err) < 0)
			return -err->code;
		return owner ? cgroup_delegate(layout->root, payload, owner, err) : 0;
	}
	if (make_group(layout->root, group, enable_there(layout->root, ".") ? enable_controllers : NULL, err) < 0 ||
	    make_group(layout->root, payload, NULL, err) < 0)
		return -err->code;
	count_no_pressure_above(layout->root, group);
	if (owner && cgroup_delegate(layout->root, payload, owner, err) < 0)
		return -err->code;
	for (size_t i = 0; i < layout->n_v1; i++)
		if (make_group_v1(&layout->v1[i], group, err) < 0)
			return -err->code;
	return 0;
}

int cgroup_delegate_systemd(const char *group, uid_t owner, struct error *err)
{
	static const char *const files[] = { ".", "cgroup.procs", "tasks", "cgroup.clone_children", "notify_on_release" };
	const struct hierarchy *h;
	auto_close int root = -1, dir = -1;

	if (!cgroup_layout(err))
		return -err->code;
	if (!cgroup_find_v1(CGROUP_SYSTEMD) && cgroup_mount_systemd(err) < 0) {
		error_prefix(err, "make a hierarchy of cgroup v1 named systemd");
		return error_hint(err, "this kernel has none, or another container is the host: container.cgroup = v2");
	}
	h = cgroup_find_v1(CGROUP_SYSTEMD);
	root = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open %s", h->path);
	if (make_group(root, group, NULL, err) < 0)
		return error_prefix(err, "%s", h->path);
	dir = openat(root, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(err, errno, "open %s/%s", h->path, group);
	for (size_t i = 0; owner && i < ARRAY_SIZE(files); i++)
		if (fchownat(dir, files[i], owner, owner, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return fail(err, errno, "give %s/%s/%s to user %u", h->path, group, files[i], owner);
	return 0;
}

static int open_at(const char *path, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	int fd;

	if (!layout)
		return -err->code;
	fd = openat(layout->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open the cgroup %s", path);
	return fd;
}

int cgroup_open(const char *group, const char *leaf, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", group, leaf);

	return open_at(path, err);
}

int cgroup_bound(const char *group, unsigned int descendants, unsigned int depth, struct error *err)
{
	auto_close int dir = cgroup_open(group, cgroup_is_unit(group) ? "payload" : ".", err);
	char text[24];
	int r;

	if (dir < 0)
		return dir;
	snprintf(text, sizeof(text), "%u", descendants);
	r = write_value_at(dir, "cgroup.max.descendants", text);
	if (r == 0) {
		snprintf(text, sizeof(text), "%u", depth);
		r = write_value_at(dir, "cgroup.max.depth", text);
	}
	return r < 0 ? fail(err, -r, "bound the number of cgroups in %s", group) : 0;
}
