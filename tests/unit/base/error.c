/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"

START_TEST(a_failure_has_words_and_the_reason)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(fail(&err, ENOENT, "open %s", "/x"), -ENOENT);
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_str_eq(err.message, "open /x: No such file or directory");
	ck_assert_str_eq(err.hint, "");
	ck_assert_int_eq(error_exit_status(&err), STATUS_FAILED);
}
END_TEST

START_TEST(reasons_are_in_the_words_of_this_c_library)
{
	struct error err = ERROR_NONE;

	for (int code = 1; code < 134; code++) {
		fail(&err, code, "a");
		ck_assert_str_eq(err.message + strlen("a: "), strerror(code));
	}
}
END_TEST

START_TEST(a_failure_without_errno_is_invalid)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(fail(&err, 0, "no such thing"), -EINVAL);
	ck_assert_str_eq(err.message, "no such thing");
	ck_assert_int_eq(err.code, EINVAL);
}
END_TEST

START_TEST(a_status_is_kept)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(fail_status(&err, STATUS_NOT_FOUND, "no container \"%s\"", "a"), -EINVAL);
	ck_assert_str_eq(err.message, "no container \"a\"");
	ck_assert_int_eq(error_exit_status(&err), STATUS_NOT_FOUND);
	ck_assert_int_eq(error_status(&err, STATUS_STATE), -EINVAL);
	ck_assert_int_eq(error_exit_status(&err), STATUS_STATE);
	ck_assert_int_eq(error_prefix(&err, "start"), -EINVAL);
	ck_assert_int_eq(error_exit_status(&err), STATUS_STATE);
}
END_TEST

START_TEST(outer_words_come_first)
{
	struct error err = ERROR_NONE;

	fail(&err, EPERM, "write /proc/1/uid_map");
	ck_assert_int_eq(error_prefix(&err, "step %d, \"%s\"", 4, "write the id map"), -EPERM);
	ck_assert_int_eq(error_prefix(&err, "start"), -EPERM);
	ck_assert_str_eq(err.message, "start: step 4, \"write the id map\": write /proc/1/uid_map: "
				      "Operation not permitted");
}
END_TEST

START_TEST(the_last_hint_wins_and_a_new_failure_has_none)
{
	struct error err = ERROR_NONE;

	fail(&err, EPERM, "a");
	ck_assert_int_eq(error_hint(&err, "do %s", "this"), -EPERM);
	ck_assert_int_eq(error_hint(&err, "do that"), -EPERM);
	ck_assert_str_eq(err.hint, "do that");
	fail(&err, EPERM, "b");
	ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(long_words_are_cut_and_the_reason_stays)
{
	struct error err = ERROR_NONE;
	char words[4096];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	fail(&err, ENOENT, "%s", words);
	ck_assert(text_ends(err.message, ": No such file or directory"));
	for (int i = 0; i < 20; i++)
		error_prefix(&err, "%s", words);
	ck_assert_uint_lt(strlen(err.message), sizeof(err.message));
	error_hint(&err, "%s", words);
	ck_assert_uint_lt(strlen(err.hint), sizeof(err.hint));
	fail_status(&err, STATUS_USAGE, "%s", words);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
}
END_TEST

START_TEST(a_message_may_be_made_of_itself)
{
	struct error err = ERROR_NONE;

	fail_status(&err, STATUS_USAGE, "inner");
	fail_status(&err, STATUS_STATE, "outer %s", err.message);
	ck_assert_str_eq(err.message, "outer inner");
}
END_TEST

START_TEST(a_report_has_each_error_in_a_line_and_the_hint)
{
	struct error err = ERROR_NONE;
	char text[256] = "";
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	fail_status(&err, STATUS_STATE, "it runs");
	error_hint(&err, "sysct stop a");
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	error_report(&err, "start a");
	err.hint[0] = '\0';
	error_report(&err, NULL);
	fail_status(&err, STATUS_USAGE, "f:1: a\nf:2: b");
	error_report(&err, "check");
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	n = read(fds[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_str_eq(text, "sysct: start a: it runs\nhint: sysct stop a\nsysct: it runs\n"
			       "sysct: check: f:1: a\nsysct: check: f:2: b\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/error");
	TCase *tcase = tcase_create("error");

	tcase_add_test(tcase, a_failure_has_words_and_the_reason);
	tcase_add_test(tcase, reasons_are_in_the_words_of_this_c_library);
	tcase_add_test(tcase, a_failure_without_errno_is_invalid);
	tcase_add_test(tcase, a_status_is_kept);
	tcase_add_test(tcase, outer_words_come_first);
	tcase_add_test(tcase, the_last_hint_wins_and_a_new_failure_has_none);
	tcase_add_test(tcase, long_words_are_cut_and_the_reason_stays);
	tcase_add_test(tcase, a_message_may_be_made_of_itself);
	tcase_add_test(tcase, a_report_has_each_error_in_a_line_and_the_hint);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
