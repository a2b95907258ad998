/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test runs in a process and a network namespace of its own: nothing of the host is touched.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/net_sysctl.h"
#include "os/netlink.h"
#include "os/process.h"

#include <check.h> /* last: it takes the word fail */

static struct netlink *netlink;
static struct error err;
static int here = -1; /* the test's own namespace, "the host" */
static int box = -1; /* another one, "the box" */

static const uint8_t bridge_mac[HWADDR_BYTES] = { 2, 0, 0, 0, 0, 1 };

static int open_namespace(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	box = open_namespace();
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	here = open_namespace();
	ck_assert_int_ge(box, 0);
	ck_assert_int_ge(here, 0);
	netlink = netlink_open(&err);
	ck_assert_msg(netlink != NULL, "%s", err.message);
}

static void teardown(void)
{
	netlink_close(netlink);
	netlink = NULL;
	close_fd(&box);
	close_fd(&here);
}

static int must(int r)
{
	ck_assert_msg(r >= 0, "%s", err.message);
	return r;
}

/* A socket in the box's namespace, which it keeps. */
static struct netlink *open_inside(void)
{
	struct netlink *inside;

	ck_assert_int_eq(setns(box, CLONE_NEWNET), 0);
	inside = netlink_open(&err);
	ck_assert_int_eq(setns(here, CLONE_NEWNET), 0);
	return inside;
}

static struct veth veth_of(int master)
{
	return (struct veth){
		.name = "sct1",
		.alias = "sysct:one",
		.master = master,
		.mtu = 1400,
		.peer_name = "eth0",
		.peer_hwaddr = { 2, 1, 2, 3, 4, 5 },
		.peer_netns = box,
	};
}

START_TEST(a_bridge_is_made_with_its_address_mtu_and_alias)
{
	struct link_info info;
	int index =
		must(netlink_bridge_add(netlink, "br0", bridge_mac, 1400, "sysct:bridge", &err));

	ck_assert_int_eq(netlink_link_index(netlink, "br0"), index);
	ck_assert_int_eq(must(netlink_link_get(netlink, "br0", &info, &err)), 1);
	ck_assert_str_eq(info.kind, "bridge");
	ck_assert_str_eq(info.alias, "sysct:bridge");
	ck_assert_uint_eq(info.mtu, 1400);
	ck_assert(!info.up);
	ck_assert_int_eq(memcmp(info.hwaddr, bridge_mac, HWADDR_BYTES), 0);
	must(netlink_link_set_up(netlink, index, true, &err));
	must(netlink_link_set_mtu(netlink, index, 1300, &err));
	must(netlink_link_get_index(netlink, index, &info, &err));
	ck_assert(info.up);
	ck_assert_uint_eq(info.mtu, 1300);
}
END_TEST

START_TEST(a_link_that_is_not_there_is_no_error)
{
	struct link_info info;

	ck_assert_int_eq(netlink_link_index(netlink, "br0"), 0);
	ck_assert_int_eq(netlink_link_index(netlink, "a-name-that-is-too-long"), 0);
	ck_assert_int_eq(netlink_link_get(netlink, "br0", &info, &err), 0);
	ck_assert_int_eq(netlink_link_get(netlink, "a-name-that-is-too-long", &info, &err), 0);
	ck_assert_int_eq(netlink_link_delete(netlink, "br0", "sysct:", &err), 0);
	ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(a_taken_name_is_refused)
{
	must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "sysct:bridge", &err));
	ck_assert_int_eq(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "x", &err), -EEXIST);
	ck_assert(strstr(err.message, "make bridge \"br0\": File exists"));
}
END_TEST

START_TEST(only_links_with_our_alias_are_deleted)
{
	int index = must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "mine", &err));

	ck_assert_int_eq(netlink_link_delete(netlink, "br0", "sysct:", &err), -EPERM);
	ck_assert(strstr(err.message, "\"mine\""));
	must(netlink_link_set_alias(netlink, index, "sysct:bridge", &err));
	ck_assert_int_eq(netlink_link_delete(netlink, "br0", "sysct:", &err), 1);
	ck_assert_int_eq(netlink_link_index(netlink, "br0"), 0);
}
END_TEST

START_TEST(a_veth_pair_joins_a_bridge_and_another_namespace)
{
	int master =
		must(netlink_bridge_add(netlink, "br0", bridge_mac, 1400, "sysct:bridge", &err));
	auto_netlink struct netlink *inside = open_inside();
	struct veth veth = veth_of(master);
	struct link_info info;

	ck_assert(inside != NULL);
	must(netlink_link_set_up(netlink, master, true, &err));
	ck_assert_int_eq(must(netlink_port_count(netlink, master, &err)), 0);
	must(netlink_veth_add(netlink, &veth, &err));
	ck_assert_int_eq(must(netlink_link_get(netlink, "sct1", &info, &err)), 1);
	ck_assert_int_eq(info.master, master);
	ck_assert(!info.up);
	ck_assert_str_eq(info.alias, "sysct:one");
	ck_assert_str_eq(info.kind, "veth");
	ck_assert_int_eq(must(netlink_port_count(netlink, master, &err)), 1);
	ck_assert_int_eq(netlink_link_index(netlink, "eth0"), 0);
	ck_assert_int_eq(must(netlink_link_get(inside, "eth0", &info, &err)), 1);
	ck_assert_uint_eq(info.mtu, 1400);
	ck_assert_int_eq(memcmp(info.hwaddr, veth.peer_hwaddr, HWADDR_BYTES), 0);
	ck_assert_int_eq(netlink_veth_add(netlink, &veth, &err), -EEXIST);
	ck_assert(err.hint[0]);
	ck_assert_int_eq(must(netlink_link_delete(netlink, "sct1", "sysct:one", &err)), 1);
	ck_assert_int_eq(netlink_link_index(inside, "eth0"), 0);
}
END_TEST

START_TEST(a_pair_that_fails_half_way_leaves_nothing)
{
	int master = must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "sysct:bridge", &err));
	struct veth veth = veth_of(master);
	char alias[400];

	memset(alias, 'a', sizeof(alias));
	alias[sizeof(alias) - 1] = '\0';
	veth.alias = alias;
	ck_assert_int_lt(netlink_veth_add(netlink, &veth, &err), 0);
	ck_assert_int_eq(netlink_link_index(netlink, "sct1"), 0);
	veth = veth_of(4711);
	ck_assert_int_lt(netlink_veth_add(netlink, &veth, &err), 0);
	ck_assert_int_eq(netlink_link_index(netlink, "sct1"), 0);
}
END_TEST

/* How many of them are link-local, and this one unless it is NULL. */
static int link_locals(const struct address_info *all, int n, const unsigned char *one)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += all[i].family == AF_INET6 && all[i].address[0] == 0xfe && all[i].address[1] == 0x80 &&
			 (!one || memcmp(all[i].address, one, 16) == 0);
	return found;
}

START_TEST(a_link_inside_is_set_up_in_one_message)
{
	int master =
		must(netlink_bridge_add(netlink, "br0", bridge_mac, 1400, "sysct:bridge", &err));
	auto_netlink struct netlink *inside = open_inside();
	struct veth veth = veth_of(master);
	unsigned char v4[4], gateway4[4], v6[16], gateway6[16], link_local[16];
	struct link_setup link = { "eth0", v4, gateway4, v6, gateway6, 24, 64, link_local };
	auto_free struct address_info *addresses = NULL;
	auto_free struct route_info *routes = NULL;
	int n, defaults = 0;

	inet_pton(AF_INET, "10.9.8.7", v4);
	inet_pton(AF_INET, "10.9.8.1", gateway4);
	inet_pton(AF_INET6, "fd00:1::7", v6);
	inet_pton(AF_INET6, "fd00:1::1", gateway6);
	inet_pton(AF_INET6, "fe80::abcd", link_local);
	must(netlink_link_set_up(netlink, master, true, &err));
	must(netlink_veth_add(netlink, &veth, &err));
	must(netlink_link_setup(inside, &link, &err));
	must(netlink_link_setup(inside, &link, &err)); /* a second time changes nothing */
	n = must(netlink_addresses(inside, netlink_link_index(inside, "eth0"), &addresses, &err));
	ck_assert_int_eq(n, 3);	/* the kernel has made none */
	ck_assert_int_eq(link_locals(addresses, n, link_local), 1);
	ck_assert_int_eq(memcmp(addresses[0].address, v4, 4), 0);
	ck_assert_uint_eq(addresses[0].prefix, 24);
	n = must(netlink_routes(inside, AF_INET, &routes, &err));
	for (int i = 0; i < n; i++)
		defaults += routes[i].prefix == 0;
	ck_assert_int_eq(defaults, 1);
	/* a namespace that has never had an IPv4 address takes any for a broadcast one */
	must(netlink_address_add(netlink, master, AF_INET, gateway4, 24, &err));
	ck_assert(address_is_local(AF_INET, gateway4));
	ck_assert(!address_is_local(AF_INET, v4));
	ck_assert_int_eq(setns(box, CLONE_NEWNET), 0);
	ck_assert(address_is_local(AF_INET, v4));
	ck_assert(address_is_local(AF_INET6, v6)); /* at once: no duplicate address detection */
	ck_assert(!address_is_local(AF_INET, gateway4));
	ck_assert_int_eq(setns(here, CLONE_NEWNET), 0);
	/* whoever takes it down and up again inside has one all the same, once there is a carrier */
	free(take_ptr(&addresses));
	must(netlink_link_set_up(netlink, netlink_link_index(netlink, "sct1"), true, &err));
	must(netlink_link_set_up(inside, netlink_link_index(inside, "eth0"), false, &err));
	must(netlink_link_set_up(inside, netlink_link_index(inside, "eth0"), true, &err));
	n = must(netlink_addresses(inside, netlink_link_index(inside, "eth0"), &addresses, &err));
	ck_assert_int_eq(link_locals(addresses, n, NULL), 1);
	ck_assert_int_eq(link_locals(addresses, n, link_local), 0);
}
END_TEST

START_TEST(the_first_failure_of_a_batch_is_told)
{
	struct link_setup link = { .name = "lo", .gateway4 = "\12\11\10\1" };

	ck_assert_int_lt(netlink_link_setup(netlink, &link, &err), 0);
	ck_assert_msg(strstr(err.message, "add the default route by 10.9.8.1: "), "%s",
		      err.message);
	/* and the socket is still in step */
	ck_assert_int_eq(netlink_port_count(netlink, 1, &err), 0);
	link.name = "eth0";
	ck_assert_int_eq(netlink_link_setup(netlink, &link, &err), -ENODEV);
}
END_TEST

START_TEST(the_uplink_is_the_link_of_the_default_route)
{
	struct link_info info;
	unsigned char address[4] = { 10, 0, 0, 2 }, gateway[4] = { 10, 0, 0, 1 };
	int index = must(netlink_bridge_add(netlink, "up0", bridge_mac, 1380, "x", &err));

	ck_assert_int_eq(netlink_uplink(netlink, AF_INET, &info, &err), 0);
	ck_assert_int_eq(netlink_uplink(netlink, AF_INET6, &info, &err), 0);
	must(netlink_link_set_up(netlink, index, true, &err));
	must(netlink_address_add(netlink, index, AF_INET, address, 24, &err));
	must(netlink_default_route_set(netlink, index, AF_INET, gateway, &err));
	ck_assert_int_eq(netlink_uplink(netlink, AF_INET, &info, &err), 1);
	ck_assert_str_eq(info.name, "up0");
	ck_assert_uint_eq(info.mtu, 1380);
}
END_TEST

/* What the kernel shows of a port. */
static char *port_file(const char *file, char *buf, size_t room)
{
	auto_free char *path = xasprintf("/sys/class/net/sct1/%s", file);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, room - 1);

	ck_assert_msg(n > 0, "%s", path);
	buf[n - 1] = '\0';
	return buf;
}

/* Its mount of /sys shows the links of the namespace in which it was made. */
static void mount_own_sysfs(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("sysfs", "/sys", "sysfs", 0, NULL), 0);
}

START_TEST(a_port_is_guarded_from_its_birth_and_later)
{
	int master = must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "sysct:bridge", &err));
	struct port_guard guard = { .flags = { .locked = true }, .group = 0x40000007, .hwaddr = { 2, 1, 2, 3, 4, 5 } };
	struct veth veth = veth_of(master);
	char text[32];
	int index;

	mount_own_sysfs();
	veth.port = &guard;
	must(netlink_veth_add(netlink, &veth, &err));
	index = netlink_link_index(netlink, "sct1");
	ck_assert_str_eq(port_file("netdev_group", text, sizeof(text)), "1073741831");
	ck_assert_str_eq(port_file("brport/learning", text, sizeof(text)), "0");
	ck_assert_str_eq(port_file("brport/unicast_flood", text, sizeof(text)), "0");
	ck_assert_str_eq(port_file("brport/isolated", text, sizeof(text)), "0");
	guard.flags.isolated = guard.flags.flooding = true;
	guard.group = 0x40000008;
	must(netlink_port_guard(netlink, index, &guard, &err));
	must(netlink_port_guard(netlink, index, &guard, &err)); /* a second time changes nothing */
	ck_assert_str_eq(port_file("netdev_group", text, sizeof(text)), "1073741832");
	ck_assert_str_eq(port_file("brport/unicast_flood", text, sizeof(text)), "1");
	ck_assert_str_eq(port_file("brport/isolated", text, sizeof(text)), "1");
	ck_assert_int_eq(must(netlink_ports_delete(netlink, master, "sysct:two", &err)), 0);
	ck_assert_int_eq(must(netlink_ports_delete(netlink, master, "sysct:", &err)), 1);
	ck_assert_int_eq(netlink_link_index(netlink, "sct1"), 0);
	ck_assert_int_lt(netlink_port_guard(netlink, 1, &guard, &err), 0);
}
END_TEST

/* How the neighbour is known, as ip(8) writes it; "": not. */
static void ck_neighbour(const char *address, const char *state)
{
	const char *argv[] = { "ip", "neigh", "show", address, "dev", "br0", NULL };
	auto_free char *out = NULL;
	struct tool_run run = { .argv = argv, .keep_fd = -1, .ret_output = &out };

	ck_assert_int_eq(tool_run(&run, &err), 0);
	ck_assert_msg(*state ? strstr(out, state) != NULL : !*out, "%s is \"%s\", not \"%s\"", address, out, state);
}

static struct address_info add_neighbour(const char *address, const char *state)
{
	const char *argv[] = { "ip", "neigh", "add", address, "lladdr", "02:00:00:00:00:09", "nud", state, "dev", "br0", NULL };
	struct tool_run run = { .argv = argv, .keep_fd = -1 };
	struct address_info info = { .family = strchr(address, ':') ? AF_INET6 : AF_INET };

	if (*state)
		ck_assert_int_eq(tool_run(&run, &err), 0);
	ck_assert_int_eq(inet_pton(info.family, address, info.address), 1);
	return info;
}

START_TEST(neighbours_are_forgotten_but_not_permanent_ones)
{
	int index = must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "sysct:bridge", &err));
	struct address_info one[40];
	char address[40][24];

	must(netlink_link_set_up(netlink, index, true, &err));
	for (int i = 0; i < 40; i++) {
		snprintf(address[i], sizeof(address[i]), i % 2 ? "fd00::%d" : "10.1.2.%d", i + 1);
		one[i] = add_neighbour(address[i], i % 4 == 3 ? "" : i % 5 == 4 ? "permanent" : "reachable");
	}
	netlink_neighbours_forget(netlink, index, one, 40);
	for (int i = 0; i < 40; i++)
		ck_neighbour(address[i], i % 4 != 3 && i % 5 == 4 ? "PERMANENT" : "");
	netlink_neighbours_forget(netlink, index, one, 0);
	ck_neighbour(address[4], "PERMANENT");
}
END_TEST

START_TEST(a_table_is_seen_without_running_nft)
{
	const char *argv[] = { "nft", "-f", "-", NULL };
	struct tool_run run = { .argv = argv,
				.input = "table inet sysct-a1 {\n}\n",
				.keep_fd = -1 };

	ck_assert_int_eq(must(netlink_nft_table_exists("inet", "sysct-a1", &err)), 0);
	ck_assert_int_eq(tool_run(&run, &err), 0);
	ck_assert_int_eq(must(netlink_nft_table_exists("inet", "sysct-a1", &err)), 1);
	ck_assert_int_eq(must(netlink_nft_table_exists("inet", "sysct", &err)), 0);
	ck_assert_int_eq(must(netlink_nft_table_exists("bridge", "sysct-a1", &err)), 0);
	run.input = "table bridge sysct-a1 {\n}\n";
	ck_assert_int_eq(tool_run(&run, &err), 0);
	ck_assert_int_eq(must(netlink_nft_table_exists("bridge", "sysct-a1", &err)), 1);
}
END_TEST

START_TEST(sysctls_are_those_of_the_callers_namespace)
{
	char value[16];

	must(netlink_bridge_add(netlink, "br0", bridge_mac, 0, "sysct:bridge", &err));
	ck_assert_int_eq(net_sysctl_set("ipv4/conf/br0/proxy_arp", "1"), 0);
	ck_assert_int_eq(net_sysctl_get("ipv4/conf/br0/proxy_arp", value, sizeof(value)), 0);
	ck_assert_str_eq(value, "1");
	ck_assert_int_eq(net_sysctl_set("ipv4/conf/none/proxy_arp", "1"), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/netlink");
	TCase *tests = tcase_create("netlink");
	SRunner *runner;
	int failed;

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root for network namespaces\n");
		return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : 77;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_bridge_is_made_with_its_address_mtu_and_alias);
	tcase_add_test(tests, a_link_that_is_not_there_is_no_error);
	tcase_add_test(tests, a_taken_name_is_refused);
	tcase_add_test(tests, only_links_with_our_alias_are_deleted);
	tcase_add_test(tests, a_veth_pair_joins_a_bridge_and_another_namespace);
	tcase_add_test(tests, a_pair_that_fails_half_way_leaves_nothing);
	tcase_add_test(tests, a_link_inside_is_set_up_in_one_message);
	tcase_add_test(tests, the_first_failure_of_a_batch_is_told);
	tcase_add_test(tests, the_uplink_is_the_link_of_the_default_route);
	tcase_add_test(tests, a_port_is_guarded_from_its_birth_and_later);
	tcase_add_test(tests, neighbours_are_forgotten_but_not_permanent_ones);
	tcase_add_test(tests, a_table_is_seen_without_running_nft);
	tcase_add_test(tests, sysctls_are_those_of_the_callers_namespace);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
