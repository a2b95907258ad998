/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* What the kernel wrote to the context: "e ext4: ..." lines. */
static void kernel_words(int fs, char *buf, size_t room)
{
	ssize_t n = read(fs, buf, room - 1);

	if (n <= 2) {
		buf[0] = '\0';
		return;
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	memmove(buf, buf + 2, strlen(buf + 2) + 1);
}

static int mount_failed(int fs, const char *type, const char *source, int code, struct error *err)
{
	char words[200];

	kernel_words(fs, words, sizeof(words));
	return fail(err, code, "mount %s%s%s%s%s%s", type, source ? " from " : "", source ? source : "",
		    words[0] ? " (" : "", words, words[0] ? ")" : "");
}

int mount_new(const char *type, const char *source, const char *const *options, unsigned int attributes,
	      struct error *err)
{
	auto_close int fs = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return fail(err, errno, "open the file system type %s", type);
	if (source && fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return mount_failed(fs, type, source, errno, err);
	for (size_t i = 0; options && options[i]; i++) {
		auto_free char *key = xstrdup(options[i]);
		char *value = strchr(key, '=');
		int r;

		if (value) {
			*value++ = '\0';
			r = fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
		} else {
			r = fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
		}
		if (r < 0)
			return mount_failed(fs, type, source, errno, err);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mount_failed(fs, type, source, errno, err);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (fd < 0)
		return mount_failed(fs, type, source, errno, err);
	return fd;
}

int mount_ext4(const char *device, bool readonly, bool discard, struct error *err)
{
	/* noinit_itable: the kernel's lazy zeroing of inode tables would fill a sparse image for nothing, its
	 * holes are zeros already */
	const char *options[5] = { "errors=remount-ro", "noinit_itable" };
	size_t n = 2;

	if (readonly)
		options[n++] = "ro";
	if (discard && !readonly)
		options[n++] = "discard";
	return mount_new("ext4", device, options,
			 MOUNT_ATTR_NODEV | (readonly ? MOUNT_ATTR_RDONLY : 0), err);
}

static int set_attr(int fd, unsigned int flags, struct mount_attr *attr)
{
	return mount_setattr(fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr));
}

int mount_idmap(int mount_fd, int userns_fd, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64)userns_fd };

	if (set_attr(mount_fd, 0, &attr) < 0)
		return fail(err, errno, "map the ids of the mount");
	return 0;
}

int mount_set(int mount_fd, unsigned int attributes, bool recursive, struct error *err)
{
	struct mount_attr attr = { .attr_set = attributes };

	if (set_attr(mount_fd, recursive ? AT_RECURSIVE : 0, &attr) < 0)
		return fail(err, errno, "set mount attributes");
	return 0;
}

int mount_clone(int dirfd, const char *path, bool recursive, struct error *err)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	auto_close int fd = open_tree(dirfd, path,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
					      (recursive ? AT_RECURSIVE : 0U));

	if (fd < 0)
		return fail(err, errno, "copy the mount \"%s\"", path);
	/* a copy of a shared mount is a peer of it: what is mounted on one shows up on the other */
	if (set_attr(fd, AT_RECURSIVE, &private) < 0)
		return fail(err, errno, "make the copy of the mount \"%s\" private", path);
	return take_fd(&fd);
}

int mount_attach(int mount_fd, int target_fd, struct error *err)
{
	if (move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail(err, errno, "attach the mount");
	return 0;
}

int mount_target(int root_fd, const char *path, unsigned int mode, struct error *err)
{
	int fd = open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);

	if (fd == -ENOENT) {
		const char *slash = strrchr(path, '/');
		auto_free char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
		auto_close int parent_fd = open_beneath(root_fd, parent, O_PATH | O_DIRECTORY, 0);

		if (parent_fd >= 0 && mkdirat(parent_fd, slash ? slash + 1 : path, mode) == 0)
			fd = open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
		else if (parent_fd >= 0)
			fd = -errno;	/* a read-only file system, a full one */
	}
	if (fd < 0) {
		fail(err, -fd, "open the mount target \"/%s\" in the rootfs", path);
		if (fd == -ELOOP || fd == -ENOTDIR)
			error_hint(err, "it must be a directory, not a link or a file");
	}
	return fd;
}

int mount_private(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, errno, "make all mounts private");
	return 0;
}

int mount_pivot(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0)
		return fail(err, errno, "change to the rootfs");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail(err, errno, "switch to the rootfs");
	return 0;
}

int mount_drop_old_root(struct error *err)
{
	if (umount2(".", MNT_DETACH) < 0)
		return fail(err, errno, "unmount the old root");
	if (chdir("/") < 0)
		return fail(err, errno, "change to /");
	return 0;
}
