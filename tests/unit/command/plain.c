/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plain.h"

#include "../testing.h"

static const struct {
	const char *printed, *shown;
} cases[] = {
	{ "a\tb\n", "a\tb\n" },
	{ "login: \r\n", "login: \n" },
	{ "x\r\r\n", "x\n" },
	{ "50%\rdone\n", "50%\\x0ddone\n" },
	{ "\033[0;32mok\033[0m\n", "ok\n" },
	{ "\033[A\033[73C[ ok ]\n", "[ ok ]\n" },
	{ "\033[?25l\033[6n\033[ q.", "." },
	{ "\033]0;title\a", "\\x1b]0;title\\x07" },
	{ "\033[1\n2m", "\\x1b[1\n2m" },
	{ "\033c", "\\x1bc" },
	{ "\033\033[0mx", "\\x1bx" },
	{ "a\177b\001", "a\\x7fb\\x01" },
	{ "gr\303\274n \342\202\254 \360\237\220\247", "gr\303\274n \342\202\254 \360\237\220\247" },
	{ "\302\2332J", "\\xc2\\x9b2J" },	/* CSI of C1 */
	{ "\233x", "\\x9bx" },
	{ "\300\257 \355\240\200", "\\xc0\\xaf \\xed\\xa0\\x80" },	/* overlong, surrogate */
	{ "\342\202x", "\\xe2\\x82x" },
	{ "", "" },
};

static void check_cut(const char *printed, size_t cut, const char *shown)
{
	auto_text struct text text = TEXT_EMPTY;
	struct plain plain = { .n_held = 0 };

	text_append(&text, "", 0);
	plain_filter(&plain, printed, cut, &text);
	plain_filter(&plain, printed + cut, strlen(printed) - cut, &text);
	ck_assert_str_eq(text.data, shown);
}

START_TEST(nothing_reaches_the_terminal_wherever_it_is_cut)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].printed); cut++)
			check_cut(cases[i].printed, cut, cases[i].shown);
}
END_TEST

START_TEST(endless_beginnings_come_to_an_end)
{
	auto_text struct text text = TEXT_EMPTY;
	struct plain plain = { .n_held = 0 };

	plain_filter(&plain, "\033[", 2, &text);
	for (int i = 0; i < 1000; i++)
		plain_filter(&plain, "1", 1, &text);
	for (int i = 0; i < 1000; i++)
		plain_filter(&plain, "\r", 1, &text);
	ck_has(text.data, "\\x1b[1111");
	ck_has(text.data, "\\x0d\\x0d");
	ck_assert_uint_le(plain.n_held, sizeof(plain.held));
}
END_TEST

START_TEST(a_byte_zero_is_shown)
{
	auto_text struct text text = TEXT_EMPTY;
	struct plain plain = { .n_held = 0 };

	plain_filter(&plain, "a\0b", 3, &text);
	ck_assert_str_eq(text.data, "a\\x00b");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plain");
	TCase *tests = tcase_create("plain");

	tcase_add_test(tests, nothing_reaches_the_terminal_wherever_it_is_cut);
	tcase_add_test(tests, endless_beginnings_come_to_an_end);
	tcase_add_test(tests, a_byte_zero_is_shown);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
