/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_TESTING_H
#define SYSCT_TESTS_TESTING_H

/* testing - what the unit tests of all rooms share. */

#include <check.h>
#undef fail /* an old macro of libcheck; ours is a function of base/error.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* The message, or the part that is wanted, shows up in the failure. */
#define ck_has(text, part) \
	ck_assert_msg(strstr((text), (part)), "\"%s\"\n   does not have\n\"%s\"", (text), (part))
#define ck_has_not(text, part) \
	ck_assert_msg(!strstr((text), (part)), "\"%s\"\n   has\n\"%s\"", (text), (part))

/* All tests of a suite, each in its own process, as TAP; what main() returns. */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, CK_FORK);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
