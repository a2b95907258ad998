/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

int guest_dir(int root, const char *path)
{
	int fd = open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd != -ENOENT || strchr(path, '/'))
		return fd;
	if (mkdirat(root, path, 0755) < 0)
		return -errno;
	return open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0);
}

int guest_make_dirs(int root, const char *path)
{
	auto_close int above = open_in_root(root, "/", O_RDONLY | O_DIRECTORY, 0);

	for (const char *end = path; above >= 0 && *end; ) {
		auto_free char *so_far = NULL, *name = NULL;
		const char *begin = end + strspn(end, "/");
		int fd;

		end = begin + strcspn(begin, "/");
		if (end == begin)
			break;
		name = xstrndup(begin, (size_t)(end - begin));
		so_far = xstrndup(path, (size_t)(end - path));
		if (mkdirat(above, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = open_in_root(root, so_far, O_RDONLY | O_DIRECTORY, 0);
		close_fd(&above);
		above = fd;
	}
	return above < 0 ? above : 0;
}

static int make_way(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* owner NULL: root. */
static int put(int root, const char *dir_path, const char *name, mode_t mode, const struct stat *owner,
	       const char *text, struct error *err)
{
	auto_close int dir = guest_dir(root, dir_path), fd = -1;
	int r = dir < 0 ? dir : make_way(dir, name);

	if (r >= 0) {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		r = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	}
	if (r >= 0 && owner && fchown(fd, owner->st_uid, owner->st_gid) < 0)
		r = -errno;
	if (r >= 0 && fchmod(fd, mode) < 0)
		r = -errno;
	return r < 0 ? fail(err, -r, "write /%s/%s in the rootfs", dir_path, name) : 0;
}

int guest_put_file(int root, const char *dir, const char *name, mode_t mode, const char *text, struct error *err)
{
	return put(root, dir, name, mode, NULL, text, err);
}

int guest_rewrite(int root, const char *dir, const char *name, const char *text, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);
	auto_close int fd = open_in_root(root, path, O_PATH, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, fd < 0 ? -fd : errno, "look at /%s in the rootfs", path);
	return put(root, dir, name, st.st_mode & 07777, &st, text, err);
}

int guest_put_link(int root, const char *dir_path, const char *name, const char *target, struct error *err)
{
	auto_close int dir = guest_dir(root, dir_path);
	int r = dir < 0 ? dir : make_way(dir, name);

	if (r >= 0 && symlinkat(target, dir, name) < 0)
		r = -errno;
	return r < 0 ? fail(err, -r, "make the link /%s/%s in the rootfs", dir_path, name) : 0;
}

int guest_drop(int root, const char *dir_path, const char *name, struct error *err)
{
	auto_close int dir = open_in_root(root, dir_path, O_RDONLY | O_DIRECTORY, 0);
	int r = dir == -ENOENT || dir == -ENOTDIR ? 0 : dir < 0 ? dir : make_way(dir, name);

	return r < 0 ? fail(err, -r, "remove /%s/%s in the rootfs", dir_path, name) : 0;
}

int guest_read(int root, const char *path, char **ret)
{
	auto_close int fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	auto_free char *text = NULL;
	struct stat st;
	size_t n;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = read_fd(fd, GUEST_BYTES, &text, &n);
	if (r < 0)
		return r;
	if (strlen(text) != n)
		return -EINVAL;
	*ret = take_ptr(&text);
	return 0;
}

bool guest_exists(int root, const char *path)
{
	auto_close int fd = open_in_root(root, path, O_PATH, 0);

	return fd >= 0;
}

bool guest_can_run(int root, const char *path)
{
	auto_close int fd = open_in_root(root, path, O_PATH, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static bool is_tmp(const char *path)
{
	path += strspn(path, "/");
	return text_starts(path, "tmp") && !path[3 + strspn(path + 3, "/")];
}

/* One that cannot be read may say anything. */
static bool fstab_has_tmp(int root)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	auto_free char *text = NULL;
	int r = guest_read(root, "etc/fstab", &text);

	if (r < 0)
		return r != -ENOENT;
	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, lines.items[i], " \t");
		if (words.n > 1 && words.items[0][0] != '#' && is_tmp(words.items[1]))
			return true;
	}
	return false;
}

/* A link counts wherever it leads: to /dev/null it masks the unit. */
static bool has_entry(int root, const char *dir_path, const char *name)
{
	auto_close int dir = open_in_root(root, dir_path, O_PATH | O_DIRECTORY, 0);
	struct stat st;

	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool guest_has_own_tmp(int root)
{
	return has_entry(root, "etc/systemd/system", "tmp.mount") ||
	       has_entry(root, "usr/local/lib/systemd/system", "tmp.mount") || fstab_has_tmp(root);
}
