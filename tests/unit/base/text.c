/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

START_TEST(numbers_are_digits_and_nothing_else)
{
	static const char *const wrong[] = { "",    "-1",  "+1", " 1", "1 ",
					     "0x1", "1.0", "a",	 "1a", "1\n" };
	uint64_t value = 77;
	uint32_t small = 77;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_int_eq(parse_u64(wrong[i], &value), -EINVAL);
		ck_assert_int_eq(parse_u32(wrong[i], &small), -EINVAL);
	}
	ck_assert_int_eq(parse_u64("18446744073709551616", &value), -ERANGE);
	ck_assert_int_eq(parse_u32("4294967296", &small), -ERANGE);
	ck_assert_uint_eq(value, 77); /* only changes on success */
	ck_assert_uint_eq(small, 77);
	ck_assert_int_eq(parse_u64("18446744073709551615", &value), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(parse_u32("4294967295", &small), 0);
	ck_assert_uint_eq(small, UINT32_MAX);
	ck_assert_int_eq(parse_u64("010", &value), 0);
	ck_assert_uint_eq(value, 10); /* never octal */
}
END_TEST

START_TEST(sizes_have_units_of_1024)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512B", 512 },
		{ "10K", 10240 },
		{ "10k", 10240 },
		{ "10KiB", 10240 },
		{ "10KB", 10240 },
		{ "8M", 8 << 20 },
		{ "1.5G", UINT64_C(3) << 29 },
		{ "2T", UINT64_C(2) << 40 },
		{ "1P", UINT64_C(1) << 50 },
		{ "15E", UINT64_C(15) << 60 },
		{ "0.5K", 512 },
		{ "0.125M", 131072 },
	};
	static const char *const wrong[] = { "",      "K",	"1X",	 "1KK",	 "1 K",
					     "-1",    "1.",	".5K",	 "1.5",	 "1.2345G",
					     "1..5G", "1.5.5G", "1KiBs", "0x10", "1e3" };
	uint64_t value = 77;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(parse_size(wrong[i], &value) < 0, "%s", wrong[i]);
	ck_assert_int_lt(parse_size("16E", &value), 0);
	ck_assert_int_lt(parse_size("99999999999999999999999", &value), 0);
	ck_assert_uint_eq(value, 77);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(parse_size(cases[i].text, &value) == 0, "%s", cases[i].text);
		ck_assert_msg(value == cases[i].bytes, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(durations_have_units_and_may_be_put_together)
{
	static const struct {
		const char *text;
		uint64_t usec;
	} cases[] = {
		{ "0", 0 },
		{ "30", 30000000 },
		{ "30s", 30000000 },
		{ "500ms", 500000 },
		{ "5m", 300000000 },
		{ "5min", 300000000 },
		{ "2h", UINT64_C(7200000000) },
		{ "7d", UINT64_C(604800000000) },
		{ "1h30m", UINT64_C(5400000000) },
		{ "1m5s", 65000000 },
		{ "1.5s", 1500000 },
		{ "0.5", 500000 },
		{ "1min1ms", 60001000 },
	};
	static const char *const wrong[] = { "",    "s",   "-1",    "1x", "1h30",
					     "1 h", "1.s", "5mins", "1w", "1us" };
	uint64_t value = 77;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(parse_duration(wrong[i], &value) < 0, "%s", wrong[i]);
	ck_assert_int_eq(parse_duration("999999999999d", &value), -ERANGE);
	ck_assert_uint_eq(value, 77);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(parse_duration(cases[i].text, &value) == 0, "%s", cases[i].text);
		ck_assert_msg(value == cases[i].usec, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(truth_has_eight_words)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no",
										       "false",
										       "off", "0" };
	static const char *const wrong[] = { "", "Yes", "y", "2", "yes ", "truely" };
	bool value = false;

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(parse_bool(yes[i], &value), 0);
		ck_assert(value);
		ck_assert_int_eq(parse_bool(no[i], &value), 0);
		ck_assert(!value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(parse_bool(wrong[i], &value), -EINVAL);
}
END_TEST

START_TEST(sizes_durations_and_times_are_written_for_people)
{
	char buf[32];

	ck_assert_str_eq(format_size(0, buf, sizeof(buf)), "0B");
	ck_assert_str_eq(format_size(1023, buf, sizeof(buf)), "1023B");
	ck_assert_str_eq(format_size(1536, buf, sizeof(buf)), "1.5K");
	ck_assert_str_eq(format_size((UINT64_C(1) << 20) - 1, buf, sizeof(buf)), "1M");
	ck_assert_str_eq(format_size(UINT64_C(1023) << 10, buf, sizeof(buf)), "1023K");
	ck_assert_str_eq(format_size(UINT64_C(10) << 30, buf, sizeof(buf)), "10G");
	ck_assert_str_eq(format_size(UINT64_MAX, buf, sizeof(buf)), "16E");
	ck_assert_str_eq(format_duration(0, buf, sizeof(buf)), "0s");
	ck_assert_str_eq(format_duration(1500000, buf, sizeof(buf)), "1500ms");
	ck_assert_str_eq(format_duration(90000000, buf, sizeof(buf)), "90s");
	ck_assert_str_eq(format_duration(120000000, buf, sizeof(buf)), "2m");
	ck_assert_str_eq(format_duration(UINT64_C(7200000000), buf, sizeof(buf)), "2h");
	ck_assert_str_eq(format_duration(UINT64_C(604800000000), buf, sizeof(buf)), "7d");
	ck_assert_str_eq(format_time(0, buf, sizeof(buf)), "");
	ck_assert_str_eq(format_time(1769860800, buf, sizeof(buf)), "2026-01-31T12:00:00Z");
}
END_TEST

START_TEST(a_text_grows_and_may_hold_any_byte)
{
	auto_text struct text text = TEXT_EMPTY;
	char big[1000];

	memset(big, 'x', sizeof(big));
	text_append(&text, "", 0);
	ck_assert_str_eq(text.data, "");
	text_add(&text, "%s=%d", "a", 1);
	text_append(&text, "\0b", 2);
	ck_assert_uint_eq(text.len, 5);
	ck_assert_mem_eq(text.data, "a=1\0b\0", 6);
	for (int i = 0; i < 100; i++)
		text_append(&text, big, sizeof(big));
	ck_assert_uint_eq(text.len, 100005);
	ck_assert_int_eq(text.data[100005], '\0');
	text_done(&text);
	text_done(&text); /* safe twice */
	ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(lists_own_copy_split_and_join)
{
	auto_strings struct strings list = STRINGS_EMPTY, copy = STRINGS_EMPTY;
	auto_free char *joined = NULL, *empty = NULL;

	empty = strings_join(&list, ",");
	ck_assert_str_eq(empty, "");
	strings_split(&list, ",b,,a, c,", ",");
	ck_assert_uint_eq(list.n, 3);
	ck_assert_ptr_null(list.items[3]);
	joined = strings_join(&list, "|");
	ck_assert_str_eq(joined, "b|a| c");
	ck_assert(strings_has(&list, "a"));
	ck_assert(!strings_has(&list, "c"));
	strings_copy(&copy, &list);
	strings_copy(&list, &list);
	strings_sort(&copy);
	ck_assert_str_eq(copy.items[0], " c");
	ck_assert_str_eq(list.items[0], "b");
	strings_clear(&list);
	strings_clear(&list);
	strings_sort(&list);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(lists_and_texts_are_compared_whole)
{
	auto_strings struct strings a = STRINGS_EMPTY, b = STRINGS_EMPTY;

	ck_assert(strings_same(&a, &b));
	strings_split(&a, "x y", " ");
	ck_assert(!strings_same(&a, &b) && !strings_same(&b, &a));
	strings_split(&b, "x", " ");
	ck_assert(!strings_same(&a, &b) && !strings_same(&b, &a));
	strings_add(&b, "y");
	ck_assert(strings_same(&a, &b));
	strings_clear(&b);
	strings_split(&b, "y x", " ");
	ck_assert(!strings_same(&a, &b));
	ck_assert(text_alike(NULL, "") && text_alike(NULL, NULL) && text_alike("a", "a"));
	ck_assert(!text_alike(NULL, "a") && !text_alike("a", "ab"));
}
END_TEST

START_TEST(a_long_list_has_all_and_an_end)
{
	auto_strings struct strings list = STRINGS_EMPTY;

	for (size_t i = 0; i < 1000; i++) {
		strings_add_take(&list, xasprintf("%zu", i));
		ck_assert_uint_eq(list.n, i + 1);
		ck_assert_ptr_null(list.items[list.n]);
	}
	for (size_t i = 0; i < 1000; i++) {
		auto_free char *wanted = xasprintf("%zu", i);

		ck_assert_str_eq(list.items[i], wanted);
		ck_assert(strings_has(&list, wanted));
	}
	strings_clear(&list);
	strings_add(&list, "again");
	ck_assert_ptr_null(list.items[1]);
}
END_TEST

START_TEST(prefixes_and_suffixes_are_seen)
{
	ck_assert(text_same("", "") && text_same("ab", "ab") && !text_same("a", "ab") && !text_same("", "a") && !text_same("b", "a"));
	ck_assert(text_starts("abc", "ab") && text_starts("abc", "") && !text_starts("a", "ab"));
	ck_assert(text_ends("abc", "bc") && text_ends("abc", "") && !text_ends("c", "bc"));
	ck_assert(text_empty(NULL) && text_empty("") && !text_empty("a"));
}
END_TEST

START_TEST(the_nearest_word_is_within_two_edits)
{
	static const char *const words[] = { "start", "stop", "status", "list", "console" };

	ck_assert_str_eq(nearest_of("strat", words, ARRAY_SIZE(words)), "start");
	ck_assert_str_eq(nearest_of("stp", words, ARRAY_SIZE(words)), "stop");
	ck_assert_str_eq(nearest_of("lists", words, ARRAY_SIZE(words)), "list");
	ck_assert_str_eq(nearest_of("konsole", words, ARRAY_SIZE(words)), "console");
	ck_assert_ptr_null(nearest_of("quatsch", words, ARRAY_SIZE(words)));
	ck_assert_ptr_null(nearest_of("tl", words, ARRAY_SIZE(words)));
	ck_assert_ptr_null(nearest_of("start", words, 0));
	ck_assert_str_eq(nearest_of("lsit", words, ARRAY_SIZE(words)), "list");
	ck_assert_uint_eq(edit_distance("gte", "get", 5), 1);
	ck_assert_uint_eq(edit_distance("ab", "ba", 1), 1);
	ck_assert_uint_eq(edit_distance("abcd", "badc", 5), 2);
	ck_assert_uint_eq(edit_distance("abc", "cab", 5), 2);
	ck_assert_uint_eq(edit_distance("kitten", "sitting", 5), 3);
	ck_assert_uint_eq(edit_distance("", "abc", 5), 3);
	ck_assert_uint_eq(edit_distance("same", "same", 5), 0);
	ck_assert_uint_gt(edit_distance("completely", "different!", 2), 2);
}
END_TEST

START_TEST(words_too_long_to_compare_are_far)
{
	char a[300], b[300];

	memset(a, 'x', sizeof(a) - 1);
	memset(b, 'x', sizeof(b) - 1);
	a[299] = b[299] = '\0';
	ck_assert_uint_gt(edit_distance(a, b, 2), 2);
	a[127] = b[127] = '\0';
	ck_assert_uint_eq(edit_distance(a, b, 2), 0);
}
END_TEST

START_TEST(what_a_terminal_may_not_see_is_escaped)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "ä€𝄞", "ä€𝄞" },
		{ "a\033[31mb", "a\\x1b[31mb" },
		{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc3", "\\xc3" },	      /* cut off */
		{ "\xc2\x9b", "\\xc2\\x9b" }, /* C1: another escape */
		{ "\xc0\xaf", "\\xc0\\xaf" }, /* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
		{ "\xed\xbf\xbf", "\\xed\\xbf\\xbf" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *shown = text_printable(cases[i].text);

		ck_assert_str_eq(shown, cases[i].shown);
	}
}
END_TEST

START_TEST(uuids_are_made_and_known)
{
	char a[UUID_LEN + 1], b[UUID_LEN + 1];

	uuid_make(a);
	uuid_make(b);
	ck_assert(uuid_valid(a) && uuid_valid(b));
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(a[14], '4');
	ck_assert(strchr("89ab", a[19]));
	ck_assert(!uuid_valid("") && !uuid_valid("123e4567-e89b-42d3-a456-42661417400"));
	ck_assert(!uuid_valid("123E4567-e89b-42d3-a456-426614174000"));
	ck_assert(!uuid_valid("123e4567.e89b-42d3-a456-426614174000"));
}
END_TEST

START_TEST(names_are_labels)
{
	static const char *const right[] = {
		"a",   "a1",	"1",
		"a-b", "web-1", "x12345678901234567890123456789012345678901234567890123456789012"
	};
	static const char *const wrong[] = {
		"",
		"-",
		"-a",
		"a-",
		"A",
		"a.b",
		"a/b",
		"..",
		"a b",
		"ä",
		"a_b",
		"a\n",
		"x123456789012345678901234567890123456789012345678901234567890123"
	};

	for (size_t i = 0; i < ARRAY_SIZE(right); i++)
		ck_assert_msg(name_valid(right[i]), "%s", right[i]);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(!name_valid(wrong[i]), "%s", wrong[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/text");
	TCase *tcase = tcase_create("text");

	tcase_add_test(tcase, numbers_are_digits_and_nothing_else);
	tcase_add_test(tcase, sizes_have_units_of_1024);
	tcase_add_test(tcase, durations_have_units_and_may_be_put_together);
	tcase_add_test(tcase, truth_has_eight_words);
	tcase_add_test(tcase, sizes_durations_and_times_are_written_for_people);
	tcase_add_test(tcase, a_text_grows_and_may_hold_any_byte);
	tcase_add_test(tcase, lists_own_copy_split_and_join);
	tcase_add_test(tcase, lists_and_texts_are_compared_whole);
	tcase_add_test(tcase, a_long_list_has_all_and_an_end);
	tcase_add_test(tcase, prefixes_and_suffixes_are_seen);
	tcase_add_test(tcase, the_nearest_word_is_within_two_edits);
	tcase_add_test(tcase, words_too_long_to_compare_are_far);
	tcase_add_test(tcase, what_a_terminal_may_not_see_is_escaped);
	tcase_add_test(tcase, uuids_are_made_and_known);
	tcase_add_test(tcase, names_are_labels);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
