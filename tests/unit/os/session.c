/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <linux/keyctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "os/session.h"

START_TEST(a_variable_replaces_the_earlier_one_of_its_name)
{
	auto_strings struct strings env = STRINGS_EMPTY;
	auto_free char *all = NULL;

	session_set_env(&env, "TERM=linux");
	session_set_env(&env, "TERMINAL=x");
	session_set_env(&env, "TER=y");
	session_set_env(&env, "TERM=xterm=256");
	session_set_env(&env, "EMPTY=");
	session_set_env(&env, "EMPTY=no");
	session_set_env(&env, "term=other");
	all = strings_join(&env, "|");
	ck_assert_str_eq(all, "TERM=xterm=256|TERMINAL=x|TER=y|EMPTY=no|term=other");
}
END_TEST

static int check_limits(void *arg)
{
	struct rlimit limit;

	(void)arg;
	/* what an administrator's shell may have */
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, 4096 });
	setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 20, RLIM_INFINITY });
	setrlimit(RLIMIT_STACK, &(struct rlimit){ 1 << 20, RLIM_INFINITY });
	session_set_rlimits();
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur != 0)
		return 1;
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
		return 2;
	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur != 8 << 20)
		return 3;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur != 1024 || limit.rlim_max < 4096)
		return 4;
	if (getrlimit(RLIMIT_NICE, &limit) < 0 || limit.rlim_max != 0)
		return 5;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_max > 8 << 20)
		return 6;
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0 && limit.rlim_cur > limit.rlim_max)
			return 7;
	return 0;
}

START_TEST(limits_are_those_of_a_first_process)
{
	ck_assert_int_eq(in_child(check_limits, NULL), 0);
}
END_TEST

static int check_low_limits(void *arg)
{
	struct rlimit limit;

	(void)arg;
	/* a hard limit below the wanted one: taken whole when it cannot be raised */
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, 512 });
	session_set_rlimits();
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	return limit.rlim_cur >= 512 && limit.rlim_cur <= limit.rlim_max ? 0 : 2;
}

START_TEST(a_low_hard_limit_is_used_up)
{
	ck_assert_int_eq(in_child(check_low_limits, NULL), 0);
}
END_TEST

static int check_keyring(void *arg)
{
	long before, after;

	(void)arg;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return EXIT_SKIPPED;
	before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	session_forget_caller();
	after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	return before > 0 && after > 0 && before != after ? 0 : 1;
}

START_TEST(the_session_keyring_is_a_new_one)
{
	int r = in_child(check_keyring, NULL);

	if (can_run(r != EXIT_SKIPPED, "keyrings"))
		ck_assert_int_eq(r, 0);
}
END_TEST

static int check_nice(void *arg)
{
	(void)arg;
	if (setpriority(PRIO_PROCESS, 0, 7) < 0)
		return 1;
	if (geteuid() != 0)
		return EXIT_SKIPPED;
	session_forget_caller();
	return getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 2;
}

START_TEST(the_niceness_is_an_ordinary_one)
{
	int r = in_child(check_nice, NULL);

	if (can_run(r != EXIT_SKIPPED, "root"))
		ck_assert_int_eq(r, 0);
}
END_TEST

static int check_policy(void *arg)
{
	struct sched_param none = { 0 };

	(void)arg;
	if (sched_setscheduler(0, SCHED_BATCH, &none) < 0)
		return EXIT_SKIPPED;
	session_forget_caller();
	return sched_getscheduler(0) == SCHED_OTHER ? 0 : 1;
}

START_TEST(the_scheduling_is_an_ordinary_one)
{
	int r = in_child(check_policy, NULL);

	if (can_run(r != EXIT_SKIPPED, "SCHED_BATCH"))
		ck_assert_int_eq(r, 0);
}
END_TEST

static int check_oom(void *arg)
{
	auto_free char *score = NULL;

	(void)arg;
	if (write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", "500") < 0)
		return EXIT_SKIPPED;
	session_forget_caller();
	if (read_file_at(AT_FDCWD, "/proc/self/oom_score_adj", 64, &score, NULL) < 0)
		return 1;
	return strcmp(score, "0\n") == 0 ? 0 : 2;
}

START_TEST(the_out_of_memory_score_is_an_ordinary_one)
{
	int r = in_child(check_oom, NULL);

	if (can_run(r != EXIT_SKIPPED, "oom_score_adj"))
		ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/session");
	TCase *tests = tcase_create("session");

	tcase_add_test(tests, a_variable_replaces_the_earlier_one_of_its_name);
	tcase_add_test(tests, limits_are_those_of_a_first_process);
	tcase_add_test(tests, a_low_hard_limit_is_used_up);
	tcase_add_test(tests, the_session_keyring_is_a_new_one);
	tcase_add_test(tests, the_niceness_is_an_ordinary_one);
	tcase_add_test(tests, the_scheduling_is_an_ordinary_one);
	tcase_add_test(tests, the_out_of_memory_score_is_an_ordinary_one);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
