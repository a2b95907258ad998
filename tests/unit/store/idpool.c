/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include "store/idpool.h"

static struct id_ranges uids, gids, taken;

static void setup(void)
{
	id_ranges_clear(&uids);
	id_ranges_clear(&gids);
	id_ranges_clear(&taken);
}

static void pool(uint64_t first, uint64_t last)
{
	id_ranges_add(&uids, first, last);
	id_ranges_add(&gids, first, last);
}

static uint32_t chosen(uint32_t count, uint32_t start)
{
	uint32_t first = 0;

	return idpool_choose(&uids, &gids, &taken, count, start, &first) == 0 ? first : 0;
}

START_TEST(the_first_aligned_block_is_taken)
{
	pool(IDPOOL_FIRST, IDPOOL_LAST);
	ck_assert_uint_eq(chosen(65536, 0), 1000013824);
	ck_assert_uint_eq(1000013824 % 65536, 0);
}
END_TEST

START_TEST(what_is_taken_is_never_given_again)
{
	pool(1 << 20, (1 << 20) + 10 * 65536 - 1);
	for (int i = 0; i < 10; i++) {
		uint32_t first = chosen(65536, 0);

		ck_assert_uint_eq(first, (1 << 20) + i * 65536);
		id_ranges_add(&taken, first, first + 65535);
	}
	ck_assert_uint_eq(chosen(65536, 0), 0);
}
END_TEST

START_TEST(one_taken_id_spoils_its_block)
{
	pool(1 << 20, (1 << 20) + 3 * 65536 - 1);
	id_ranges_add(&taken, (1 << 20) + 65535, (1 << 20) + 65535);
	id_ranges_add(&taken, (1 << 20) + 65536, (1 << 20) + 65536);
	ck_assert_uint_eq(chosen(65536, 0), (1 << 20) + 2 * 65536);
}
END_TEST

START_TEST(users_and_groups_must_both_have_it)
{
	id_ranges_add(&uids, 1 << 20, (1 << 20) + 4 * 65536 - 1);
	id_ranges_add(&gids, (1 << 20) + 2 * 65536, (1 << 20) + 8 * 65536 - 1);
	ck_assert_uint_eq(chosen(65536, 0), (1 << 20) + 2 * 65536);
	ck_assert_uint_eq(chosen(4 * 65536, 0), 0);
}
END_TEST

START_TEST(a_line_without_an_aligned_block_serves_too)
{
	pool(100000, 165535);
	ck_assert_uint_eq(chosen(65536, 0), 100000);
}
END_TEST

START_TEST(lines_that_touch_are_one)
{
	pool(200000, 200000 + 30000 - 1);
	pool(230000, 230000 + 40000 - 1);
	ck_assert_uint_eq(chosen(65536, 0), 0);
	id_ranges_merge(&uids);
	id_ranges_merge(&gids);
	ck_assert_uint_eq(uids.n, 1);
	ck_assert_uint_eq(chosen(65536, 0), 200000);
}
END_TEST

START_TEST(the_search_goes_on_before_its_start)
{
	pool(1 << 20, (1 << 20) + 4 * 65536 - 1);
	ck_assert_uint_eq(chosen(65536, (1 << 20) + 2 * 65536), (1 << 20) + 2 * 65536);
	id_ranges_add(&taken, (1 << 20) + 2 * 65536, UINT32_MAX);
	ck_assert_uint_eq(chosen(65536, (1 << 20) + 2 * 65536), 1 << 20);
}
END_TEST

START_TEST(a_nesting_container_gets_a_million)
{
	pool(IDPOOL_FIRST, IDPOOL_LAST);
	ck_assert_uint_ne(chosen(IDPOOL_COUNT_NESTING, 0), 0);
	setup();
	pool(1 << 20, (1 << 20) + IDPOOL_COUNT_NESTING - 2);
	ck_assert_uint_eq(chosen(IDPOOL_COUNT_NESTING, 0), 0);
}
END_TEST

START_TEST(the_end_of_all_ids_is_no_trap)
{
	pool(UINT32_MAX - 70000, UINT32_MAX);
	ck_assert_uint_eq(uids.items[0].last, UINT32_MAX - 1);
	ck_assert_uint_eq(chosen(65536, 0), UINT32_MAX - 70000);
	ck_assert_uint_eq(chosen(65536, UINT32_MAX), UINT32_MAX - 70000);
	ck_assert_uint_eq(chosen(80000, 0), 0);
}
END_TEST

START_TEST(ids_of_the_hosts_accounts_are_never_given)
{
	pool(0, 131071);
	ck_assert_uint_eq(chosen(65536, 0), 65536);
}
END_TEST

START_TEST(subid_lines_are_sorted_by_owner)
{
	idpool_read_subid("# a comment\nroot:100000:65536\nanna:165536:65536\n0:1000000:10\nbroken\nx:1\n"
			  "root:x:1\nroot:5:0\n:::\nroot:4294967295:5000000000\n", &uids, &taken);
	ck_assert_uint_eq(uids.n, 2);
	ck_assert_uint_eq(uids.items[0].first, 100000);
	ck_assert_uint_eq(uids.items[0].last, 165535);
	ck_assert_uint_eq(uids.items[1].last, 1000009);
	ck_assert_uint_eq(taken.n, 1);
	ck_assert_uint_eq(taken.items[0].first, 165536);
}
END_TEST

START_TEST(accounts_are_field_three)
{
	idpool_read_accounts("root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/:\n\nbad\n+::::::\nx:y:z\n", &taken);
	ck_assert_uint_eq(taken.n, 2);
	ck_assert_uint_eq(taken.items[1].first, 1000);
	ck_assert_uint_eq(taken.items[1].last, 1000);
}
END_TEST

START_TEST(the_full_map_is_known)
{
	ck_assert_int_eq(idpool_read_map("         0          0 4294967295\n", &uids), 1);
}
END_TEST

START_TEST(a_map_of_ones_own_leaves_the_first_block)
{
	ck_assert_int_eq(idpool_read_map("         0    1000000     1048576\n", &uids), 0);
	ck_assert_uint_eq(uids.n, 1);
	ck_assert_uint_eq(uids.items[0].first, 65536);
	ck_assert_uint_eq(uids.items[0].last, 1048575);
	setup();
	ck_assert_int_eq(idpool_read_map("0 100000 65536\n", &uids), 0);
	ck_assert_uint_eq(uids.n, 0);
	ck_assert_int_eq(idpool_read_map("0 0 1000\n1000 1000 4294966295\n", &uids), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/idpool");
	TCase *tests = tcase_create("idpool");

	tcase_add_checked_fixture(tests, setup, setup);
	tcase_add_test(tests, the_first_aligned_block_is_taken);
	tcase_add_test(tests, what_is_taken_is_never_given_again);
	tcase_add_test(tests, one_taken_id_spoils_its_block);
	tcase_add_test(tests, users_and_groups_must_both_have_it);
	tcase_add_test(tests, a_line_without_an_aligned_block_serves_too);
	tcase_add_test(tests, lines_that_touch_are_one);
	tcase_add_test(tests, the_search_goes_on_before_its_start);
	tcase_add_test(tests, a_nesting_container_gets_a_million);
	tcase_add_test(tests, the_end_of_all_ids_is_no_trap);
	tcase_add_test(tests, ids_of_the_hosts_accounts_are_never_given);
	tcase_add_test(tests, subid_lines_are_sorted_by_owner);
	tcase_add_test(tests, accounts_are_field_three);
	tcase_add_test(tests, the_full_map_is_known);
	tcase_add_test(tests, a_map_of_ones_own_leaves_the_first_block);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
