/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include <unistd.h>

#include "store/host_user.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIFd3vhyVQhOOD2FbxplZKNRl6VbWd0rlBT0QoXXku9aa"
#define BLOB_B "AAAAC3NzaC1lZDI1NTE5AAAAIBd3vhyVQhOOD2FbxplZKNRl6VbWd0rlBT0QoXXku9bb"
#define KEY "ssh-ed25519 " BLOB

static char *taken(const char *text, bool options)
{
	auto_strings struct strings keys = STRINGS_EMPTY;

	host_user_take_keys(text, options, &keys);
	return strings_join(&keys, "\n");
}

static void takes(const char *text, bool options, const char *expected)
{
	auto_free char *found = taken(text, options);

	ck_assert_str_eq(found, expected);
}

START_TEST(lines_with_keys_are_taken)
{
	takes(KEY " me@host\n", false, KEY " me@host");
	takes("  " KEY "\r\n", false, KEY);
	takes("# a comment\n\n" KEY "\n", true, KEY);
	takes("sk-ssh-ed25519@openssh.com " BLOB " x\necdsa-sha2-nistp256 " BLOB_B, false,
	      "sk-ssh-ed25519@openssh.com " BLOB " x\necdsa-sha2-nistp256 " BLOB_B);
	takes("from=\"10.0.0.1\",command=\"echo \\\"a b\\\"\" " KEY " c", true,
	      "from=\"10.0.0.1\",command=\"echo \\\"a b\\\"\" " KEY " c");
	takes("restrict " KEY, true, "restrict " KEY);
}
END_TEST

START_TEST(what_is_no_key_is_not_taken)
{
	takes("root:$6$abc:19000:0:99999:7:::\n", true, "");
	takes("-----BEGIN OPENSSH PRIVATE KEY-----\n" BLOB "\n", true, "");
	takes("ssh-ed25519 AAAA\n", true, "");
	takes("ssh-ed25519 BBBB" BLOB "\n", true, "");
	takes("ssh-ed25519 " BLOB "!\n", true, "");
	takes("ssh-ed25519-cert-v01@openssh.com " BLOB " x\n", false, "");
	takes(KEY " \x1b[2J\n", false, "");
	takes("restrict " KEY, false, "");
	takes("from=\"open " KEY, true, "");
	takes("", true, "");
}
END_TEST

START_TEST(a_key_is_taken_once)
{
	takes(KEY " one\n" KEY " two\ncommand=\"x\" " KEY "\nssh-ed25519 " BLOB_B, true,
	      KEY " one\nssh-ed25519 " BLOB_B);
}
END_TEST

static void refused(const char *name, const char *message)
{
	struct host_user user = HOST_USER_EMPTY;
	struct error err = ERROR_NONE;

	ck_assert_int_lt(host_user_find(name, &user, &err), 0);
	ck_has(err.message, message);
	ck_assert(err.hint[0]);
	ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	ck_assert_ptr_null(user.name);
}

START_TEST(who_is_no_person_of_this_host_is_refused)
{
	refused("nobody-of-that-name", "no user \"nobody-of-that-name\"");
	refused("", "no user");
	refused("a:b\x1b", "no user \"a:b\\x1b\"");
	/* numbers are no names, in whatever way getent reads them */
	refused("0", "no user \"0\"");
	refused("+0", "no user \"+0\"");
	refused(" 1000", "no user \" 1000\"");
	refused("-0", "no user");
	refused("root", "is root");
	refused("nobody", "cannot log in");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/host_user");
	TCase *tests = tcase_create("keys");

	tcase_add_test(tests, lines_with_keys_are_taken);
	tcase_add_test(tests, what_is_no_key_is_not_taken);
	tcase_add_test(tests, a_key_is_taken_once);
	tcase_add_test(tests, who_is_no_person_of_this_host_is_refused);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
