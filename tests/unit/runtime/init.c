/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found out about an init without one; integration tests show the rest with real ones. */
#include "../os/testing.h"

#include "runtime/init.h"

#define WANTS(literal) init_text_wants_cgroup_v1(literal, sizeof(literal) - 1)

START_TEST(an_old_systemd_is_known_by_its_version)
{
	ck_assert(WANTS("\177ELF\0systemd 219\0more"));
	ck_assert(WANTS("\177ELF\0systemd 204\0"));
	ck_assert(WANTS("\0systemd running in %s\0systemd 229\0"));
	ck_assert(!WANTS("\177ELF\0systemd 230\0"));
	ck_assert(!WANTS("\177ELF\0systemd 252\0"));
	ck_assert(!WANTS(""));
	ck_assert(!WANTS("\0systemd "));
	ck_assert(!WANTS("\0systemd 219"));	/* cut */
	ck_assert(!WANTS("\0systemd 219 is old\0"));
	ck_assert(!WANTS("\0systemd 21 9\0"));
	ck_assert(!WANTS("\0a systemd 219\0"));
	ck_assert(!WANTS("\0systemd \0systemd\0 219\0"));
}
END_TEST

START_TEST(only_a_regular_file_of_the_rootfs_is_read)
{
	auto_close int root = -1;

	ck_assert_int_eq(mkdir(in_dir("root"), 0755), 0);
	root = open_dir(in_dir("root"));
	ck_assert(!init_wants_cgroup_v1(root));
	ck_assert_int_eq(make_dirs(in_dir("root/lib/systemd"), 0755), 0);
	ck_assert_int_eq(mkfifo(in_dir("root/lib/systemd/systemd"), 0644), 0);
	ck_assert(!init_wants_cgroup_v1(root));	/* and it does not hang */
	ck_assert_int_eq(unlink(in_dir("root/lib/systemd/systemd")), 0);
	/* a link is followed inside, never out of it */
	ck_assert_int_eq(symlink("/old", in_dir("root/lib/systemd/systemd")), 0);
	ck_assert(!init_wants_cgroup_v1(root));
	{
		auto_fclose FILE *file = fopen(in_dir("root/old"), "w");

		ck_assert_uint_eq(fwrite("\0systemd 219", 1, 13, file), 13);
	}
	ck_assert(init_wants_cgroup_v1(root));
}
END_TEST

START_TEST(a_program_that_nothing_is_known_of_must_stay_the_same)
{
	struct init_program program = { .since = 0 };
	uint64_t begin = now_usec();

	ck_assert(init_settled(INIT_SYSTEMD, getpid(), &program));	/* what is known is known */
	ck_assert(!init_settled(INIT_UNKNOWN, getpid(), &program));
	ck_assert_uint_ne(program.since, 0);
	while (!init_settled(INIT_UNKNOWN, getpid(), &program))
		ck_assert_uint_lt(now_usec() - begin, 60000000);
	strcpy(program.exe, "/another");
	ck_assert(!init_settled(INIT_UNKNOWN, getpid(), &program));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/init");
	TCase *tests = tcase_create("init");

	tcase_add_checked_fixture(tests, dir_setup, dir_teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, an_old_systemd_is_known_by_its_version);
	tcase_add_test(tests, only_a_regular_file_of_the_rootfs_is_read);
	tcase_add_test(tests, a_program_that_nothing_is_known_of_must_stay_the_same);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
