/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test has a mount namespace of its own. */
#include "testing.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "os/bare_mounts.h"
#include "os/idmap.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/process.h"

static const struct idmap map = { 0, 700000, 65536 };
static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	stay_on_this_cpu();
	mounts_setup();
}

static void teardown(void)
{
	mounts_teardown();
}

/* --- what stands in it --- */

/* Run in a process that has entered it: the number of the check that failed, 0: none. */
static int look_around(void)
{
	auto_free char *mounts = NULL;
	int lines = 0;

	if (access(BARE_MOUNTS_ROOT, X_OK) < 0 || rmdir(BARE_MOUNTS_ROOT) == 0 || errno != EROFS)
		return 1;
	if (access("/proc/self/status", R_OK) < 0 || access("/sys/kernel", X_OK) < 0)
		return 2;
	if (access("/etc", F_OK) == 0 || access("/run", F_OK) == 0)
		return 3;
	if (chdir("/..") < 0 || access("root", F_OK) < 0)
		return 4;
	if (read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, NULL) < 0)
		return 5;
	for (const char *p = mounts; *p; p++)
		lines += *p == '\n';
	return lines == 3 && !strstr(mounts, "shared:") ? 0 : 6;
}

static int in_it(int fd, int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(setns(fd, CLONE_NEWNS) < 0 ? 100 : what());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(next_to_nothing_is_in_it)
{
	auto_close int fd = must(bare_mounts_make(in_dir("bare"), &err));

	ck_assert_int_eq(in_it(fd, look_around), 0);
	no_child_is_left();
}
END_TEST

START_TEST(it_is_kept_until_it_is_dropped)
{
	auto_close int fd = -1, again = -1;
	int fds = count_fds();
	struct stat made, found;

	ck_assert_int_eq(bare_mounts_open(in_dir("bare")), -ENOENT);
	fd = must(bare_mounts_make(in_dir("bare"), &err));
	again = must(bare_mounts_open(in_dir("bare")));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(again, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &made) | fstat(again, &found), 0);
	ck_assert_uint_eq(made.st_ino, found.st_ino);
	ck_assert_int_eq(count_fds(), fds + 2);
	must(bare_mounts_drop(in_dir("bare"), &err));
	ck_assert_int_eq(bare_mounts_open(in_dir("bare")), -ENOENT);
	ck_assert_int_lt(access(in_dir("bare"), F_OK), 0);
	ck_assert(!in_mount_table("bare"));
	ck_assert_int_eq(in_it(fd, look_around), 0);	/* for whoever has it */
	must(bare_mounts_drop(in_dir("bare"), &err));
}
END_TEST

START_TEST(what_is_left_of_a_making_is_replaced)
{
	auto_close int fd = -1, file = -1;

	ck_assert_int_eq(mkdir(in_dir("bare"), 0700), 0);
	if (_i > 0)
		ck_assert_int_eq(mount("sysct", in_dir("bare"), "tmpfs", 0, NULL), 0);
	if (_i > 1) {
		file = must(open(in_dir("bare/mnt"), O_WRONLY | O_CREAT | O_CLOEXEC, 0400));
		ck_assert_int_eq(bare_mounts_open(in_dir("bare")), -ENOENT);
	}
	fd = must(bare_mounts_make(in_dir("bare"), &err));
	ck_assert_int_eq(in_it(fd, look_around), 0);
	must(bare_mounts_drop(in_dir("bare"), &err));
	ck_assert(!in_mount_table("bare"));
}
END_TEST

START_TEST(a_failure_leaves_nothing)
{
	int fds = count_fds();

	ck_assert_int_eq(bare_mounts_make(in_dir("no/bare"), &err), -ENOENT);
	ck_has(err.message, "no/bare");
	ck_assert_int_eq(count_fds(), fds);
	no_child_is_left();
}
END_TEST

/* Below a proc that shows no process nothing can be bound. */
static int make_without_proc(void)
{
	struct error why = ERROR_NONE;
	int fd = -1;

	if (mount("t", "/proc", "tmpfs", 0, NULL) < 0)
		return 1;
	fd = bare_mounts_make("/proc/bare", &why);
	return fd < 0 && why.code && access("/proc/bare", F_OK) < 0 ? 0 : 2;
}

START_TEST(one_that_cannot_be_bound_leaves_nothing)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) < 0 ? 100 : make_without_proc());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- what begins with a copy of it --- */

struct found {
	volatile int ready;
	int own_tmpfs, umount_proc, proc, sysfs, lines;
};
static struct found *found;

static int mount_at(const char *type, const char *at)
{
	return mount("own", at, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0 : errno;
}

static void try_mounts(void *arg)
{
	(void)arg;
	syscall(SYS_setresgid, 0, 0, 0);
	syscall(SYS_setresuid, 0, 0, 0);
	found->umount_proc = umount2("/proc", MNT_DETACH) == 0 ? 0 : errno;
	found->own_tmpfs = mount_at("tmpfs", ".");
	ck_assert_int_eq(chdir(BARE_MOUNTS_ROOT) | mkdir("proc", 0755) | mkdir("sys", 0755), 0);
	found->proc = mount_at("proc", "proc");
	found->sysfs = mount_at("sysfs", "sys");
	found->ready = 1;
	pause();
}

START_TEST(a_user_namespace_may_mount_its_own_proc_and_sysfs)
{
	auto_close int fd = must(bare_mounts_make(in_dir("bare"), &err)), userns = must(userns_create(&map, &err));
	auto_close int rootfs = must(mount_new("tmpfs", "rootfs", NULL, MOUNT_ATTR_NODEV, &err));
	struct ns_launch launch = {
		.flags = CLONE_NEWPID | CLONE_NEWNET, .userns_fd = userns, .owner = map.outside, .cgroup_fd = -1, .mounts_fd = fd,
		.rootfs_fd = rootfs, .rootfs_at = BARE_MOUNTS_ROOT, .child = try_mounts,
	};
	int status;

	found = shared_memory(sizeof(*found));
	must(ns_launch(&launch, &err));
	for (int i = 0; i < 20000 && !found->ready && pidfd_wait(launch.ret_pidfd, 0) == 0; i++)
		usleep(1000);
	ck_assert(found->ready);
	ck_assert_int_eq(found->umount_proc, EINVAL);	/* locked */
	ck_assert_int_eq(found->own_tmpfs, 0);
	ck_assert_int_eq(found->proc, 0);
	ck_assert_int_eq(found->sysfs, 0);
	ck_assert(!in_mount_table("rootfs"));
	ck_assert_int_eq(in_it(fd, look_around), 0);	/* nor there */
	ck_assert_int_eq(pidfd_signal(launch.ret_pidfd, SIGKILL), 0);
	ck_assert_int_eq(waitpid(launch.ret_pid, &status, 0), launch.ret_pid);
	close(launch.ret_pidfd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/bare_mounts");
	TCase *tests = tcase_create("bare_mounts");
	int skipped = skip_without_root("namespaces");

	if (skipped >= 0)
		return skipped;
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, next_to_nothing_is_in_it);
	tcase_add_test(tests, it_is_kept_until_it_is_dropped);
	tcase_add_loop_test(tests, what_is_left_of_a_making_is_replaced, 0, 3);
	tcase_add_test(tests, a_failure_leaves_nothing);
	tcase_add_test(tests, one_that_cannot_be_bound_leaves_nothing);
	tcase_add_test(tests, a_user_namespace_may_mount_its_own_proc_and_sysfs);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
