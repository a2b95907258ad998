/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the shared network decides, without a network: subnets, leases, rules, resolv.conf, names.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/net_sysctl.h"
#include "store/dns.h"
#include "store/firewall.h"
#include "store/foreign.h"
#include "store/network.h"
#include "store/network_parts.h"

#include <check.h> /* last: it takes the word fail */

#define UUID_A "11111111-2222-4333-8444-555555555501"
#define UUID_B "11111111-2222-4333-8444-555555555502"

static const struct guarded_list no_links = GUARDED_EMPTY;

static struct subnet4 net(const char *text)
{
	struct subnet4 subnet = { 0, 0 };

	ck_assert_int_eq(subnet4_parse(text, &subnet), 0);
	return subnet;
}

static struct network_bridge bridge_of(const char *subnet4, const char *subnet6)
{
	struct network_bridge bridge = { .name = "sysct0", .gateway4 = "10.3.4.1", .dns = true };

	bridge.subnet4 = net(subnet4);
	if (subnet6)
		ck_assert_int_eq(subnet6_parse(subnet6, &bridge.subnet6), 0);
	return bridge;
}

START_TEST(networks_are_read_exactly)
{
	static const char *const wrong[] = { "",
					     "10.0.0.0",
					     "10.0.0.0/",
					     "10.0.0.0/33",
					     "10.0.0.1/24",
					     "10.0.0/24",
					     "10.0.0.0/2x",
					     "10.0.0.0/-1",
					     "a/24",
					     "fd00::/64",
					     "10.0.0.0/24 ",
					     "100000000.0.0.0.0.0/8" };
	struct subnet4 subnet4;
	struct subnet6 subnet6;
	auto_free char *text4 = NULL, *text6 = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(subnet4_parse(wrong[i], &subnet4) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(subnet6_parse("fd00::1/64", &subnet6), -EINVAL);
	ck_assert_int_eq(subnet6_parse("10.0.0.0/8", &subnet6), -EINVAL);
	ck_assert_int_eq(subnet6_parse("fd00:1:2::/64", &subnet6), 0);
	subnet4 = net("10.20.0.0/16");
	text4 = subnet4_text(&subnet4);
	text6 = subnet6_text(&subnet6);
	ck_assert_str_eq(text4, "10.20.0.0/16");
	ck_assert_str_eq(text6, "fd00:1:2::/64");
}
END_TEST

START_TEST(overlap_is_seen_both_ways)
{
	struct subnet4 small = net("10.3.4.0/24"), large = net("10.0.0.0/8"),
		       other = net("10.3.5.0/24");

	ck_assert(subnet4_overlap(&small, &large));
	ck_assert(subnet4_overlap(&large, &small));
	ck_assert(subnet4_overlap(&small, &small));
	ck_assert(!subnet4_overlap(&small, &other));
}
END_TEST

START_TEST(a_chosen_subnet_overlaps_no_route)
{
	struct subnet4 taken[] = { net("0.0.0.0/0"), net("10.0.0.0/16"), net("10.1.0.0/24"),
				   net("10.1.1.77/32") };
	struct subnet4 chosen;

	for (uint32_t seed = 0; seed < 1000; seed++) {
		ck_assert_int_eq(subnet4_choose(seed * 7919, taken, ARRAY_SIZE(taken), &chosen), 0);
		ck_assert_uint_eq(chosen.prefix, 24);
		for (size_t i = 1; i < ARRAY_SIZE(taken); i++)
			ck_assert(!subnet4_overlap(&chosen, &taken[i]));
	}
	ck_assert_int_eq(subnet4_choose(0, taken, ARRAY_SIZE(taken), &chosen), 0);
	ck_assert_uint_eq(chosen.address, 0x0a010200); /* the first after all of them */
}
END_TEST

START_TEST(a_vpn_with_all_of_ten_is_avoided)
{
	struct subnet4 taken[] = { net("10.0.0.0/8"), net("172.16.0.0/12"), net("192.168.0.0/16") };
	struct subnet4 chosen;

	ck_assert_int_eq(subnet4_choose(42, taken, 1, &chosen), 0);
	ck_assert(subnet4_overlap(&chosen, &taken[1]));
	ck_assert_int_eq(subnet4_choose(42, taken, 2, &chosen), 0);
	ck_assert(subnet4_overlap(&chosen, &taken[2]));
	ck_assert_int_eq(subnet4_choose(42, taken, 3, &chosen), -ENOSPC);
}
END_TEST

START_TEST(default_routes_in_halves_do_not_count)
{
	struct subnet4 taken[] = { net("0.0.0.0/1"), net("128.0.0.0/1") }, chosen;

	ck_assert_int_eq(subnet4_choose(1, taken, 2, &chosen), 0);
}
END_TEST

START_TEST(a_kept_address_stays_while_it_is_free)
{
	auto_strings struct strings taken = STRINGS_EMPTY;
	struct subnet4 subnet = net("10.3.4.0/24");

	ck_assert_int_eq(subnet4_lease(&subnet, UUID_A, "10.3.4.77", &taken), 77);
	strings_add(&taken, "10.3.4.77");
	ck_assert_int_ne(subnet4_lease(&subnet, UUID_A, "10.3.4.77", &taken), 77);
	/* of another subnet, the gateway, the ends, no address at all */
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.5.77"), 0);
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.4.0"), 0);
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.4.1"), 0);
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.4.255"), 0);
	ck_assert_int_eq(subnet4_number(&subnet, ""), 0);
	ck_assert_int_eq(subnet4_number(&subnet, NULL), 0);
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.4.2"), 2);
	ck_assert_int_eq(subnet4_number(&subnet, "10.3.4.254"), 254);
}
END_TEST

START_TEST(a_full_subnet_is_refused_at_the_254th_box)
{
	auto_strings struct strings taken = STRINGS_EMPTY;
	struct network_bridge bridge = bridge_of("10.3.4.0/24", "fd00:1::/64");
	struct network_lease last = { .v4 = "" };
	struct error err = ERROR_NONE;
	bool seen[256] = { false };

	for (int i = 0; i < 253; i++) {
		auto_free char *uuid = xasprintf("11111111-2222-4333-8444-%012d", i);
		struct network_lease lease = { .v4 = "" };
		uint32_t number;

		ck_assert_int_eq(network_lease(&bridge, uuid, &taken, &lease, &err), 0);
		number = subnet4_number(&bridge.subnet4, lease.v4);
		ck_assert(number >= 2 && number <= 254 && !seen[number]);
		seen[number] = true;
		strings_add(&taken, lease.v4);
	}
	ck_assert_int_lt(network_lease(&bridge, UUID_A, &taken, &last, &err), 0);
	ck_assert_str_eq(err.message,
			 "give the container an address: all 253 of 10.3.4.0/24 are taken");
	ck_assert(strstr(err.hint, "subnet"));
}
END_TEST

START_TEST(a_lease_is_the_same_each_time)
{
	auto_strings struct strings taken = STRINGS_EMPTY;
	struct network_bridge bridge = bridge_of("10.3.4.0/24", "fd00:1::/64");
	struct network_lease one = { .v4 = "" }, two = { .v4 = "" }, other = { .v4 = "" };
	struct network_lease given = { .hwaddr = "02:00:00:00:00:07" };
	struct error err = ERROR_NONE;
	uint8_t mac[6];

	ck_assert_int_eq(network_lease(&bridge, UUID_A, &taken, &one, &err), 0);
	ck_assert_int_eq(network_lease(&bridge, UUID_A, &taken, &two, &err), 0);
	ck_assert_str_eq(one.v4, two.v4);
	ck_assert_str_eq(one.v6, two.v6);
	ck_assert_str_eq(one.hwaddr, two.hwaddr);
	ck_assert(text_starts(one.v6, "fd00:1::"));
	ck_assert_int_eq(hwaddr_parse(one.hwaddr, mac), 0);
	ck_assert_uint_eq(mac[0], 2);
	ck_assert_int_eq(network_lease(&bridge, UUID_B, &taken, &other, &err), 0);
	ck_assert_str_ne(one.hwaddr, other.hwaddr);
	ck_assert_str_ne(one.v4, other.v4);
	ck_assert_int_eq(network_lease(&bridge, UUID_A, &taken, &given, &err), 0);
	ck_assert_str_eq(given.hwaddr, "02:00:00:00:00:07");
	bridge.subnet6.prefix = 0;
	ck_assert_int_eq(network_lease(&bridge, UUID_A, &taken, &two, &err), 0);
	ck_assert_str_eq(two.v6, "");
}
END_TEST

START_TEST(hardware_addresses_are_read_exactly)
{
	static const char *const wrong[] = { "",
					     "02:00:00:00:00",
					     "02:00:00:00:00:0",
					     "02-00-00-00-00-01",
					     "03:00:00:00:00:01",
					     "0g:00:00:00:00:01",
					     "02:00:00:00:00:01:" };
	uint8_t mac[6];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(hwaddr_parse(wrong[i], mac) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(hwaddr_parse("02:AB:cd:00:00:01", mac), 0);
	ck_assert_uint_eq(mac[1], 0xab);
}
END_TEST

START_TEST(link_names_fit_and_differ_at_each_start)
{
	struct network_host host = { .suffix = "" };
	char one[LINK_NAME_ROOM], two[LINK_NAME_ROOM];

	network_link_name(&host, UUID_A, 1, one);
	ck_assert_uint_eq(strlen(one), 13);
	ck_assert_str_ne(one, network_link_name(&host, UUID_A, 2, two));
	ck_assert_str_ne(one, network_link_name(&host, UUID_B, 1, two));
	ck_assert_str_eq(one, network_link_name(&host, UUID_A, 1, two));
	host.suffix = "-a1b2c3d";
	network_link_name(&host, UUID_A, 1, one);
	ck_assert_uint_eq(strlen(one), 15);
	ck_assert(text_ends(one, "-a1b2c3d"));
}
END_TEST

START_TEST(the_ruleset_is_one_transaction)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", NULL, &no_links, 0 };
	auto_free char *text = network_ruleset(&rules), *v4_only = NULL;

	ck_assert(text_starts(text, "table inet sysct\ndelete table inet sysct\n"
				    "table bridge sysct\ndelete table bridge sysct\ntable inet sysct {\n"));
	ck_assert(strstr(text, "ip saddr 10.3.4.0/24 oifname != \"sysct0\" masquerade\n"));
	ck_assert(strstr(text, "ip6 saddr fd00:1::/64 oifname != \"sysct0\" masquerade\n"));
	ck_assert(strstr(text, "iifname \"sysct0\" accept\n"));
	ck_assert(strstr(text, "oifname \"sysct0\" accept\n"));
	ck_assert(strstr(text, "iifname \"sysct0\" goto host\n"));
	rules.subnet6 = NULL;
	v4_only = network_ruleset(&rules);
	ck_assert(!strstr(v4_only, "ip6 saddr fd00"));
}
END_TEST

START_TEST(published_ports_are_rules_of_their_box)
{
	auto_published struct published_list list = PUBLISHED_EMPTY;
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", &list, &no_links, 0 };
	auto_free char *none = network_ruleset(&rules), *text = NULL;

	ck_assert(!strstr(none, "nat hook prerouting") && !strstr(none, "dnat"));
	published_add(&list, UUID_A, "web", "8080:80", "10.3.4.2", "fd00:1::2");
	published_add(&list, UUID_A, "web", "192.0.2.1:53:5353/udp", "10.3.4.2", "fd00:1::2");
	published_add(&list, UUID_B, "v4", "[::]:81:80", "10.3.4.3", "");
	text = network_ruleset(&rules);
	ck_assert(strstr(text, "\tchain box-" UUID_A " {\n"
			       "\t\tmeta nfproto ipv4 tcp dport 8080 dnat ip to 10.3.4.2:80 comment \"web\"\n"
			       "\t\tmeta nfproto ipv6 tcp dport 8080 dnat ip6 to [fd00:1::2]:80 comment \"web\"\n"
			       "\t\tmeta nfproto ipv4 ip daddr 192.0.2.1 udp dport 53 dnat ip to 10.3.4.2:5353 "
			       "comment \"web\"\n\t}\n\tchain box-" UUID_B " {\n\t}\n"));
	ck_assert(strstr(text, "\t\tip6 daddr ::1 return\n\t\tjump box-" UUID_A "\n\t\tjump box-" UUID_B "\n"));
	ck_assert(strstr(text, "iifname \"sysct0\" ip daddr 127.0.0.0/8 drop"));
	ck_assert(strstr(text, "ip saddr 127.0.0.0/8 oifname \"sysct0\" masquerade"));
}
END_TEST

START_TEST(a_port_that_is_taken_names_who_has_it)
{
	auto_published struct published_list all = PUBLISHED_EMPTY, own = PUBLISHED_EMPTY;
	struct sockaddr_in any = { .sin_family = AF_INET };
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_free char *text = NULL, *self = NULL;
	socklen_t len = sizeof(any);
	struct error err = ERROR_NONE;

	published_add(&all, UUID_A, "web", "127.0.0.1:8080:80", "10.3.4.2", "");
	published_add(&own, UUID_B, "other", "8080:80", "10.3.4.3", "");
	ck_assert_int_lt(published_check(&own, &all, &err), 0);
	ck_assert(strstr(err.message, "by container \"web\""));
	published_clear(&own);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	text = xasprintf("127.0.0.1:%u:80", ntohs(any.sin_port));
	self = xasprintf("process %d (", (int)getpid());
	published_add(&own, UUID_B, "other", text, "10.3.4.3", "");
	ck_assert_int_lt(published_check(&own, &all, &err), 0);
	ck_assert_msg(strstr(err.message, self) != NULL, "%s", err.message);
	published_clear(&own);
	published_add(&own, UUID_B, "other", "198.51.100.77:1:1", "10.3.4.3", "");
	ck_assert_int_lt(published_check(&own, &all, &err), 0);
	ck_assert_int_eq(err.code, EADDRNOTAVAIL);
}
END_TEST

/* --- other firewalls --- */

static const struct foreign foreign = { "sysct0", "sysct", "sysct" };

START_TEST(a_firewall_that_drops_lets_the_bridge_through)
{
	auto_free char *plan = foreign_plan_nft("table ip filter { # handle 1\n"
						"\tchain INPUT { # handle 1\n"
						"\t\ttype filter hook input priority filter; policy accept;\n"
						"\t}\n\n"
						"\tchain FORWARD { # handle 2\n"
						"\t\ttype filter hook forward priority filter; policy drop;\n"
						"\t\tiifname \"sysct0\" accept comment \"sysct\" # handle 7\n"
						"\t}\n}\n",
						&foreign, true);
	auto_free char *gone = NULL;

	ck_assert_str_eq(plan, "insert rule ip filter INPUT iifname \"sysct0\" udp dport 53 accept comment \"sysct\"\n"
			       "insert rule ip filter INPUT iifname \"sysct0\" udp dport 67 accept comment \"sysct\"\n"
			       "insert rule ip filter INPUT iifname \"sysct0\" tcp dport 53 accept comment \"sysct\"\n"
			       "insert rule ip filter FORWARD oifname \"sysct0\" accept comment \"sysct\"\n");
	gone = foreign_plan_nft("table inet x { # handle 1\n\tchain f { # handle 2\n"
				"\t\ttype filter hook forward priority filter; policy accept;\n"
				"\t\toifname \"sysct0\" accept comment \"sysct\" # handle 9\n"
				"\t\toifname \"sysct0-a\" accept comment \"sysct-a\" # handle 10\n\t}\n}\n",
				&foreign, false);
	ck_assert_str_eq(gone, "delete rule inet x f handle 9\n");
}
END_TEST

START_TEST(a_firewall_that_does_not_drop_or_knows_the_bridge_is_left_alone)
{
	static const char *const listings[] = {
		"table inet f { # handle 1\n\tchain f { # handle 1\n"
		"\t\ttype filter hook forward priority filter; policy accept;\n\t}\n}\n",
		"table inet f { # handle 1\n\tchain f { # handle 1\n"
		"\t\ttype filter hook forward priority filter; policy drop;\n"
		"\t\tiifname \"sysct0\" tcp dport 25 drop # handle 3\n\t}\n}\n",
		"table inet sysct { # handle 1\n\tchain f { # handle 1\n"
		"\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n",
		"table bridge f { # handle 1\n\tchain f { # handle 1\n"
		"\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n",
		"table inet f { # progname x\n\tflags owner\n\tchain f { # handle 1\n"
		"\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(listings); i++)
		ck_assert_msg(foreign_plan_nft(listings[i], &foreign, true) == NULL, "%zu", i);
}
END_TEST

START_TEST(docker_keeps_a_chain_for_others)
{
	auto_free char *plan = foreign_plan_nft("table ip filter { # handle 1\n"
						"\tchain DOCKER-USER { # handle 1\n\t}\n"
						"\tchain FORWARD { # handle 2\n"
						"\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n",
						&foreign, true);
	auto_free char *old = foreign_plan_iptables("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n"
						    ":DOCKER-USER - [0:0]\n"
						    "-A DOCKER-USER -i sysct0 -m comment --comment sysct -j ACCEPT\n"
						    "COMMIT\n",
						    &foreign, true);
	auto_free char *gone = foreign_plan_iptables("*filter\n"
						     "-A DOCKER-USER -i sysct0 -m comment --comment sysct -j ACCEPT\n"
						     "-A FORWARD -i sysct0 -j DROP\nCOMMIT\n",
						     &foreign, false);

	ck_assert_str_eq(plan, "insert rule ip filter DOCKER-USER iifname \"sysct0\" accept comment \"sysct\"\n"
			       "insert rule ip filter DOCKER-USER oifname \"sysct0\" accept comment \"sysct\"\n");
	ck_assert(text_starts(old, "*filter\n-I DOCKER-USER -o sysct0 -m comment --comment \"sysct\" -j ACCEPT\n"
				   "-I INPUT -i sysct0 -p udp -m udp --dport 53 "));
	ck_assert_str_eq(gone, "*filter\n-D DOCKER-USER -i sysct0 -m comment --comment sysct -j ACCEPT\nCOMMIT\n");
	ck_assert_ptr_null(foreign_plan_iptables("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", &foreign, true));
}
END_TEST

START_TEST(a_loopback_stub_is_no_resolver_for_boxes)
{
	auto_strings struct strings servers = STRINGS_EMPTY;

	dns_parse_resolv_conf(
		"# comment\nnameserver 127.0.0.53\noptions edns0\nnameserver ::1\n"
		"nameserver  \t192.0.2.53 \nnameserver fe80::1%eth0\nnameserver fe80::1\n"
		"nameserver 0.0.0.0\nnameserver 2001:db8::53\nnameserver 192.0.2.53\n"
		"nameservers 192.0.2.54\nnameserver\nnameserver junk\r\nsearch example\n"
		"nameserver 192.0.2.55",
		&servers);
	ck_assert_uint_eq(servers.n, 3);
	ck_assert_str_eq(servers.items[0], "192.0.2.53");
	ck_assert_str_eq(servers.items[1], "2001:db8::53");
	ck_assert_str_eq(servers.items[2], "192.0.2.55");
}
END_TEST

START_TEST(a_box_asks_the_gateway_or_what_it_was_told)
{
	struct network_bridge bridge = bridge_of("10.3.4.0/24", NULL);
	struct network_config config = { .type = NETWORK_VETH };
	auto_free char *gateway = network_resolv_conf(&bridge, &config), *own = NULL,
		       *upstream = NULL;

	ck_assert_str_eq(gateway, "# made by sysct\nnameserver 10.3.4.1\nsearch sysct\n");
	bridge.dns = false;
	upstream = network_resolv_conf(&bridge, &config);
	ck_assert(!strstr(upstream, "10.3.4.1") && !strstr(upstream, "nameserver 127."));
	strings_add(&config.dns, "192.0.2.1");
	strings_add(&config.dns, "192.0.2.2");
	strings_add(&config.search, "a.example");
	strings_add(&config.search, "b.example");
	own = network_resolv_conf(&bridge, &config);
	ck_assert_str_eq(own, "# made by sysct\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
			      "search a.example b.example\n");
	strings_clear(&config.dns);
	strings_clear(&config.search);
}
END_TEST

START_TEST(dnsmasq_listens_on_the_bridge_alone)
{
	struct dns_service service = { "sysct0",	5,   "10.3.4.1", "fd00:1::1", "10.3.4.0",
				       "255.255.255.0", 1400 };
	auto_strings struct strings arguments = STRINGS_EMPTY;

	dns_arguments(&service, "/run/sysct/.host", "nobody", &arguments);
	ck_assert(strings_has(&arguments, "--conf-file=/dev/null"));
	ck_assert(strings_has(&arguments, "--interface=sysct0"));
	ck_assert(strings_has(&arguments, "--except-interface=lo"));
	ck_assert(strings_has(&arguments, "--bind-interfaces"));
	ck_assert(strings_has(&arguments, "--user=nobody"));
	ck_assert(strings_has(&arguments, "--dhcp-range=10.3.4.0,static,255.255.255.0,12h"));
	ck_assert(strings_has(&arguments, "--listen-address=fd00:1::1"));
}
END_TEST

static char directory[64];
static int dirfd_of_host = -1;

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/sysct-network-XXXXXX");
	ck_assert(mkdtemp(directory) != NULL);
	dirfd_of_host = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(dirfd_of_host, ".host", 0700), 0);
	close(dirfd_of_host);
	strcat(directory, "/.host");
	dirfd_of_host = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_of_host, 0);
}

static void remove_directory(void)
{
	struct error err = ERROR_NONE;

	close_fd(&dirfd_of_host);
	directory[strlen(directory) - strlen("/.host")] = '\0';
	remove_tree_at(AT_FDCWD, directory, &err);
}

START_TEST(names_come_and_go_with_their_box)
{
	struct error err = ERROR_NONE;
	auto_free char *both = NULL, *one = NULL, *none = NULL, *dhcp = NULL, *ssh = NULL;
	struct stat st;

	ck_assert_int_eq(dns_registered(dirfd_of_host), 0);
	ck_assert_int_eq(dns_register(dirfd_of_host, "beta", UUID_B, "02:00:00:00:00:02",
				      "10.3.4.3", NULL, &err),
			 0);
	ck_assert_int_eq(dns_register(dirfd_of_host, "old", UUID_A, "02:00:00:00:00:01", "10.3.4.9",
				      NULL, &err),
			 0);
	ck_assert_int_eq(dns_register(dirfd_of_host, "alpha", UUID_A, "02:00:00:00:00:01",
				      "10.3.4.2", "fd00:1::2", &err),
			 0);
	ck_assert_int_eq(dns_registered(dirfd_of_host), 2);
	both = dns_hosts_block(dirfd_of_host);
	ck_assert_str_eq(both, "10.3.4.2 alpha.sysct alpha\nfd00:1::2 alpha.sysct alpha\n"
			       "10.3.4.3 beta.sysct beta\n");
	ck_assert_int_eq(read_file_at(dirfd_of_host, "names/dhcp/" UUID_A, 4096, &dhcp, NULL), 0);
	ck_assert_str_eq(dhcp, "02:00:00:00:00:01,10.3.4.2,alpha,infinite\n");
	ck_assert_int_eq(read_file_at(dirfd_of_host, "names/ssh/" UUID_A, 4096, &ssh, NULL), 0);
	ck_assert_ptr_nonnull(strstr(ssh, "Host alpha.sysct\n\tHostName 10.3.4.2\n\tHostKeyAlias " UUID_A ".sysct\n"));
	ck_assert_int_eq(fstatat(dirfd_of_host, "names/ssh/" UUID_A, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	/* an unprivileged dnsmasq gets there */
	ck_assert_int_eq(fstatat(dirfd_of_host, "names/hosts/" UUID_A, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	ck_assert_int_eq(fstatat(dirfd_of_host, "..", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0711);
	ck_assert_int_eq(dns_unregister(dirfd_of_host, UUID_A, &err), 0);
	ck_assert_int_eq(dns_unregister(dirfd_of_host, UUID_A, &err), 0);
	ck_assert_int_lt(faccessat(dirfd_of_host, "names/ssh/" UUID_A, F_OK, 0), 0);
	one = dns_hosts_block(dirfd_of_host);
	ck_assert_str_eq(one, "10.3.4.3 beta.sysct beta\n");
	ck_assert_int_eq(dns_remove_files(dirfd_of_host, &err), 0);
	none = dns_hosts_block(dirfd_of_host);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(a_name_that_is_none_is_not_registered)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(dns_register(dirfd_of_host, "a\nb", UUID_A, "02:00:00:00:00:02",
				      "10.3.4.3", NULL, &err),
			 -EINVAL);
	ck_assert_int_eq(dns_register(dirfd_of_host, "a", "../../x", "02:00:00:00:00:02",
				      "10.3.4.3", NULL, &err),
			 -EINVAL);
}
END_TEST

START_TEST(a_name_that_cannot_be_taken_back_is_an_error)
{
	auto_free char *above = xstrndup(directory, strlen(directory) - strlen("/.host"));
	auto_free char *link = xasprintf("%s/broken", above), *none = xasprintf("%s/none", above);
	auto_free char *within = xasprintf("%s/.host", link);
	struct network_host host = { .run_dir = none };
	struct error err = ERROR_NONE;

	ck_assert_int_eq(network_unregister(&host, UUID_A, &err), 0);
	ck_assert_int_eq(err.code, 0);
	ck_assert_int_eq(mkdir(link, 0700) | symlink("/", within), 0);
	host.run_dir = link;
	ck_assert_int_lt(network_unregister(&host, UUID_A, &err), 0);
	ck_assert_int_eq(unlink(within) | rmdir(link), 0);
}
END_TEST

/* What was on the stack before must not be taken for a note. */
__attribute__((noinline)) static void soil_the_stack(void)
{
	volatile unsigned char soil[16384];

	for (size_t i = 0; i < sizeof(soil); i++)
		soil[i] = 0xa5;
}

START_TEST(forwarding_stays_beside_another_bridge)
{
	static const uint8_t mac[HWADDR_BYTES] = { 2, 0, 0, 0, 0, 9 };
	struct network_host host = { .suffix = "sysct-test" };
	struct error err = ERROR_NONE;
	auto_netlink struct netlink *netlink = NULL;
	char value[8];

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	netlink = netlink_open(&err);
	ck_assert_ptr_nonnull(netlink);
	ck_assert_int_gt(netlink_bridge_add(netlink, "other0", mac, 0, "another's", &err), 0);
	ck_assert_int_eq(net_sysctl_set("ipv4/ip_forward", "1"), 0);
	soil_the_stack();
	network_restore_sysctls(&host, netlink);
	ck_assert_int_eq(net_sysctl_get("ipv4/ip_forward", value, sizeof(value)), 0);
	ck_assert_str_eq(value, "1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/network");
	TCase *pure = tcase_create("decisions"), *files = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_test(pure, networks_are_read_exactly);
	tcase_add_test(pure, overlap_is_seen_both_ways);
	tcase_add_test(pure, a_chosen_subnet_overlaps_no_route);
	tcase_add_test(pure, a_vpn_with_all_of_ten_is_avoided);
	tcase_add_test(pure, default_routes_in_halves_do_not_count);
	tcase_add_test(pure, a_kept_address_stays_while_it_is_free);
	tcase_add_test(pure, a_full_subnet_is_refused_at_the_254th_box);
	tcase_add_test(pure, a_lease_is_the_same_each_time);
	tcase_add_test(pure, hardware_addresses_are_read_exactly);
	tcase_add_test(pure, link_names_fit_and_differ_at_each_start);
	tcase_add_test(pure, the_ruleset_is_one_transaction);
	tcase_add_test(pure, published_ports_are_rules_of_their_box);
	tcase_add_test(pure, a_port_that_is_taken_names_who_has_it);
	tcase_add_test(pure, a_firewall_that_drops_lets_the_bridge_through);
	tcase_add_test(pure, a_firewall_that_does_not_drop_or_knows_the_bridge_is_left_alone);
	tcase_add_test(pure, docker_keeps_a_chain_for_others);
	tcase_add_test(pure, a_loopback_stub_is_no_resolver_for_boxes);
	tcase_add_test(pure, a_box_asks_the_gateway_or_what_it_was_told);
	tcase_add_test(pure, dnsmasq_listens_on_the_bridge_alone);
	tcase_add_checked_fixture(files, make_directory, remove_directory);
	tcase_add_test(files, names_come_and_go_with_their_box);
	tcase_add_test(files, a_name_that_is_none_is_not_registered);
	tcase_add_test(files, a_name_that_cannot_be_taken_back_is_an_error);
	if (geteuid() == 0 || getenv("SYSCT_TESTS_MUST_RUN"))
		tcase_add_test(files, forwarding_stays_beside_another_bridge);
	suite_add_tcase(suite, pure);
	suite_add_tcase(suite, files);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
