/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inject.h"

enum look {
	PLAIN,		/* counts always */
	PATH,		/* the path is argument `at` */
	OPEN,		/* ... and its flags the one after it */
	OPEN_HOW,	/* ... and a struct open_how */
	FILE_FD,	/* argument 0 is a descriptor: counts when it is one of a file */
	LOCK,		/* fcntl: locks and copies of descriptors */
	CONTROL,	/* ioctl, but those of terminals */
	MEMORY,		/* mmap: of nobody's file */
	SETS,		/* argument `at` is what is set; nothing: it is only asked */
};

struct row {
	long nr;
	const char *name;
	enum kind kind;
	enum look look;
	int at;
	int errors[2];	/* likely ones, by turns */
};

#define ROW(call, kind, look, at, ...) { SYS_##call, #call, KIND_##kind, look, at, { __VA_ARGS__ } }

static const struct row rows[] = {
	/* mounts */
	ROW(mount, CHANGE, PATH, 1, ENOMEM, ENOSPC), ROW(umount2, CHANGE, PATH, 0, EBUSY),
	ROW(move_mount, CHANGE, PATH, 3, ENOSPC, ENOMEM), ROW(open_tree, CHANGE, PATH, 1, ENOMEM, EMFILE),
	ROW(fsopen, CHANGE, PATH, 0, EMFILE, ENOMEM), ROW(fsconfig, CHANGE, PLAIN, 0, ENOMEM, EIO),
	ROW(fsmount, CHANGE, PLAIN, 0, ENOMEM, EMFILE), ROW(mount_setattr, CHANGE, PATH, 1, ENOMEM, EPERM),
	ROW(pivot_root, CHANGE, PATH, 0, EBUSY), ROW(chroot, CHANGE, PATH, 0, ENOMEM),
	/* names */
	ROW(mkdirat, CHANGE, PATH, 1, ENOSPC, EIO), ROW(unlinkat, CHANGE, PATH, 1, EIO, EROFS),
	ROW(renameat, CHANGE, PATH, 3, ENOSPC, EIO), ROW(renameat2, CHANGE, PATH, 3, ENOSPC, EIO),
	ROW(linkat, CHANGE, PATH, 3, ENOSPC), ROW(symlinkat, CHANGE, PATH, 2, ENOSPC),
	ROW(mknodat, CHANGE, PATH, 1, ENOSPC, EPERM),
#ifdef SYS_mkdir
	ROW(mkdir, CHANGE, PATH, 0, ENOSPC, EIO), ROW(rmdir, CHANGE, PATH, 0, EBUSY, EIO),
	ROW(unlink, CHANGE, PATH, 0, EIO, EROFS), ROW(rename, CHANGE, PATH, 1, ENOSPC, EIO),
	ROW(link, CHANGE, PATH, 1, ENOSPC), ROW(symlink, CHANGE, PATH, 1, ENOSPC),
	ROW(mknod, CHANGE, PATH, 0, ENOSPC), ROW(creat, CHANGE, PATH, 0, ENOSPC),
	ROW(chown, CHANGE, PATH, 0, EIO), ROW(lchown, CHANGE, PATH, 0, EIO), ROW(chmod, CHANGE, PATH, 0, EIO),
	ROW(open, CHANGE, OPEN, 0, ENOSPC, EMFILE),
	ROW(fork, CHANGE, PLAIN, 0, EAGAIN, ENOMEM), ROW(vfork, CHANGE, PLAIN, 0, EAGAIN, ENOMEM),
#endif
	ROW(openat, CHANGE, OPEN, 1, ENOSPC, EMFILE), ROW(openat2, CHANGE, OPEN_HOW, 1, ENOSPC, EMFILE),
	ROW(fchown, CHANGE, PLAIN, 0, EIO), ROW(fchownat, CHANGE, PATH, 1, EIO), ROW(fchmod, CHANGE, PLAIN, 0, EIO),
	ROW(fchmodat, CHANGE, PATH, 1, EIO), ROW(utimensat, CHANGE, PATH, 1, EIO),
	ROW(setxattr, CHANGE, PATH, 0, ENOSPC), ROW(fsetxattr, CHANGE, PLAIN, 0, ENOSPC),
	/* data */
	ROW(write, CHANGE, FILE_FD, 0, ENOSPC, EIO), ROW(pwrite64, CHANGE, FILE_FD, 0, ENOSPC, EIO),
	ROW(writev, CHANGE, FILE_FD, 0, ENOSPC, EIO), ROW(pwritev, CHANGE, FILE_FD, 0, ENOSPC, EIO),
	ROW(truncate, CHANGE, PATH, 0, ENOSPC), ROW(ftruncate, CHANGE, PLAIN, 0, ENOSPC, EFBIG),
	ROW(fallocate, CHANGE, PLAIN, 0, ENOSPC), ROW(fsync, CHANGE, PLAIN, 0, EIO, ENOSPC),
	ROW(fdatasync, CHANGE, PLAIN, 0, EIO, ENOSPC), ROW(syncfs, CHANGE, PLAIN, 0, EIO),
	ROW(copy_file_range, CHANGE, PLAIN, 0, ENOSPC, EIO), ROW(sendfile, CHANGE, PLAIN, 0, EIO),
	ROW(splice, CHANGE, PLAIN, 0, EIO),
	/* to others */
	ROW(sendto, CHANGE, PLAIN, 0, ENOBUFS, ENOMEM), ROW(sendmsg, CHANGE, PLAIN, 0, ENOBUFS, ENOMEM),
	ROW(bind, CHANGE, PLAIN, 0, EADDRINUSE, ENOSPC), ROW(listen, CHANGE, PLAIN, 0, ENOMEM),
	ROW(connect, CHANGE, PLAIN, 0, ECONNREFUSED), ROW(ioctl, CHANGE, CONTROL, 0, EBUSY, ENOMEM),
	ROW(fcntl, CHANGE, LOCK, 0, ENOLCK, EMFILE), ROW(flock, CHANGE, PLAIN, 0, ENOLCK),
	/* processes */
	ROW(clone, CHANGE, PLAIN, 0, EAGAIN, ENOMEM), ROW(clone3, CHANGE, PLAIN, 0, EAGAIN, ENOMEM),
	ROW(execve, CHANGE, PATH, 0, ENOMEM, EMFILE), ROW(execveat, CHANGE, PATH, 1, ENOMEM, EMFILE),
	ROW(setns, CHANGE, PLAIN, 0, ENOMEM, EPERM), ROW(unshare, CHANGE, PLAIN, 0, ENOSPC, ENOMEM),
	ROW(kill, CHANGE, PLAIN, 0, EPERM), ROW(pidfd_send_signal, CHANGE, PLAIN, 0, EPERM),
	ROW(setuid, CHANGE, PLAIN, 0, EAGAIN), ROW(setgid, CHANGE, PLAIN, 0, EPERM),
	ROW(setgroups, CHANGE, PLAIN, 0, ENOMEM), ROW(setresuid, CHANGE, PLAIN, 0, EAGAIN),
	ROW(setresgid, CHANGE, PLAIN, 0, EPERM), ROW(capset, CHANGE, PLAIN, 0, EPERM),
	ROW(seccomp, CHANGE, PLAIN, 0, ENOMEM), ROW(bpf, CHANGE, PLAIN, 0, EPERM, ENOMEM),
	ROW(sethostname, CHANGE, PLAIN, 0, EPERM), ROW(prlimit64, CHANGE, SETS, 2, EPERM),
	/* descriptors and memory */
	ROW(socket, TAKE, PLAIN, 0, EMFILE, ENFILE), ROW(socketpair, TAKE, PLAIN, 0, EMFILE, ENFILE),
	ROW(pipe2, TAKE, PLAIN, 0, EMFILE, ENFILE), ROW(eventfd2, TAKE, PLAIN, 0, EMFILE),
	ROW(epoll_create1, TAKE, PLAIN, 0, EMFILE), ROW(memfd_create, TAKE, PLAIN, 0, EMFILE, ENOMEM),
	ROW(pidfd_open, TAKE, PLAIN, 0, EMFILE, ENFILE), ROW(dup, TAKE, PLAIN, 0, EMFILE),
	ROW(mmap, TAKE, MEMORY, 0, ENOMEM),
	/* contents */
	ROW(read, READ, FILE_FD, 0, EIO), ROW(pread64, READ, FILE_FD, 0, EIO),
	ROW(getdents64, READ, PLAIN, 0, EIO),
};

static void read_text(pid_t pid, uint64_t address, char *buf, size_t room)
{
	struct iovec local = { .iov_base = buf, .iov_len = room - 1 }, remote = { .iov_base = (void *)address };
	const size_t page = 4096;

	/* not over the end of a page that may be the last one */
	remote.iov_len = page - address % page;
	if (remote.iov_len > local.iov_len)
		remote.iov_len = local.iov_len;
	memset(buf, 0, room);
	if (!address || process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0)
		buf[0] = '\0';
}

/* What stands behind a descriptor, as a path. False: no file of a file system. */
static bool file_of(pid_t pid, uint64_t fd, char *buf, size_t room)
{
	char path[64];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, (int)fd);
	n = readlink(path, buf, room - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool writes(uint64_t flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
}

static bool changes_by_open(pid_t pid, const struct row *row, const uint64_t *args)
{
	struct open_how how = { 0 };
	struct iovec local = { .iov_base = &how, .iov_len = sizeof(how) };
	struct iovec remote = { .iov_base = (void *)args[row->at + 1], .iov_len = sizeof(how) };

	if (row->look == OPEN)
		return writes(args[row->at + 1]);
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0 && writes(how.flags);
}

/* The kind of this very call; KIND_NONE when it is of none. */
static enum kind kind_of(pid_t pid, const struct row *row, const uint64_t *args, char *path, size_t room)
{
	switch (row->look) {
	case PLAIN:
		return row->kind;
	case PATH:
		read_text(pid, args[row->at], path, room);
		return row->kind;
	case OPEN:
	case OPEN_HOW:
		read_text(pid, args[row->at], path, room);
		return changes_by_open(pid, row, args) && strcmp(path, "/dev/null") != 0 ? KIND_CHANGE : KIND_TAKE;
	case FILE_FD:
		return file_of(pid, args[0], path, room) ? row->kind : KIND_NONE;
	case LOCK:
		if (args[1] == F_OFD_SETLK || args[1] == F_SETLK || args[1] == F_SETLKW || args[1] == F_OFD_SETLKW) {
			file_of(pid, args[0], path, room);
			return KIND_CHANGE;
		}
		return args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC ? KIND_TAKE : KIND_NONE;
	case CONTROL:
		file_of(pid, args[0], path, room);
		return (args[1] >> 8 & 0xff) == 'T' ? KIND_NONE : KIND_CHANGE;
	case SETS:
		return args[row->at] ? row->kind : KIND_NONE;
	case MEMORY:
		return args[3] & MAP_ANONYMOUS && !(args[3] & MAP_FIXED) ? KIND_TAKE : KIND_NONE;
	}
	return KIND_NONE;
}

bool call_look(pid_t pid, uint64_t nr, const uint64_t *args, unsigned int kinds, struct call *ret)
{
	static unsigned int turn;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((uint64_t)rows[i].nr != nr)
			continue;
		*ret = (struct call){ .name = rows[i].name };
		ret->kind = kind_of(pid, &rows[i], args, ret->path, sizeof(ret->path));
		if (!(ret->kind & kinds))
			return false;
		ret->error = rows[i].errors[turn++ % 2];
		/* of two errors the one that fits: the first is that of a change, the second of what takes a descriptor */
		if (rows[i].look == OPEN || rows[i].look == OPEN_HOW || rows[i].look == LOCK)
			ret->error = rows[i].errors[ret->kind == KIND_TAKE];
		if (!ret->error)
			ret->error = rows[i].errors[0];
		return true;
	}
	return false;
}

static const struct {
	const char *name;
	int code;
} errors[] = {
	{ "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EMFILE", EMFILE }, { "ENFILE", ENFILE }, { "ENOMEM", ENOMEM },
	{ "EROFS", EROFS }, { "EPERM", EPERM }, { "EACCES", EACCES }, { "EBUSY", EBUSY }, { "EAGAIN", EAGAIN },
	{ "EINTR", EINTR }, { "EFBIG", EFBIG }, { "ENOBUFS", ENOBUFS }, { "ENOLCK", ENOLCK },
	{ "EADDRINUSE", EADDRINUSE }, { "ECONNREFUSED", ECONNREFUSED }, { "EDQUOT", EDQUOT },
};

const char *call_error_name(int code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return errors[i].name;
	return NULL;
}

int call_error_code(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].code;
	return 0;
}
