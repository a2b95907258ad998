/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/shift.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
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

static int walk(int dirfd, const char *name, dev_t device, const struct shift *shift, struct error *err);

static int visit(int dirfd, const char *name, dev_t device, const struct shift *shift, struct error *err)
{
	auto_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open \"%s\" to give it to other ids", name);
	if (st.st_dev != device)
		return 0;
	if (S_ISDIR(st.st_mode))
		r = walk(fd, name, device, shift, err);
	return r < 0 ? r : move_file(fd, name, &st, shift, err);
}

static int walk(int dirfd, const char *name, dev_t device, const struct shift *shift, struct error *err)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = interrupt_check(err);

	if (!dir) {
		r = fail(err, errno, "read the directory \"%s\"", name);
		close_fd(&fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = visit(fd, entry->d_name, device, shift, err);
	return r;
}

int shift_tree(int dirfd, const struct shift *shift, struct error *err)
{
	struct stat st;
	int r;

	if (fstat(dirfd, &st) < 0)
		return fail(err, errno, "look at the root file system");
	r = walk(dirfd, "/", st.st_dev, shift, err);
	return r < 0 ? r : move_file(dirfd, "/", &st, shift, err);
}
