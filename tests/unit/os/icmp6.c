/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In a network namespace of its own: nothing of the host is touched. */
#include "testing.h"

#include <arpa/inet.h>
#include <net/if.h>

#include "os/icmp6.h"
#include "os/process.h"

static struct error err;

/* A pair of links on one host: what is sent by one arrives at the other, whose neighbours are its own. */
static void setup(void)
{
	const char *argv[] = { "/bin/sh", "-ec",
			       "ip link add one type veth peer name two\n"
			       "ip -6 addr add fd00::1/64 dev one nodad\n"
			       "ip -6 addr add fd00::2/64 dev two nodad\n"
			       "ip link set one up\n"
			       "ip link set two up\n"
			       "ip neigh add fd00::9 lladdr 02:00:00:00:00:01 nud reachable dev two\n"
			       "ip neigh add fd00::a lladdr 02:00:00:00:00:01 nud permanent dev two\n",
			       NULL };
	struct tool_run run = { .argv = argv, .keep_fd = -1 };

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(tool_run(&run, &err), 0);
}

static bool is_known(const char *address, const char *hwaddr)
{
	const char *argv[] = { "ip", "neigh", "show", address, "dev", "two", NULL };
	auto_free char *out = NULL;
	struct tool_run run = { .argv = argv, .keep_fd = -1, .ret_output = &out };

	ck_assert_int_eq(tool_run(&run, &err), 0);
	return *hwaddr ? strstr(out, hwaddr) != NULL : !*out;
}

START_TEST(who_knows_another_mac_learns_the_new_one)
{
	struct announced6 items[3] = {
		{ .hwaddr = { 2, 0, 0, 0, 0, 7 } },
		{ .hwaddr = { 2, 0, 0, 0, 0, 7 } },
		{ .hwaddr = { 2, 0, 0, 0, 0, 8 } },
	};

	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::a", items[0].address), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::b", items[1].address), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::9", items[2].address), 1);
	/* the carrier may come a moment later */
	for (int i = 0; i < 50 && !is_known("fd00::9", "02:00:00:00:00:08"); i++) {
		must(icmp6_announce((int)if_nametoindex("one"), items, 3, &err));
		usleep(20000);
	}
	ck_assert(is_known("fd00::9", "02:00:00:00:00:08"));
	ck_assert(is_known("fd00::a", "02:00:00:00:00:01"));
	ck_assert(is_known("fd00::b", ""));
}
END_TEST

START_TEST(a_link_that_is_not_there_is_an_error)
{
	struct announced6 one = { .hwaddr = { 2 } };

	ck_assert_int_lt(icmp6_announce(4711, &one, 1, &err), 0);
	ck_assert_int_eq(icmp6_announce(4711, &one, 0, &err), 0);
}
END_TEST

int main(void)
{
	int skipped = skip_without_root("network namespaces");
	Suite *suite;
	TCase *tests;

	if (skipped >= 0)
		return skipped;
	suite = suite_create("os/icmp6");
	tests = tcase_create("icmp6");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, who_knows_another_mac_learns_the_new_one);
	tcase_add_test(tests, a_link_that_is_not_there_is_an_error);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
