/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "config/options.h"

static void must_set(struct container_config *config, const char *key, const char *value)
{
	struct error err = ERROR_NONE;

	ck_assert_msg(config_set_option(config, key, value, &err) == 0, "%s", err.message);
}

static char *get(const struct container_config *config, const char *key)
{
	auto_strings struct strings values = STRINGS_EMPTY;
	struct error err = ERROR_NONE;

	ck_assert_msg(config_get_option(config, key, &values, &err) == 0, "%s", err.message);
	return strings_join(&values, "|");
}

static void ck_get(const struct container_config *config, const char *key, const char *want)
{
	auto_free char *got = get(config, key);

	ck_assert_str_eq(got, want);
}

START_TEST(set_and_get_are_the_same)
{
	auto_config struct container_config config;

	config_init(&config);
	must_set(&config, "limits.memory", "512M");
	must_set(&config, "network.dns", "1.1.1.1, 9.9.9.9");
	must_set(&config, "network.eth1.address", "10.0.0.2/24");
	must_set(&config, "environment.LANG", "C, or not");
	must_set(&config, "security.keep_capabilities", "sys_time");
	ck_get(&config, "limits.memory", "512M");
	ck_get(&config, "network.eth0.dns", "1.1.1.1|9.9.9.9");
	ck_get(&config, "network.eth1.address", "10.0.0.2/24");
	ck_get(&config, "environment.LANG", "C, or not");
	ck_get(&config, "environment.NONE", "");
	ck_get(&config, "security.keep_capabilities", "cap_sys_time");
	ck_get(&config, "limits.cpus", "none");
	ck_get(&config, "container.hostname", "");
	ck_get(&config, "network.eth1.mtu", "auto");
	ck_assert_uint_eq(config.n_networks, 2);
}
END_TEST

START_TEST(a_list_is_replaced_appended_and_emptied)
{
	auto_config struct container_config config;

	config_init(&config);
	must_set(&config, "network.dns", "1.1.1.1");
	must_set(&config, "network.dns", "9.9.9.9");
	ck_get(&config, "network.dns", "9.9.9.9");
	must_set(&config, "network.dns+", "1.1.1.1");
	ck_get(&config, "network.dns", "9.9.9.9|1.1.1.1");
	must_set(&config, "network.dns", "");
	ck_get(&config, "network.dns", "");
	must_set(&config, "environment.A", "1");
	must_set(&config, "environment.A", "2");
	ck_assert_uint_eq(config.environment.n, 1);
	must_set(&config, "environment.A", "");
	ck_assert_str_eq(config.environment.items[0], "A=");
}
END_TEST

START_TEST(a_refused_value_changes_nothing)
{
	auto_config struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	must_set(&config, "network.dns", "1.1.1.1");
	ck_assert_int_eq(config_set_option(&config, "network.dns", "9.9.9.9,x", &err), -EINVAL);
	ck_assert_str_eq(err.message,
			 "[network \"eth0\"] dns: \"x\" is not valid; allowed: an IP address");
	ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	ck_get(&config, "network.dns", "1.1.1.1");
	ck_assert_int_eq(config_set_option(&config, "network.eth7.mtu", "x", &err), -EINVAL);
	ck_assert_uint_eq(config.n_networks, 1);
	ck_assert_int_eq(config_set_option(&config, "host.bridge", "x", &err), -EINVAL);
	ck_assert_str_eq(err.message, "[host] may stand in sysct.conf only");
	ck_assert_int_eq(config_set_option(&config, "credentials.x", "secret\\", &err), -EINVAL);
	ck_assert_str_eq(err.message, "[credentials] x: what is given is not valid; allowed: text, with \\n for a new line, "
				      "\\t, \\\\ and \\xHH");
	ck_assert_int_eq(config_set_option(&config, "credentials.passwd.hashed-password.root", "$y$", &err), 0);
	ck_get(&config, "credentials.passwd.hashed-password.root", "$y$");
}
END_TEST

START_TEST(get_of_an_unknown_title_or_key_fails)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	auto_strings struct strings values = STRINGS_EMPTY;
	struct error err = ERROR_NONE;

	config_init(&config);
	host_config_init(&host);
	ck_assert_int_eq(config_get_option(&config, "network.eth3.mtu", &values, &err), -EINVAL);
	ck_assert_str_eq(err.message, "there is no [network \"eth3\"]");
	ck_assert_int_eq(config_get_option(&config, "network.eth3.mt", &values, &err), -EINVAL);
	ck_has(err.message, "did you mean");
	ck_assert_int_eq(config_get_option(&config, "host.bridge", &values, &err), -EINVAL);
	ck_assert_int_eq(host_config_get_option(&host, "limits.cpus", &values, &err), -EINVAL);
	ck_assert_uint_eq(values.n, 0);
	ck_assert_int_eq(host_config_get_option(&host, "host.bridge", &values, &err), 0);
	ck_assert_str_eq(values.items[0], "sysct0");
}
END_TEST

static int count_keys(const char *key, const struct option *option, const struct strings *values,
		      bool is_default, void *arg)
{
	struct strings *seen = arg;

	ck_assert(option->built);
	ck_assert(!strings_has(seen, key));
	if (!is_default)
		strings_add_take(seen, xasprintf("%s=%s", key, values->n ? values->items[0] : ""));
	return text_starts(key, "rootfs.size") && seen->n == 0 ? -ECANCELED : 0;
}

START_TEST(each_walks_all_keys_with_their_values)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	auto_strings struct strings seen = STRINGS_EMPTY, none = STRINGS_EMPTY;
	auto_free char *joined = NULL;

	good(&config,
	     "[container]\nuser = me\n[network a]\nmtu = 1400\n[network b]\n[environment]\nA = 1\n");
	ck_assert_int_eq(config_each(&config, count_keys, &seen), 0);
	joined = strings_join(&seen, " ");
	ck_assert_str_eq(joined, "container.user=me network.a.mtu=1400 environment.A=1");
	config_done(&config);
	config_init(&config);
	ck_assert_int_eq(config_each(&config, count_keys, &none), -ECANCELED);
	host_config_init(&host);
	ck_assert_int_eq(host_config_each(&host, count_keys, &none), 0);
}
END_TEST

START_TEST(format_writes_what_differs_and_reads_back)
{
	auto_config struct container_config config, again;
	auto_free char *text = NULL, *text2 = NULL;

	config_init(&config);
	must_set(&config, "container.description", " a ; \"b\" ");
	must_set(&config, "limits.cpus", "0.5");
	must_set(&config, "network.eth0.dns", "1.1.1.1,9.9.9.9");
	must_set(&config, "network.eth1.type", "veth");
	must_set(&config, "environment.PATH", "/bin:/usr/bin");
	must_set(&config, "environment.E", "");
	must_set(&config, "template.name", "alpine");
	text = config_format(&config, NULL);
	ck_assert_str_eq(
		text, "[container]\ndescription = \" a ; \\\"b\\\" \"\n\n"
		      "[network \"eth0\"]\ndns = 1.1.1.1\ndns = 9.9.9.9\n\n[network \"eth1\"]\n\n"
		      "[limits]\ncpus = 0.5\n\n[environment]\nPATH = /bin:/usr/bin\nE =\n\n"
		      "[template]\nname = alpine\n");
	good(&again, text);
	text2 = config_format(&again, NULL);
	ck_assert_str_eq(text, text2);
}
END_TEST

START_TEST(format_of_the_defaults_is_empty)
{
	auto_config struct container_config config;
	auto_free char *text = NULL;

	config_init(&config);
	text = config_format(&config, NULL);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(format_leaves_out_what_sysct_conf_says)
{
	auto_config struct container_config defaults, config, again;
	auto_free char *text = NULL, *text2 = NULL, *text3 = NULL;
	struct error err = ERROR_NONE;

	config_init(&defaults);
	must_set(&defaults, "limits.memory", "1G");
	must_set(&defaults, "container.hostname", "x");
	must_set(&defaults, "network.dns", "1.1.1.1");
	must_set(&defaults, "environment.A", "1");
	config_init(&config);
	config_copy(&config, &defaults);
	must_set(&config, "limits.memory", "");
	must_set(&config, "limits.tasks", "7");
	must_set(&config, "container.hostname", "");
	must_set(&config, "network.dns", "");
	must_set(&config, "environment.B", "2");
	text = config_format(&config, &defaults);
	ck_assert_str_eq(
		text,
		"[container]\nhostname =\n\n[network \"eth0\"]\ndns =\n\n[limits]\nmemory = auto\n"
		"tasks = 7\n\n[environment]\nB = 2\n");
	config_init(&again);
	config_copy(&again, &defaults);
	ck_assert_int_eq(config_parse_text(text, strlen(text), "f", &again, NULL, &err), 0);
	text2 = config_format(&config, NULL);
	text3 = config_format(&again, NULL);
	ck_assert_str_eq(text2, text3);
}
END_TEST

START_TEST(a_copy_is_its_own)
{
	auto_config struct container_config config, copy;
	auto_free char *text = NULL, *text2 = NULL;

	good(&config, "[network a]\ndns = 1.1.1.1\n[environment]\nA = 1\n[limits]\ntasks = 5\n");
	config_init(&copy);
	config_copy(&copy, &config);
	config_copy(&copy, &copy);
	text = config_format(&config, NULL);
	config_done(&config);
	config_done(&config); /* safe twice */
	text2 = config_format(&copy, NULL);
	ck_assert_str_eq(text, text2);
	ck_assert_ptr_nonnull(config_network(&copy, "a"));
	ck_assert_ptr_null(config_network(&copy, "eth0"));
	ck_assert_ptr_null(config_mount(&copy, "/x"));
}
END_TEST

START_TEST(only_what_is_live_is_taken)
{
	auto_config struct container_config started, now;

	good(&started, "[container]\nhostname = a\nuser = joe\ndescription = old\n[security]\nprivileged = yes\n"
		       "[limits]\nmemory = 1G\n[device]\nallow = /dev/a\n[mount \"/x\"]\nsource = /a\n"
		       "[network \"eth0\"]\nmtu = 1400\npublish = 1:1\n[network \"eth1\"]\npublish = 2:2\n");
	good(&now, "[container]\nhostname = b\nstop_timeout = 5\n[limits]\nmemory = 2G\ntasks = 7\n"
		   "[device]\nallow = /dev/b\nallow = /dev/c\n[mount \"/y\"]\ntype = tmpfs\n"
		   "[network \"eth0\"]\nmtu = 1500\npublish = 3:3\n[network \"eth2\"]\nmtu = 1300\n");
	config_take_live(&started, &now);
	ck_assert_str_eq(started.hostname, "a");
	ck_assert_str_eq(started.user, "root");
	ck_assert_ptr_null(started.description);
	ck_assert_uint_eq(started.stop_timeout, 5000000);
	ck_assert(started.security.privileged);
	ck_assert_uint_eq(started.limits.memory, UINT64_C(2) << 30);
	ck_assert_uint_eq(started.limits.tasks, 7);
	ck_assert_uint_eq(started.device.allow.n, 2);
	ck_assert_uint_eq(started.n_mounts, 1);
	ck_assert_str_eq(started.mounts[0].path, "/y");
	ck_assert_int_eq(started.mounts[0].type, MOUNT_TMPFS);
	ck_assert_uint_eq(started.n_networks, 2);
	ck_assert_uint_eq(started.networks[0].mtu, 1400);
	ck_assert_str_eq(started.networks[0].publish.items[0], "3:3");
	ck_assert_str_eq(started.networks[1].publish.items[0], "2:2");
}
END_TEST

START_TEST(a_mount_is_dropped_and_the_others_stay)
{
	struct container_config config;

	good(&config, "[mount \"/x\"]\ntype = tmpfs\n[mount \"/y\"]\nsource = /s\n[mount \"/z\"]\ntype = tmpfs\n");
	config_drop_mount(&config, "/w");
	ck_assert_uint_eq(config.n_mounts, 3);
	config_drop_mount(&config, "/x");
	config_drop_mount(&config, "/z");
	ck_assert_uint_eq(config.n_mounts, 1);
	ck_assert_str_eq(config.mounts[0].path, "/y");
	ck_assert_str_eq(config.mounts[0].source, "/s");
	config_drop_mount(&config, "/y");
	ck_assert_uint_eq(config.n_mounts, 0);
	config_done(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/config");
	TCase *tcase = tcase_create("config");

	tcase_add_test(tcase, set_and_get_are_the_same);
	tcase_add_test(tcase, a_list_is_replaced_appended_and_emptied);
	tcase_add_test(tcase, a_refused_value_changes_nothing);
	tcase_add_test(tcase, get_of_an_unknown_title_or_key_fails);
	tcase_add_test(tcase, each_walks_all_keys_with_their_values);
	tcase_add_test(tcase, format_writes_what_differs_and_reads_back);
	tcase_add_test(tcase, a_mount_is_dropped_and_the_others_stay);
	tcase_add_test(tcase, format_of_the_defaults_is_empty);
	tcase_add_test(tcase, format_leaves_out_what_sysct_conf_says);
	tcase_add_test(tcase, a_copy_is_its_own);
	tcase_add_test(tcase, only_what_is_live_is_taken);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
