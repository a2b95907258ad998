/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test has a mount namespace of its own, and layers that are tmpfs. */
#include "testing.h"

#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "os/bare_mounts.h"
#include "os/idmap.h"
#include "os/mount.h"
#include "os/overlay.h"

#define OWNER 1000000

static struct error err;
static int lower = -1, upper = -1;

/* An attached one, so that it can be copied. */
static int new_layer(const char *name)
{
	static const char *const options[] = { "mode=0755", "size=1m", "nr_inodes=100", NULL };
	auto_close int fd = must(mount_new("tmpfs", "layer", options, 0, &err)), target = -1;

	ck_assert_int_eq(mkdir(in_dir(name), 0755), 0);
	target = open_dir(in_dir(name));
	must(mount_attach(fd, target, &err));
	return take_fd(&fd);
}

static void put(int dir, const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "create %s: %m", name);
	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
}

static void holds(int dir, const char *name, const char *text)
{
	auto_free char *got = NULL;
	size_t n;

	ck_assert_msg(read_file_at(dir, name, 4096, &got, &n) == 0, "read %s", name);
	ck_assert_str_eq(got, text);
}

static bool there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int bare = -1;	/* the mounts to begin with; -1: a copy of our own */

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	mounts_setup();
	ck_assert_int_eq(mkdir(in_dir("at"), 0755), 0);
	lower = new_layer("lower");
	upper = new_layer("upper");
	put(lower, "file", "below");
	ck_assert_int_eq(mkdirat(lower, "dir", 0755), 0);
	put(lower, "dir/in", "below");
	ck_assert_int_eq(mkdirat(upper, OVERLAY_UPPER, 0755), 0);
	ck_assert_int_eq(mkdirat(upper, OVERLAY_WORK, 0755), 0);
}

static void teardown(void)
{
	close_fd(&lower);
	close_fd(&upper);
	mounts_teardown();
}

/* The layers as their ids are on disk, or with those of a map. */
static int mount_mapped(bool readonly, int userns, uid_t owner)
{
	auto_close int below = must(mount_clone(lower, "", false, &err)), above = must(mount_clone(upper, "", false, &err));
	const struct overlay overlay = { below, above, readonly, owner, bare, in_dir("at") };

	if (userns >= 0 && (mount_idmap(below, userns, &err) < 0 || mount_idmap(above, userns, &err) < 0))
		return -ENOTSUP;
	return overlay_mount(&overlay, &err);
}

static int mount_it(bool readonly)
{
	return mount_mapped(readonly, -1, 0);
}

START_TEST(what_is_written_lies_above_and_what_is_below_stays)
{
	auto_close int fd = must(mount_it(false));
	auto_close int file = -1;
	struct statvfs vfs;

	ck_assert(!in_mount_table("overlay overlay"));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	holds(fd, "file", "below");
	file = openat(fd, "file", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(write_all(file, "above", 5), 0);
	holds(fd, "file", "above");
	holds(lower, "file", "below");
	holds(upper, OVERLAY_UPPER "/file", "above");
	ck_assert_int_eq(unlinkat(fd, "dir/in", 0), 0);
	ck_assert(!there(fd, "dir/in"));
	ck_assert(there(lower, "dir/in"));
	ck_assert_int_eq(fstatvfs(fd, &vfs), 0);
	ck_assert(vfs.f_flag & ST_NODEV);
	ck_assert(!(vfs.f_flag & (ST_RDONLY | ST_NOSUID)));
}
END_TEST

START_TEST(a_directory_of_the_layer_below_can_be_renamed)
{
	auto_close int fd = must(mount_it(false));

	ck_assert_int_eq(renameat(fd, "dir", fd, "other"), 0);
	ck_assert(!there(fd, "dir"));
	holds(fd, "other/in", "below");
}
END_TEST

START_TEST(it_is_one_file_system)
{
	auto_close int fd = must(mount_it(false));
	struct stat below, above;

	put(fd, "new", "");
	ck_assert_int_eq(fstatat(fd, "file", &below, 0) | fstatat(fd, "new", &above, 0), 0);
	ck_assert_int_eq(below.st_dev, above.st_dev);
}
END_TEST

START_TEST(one_that_is_read_only_shows_what_was_written_before)
{
	auto_close int fd = must(mount_it(false)), again = -1;
	struct statvfs vfs;

	put(fd, "new", "above");
	ck_assert_int_eq(unlinkat(fd, "file", 0), 0);
	close_fd(&fd);
	again = must(mount_it(true));
	holds(again, "new", "above");
	holds(again, "dir/in", "below");
	ck_assert(!there(again, "file"));
	ck_assert_int_eq(fstatvfs(again, &vfs), 0);
	ck_assert(vfs.f_flag & ST_RDONLY);
	ck_assert_int_lt(openat(again, "x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), 0);
	ck_assert_int_eq(errno, EROFS);
}
END_TEST

START_TEST(the_ids_of_the_layers_are_seen_and_written)
{
	const struct idmap map = { 0, OWNER, 65536 };
	auto_close int userns = must(userns_create(&map, &err)), fd = mount_mapped(false, userns, OWNER);
	struct stat st;

	if (!can_run(fd != -ENOTSUP, "idmapped mounts of tmpfs (Linux 6.3)"))
		return;
	must(fd);
	ck_assert_int_eq(fstatat(fd, "file", &st, 0), 0);
	ck_assert_int_eq(st.st_uid, OWNER);
	ck_assert_int_eq(fchownat(fd, "file", OWNER + 7, OWNER + 8, 0), 0);
	holds(fd, "file", "below");
	ck_assert_int_eq(fstatat(upper, OVERLAY_UPPER "/file", &st, 0), 0);
	ck_assert_int_eq(st.st_uid, 7);
	ck_assert_int_eq(st.st_gid, 8);
	ck_assert_int_eq(fstatat(upper, OVERLAY_WORK "/work", &st, 0), 0);
	ck_assert_int_eq(st.st_uid, 0);
	ck_assert_int_eq(geteuid(), 0);
}
END_TEST

START_TEST(nothing_read_only_comes_unasked)
{
	int before = count_fds();

	/* the kernel would mount it all the same, and say so in its log */
	ck_assert_int_eq(unlinkat(upper, OVERLAY_WORK, AT_REMOVEDIR), 0);
	ck_assert_int_lt(mount_it(false), 0);
	ck_assert_int_ne(err.message[0], '\0');
	ck_assert_int_eq(mkdirat(upper, OVERLAY_WORK, 0755), 0);
	for (int i = 0; i < 200; i++) {	/* no inode is left for what it has to make */
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "%d", i);
		fd = openat(upper, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	ck_assert_int_lt(mount_it(false), 0);
	ck_assert_int_eq(count_fds(), before);
	no_child_is_left();
}
END_TEST

static void setup_bare(void)
{
	stay_on_this_cpu();
	setup();
	bare = must(bare_mounts_make(in_dir("bare"), &err));
}

static void add_all(TCase *tests)
{
	tcase_add_test(tests, what_is_written_lies_above_and_what_is_below_stays);
	tcase_add_test(tests, a_directory_of_the_layer_below_can_be_renamed);
	tcase_add_test(tests, it_is_one_file_system);
	tcase_add_test(tests, one_that_is_read_only_shows_what_was_written_before);
	tcase_add_test(tests, the_ids_of_the_layers_are_seen_and_written);
	tcase_add_test(tests, nothing_read_only_comes_unasked);
}

int main(void)
{
	Suite *suite = suite_create("os/overlay");
	TCase *tests = tcase_create("overlay"), *bare_tests = tcase_create("bare mounts");
	int skipped = skip_without_root("mounts");

	if (skipped >= 0)
		return skipped;
	tcase_add_checked_fixture(tests, setup, teardown);
	add_all(tests);
	tcase_add_checked_fixture(bare_tests, setup_bare, teardown);
	add_all(bare_tests);
	suite_add_tcase(suite, bare_tests);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
