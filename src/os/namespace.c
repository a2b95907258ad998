/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/namespace.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/bare_mounts.h"
#include "os/mount.h"
#include "os/process.h"

static const struct {
	const char *name;
	int flag;
} kinds[NS_KINDS] = {
	[NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP }, [NS_IPC] = { "ipc", CLONE_NEWIPC },
	[NS_MNT] = { "mnt", CLONE_NEWNS },	     [NS_NET] = { "net", CLONE_NEWNET },
	[NS_PID] = { "pid", CLONE_NEWPID },	     [NS_TIME] = { "time", CLONE_NEWTIME },
	[NS_USER] = { "user", CLONE_NEWUSER },	     [NS_UTS] = { "uts", CLONE_NEWUTS },
};

const char *ns_name(enum ns_kind kind)
{
	return kinds[kind].name;
}

int ns_flag(enum ns_kind kind)
{
	return kinds[kind].flag;
}

/* --- launch --- */

/* Shared between us and the helper, a process of its own. */
struct helper {
	struct error err;
	int r;
	pid_t pid;
	int pidfd;
};

static pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

/* In the helper: attach the rootfs where the copy of our mounts will carry it along. */
static int helper_attach(const struct ns_launch *launch, struct error *err)
{
	auto_close int at = -1;

	if (launch->rootfs_fd < 0)
		return 0;
	at = open(launch->rootfs_at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail(err, errno, "open %s", launch->rootfs_at);
	if (mount_attach(launch->rootfs_fd, at, err) < 0)
		return -err->code;
	/* The new process begins in its own copy of the rootfs: it could not come here by the path, whose
	 * directories are closed to the container's root. */
	if (chdir(launch->rootfs_at) < 0)
		return fail(err, errno, "change to %s", launch->rootfs_at);
	return 0;
}

/* In the helper: into the user namespace, as the id that its root is outside. All capabilities are kept
 * on the way, and the namespace gives all of its own. */
static int helper_enter(const struct ns_launch *launch, struct error *err)
{
	if (launch->userns_fd < 0)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ||
	    syscall(SYS_setresuid, -1, launch->owner, -1) < 0)
		return fail(err, errno, "become user %u", launch->owner);
	if (setns(launch->userns_fd, CLONE_NEWUSER) < 0)
		return fail(err, errno, "enter the user namespace");
	return 0;
}

static int helper_join(const struct ns_launch *launch, struct error *err)
{
	for (size_t i = 0; i < launch->n_join; i++)
		if (setns(launch->join[i], launch->join_flags[i]) < 0)
			return fail(err, errno, "enter a namespace that was kept");
	return 0;
}

/* clone3(2) knows no new time namespace: it is unshared, and what is cloned then is in it. The offsets are written through
 * a descriptor that the host's root has opened, since the helper's own rights are those of its user namespace. */
static int helper_new_time(int offsets, struct error *err)
{
	struct timespec monotonic, boot;
	auto_free char *text = NULL;

	if (unshare(CLONE_NEWTIME) < 0)
		return fail(err, errno, "unshare the time namespace");
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	text = xasprintf("monotonic -%lld 0\nboottime -%lld 0\n", (long long)monotonic.tv_sec,
			 (long long)boot.tv_sec);
	if (write(offsets, text, strlen(text)) < 0)
		return fail(err, errno, "set the clocks of the time namespace");
	return 0;
}

static int helper_run(const struct ns_launch *launch, struct helper *helper)
{
	struct error *err = &helper->err;
	struct clone_args args = {
		.flags = (uint64_t)(unsigned int)launch->flags | CLONE_NEWNS | CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&helper->pidfd,
	};
	auto_close int offsets = -1;
	pid_t pid;

	if (launch->new_time) {
		offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
		if (offsets < 0)
			return fail(err, errno, "open /proc/self/timens_offsets: does this kernel know time namespaces?");
	}
	if (bare_mounts_enter(launch->mounts_fd, err) < 0 || helper_attach(launch, err) < 0 || helper_enter(launch, err) < 0 ||
	    helper_join(launch, err) < 0 || (launch->new_time && helper_new_time(offsets, err) < 0))
		return -err->code;
	pid = sys_clone3(&args);
	if (pid < 0)
		return fail(err, errno, "clone the first process");
	if (pid == 0) {
		launch->child(launch->arg);
		_exit(1);
	}
	helper->pid = pid;
	return 0;
}

static pid_t clone_helper(const struct ns_launch *launch, struct helper *helper)
{
	/* One table of descriptors for both: the pidfd that the helper gets is ours at once. */
	struct clone_args args = {
		.flags = CLONE_VFORK | CLONE_FILES | (launch->mounts_fd < 0 ? CLONE_NEWNS : 0U),
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (launch->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned int)launch->cgroup_fd;
	}
	pid = sys_clone3(&args);
	if (pid == 0) {
		helper->r = helper_run(launch, helper);
		_exit(0);
	}
	return pid;
}

void ns_reap_helper(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int ns_launch(struct ns_launch *launch, struct error *err)
{
	struct helper *helper = mmap(NULL, sizeof(*helper), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int r;

	launch->ret_pid = -1;
	launch->ret_pidfd = -1;
	if (helper == MAP_FAILED)
		return fail(err, errno, "map memory for the launch helper");
	helper->r = -EIO;
	helper->pidfd = -1;
	fail(&helper->err, EIO, "launch the first process: the helper was killed");
	pid = clone_helper(launch, helper);
	if (pid < 0) {
		r = fail(err, errno, "clone the launch helper");
	} else {
		/* its memory is gone, and so its answer is there; its mounts still have to be taken down */
		if (launch->ret_helper && helper->r == 0)
			*launch->ret_helper = pid;
		else
			ns_reap_helper(pid);
		r = helper->r;
		if (r < 0)
			*err = helper->err;
		launch->ret_pid = helper->pid;
		launch->ret_pidfd = helper->pidfd;
	}
	munmap(helper, sizeof(*helper));
	if (r == 0)
		fcntl(launch->ret_pidfd, F_SETFD, FD_CLOEXEC);
	return r;
}

/* --- visit --- */

#define KILL_TIMEOUT_MS 2000

int ns_become_root(struct error *err)
{
	/* Where root inside is the host's by its number, a change of user namespaces has left it as it was; elsewhere it is set
	 * anew, to what fs.suid_dumpable says. */
	prctl(PR_SET_DUMPABLE, 0);
	/* by system call: libc would look for threads */
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return fail(err, errno, "become root");
	prctl(PR_SET_DUMPABLE, 0);	/* the change of ids has set it anew */
	return 0;
}

static int work_inside(const struct ns_visit *visit, int pidfd, int flags, struct error *err)
{
	auto_free int *keep = xcalloc(visit->n_keep + 1, sizeof(int));
	int root;

	keep[0] = pidfd;
	for (size_t i = 0; i < visit->n_keep; i++)
		keep[i + 1] = visit->keep[i];
	/* locks above all: where the work hangs, nobody else shall wait for them */
	close_others(keep, visit->n_keep + 1);
	if (setns(pidfd, flags) < 0)
		return fail(err, errno, "enter the namespaces");
	if (ns_become_root(err) < 0)
		return -err->code;
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* changing ids forgets it */
	close(pidfd);
	umask(022);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open the rootfs");
	return visit->work(root, visit->arg, err);
}

/* The error is told as a whole, and last: one that was killed on its way has not said that all went well. */
__attribute__((noreturn)) static void visit_child(const struct ns_visit *visit, int pidfd, int flags, struct error *told)
{
	struct error err = ERROR_NONE;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	r = work_inside(visit, pidfd, flags, &err);
	if (r < 0)
		*told = err;
	_exit(r < 0);
}

static int await_visit(pid_t child, int timeout_ms, const struct error *told, struct error *err)
{
	int status;

	if (!child_wait(child, timeout_ms, &status)) {
		kill(child, SIGKILL);
		child_wait(child, KILL_TIMEOUT_MS, NULL);
		fail(err, ETIMEDOUT, "wait %d s until it is done inside", timeout_ms / 1000);
		return error_hint(err, "a file system inside does not answer, or it is frozen");
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!WIFEXITED(status) || told->code <= 0) {
		fail(err, 0, "the process that did it inside was killed");
		return error_hint(err, "try again; what killed it stands in the kernel's log perhaps: dmesg | tail");
	}
	*err = *told;
	/* it may have been taken over: its words are cut */
	err->message[sizeof(err->message) - 1] = '\0';
	err->hint[sizeof(err->hint) - 1] = '\0';
	return -err->code;
}

int ns_visit(const struct ns_visit *visit, struct error *err)
{
	auto_close int pidfd = process_open(visit->process);
	int flags = CLONE_NEWNS, r;
	struct error *told;
	char theirs[40];
	pid_t child;

	if (pidfd < 0)
		return fail(err, -pidfd, "open its init");
	snprintf(theirs, sizeof(theirs), "/proc/%d/ns/user", (int)visit->process->pid);
	if (ns_inode(theirs) != ns_inode("/proc/self/ns/user"))
		flags |= CLONE_NEWUSER;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return fail(err, errno, "map memory");
	child = fork();
	if (child == 0)
		visit_child(visit, pidfd, flags, told);
	r = child < 0 ? fail(err, errno, "fork") : await_visit(child, visit->timeout_ms, told, err);
	munmap(told, sizeof(*told));
	return r;
}

/* --- pins --- */

static int make_pin_dir(const char *dir, struct error *err)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail(err, errno, "create %s", dir);
	if (mount("sysct", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=64k,nr_inodes=32") < 0)
		return fail(err, errno, "mount a tmpfs on %s", dir);
	if (mount(NULL, dir, NULL, MS_PRIVATE, NULL) < 0)
		return fail(err, errno, "make %s private", dir);
	return 0;
}

/* -ENOENT: a kernel without namespaces of this kind. -EINVAL of a mount namespace: only one with a smaller number can bind it,
 * which outside of the host's first one is a matter of luck (numbers come in batches per CPU). */
static int pin(pid_t pid, enum ns_kind kind, const char *dir, struct error *err)
{
	char source[40], target[512];
	int fd, saved;

	snprintf(source, sizeof(source), "/proc/%d/ns/%s", (int)pid, kinds[kind].name);
	snprintf(target, sizeof(target), "%s/%s", dir, kinds[kind].name);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	if (fd < 0)
		return fail(err, errno, "create %s", target);
	close(fd);
	if (mount(source, target, NULL, MS_BIND, NULL) == 0)
		return 0;
	saved = errno;
	unlink(target);
	return fail(err, saved, "pin the %s namespace to %s", kinds[kind].name, target);
}

int ns_pin(pid_t pid, const char *dir, struct error *err)
{
	if (make_pin_dir(dir, err) < 0)
		return -err->code;
	for (enum ns_kind i = 0; i < NS_KINDS; i++) {
		int r = pin(pid, i, dir, err);

		/* nobody enters by the pin of the mount namespace alone */
		if (r < 0 && !(i == NS_TIME && r == -ENOENT) && !(i == NS_MNT && r == -EINVAL))
			return r;
		*err = (struct error)ERROR_NONE;
	}
	return 0;
}

int ns_pin_mounts(pid_t pid, const char *dir, struct error *err)
{
	if (make_pin_dir(dir, err) < 0)
		return -err->code;
	return pin(pid, NS_MNT, dir, err);
}

int ns_unpin(const char *dir, struct error *err)
{
	/* One lazy unmount takes the tmpfs and every pin on it. */
	for (int i = 0; i < 64; i++) {
		if (umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
			if (errno == EINVAL || errno == ENOENT)
				break;
			return fail(err, errno, "unmount %s", dir);
		}
	}
	if (rmdir(dir) < 0 && errno != ENOENT)
		return fail(err, errno, "remove %s", dir);
	return 0;
}

unsigned long long ns_inode(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (unsigned long long)st.st_ino : 0;
}

#define NETNS_DIR "/run/netns"
#define NSFS_MAGIC 0x6e736673

/* ip-netns(8) makes the directory a shared mount of itself, so that other mount namespaces see entries come
 * and go. */
static int make_netns_dir(struct error *err)
{
	bool made = false;

	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "create %s", NETNS_DIR);
	while (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0) {
		if (errno != EINVAL || made)
			return fail(err, errno, "make %s shared", NETNS_DIR);
		if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0)
			return fail(err, errno, "bind %s", NETNS_DIR);
		made = true;
	}
	return 0;
}

int ns_pin_netns(const char *source, const char *name, struct error *err)
{
	auto_free char *path = xasprintf(NETNS_DIR "/%s", name);
	auto_close int fd = -1;
	struct statfs fs;

	if (make_netns_dir(err) < 0)
		return -err->code;
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0 && errno == EEXIST) {
		/* A file without a namespace on it is a leftover that nobody can use. */
		if (statfs(path, &fs) < 0 || fs.f_type == NSFS_MAGIC)
			return 1;
	} else if (fd < 0) {
		return fail(err, errno, "create %s", path);
	}
	if (mount(source, path, "none", MS_BIND, NULL) < 0) {
		int saved = errno;

		unlink(path);
		return fail(err, saved, "bind the net namespace to %s", path);
	}
	return 0;
}

int ns_unpin_netns(const char *name, unsigned long long inode)
{
	auto_free char *path = xasprintf(NETNS_DIR "/%s", name);
	struct statfs fs;
	struct stat st;

	if (inode == 0 || stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return 0;
	/* A pin, or its removal, that was killed between its two steps leaves the file with nothing on it. */
	if (fs.f_type != NSFS_MAGIC && S_ISREG(st.st_mode) && st.st_size == 0 && st.st_uid == geteuid())
		return unlink(path) < 0 ? -errno : 0;
	if (st.st_ino != inode)
		return 0;
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || unlink(path) < 0)
		return -errno;
	return 0;
}
