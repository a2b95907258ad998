/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/output.h"

#include "../testing.h"

static char *fields(const char *const *list, size_t n)
{
	struct text line = TEXT_EMPTY;

	text_append(&line, "", 0);
	for (size_t i = 0; i < n; i++)
		csv_add(&line, i == 0, list[i]);
	return line.data;
}

START_TEST(plain_fields_are_not_quoted)
{
	const char *const list[] = { "web", "10.0.3.7", "a b" };
	auto_free char *line = fields(list, ARRAY_SIZE(list));

	ck_assert_str_eq(line, "web,10.0.3.7,a b");
}
END_TEST

START_TEST(empty_fields_keep_their_commas)
{
	const char *const list[] = { "", "a", "", "" };
	auto_free char *line = fields(list, ARRAY_SIZE(list));

	ck_assert_str_eq(line, ",a,,");
}
END_TEST

START_TEST(commas_quotes_and_newlines_are_quoted)
{
	const char *const list[] = { "a,b", "say \"x\"", "two\nlines", "c\rd" };
	auto_free char *line = fields(list, ARRAY_SIZE(list));

	ck_assert_str_eq(line, "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"c\rd\"");
}
END_TEST

START_TEST(blanks_at_the_ends_are_quoted)
{
	const char *const list[] = { " a", "a ", "a a" };
	auto_free char *line = fields(list, ARRAY_SIZE(list));

	ck_assert_str_eq(line, "\" a\",\"a \",a a");
}
END_TEST

static void check_value(struct value *value, const char *wanted)
{
	auto_free char *text = value_flat(value);

	ck_assert_str_eq(text, wanted);
	value_put(value);
}

START_TEST(values_become_fields)
{
	auto_strings struct strings list = STRINGS_EMPTY;

	check_value(NULL, "");
	check_value(value_bool(true), "true");
	check_value(value_number(1536), "1536");
	check_value(value_text("a"), "a");
	check_value(value_thousandths(1500), "1.5");
	check_value(value_thousandths(10), "0.01");
	check_value(value_strings(&list), "");
	strings_add(&list, "1.2.3.4");
	strings_add(&list, "5.6.7.8");
	check_value(value_strings(&list), "1.2.3.4 5.6.7.8");
}
END_TEST

START_TEST(nothing_is_null)
{
	ck_assert_ptr_null(value_text(NULL));
	ck_assert_ptr_null(value_text(""));
	ck_assert_ptr_null(value_number(0));
	ck_assert_ptr_null(value_time(0));
}
END_TEST

START_TEST(an_object_in_a_field_leaves_nulls_out)
{
	struct value *o = value_object();

	value_set(o, "memory", value_number(1024));
	value_set(o, "swap", NULL);
	value_set(o, "tasks", value_number(9));
	check_value(o, "memory=1024 tasks=9");
}
END_TEST

START_TEST(cells_show_no_control_characters)
{
	static const struct {
		const char *text, *cell;
	} cases[] = {
		{ NULL, "-" }, { "", "-" }, { "a b", "a b" }, { "a\033[2Jb", "a\\x1b[2Jb" }, { "a\nb", "a\\x0ab" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *cell = table_cell(cases[i].text);

		ck_assert_str_eq(cell, cases[i].cell);
	}
}
END_TEST

START_TEST(formats_have_names)
{
	struct error err = ERROR_NONE;
	enum format format = FORMAT_TABLE;

	ck_assert_int_eq(format_parse("csv", &format, &err), 0);
	ck_assert_int_eq(format, FORMAT_CSV);
	ck_assert_int_lt(format_parse("jsn", &format, &err), 0);
	ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	ck_has(err.hint, "did you mean \"json\"?");
	ck_assert_int_lt(format_parse("", &format, &err), 0);
	ck_assert_int_eq(format, FORMAT_CSV);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *cases = tcase_create("output");

	tcase_add_test(cases, plain_fields_are_not_quoted);
	tcase_add_test(cases, empty_fields_keep_their_commas);
	tcase_add_test(cases, commas_quotes_and_newlines_are_quoted);
	tcase_add_test(cases, blanks_at_the_ends_are_quoted);
	tcase_add_test(cases, values_become_fields);
	tcase_add_test(cases, nothing_is_null);
	tcase_add_test(cases, an_object_in_a_field_leaves_nulls_out);
	tcase_add_test(cases, cells_show_no_control_characters);
	tcase_add_test(cases, formats_have_names);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
