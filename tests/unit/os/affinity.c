/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "os/affinity.h"

static cpu_set_t own;

static void setup(void)
{
	ck_assert_int_eq(sched_getaffinity(0, sizeof(own), &own), 0);
}

static void restrict_to(pid_t pid, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(pid, sizeof(one), &one), 0);
}

static bool may_use(pid_t pid, const cpu_set_t *set)
{
	cpu_set_t its;

	ck_assert_int_eq(sched_getaffinity(pid, sizeof(its), &its), 0);
	return CPU_EQUAL(&its, set);
}

static int first_of(const cpu_set_t *set)
{
	int cpu = 0;

	while (!CPU_ISSET(cpu, set))
		cpu++;
	return cpu;
}

/* What a child of ours does that was left on our processor: it stays there until somebody moves it. */
static pid_t child_that_looks(volatile int *cpu)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	while (pid == 0) {
		*cpu = sched_getcpu();
		sched_yield();
	}
	return pid;
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_child_that_waits_for_our_processor_gets_another)
{
	volatile int *cpu = mmap(NULL, sizeof(*cpu), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t until = now_usec() + 10000000;
	int here = first_of(&own);
	pid_t pid;

	ck_assert(cpu != MAP_FAILED);
	affinity_look();
	restrict_to(0, here);
	*cpu = here;
	pid = child_that_looks(cpu);
	affinity_apart(pid);
	if (CPU_COUNT(&own) > 1) {
		while (*cpu == here && now_usec() < until)
			;
		ck_assert_int_ne(*cpu, here);
		ck_assert(may_use(pid, &own));	/* but it may come back */
	} else {
		ck_assert(may_use(pid, &own));
	}
	end(pid);
}
END_TEST

START_TEST(all_that_are_online_can_be_had_again)
{
	cpu_set_t others;

	affinity_look();
	if (!affinity_others(&others)) {
		ck_assert_int_eq(CPU_COUNT(&own), 1);
		return;
	}
	CPU_AND(&others, &others, &own);
	ck_assert_int_eq(CPU_COUNT(&others), CPU_COUNT(&own) - 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(others), &others), 0);
	affinity_free();
	ck_assert(may_use(0, &own));
}
END_TEST

/* Whoever has been given a part of the processors keeps that, and so do its children. */
START_TEST(what_is_kept_from_us_stays_so)
{
	int here = first_of(&own);
	cpu_set_t others, one;
	int cpu;
	pid_t pid;

	if (CPU_COUNT(&own) == 1)
		return;
	restrict_to(0, here);
	CPU_ZERO(&one);
	CPU_SET(here, &one);
	ck_assert(!affinity_others(&others));
	pid = child_that_looks(&cpu);
	affinity_apart(pid);
	ck_assert(may_use(pid, &one));
	end(pid);
	affinity_free();
	ck_assert(may_use(0, &one));
}
END_TEST

/* It could look while it is moved, and take that for what it may have. */
START_TEST(a_child_made_before_a_look_is_not_moved)
{
	int here = first_of(&own), cpu;
	cpu_set_t one;
	pid_t pid = child_that_looks(&cpu);

	CPU_ZERO(&one);
	CPU_SET(here, &one);
	restrict_to(pid, here);
	affinity_apart(pid);
	ck_assert(may_use(pid, &one));	/* it would be all, taken back */
	end(pid);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/affinity");
	TCase *tc = tcase_create("affinity");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_child_that_waits_for_our_processor_gets_another);
	tcase_add_test(tc, all_that_are_online_can_be_had_again);
	tcase_add_test(tc, what_is_kept_from_us_stays_so);
	tcase_add_test(tc, a_child_made_before_a_look_is_not_moved);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
