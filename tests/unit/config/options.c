/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <ctype.h>

#include "config/options.h"

START_TEST(the_contract_s_keys_are_all_there)
{
	static const char *const keys[] = {
		"container hostname init environment_id cgroup description user autostart autostart_priority "
		"autostart_delay restart stop_signal stop_timeout console_log_size",
		"rootfs image directory size readonly discard",
		"network type bridge parent path hwaddr address gateway dns search mtu publish isolated "
		"host_access",
		"limits memory swap cpus cpu_weight cpuset tasks io_read io_write io_weight",
		"security privileged idmap keep_capabilities drop_capabilities seccomp nesting hardened "
		"no_new_privileges apparmor selinux",
		"device fuse tun kvm allow",
		"mount source type readonly create options",
		"environment *",
		"credentials *",
		"namespaces persist time",
		"template name release arch variant source checksum",
		"host bridge subnet subnet6 id_pool cache_age mirror",
	};
	size_t n, count = 0;

	options_all(&n);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, keys[i], " ");
		ck_assert_ptr_nonnull(section_find(words.items[0]));
		for (size_t j = 1; j < words.n; j++, count++)
			ck_assert_msg(option_find(words.items[0], words.items[j]), "%s.%s",
				      words.items[0], words.items[j]);
	}
	ck_assert_uint_eq(count, n);
}
END_TEST

START_TEST(every_row_is_whole)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++) {
		const struct option *o = &options[i];
		const struct section *section = section_find(o->section);

		ck_assert_ptr_nonnull(section);
		ck_assert_msg(section->base == o->base, "%s.%s", o->section, o->key);
		ck_assert_msg(section->built || !o->built, "%s.%s", o->section, o->key);
		ck_assert_msg(o->help && text_ends(o->help, ".") && o->allowed, "%s.%s", o->section,
			      o->key);
		ck_assert_msg((o->type == OPTION_PAIRS) == (section->kind == SECTION_FREE), "%s.%s",
			      o->section, o->key);
		ck_assert_msg((o->type == OPTION_WORD) == !!o->words, "%s.%s", o->section, o->key);
		/* built text has a check: whatever a reader relies on is known to be so */
		if (o->built && (o->type == OPTION_TEXT || o->type == OPTION_LIST))
			ck_assert_msg(o->valid, "%s.%s", o->section, o->key);
		if (o->type == OPTION_NUMBER || o->type == OPTION_SIZE ||
		    o->type == OPTION_DURATION || o->type == OPTION_THOUSANDTHS)
			ck_assert_msg(o->min < o->max && o->preset, "%s.%s", o->section, o->key);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(strcmp(o->section, options[j].section) != 0 ||
					      strcmp(o->key, options[j].key) != 0,
				      "%s.%s is there twice", o->section, o->key);
	}
}
END_TEST

START_TEST(every_default_is_valid_and_written_as_it_is_read)
{
	size_t n;
	const struct option *options = options_all(&n);
	auto_config struct container_config config;
	auto_host struct host_config host;
	struct error err = ERROR_NONE;

	config_init(&config);
	host_config_init(&host);
	ck_assert_int_eq(config_validate(&config, &err), 0); /* makes the network */
	for (size_t i = 0; i < n; i++) {
		auto_strings struct strings values = STRINGS_EMPTY;
		auto_free char *why = NULL;
		const struct section *section = section_find(options[i].section);
		const void *base = section->base == BASE_HOST ? (const void *)&host
				   : section->base == BASE_NETWORK
					   ? (const void *)&config.networks[0]
					   : (const void *)&config;

		if (section->base == BASE_MOUNT)
			continue;
		if (options[i].preset)
			ck_assert_int_eq(option_check(&options[i], options[i].preset, &why), 0);
		option_values(&options[i], base, &values);
		ck_assert_uint_eq(values.n, options[i].preset ? 1 : 0);
		if (options[i].preset)
			ck_assert_str_eq(values.items[0], options[i].preset);
		ck_assert(option_is_default(&options[i], base));
	}
}
END_TEST

/* What is taken and refused for each key of this version. Parts are separated by '|'. */
static const struct {
	const char *key, *taken, *refused;
} values[] = {
	{ "container.hostname", "a|dev|a.b.c|A-1|1",
	  "-a|a-|a_b|a..b|.a|a.|a b|ä|"
	  "x1234567890123456789012345678901234567890123456789012345678901234" },
	{ "container.init", "/sbin/init|/lib/systemd/systemd --log-level=debug|/i",
	  "init|sbin/init|/|/sbin/|./x" },
	{ "container.environment_id", "lxc|systemd-nspawn|a.b_c", "a b|a=b|ä|/" },
	{ "container.cgroup", "auto|v2|v1", "v3|hybrid|1" },
	{ "container.description", "x|Büro; #1 \"x\"", NULL },
	{ "container.user", "root|me|1000|1000:1000|www-data:www-data|a.b|_x",
	  ":|a:|:a|a b|-a|a/b|.a|a:b:c" },
	{ "container.autostart", "yes|no", "maybe" },
	{ "container.autostart_priority", "0|20|1000000", "-1|1000001|1.5|x" },
	{ "container.autostart_delay", "0|5s|1h30m|1d", "-1|2d|x" },
	{ "container.restart", "no|on-failure|always", "yes|off|No|on failure" },
	{ "container.stop_signal", "auto|SIGRTMIN+3|RTMIN+3|SIGTERM|TERM|sigpwr|15|64|1|RTMIN+30",
	  "0|65|SIG|SIGFOO|RTMIN+31|RTMIN+|RTMIN-1|RTMAX-1|-1|15x" },
	{ "container.stop_timeout", "0|30|30s|5m|1h30m|500ms|1d",
	  "-1|x|2d|1w|s|"
	  "999999999999999999999" },
	{ "container.console_log_size", "4K|8M|1G|65536|1.5M", "0|4095|2G|x|-1" },
	{ "rootfs.image", "rootfs.img|/srv/x.img|a/b", "..|../x|a/../b|/|.|a/|./" },
	{ "rootfs.directory", "/srv/x|/srv/x/|/.x|rootfs|a/b", "/|//|/.|/a/../b|/..|.|..|../x|a/../b|a/" },
	{ "rootfs.size", "16M|10G|1.5T|16T|10GiB", "1M|17T|10X|G|-1|1e9|0x10" },
	{ "rootfs.readonly", "yes|no|true|false|on|off|1|0", "YES|2|y|maybe" },
	{ "rootfs.discard", "auto|yes|no", "true|1|never" },
	{ "network.eth0.type", "veth|macvlan|namespace|host|none", "bridge|VETH|ipvlan" },
	{ "network.eth0.parent", "eth0|bond0.5", "a b|lo|a/b" },
	{ "network.eth0.path", "/run/netns/x", "netns/x|/|/run/../x" },
	{ "network.eth0.publish",
	  "8080:80|127.0.0.1:8080:80|[fd00::1]:8080:80/udp|0.0.0.0:1:1|[::]:1:1|53:53/udp|80:80/tcp",
	  "80|:80|80:|0:80|80:0|65536:80|80:80/sctp|x:80:80|[::1]:80:80|fd00::1:80:80|[10.0.0.1]:80:80|a:b|80-90:80|-1:80|"
	  "224.0.0.1:80:80|[fd00::1]:80|80:80/|1:2:3:4" },
	{ "network.eth0.isolated", "yes|no|true|off", "maybe|isolated|2" },
	{ "network.eth0.host_access", "yes|no|1|false", "all|22|host" },
	{ "network.eth0.bridge", "sysct0|br-lan|br0.5", "a b|sixteenletters-x|-x|a/b|lo|.." },
	{ "network.eth0.hwaddr", "auto|02:16:3e:11:22:33|02:AA:bb:CC:dd:ee",
	  "01:16:3e:11:22:33|00:00:00:00:00:00|02:16:3e:11:22|02-16-3e-11-22-33|02:16:3e:11:22:3g|none" },
	{ "network.eth0.address", "auto|dhcp|none|10.0.3.7/24|2001:db8::7/64|10.0.3.7/32|fd00::1/128",
	  "10.0.3.7|10.0.3.7/0|10.0.3.7/33|10.0.3/24|2001:db8::7/129|x|127.0.0.1/8|::1/128|0.0.0.0/8|"
	  "224.0.0.1/24|ff02::1/64|10.0.3.7/|10.0.3.7/24/|10.0.3.7/0024|10.0.3.7/-1|10.0.3.256/24" },
	{ "network.eth0.gateway", "10.0.3.1|fe80::1|2001:db8::1",
	  "10.0.3.1/24|x|auto|0.0.0.0|fe80::1%eth0" },
	{ "network.eth0.dns", "1.1.1.1|2620:fe::fe", "dns.example|1.1.1|1.1.1.1:53|127.0.0.53" },
	{ "network.eth0.search", "lan|example.com|a-b.c", ".|a..b|-a|a b|a.b.|example_com" },
	{ "network.eth0.mtu", "auto|68|1500|9000|65535", "67|65536|x|-1|1500.5|none" },
	{ "limits.memory", "auto|none|1M|2G|1.5G|512MiB|7E", "1K|0|8E|x|-1|2 G|50%" },
	{ "limits.swap", "auto|none|0|1G", "x|-1|8E" },
	{ "limits.cpus", "none|1|1.5|0.01|8192|0.125", "0|0.001|8193|x|1,5|1.|.5|1.0001|-1|1..5" },
	{ "limits.cpu_weight", "none|1|100|10000", "0|10001|x|1.5" },
	{ "limits.tasks", "auto|none|1|4096|4194304", "0|4194305|x|4K" },
	{ "limits.cpuset", "0|0-3|0-3,7|8191|1,3,5-6", "8192|3-1|1,1|x|0-|,1|1,|-1|0--1" },
	{ "limits.io_read", "none|4K|50M|7E", "0|4095|-1|x" },
	{ "limits.io_write", "none|4K|50M|7E", "0|4095|-1|x" },
	{ "limits.io_weight", "none|1|100|10000", "0|10001|x|1.5" },
	{ "security.privileged", "yes|no", "maybe" },
	{ "security.idmap", "auto|0:100000:65536|0:1:1",
	  "0:100000|a:b:c|0:100000:0|0::1|:0:1:1|0:1:1:|"
	  "0:4294967295:1|0:4294967294:1|1:2:4294967295|0:1:1:1|-1:0:5|0:100000:65536,1:2:3x" },
	{ "security.keep_capabilities", "cap_net_admin|CAP_SYS_TIME|mknod",
	  "cap-net|cap_|net admin|_x|x_|5" },
	{ "security.drop_capabilities", "cap_net_admin|sys_boot", "*|all,|cap_1" },
	{ "security.seccomp", "default|none|/etc/sysct/seccomp/mine", "yes|Default|mine.profile|./x|/|/etc/../x|/x/" },
	{ "security.nesting", "yes|no", "x" },
	{ "security.hardened", "yes|no", "x" },
	{ "security.no_new_privileges", "yes|no", "x" },
	{ "security.apparmor", "unconfined|sysct-dev|/usr/bin/x|a b|:ns:x|x//&y",
	  "a\tb|\x01|\x7f|caf\xc3\xa9" },
	{ "security.selinux", "u:r:t|system_u:system_r:container_t:s0|u:r:t:s0-s0:c0.c1023|u:r:t:s0:c1,c2",
	  "x|u:r|:r:t|u::t|u:r:|u:r:t:|u:r:t s0|u:r:\x01t" },
	{ "device.fuse", "yes|no", "x" },
	{ "device.tun", "yes|no", "x" },
	{ "device.kvm", "yes|no", "x" },
	{ "device.allow", "/dev/snd/seq|/dev/null r|/dev/sda rw", "/dev|/dev/|/etc/x|/dev/a rx|/dev/a rr|/dev/../a|/dev/a r w" },
	{ "mount./x.source", "/srv|/a/b", "a|/|/a/../b" },
	{ "mount./x.type", "bind|tmpfs", "overlay" },
	{ "mount./x.readonly", "yes|no", "x" },
	{ "mount./x.create", "yes|no", "x" },
	{ "mount./x.options", "noexec,suid|size=1M,mode=0700|norbind noidmap", "dev|size=|bla|ro" },
	{ "namespaces.persist", "net|uts|ipc", "mnt|pid|cgroup|time|user|x" },
	{ "namespaces.time", "host|new", "old" },
	{ "environment.LANG", "C.UTF-8|a=b|a, b|$HOME| x ", NULL },
	{ "credentials.passwd.hashed-password.root", "$y$j9T|a\\nb|\\t\\\\|\\x00\\xfF| x ", "\\|a\\|\\q|\\x|\\x0|\\xg0|\\N" },
	{ "template.name", "alpine", NULL },
	{ "template.release", "3.20", NULL },
	{ "template.arch", "x86_64|aarch64", "x 86|a/b" },
	{ "template.variant", "default", NULL },
	{ "template.source", "https://a/b?c=d", NULL },
	{ "template.checksum", "sha256:00", NULL },
	{ "host.bridge", "sysct0", "a b" },
	{ "host.subnet", "auto|10.0.3.0/24|172.16.0.0/12",
	  "10.0.3.1/24|10.0.3.0|10.0.3.0/30|10.0.0.0/7|none|fd00::/64|127.0.0.0/8" },
	{ "host.subnet6", "auto|none|fd00:1::/64|fd00::/48",
	  "fd00::1/64|fd00::/128|10.0.0.0/24|fd00::" },
	{ "host.id_pool", "65536-131071|1000000-2000000|65536-4294967294",
	  "0-65535|65536-131070|65536-4294967295|65536|-|a-b|131072-65536|65536-|65536--131072" },
	{ "host.cache_age", "0|7d|12h", "x|-1|4000d" },
	{ "host.mirror", "alpine https://dl.example/alpine|debian  http://d|x file:///srv/m",
	  "alpine|https://a|alpine ftp://x|alpine https://|alpine https://a b|Alpine https://a" },
};

START_TEST(every_key_takes_what_it_should_and_refuses_the_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		auto_option_key struct option_key key = OPTION_KEY_EMPTY;
		auto_strings struct strings taken = STRINGS_EMPTY, refused = STRINGS_EMPTY;
		struct error err = ERROR_NONE;

		ck_assert_msg(option_key_parse(values[i].key, false, &key, &err) == 0, "%s",
			      err.message);
		strings_split(&taken, values[i].taken, "|");
		strings_split(&refused, values[i].refused ? values[i].refused : "", "|");
		for (size_t j = 0; j < taken.n; j++) {
			auto_free char *why = NULL;

			ck_assert_msg(option_check(key.option, taken.items[j], &why) == 0, "%s: %s",
				      values[i].key, why);
		}
		for (size_t j = 0; j < refused.n; j++) {
			auto_free char *why = NULL;

			ck_assert_msg(option_check(key.option, refused.items[j], &why) == -EINVAL,
				      "%s takes %s", values[i].key, refused.items[j]);
			ck_has(why, "; allowed: ");
		}
	}
}
END_TEST

START_TEST(every_built_key_is_among_those_tried)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			auto_option_key struct option_key key = OPTION_KEY_EMPTY;
			struct error err = ERROR_NONE;

			option_key_parse(values[j].key, false, &key, &err);
			found |= key.option == &options[i];
		}
		ck_assert_msg(found == options[i].built, "%s.%s", options[i].section,
			      options[i].key);
	}
}
END_TEST

START_TEST(what_is_stored_is_written_so_that_it_is_stored_again)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		auto_option_key struct option_key key = OPTION_KEY_EMPTY;
		auto_strings struct strings taken = STRINGS_EMPTY;
		struct error err = ERROR_NONE;
		union {
			struct container_config config;
			struct network_config network;
			struct host_config host;
		} a, b;

		ck_assert_int_eq(option_key_parse(values[i].key, false, &key, &err), 0);
		if (key.option->type == OPTION_PAIRS)
			continue;
		options_init_base(key.section->base, &a);
		options_init_base(key.section->base, &b);
		strings_split(&taken, values[i].taken, "|");
		for (size_t j = 0; j < taken.n; j++) {
			auto_strings struct strings first = STRINGS_EMPTY, second = STRINGS_EMPTY;
			auto_free char *why = NULL;

			option_reset(key.option, &a);
			option_reset(key.option, &b);
			option_store(key.option, &a, taken.items[j]);
			option_values(key.option, &a, &first);
			ck_assert_uint_eq(first.n, 1);
			ck_assert_msg(option_check(key.option, first.items[0], &why) == 0, "%s",
				      why);
			option_store(key.option, &b, first.items[0]);
			option_values(key.option, &b, &second);
			ck_assert_str_eq(first.items[0], second.items[0]);
			option_reset(key.option, &b);
			option_copy(key.option, &b, &a);
			strings_clear(&second);
			option_values(key.option, &b, &second);
			ck_assert_uint_eq(second.n, 1);
			ck_assert_str_eq(first.items[0], second.items[0]);
			option_reset(key.option, &a); /* the copy has nothing in common with it */
			ck_assert(option_is_default(key.option, &a));
			strings_clear(&second);
			option_values(key.option, &b, &second);
			ck_assert_str_eq(first.items[0], second.items[0]);
		}
		options_done_base(key.section->base, &a);
		options_done_base(key.section->base, &b);
		options_done_base(key.section->base, &b); /* safe twice */
	}
}
END_TEST

START_TEST(values_are_written_exactly)
{
	static const struct {
		const char *key, *given, *written;
	} cases[] = {
		{ "limits.memory", "1.5G", "1536M" },
		{ "limits.memory", "1048577", "1048577" },
		{ "limits.memory", "1T", "1T" },
		{ "limits.swap", "0", "0" },
		{ "limits.cpus", "1.50", "1.5" },
		{ "limits.cpus", "2.000", "2" },
		{ "limits.cpus", "0.125", "0.125" },
		{ "limits.cpus", "10", "10" },
		{ "container.stop_timeout", "90", "90s" },
		{ "container.stop_timeout", "120", "2m" },
		{ "container.stop_timeout", "1.5s", "1500ms" },
		{ "container.stop_timeout", "1.234ms", "1.234ms" },
		{ "container.restart", "always", "always" },
		{ "security.nesting", "on", "yes" },
		{ "security.keep_capabilities", "NET_ADMIN", "cap_net_admin" },
		{ "network.eth0.hwaddr", "02:AA:bb:CC:dd:ee", "02:aa:bb:cc:dd:ee" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_config struct container_config config;
		auto_strings struct strings got = STRINGS_EMPTY;
		struct error err = ERROR_NONE;

		config_init(&config);
		ck_assert_int_eq(config_set_option(&config, cases[i].key, cases[i].given, &err), 0);
		ck_assert_int_eq(config_get_option(&config, cases[i].key, &got, &err), 0);
		ck_assert_uint_eq(got.n, 1);
		ck_assert_str_eq(got.items[0], cases[i].written);
	}
}
END_TEST

START_TEST(keys_are_taken_apart)
{
	static const struct {
		const char *text, *section, *title, *name;
		bool append;
	} cases[] = {
		{ "limits.memory", "limits", NULL, "memory", false },
		{ "network.dns+", "network", "eth0", "dns", true },
		{ "network.eth1.dns", "network", "eth1", "dns", false },
		{ "network.eth0.5.dns", "network", "eth0.5", "dns", false },
		{ "environment.LANG", "environment", NULL, "LANG", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_option_key struct option_key key = OPTION_KEY_EMPTY;
		struct error err = ERROR_NONE;

		ck_assert_msg(option_key_parse(cases[i].text, false, &key, &err) == 0, "%s",
			      err.message);
		ck_assert_str_eq(key.section->name, cases[i].section);
		ck_assert_pstr_eq(key.title, cases[i].title);
		ck_assert_str_eq(key.name, cases[i].name);
		ck_assert_int_eq(key.append, cases[i].append);
	}
}
END_TEST

START_TEST(wrong_keys_are_refused_with_what_is_near)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "limits.memmory",
		  "unknown key \"limits.memmory\"; did you mean \"limits.memory\"?" },
		{ "limit.memory", "unknown key \"limit.memory\"; did you mean \"limits.memory\"?" },
		{ "memory", "unknown key \"memory\"; did you mean \"limits.memory\"?" },
		{ "rootfs.memory",
		  "unknown key \"rootfs.memory\"; did you mean \"limits.memory\"?" },
		{ "network.eth1.dnss",
		  "unknown key \"network.eth1.dnss\"; did you mean \"network.eth1.dns\"?" },
		{ "network", "\"network\" is no key; a key of [network] is network.TITLE.KEY" },
		{ "network.eth0", "\"network.eth0\" is no key; a key of [network] is network.TITLE.KEY" },
		{ "mount", "\"mount\" is no key; a key of [mount] is mount.TITLE.KEY" },
		{ "limits", "\"limits\" is no key; a key of [limits] is limits.KEY" },
		{ "quatsch", "unknown key \"quatsch\"; a key is SECTION.KEY" },
		{ "quatsch.nein", "unknown key \"quatsch.nein\"; a key is SECTION.KEY" },
		{ "", "unknown key \"\"; a key is SECTION.KEY" },
		{ ".", "unknown key \".\"; a key is SECTION.KEY" },
		{ "limits.", "unknown key \"limits.\"" },
		{ "credentials.a b", "[credentials]: \"a b\" is not valid; allowed: at most 255" },
		{ "mount./x.owner", "unknown key" },
		{ "mount.source", "\"mount.source\": a key of [mount] is mount.TITLE.KEY" },
		{ "network.a b.dns",
		  "[network]: \"a b\" is not valid; allowed: the name of a link" },
		{ "environment.1",
		  "[environment]: \"1\" is not valid; allowed: letters, digits and _" },
		{ "limits.memory+", "[limits] memory: += is for lists, and this is none" },
		{ "limits.mem\033ory", "\"limits.mem\\x1bory\" is no key" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_option_key struct option_key key = OPTION_KEY_EMPTY;
		struct error err = ERROR_NONE;

		ck_assert_int_eq(option_key_parse(cases[i].text, false, &key, &err), -EINVAL);
		ck_has(err.message, cases[i].message);
		ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
		ck_assert_ptr_null(key.option);
	}
}
END_TEST

START_TEST(a_value_in_a_message_is_short_and_printable)
{
	const struct option *option = option_find("limits", "memory");
	auto_free char *why = NULL;
	char value[200];

	memset(value, 'x', sizeof(value) - 1);
	value[0] = '\033';
	value[sizeof(value) - 1] = '\0';
	ck_assert_int_eq(option_check(option, value, &why), -EINVAL);
	ck_assert(strlen(why) < 150);
	for (const char *p = why; *p; p++)
		ck_assert(isprint((unsigned char)*p));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, the_contract_s_keys_are_all_there);
	tcase_add_test(tcase, every_row_is_whole);
	tcase_add_test(tcase, every_default_is_valid_and_written_as_it_is_read);
	tcase_add_test(tcase, every_key_takes_what_it_should_and_refuses_the_rest);
	tcase_add_test(tcase, every_built_key_is_among_those_tried);
	tcase_add_test(tcase, what_is_stored_is_written_so_that_it_is_stored_again);
	tcase_add_test(tcase, values_are_written_exactly);
	tcase_add_test(tcase, keys_are_taken_apart);
	tcase_add_test(tcase, wrong_keys_are_refused_with_what_is_near);
	tcase_add_test(tcase, a_value_in_a_message_is_short_and_printable);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
