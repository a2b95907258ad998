/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who stands on what, and when it goes. What is mounted is shown by tests/integration/linked-*.sh. */
#include "testing.h"

#include "store/linked.h"
#include "store/superblock.h"

#define BASE "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"

static void make(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", test_dir, name);

	ck_assert_int_eq(make_dirs(path, 0700), 0);
}

static bool there(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", test_dir, name);

	return access(path, F_OK) == 0;
}

static void box(const char *name, const char *identity)
{
	auto_free char *dir = xasprintf("state/containers/%s", name);
	auto_free char *file = xasprintf("%s/identity", dir);

	make(dir);
	write_file(file, identity, 0600);
}

static void base(const char *uuid)
{
	auto_free char *dir = xasprintf("state/bases/%s", uuid);
	auto_free char *file = xasprintf("%s/rootfs.img", dir);

	make(dir);
	write_file(file, "x", 0600);
}

static int drop(const char *uuid)
{
	struct error err = ERROR_NONE;
	int r = linked_drop(&install, uuid, &err);

	ck_assert_msg(r >= 0, "%s", err.message);
	return r;
}

START_TEST(users_are_those_that_name_it)
{
	auto_strings struct strings users = STRINGS_EMPTY;
	auto_free char *text = NULL;

	box("b", "uuid=x\nbase=" BASE "\n");
	box("a", "base=" BASE "\n");
	box(".create-x", "base=" BASE "\n");
	box("other", "base=" OTHER "\n");
	box("copied", "image_key=" BASE "\n");
	box("broken", "no record");
	make("state/containers/empty");
	linked_users(&install, BASE, &users);
	text = strings_join(&users, " ");
	ck_assert_str_eq(text, ".create-x a b broken");
}
END_TEST

START_TEST(a_base_goes_with_its_last_user_and_the_last_one_with_all)
{
	base(BASE);
	base(OTHER);
	box("a", "base=" BASE "\n");
	box(".trash-x", "base=" OTHER "\n");
	ck_assert_int_eq(drop(BASE), 0);
	ck_assert_int_eq(drop(OTHER), 0);
	ck_assert(there("state/bases/" BASE "/rootfs.img"));
	box(".trash-x", "");
	ck_assert_int_eq(drop(OTHER), 1);
	ck_assert(!there("state/bases/" OTHER));
	ck_assert(there("state/bases/" BASE "/rootfs.img"));
	box("a", "");
	ck_assert_int_eq(drop(BASE), 1);
	ck_assert(!there("state/bases"));
}
END_TEST

START_TEST(what_is_no_uuid_leads_nowhere)
{
	make("state/containers/precious");
	make("state/bases");
	ck_assert_int_eq(drop("../containers/precious"), 0);
	ck_assert_int_eq(drop(""), 0);
	ck_assert(there("state/containers/precious"));
}
END_TEST

START_TEST(what_dead_creates_left_is_collected)
{
	base(BASE);
	base(OTHER);
	box("a", "base=" BASE "\n");
	make("state/bases/.new-dead");
	make("state/bases/.new-alive");
	make("state/containers/.create-alive");
	linked_collect(&install);
	ck_assert(there("state/bases/" BASE));
	ck_assert(!there("state/bases/" OTHER));
	ck_assert(!there("state/bases/.new-dead"));
	ck_assert(there("state/bases/.new-alive"));
}
END_TEST

START_TEST(its_own_image_has_the_size_and_the_name_asked_for)
{
	auto_free char *path = xasprintf("%s/own.img", test_dir), *check = xasprintf("PATH=$PATH:/usr/sbin:/sbin e2fsck -fn %s >/dev/null 2>&1", path);
	auto_close int dir = open(test_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1, memory = -1, small = -1;
	struct error err = ERROR_NONE;
	struct superblock sb;
	struct stat st;

	if (!can_run(access("/usr/sbin/mke2fs", X_OK) == 0 || access("/sbin/mke2fs", X_OK) == 0, "mke2fs"))
		return;
	memory = linked_make_upper(10ULL << 30, BASE, &err);
	ck_assert_msg(memory >= 0, "%s", err.message);
	ck_assert_int_eq(fstat(memory, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert(!there("own.img"));
	ck_assert_msg(linked_keep_upper(memory, dir, "own.img", &err) == 0, "%s", err.message);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 10LL << 30);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_lt(st.st_blocks * 512, 1 << 20);	/* of 10 GiB */
	ck_assert_int_eq(superblock_read(fd, &sb), 0);
	ck_assert_str_eq(sb.uuid, BASE);
	ck_assert(sb.clean);
	ck_assert_uint_eq(sb.bytes, 10ULL << 30);
	ck_assert_uint_ne(sb.checksum, 0);
	ck_assert_int_eq(system(check), 0);
	ck_assert_int_eq(linked_keep_upper(memory, dir, "own.img", &err), -EEXIST);
	err = (struct error)ERROR_NONE;
	small = linked_make_upper(16 << 20, BASE, &err);
	ck_assert_msg(small >= 0, "%s", err.message);
	ck_assert_msg(linked_keep_upper(small, dir, "small.img", &err) == 0, "%s", err.message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/linked");
	TCase *tests = tcase_create("linked");

	tcase_add_checked_fixture(tests, install_setup, install_teardown);
	tcase_add_test(tests, users_are_those_that_name_it);
	tcase_add_test(tests, a_base_goes_with_its_last_user_and_the_last_one_with_all);
	tcase_add_test(tests, what_is_no_uuid_leads_nowhere);
	tcase_add_test(tests, what_dead_creates_left_is_collected);
	tcase_add_test(tests, its_own_image_has_the_size_and_the_name_asked_for);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
