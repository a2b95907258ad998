/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "os/process.h"
#include "store/configure.h"
#include "store/guest.h"
#include "store/image.h"
#include "store/rootfs.h"
#include "store/superblock.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static struct container box;

static bool ready(void)
{
	return can_run(geteuid() == 0 && access("/dev/loop-control", F_OK) == 0 && access("/usr/sbin/mke2fs", X_OK) == 0,
		       "root, loop devices and mke2fs");
}

static char *image_path(void)
{
	return xasprintf("%s/box/rootfs.img", test_dir);
}

static int tool(const char *name, const char *option, const char *more)
{
	auto_free char *path = image_path(), *output = NULL;
	const char *argv[] = { name, option, more ? more : path, more ? path : NULL, NULL };
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };
	struct error err = ERROR_NONE;

	return tool_run(&run, &err);
}

static void setup(void)
{
	auto_free char *dir = NULL, *path = NULL;

	install_setup();
	dir = xasprintf("%s/box", test_dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	box = (struct container)CONTAINER_EMPTY;
	box.install = &install;
	box.name = xstrdup("box");
	box.dir = xstrdup(dir);
	box.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	config_init(&box.config);
	host_config_init(&box.host);
	path = image_path();
	write_file("box/rootfs.img", "", 0600);
	ck_assert_int_eq(truncate(path, 64 << 20), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(tool("mke2fs", "-qFj", "-Oextents,64bit,metadata_csum,metadata_csum_seed"), 0);
}

static void teardown(void)
{
	container_close(&box);
	install_teardown();
}

static void close_and_wait(struct rootfs *rootfs)
{
	rootfs_close(rootfs);
	ck_assert_int_eq(loop_wait_free(rootfs->loop.number, rootfs->device, rootfs->inode, 5000), 0);
}

static void refused(const char *message, const char *hint, int status)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	struct error err = ERROR_NONE;

	ck_assert_int_lt(rootfs_open(&box, false, &rootfs, &err), 0);
	ck_has(err.message, message);
	ck_has(err.hint, hint);
	ck_assert_int_eq(error_exit_status(&err), status);
}

START_TEST(an_image_is_mounted_where_nobody_sees_it)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	struct error err = ERROR_NONE;
	auto_free char *mounts = NULL;
	auto_close int fd = -1;

	if (!ready())
		return;
	ck_assert_msg(rootfs_open(&box, false, &rootfs, &err) == 0, "%s", err.message);
	fd = openat(rootfs.mount_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, NULL), 0);
	ck_has_not(mounts, rootfs.loop.path);
	close_and_wait(&rootfs);
	ck_assert_msg(rootfs_open(&box, true, &rootfs, &err) == 0, "%s", err.message);
	ck_assert_int_eq(faccessat(rootfs.mount_fd, "file", F_OK, 0), 0);
	ck_assert_int_lt(openat(rootfs.mount_fd, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), 0);
	close_and_wait(&rootfs);
}
END_TEST

/* A loop device has the inode of what it is given written to the disk, and waits for that. */
START_TEST(to_read_an_image_changes_nothing_of_its_inode)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_nsec = UTIME_OMIT } };
	struct rootfs rootfs = ROOTFS_EMPTY;
	auto_free char *path = image_path();
	struct error err = ERROR_NONE;
	struct stat st;

	if (!ready())
		return;
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ck_assert_int_eq(rootfs_check_ms(&box), 0);
	ck_assert(rootfs_is_quick(&box));
	ck_assert_msg(rootfs_open(&box, true, &rootfs, &err) == 0, "%s", err.message);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_atime, 1000);
	close_and_wait(&rootfs);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_atime, 1000);
}
END_TEST

START_TEST(an_image_is_mounted_once)
{
	struct rootfs first = ROOTFS_EMPTY;
	struct error err = ERROR_NONE;

	if (!ready())
		return;
	ck_assert_int_eq(rootfs_in_use(&box, &err), 0);
	ck_assert_msg(rootfs_open(&box, false, &first, &err) == 0, "%s", err.message);
	refused("in use", "losetup -j", STATUS_STATE);
	/* The mount alone keeps it: its opener may be gone. */
	close_fd(&first.lock_fd);
	close_fd(&first.loop.fd);
	ck_assert_int_eq(rootfs_in_use(&box, &err), 1);
	refused("in use", "losetup -j", STATUS_STATE);
	close_and_wait(&first);
	ck_assert_int_eq(rootfs_in_use(&box, &err), 0);
}
END_TEST

START_TEST(wrong_images_are_refused_with_a_hint)
{
	auto_free char *path = image_path(), *link = xasprintf("%s/box/link", test_dir);

	if (!ready())
		return;
	ck_assert_int_eq(truncate(path, 1 << 20), 0);
	refused("cut off", "truncate -s 67108864", STATUS_FAILED);
	ck_assert_int_eq(truncate(path, 0) | truncate(path, 64 << 20), 0);
	refused("no ext4", "e2fsck -b", STATUS_FAILED);
	ck_assert_int_eq(chmod(path, 0666), 0);
	refused("others may write", "chmod go-w", STATUS_FAILED);
	ck_assert_int_eq(symlink("rootfs.img", link), 0);
	free(box.config.rootfs.image);
	box.config.rootfs.image = xstrdup("link");
	refused("open the image", "it is a link", STATUS_FAILED);
	free(box.config.rootfs.image);
	box.config.rootfs.image = xstrdup("nowhere");
	refused("No such file", "create it anew", STATUS_FAILED);
}
END_TEST

/* As after a power cut: a copy of what is mounted. */
START_TEST(an_image_of_a_crash_is_mended)
{
	auto_free char *path = image_path(), *copy = xasprintf("%s/copy", test_dir);
	auto_close int from = -1, to = -1, file = -1;
	struct rootfs rootfs = ROOTFS_EMPTY;
	struct error err = ERROR_NONE;
	struct superblock sb;

	if (!ready())
		return;
	ck_assert_msg(rootfs_open(&box, false, &rootfs, &err) == 0, "%s", err.message);
	file = openat(rootfs.mount_fd, "synced", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(write_all(file, "data", 4), 0);
	ck_assert_int_eq(fsync(file), 0);
	close_fd(&file);
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_msg(image_copy_file(from, to, &err) == 0, "%s", err.message);
	close_and_wait(&rootfs);
	ck_assert_int_eq(superblock_read(to, &sb), 0);
	ck_assert(sb.needs_recovery);
	ck_assert_int_eq(rename(copy, path), 0);
	ck_assert_msg(rootfs_open(&box, false, &rootfs, &err) == 0, "%s", err.message);
	ck_assert_int_eq(faccessat(rootfs.mount_fd, "synced", F_OK, 0), 0);
	close_and_wait(&rootfs);
	ck_assert_int_eq(tool("e2fsck", "-fn", NULL), 0);
}
END_TEST

START_TEST(free_space_goes_back_to_the_host)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	struct error err = ERROR_NONE;
	uint64_t size, used, after, bytes, mounted;
	auto_close int fd = -1;
	auto_free char *data = xcalloc(1, 16 << 20);

	if (!ready())
		return;
	box.config.rootfs.discard = DISCARD_NO;
	memset(data, 'x', 16 << 20);
	ck_assert_msg(rootfs_open(&box, false, &rootfs, &err) == 0, "%s", err.message);
	fd = openat(rootfs.mount_fd, "big", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(write_all(fd, data, 16 << 20), 0);
	ck_assert_int_eq(syncfs(fd), 0);
	close_fd(&fd);
	rootfs_usage(&box, &size, &used);
	ck_assert_uint_eq(size, 64 << 20);
	ck_assert_uint_ge(used, 16 << 20);
	ck_assert_int_eq(unlinkat(rootfs.mount_fd, "big", 0), 0);
	fd = openat(rootfs.mount_fd, ".", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(syncfs(fd), 0);
	mounted = rootfs_to_give(&box, fd);
	ck_assert_uint_ge(mounted, 15 << 20);
	ck_assert_uint_le(mounted, 32 << 20);
	close_fd(&fd);
	close_and_wait(&rootfs);
	ck_assert_uint_ge(rootfs_to_give(&box, -1), 15 << 20);
	ck_assert_uint_le(rootfs_to_give(&box, -1), 32 << 20);
	ck_assert_msg(rootfs_open(&box, false, &rootfs, &err) == 0, "%s", err.message);
	ck_assert_msg(rootfs_trim(rootfs.mount_fd, &bytes, &err) == 0, "%s", err.message);
	close_and_wait(&rootfs);
	rootfs_usage(&box, &size, &after);
	ck_assert_uint_le(after + (15 << 20), used);
	ck_assert_uint_lt(rootfs_to_give(&box, -1), 15 << 20);
}
END_TEST

START_TEST(a_new_uuid_leaves_the_file_system_valid)
{
	auto_free char *path = image_path();
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

	if (!ready())
		return;
	ck_assert_int_eq(superblock_rename(fd, UUID, "sysct-11111111"), 0);
	ck_assert_int_eq(superblock_rename(fd, "not a uuid", "x"), -EINVAL);
	close_fd(&fd);
	ck_assert_int_eq(tool("e2fsck", "-fn", NULL), 0);
}
END_TEST

/* --- configure: every file is a trap --- */

static char *in_tree(const char *name)
{
	return xasprintf("%s/tree/%s", test_dir, name);
}

static void tree(const char *const *dirs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *path = in_tree(dirs[i]);

		ck_assert_int_eq(make_dirs(path, 0755), 0);
	}
}

START_TEST(configure_never_follows_a_link_out)
{
	static const char *const dirs[] = { "etc/ssh", "sbin", "var/lib/dbus" };
	auto_free char *canary = xasprintf("%s/canary", test_dir), *text = NULL, *path = NULL;
	static const char *const names[] = { "etc/hostname", "etc/hosts", "etc/machine-id", "var/lib/dbus/machine-id" };
	struct configure what = { .name = "box", .uuid = UUID, .init = "/sbin/init" };
	struct error err = ERROR_NONE;
	char kind[16];
	auto_close int root = -1;
	struct stat st;

	tree(dirs, ARRAY_SIZE(dirs));
	write_file("canary", "untouched", 0600);
	write_file("tree/sbin/init", "", 0755);
	write_file("tree/etc/ssh/ssh_host_rsa_key", "", 0600);
	write_file("tree/etc/ssh/sshd_config", "", 0600);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *trap = in_tree(names[i]);

		ck_assert_int_eq(symlink(canary, trap), 0);
	}
	path = in_tree("");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(configure_root(root, &what, kind, &err) == 0, "%s", err.message);
	ck_assert_str_eq(kind, "unknown");
	ck_assert_int_eq(read_file_at(AT_FDCWD, canary, 100, &text, NULL), 0);
	ck_assert_str_eq(text, "untouched");
	free(take_ptr(&text));
	ck_assert_int_eq(read_file_at(root, "etc/hosts", 4096, &text, NULL), 0);
	ck_has(text, "127.0.1.1\tbox\n");
	ck_has(text, HOSTS_BEGIN "\n" HOSTS_END "\n");
	ck_assert_int_lt(faccessat(root, "etc/ssh/ssh_host_rsa_key", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(root, "etc/ssh/sshd_config", F_OK, 0), 0);
	ck_assert_int_eq(fstatat(root, "etc/resolv.conf", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

static void ck_in_etc(int root, const char *name, const char *expected)
{
	auto_free char *text = NULL, *path = xasprintf("etc/%s", name);

	ck_assert_int_eq(read_file_at(root, path, 4096, &text, NULL), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(a_new_host_name_is_written_where_the_old_one_was_ours)
{
	static const char *const dirs[] = { "etc" };
	struct configure what = { .name = "box" };
	struct error err = ERROR_NONE;
	auto_free char *path = NULL, *trap = NULL, *canary = xasprintf("%s/canary", test_dir), *text = NULL;
	auto_close int root = -1;

	tree(dirs, ARRAY_SIZE(dirs));
	write_file("tree/etc/hostname", "box\n", 0644);
	write_file("tree/etc/hosts", "# 127.0.1.1\tbox\n127.0.1.1\tbox\n192.0.2.1 mine\n", 0644);
	path = in_tree("");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* of an earlier sysct: what it wrote is not known, and that nobody has changed it is seen */
	what.hostname = "new.example";
	ck_assert_msg(configure_rename(root, NULL, NULL, &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "new.example\n");
	ck_in_etc(root, "hosts", "# 127.0.1.1\tbox\n127.0.1.1\tnew.example new box\n192.0.2.1 mine\n");
	/* somebody inside has */
	write_file("tree/etc/hostname", "chosen\n", 0644);
	ck_assert_msg(configure_rename(root, NULL, NULL, &what, &err) == 0, "%s", err.message);
	ck_assert_msg(configure_rename(root, "new.example", NULL, &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "chosen\n");
	/* the configuration has changed since */
	what.hostname = NULL;
	ck_assert_msg(configure_rename(root, "new.example", NULL, &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "box\n");
	ck_in_etc(root, "hosts", "# 127.0.1.1\tbox\n127.0.1.1\tbox\n192.0.2.1 mine\n");
	/* starts were cut off: after writing one file, and before; it is as it was, then, or a third name */
	write_file("tree/etc/hostname", "second\n", 0644);
	ck_assert_msg(configure_rename(root, "box", "second", &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "box\n");
	ck_in_etc(root, "hosts", "# 127.0.1.1\tbox\n127.0.1.1\tbox\n192.0.2.1 mine\n");
	write_file("tree/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tsecond box\n192.0.2.1 mine\n", 0644);
	what.hostname = "third";
	ck_assert_msg(configure_rename(root, "box", "first second third", &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "third\n");
	ck_in_etc(root, "hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tthird box\n192.0.2.1 mine\n");
	write_file("tree/etc/hostname", "second\n", 0644);
	ck_assert_msg(configure_rename(root, NULL, "second third", &what, &err) == 0, "%s", err.message);
	ck_in_etc(root, "hostname", "third\n");
	/* a line of its own stays, a link leads nowhere, and what is not there is not made */
	write_file("canary", "untouched", 0600);
	write_file("tree/etc/hosts", "127.0.1.1 box\n", 0644);
	trap = in_tree("etc/hostname");
	ck_assert_int_eq(unlink(trap), 0);
	ck_assert_int_eq(symlink(canary, trap), 0);
	what.hostname = "other";
	ck_assert_msg(configure_rename(root, "box", NULL, &what, &err) == 0, "%s", err.message);
	ck_assert_int_eq(read_file_at(AT_FDCWD, canary, 100, &text, NULL), 0);
	ck_assert_str_eq(text, "untouched");
	ck_in_etc(root, "hosts", "127.0.1.1 box\n");
	ck_assert_int_eq(unlink(trap), 0);
	ck_assert_msg(configure_rename(root, "box", NULL, &what, &err) == 0, "%s", err.message);
	ck_assert_int_lt(faccessat(root, "etc/hostname", F_OK, 0), 0);
}
END_TEST

START_TEST(a_rootfs_without_init_is_refused)
{
	static const char *const dirs[] = { "etc", "sbin" };
	struct configure what = { .name = "box", .uuid = UUID, .init = "/sbin/init --x" };
	struct error err = ERROR_NONE;
	auto_free char *path = NULL, *init = NULL;
	auto_close int root = -1;
	char kind[16];

	tree(dirs, ARRAY_SIZE(dirs));
	path = in_tree("");
	init = in_tree("sbin/init");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_lt(configure_root(root, &what, kind, &err), 0);
	ck_has(err.message, "init missing in the rootfs");
	ck_assert_int_eq(symlink("/bin/sh", init), 0);	/* the host has it, the rootfs has not */
	ck_assert_int_lt(configure_root(root, &what, kind, &err), 0);
	ck_has(err.message, "init missing");
}
END_TEST

START_TEST(inits_are_known_by_what_they_are)
{
	static const char *const dirs[] = { "etc", "sbin", "bin", "usr/lib/systemd" };
	auto_free char *path = NULL, *init = NULL;
	auto_close int root = -1;
	char kind[16];

	tree(dirs, ARRAY_SIZE(dirs));
	path = in_tree("");
	init = in_tree("sbin/init");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rootfs_detect_init(root, kind);
	ck_assert_str_eq(kind, "unknown");
	write_file("tree/usr/lib/systemd/systemd", "", 0755);
	write_file("tree/bin/busybox", "", 0755);
	ck_assert_int_eq(symlink("/usr/lib/systemd/systemd", init), 0);
	rootfs_detect_init(root, kind);
	ck_assert_str_eq(kind, "systemd");
	ck_assert_int_eq(unlink(init) | symlink("/bin/busybox", init), 0);
	rootfs_detect_init(root, kind);
	ck_assert_str_eq(kind, "busybox");
	write_file("tree/etc/inittab", "", 0644);
	write_file("tree/sbin/openrc", "", 0755);
	rootfs_detect_init(root, kind);
	ck_assert_str_eq(kind, "openrc");
}
END_TEST

/* What the container says of /tmp counts. */
START_TEST(its_own_tmp_is_found)
{
	static const char *const dirs[] = { "etc/systemd/system", "usr/local/lib/systemd/system" };
	static const struct {
		const char *fstab;
		bool found;
	} cases[] = {
		{ "# nothing\n", false },
		{ "#/dev/vda\t/tmp ext4\n/dev/vdb /var/tmp ext4\n/tmp /srv none bind\ntmpfs /tmpfs tmpfs\n", false },
		{ "proc /proc proc\n  /data/tmp\t /tmp none bind 0 0\n", true },
		{ "tmpfs /tmp/ tmpfs size=1G", true },
	};
	auto_free char *path = NULL, *unit = NULL, *fstab = NULL;
	auto_close int root = -1;

	tree(dirs, ARRAY_SIZE(dirs));
	path = in_tree("");
	unit = in_tree("etc/systemd/system/tmp.mount");
	fstab = in_tree("etc/fstab");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert(!guest_has_own_tmp(root));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file("tree/etc/fstab", cases[i].fstab, 0644);
		ck_assert_msg(guest_has_own_tmp(root) == cases[i].found, "%s", cases[i].fstab);
	}
	ck_assert_int_eq(unlink(fstab) | mkfifo(fstab, 0644), 0);
	ck_assert(guest_has_own_tmp(root));
	ck_assert_int_eq(unlink(fstab), 0);
	ck_assert(!guest_has_own_tmp(root));
	ck_assert_int_eq(symlink("/dev/null", unit), 0);
	ck_assert(guest_has_own_tmp(root));
	ck_assert_int_eq(unlink(unit), 0);
	write_file("tree/usr/local/lib/systemd/system/tmp.mount", "[Mount]\n", 0644);
	ck_assert(guest_has_own_tmp(root));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/rootfs");
	TCase *image = tcase_create("image"), *inside = tcase_create("configure");

	tcase_add_checked_fixture(image, setup, teardown);
	tcase_add_test(image, an_image_is_mounted_where_nobody_sees_it);
	tcase_add_test(image, to_read_an_image_changes_nothing_of_its_inode);
	tcase_add_test(image, an_image_is_mounted_once);
	tcase_add_test(image, wrong_images_are_refused_with_a_hint);
	tcase_add_test(image, an_image_of_a_crash_is_mended);
	tcase_add_test(image, free_space_goes_back_to_the_host);
	tcase_add_test(image, a_new_uuid_leaves_the_file_system_valid);
	tcase_add_checked_fixture(inside, install_setup, install_teardown);
	tcase_add_test(inside, configure_never_follows_a_link_out);
	tcase_add_test(inside, a_new_host_name_is_written_where_the_old_one_was_ours);
	tcase_add_test(inside, a_rootfs_without_init_is_refused);
	tcase_add_test(inside, its_own_tmp_is_found);
	tcase_add_test(inside, inits_are_known_by_what_they_are);
	suite_add_tcase(suite, image);
	suite_add_tcase(suite, inside);
	return run_suite(suite);
}
