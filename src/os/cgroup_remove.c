/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups are removed, with what the container has made below them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

/* rmdir(2); what is not there is removed, which a read-only file system does not say: EROFS comes before the name is looked for. */
static int remove_dir(int parent, const char *name)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == EROFS)
		return faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT ? 0 : -EROFS;
	return -errno;
}

static bool is_busy(int r)
{
	return r == -EBUSY || r == -ENOTEMPTY;
}

static int open_group(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Remove what is directly below, up to the first that does not go, and open that one. -ENOENT: nothing is left. emptied: the inode
 * of one that has nothing below it, so processes hold it if it does not go now; 0: none. */
static int open_next_below(int group, ino_t emptied, uint64_t end)
{
	int list = open_group(group, "."), next = -ENOENT;
	auto_closedir DIR *dir = list < 0 ? NULL : fdopendir(list);
	struct dirent *entry;

	if (list < 0)
		return list;
	if (!dir) {
		close(list);
		return -ENOMEM;
	}
	while (next == -ENOENT && (entry = readdir(dir))) {
		int r;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '\0' || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_dir(group, entry->d_name);
		if (r < 0 && (!is_busy(r) || entry->d_ino == emptied))
			return r;
		if (now_usec() >= end)	/* somebody may be making them as fast as they go */
			return -EBUSY;
		if (r < 0)
			next = open_group(group, entry->d_name);
	}
	return next;
}

/* The parent of a group is always the same one: cgroup v1 renames in place alone, v2 not at all (cgroup1_rename() of
 * kernel/cgroup/cgroup-v1.c). */
static int open_above(int group, ino_t *ret_emptied)
{
	struct stat st;

	if (fstat(group, &st) < 0)
		return -errno;
	*ret_emptied = st.st_ino;
	return open_group(group, "..");
}

/* rmdir a cgroup and all below it, depth first, until `end`. A hierarchy of v1 has no bound for its depth, so one level alone is
 * open at a time, and no path is longer than a name. Returns 0, -EBUSY (processes are left) or another. */
static int remove_group(int parent, const char *name, uint64_t end)
{
	auto_close int group = -1;
	ino_t emptied = 0;
	int r = remove_dir(parent, name);

	if (!is_busy(r))
		return r;
	group = open_group(parent, name);
	if (group < 0)
		return group == -ENOENT ? 0 : group;
	for (size_t depth = 1; depth > 0;) {
		int next = open_next_below(group, emptied, end);

		emptied = 0;
		depth = next == -ENOENT ? depth - 1 : depth + 1;
		if (depth == 0)
			break;
		if (next == -ENOENT)
			next = open_above(group, &emptied);
		if (next < 0)
			return is_busy(next) || next == -ENOENT ? -EBUSY : next;	/* or all of it went meanwhile */
		close(group);
		group = next;
	}
	return remove_dir(parent, name);
}

static int remove_patiently(int root, const char *group, uint64_t end)
{
	long pause_usec = 200;

	for (;;) {
		struct timespec pause = { .tv_nsec = pause_usec * 1000 };
		int r = remove_group(root, group, end);

		if (r != -EBUSY || now_usec() >= end)
			return r;
		nanosleep(&pause, NULL);
		if (pause_usec < 10000)
			pause_usec *= 2;
	}
}

static void remove_parent(int root, const char *group)
{
	auto_free char *parent = xstrndup(group, strcspn(group, "/"));

	if (strcmp(parent, group) != 0)
		unlinkat(root, parent, AT_REMOVEDIR);
}

/* One that is in use stays, and is no error. */
static int remove_if_empty(int root, const char *path, const char *dir, struct error *err)
{
	int r = remove_dir(root, dir);

	return r == 0 || r == -EBUSY || r == -ENOTEMPTY ? 0 : fail(err, -r, "remove the cgroup %s%s%s", path, *path ? "/" : "", dir);
}

int cgroup_remove_empty(const char *dir, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	struct error first = ERROR_NONE;

	if (!layout)
		return -err->code;
	remove_if_empty(layout->root, layout->path ? layout->path : "", dir, &first);
	for (size_t i = 0; i < layout->n_v1; i++) {
		auto_close int root = open(layout->v1[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct error one = ERROR_NONE;

		if (root < 0 && errno != ENOENT)
			fail(&one, errno, "open %s", layout->v1[i].path);
		else if (root >= 0)
			remove_if_empty(root, layout->v1[i].path, dir, &one);
		if (!first.code)
			first = one;
	}
	if (!first.code)
		return 0;
	*err = first;
	return -err->code;
}

int cgroup_remove_payload(const char *group, int timeout_ms, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	auto_free char *path = xasprintf("%s/payload", group);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	int r;

	if (!layout)
		return -err->code;
	r = remove_patiently(layout->root, path, end);
	if (r == 0 && cgroup_find_v1(CGROUP_SYSTEMD)) {
		auto_close int dir = open(cgroup_find_v1(CGROUP_SYSTEMD)->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = dir < 0 ? -errno : remove_patiently(dir, group, end);
	}
	return r < 0 ? fail(err, -r, "remove the cgroup %s", path) : 0;
}

int cgroup_remove(const char *group, int timeout_ms, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	auto_free char *payload = xasprintf("%s/payload", group);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	int r;

	if (!layout)
		return -err->code;
	r = remove_patiently(layout->root, cgroup_is_unit(group) ? payload : group, end);
	if (r < 0)
		return fail(err, -r, "remove the cgroup %s", group);
	for (size_t i = 0; i < layout->n_v1; i++) {
		auto_close int dir = open(layout->v1[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		auto_free char *name = cgroup_name_v1(&layout->v1[i], group);

		if (dir < 0 && errno == ENOENT)	/* unmounted meanwhile */
			continue;
		if (dir < 0)
			return fail(err, errno, "open %s", layout->v1[i].path);
		r = remove_patiently(dir, name, end);
		if (r < 0)
			return fail(err, -r, "remove the cgroup %s/%s", layout->v1[i].path, name);
		if (cgroup_is_own_mount(&layout->v1[i]))
			remove_parent(dir, group);
	}
	return 0;
}
