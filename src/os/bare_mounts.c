/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/bare_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/mount.h"
#include "os/namespace.h"

#define NSFS_MAGIC 0x6e736673
#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

int bare_mounts_open(const char *dir)
{
	auto_free char *path = xasprintf("%s/mnt", dir);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct statfs fs;

	/* a file without a namespace on it is of a making that was cut off, or of an earlier boot */
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return -ENOENT;
	return take_fd(&fd);
}

int bare_mounts_enter(int mounts_fd, struct error *err)
{
	if (mounts_fd < 0)
		return mount_private(err);
	if (setns(mounts_fd, CLONE_NEWNS) < 0)
		return fail(err, errno, "enter the mount namespace that is kept for it");
	return unshare(CLONE_NEWNS) < 0 ? fail(err, errno, "unshare the mount namespace") : 0;
}

/* What is mounted below is left out where the kernel allows it: cgroups below /sys, say. */
static int copy_to(int root, const char *name, const char *source, struct error *err)
{
	auto_close int target = -1, fd = -1;

	if (mkdirat(root, name, 0555) < 0)
		return fail(err, errno, "make the directory %s", name);
	target = openat(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return fail(err, errno, "open the directory %s", name);
	fd = mount_clone(AT_FDCWD, source, false, err);
	if (fd < 0)
		fd = mount_clone(AT_FDCWD, source, true, err);
	return fd < 0 ? fd : mount_attach(fd, target, err);
}

/* In the child: dir is where the new root is attached for a moment, in a copy of the host's mounts. */
static int build(const char *dir, struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=64k", "nr_inodes=16", NULL };
	auto_close int root = -1, at = -1;

	if (unshare(CLONE_NEWNS) < 0)
		return fail(err, errno, "unshare the mount namespace");
	if (mount_private(err) < 0)
		return -err->code;
	at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail(err, errno, "open %s", dir);
	root = mount_new("tmpfs", "sysct", options, PLAIN, err);
	if (root < 0 || mount_attach(root, at, err) < 0 || copy_to(root, "proc", "/proc", err) < 0 ||
	    copy_to(root, "sys", "/sys", err) < 0)
		return -err->code;
	if (mkdirat(root, &BARE_MOUNTS_ROOT[1], 0700) < 0)
		return fail(err, errno, "make the directory " BARE_MOUNTS_ROOT);
	if (mount_set(root, MOUNT_ATTR_RDONLY, false, err) < 0 || mount_pivot(root, err) < 0)
		return -err->code;
	return mount_drop_old_root(err);
}

/* Says that it has built it, and stays until its word's other end is closed, which the maker's death does too. */
__attribute__((noreturn)) static void child(const char *dir, int word)
{
	struct error err = ERROR_NONE;
	char byte;

	build(dir, &err);
	if (write(word, &err, sizeof(err)) == sizeof(err))
		while (read(word, &byte, 1) > 0)
			;
	_exit(0);
}

int bare_mounts_make(const char *dir, struct error *err)
{
	auto_close int ours = -1, theirs = -1;
	int pair[2], fd;
	pid_t pid;

	if (bare_mounts_drop(dir, err) < 0)
		return -err->code;
	if (mkdir(dir, 0700) < 0)
		return fail(err, errno, "create %s", dir);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(err, errno, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "fork");
	if (pid == 0) {
		close(ours);
		child(dir, theirs);
	}
	close_fd(&theirs);
	if (read(ours, err, sizeof(*err)) != sizeof(*err))
		fail(err, EIO, "the process that makes the mount namespace was killed");
	if (!err->code)
		ns_pin_mounts(pid, dir, err);
	close_fd(&ours);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	fd = err->code ? -err->code : bare_mounts_open(dir);
	if (fd < 0) {
		struct error ignored = ERROR_NONE;

		bare_mounts_drop(dir, &ignored);
		return err->code ? fd : fail(err, EIO, "open the mount namespace that was kept in %s", dir);
	}
	return fd;
}

int bare_mounts_drop(const char *dir, struct error *err)
{
	return ns_unpin(dir, err);
}
