/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "store/shift.h"

#define BASE 1000000000U
#define CAPABILITY "security.capability"
#define ACL "system.posix_acl_access"

static int top = -1;

static bool ready(void)
{
	return can_run(geteuid() == 0, "root");
}

static void setup(void)
{
	auto_free char *dir = NULL;

	install_setup();
	dir = xasprintf("%s/tree", test_dir);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(top, 0);
}

static void teardown(void)
{
	close_fd(&top);
	install_teardown();
}

static void make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	auto_close int fd = openat(top, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchown(fd, uid, gid), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
}

static void owned(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_msg(st.st_uid == uid && st.st_gid == gid && (st.st_mode & 07777) == mode,
		      "%s: %u:%u %04o instead of %u:%u %04o", name, st.st_uid, st.st_gid, st.st_mode & 07777, uid, gid, mode);
}

static void move(uint32_t from, uint32_t to, uint32_t count)
{
	struct shift shift = { from, to, count };
	struct error err = ERROR_NONE;

	ck_assert_msg(shift_tree(top, &shift, &err) == 0, "%s", err.message);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/tree/%s", test_dir, name);
}

START_TEST(an_id_beyond_the_range_becomes_nobodys)
{
	struct shift shift = { 0, BASE, 65536 }, back = { BASE, 0, 65536 }, small = { 0, BASE, 1000 };

	ck_assert_uint_eq(shift_id(&shift, 0), BASE);
	ck_assert_uint_eq(shift_id(&shift, 65535), BASE + 65535);
	ck_assert_uint_eq(shift_id(&shift, 65536), BASE + 65534);
	ck_assert_uint_eq(shift_id(&shift, BASE - 1), BASE + 65534);
	ck_assert_uint_eq(shift_id(&shift, BASE + 7), BASE + 7);
	ck_assert_uint_eq(shift_id(&shift, BASE + 65536), BASE + 65534);
	ck_assert_uint_eq(shift_id(&back, BASE + 7), 7);
	ck_assert_uint_eq(shift_id(&small, 1000), BASE + 999);
}
END_TEST

START_TEST(owners_move_and_modes_stay)
{
	if (!ready())
		return;
	make("plain", 0, 5, 0644);
	make("su", 0, 0, 04755);
	make("wall", 0, 5, 02755);
	make("alien", 70000, 0, 0600);
	ck_assert_int_eq(mkdirat(top, "dir", 0755), 0);
	make("dir/inner", 1000, 1000, 0600);
	ck_assert_int_eq(symlinkat("/etc/passwd", top, "link"), 0);
	ck_assert_int_eq(linkat(top, "su", top, "hard", 0), 0);
	ck_assert_int_eq(mkfifoat(top, "fifo", 0600), 0);
	move(0, BASE, 65536);
	owned("plain", BASE, BASE + 5, 0644);
	owned("su", BASE, BASE, 04755);
	owned("hard", BASE, BASE, 04755);
	owned("wall", BASE, BASE + 5, 02755);
	owned("alien", BASE + 65534, BASE, 0600);
	owned("dir", BASE, BASE, 0755);
	owned("dir/inner", BASE + 1000, BASE + 1000, 0600);
	owned("link", BASE, BASE, 0777);
	owned("fifo", BASE, BASE, 0600);
	owned(".", BASE, BASE, 0755);
}
END_TEST

START_TEST(doing_it_again_ends_what_was_cut_off)
{
	if (!ready())
		return;
	make("moved", BASE + 3, BASE, 04755);
	make("not", 3, 0, 04755);
	move(0, BASE, 65536);
	owned("moved", BASE + 3, BASE, 04755);
	owned("not", BASE + 3, BASE, 04755);
	move(BASE, BASE + 65536, 65536);
	owned("not", BASE + 65536 + 3, BASE + 65536, 04755);
	move(BASE + 65536, 0, 65536);
	owned("not", 3, 0, 04755);
	owned(".", 0, 0, 0755);
}
END_TEST

START_TEST(a_tree_is_deeper_than_there_are_descriptors)
{
	struct rlimit before, few = { .rlim_cur = 32 };
	struct stat st;
	int fd = openat(top, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!ready())
		return;
	for (int i = 0; i < 1500; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0755) | mkdirat(fd, "beside", 0755), 0);
		ck_assert_int_eq(mknodat(fd, "file", S_IFREG | 0644, 0), 0);
		next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(fd);
		fd = next;
	}
	close(fd);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	move(0, BASE, 65536);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	fd = openat(top, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1500; i++) {
		int next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		static const char *const names[] = { "d", "beside", "file" };

		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			ck_assert_int_eq(fstatat(fd, names[k], &st, 0), 0);
			ck_assert_msg(st.st_uid == BASE && st.st_gid == BASE, "%s in level %d: %u", names[k], i, st.st_uid);
		}
		close(fd);
		fd = next;
	}
	close(fd);
	owned(".", BASE, BASE, 0755);
}
END_TEST

START_TEST(capabilities_become_those_of_the_ranges_root)
{
	struct vfs_cap_data own = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
				    .data = { { .permitted = 1U << CAP_NET_RAW } } };
	struct vfs_ns_cap_data got = { 0 };
	auto_free char *path = path_of("ping");

	if (!ready())
		return;
	make("ping", 0, 0, 0755);
	ck_assert_int_eq(setxattr(path, CAPABILITY, &own, XATTR_CAPS_SZ_2, 0), 0);
	move(0, BASE, 65536);
	ck_assert_int_eq(getxattr(path, CAPABILITY, &got, sizeof(got)), XATTR_CAPS_SZ_3);
	ck_assert_uint_eq(got.rootid, BASE);
	ck_assert_uint_eq(got.data[0].permitted, 1U << CAP_NET_RAW);
	ck_assert_uint_eq(got.magic_etc, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
	move(BASE, BASE + 65536, 65536);
	ck_assert_int_eq(getxattr(path, CAPABILITY, &got, sizeof(got)), XATTR_CAPS_SZ_3);
	ck_assert_uint_eq(got.rootid, BASE + 65536);
	move(BASE + 65536, 0, 65536);
	ck_assert_int_eq(getxattr(path, CAPABILITY, &got, sizeof(got)), XATTR_CAPS_SZ_2);
	ck_assert_uint_eq(got.data[0].permitted, 1U << CAP_NET_RAW);
}
END_TEST

START_TEST(access_control_lists_name_the_new_ids)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = { { POSIX_ACL_XATTR_VERSION },
		  { { ACL_USER_OBJ, 6, ACL_UNDEFINED_ID },
		    { ACL_USER, 4, 1000 },
		    { ACL_GROUP_OBJ, 4, ACL_UNDEFINED_ID },
		    { ACL_MASK, 4, ACL_UNDEFINED_ID },
		    { ACL_OTHER, 0, ACL_UNDEFINED_ID } } }, got;
	auto_free char *path = path_of("journal");

	if (!ready())
		return;
	make("journal", 0, 4, 0640);
	if (!can_run(setxattr(path, ACL, &acl, sizeof(acl), 0) == 0, "access control lists in /tmp"))
		return;
	move(0, BASE, 65536);
	ck_assert_int_eq(getxattr(path, ACL, &got, sizeof(got)), sizeof(got));
	ck_assert_uint_eq(got.entries[1].e_tag, ACL_USER);
	ck_assert_uint_eq(got.entries[1].e_id, BASE + 1000);
	ck_assert_uint_eq(got.entries[1].e_perm, 4);
	ck_assert_uint_eq(got.entries[2].e_id, (uint32_t)ACL_UNDEFINED_ID);
	owned("journal", BASE, BASE + 4, 0640);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/shift");
	TCase *tests = tcase_create("shift");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_id_beyond_the_range_becomes_nobodys);
	tcase_add_test(tests, owners_move_and_modes_stay);
	tcase_add_test(tests, doing_it_again_ends_what_was_cut_off);
	tcase_add_test(tests, a_tree_is_deeper_than_there_are_descriptors);
	tcase_add_test(tests, capabilities_become_those_of_the_ranges_root);
	tcase_add_test(tests, access_control_lists_name_the_new_ids);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
