/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "config/parse.h"

START_TEST(an_empty_file_gives_the_defaults_and_one_network)
{
	auto_config struct container_config config;

	good(&config, "");
	ck_assert_str_eq(config.init, "/sbin/init");
	ck_assert_ptr_null(config.hostname);
	ck_assert_uint_eq(config.rootfs.size, UINT64_C(10) << 30);
	ck_assert_uint_eq(config.stop_timeout, 30000000);
	ck_assert_uint_eq(config.limits.memory, CONFIG_UNSET);
	ck_assert_uint_eq(config.n_networks, 1);
	ck_assert_str_eq(config.networks[0].name, "eth0");
	ck_assert_int_eq(config.networks[0].type, NETWORK_VETH);
	ck_assert_str_eq(config.networks[0].hwaddr, "auto");
}
END_TEST

START_TEST(comments_and_blank_lines_are_nothing)
{
	auto_config struct container_config config;

	good(&config, "# one\n; two\n\n   \t\n  # three [x] y = \"\n;\n#");
	ck_assert_uint_eq(config.n_networks, 1);
}
END_TEST

START_TEST(the_example_of_the_contract_is_read_as_far_as_built)
{
	auto_config struct container_config config;

	good(&config,
	     "[container]\nhostname = dev\ninit = /sbin/init\nrestart = on-failure\n\n"
	     "[rootfs]\nimage = rootfs.img\nsize = 10G\nreadonly = no\n\n"
	     "[network \"eth0\"]\ntype = veth              ; veth, none, host\nbridge = sysct0\n"
	     "address = auto           ; auto (given by sysct before init runs), dhcp\n\n"
	     "[limits]\nmemory = 2G\ncpus = 1.5\ntasks = 4096\n\n"
	     "[security]\nprivileged = no\nidmap = auto\nnesting = yes\n\n"
	     "[environment]\nLANG = C.UTF-8\n");
	ck_assert_str_eq(config.hostname, "dev");
	ck_assert_int_eq(config.restart, RESTART_ON_FAILURE);
	ck_assert_uint_eq(config.limits.memory, UINT64_C(2) << 30);
	ck_assert_uint_eq(config.limits.cpus, 1500);
	ck_assert_uint_eq(config.limits.tasks, 4096);
	ck_assert(config.security.nesting);
	ck_assert_str_eq(config.networks[0].bridge, "sysct0");
	ck_assert_uint_eq(config.networks[0].address.n, 1);
	ck_assert_uint_eq(config.environment.n, 1);
	ck_assert_str_eq(config.environment.items[0], "LANG=C.UTF-8");
}
END_TEST

START_TEST(dos_line_ends_and_a_byte_order_mark_are_fine)
{
	auto_config struct container_config config;

	good(&config, "\xef\xbb\xbf[container]\r\nhostname = a\r\n\r\n[limits]\r\ntasks=5\r\n");
	ck_assert_str_eq(config.hostname, "a");
	ck_assert_uint_eq(config.limits.tasks, 5);
}
END_TEST

START_TEST(the_last_line_needs_no_newline)
{
	auto_config struct container_config config;

	good(&config, "[container]\nhostname = a");
	ck_assert_str_eq(config.hostname, "a");
}
END_TEST

START_TEST(a_nul_byte_is_refused_with_its_line)
{
	static const char in_value[] = "[container]\nhostname = a\0b\n",
			  in_comment[] = "\n\n# a\0b\n";
	struct error err;

	err = refused_bytes(in_value, sizeof(in_value) - 1);
	ck_assert_str_eq(err.message, "f:2: a NUL byte; the file is not text");
	err = refused_bytes(in_comment, sizeof(in_comment) - 1);
	ck_assert_str_eq(err.message, "f:3: a NUL byte; the file is not text");
}
END_TEST

START_TEST(control_characters_and_bad_utf8_are_refused)
{
	struct error err;

	err = refused("[container]\n\ndescription = a\033[31mb\n");
	ck_has(err.message, "f:3: a control character");
	err = refused("[container]\ndescription = \xff\xfe\n");
	ck_has(err.message, "f:2: a control character");
	err = refused("[container]\ndescription = a\rb\n");
	ck_has(err.message, "f:2: a control character");
}
END_TEST

START_TEST(a_file_of_more_than_a_mebibyte_is_refused)
{
	auto_free char *text = xmalloc(CONFIG_BYTES + 1);
	struct error err;

	memset(text, '\n', CONFIG_BYTES + 1);
	err = refused_bytes(text, CONFIG_BYTES + 1);
	ck_assert_str_eq(err.message, "f: larger than 1 MiB");
}
END_TEST

START_TEST(a_line_of_a_mebibyte_may_be_a_comment_but_no_value)
{
	auto_free char *text = xmalloc(CONFIG_BYTES);
	auto_config struct container_config config;
	struct error err = ERROR_NONE;

	memset(text, 'x', CONFIG_BYTES);
	memcpy(text, "#", 1);
	config_init(&config);
	ck_assert_int_eq(config_parse_text(text, CONFIG_BYTES, "f", &config, NULL, &err), 0);
	memcpy(text, "[environment]\nA=", 16);
	err = refused_bytes(text, CONFIG_BYTES);
	ck_assert_str_eq(err.message, "f:2: longer than 32 KiB");
	config_done(&config);
	config_init(&config);
	ck_assert_int_eq(config_parse_text(text, 16 + 32768, "f", &config, NULL, &err), 0);
	ck_assert_uint_eq(strlen(config.environment.items[0]), 2 + 32768);
	memcpy(text, "[container]\nuser", 16);
	text[16] = '=';
	err = refused_bytes(text, 10000);
	ck_has(err.message, "f:2: [container] user: \"xxxx");
	ck_has(err.message, "xxx...\" is not valid; allowed: USER");
}
END_TEST

START_TEST(wrong_lines_are_named_with_their_number)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[container\n",
		  "f:1: the ] is missing; sections are written [name] or [name \"title\"]" },
		{ "\n[network \"eth0]\n", "f:2: the quote is not closed" },
		{ "# a\n[container] x\n", "f:2: text after the ]" },
		{ "[]\n", "f:1: a section needs a name, [name]" },
		{ "[/x]\n", "f:1: a section's name has letters, digits and _ only" },
		{ "# c\n# c\nhostname = a\n",
		  "f:3: key \"hostname\" stands before the first [section]" },
		{ "[container]\nhostname\n", "f:2: neither [section] nor key = value" },
		{ "[container]\n= a\n", "f:2: no key before the =" },
		{ "[container]\na b = a\n", "f:2: a key has letters, digits, _ . and - only" },
		{ "[container]\nhostname = \"a\n", "f:2: the quote is not closed" },
		{ "[container]\nhostname = \"a\" b\n", "f:2: text after the closing quote" },
		{ "[container]\n\n\ndescription = say \"a ; b\"\n",
		  "f:4: a quote is open where the comment begins; put quotes around the whole value" },
		{ "container {\n  hostname = \"a\"\n}\n",
		  "f:1: neither [section] nor key = value" },
		{ "include(\"/etc/shadow\")\n", "f:1: neither [section] nor key = value" },
		{ "include = /etc/shadow\n",
		  "f:1: key \"include\" stands before the first [section]" },
		{ "[container]\ninclude = /etc/shadow\n", "f:2: [container] include: no such key" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = refused(cases[i].text);

		ck_has(err.message, cases[i].message);
		ck_assert_ptr_eq(strstr(err.message, cases[i].message), err.message);
	}
}
END_TEST

START_TEST(line_numbers_are_exact_behind_comments_of_every_kind)
{
	auto_text struct text text = TEXT_EMPTY;
	struct error err;

	for (int i = 0; i < 100; i++)
		text_add(&text, "# %d\n; /* */ // %d\n\n", i, i);
	text_add(&text, "[limits]   # 301\n# 302\ntasks = 7   ; 303\n\ncpus = much\n");
	err = refused(text.data);
	ck_assert_str_eq(
		err.message,
		"f:305: [limits] cpus: \"much\" is not valid; allowed: none, or 0.01 to 8192");
	text_add(&text, "\n[network \"a\"]\n# x\n\nmtu = 1\n");
	err = refused(text.data);
	ck_has(err.message, "f:305: ");
	ck_has(err.message,
	       "f:310: [network \"a\"] mtu: \"1\" is out of range; allowed: auto, or 68 to 65535");
}
END_TEST

START_TEST(all_errors_of_a_file_are_told_at_once_in_order)
{
	struct error err = refused(
		"[container]\nhostname = -x\nhostnam = y\n[limits]\ncpus = 1\ncpus = 2\n"
		"tasks = none\n[limts]\nx = y\nnonsense\n[security]\nprivileged = perhaps\n");

	ck_assert_str_eq(
		err.message,
		"f:2: [container] hostname: \"-x\" is not valid; allowed: a host name of at most 64 "
		"letters, digits, - and .\n"
		"f:3: [container] hostnam: no such key; did you mean \"hostname\"?\n"
		"f:6: [limits] cpus: given twice, first in line 5\n"
		"f:8: unknown section [limts]; did you mean [limits]?\n"
		"f:10: neither [section] nor key = value\n"
		"f:12: [security] privileged: \"perhaps\" is not valid; allowed: yes, no");
}
END_TEST

START_TEST(errors_that_do_not_fit_are_counted)
{
	auto_text struct text text = TEXT_EMPTY;
	struct error err;
	size_t lines = 1;

	text_add(&text, "[container]\n");
	for (int i = 0; i < 200; i++)
		text_add(&text, "quatsch%d = 1\n", i);
	err = refused(text.data);
	for (const char *p = err.message; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_ge(lines, 10);
	ck_has(err.message, "f:2: [container] quatsch0: no such key\n");
	ck_has(err.message, "\n... and 1");
	ck_assert(text_ends(err.message, " more"));
}
END_TEST

START_TEST(a_section_given_twice_is_merged_unless_it_has_a_title)
{
	auto_config struct container_config config;
	struct error err;

	good(&config, "[limits]\ntasks = 5\n[container]\nuser = me\n[limits]\ncpus = 2\n");
	ck_assert_uint_eq(config.limits.tasks, 5);
	ck_assert_uint_eq(config.limits.cpus, 2000);
	err = refused("[limits]\ntasks = 5\n[container]\n[limits]\ntasks = 6\n");
	ck_assert_str_eq(err.message, "f:5: [limits] tasks: given twice, first in line 2");
	err = refused("[network \"a\"]\n[network \"b\"]\n\n[network a]\nmtu = wrong but skipped\n");
	ck_assert_str_eq(err.message, "f:4: [network \"a\"]: given twice, first in line 1");
	err = refused("[network]\n[network \"eth0\"]\n");
	ck_assert_str_eq(err.message, "f:2: [network \"eth0\"]: given twice, first in line 1");
}
END_TEST

START_TEST(lists_over_two_parts_of_a_section_append)
{
	auto_config struct container_config config;

	good(&config, "[security]\ndrop_capabilities = sys_time\n[container]\n[security]\n"
		      "drop_capabilities = CAP_SYS_BOOT\n");
	ck_assert_uint_eq(config.security.drop_capabilities.n, 2);
	ck_assert_str_eq(config.security.drop_capabilities.items[0], "cap_sys_time");
	ck_assert_str_eq(config.security.drop_capabilities.items[1], "cap_sys_boot");
}
END_TEST

START_TEST(a_repeated_list_key_appends_and_an_empty_value_begins_anew)
{
	auto_config struct container_config config;

	good(&config, "[network]\ndns = 1.1.1.1\ndns = 9.9.9.9\ndns = 2620:fe::fe\n");
	ck_assert_uint_eq(config.networks[0].dns.n, 3);
	ck_assert_str_eq(config.networks[0].dns.items[2], "2620:fe::fe");
	config_done(&config);
	good(&config, "[network]\ndns = 1.1.1.1\ndns =\ndns = 9.9.9.9\n");
	ck_assert_uint_eq(config.networks[0].dns.n, 1);
	ck_assert_str_eq(config.networks[0].dns.items[0], "9.9.9.9");
}
END_TEST

START_TEST(a_wrong_value_in_the_middle_of_a_list_has_its_own_line)
{
	struct error err = refused("[network]\ndns = 1.1.1.1\n# x\ndns = 1.1.1\ndns = 9.9.9.9\n");

	ck_assert_str_eq(
		err.message,
		"f:4: [network \"eth0\"] dns: \"1.1.1\" is not valid; allowed: an IP address");
}
END_TEST

START_TEST(values_arrive_as_they_were_written)
{
	static const struct {
		const char *line, *value;
	} cases[] = {
		{ "A = dev box's \\ #1", "A=dev box's \\" },
		{ "A = dev#1;2", "A=dev#1;2" },
		{ "A = c *:* rwm", "A=c *:* rwm" },
		{ "A=/srv/a b, c (x) {y} + = z", "A=/srv/a b, c (x) {y} + = z" },
		{ "A = br0 ${HOME} ${HOME:-x} ~", "A=br0 ${HOME} ${HOME:-x} ~" },
		{ "A = \"  b ; c # d  \"   ; e", "A=  b ; c # d  " },
		{ "A = \"a\\\"b\\\\c\\nd\"", "A=a\"b\\c\\nd" },
		{ "A = 'a'", "A='a'" },
		{ "A = a\"b", "A=a\"b" },
		{ "A = ends in \\", "A=ends in \\" },
		{ "A = 5\" disk, 3\" disk ; two", "A=5\" disk, 3\" disk" },
		{ "A = ä€𝄞", "A=ä€𝄞" },
		{ "A = a\tb", "A=a\tb" },
		{ "A =   ; empty", "A=" },
		{ "A =;x", "A=;x" },
		{ "A = \"\"", "A=" },
		{ "  A\t=\tx\t# y", "A=x" },
		{ "A = $PATH `id` $(id) !x", "A=$PATH `id` $(id) !x" },
		{ "A = /* no */ // comment", "A=/* no */ // comment" },
		{ "A = \\'", "A=\\'" },
		{ "A = '", "A='" },
		{ "A = \\\\", "A=\\\\" },
		{ "A = =", "A==" },
	};

	ck_assert_int_eq(setenv("HOME", "/secret", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_config struct container_config config;
		auto_free char *text = xasprintf("[environment]\n%s\nB = 1\n", cases[i].line);

		good(&config, text);
		ck_assert_str_eq(config.environment.items[0], cases[i].value);
		ck_assert_str_eq(config.environment.items[1], "B=1");
	}
}
END_TEST

START_TEST(titles_with_and_without_quotes_are_the_same)
{
	auto_config struct container_config config;

	good(&config, "[network eth1]\nmtu = 1400\n[ network   \"lan.5\" ] ; x\nmtu = 1500\n");
	ck_assert_uint_eq(config.n_networks, 2);
	ck_assert_str_eq(config.networks[0].name, "eth1");
	ck_assert_uint_eq(config.networks[0].mtu, 1400);
	ck_assert_str_eq(config.networks[1].name, "lan.5");
}
END_TEST

START_TEST(wrong_titles_are_refused)
{
	static const char *const titles[] = {
		"\"\"",	      "lo",    "\"a b\"", "\"a/b\"", "sixteen-letters-",
		"\"a\\\"b\"", "\"'\"", "default", ".."
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		auto_free char *text = xasprintf("\n[network %s]\n", titles[i]);

		err = refused(text);
		ck_has(err.message, "f:2: [network]: \"");
	}
	err = refused("[limits \"x\"]\n");
	ck_assert_str_eq(err.message, "f:1: [limits] takes no title, and \"x\" is one");
}
END_TEST

START_TEST(a_credential_is_not_shown_where_it_is_refused)
{
	struct error err;

	err = refused("[credentials]\nx = sec\\ret\n");
	ck_assert_str_eq(err.message, "f:2: [credentials] x: what is given is not valid; allowed: text, with \\n for a new "
				      "line, \\t, \\\\ and \\xHH");
	err = refused("[credentials]\n.. = x\n");
	ck_assert_str_eq(err.message, "f:2: [credentials] ..: not a valid key; allowed: at most 255 letters, digits, _ . -, "
				      "and not . or ..");
}
END_TEST

START_TEST(sections_stand_in_the_right_file)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	struct error err = refused("[host]\nbridge = br0\n");
	const char *text = "[template]\nname = x\n";

	ck_assert_str_eq(err.message, "f:1: [host] may stand in sysct.conf only");
	config_init(&config);
	host_config_init(&host);
	ck_assert_int_eq(config_parse_text(text, strlen(text), "f", &config, &host, &err), -EINVAL);
	ck_assert_str_eq(err.message, "f:1: [template] may not stand in sysct.conf");
}
END_TEST

START_TEST(sysct_conf_gives_defaults_and_the_host)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	struct error err = ERROR_NONE;
	const char *text =
		"[host]\nbridge = br7\nsubnet = 10.9.0.0/24\nmirror = alpine   https://a/b\n"
		"mirror = debian http://d\ncache_age = 1d\n[limits]\nmemory = 1G\n"
		"[network \"eth0\"]\ndns = 1.1.1.1\ngateway = 10.0.0.1\n[environment]\nA = 1\nB = 2\n";
	const char *box =
		"[network \"eth0\"]\ndns = 9.9.9.9\naddress = 10.0.0.9/24\n[environment]\nB = 3\n"
		"[limits]\nmemory = none\n";

	config_init(&config);
	host_config_init(&host);
	/* the gateway without address is no error here: a container may give the address */
	ck_assert_int_eq(config_parse_text(text, strlen(text), "f", &config, &host, &err), 0);
	ck_assert_str_eq(host.bridge, "br7");
	ck_assert_uint_eq(host.mirror.n, 2);
	ck_assert_str_eq(host.mirror.items[0], "alpine https://a/b");
	ck_assert_uint_eq(host.cache_age, UINT64_C(86400000000));
	ck_assert_uint_eq(config.limits.memory, UINT64_C(1) << 30);
	ck_assert_int_eq(config_parse_text(box, strlen(box), "f", &config, NULL, &err), 0);
	ck_assert_uint_eq(config.n_networks, 1);
	ck_assert_uint_eq(config.networks[0].dns.n, 1);
	ck_assert_str_eq(config.networks[0].dns.items[0], "9.9.9.9");
	ck_assert_str_eq(config.networks[0].gateway, "10.0.0.1");
	ck_assert_uint_eq(config.environment.n, 2);
	ck_assert_str_eq(config.environment.items[1], "B=3");
	ck_assert_uint_eq(config.limits.memory, CONFIG_NONE);
}
END_TEST

START_TEST(a_list_can_add_to_the_default_or_empty_it)
{
	auto_config struct container_config config;
	struct error err = ERROR_NONE;
	const char *more = "[network]\ndns += 2.2.2.2\ndns += 3.3.3.3\n",
		   *none = "[network]\ndns =\n";

	good(&config, "[network]\ndns = 1.1.1.1\n");
	ck_assert_int_eq(config_parse_text(more, strlen(more), "f", &config, NULL, &err), 0);
	ck_assert_uint_eq(config.networks[0].dns.n, 3);
	ck_assert_str_eq(config.networks[0].dns.items[2], "3.3.3.3");
	ck_assert_int_eq(config_parse_text(none, strlen(none), "f", &config, NULL, &err), 0);
	ck_assert_uint_eq(config.networks[0].dns.n, 0);
	err = refused("[limits]\ntasks += 5\n");
	ck_assert_str_eq(err.message, "f:2: [limits] tasks: += is for lists, and this is none");
}
END_TEST

START_TEST(an_empty_value_is_the_built_in_default)
{
	auto_config struct container_config config;
	struct error err = ERROR_NONE;
	const char *text =
		"[container]\nhostname =\nuser = \"\"\nstop_timeout = ; x\n[limits]\nmemory=\n";

	good(&config,
	     "[container]\nhostname = a\nuser = b\nstop_timeout = 5\n[limits]\nmemory = 1G\n");
	ck_assert_int_eq(config_parse_text(text, strlen(text), "f", &config, NULL, &err), 0);
	ck_assert_ptr_null(config.hostname);
	ck_assert_str_eq(config.user, "root");
	ck_assert_uint_eq(config.stop_timeout, 30000000);
	ck_assert_uint_eq(config.limits.memory, CONFIG_UNSET);
}
END_TEST

START_TEST(variables_with_wrong_names_or_given_twice_are_refused)
{
	struct error err = refused("[environment]\n1A = x\nA-B = y\nA = 1\nA = 1\n");

	ck_has(err.message,
	       "f:2: [environment] 1A: not a valid key; allowed: letters, digits and _");
	ck_has(err.message, "f:3: [environment] A-B: not a valid key");
	ck_has(err.message, "f:5: [environment] A: given twice, first in line 4");
}
END_TEST

START_TEST(image_and_directory_exclude_each_other_even_at_the_default)
{
	struct error err = refused("[rootfs]\nimage = rootfs.img\n\ndirectory = /srv/x\n");

	ck_assert_str_eq(err.message,
			 "f:4: [rootfs] image and directory exclude each other, and both are given "
			 "(lines 2 and 4)");
}
END_TEST

START_TEST(rules_between_options_name_the_file)
{
	struct error err = refused("[network]\ngateway = 10.0.0.1\n");

	ck_has(err.message, "f:2: [network \"eth0\"] gateway: needs an address");
}
END_TEST

START_TEST(too_many_settings_are_refused)
{
	auto_text struct text text = TEXT_EMPTY;
	struct error err;

	text_add(&text, "[environment]\n");
	for (int i = 0; i < 5000; i++)
		text_add(&text, "A%d=\n", i);
	err = refused(text.data);
	ck_assert_str_eq(err.message, "f:4097: more than 4096 settings");
}
END_TEST

START_TEST(a_long_list_is_read)
{
	auto_text struct text text = TEXT_EMPTY;
	auto_config struct container_config config;

	text_add(&text, "[network]\n");
	for (int i = 0; i < 2000; i++)
		text_add(&text, "dns = 10.0.%d.%d\n", i / 200, i % 200 + 1);
	good(&config, text.data);
	ck_assert_uint_eq(config.networks[0].dns.n, 2000);
}
END_TEST

START_TEST(parsing_again_after_an_error_works)
{
	auto_config struct container_config config;

	for (int i = 0; i < 3; i++) {
		refused("[container]\nhostname = \"\n[limits]\ncpus = '\n");
		good(&config, "[container]\nhostname = a\n");
		ck_assert_str_eq(config.hostname, "a");
		if (i < 2)
			config_done(&config);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/parse");
	TCase *tcase = tcase_create("parse");

	tcase_add_test(tcase, an_empty_file_gives_the_defaults_and_one_network);
	tcase_add_test(tcase, comments_and_blank_lines_are_nothing);
	tcase_add_test(tcase, the_example_of_the_contract_is_read_as_far_as_built);
	tcase_add_test(tcase, dos_line_ends_and_a_byte_order_mark_are_fine);
	tcase_add_test(tcase, the_last_line_needs_no_newline);
	tcase_add_test(tcase, a_nul_byte_is_refused_with_its_line);
	tcase_add_test(tcase, control_characters_and_bad_utf8_are_refused);
	tcase_add_test(tcase, a_file_of_more_than_a_mebibyte_is_refused);
	tcase_add_test(tcase, a_line_of_a_mebibyte_may_be_a_comment_but_no_value);
	tcase_add_test(tcase, wrong_lines_are_named_with_their_number);
	tcase_add_test(tcase, line_numbers_are_exact_behind_comments_of_every_kind);
	tcase_add_test(tcase, all_errors_of_a_file_are_told_at_once_in_order);
	tcase_add_test(tcase, errors_that_do_not_fit_are_counted);
	tcase_add_test(tcase, a_section_given_twice_is_merged_unless_it_has_a_title);
	tcase_add_test(tcase, lists_over_two_parts_of_a_section_append);
	tcase_add_test(tcase, a_repeated_list_key_appends_and_an_empty_value_begins_anew);
	tcase_add_test(tcase, a_wrong_value_in_the_middle_of_a_list_has_its_own_line);
	tcase_add_test(tcase, values_arrive_as_they_were_written);
	tcase_add_test(tcase, titles_with_and_without_quotes_are_the_same);
	tcase_add_test(tcase, wrong_titles_are_refused);
	tcase_add_test(tcase, a_credential_is_not_shown_where_it_is_refused);
	tcase_add_test(tcase, sections_stand_in_the_right_file);
	tcase_add_test(tcase, sysct_conf_gives_defaults_and_the_host);
	tcase_add_test(tcase, a_list_can_add_to_the_default_or_empty_it);
	tcase_add_test(tcase, an_empty_value_is_the_built_in_default);
	tcase_add_test(tcase, variables_with_wrong_names_or_given_twice_are_refused);
	tcase_add_test(tcase, image_and_directory_exclude_each_other_even_at_the_default);
	tcase_add_test(tcase, rules_between_options_name_the_file);
	tcase_add_test(tcase, too_many_settings_are_refused);
	tcase_add_test(tcase, a_long_list_is_read);
	tcase_add_test(tcase, parsing_again_after_an_error_works);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
