/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files are the container's: whatever stands there, an id is exactly what was asked for, or an error. */
#include "../testing.h"

#include "runtime/account.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "# a comment\n"
			     "\n"
			     "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
			     "short:x:5\n"
			     "signed:x:-1:5::/:/bin/sh\n"
			     "hex:x:0x0:5::/:/bin/sh\n"
			     "blank:x: 0:5::/:/bin/sh\n"
			     "empty:x::5::/:/bin/sh\n"
			     "most:x:4294967295:5::/:/bin/sh\n"
			     "over:x:4294967296:5::/:/bin/sh\n"
			     "nogroup:x:77:-2::/:/bin/sh\n"
			     "zeros:x:0000000042:0043::/home/zeros:/bin/sh\n"
			     "4242:x:0:0:a name like a number:/:/bin/sh\n"
			     "-1:x:0:0:a name like a sign:/:/bin/sh\n"
			     "0x7:x:0:0:a name like hex:/:/bin/sh\n"
			     "4294967296:x:0:0:a name like a number that is too large:/:/bin/sh\n"
			     "4294967295:x:0:0:likewise:/:/bin/sh\n"
			     ":x:0:0:a name that is empty:/:/bin/sh\n"
			     "homeless:x:50:50:::\n"
			     "relative:x:51:51::home:sh\n"
			     "anna:x:1000:1000:Anna,,,:/home/anna:/bin/ash\n"
			     "second:x:1000:1001::/home/second:/bin/ash\n"
			     "anna:x:2000:2000::/home/later:/bin/ash\n"
			     "last:x:4294967294:4294967294::/home/last:/bin/sh";

static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,anna\n"
			    "broken:x\n"
			    "negative:x:-1:anna\n"
			    "huge:x:4294967296:anna\n"
			    "audio:x:29:anna\n"
			    "again:x:29:anna\n"
			    "annas:x:30:annabel,susanna,ann\n"
			    "anna:x:1000:\n"
			    "4343:x:0:\n"
			    "nomembers:x:31\n"
			    "last:x:32:anna";

#define REFUSED UINT32_MAX

static const struct {
	const char *spec;
	uint32_t uid, gid;	/* REFUSED: an error that says so */
} table[] = {
	/* names */
	{ "root", 0, 0 },
	{ "daemon", 1, 1 },
	{ "anna", 1000, 1000 },
	{ "second", 1000, 1001 },
	{ "last", 4294967294, 4294967294 },
	{ "zeros", 42, 43 },
	{ "homeless", 50, 50 },
	{ "nobody", REFUSED, 0 },
	{ "Anna", REFUSED, 0 },
	{ "anna ", REFUSED, 0 },
	{ " anna", REFUSED, 0 },
	{ "ann", REFUSED, 0 },
	{ "annaa", REFUSED, 0 },
	{ "anna\n", REFUSED, 0 },
	{ "# a comment", REFUSED, 0 },
	{ "../anna", REFUSED, 0 },
	{ "*", REFUSED, 0 },
	/* lines that do not count */
	{ "short", REFUSED, 0 },
	{ "signed", REFUSED, 0 },
	{ "hex", REFUSED, 0 },
	{ "blank", REFUSED, 0 },
	{ "empty", REFUSED, 0 },
	{ "most", REFUSED, 0 },
	{ "over", REFUSED, 0 },
	{ "nogroup", REFUSED, 0 },
	/* numbers */
	{ "0", 0, 0 },
	{ "1", 1, 1 },
	{ "1000", 1000, 1000 },
	{ "7", 7, 7 },
	{ "77", 77, 77 },
	{ "65534", 65534, 65534 },
	{ "4294967294", 4294967294, 4294967294 },
	{ "4242", 4242, 4242 },	/* the number, not the user of that name */
	{ "0000001000", 1000, 1000 },
	{ "00", 0, 0 },
	/* no numbers */
	{ "", REFUSED, 0 },
	{ " ", REFUSED, 0 },
	{ "4294967295", REFUSED, 0 },
	{ "4294967296", REFUSED, 0 },
	{ "18446744073709551616", REFUSED, 0 },
	{ "99999999999999999999999999999999999999999999999999999999999999999999999999999999", REFUSED, 0 },
	{ "-1", REFUSED, 0 },
	{ "-0", REFUSED, 0 },
	{ "+0", REFUSED, 0 },
	{ "0x0", REFUSED, 0 },
	{ "0x7", REFUSED, 0 },
	{ "0b0", REFUSED, 0 },
	{ " 0", REFUSED, 0 },
	{ "0 ", REFUSED, 0 },
	{ "0\t", REFUSED, 0 },
	{ "0.0", REFUSED, 0 },
	{ "0e0", REFUSED, 0 },
	{ "1,000", REFUSED, 0 },
	{ "\xd9\xa0", REFUSED, 0 },	/* an Arabic zero */
	/* with a group */
	{ "anna:wheel", 1000, 10 },
	{ "anna:29", 1000, 29 },
	{ "anna:9999", 1000, 9999 },
	{ "1000:0", 1000, 0 },
	{ "7:wheel", 7, 10 },
	{ "root:root", 0, 0 },
	{ "anna:4343", 1000, 4343 },
	{ "anna:last", 1000, 32 },
	{ "anna:nomembers", 1000, 31 },
	{ "0:4294967294", 0, 4294967294 },
	{ "anna:", REFUSED, 0 },
	{ ":", REFUSED, 0 },
	{ ":wheel", REFUSED, 0 },
	{ ":0", REFUSED, 0 },
	{ "anna:none", REFUSED, 0 },
	{ "anna:-1", REFUSED, 0 },
	{ "anna:4294967295", REFUSED, 0 },
	{ "anna:0x0", REFUSED, 0 },
	{ "anna: 0", REFUSED, 0 },
	{ "anna:negative", REFUSED, 0 },
	{ "anna:huge", REFUSED, 0 },
	{ "anna:broken", REFUSED, 0 },
	{ "anna:0:0", REFUSED, 0 },
	{ "nobody:0", REFUSED, 0 },
};

/* _i: the row */
START_TEST(an_id_is_exactly_what_was_asked_for)
{
	struct account account = { .uid = 12345, .n_groups = -1 };
	struct error err = ERROR_NONE;
	int r = account_parse(table[_i].spec, passwd, group, &account, &err);

	if (table[_i].uid == REFUSED) {
		ck_assert_msg(r < 0, "\"%s\" is taken for %u:%u", table[_i].spec, account.uid, account.gid);
		ck_assert_int_eq(err.status, STATUS_USAGE);
		ck_assert(*err.message);
		ck_assert_uint_eq(account.uid, 12345);	/* untouched */
		return;
	}
	ck_assert_msg(r == 0, "\"%s\": %s", table[_i].spec, err.message);
	ck_assert_uint_eq(account.uid, table[_i].uid);
	ck_assert_uint_eq(account.gid, table[_i].gid);
	ck_assert_int_ge(account.n_groups, 1);
	ck_assert_uint_eq(account.groups[0], account.gid);
}
END_TEST

static struct account find(const char *spec, const char *users, const char *groups)
{
	struct account account = { .n_groups = -1 };
	struct error err = ERROR_NONE;

	ck_assert_msg(account_parse(spec, users, groups, &account, &err) == 0, "%s", err.message);
	return account;
}

static void refuse(const char *spec, const char *users, const char *groups)
{
	struct account account = { .n_groups = -1 };
	struct error err = ERROR_NONE;

	ck_assert_msg(account_parse(spec, users, groups, &account, &err) < 0, "%.40s is taken for %u", spec,
		      account.uid);
}

START_TEST(name_home_and_shell_come_along)
{
	struct account account = find("anna", passwd, group);

	ck_assert_str_eq(account.name, "anna");
	ck_assert_str_eq(account.home, "/home/anna");
	ck_assert_str_eq(account.shell, "/bin/ash");
	account = find("1000", passwd, group);
	ck_assert_str_eq(account.name, "anna");
	ck_assert_str_eq(account.home, "/home/anna");
	account = find("7", passwd, group);
	ck_assert_str_eq(account.name, "7");
	ck_assert_str_eq(account.home, "/");
	ck_assert_str_eq(account.shell, "/bin/sh");
	account = find("root:wheel", passwd, group);
	ck_assert_str_eq(account.home, "/root");
	ck_assert_str_eq(account.shell, "/bin/bash");
}
END_TEST

START_TEST(home_and_shell_that_are_no_paths_are_replaced)
{
	static const char *const names[] = { "homeless", "relative" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct account account = find(names[i], passwd, group);

		ck_assert_str_eq(account.home, "/");
		ck_assert_str_eq(account.shell, "/bin/sh");
	}
}
END_TEST

START_TEST(a_user_is_in_the_groups_that_name_it_whole)
{
	static const gid_t wanted[] = { 1000, 10, 29, 32 };
	struct account account = find("anna", passwd, group);

	ck_assert_int_eq(account.n_groups, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		ck_assert_uint_eq(account.groups[i], wanted[i]);
	account = find("1000", passwd, group);
	ck_assert_int_eq(account.n_groups, ARRAY_SIZE(wanted));
	account = find("7", passwd, group);
	ck_assert_int_eq(account.n_groups, 1);
}
END_TEST

START_TEST(a_given_group_is_the_only_one)
{
	struct account account = find("anna:audio", passwd, group);

	ck_assert_int_eq(account.n_groups, 1);
	ck_assert_uint_eq(account.groups[0], 29);
}
END_TEST

START_TEST(groups_are_taken_up_to_the_most_there_may_be)
{
	auto_text struct text groups = TEXT_EMPTY;
	struct account account;

	for (int i = 0; i < MAX_GROUPS * 3; i++)
		text_add(&groups, "g%d:x:%d:bob,anna\n", i, 5000 + i);
	account = find("anna", passwd, groups.data);
	ck_assert_int_eq(account.n_groups, MAX_GROUPS);
	ck_assert_uint_eq(account.groups[0], 1000);
	for (int i = 1; i < MAX_GROUPS; i++)
		ck_assert_uint_eq(account.groups[i], (gid_t)(5000 + i - 1));
}
END_TEST

START_TEST(without_files_numbers_and_root_work)
{
	static const char *const missing[] = { NULL, "", "\n\n", "garbage", ":::::::", "\xff\xfe" };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		struct account account = find("1234", missing[i], missing[i]);

		ck_assert_uint_eq(account.uid, 1234);
		ck_assert_uint_eq(account.gid, 1234);
		ck_assert_str_eq(account.name, "1234");
		account = find("root", missing[i], missing[i]);
		ck_assert_uint_eq(account.uid, 0);
		ck_assert_uint_eq(account.gid, 0);
		ck_assert_int_eq(account.n_groups, 1);
		ck_assert_int_eq(*account.home, '/');
		ck_assert_str_eq(account.shell, "/bin/sh");
		account = find("0:5", missing[i], missing[i]);
		ck_assert_uint_eq(account.gid, 5);
		refuse("anna", missing[i], missing[i]);
		refuse("root:wheel", missing[i], missing[i]);
		refuse("", missing[i], missing[i]);
	}
}
END_TEST

/* _i: bytes of the home directory's name */
START_TEST(a_line_that_is_too_long_is_skipped_and_the_next_is_read)
{
	static const char after[] = "after:x:6:6::/:/bin/sh\n";
	auto_free char *padding = xcalloc(1, (size_t)_i + 1), *users = NULL, *groups = NULL;
	struct account account;

	memset(padding, 'p', (size_t)_i);
	users = xasprintf("long:x:5:5:%s:/home/long:/bin/sh\n%s", padding, after);
	groups = xasprintf("long:x:7:%s,after\nother:x:8:after\n", padding);
	account = find("after", users, groups);
	ck_assert_uint_eq(account.uid, 6);
	ck_assert_uint_eq(account.groups[account.n_groups - 1], 8);
	if (strlen(users) - strlen(after) <= 4096)
		ck_assert_uint_eq(find("long", users, groups).uid, 5);
	else
		refuse("long", users, groups);
	/* the same with no end of line, and as the only line */
	free(users);
	users = xasprintf("long:x:5:5:%s:/home/long:/bin/sh", padding);
	if (strlen(users) < 4096)
		ck_assert_uint_eq(find("long", users, NULL).uid, 5);
	else
		refuse("long", users, NULL);
}
END_TEST

START_TEST(a_line_of_a_mebibyte_hides_nothing_behind_it)
{
	const size_t n = 1 << 20;
	auto_free char *users = xmalloc(n + 64);

	memset(users, 'x', n);
	strcpy(users + n, "\nafter:x:6:6::/:/bin/sh");
	ck_assert_uint_eq(find("after", users, users).uid, 6);
	memset(users, ':', n);
	ck_assert_uint_eq(find("after", users, users).uid, 6);
	memset(users, '\n', n);
	ck_assert_uint_eq(find("after", users, users).uid, 6);
	/* a part of a line that is too long is no line */
	memset(users, 'x', 5000);
	strcpy(users + 4096, "evil:x:0:0::/:/bin/sh\n");
	refuse("evil", users, NULL);
}
END_TEST

START_TEST(fields_that_do_not_fit_are_never_cut)
{
	static const size_t lengths[] = { 63, 64, 511, 512, 600 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		auto_free char *x = xcalloc(1, lengths[i] + 1), *users = NULL, *spec = NULL;
		struct account account;

		memset(x, 'x', lengths[i]);
		users = xasprintf("%s:x:5:5::/:/bin/sh\nh:x:8:8::/%s:/bin/sh\ns:x:9:9::/:/%s\n", x, x + 1, x + 1);
		if (lengths[i] < 64)
			ck_assert_str_eq(find(x, users, NULL).name, x);
		else
			refuse(x, users, NULL);
		if (lengths[i] < 512) {
			ck_assert_uint_eq(strlen(find("h", users, NULL).home), lengths[i]);
			ck_assert_uint_eq(strlen(find("s", users, NULL).shell), lengths[i]);
		} else {
			refuse("h", users, NULL);
			account = find("8", users, NULL);
			ck_assert_str_eq(account.home, "/");
			ck_assert_uint_eq(account.uid, 8);
		}
		memset(x, '0', lengths[i]);
		spec = xasprintf("%s8", x);
		ck_assert_uint_eq(find(spec, NULL, NULL).uid, 8);
	}
}
END_TEST

START_TEST(the_first_line_of_a_name_counts)
{
	ck_assert_uint_eq(find("anna", passwd, group).uid, 1000);
	ck_assert_str_eq(find("1000", passwd, group).name, "anna");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/account");
	TCase *tests = tcase_create("account");

	tcase_add_loop_test(tests, an_id_is_exactly_what_was_asked_for, 0, ARRAY_SIZE(table));
	tcase_add_test(tests, name_home_and_shell_come_along);
	tcase_add_test(tests, home_and_shell_that_are_no_paths_are_replaced);
	tcase_add_test(tests, a_user_is_in_the_groups_that_name_it_whole);
	tcase_add_test(tests, a_given_group_is_the_only_one);
	tcase_add_test(tests, groups_are_taken_up_to_the_most_there_may_be);
	tcase_add_test(tests, without_files_numbers_and_root_work);
	tcase_add_loop_test(tests, a_line_that_is_too_long_is_skipped_and_the_next_is_read, 4040, 4100);
	tcase_add_loop_test(tests, a_line_that_is_too_long_is_skipped_and_the_next_is_read, 5000, 5001);
	tcase_add_test(tests, a_line_of_a_mebibyte_hides_nothing_behind_it);
	tcase_add_test(tests, fields_that_do_not_fit_are_never_cut);
	tcase_add_test(tests, the_first_line_of_a_name_counts);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
