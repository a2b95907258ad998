/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/shift.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"

#define CAPABILITY "security.capability"
#define ACL_BYTES 65536		/* the kernel's limit of one attribute */

static bool within(uint32_t id, uint32_t first, uint32_t count)
{
	return id >= first && id - first < count;
}

uint32_t shift_id(const struct shift *shift, uint32_t id)
{
	if (within(id, shift->to, shift->count))
		return id;
	if (within(id, shift->from, shift->count))
		return id - shift->from + shift->to;
	return shift->to + (shift->count > SHIFT_NOBODY ? SHIFT_NOBODY : shift->count - 1);
}

/* --- attributes; at: /proc/self/fd/N, which works for descriptors that only name a file --- */

/* The kernel checks the name of the range's root: as root of that range, and of none above it. */
static int put_capability(const char *at, const struct vfs_ns_cap_data *old, size_t n, const struct shift *shift)
{
	struct vfs_ns_cap_data new = *old;
	bool has_root = n == XATTR_CAPS_SZ_3;
	uint32_t owner = shift_id(shift, has_root ? le32toh(old->rootid) : shift->from);
	uint32_t flags = le32toh(old->magic_etc) & VFS_CAP_FLAGS_MASK;

	if (!has_root && n != XATTR_CAPS_SZ_2)
		return 0;	/* a form that no kernel of ours writes */
	new.rootid = htole32(owner);
	new.magic_etc = htole32(flags | (owner ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2));
	return setxattr(at, CAPABILITY, &new, owner ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2, 0) < 0 ? -errno : 0;
}

static bool shift_acl(char *data, size_t n, const struct shift *shift)
{
	struct posix_acl_xattr_header header;
	bool changed = false;

	if (n < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return false;
	for (size_t at = sizeof(header); at + sizeof(struct posix_acl_xattr_entry) <= n;
	     at += sizeof(struct posix_acl_xattr_entry)) {
		struct posix_acl_xattr_entry entry;
		uint32_t id;

		memcpy(&entry, data + at, sizeof(entry));
		if (le16toh(entry.e_tag) != ACL_USER && le16toh(entry.e_tag) != ACL_GROUP)
			continue;
		id = shift_id(shift, le32toh(entry.e_id));
		changed = changed || id != le32toh(entry.e_id);
		entry.e_id = htole32(id);
		memcpy(data + at, &entry, sizeof(entry));
	}
	return changed;
}

static int move_acl(const char *at, const char *name, const struct shift *shift)
{
	auto_free char *data = NULL;
	ssize_t n = getxattr(at, name, NULL, 0);

	if (n <= 0 || n > ACL_BYTES)
		return n < 0 && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
	data = xmalloc((size_t)n);
	n = getxattr(at, name, data, (size_t)n);
	if (n < 0)
		return -errno;
	if (!shift_acl(data, (size_t)n, shift))
		return 0;
	return setxattr(at, name, data, (size_t)n, 0) < 0 ? -errno : 0;
}

/* --- one file --- */

/* A change of the owner takes setuid bits and capabilities away. */
static int move_owner(int fd, const char *at, const struct stat *st, const struct shift *shift)
{
	uint32_t uid = shift_id(shift, st->st_uid), gid = shift_id(shift, st->st_gid);
	struct vfs_ns_cap_data capability;
	ssize_t n = -1;
	int r = 0;

	if (uid == st->st_uid && gid == st->st_gid)
		return 0;
	if (S_ISREG(st->st_mode)) {
		n = getxattr(at, CAPABILITY, &capability, sizeof(capability));
		if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	}
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && st->st_mode & (S_ISUID | S_ISGID) && chmod(at, st->st_mode & 07777) < 0)
		return -errno;
	if (n > 0)
		r = put_capability(at, &capability, (size_t)n, shift);
	return r;
}

static int move_file(int fd, const char *name, const struct stat *st, const struct shift *shift, struct error *err)
{
	char at[32];
	int r = move_owner(fd, fd_path(fd, at, sizeof(at)), st, shift);

	if (r == 0 && !S_ISLNK(st->st_mode))
		r = move_acl(at, "system.posix_acl_access", shift);
	if (r == 0 && S_ISDIR(st->st_mode))
		r = move_acl(at, "system.posix_acl_default", shift);
	return r < 0 ? fail(err, -r, "give \"%s\" to other ids", name) : 0;
}

/* --- the tree --- */

/* A directory above the one that is open, or that one. Trees may be deeper than there are descriptors, or than the stack has room
 * for: so of each level only what is left to do is kept, and the way back is "..". */
struct level {
	char *name;
	struct stat st;
	struct strings dirs;	/* below it, not visited yet */
};

struct walk {
	const struct shift *shift;
	int fd;			/* the directory of the last level, O_PATH */
	struct level *levels;
	size_t n;
};

static void pop(struct walk *walk)
{
	struct level *level = &walk->levels[--walk->n];

	free(level->name);
	strings_clear(&level->dirs);
}

static void walk_done(struct walk *walk)
{
	while (walk->n)
		pop(walk);
	free(walk->levels);
	close_fd(&walk->fd);
}

static int visit(const struct walk *walk, struct level *level, const char *name, struct error *err)
{
	auto_close int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open \"%s\" to give it to other ids", name);
	if (st.st_dev != level->st.st_dev)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return move_file(fd, name, &st, walk->shift, err);
	strings_add(&level->dirs, name);
	return 0;
}

static int visit_all(const struct walk *walk, struct level *level, struct error *err)
{
	int fd = openat(walk->fd, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = interrupt_check(err);

	if (!dir) {
		r = fail(err, errno, "read the directory \"%s\"", level->name);
		close_fd(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = visit(walk, level, entry->d_name, err);
	return r == 0 && errno ? fail(err, errno, "read the directory \"%s\"", level->name) : r;
}

static int descend(struct walk *walk, int dirfd, const char *at, const char *name, struct error *err)
{
	auto_close int fd = openat(dirfd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct level *level;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open \"%s\" to give it to other ids", name);
	if (walk->n && st.st_dev != walk->levels[0].st.st_dev)
		return 0;
	walk->levels = xrealloc(walk->levels, (walk->n + 1) * sizeof(*walk->levels));
	level = &walk->levels[walk->n++];
	*level = (struct level){ .name = xstrdup(name), .st = st, .dirs = STRINGS_EMPTY };
	close_fd(&walk->fd);
	walk->fd = take_fd(&fd);
	return visit_all(walk, level, err);
}

/* All below has moved, now the directory itself. The way back is looked for first, as long as it is as it was, and must lead to where
 * we came from: who moves the tree meanwhile leads us nowhere else. */
static int ascend(struct walk *walk, struct error *err)
{
	const struct level *level = &walk->levels[walk->n - 1];
	auto_close int parent = -1;

	if (walk->n > 1) {
		const struct stat *above = &walk->levels[walk->n - 2].st;
		struct stat st;

		parent = openat(walk->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0 || fstat(parent, &st) < 0)
			return fail(err, errno, "go back from \"%s\"", level->name);
		if (st.st_dev != above->st_dev || st.st_ino != above->st_ino)
			return fail(err, 0, "go back from \"%s\": somebody has moved it meanwhile", level->name);
	}
	if (move_file(walk->fd, level->name, &level->st, walk->shift, err) < 0)
		return -err->code;
	pop(walk);
	close_fd(&walk->fd);
	walk->fd = take_fd(&parent);
	return 0;
}

int shift_tree(int dirfd, const struct shift *shift, struct error *err)
{
	struct walk walk __attribute__((cleanup(walk_done))) = { .shift = shift, .fd = -1 };
	int r = descend(&walk, dirfd, ".", "/", err);

	while (r == 0 && walk.n) {
		struct strings *dirs = &walk.levels[walk.n - 1].dirs;
		auto_free char *next = dirs->n ? dirs->items[--dirs->n] : NULL;

		r = next ? descend(&walk, walk.fd, next, next, err) : ascend(&walk, err);
	}
	return r;
}
