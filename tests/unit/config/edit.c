/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "config/edit.h"

static const char file[] = "# my box\n"
			   "\n"
			   "[container]\n"
			   "  hostname = dev      ; do not change\n"
			   "\n"
			   "\n"
			   "[network \"eth0\"]\n"
			   "dns=1.1.1.1\n"
			   "# second\n"
			   "dns = \"9.9.9.9\"  # quad nine\n"
			   "; about limits\n"
			   "[limits]\n"
			   "memory = 2G\n"
			   "nonsense, left as it is\n"
			   "# end";

static char *set(const char *text, const char *key, const char *value)
{
	struct error err = ERROR_NONE;
	char *ret = NULL;

	ck_assert_msg(config_edit_set(text, key, value, &ret, &err) == 0, "%s", err.message);
	return ret;
}

static char *unset(const char *text, const char *key)
{
	struct error err = ERROR_NONE;
	char *ret = NULL;

	ck_assert_msg(config_edit_unset(text, key, &ret, &err) == 0, "%s", err.message);
	return ret;
}

/* Replace the first `from` in file by `to`. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	ck_assert_ptr_nonnull(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

START_TEST(only_the_value_changes)
{
	static const struct {
		const char *key, *value, *from, *to;
	} cases[] = {
		{ "container.hostname", "prod", "dev ", "prod " },
		{ "limits.memory", "4G", "memory = 2G", "memory = 4G" },
		{ "network.eth0.dns", "8.8.8.8,9.9.9.9", "dns=1.1.1.1", "dns=8.8.8.8" },
		{ "network.dns", "1.1.1.1, 8.8.4.4", "\"9.9.9.9\"", "8.8.4.4" },
		{ "container.hostname", "", "dev ", " " },
		{ "limits.memory", "2G", "x", "x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *got = set(file, cases[i].key, cases[i].value);
		auto_free char *want = changed(file, cases[i].from, cases[i].to);

		if (strcmp(cases[i].from, cases[i].to) == 0)
			ck_assert_str_eq(got, file);
		else if (strstr(cases[i].value, "9.9.9.9"))
			ck_has(got, "dns=8.8.8.8\n# second\ndns = 9.9.9.9  # quad nine\n");
		else
			ck_assert_str_eq(got, want);
	}
}
END_TEST

START_TEST(a_new_key_stands_behind_the_last_of_its_section)
{
	auto_free char *got = set(file, "container.user", "me");
	auto_free char *want = changed(file, "change\n", "change\n  user = me\n");
	auto_free char *got2 = set(file, "limits.cpus", "1.5");
	auto_free char *want2 = changed(file, "memory = 2G\n", "memory = 2G\ncpus = 1.5\n");
	auto_free char *got3 = set(file, "network.mtu", "1400");
	auto_free char *want3 = changed(file, "# quad nine\n", "# quad nine\nmtu = 1400\n");

	ck_assert_str_eq(got, want);
	ck_assert_str_eq(got2, want2);
	ck_assert_str_eq(got3, want3);
}
END_TEST

START_TEST(a_missing_section_is_made_at_the_end)
{
	auto_free char *got = set(file, "security.nesting", "yes");
	auto_free char *want = xasprintf("%s\n\n[security]\nnesting = yes\n", file);
	auto_free char *first = set("", "network.eth1.mtu", "1400");
	auto_free char *second = set("[rootfs]\n\n", "environment.A", "b");

	ck_assert_str_eq(got, want);
	ck_assert_str_eq(first, "[network \"eth1\"]\nmtu = 1400\n");
	ck_assert_str_eq(second, "[rootfs]\n\n[environment]\nA = b\n");
}
END_TEST

START_TEST(a_list_shrinks_grows_and_appends)
{
	auto_free char *one = set(file, "network.eth0.dns", "9.9.9.9");
	auto_free char *three = set(file, "network.eth0.dns", "1.1.1.1,9.9.9.9,8.8.8.8");
	auto_free char *more = set(file, "network.eth0.dns+", "8.8.8.8,1.1.1.1");
	auto_free char *fresh = set("[network]\nmtu = 1400\n", "network.dns+", "8.8.8.8,1.1.1.1");
	auto_free char *none = set(file, "network.dns", "");
	auto_free char *again = set(fresh, "network.dns", "8.8.8.8");

	ck_has(one, "dns=9.9.9.9\n# second\n; about limits\n");
	ck_has(three, "dns=1.1.1.1\n# second\ndns = 9.9.9.9  # quad nine\ndns = 8.8.8.8\n; about");
	ck_has(more, "dns = \"9.9.9.9\"  # quad nine\ndns = 8.8.8.8\n; about");
	ck_assert_str_eq(fresh, "[network]\nmtu = 1400\ndns += 8.8.8.8\ndns = 1.1.1.1\n");
	ck_has(none, "[network \"eth0\"]\ndns=\n# second\n; about limits\n");
	ck_assert_str_eq(again, "[network]\nmtu = 1400\ndns = 8.8.8.8\n");
}
END_TEST

START_TEST(line_ends_and_the_mark_stay)
{
	auto_free char *dos = set("[limits]\r\ncpus = 1\r\n", "limits.tasks", "5");
	auto_free char *dos2 = set("[limits]\r\ncpus = 1\r\n", "limits.cpus", "2");
	auto_free char *mark = set("\xef\xbb\xbf[limits]\ncpus = 1", "limits.cpus", "2");
	auto_free char *odd = set("[limits]\ncpus = 1\r", "limits.tasks", "5");

	ck_assert_str_eq(dos, "[limits]\r\ncpus = 1\r\ntasks = 5\r\n");
	ck_assert_str_eq(dos2, "[limits]\r\ncpus = 2\r\n");
	ck_assert_str_eq(mark, "\xef\xbb\xbf[limits]\ncpus = 2");
	ck_assert_str_eq(odd, "[limits]\ncpus = 1\r\ntasks = 5\n");
}
END_TEST

START_TEST(every_value_comes_back_as_it_was_given)
{
	static const char *const values[] = {
		"plain",      " lead",	 "trail ", "a ; b",  "a # b",
		"a;b#c",      ";x",	 "#x",	   "\"",     "\"x\"",
		"a\"b",	      "\\",	 "\\\"",   "a\\",    "ends \\",
		"'x'",	      "${HOME}", "a=b",	   "=",	     "[x]",
		"ä€",	      "a\tb",	 "\t",	   "a\t; b", "say \"a ; b\"",
		"a \" b # c", "*",	 "{}",	   "a, b",   "//x",
		"/* x */",    "",	 " ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		/* into a new line, over a plain one, over quotes, over a comment without a blank */
		static const char *const before[] = { "", "[environment]\nA = x ; c\n",
						      "[environment]\nA=\"x;\"#c\n",
						      "[environment]\nA=\n",
						      "[environment]\nA = ; c\n" };

		for (size_t j = 0; j < ARRAY_SIZE(before); j++) {
			auto_free char *text = set(before[j], "environment.A", values[i]);
			auto_free char *again = set(text, "environment.A", values[i]);
			auto_free char *want = xasprintf("A=%s", values[i]);
			auto_config struct container_config config;

			good(&config, text);
			ck_assert_uint_eq(config.environment.n, 1);
			ck_assert_str_eq(config.environment.items[0], want);
			ck_assert_str_eq(text, again);
			ck_assert(!strchr(before[j], 'c') || strstr(text, "c\n"));
		}
	}
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
	static const struct {
		const char *key, *value, *message;
	} cases[] = {
		{ "environment.A", "a\nb", "[environment] A: control characters" },
		{ "environment.A", "a\033b", "[environment] A: control characters" },
		{ "environment.A", "\xff", "[environment] A: control characters" },
		{ "limits.memory", "much",
		  "[limits] memory: \"much\" is not valid; allowed: auto, none, or 1M to 7E" },
		{ "limits.memroy", "1G", "did you mean \"limits.memory\"?" },
		{ "credentials.x", "a\\q", "[credentials] x: what is given is not valid; allowed: text" },
		{ "credentials..", "x", "[credentials]: \".\" is not valid; allowed: at most 255" },
		{ "network.dns", "1.1.1.1,x", "[network \"eth0\"] dns: \"x\" is not valid" },
		{ "network.dns", "1.1.1.1, ,2.2.2.2",
		  "[network \"eth0\"] dns: an empty value in a list" },
		{ "network.type", "ipvlan", "\"ipvlan\" is not valid" },
		{ "limits.memory+", "1G", "+= is for lists" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_NONE;
		char *ret = NULL;

		ck_assert_int_eq(config_edit_set("", cases[i].key, cases[i].value, &ret, &err),
				 -EINVAL);
		ck_has(err.message, cases[i].message);
		ck_assert_ptr_null(ret);
		ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	}
}
END_TEST

START_TEST(unset_takes_the_lines_and_nothing_else)
{
	auto_free char *memory = unset(file, "limits.memory");
	auto_free char *want = changed(file, "memory = 2G\n", "");
	auto_free char *dns = unset(file, "network.eth0.dns");
	auto_free char *want_dns = changed(
		file, "dns=1.1.1.1\n# second\ndns = \"9.9.9.9\"  # quad nine\n", "# second\n");
	auto_free char *nothing = unset(file, "limits.cpus");
	auto_free char *other = unset("[limits]\nio_read = 5K\ncpus = 1\n", "limits.io_read");
	auto_free char *variable = unset("[environment]\nA = 1\nB = 2\n", "environment.A");

	ck_assert_str_eq(memory, want);
	ck_assert_str_eq(dns, want_dns);
	ck_assert_str_eq(nothing, file);
	ck_assert_str_eq(other, "[limits]\ncpus = 1\n");
	ck_assert_str_eq(variable, "[environment]\nB = 2\n");
}
END_TEST

START_TEST(a_titled_section_can_be_removed)
{
	auto_free char *eth0 = unset(file, "network.eth0");
	auto_free char *want = changed(file,
				       "[network \"eth0\"]\ndns=1.1.1.1\n# second\n"
				       "dns = \"9.9.9.9\"  # quad nine\n",
				       "");
	auto_free char *nothing = unset(file, "network.eth9");
	auto_free char *key = unset("[network]\nmtu = 1400\n[network mtu]\n", "network.mtu");

	ck_assert_str_eq(eth0, want);
	ck_assert_str_eq(nothing, file);
	ck_assert_str_eq(key, "[network]\n[network mtu]\n"); /* a key wins over a title */
}
END_TEST

START_TEST(sections_of_the_same_name_are_told_apart_by_title)
{
	auto_free char *got = set("[network a]\nmtu = 1400\n[network \"b\"]\nmtu = 1500\n",
				  "network.b.mtu", "9000");

	ck_assert_str_eq(got, "[network a]\nmtu = 1400\n[network \"b\"]\nmtu = 9000\n");
}
END_TEST

START_TEST(a_section_in_two_parts_is_one)
{
	auto_free char *got =
		set("[limits]\ncpus = 1\n[container]\n[limits]\ntasks = 2\n", "limits.cpus", "3");
	auto_free char *got2 =
		set("[limits]\ncpus = 1\n[container]\n[limits]\n", "limits.tasks", "3");

	ck_assert_str_eq(got, "[limits]\ncpus = 3\n[container]\n[limits]\ntasks = 2\n");
	ck_assert_str_eq(got2, "[limits]\ncpus = 1\ntasks = 3\n[container]\n[limits]\n");
}
END_TEST

START_TEST(a_key_given_twice_by_mistake_is_mended_by_set)
{
	auto_free char *got = set("[limits]\ncpus = 1\ncpus = 2\n", "limits.cpus", "3");

	ck_assert_str_eq(got, "[limits]\ncpus = 3\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/edit");
	TCase *tcase = tcase_create("edit");

	tcase_add_test(tcase, only_the_value_changes);
	tcase_add_test(tcase, a_new_key_stands_behind_the_last_of_its_section);
	tcase_add_test(tcase, a_missing_section_is_made_at_the_end);
	tcase_add_test(tcase, a_list_shrinks_grows_and_appends);
	tcase_add_test(tcase, line_ends_and_the_mark_stay);
	tcase_add_test(tcase, every_value_comes_back_as_it_was_given);
	tcase_add_test(tcase, what_cannot_be_written_is_refused);
	tcase_add_test(tcase, unset_takes_the_lines_and_nothing_else);
	tcase_add_test(tcase, a_titled_section_can_be_removed);
	tcase_add_test(tcase, sections_of_the_same_name_are_told_apart_by_title);
	tcase_add_test(tcase, a_section_in_two_parts_is_one);
	tcase_add_test(tcase, a_key_given_twice_by_mistake_is_mended_by_set);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
