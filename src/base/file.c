/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/interrupt.h"
#include "base/text.h"

int write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	auto_free char *data = NULL;
	char first[4096];	/* most files are smaller, and memory of that size is dear to allocate */
	size_t room = sizeof(first), len = 0;

	for (;;) {
		ssize_t n;

		if (len == room) {
			room *= 2;
			data = xrealloc(data, room + 1);
			if (room == 2 * sizeof(first))
				memcpy(data, first, len);
		}
		n = read(fd, (data ? data : first) + len, room - len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	if (!data)
		data = memcpy(xmalloc(len + 1), first, len);
	data[len] = '\0';
	*ret = take_ptr(&data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return read_fd(fd, max, ret, ret_len);
}

int read_value_at(int dirfd, const char *path, char *buf, size_t room)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == room)
		return -EFBIG;
	buf[n] = '\0';
	return (int)n;
}

int write_value_at(int dirfd, const char *path, const char *value)
{
	auto_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t n = strlen(value);
	ssize_t w;

	if (fd < 0)
		return -errno;
	do {	/* cgroup's memory limits end with a signal that waits, and have done nothing then */
		w = write(fd, value, n);
	} while (w < 0 && errno == EINTR);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

static int sync_dir_of(int dirfd, const char *path)
{
	auto_free char *copy = xstrdup(path);
	char *slash = strrchr(copy, '/');
	auto_close int fd = -1;

	if (slash && slash != copy)
		*slash = '\0';
	fd = openat(dirfd, slash ? (slash == copy ? "/" : copy) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

#define FRESH ".new-"	/* and the process id of who writes it */

int replace_file_by_at(int dirfd, const char *beside, const char *path, const void *data, size_t n, mode_t mode,
		       bool durable, struct error *err)
{
	auto_free char *temporary = xasprintf("%s" FRESH "%d", beside, (int)getpid());
	auto_close int fd = -1;
	int r;

	/* Whatever lies there, a leftover or in a container a trap, goes: the file is a new one, and ours. */
	unlinkat(dirfd, temporary, 0);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(err, errno, "create %s", temporary);
	r = write_all(fd, data, n);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temporary, 0);
		return fail(err, -r, "write %s", path);
	}
	if (durable) {
		r = sync_dir_of(dirfd, path);
		if (r < 0)
			return fail(err, -r, "sync the directory of %s", path);
	}
	return 0;
}

int replace_file_at(int dirfd, const char *path, const void *data, size_t n, mode_t mode, bool durable,
		    struct error *err)
{
	return replace_file_by_at(dirfd, path, path, data, n, mode, durable, err);
}

/* A zombie writes no more, and may wait long for its parent (proc_pid_stat(5), field 3). */
static bool has_ended(long pid)
{
	auto_free char *path = xasprintf("/proc/%ld/stat", pid), *stat = NULL;
	const char *state;
	int r = read_file_at(AT_FDCWD, path, 65536, &stat, NULL);

	if (r < 0)
		return (r == -ENOENT || r == -ESRCH) && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
	state = strrchr(stat, ')');
	return state && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X');
}

/* Whose number is another process's by now is taken for alive: then it stays until the next time. */
static bool is_abandoned(const char *name, const char *const *names)
{
	const char *fresh = strstr(name, FRESH);
	char *end;
	long pid;

	for (const char *next = fresh; next; next = strstr(next + 1, FRESH))
		fresh = next;
	if (!fresh || fresh == name)
		return false;
	while (names && *names && (strlen(*names) != (size_t)(fresh - name) || !text_starts(name, *names)))
		names++;
	if (names && !*names)
		return false;
	fresh += strlen(FRESH);
	errno = 0;
	pid = strtol(fresh, &end, 10);
	return *fresh >= '1' && *fresh <= '9' && !*end && errno == 0 && pid <= INT_MAX && has_ended(pid);
}

unsigned int remove_abandoned_at(int dirfd, const char *path, const char *const *names)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned int removed = 0;
	struct dirent *entry;

	if (!dir) {
		close_fd(&fd);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (is_abandoned(entry->d_name, names) && unlinkat(fd, entry->d_name, 0) == 0)
			removed++;
	return removed;
}

int make_dirs(const char *path, mode_t mode)
{
	auto_free char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int open_how(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
		.resolve = resolve,
	};
	int fd;

	do {
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : fd;
}

/* A tree deeper than this is cut: a payload can nest directories without end, descriptors have one. */
#define REMOVE_DEPTH 100
#define REMOVE_TRIES 10

struct removal {
	int top;		/* the directory that is being removed */
	unsigned int moved;	/* names given to what was cut off */
};

static int remove_below(struct removal *removal, int dirfd, const char *name, unsigned int depth,
			struct error *err);

static int remove_entries(struct removal *removal, int fd, unsigned int depth, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	auto_closedir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return fail(err, errno, "read a directory to remove it");
	rewinddir(dir);		/* the position is shared with the copies made before */
	while ((entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_below(removal, fd, entry->d_name, depth, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int remove_below(struct removal *removal, int dirfd, const char *name, unsigned int depth,
			struct error *err)
{
	auto_close int fd = -1;
	int code, r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	code = errno;
	if (code != EISDIR && code != EPERM)
		return fail(err, code, "remove %s", name);
	if (depth >= REMOVE_DEPTH) {
		char cut[32];

		snprintf(cut, sizeof(cut), ".cut-%d-%u", (int)getpid(), removal->moved++);
		return renameat(dirfd, name, removal->top, cut) < 0 ? fail(err, errno, "remove %s", name) : 0;
	}
	/* What somebody mounted there is not ours to remove. */
	fd = open_how(dirfd, name, O_RDONLY | O_DIRECTORY, 0,
		      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd == -ENOENT)
		return 0;
	if (fd == -EXDEV)
		return fail(err, EBUSY, "remove %s: something is mounted there", name);
	if (fd < 0)
		return fail(err, fd == -ENOTDIR ? code : -fd, "remove %s", name);
	r = remove_entries(removal, fd, depth + 1, err);
	if (r < 0)
		return error_prefix(err, "%s", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return fail(err, errno, "remove %s", name);
	return 0;
}

int remove_file_at(int dirfd, const char *path, struct error *err)
{
	return unlinkat(dirfd, path, 0) < 0 && errno != ENOENT ? fail(err, errno, "remove %s", path) : 0;
}

int remove_tree_at(int dirfd, const char *name, struct error *err)
{
	auto_close int top = -1;
	struct removal removal;
	unsigned int before;
	int r, tries = 0;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail(err, errno, "remove %s", name);
	top = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open %s to remove it", name);
	removal = (struct removal){ .top = top };
	do {
		/* Again while what was cut off lies there. */
		do {
			before = removal.moved;
			if (remove_entries(&removal, top, 1, err) < 0)
				return error_prefix(err, "%s", name);
		} while (removal.moved != before);
		r = unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? errno : 0;
		/* Somebody else may be removing, or have been writing; not for ever. */
	} while ((r == ENOTEMPTY || r == EEXIST) && ++tries < REMOVE_TRIES);
	return r ? fail(err, r, "remove %s", name) : 0;
}

int open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	return open_how(root_fd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	return open_how(dirfd, path, flags, mode,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int put_file_beneath(int dirfd, const char *path, const char *text, struct error *err)
{
	auto_close int fd = open_beneath(dirfd, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	int r;

	if (fd < 0)
		return fail(err, -fd, "create /%s", path);
	r = write_all(fd, text, strlen(text));
	return r < 0 ? fail(err, -r, "write /%s", path) : 0;
}

bool owned_alone(const struct stat *st, uid_t owner)
{
	return st->st_uid == owner && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

const char *fd_path(int fd, char *buf, size_t room)
{
	snprintf(buf, room, "/proc/self/fd/%d", fd);
	return buf;
}

int lock_file_at(int dirfd, const char *path, bool exclusive, int wait_ms)
{
	auto_close int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint64_t end = now_usec() + (uint64_t)wait_ms * 1000;
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	int mark = interrupt_mark();

	if (fd < 0)
		return -errno;
	for (;;) {
		struct timespec pause = { .tv_nsec = 5000000 };

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return take_fd(&fd);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (now_usec() >= end)
			return -EAGAIN;
		if (interrupt_since(mark))
			return -EINTR;
		nanosleep(&pause, NULL);
	}
}

uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
