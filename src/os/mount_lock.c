/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/mount_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/bare_mounts.h"
#include "os/mount.h"

/* --- sources --- */

static int no_links(const char *path, int code, struct error *err)
{
	auto_free char *real = code == ELOOP ? realpath(path, NULL) : NULL;

	fail(err, code, "open the source \"%s\" on the host", path);
	if (code == ELOOP)
		error_hint(err, real ? "a link stands in its way, which somebody else might turn: name %s" :
				       "a link stands in its way%s",
			   real ? real : "");
	else if (code == ENOENT)
		error_hint(err, "create it on the host first");
	return -err->code;
}

int mount_open_source(const char *path, bool recursive, struct error *err)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	auto_close int source = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	auto_close int fd = -1;

	if (source < 0)
		return no_links(path, errno, err);
	fd = mount_clone(source, "", recursive, err);
	if (fd < 0)
		return error_prefix(err, "%s", path);
	return take_fd(&fd);
}

int mount_dress(int mount_fd, unsigned int set, unsigned int clear, int userns_fd, bool recursive, struct error *err)
{
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };
	struct mount_attr map = { .attr_set = MOUNT_ATTR_IDMAP,
				  .userns_fd = (__u64)(userns_fd < 0 ? 0 : userns_fd) };

	if (mount_setattr(mount_fd, "", flags, &attr, sizeof(attr)) < 0)
		return fail(err, errno, "set its mount attributes");
	if (userns_fd < 0 || mount_setattr(mount_fd, "", flags, &map, sizeof(map)) == 0)
		return 0;
	fail(err, errno, "map its ids");
	return error_hint(err, "its file system, or one that is mounted below it, knows no idmapped mounts, or is not ours "
			       "to map, in a container: options = norbind leaves out what is below, options = noidmap "
			       "shows files of the host's ids as nobody's");
}

/* --- the helper --- */

struct helper {
	struct error err;
	int r;
	int fds[];
};

struct task {
	struct mount_lock *locks;
	size_t n;
	int userns_fd;
	uid_t owner;
	const char *at;
	struct helper *helper;	/* shared with the caller */
};

/* --- masks --- */

#define EMPTY_DIR "empty-dir"
#define EMPTY_FILE "empty-file"
#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int make_empties(struct error *err)
{
	if (mkdir(EMPTY_DIR, 0555) < 0 || mknod(EMPTY_FILE, S_IFREG | 0444, 0) < 0)
		return fail(err, errno, "make something empty");
	return 0;
}

static int mask_one(const char *path, enum mount_mask_kind kind, struct error *err)
{
	auto_close int target = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	const char *source = path;
	struct stat st;
	int r;

	if (target < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open %s", path);
	if (fstat(target, &st) < 0)
		return fail(err, errno, "look at %s", path);
	if (kind == MASK_HIDE)
		source = S_ISDIR(st.st_mode) ? EMPTY_DIR : EMPTY_FILE;
	fd = mount_clone(AT_FDCWD, source, false, err);
	if (fd < 0)
		return fd;
	if (kind == MASK_WRITABLE)
		r = mount_dress(fd, PLAIN, MOUNT_ATTR_RDONLY, -1, false, err);
	else
		r = mount_set(fd, PLAIN | MOUNT_ATTR_RDONLY, false, err);
	return r < 0 ? r : mount_attach(fd, target, err);
}

static int mask_tree(const char *name, const struct mount_mask *masks, struct error *err)
{
	for (; masks && masks->kind != MASK_END; masks++) {
		auto_free char *pattern = xasprintf("%s/%s", name, masks->path);
		glob_t found;
		int r = glob(pattern, GLOB_NOSORT, NULL, &found);

		if (r == GLOB_NOMATCH)
			continue;
		if (r != 0)
			return fail(err, EIO, "look for %s", masks->path);
		for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
			r = mask_one(found.gl_pathv[i], masks->kind, err);
		globfree(&found);
		if (r < 0)
			return error_prefix(err, "mask %s", masks->path);
	}
	return 0;
}

static int attach_all(const struct task *task, struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=256k", NULL };
	auto_close int stage = mount_new("tmpfs", "stage", options, MOUNT_ATTR_NODEV, err);
	auto_close int at = open(task->at, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (stage < 0)
		return stage;
	if (at < 0)
		return fail(err, errno, "open %s", task->at);
	if (mount_attach(stage, at, err) < 0)
		return -err->code;
	if (chdir(task->at) < 0)
		return fail(err, errno, "change to %s", task->at);
	if (make_empties(err) < 0)
		return -err->code;
	for (size_t i = 0; i < task->n; i++) {
		auto_close int target = -1;
		struct stat st;
		char name[24];

		snprintf(name, sizeof(name), "%zu", i);
		if (fstat(task->locks[i].fd, &st) < 0 ||
		    (S_ISDIR(st.st_mode) ? mkdir(name, 0755) : mknod(name, S_IFREG | 0644, 0)) < 0)
			return fail(err, errno, "make a place for a mount");
		target = open(name, O_PATH | O_CLOEXEC);
		if (target < 0 || mount_attach(task->locks[i].fd, target, err) < 0)
			return target < 0 ? fail(err, errno, "open a place for a mount") : -err->code;
		if (mask_tree(name, task->locks[i].masks, err) < 0)
			return -err->code;
	}
	return 0;
}

static int copy_all(const struct task *task, struct error *err)
{
	if (task->userns_fd >= 0 && (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ||
				     syscall(SYS_setresuid, -1, task->owner, -1) < 0 ||
				     setns(task->userns_fd, CLONE_NEWUSER) < 0))
		return fail(err, errno, "enter the user namespace");
	if (unshare(CLONE_NEWNS) < 0)
		return fail(err, errno, "unshare the mount namespace");
	for (size_t i = 0; i < task->n; i++) {
		const char *part = task->locks[i].part;
		auto_free char *name = xasprintf("%zu%s%s", i, part ? "/" : "", part ? part : "");

		task->helper->fds[i] = mount_clone(AT_FDCWD, name, true, err);
		if (task->helper->fds[i] < 0)
			return -err->code;
	}
	return 0;
}

int mount_lock(struct mount_lock *locks, size_t n, int userns_fd, uid_t owner, int mounts_fd, const char *at,
	       struct error *err)
{
	size_t size = sizeof(struct helper) + n * sizeof(int);
	/* one table of descriptors for both: what the helper opens is ours */
	struct clone_args args = { .flags = CLONE_VFORK | CLONE_FILES | (mounts_fd < 0 ? CLONE_NEWNS : 0U),
				   .exit_signal = SIGCHLD };
	struct helper *helper = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct task task = { locks, n, userns_fd, owner, mounts_fd < 0 ? at : BARE_MOUNTS_ROOT, helper };
	pid_t pid;
	int r;

	if (helper == MAP_FAILED)
		return fail(err, errno, "map memory for a helper");
	for (size_t i = 0; i < n; i++)
		helper->fds[i] = -1;
	helper->r = -EIO;
	fail(&helper->err, EIO, "lock the mounts: the helper was killed");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		struct error *e = &helper->err;

		helper->r = bare_mounts_enter(mounts_fd, e) < 0 || attach_all(&task, e) < 0 || copy_all(&task, e) < 0 ? -e->code : 0;
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	r = pid < 0 ? fail(err, errno, "clone a helper") : helper->r;
	if (pid > 0 && r < 0)
		*err = helper->err;
	for (size_t i = 0; i < n; i++) {
		if (r < 0) {
			close_fd(&helper->fds[i]);
			continue;
		}
		close_fd(&locks[i].fd);
		locks[i].fd = helper->fds[i];
	}
	munmap(helper, size);
	return r;
}

/* --- proc and sysfs of others --- */

struct api {
	struct error err;
	int r, proc, sys;
};

/* The child of one that has entered is in the pid namespace itself. */
static int mount_api(struct api *api)
{
	api->proc = mount_new("proc", "proc", NULL, PLAIN, &api->err);
	if (api->proc < 0)
		return api->proc;
	api->sys = mount_new("sysfs", "sysfs", NULL, PLAIN | MOUNT_ATTR_RDONLY, &api->err);
	return api->sys < 0 ? api->sys : 0;
}

static int enter_and_mount(int pidfd, struct api *api)
{
	struct clone_args args = { .flags = CLONE_VFORK | CLONE_FILES, .exit_signal = SIGCHLD };
	pid_t pid;

	if (setns(pidfd, CLONE_NEWPID | CLONE_NEWNET) < 0)
		return fail(&api->err, errno, "enter the namespaces");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		api->r = mount_api(api);
		_exit(0);
	}
	/* the first process of a pid namespace has not ended before all others are reaped; whoever gets ours may not do it soon */
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return pid < 0 ? fail(&api->err, errno, "clone a helper") : api->r;
}

int mount_api_of(int pidfd, int *ret_proc, int *ret_sys, struct error *err)
{
	/* one table of descriptors for all three */
	struct clone_args args = { .flags = CLONE_VFORK | CLONE_FILES, .exit_signal = SIGCHLD };
	struct api *api = mmap(NULL, sizeof(*api), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int r;

	if (api == MAP_FAILED)
		return fail(err, errno, "map memory for a helper");
	api->proc = api->sys = -1;
	api->r = -EIO;
	fail(&api->err, EIO, "mount proc and sys: the helper was killed");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		api->r = enter_and_mount(pidfd, api);
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	r = pid < 0 ? fail(err, errno, "clone a helper") : api->r;
	if (pid > 0 && r < 0)
		*err = api->err;
	if (r < 0) {
		close_fd(&api->proc);
		close_fd(&api->sys);
	}
	*ret_proc = api->proc;
	*ret_sys = api->sys;
	munmap(api, sizeof(*api));
	return r;
}
