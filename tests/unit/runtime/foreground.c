/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include "runtime/foreground.h"

START_TEST(the_end_of_a_container_is_an_exit_status)
{
	static const struct {
		const char *text;
		int status;
	} ends[] = {
		{ "halt", 0 },		{ "stopped", 0 },	  { "exit 0", 0 },
		{ "exit 7", 7 },	{ "exit 255", 255 },	  { "killed by SIGKILL", 137 },
		{ "killed", 137 },	{ "killed by SIGSEGV", 139 }, { "killed by SIGRTMIN+3", 165 },
		{ "killed after the stop timeout", 137 },
		{ "killed, since it takes no SIGTERM", 137 },
		/* these tell nothing, or should not be */
		{ "reboot", -1 },	{ "unknown", -1 },	  { "", -1 },
		{ "exit", -1 },		{ "exit 256", -1 },	  { "exit -1", -1 },
		{ "exit 7x", -1 },	{ "killed by SIGFOO", -1 }, { "stopped?", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		ck_assert_msg(foreground_status(ends[i].text) == ends[i].status, "%s: %d", ends[i].text,
			      foreground_status(ends[i].text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/foreground");
	TCase *tests = tcase_create("foreground");

	tcase_add_test(tests, the_end_of_a_container_is_an_exit_status);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
