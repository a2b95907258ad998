/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "config/fields.h"

START_TEST(what_cannot_go_together_is_refused)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[rootfs]\nimage = other.img\ndirectory = /srv/x\n",
		  "[rootfs] image and directory exclude" },
		{ "[network a]\ntype = host\n[network b]\n",
		  "f:2: [network \"a\"] type: host excludes other networks" },
		{ "[network a]\ntype = none\n[network b]\n",
		  "f:2: [network \"a\"] type: none excludes other networks" },
		{ "[network]\ngateway = 10.0.3.1\n", "gateway: needs an address = ADDRESS/PREFIX" },
		{ "[network]\naddress = auto\ngateway = 10.0.3.1\n", "gateway: needs an address" },
		{ "[network]\naddress = fd00::2/64\ngateway = 10.0.3.1\n",
		  "gateway: needs an address" },
		{ "[network]\naddress = 10.0.3.7/24\ngateway = 10.0.4.1\n",
		  "f:3: [network \"eth0\"] gateway: 10.0.4.1 is not in the net of the address beside it" },
		{ "[network]\naddress = 10.0.3.7/23\ngateway = 10.0.4.1\n", "not in the net" },
		{ "[network]\naddress = none\naddress = 10.0.3.7/24\n",
		  "none excludes other addresses" },
		{ "[network]\naddress = 10.0.3.7/24\naddress = 10.0.3.7/24\n",
		  "10.0.3.7/24 is given twice" },
		{ "[network]\nmtu = 1000\naddress = fd00::2/64\n",
		  "mtu: IPv6 needs at least 1280" },
		{ "[network]\ntype = host\naddress = 10.0.3.7/24\n",
		  "cannot be given with type = host" },
		{ "[network]\ntype = macvlan\nparent = eth0\naddress = dhcp\nisolated = yes\n",
		  "isolated: cannot be given with type = macvlan" },
		{ "[network]\ntype = none\nhost_access = yes\n",
		  "host_access: cannot be given with type = none" },
		{ "[network]\ntype = none\ngateway = 10.0.3.7\n",
		  "cannot be given with type = none" },
		{ "[network a]\nhwaddr = 02:00:00:00:00:0a\n[network b]\nhwaddr = 02:00:00:00:00:0A\n",
		  "[network \"b\"] hwaddr: that of [network \"a\"]" },
		{ "[network a]\naddress = 10.0.3.7/24\n[network b]\naddress = 10.0.3.7/24\n",
		  "[network \"b\"] address: 10.0.3.7/24 is that of [network \"a\"]" },
		{ "[security]\nprivileged = yes\nidmap = 0:100000:65536\n",
		  "[security] idmap: a privileged container has none" },
		{ "[security]\nkeep_capabilities = sys_time\ndrop_capabilities = CAP_SYS_TIME\n",
		  "[security] cap_sys_time is both to be kept and to be dropped" },
		{ "[security]\nidmap = 1:100000:65536\n", "must begin at id 0 inside" },
		{ "[security]\nidmap = 0:0:65536\n", "would be root of the host" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = refused(cases[i].text);

		ck_has(err.message, cases[i].message);
	}
}
END_TEST

START_TEST(the_line_is_that_of_the_key_at_fault)
{
	static const struct {
		const char *text, *start;
	} cases[] = {
		{ "[security]\nhardened = yes\n\nnesting = yes\n", "f:4: [security] nesting and hardened" },
		{ "[security]\nseccomp = none\nhardened = yes\n", "f:3: [security] seccomp = none" },
		{ "[network b]\nmtu = 1400\ngateway = 10.0.0.1\n", "f:3: [network \"b\"] gateway: needs" },
		{ "[network]\npublish = 80:80\npublish = 81:80\npublish = 80:81\n", "f:4: [network \"eth0\"] publish: 80:81" },
		{ "[network]\naddress = auto\naddress =\naddress = 10.0.3.7/24\naddress = 10.0.3.7/24\n",
		  "f:5: [network \"eth0\"] address: 10.0.3.7/24 is given twice" },
		{ "[network a]\ntype = none\n[network b]\n", "f:2: [network \"a\"] type: none excludes" },
		{ "[network a]\naddress = dhcp\ntype = macvlan\n", "f:3: [network \"a\"] parent: type = macvlan needs" },
		{ "[network a]\nhwaddr = 02:00:00:00:00:0a\n[network b]\nhwaddr = 02:00:00:00:00:0a\n", "f:4: " },
		{ "[mount /x]\nreadonly = yes\n[mount /y]\ntype = tmpfs\nsource = /z\n", "f:1: [mount \"/x\"] source is missing" },
		{ "[mount /y]\ntype = tmpfs\nsource = /z\n", "f:3: [mount \"/y\"] source: a tmpfs has none" },
		{ "[limits]\nio_read = 1M\n[rootfs]\ndirectory = /srv/x\n", "f:2: [limits] io_read and io_write" },
		{ "[security]\nkeep_capabilities = sys_nice\nkeep_capabilities = sys_time\n"
		  "drop_capabilities = sys_ptrace\ndrop_capabilities = sys_time\n", "f:5: [security] cap_sys_time is both" },
		{ "[network]\ntype = host\n[namespaces]\npersist = uts\npersist = net\n", "f:5: [namespaces] persist" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = refused(cases[i].text);

		ck_assert_msg(text_starts(err.message, cases[i].start), "\"%s\" for \"%s\"", err.message, cases[i].start);
	}
}
END_TEST

START_TEST(what_only_the_defaults_say_has_no_line_of_the_file)
{
	static const char text[] = "# nothing\n[security]\nprivileged = no\n[network]\npublish += 80:82\n";
	struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	config.security.nesting = config.security.hardened = true;
	config_add_network(&config, "eth0");
	strings_add(&config.networks[0].publish, "80:80");
	ck_assert_int_lt(config_parse_text(text, strlen(text), "f", &config, NULL, &err), 0);
	ck_assert_str_eq(err.message, "f: [security] nesting and hardened exclude each other; given in sysct.conf\n"
				      "f:5: [network \"eth0\"] publish: 80:82 wants the host's port of 80:80");
	config_done(&config);
}
END_TEST

START_TEST(of_a_long_path_the_end_is_told_and_the_words_before_it)
{
	struct container_config config;
	struct error err = ERROR_NONE;
	char path[300] = "the changed text of /";

	memset(path + strlen(path), 'x', sizeof(path) - 1 - strlen(path));
	strcpy(path + sizeof(path) - sizeof("/config"), "/config");
	config_init(&config);
	ck_assert_int_lt(config_parse_text("[a", 2, path, &config, NULL, &err), 0);
	ck_has(err.message, "the changed text of ...xxx");
	ck_has(err.message, "xxx/config:1: ");
	config_done(&config);
}
END_TEST

START_TEST(what_goes_together_is_taken)
{
	static const char *const texts[] = {
		"[rootfs]\ndirectory = /srv/x\n",
		"[network]\ntype = host\n",
		"[network]\ntype = none\ndns = 1.1.1.1\n",
		"[network]\naddress = 10.0.3.7/23\ngateway = 10.0.2.1\n",
		"[network]\naddress = fd00::2/64\ngateway = fe80::1\n",
		"[network]\naddress = auto\naddress = fd00::2/64\nmtu = 1280\n",
		"[network a]\n[network b]\n[network c]\naddress = none\n",
		"[security]\nidmap = 0:100000:65536\n",
		"[security]\nprivileged = yes\nnesting = yes\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_config struct container_config config;

		good(&config, texts[i]);
	}
}
END_TEST

START_TEST(several_broken_rules_are_told_at_once)
{
	struct error err = refused("[network]\ngateway = 10.0.0.1\n[security]\nprivileged = yes\n"
				   "idmap = 0:5:5\n");

	ck_has(err.message, "gateway: needs an address");
	ck_has(err.message, "\nf:5: [security] idmap: a privileged container has none");
}
END_TEST

START_TEST(a_network_is_made_only_where_there_is_none)
{
	auto_config struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	ck_assert_int_eq(config_set_option(&config, "network.lan0.mtu", "1400", &err), 0);
	ck_assert_int_eq(config_validate(&config, &err), 0);
	ck_assert_uint_eq(config.n_networks, 1);
	ck_assert_str_eq(config.networks[0].name, "lan0");
	ck_assert_int_eq(config_validate(&config, &err), 0); /* again */
	ck_assert_uint_eq(config.n_networks, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/validate");
	TCase *tcase = tcase_create("validate");

	tcase_add_test(tcase, what_cannot_go_together_is_refused);
	tcase_add_test(tcase, the_line_is_that_of_the_key_at_fault);
	tcase_add_test(tcase, what_only_the_defaults_say_has_no_line_of_the_file);
	tcase_add_test(tcase, of_a_long_path_the_end_is_told_and_the_words_before_it);
	tcase_add_test(tcase, what_goes_together_is_taken);
	tcase_add_test(tcase, several_broken_rules_are_told_at_once);
	tcase_add_test(tcase, a_network_is_made_only_where_there_is_none);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
