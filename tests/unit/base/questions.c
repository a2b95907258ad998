/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/questions.h"

#include "../testing.h"

static const struct {
	const char *printed, *left;
} cases[] = {
	{ "", "" },
	{ "a\tb\r\n\a\b", "a\tb\r\n\a\b" },
	{ "\033[0;32mok\033[0m\033[A\033[73C\033[?25l\033[2J\033[?1049h", "\033[0;32mok\033[0m\033[A\033[73C\033[?25l\033[2J\033[?1049h" },
	{ "\033(B\0337\033c\033M\033 F", "\033(B\0337\033c\033M\033 F" },
	/* DSR, DA, windows, modes, version, keyboard */
	{ "a\033[6nb\033[5nc\033[?6nd\033[0ne", "abcde" },
	{ "a\033[cb\033[0cc\033[>cd\033[=ce\033Zf\033[xg", "abcdefg" },
	{ "a\033[18tb\033[21tc\033[22;0td\033[8;24;80te", "abc\033[22;0td\033[8;24;80te" },
	{ "a\033[?2026$pb\033[!pc\033[>0qd\033[2 qe\033[?uf\033[ug\033[?4mh\033[1;1;1;1;1;1*yi", "ab\033[!pcd\033[2 qef\033[ughi" },
	{ "\033[?6c\033[>4;1m\033[3S\033[?1;1;0S\033[1$w\033[#R", "\033[?6c\033[>4;1m\033[3S" },
	{ "a\005b\033[\0056nc", "abc" },
	/* OSC: titles and colours that are set stay */
	{ "\033]0;what?\a\033]2;caf\303\251\033\\\033]8;;http://x/?a\033\\l\033]8;;\033\\", "\033]0;what?\a\033]2;caf\303\251\033\\\033]8;;http://x/?a\033\\l\033]8;;\033\\" },
	{ "\033]0;\342\234\224 done\a.", "\033]0;\342\234\224 done\a." },
	{ "a\033]10;?\ab\033]11;?\033\\c\033]4;1;?;2;?\ad\033]52;c;?\ae\033]10;#fff\af", "abcde\033]10;#fff\af" },
	{ "a\033]1337;ReportCellSize\ab\033]10;\342\234\224;?\ac", "abc" },
	{ "a\033]10;?\302\234b\2355;?\234c\302\23511;?\ad", "abcd" },
	{ "\033]P0123456\033]Rx", "\033]P0123456\033]Rx" },
	/* strings */
	{ "a\033P$qm\033\\b\033P+q544e\033\\c\033_Gi=1,a=q;\033\\d\033^x\033\\e\033Xy\033\\f", "abcdef" },
	{ "a\033Ptmux;\033\033[6n\033\\b", "a\033\\b" },
	/* C1 as a byte and in UTF-8, and characters that have the same bytes in them */
	{ "a\2336nb\302\2336nc\233mx\302\2331my\302\205\205", "abc\233mx\302\2331my\302\205\205" },
	{ "\342\236\2336n \342\202\254 \360\237\220\247 \303\233c \302\240", "\342\236\2336n \342\202\254 \360\237\220\247 \303\233c \302\240" },
	/* control characters within, and what is malformed */
	{ "\033[6\nn\033[3\r1m\033[6\177n", "\n\r\033[31m" },
	{ "\033\033[6n\033[6\033[5nn\033[6\030n\033[1\302\251", "n\030n\302\251" },
	{ "\033[6\303\251\033[5\2335nx", "\303\251x" },
};

static size_t leave_out(struct questions *questions, const char *data, size_t n, char *out)
{
	size_t left = questions_leave_out(questions, data, n, out);

	ck_assert_uint_le(left, n + QUESTIONS_HELD);
	return left;
}

static void check_cut(const char *printed, size_t cut, const char *wanted)
{
	struct questions questions = { .n_held = 0 };
	char out[4096];
	size_t n = leave_out(&questions, printed, cut, out);

	n += leave_out(&questions, printed + cut, strlen(printed) - cut, out + n);
	out[n] = '\0';
	ck_assert_str_eq(out, wanted);
	ck_assert_uint_eq(questions_rest(&questions, out), 0);
}

START_TEST(questions_go_and_all_else_stays_wherever_it_is_cut)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].printed); cut++)
			check_cut(cases[i].printed, cut, cases[i].left);
}
END_TEST

/* What is left makes no question with what stood around another one: there is nothing to leave out of it any more. */
START_TEST(what_is_left_asks_nothing)
{
	static const char *const parts[] = {
		"\033", "[", "]", "P", "\\", "6", "n", "c", "?", ";", "10;", "0;", "\a", "\005", "\030", "\302", "\233", "\234", "\235", "\220",
		"\342", "\n", "$", "p", "Z", "x", "\033[", "\033]", "\033\\", "\033[6n", "\033]10;?\a", "_", "m", "\177", "\303\251",
	};

	srand(1);
	for (int round = 0; round < 200000; round++) {
		char text[256], once[256 + QUESTIONS_HELD], twice[512 + QUESTIONS_HELD];
		struct questions first = { .n_held = 0 }, second = { .n_held = 0 };
		size_t n = 0, left, again;

		for (int i = 0; i < 24; i++) {
			const char *part = parts[(size_t)rand() % ARRAY_SIZE(parts)];

			memcpy(text + n, part, strlen(part));
			n += strlen(part);
		}
		left = leave_out(&first, text, n, once);
		again = leave_out(&second, once, left, twice);
		again += questions_rest(&second, twice + again);
		ck_assert_uint_eq(again, left);
		ck_assert_mem_eq(once, twice, left);
	}
}
END_TEST

START_TEST(what_does_not_end_swallows_little)
{
	static char text[20000], out[sizeof(text) + QUESTIONS_HELD];
	static const char *const begins[] = { "\033[", "\033]0;", "\033P", "\033X" };

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		struct questions questions = { .n_held = 0 };
		size_t left;

		memset(text, '1', sizeof(text));
		memcpy(text, begins[i], strlen(begins[i]));
		strcpy(text + sizeof(text) - 5, "nend");
		left = leave_out(&questions, text, sizeof(text) - 1, out);
		out[left] = '\0';
		ck_has(out, "end");
	}
}
END_TEST

/* Where it is at rest somebody else may go on from there. */
START_TEST(at_rest_nothing_is_under_way)
{
	size_t rests = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t cut = 0; cut <= strlen(cases[i].printed); cut++) {
			struct questions before = { .n_held = 0 }, after = { .n_held = 0 };
			const char *rest = cases[i].printed + cut;
			char out[4096];
			size_t n = leave_out(&before, cases[i].printed, cut, out);

			if (!questions_at_rest(&before))
				continue;
			rests++;
			n += leave_out(&after, rest, strlen(rest), out + n);
			out[n] = '\0';
			ck_assert_str_eq(out, cases[i].left);
		}
	}
	ck_assert_uint_gt(rests, 2 * ARRAY_SIZE(cases));
}
END_TEST

START_TEST(what_is_not_finished_is_the_rest)
{
	static const char *const begins[] = { "\033[3", "\033", "\033]0;ti", "\302" };
	char out[QUESTIONS_HELD + 16];

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		struct questions questions = { .n_held = 0 };
		size_t n = strlen(begins[i]);

		ck_assert_uint_eq(leave_out(&questions, begins[i], n, out), 0);
		ck_assert_uint_eq(questions_rest(&questions, out), n);
		ck_assert_mem_eq(out, begins[i], n);
		ck_assert_uint_eq(leave_out(&questions, "1m", 2, out), 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/questions");
	TCase *tcase = tcase_create("questions");

	tcase_add_test(tcase, questions_go_and_all_else_stays_wherever_it_is_cut);
	tcase_add_test(tcase, what_is_left_asks_nothing);
	tcase_add_test(tcase, what_does_not_end_swallows_little);
	tcase_add_test(tcase, at_rest_nothing_is_under_way);
	tcase_add_test(tcase, what_is_not_finished_is_the_rest);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
