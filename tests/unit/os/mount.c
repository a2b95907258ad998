/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test has a mount namespace of its own. */
#include "testing.h"

#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "os/idmap.h"
#include "os/loop.h"
#include "os/mount.h"
#include "os/mount_lock.h"
#include "os/process.h"

#define SOURCE "sysct-detached"

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	mounts_setup();
}

static int new_tmpfs(unsigned int attributes)
{
	static const char *const options[] = { "mode=0750", "size=1m", "nr_inodes=100", NULL };

	return must(mount_new("tmpfs", SOURCE, options, attributes, &err));
}

static int path_fd(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "open %s: %m", path);
	return fd;
}

static void make_dir(const char *path)
{
	ck_assert_msg(mkdir(path, 0755) == 0, "mkdir %s: %m", path);
}

/* An attached mount, at a new directory of this name. */
static void attach_at(int mount_fd, const char *name)
{
	auto_close int target = -1;

	make_dir(in_dir(name));
	target = path_fd(in_dir(name));
	must(mount_attach(mount_fd, target, &err));
}

START_TEST(a_new_mount_is_in_no_table_until_it_is_attached)
{
	auto_close int fd = new_tmpfs(0);

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(!in_mount_table(SOURCE));
	ck_assert_int_eq(mkdirat(fd, "inside", 0755), 0);	/* it can be filled */
	ck_assert(!in_mount_table(SOURCE));
	attach_at(fd, "at");
	ck_assert(in_mount_table(SOURCE));
	ck_assert_int_eq(access(in_dir("at/inside"), F_OK), 0);
}
END_TEST

START_TEST(a_detached_mount_goes_with_its_descriptor)
{
	int fd = new_tmpfs(0), copy;
	struct statvfs st;

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	copy = must(mount_clone(AT_FDCWD, test_dir, false, &err));	/* of an attached one: Linux 6.15 copies others */
	ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstatvfs(copy, &st), 0);
	close(copy);
	close(fd);
	ck_assert(!in_mount_table(SOURCE));
	ck_assert(in_mount_table(test_dir));
}
END_TEST

START_TEST(options_and_attributes_are_the_file_systems)
{
	auto_close int fd = new_tmpfs(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	struct statvfs st;
	struct stat root;

	ck_assert_int_eq(fstatvfs(fd, &st), 0);
	ck_assert_uint_eq(st.f_blocks * st.f_frsize, 1 << 20);
	ck_assert_uint_eq(st.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY),
			  ST_NOSUID | ST_NODEV | ST_NOEXEC);
	ck_assert_int_eq(fstat(fd, &root), 0);
	ck_assert_uint_eq(root.st_mode & 07777, 0750);
}
END_TEST

START_TEST(what_the_kernel_says_is_in_the_message)
{
	static const char *const bad[] = { "size=banana", NULL };
	static const char *const unknown[] = { "no-such-option", NULL };
	int before = count_fds();

	ck_assert_int_lt(mount_new("tmpfs", SOURCE, bad, 0, &err), 0);
	ck_has(err.message, "mount tmpfs from " SOURCE);
	ck_has(err.message, "size");
	ck_assert_int_lt(mount_new("tmpfs", NULL, unknown, 0, &err), 0);
	ck_has(err.message, "no-such-option");
	ck_assert_ptr_null(strchr(err.message, '\n'));
	ck_assert_int_eq(mount_new("sysctfs", NULL, NULL, 0, &err), -ENODEV);
	ck_has(err.message, "sysctfs");
	ck_assert_int_lt(mount_new("ext4", "/dev/sysct-no-such-device", NULL, 0, &err), 0);
	ck_has(err.message, "/dev/sysct-no-such-device");
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* Opened by a user whose right to the node is beyond doubt: root. */
START_TEST(a_device_on_a_nodev_mount_is_not_opened)
{
	auto_close int with = new_tmpfs(0), without = new_tmpfs(MOUNT_ATTR_NODEV);
	const dev_t null = makedev(1, 3);

	ck_assert_int_eq(mknodat(with, "null", S_IFCHR | 0666, null), 0);
	ck_assert_int_eq(mknodat(without, "null", S_IFCHR | 0666, null), 0);
	attach_at(with, "with");
	attach_at(without, "without");
	ck_assert_int_ge(open(in_dir("with/null"), O_RDONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(open(in_dir("without/null"), O_RDONLY | O_CLOEXEC), -1);
	ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(attributes_can_be_added_later_and_below)
{
	auto_close int fd = new_tmpfs(0), tree = -1;

	make_dir(in_dir("outer"));
	ck_assert_int_eq(mount(SOURCE, in_dir("outer"), "tmpfs", 0, NULL), 0);
	make_dir(in_dir("outer/inner"));
	ck_assert_int_eq(mount(SOURCE, in_dir("outer/inner"), "tmpfs", 0, NULL), 0);
	must(mount_set(fd, MOUNT_ATTR_RDONLY, false, &err));
	ck_assert_int_eq(mkdirat(fd, "x", 0755), -1);
	ck_assert_int_eq(errno, EROFS);
	tree = must(mount_clone(AT_FDCWD, in_dir("outer"), true, &err));
	must(mount_set(tree, MOUNT_ATTR_RDONLY, false, &err));
	ck_assert_int_eq(mkdirat(tree, "x", 0755), -1);
	ck_assert_int_eq(mkdirat(tree, "inner/x", 0755), 0);
	must(mount_set(tree, MOUNT_ATTR_RDONLY, true, &err));
	ck_assert_int_eq(mkdirat(tree, "inner/y", 0755), -1);
	ck_assert_int_eq(errno, EROFS);
	ck_assert_int_eq(mkdir(in_dir("outer/inner/y"), 0755), 0);	/* the original is not touched */
}
END_TEST

START_TEST(a_copy_has_what_is_below_when_it_is_recursive)
{
	auto_close int flat = -1, whole = -1;

	make_dir(in_dir("outer"));
	make_dir(in_dir("outer/inner"));
	ck_assert_int_eq(mount(SOURCE, in_dir("outer/inner"), "tmpfs", 0, NULL), 0);
	make_dir(in_dir("outer/inner/deep"));
	flat = must(mount_clone(AT_FDCWD, in_dir("outer"), false, &err));
	whole = must(mount_clone(AT_FDCWD, in_dir("outer"), true, &err));
	ck_assert_int_lt(faccessat(flat, "inner/deep", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(whole, "inner/deep", F_OK, 0), 0);
	ck_assert_int_eq(mount_clone(AT_FDCWD, in_dir("none"), false, &err), -ENOENT);
	ck_has(err.message, "none");
}
END_TEST

START_TEST(attaching_fails_where_it_cannot_be)
{
	auto_close int fd = new_tmpfs(0), file = -1;

	close(open(in_dir("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	file = path_fd(in_dir("file"));
	ck_assert_int_lt(mount_attach(fd, file, &err), 0);
	ck_assert_int_eq(mount_attach(fd, -1, &err), -EBADF);
	ck_assert_int_lt(mount_attach(file, file, &err), 0);
	ck_assert(!in_mount_table(SOURCE));
}
END_TEST

/* --- ids --- */

START_TEST(a_mapped_mount_shows_the_containers_ids)
{
	static const struct idmap map = { 0, 700000, 65536 };
	auto_close int fd = new_tmpfs(0), userns = must(userns_create(&map, &err));
	struct stat st;

	ck_assert_int_eq(mkdirat(fd, "root", 0755), 0);
	ck_assert_int_eq(mkdirat(fd, "user", 0755), 0);
	ck_assert_int_eq(mkdirat(fd, "nobody", 0755), 0);
	ck_assert_int_eq(fchownat(fd, "user", 1000, 1001, 0), 0);
	ck_assert_int_eq(fchownat(fd, "nobody", 70000, 70000, 0), 0);
	if (!can_run(mount_idmap(fd, userns, &err) == 0, "idmapped tmpfs (Linux 6.3)"))
		return;
	ck_assert_int_eq(fstatat(fd, "root", &st, 0), 0);
	ck_assert(st.st_uid == 700000 && st.st_gid == 700000);
	ck_assert_int_eq(fstatat(fd, "user", &st, 0), 0);
	ck_assert(st.st_uid == 701000 && st.st_gid == 701001);
	ck_assert_int_eq(fstatat(fd, "nobody", &st, 0), 0);	/* outside of the map */
	ck_assert_uint_eq(st.st_uid, 65534);
	ck_assert_int_lt(mount_idmap(fd, userns, &err), 0);	/* once */
	ck_assert_int_lt(mount_idmap(fd, -1, &err), 0);
	ck_has(err.message, "map the ids");
}
END_TEST

/* --- targets --- */

static void make_tree(void)
{
	make_dir(in_dir("root"));
	make_dir(in_dir("root/dir"));
	make_dir(in_dir("victim"));
	close(open(in_dir("root/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	ck_assert_int_eq(mkfifo(in_dir("root/fifo"), 0644), 0);
	ck_assert_int_eq(symlink("dir", in_dir("root/link")), 0);
	ck_assert_int_eq(symlink("/", in_dir("root/absolute")), 0);
	ck_assert_int_eq(symlink("../victim", in_dir("root/outside")), 0);
	ck_assert_int_eq(symlink("nowhere", in_dir("root/dangling")), 0);
	ck_assert_int_eq(symlink("/proc/self/root", in_dir("root/magic")), 0);
}

START_TEST(a_target_is_opened_or_made)
{
	auto_close int root = -1, dir = -1, made = -1, again = -1;
	struct stat a, b;

	make_tree();
	root = open_dir(in_dir("root"));
	dir = must(mount_target(root, "dir", 0700, &err));
	ck_assert_int_eq(fcntl(dir, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(dir, F_GETFL) & O_PATH, O_PATH);
	made = must(mount_target(root, "dir/new", 0700, &err));
	ck_assert_int_eq(fstat(made, &a), 0);
	ck_assert_uint_eq(a.st_mode & 07777, 0700);
	again = must(mount_target(root, "dir/new", 0755, &err));
	ck_assert_int_eq(fstat(again, &b), 0);
	ck_assert(a.st_ino == b.st_ino && b.st_mode == a.st_mode);
}
END_TEST

START_TEST(a_target_never_follows_a_link)
{
	static const struct {
		const char *path;
		int code;	/* 0: any */
	} bad[] = {
		{ "link", ELOOP },	 { "absolute", ELOOP },	    { "outside", ELOOP },  { "magic", ELOOP },
		{ "dangling", ELOOP },	 { "link/x", ELOOP },	    { "outside/x", ELOOP }, { "absolute/etc", ELOOP },
		{ "magic/etc", ELOOP }, { "dangling/x", ELOOP },   { "dir/../link", ELOOP }, { "..", EXDEV },
		{ "../victim", EXDEV },	 { "dir/../../victim", EXDEV }, { "../new", EXDEV }, { "/", EXDEV },
		{ "/etc", EXDEV },	 { "file", ENOTDIR },	    { "file/x", ENOTDIR }, { "fifo", ENOTDIR },
		{ "none/x", ENOENT },	 { "none/x/y", ENOENT },
	};
	auto_close int root = -1, victim = -1;

	make_tree();
	root = open_dir(in_dir("root"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int fd = mount_target(root, bad[i].path, 0755, &err);

		ck_assert_msg(fd == -bad[i].code, "%s: %d, %s", bad[i].path, fd, err.message);
		ck_has(err.message, bad[i].path);
		if (bad[i].code == ELOOP || bad[i].code == ENOTDIR)
			ck_has(err.hint, "directory");
	}
	victim = open_dir(in_dir("victim"));
	ck_assert_int_lt(faccessat(victim, "x", F_OK, 0), 0);
	ck_assert_int_lt(access(in_dir("new"), F_OK), 0);
	ck_assert_int_lt(access(in_dir("root/nowhere"), F_OK), 0);
	ck_assert_int_lt(access(in_dir("root/none"), F_OK), 0);
}
END_TEST

START_TEST(a_target_that_cannot_be_made_says_why)
{
	auto_close int fd = new_tmpfs(MOUNT_ATTR_RDONLY);

	ck_assert_int_lt(mount_target(fd, "new", 0755, &err), 0);
	ck_has(err.message, "Read-only file system");
}
END_TEST

/* --- ext4 --- */

static bool make_image(struct loop *loop, bool readonly)
{
	const char *image = in_dir("image");
	const char *const argv[] = { "mke2fs", "-q", "-t", "ext4", "-F", image, "4m", NULL };
	const struct tool_run run = { .argv = argv, .keep_fd = -1 };
	auto_close int fd = -1;

	if (access("/dev/loop-control", R_OK | W_OK) < 0 || tool_run(&run, &err) != 0)
		return false;
	fd = open(image, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return loop_attach(fd, readonly, loop, &err) == 0;
}

/* The options of an attached mount. */
static char *mount_line(const char *at)
{
	auto_free char *table = NULL, *word = xasprintf(" %s ", at);

	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 24, &table, NULL), 0);
	for (char *line = strtok(table, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, word))
			return xstrdup(line);
	ck_abort_msg("%s is no mount", at);
	return NULL;
}

START_TEST(ext4_is_mounted_without_devices_and_goes_read_only_on_errors)
{
	struct loop loop;
	auto_free char *line = NULL;
	auto_close int fd = -1;
	struct stat st;

	if (!can_run(make_image(&loop, false), "loop devices and mke2fs"))
		return;
	fd = must(mount_ext4(loop.path, false, true, &err));
	ck_assert(!in_mount_table(loop.path));
	attach_at(fd, "at");
	line = mount_line(in_dir("at"));
	ck_has(line, "nodev");
	ck_has(line, "errors=remount-ro");
	ck_has(line, "discard");
	ck_assert_int_eq(mknod(in_dir("at/null"), S_IFCHR | 0666, makedev(1, 3)), 0);
	ck_assert_int_lt(open(in_dir("at/null"), O_RDONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(fstat(loop.fd, &st), 0);
	close(loop.fd);
	ck_assert_int_eq(umount2(in_dir("at"), MNT_DETACH), 0);
	close_fd(&fd);
	ck_assert_int_eq(stat(in_dir("image"), &st), 0);
	ck_assert_int_eq(loop_wait_free(loop.number, st.st_dev, st.st_ino, 10000), 0);
}
END_TEST

START_TEST(a_read_only_ext4_is_not_written)
{
	struct loop loop;
	auto_close int fd = -1;

	if (!can_run(make_image(&loop, true), "loop devices and mke2fs"))
		return;
	fd = must(mount_ext4(loop.path, true, true, &err));
	ck_assert_int_eq(mkdirat(fd, "x", 0755), -1);
	ck_assert_int_eq(errno, EROFS);
	close(loop.fd);
}
END_TEST

START_TEST(what_is_no_ext4_is_refused)
{
	auto_close int fd = open(in_dir("zeros"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct loop loop;
	bool attached;

	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	attached = loop_attach(fd, false, &loop, &err) == 0;
	if (!can_run(attached, "loop devices"))
		return;
	ck_assert_int_lt(mount_ext4(loop.path, false, false, &err), 0);
	ck_has(err.message, "mount ext4 from /dev/loop");
	close(loop.fd);
}
END_TEST

/* --- the root --- */

static int look_at_new_root(void *arg)
{
	int fd, old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error error = ERROR_NONE;
	char cwd[64];

	if (unshare(CLONE_NEWNS) < 0 || mount_private(&error) < 0)
		return 1;
	fd = open(arg, O_PATH | O_DIRECTORY | O_CLOEXEC);	/* of this mount namespace */
	if (fd < 0 || mount_pivot(fd, &error) < 0)
		return 6;
	if (faccessat(old, "proc/self", F_OK, 0) < 0)	/* the old tree, by its descriptor */
		return 2;
	if (mount_drop_old_root(&error) < 0)
		return 3;
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		return 4;
	if (access("/only", F_OK) < 0 || access("/proc", F_OK) == 0 || access("/..//tmp", F_OK) == 0)
		return 5;
	return 0;
}

START_TEST(a_new_root_is_all_there_is)
{
	auto_close int fd = new_tmpfs(0);

	ck_assert_int_eq(mkdirat(fd, "only", 0755), 0);
	attach_at(fd, "root");
	ck_assert_int_eq(in_child(look_at_new_root, (void *)in_dir("root")), 0);
	ck_assert_int_eq(access("/proc/self", F_OK), 0);	/* not ours */
}
END_TEST

START_TEST(a_directory_that_is_no_mount_cannot_be_the_root)
{
	auto_close int fd = -1;

	make_dir(in_dir("plain"));
	fd = open_dir(in_dir("plain"));
	ck_assert_int_lt(mount_pivot(fd, &err), 0);
	ck_has(err.message, "switch to the rootfs");
}
END_TEST

static int mount_in_private(void *arg)
{
	struct error error = ERROR_NONE;

	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount_private(&error) < 0)
		return 1;
	return mount(SOURCE, in_dir("shared"), "tmpfs", 0, NULL) == 0 ? 0 : 2;
}

START_TEST(what_is_private_is_not_seen_elsewhere)
{
	make_dir(in_dir("shared"));
	ck_assert_int_eq(mount(NULL, test_dir, NULL, MS_SHARED, NULL), 0);
	ck_assert_int_eq(in_child(mount_in_private, NULL), 0);
	ck_assert(!in_mount_table(SOURCE));
}
END_TEST

/* What is left to be reaped in its namespace goes to a subreaper, which may have something else to do. */
START_TEST(who_mounts_the_proc_of_others_does_not_hold_up_their_end)
{
	pid_t pid;
	int pidfd, proc, sys;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWPID | CLONE_NEWNET | SIGCHLD), NULL, NULL, NULL, 0UL);
	while (pid == 0)
		pause();
	ck_assert_int_gt(pid, 0);
	pidfd = must(pidfd_of(pid));
	must(mount_api_of(pidfd, &proc, &sys, &err));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(pidfd_wait(pidfd, 2000), 1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(proc);
	close(sys);
	close(pidfd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/mount");
	TCase *tests = tcase_create("mount");
	int skipped = skip_without_root("mounts");

	if (skipped >= 0)
		return skipped;
	tcase_add_checked_fixture(tests, setup, mounts_teardown);
	tcase_add_test(tests, a_new_mount_is_in_no_table_until_it_is_attached);
	tcase_add_test(tests, a_detached_mount_goes_with_its_descriptor);
	tcase_add_test(tests, options_and_attributes_are_the_file_systems);
	tcase_add_test(tests, what_the_kernel_says_is_in_the_message);
	tcase_add_test(tests, a_device_on_a_nodev_mount_is_not_opened);
	tcase_add_test(tests, attributes_can_be_added_later_and_below);
	tcase_add_test(tests, a_copy_has_what_is_below_when_it_is_recursive);
	tcase_add_test(tests, attaching_fails_where_it_cannot_be);
	tcase_add_test(tests, a_mapped_mount_shows_the_containers_ids);
	tcase_add_test(tests, a_target_is_opened_or_made);
	tcase_add_test(tests, a_target_never_follows_a_link);
	tcase_add_test(tests, a_target_that_cannot_be_made_says_why);
	tcase_add_test(tests, ext4_is_mounted_without_devices_and_goes_read_only_on_errors);
	tcase_add_test(tests, a_read_only_ext4_is_not_written);
	tcase_add_test(tests, what_is_no_ext4_is_refused);
	tcase_add_test(tests, a_new_root_is_all_there_is);
	tcase_add_test(tests, a_directory_that_is_no_mount_cannot_be_the_root);
	tcase_add_test(tests, what_is_private_is_not_seen_elsewhere);
	tcase_add_test(tests, who_mounts_the_proc_of_others_does_not_hold_up_their_end);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
