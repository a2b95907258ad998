/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../os/testing.h"

#include "runtime/hosts.h"
#include "store/configure.h"

#define BLOCK "10.0.3.2 web\n10.0.3.3 db\n"
#define WHOLE HOSTS_BEGIN "\n" BLOCK HOSTS_END "\n"
#define OWN "127.0.0.1 localhost\n# mine\n\t::1\tlocalhost"

static const char *const texts[] = {
	"",
	"\n",
	OWN,
	OWN "\n",
	OWN "\n\n\n",
	OWN "\r\n",
	WHOLE,
	OWN "\n" WHOLE,
	WHOLE OWN "\n",
	OWN "\n" WHOLE OWN "\n",
	OWN "\n" HOSTS_BEGIN "\n" HOSTS_END "\n" OWN,
	"\xff\x01 bytes\n",
	/* half markers, wrong order */
	OWN "\n" HOSTS_BEGIN "\n" OWN "\n",
	OWN "\n" HOSTS_BEGIN,
	HOSTS_END "\n" OWN "\n",
	HOSTS_END "\n" OWN "\n" HOSTS_BEGIN "\n" OWN "\n",
	OWN "\n" HOSTS_BEGIN "\n1.2.3.4 a\n" HOSTS_END,
	HOSTS_BEGIN " but not quite\n" OWN "\n" HOSTS_END "\n",
};

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

START_TEST(a_block_is_appended_and_replaced)
{
	auto_free char *added = hosts_with_block(OWN "\n", BLOCK), *other = NULL, *gone = NULL;

	ck_assert_str_eq(added, OWN "\n" WHOLE);
	other = hosts_with_block(added, "10.0.3.9 new\n");
	ck_assert_str_eq(other, OWN "\n" HOSTS_BEGIN "\n10.0.3.9 new\n" HOSTS_END "\n");
	gone = hosts_with_block(other, "");
	ck_assert_str_eq(gone, OWN "\n");
}
END_TEST

START_TEST(a_block_stays_where_it_is)
{
	auto_free char *text = hosts_with_block(OWN "\n" HOSTS_BEGIN "\nold\n" HOSTS_END "\nafter\n", BLOCK);

	ck_assert_str_eq(text, OWN "\n" WHOLE "after\n");
}
END_TEST

START_TEST(a_missing_newline_is_added_before_the_block)
{
	auto_free char *text = hosts_with_block(OWN, BLOCK);

	ck_assert_str_eq(text, OWN "\n" WHOLE);
}
END_TEST

/* _i: the text */
START_TEST(twice_is_once)
{
	auto_free char *once = hosts_with_block(texts[_i], BLOCK), *twice = hosts_with_block(once, BLOCK);

	ck_assert_str_eq(twice, once);
	ck_assert_uint_eq(count(once, BLOCK), 1);
	free(once);
	free(twice);
	once = hosts_with_block(texts[_i], "");
	twice = hosts_with_block(once, "");
	ck_assert_str_eq(twice, once);
}
END_TEST

/* _i: the text. Every line that is neither a marker nor between two of them is still there. */
START_TEST(other_bytes_are_kept)
{
	auto_free char *with = hosts_with_block(texts[_i], BLOCK), *again = hosts_with_block(with, BLOCK);
	auto_free char *without = hosts_with_block(again, "");

	ck_assert_uint_eq(count(with, OWN), count(texts[_i], OWN));
	ck_assert_msg(count(again, OWN) == count(texts[_i], OWN), "lost on the second time:\n%s", again);
	ck_assert_msg(count(without, OWN) == count(texts[_i], OWN), "lost on the way out:\n%s", without);
	ck_assert_uint_eq(count(without, BLOCK), 0);
}
END_TEST

START_TEST(nothing_to_take_out_changes_nothing)
{
	static const char *const plain[] = { "", "\n", OWN, OWN "\n", OWN "\n\n" };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		auto_free char *text = hosts_with_block(plain[i], "");

		ck_assert_str_eq(text, plain[i]);
	}
}
END_TEST

/* --- the file --- */

static struct error err;

static void write_hosts(const char *text)
{
	mkdir(in_dir("etc"), 0755);
	must(replace_file_at(AT_FDCWD, in_dir("etc/hosts"), text, strlen(text), 0644, false, &err));
}

static char *read_hosts(void)
{
	char *text = NULL;

	ck_assert_int_eq(read_file_at(AT_FDCWD, in_dir("etc/hosts"), 1 << 21, &text, NULL), 0);
	return text;
}

static void write_block(void)
{
	auto_close int root = open_dir(test_dir);

	must(hosts_write_block(root, BLOCK, &err));
}

START_TEST(the_file_gets_the_block_and_stays_readable)
{
	auto_free char *text = NULL;
	struct stat st;

	write_hosts(OWN "\n");
	write_block();
	text = read_hosts();
	ck_assert_str_eq(text, OWN "\n" WHOLE);
	ck_assert_int_eq(stat(in_dir("etc/hosts"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(a_file_that_is_right_is_not_written)
{
	struct stat before, after;

	write_hosts(OWN "\n" WHOLE);
	ck_assert_int_eq(stat(in_dir("etc/hosts"), &before), 0);
	write_block();
	ck_assert_int_eq(stat(in_dir("etc/hosts"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(without_etc_or_the_file_nothing_is_made)
{
	write_block();
	ck_assert_int_lt(access(in_dir("etc"), F_OK), 0);
	ck_assert_int_eq(mkdir(in_dir("etc"), 0755), 0);
	write_block();
	ck_assert_int_lt(access(in_dir("etc/hosts"), F_OK), 0);
}
END_TEST

START_TEST(links_are_not_followed)
{
	auto_free char *text = NULL;

	ck_assert_int_eq(mkdir(in_dir("real"), 0755), 0);
	must(replace_file_at(AT_FDCWD, in_dir("real/hosts"), OWN, strlen(OWN), 0644, false, &err));
	ck_assert_int_eq(symlink("real", in_dir("etc")), 0);	/* the directory */
	write_block();
	ck_assert_int_eq(unlink(in_dir("etc")), 0);
	ck_assert_int_eq(mkdir(in_dir("etc"), 0755), 0);
	ck_assert_int_eq(symlink("../real/hosts", in_dir("etc/hosts")), 0);	/* the file */
	write_block();
	ck_assert_int_eq(read_file_at(AT_FDCWD, in_dir("real/hosts"), 4096, &text, NULL), 0);
	ck_assert_str_eq(text, OWN);
}
END_TEST

START_TEST(what_is_no_plain_file_is_left_alone_and_not_waited_for)
{
	struct stat st;

	ck_assert_int_eq(mkdir(in_dir("etc"), 0755), 0);
	ck_assert_int_eq(mkfifo(in_dir("etc/hosts"), 0644), 0);
	write_block();
	ck_assert_int_eq(lstat(in_dir("etc/hosts"), &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	ck_assert_int_eq(unlink(in_dir("etc/hosts")), 0);
	ck_assert_int_eq(mkdir(in_dir("etc/hosts"), 0755), 0);
	write_block();
}
END_TEST

START_TEST(a_file_without_end_is_left_alone)
{
	struct stat st;

	write_hosts("");
	ck_assert_int_eq(truncate(in_dir("etc/hosts"), 1L << 33), 0);
	write_block();
	ck_assert_int_eq(stat(in_dir("etc/hosts"), &st), 0);
	ck_assert_int_eq(st.st_size, 1L << 33);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/hosts");
	TCase *text = tcase_create("text"), *file = tcase_create("file");

	tcase_add_test(text, a_block_is_appended_and_replaced);
	tcase_add_test(text, a_block_stays_where_it_is);
	tcase_add_test(text, a_missing_newline_is_added_before_the_block);
	tcase_add_loop_test(text, twice_is_once, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(text, other_bytes_are_kept, 0, ARRAY_SIZE(texts));
	tcase_add_test(text, nothing_to_take_out_changes_nothing);
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(file, dir_setup, dir_teardown);
	tcase_add_test(file, the_file_gets_the_block_and_stays_readable);
	tcase_add_test(file, a_file_that_is_right_is_not_written);
	tcase_add_test(file, without_etc_or_the_file_nothing_is_made);
	tcase_add_test(file, links_are_not_followed);
	tcase_add_test(file, what_is_no_plain_file_is_left_alone_and_not_waited_for);
	tcase_add_test(file, a_file_without_end_is_left_alone);
	suite_add_tcase(suite, file);
	return run_suite(suite);
}
