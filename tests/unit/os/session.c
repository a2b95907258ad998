/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <linux/keyctl.h>
#include <sys/personality.h>
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

static int check_keyring_alone(void *arg)
{
	/* the rest of a caller is shed outside, where it is still allowed */
	(void)arg;
	if (setpriority(PRIO_PROCESS, 0, 7) < 0)
		return 1;
	session_forget_caller();
	return getpriority(PRIO_PROCESS, 0) == 7 ? 0 : 2;
}

START_TEST(inside_nothing_but_the_keyring_is_changed)
{
	ck_assert_int_eq(in_child(check_keyring_alone, NULL), 0);
}
END_TEST

static int check_nice(void *arg)
{
	(void)arg;
	if (setpriority(PRIO_PROCESS, 0, 7) < 0)
		return 1;
	if (geteuid() != 0)
		return EXIT_SKIPPED;
	session_shed_caller();
	return getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 2;
}

static int check_policy(void *arg)
{
	struct sched_param none = { 0 };

	(void)arg;
	if (sched_setscheduler(0, SCHED_BATCH, &none) < 0)
		return EXIT_SKIPPED;
	session_shed_caller();
	return sched_getscheduler(0) == SCHED_OTHER ? 0 : 1;
}

static int check_affinity(void *arg)
{
	cpu_set_t before, one, after;

	(void)arg;
	if (sched_getaffinity(0, sizeof(before), &before) < 0 || CPU_COUNT(&before) < 2)
		return EXIT_SKIPPED;
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return 1;
	session_shed_caller();
	if (sched_getaffinity(0, sizeof(after), &after) < 0)
		return 2;
	return CPU_COUNT(&after) >= CPU_COUNT(&before) ? 0 : 3;
}

static int check_io_class(void *arg)
{
	const int idle = 3 << 13;

	(void)arg;
	if (syscall(SYS_ioprio_set, 1, 0, idle) < 0)
		return EXIT_SKIPPED;
	session_shed_caller();
	return syscall(SYS_ioprio_get, 1, 0) >> 13 != idle >> 13 ? 0 : 1;
}

static int check_personality(void *arg)
{
	(void)arg;
	if (personality(ADDR_NO_RANDOMIZE | SHORT_INODE) < 0)
		return EXIT_SKIPPED;
	session_shed_caller();
	return personality(0xffffffff) == PER_LINUX ? 0 : 1;
}

static int check_oom(void *arg)
{
	auto_free char *score = NULL;

	(void)arg;
	if (write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", "500") < 0)
		return EXIT_SKIPPED;
	session_shed_caller();
	if (read_file_at(AT_FDCWD, "/proc/self/oom_score_adj", 64, &score, NULL) < 0)
		return 1;
	return strcmp(score, "0\n") == 0 ? 0 : 2;
}

static int check_shed_limits(void *arg)
{
	struct rlimit limit;

	(void)arg;
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 20, RLIM_INFINITY });
	session_shed_caller();
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY ? 0 : 1;
}

static const struct {
	const char *what;
	int (*check)(void *arg);
} shed[] = {
	{ "niceness", check_nice },	   { "scheduler", check_policy },	{ "two processors", check_affinity },
	{ "I/O class", check_io_class }, { "personality", check_personality }, { "out-of-memory score", check_oom },
	{ "limits", check_shed_limits },
};

/* _i: of what */
START_TEST(a_shed_caller_leaves_an_ordinary_process)
{
	int r = in_child(shed[_i].check, NULL);

	if (can_run(r != EXIT_SKIPPED, shed[_i].what))
		ck_assert_msg(r == 0, "%s: %d", shed[_i].what, r);
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
	tcase_add_test(tests, inside_nothing_but_the_keyring_is_changed);
	tcase_add_loop_test(tests, a_shed_caller_leaves_an_ordinary_process, 0, ARRAY_SIZE(shed));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
