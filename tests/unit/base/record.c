/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include "base/record.h"

static int parse(struct record *record, const char *text)
{
	return record_parse(record, text, strlen(text));
}

START_TEST(what_is_written_is_read)
{
	auto_record struct record record = RECORD_EMPTY, again = RECORD_EMPTY;
	auto_free char *text = NULL, *text2 = NULL;

	record_set(&record, "name", "a");
	record_setf(&record, "pid", "%d", 42);
	record_add(&record, "row", "1");
	record_add(&record, "row", "2=3");
	record_set(&record, "empty", "");
	text = record_format(&record);
	ck_assert_str_eq(text, "name=a\npid=42\nrow=1\nrow=2=3\nempty=\n");
	ck_assert_int_eq(parse(&again, text), 0);
	text2 = record_format(&again);
	ck_assert_str_eq(text, text2);
	ck_assert_uint_eq(record_get_u64(&again, "pid", 7), 42);
	ck_assert_uint_eq(record_get_u64(&again, "name", 7), 7);
	ck_assert_uint_eq(record_get_u64(&again, "none", 7), 7);
	ck_assert_str_eq(record_get(&again, "row"), "1");
	ck_assert_ptr_null(record_get(&again, "ro"));
}
END_TEST

START_TEST(set_replaces_and_null_removes_all)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *text = NULL;

	record_add(&record, "a", "1");
	record_add(&record, "b", "2");
	record_add(&record, "a", "3");
	record_set(&record, "a", "4");
	ck_assert_str_eq(record_get(&record, "a"), "4");
	record_set(&record, "a", NULL);
	record_set(&record, "none", NULL);
	text = record_format(&record);
	ck_assert_str_eq(text, "b=2\n");
}
END_TEST

START_TEST(a_value_never_makes_a_line)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *text = NULL;

	record_set(&record, "a", "x\nb=y\r\033\x7f");
	text = record_format(&record);
	ck_assert_str_eq(text, "a=x?b=y???\n");
}
END_TEST

START_TEST(what_is_not_of_this_form_is_refused_and_leaves_nothing)
{
	static const char *const wrong[] = { "a=1", "a=1\nb=2",	    "a\n",     "=1\n",
					     "\n",  "a=1\n\nb=2\n", "a=1\nb\n" };
	static const char nul[] = "a=1\nb=\0\n";
	auto_record struct record record = RECORD_EMPTY;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		record_set(&record, "old", "1");
		ck_assert_msg(parse(&record, wrong[i]) == -EINVAL, "%s", wrong[i]);
		ck_assert_uint_eq(record.keys.n, 0);
		ck_assert_uint_eq(record.values.n, 0);
	}
	ck_assert_int_eq(record_parse(&record, nul, sizeof(nul) - 1), -EINVAL);
	ck_assert_int_eq(parse(&record, ""), 0);
}
END_TEST

START_TEST(reading_is_bounded)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_text struct text text = TEXT_EMPTY;

	for (int i = 0; i < 512; i++)
		text_add(&text, "a=%d\n", i);
	ck_assert_int_eq(record_parse(&record, text.data, text.len), 0);
	ck_assert_uint_eq(record.keys.n, 512);
	text_add(&text, "a=512\n");
	ck_assert_int_eq(record_parse(&record, text.data, text.len), -EINVAL);
	text_done(&text);
	text_add(&text, "a=");
	while (text.len < 65535)
		text_append(&text, "x", 1);
	text_append(&text, "\n", 1);
	ck_assert_int_eq(record_parse(&record, text.data, text.len), 0);
	text.data[65535] = 'x';
	text_append(&text, "\n", 1);
	ck_assert_int_eq(record_parse(&record, text.data, text.len), -EINVAL);
}
END_TEST

START_TEST(a_newer_version_is_refused)
{
	static const char *const newer[] = { "2", "10", "1.5", "-1", "", "18446744073709551616" };
	auto_record struct record record = RECORD_EMPTY;
	struct error err = ERROR_NONE;

	ck_assert_int_eq(record_check_version(&record, "version", 1, "it", &err), 0);
	record_set(&record, "version", "1");
	ck_assert_int_eq(record_check_version(&record, "version", 1, "it", &err), 0);
	ck_assert_int_eq(err.code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++) {
		record_set(&record, "version", newer[i]);
		ck_assert_int_eq(record_check_version(&record, "version", 1, "it", &err), -EPROTO);
		ck_assert_int_eq(err.status, STATUS_STATE);
		ck_assert_ptr_nonnull(strstr(err.hint, "newer sysct"));
		err = (struct error)ERROR_NONE;
	}
	record_set(&record, "version", "2");
	ck_assert_int_eq(record_check_version(&record, "version", 2, "it", &err), 0);
}
END_TEST

START_TEST(clear_is_safe_twice)
{
	struct record record = RECORD_EMPTY;

	record_set(&record, "a", "1");
	record_clear(&record);
	record_clear(&record);
	ck_assert_ptr_null(record_get(&record, "a"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/record");
	TCase *tcase = tcase_create("record");

	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, set_replaces_and_null_removes_all);
	tcase_add_test(tcase, a_value_never_makes_a_line);
	tcase_add_test(tcase, what_is_not_of_this_form_is_refused_and_leaves_nothing);
	tcase_add_test(tcase, reading_is_bounded);
	tcase_add_test(tcase, a_newer_version_is_refused);
	tcase_add_test(tcase, clear_is_safe_twice);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
