/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What links are held to: the entries, and the rules that are made of them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/netlink.h"
#include "os/process.h"
#include "store/elements.h"
#include "store/firewall.h"
#include "store/guard.h"
#include "store/network_parts.h"

#include <check.h> /* last: it takes the word fail */

#define UUID_A "11111111-2222-4333-8444-555555555501"
#define UUID_B "11111111-2222-4333-8444-555555555502"

static struct guarded_list list;
static struct error err;

static void empty(void)
{
	guarded_clear(&list);
	err = (struct error)ERROR_NONE;
}

static void add(struct guarded_list *to, const char *uuid, const char *link, const char *bridge, const char *mac,
		const char *addresses)
{
	struct guarded one = { .link = (char *)(uintptr_t)link, .bridge = (char *)(uintptr_t)bridge };

	snprintf(one.uuid, sizeof(one.uuid), "%s", uuid);
	snprintf(one.hwaddr, sizeof(one.hwaddr), "%s", mac);
	strings_split(&one.addresses, addresses, " ");
	guarded_add(to, &one);
	strings_clear(&one.addresses);
}

START_TEST(a_link_keeps_its_group)
{
	auto_guarded struct guarded_list own = GUARDED_EMPTY, other = GUARDED_EMPTY, none = GUARDED_EMPTY;
	uint32_t group;

	add(&own, UUID_B, "eth0", NULL, "02:00:00:00:00:02", "10.3.4.3 fd00:1::3");
	ck_assert(guarded_replace(&list, UUID_B, &own));
	group = own.items[0].group;
	ck_assert_uint_ge(group, 0x40000000);
	ck_assert_uint_eq(guarded_find(&list, UUID_B, "eth0")->group, group);
	ck_assert(!guarded_replace(&list, UUID_B, &own));
	add(&other, UUID_A, "eth0", "br0", "02:00:00:00:00:01", "");
	add(&other, UUID_A, "eth1", NULL, "02:00:00:00:00:03", "10.3.4.4");
	ck_assert(guarded_replace(&list, UUID_A, &other));
	ck_assert_uint_eq(list.n, 3);
	ck_assert_str_eq(list.items[0].uuid, UUID_A); /* in their order: the same text for the same entries */
	ck_assert_uint_ne(other.items[0].group, other.items[1].group);
	/* changed, gone, and there again: the number is the same while the link is */
	own.items[0].isolated = true;
	ck_assert(guarded_replace(&list, UUID_B, &own));
	ck_assert_uint_eq(guarded_find(&list, UUID_B, "eth0")->group, group);
	ck_assert(guarded_find(&list, UUID_B, "eth0")->isolated);
	ck_assert(guarded_replace(&list, UUID_B, &none));
	ck_assert_ptr_null(guarded_find(&list, UUID_B, "eth0"));
	ck_assert_uint_eq(list.n, 2);
}
END_TEST

START_TEST(groups_are_given_once)
{
	auto_guarded struct guarded_list one = GUARDED_EMPTY, two = GUARDED_EMPTY;

	add(&one, UUID_A, "eth0", NULL, "02:00:00:00:00:01", "");
	guarded_replace(&list, UUID_A, &one);
	/* somebody else has the number that it would get */
	add(&two, UUID_B, "eth0", NULL, "02:00:00:00:00:02", "");
	guarded_replace(&list, UUID_B, &two);
	guarded_find(&list, UUID_A, "eth0")->group = two.items[0].group;
	guarded_clear(&two);
	guarded_replace(&list, UUID_B, &two);
	add(&two, UUID_B, "eth0", NULL, "02:00:00:00:00:02", "");
	guarded_replace(&list, UUID_B, &two);
	ck_assert_uint_ne(guarded_find(&list, UUID_A, "eth0")->group, guarded_find(&list, UUID_B, "eth0")->group);
}
END_TEST

START_TEST(entries_come_back_from_their_file)
{
	auto_guarded struct guarded_list own = GUARDED_EMPTY, read = GUARDED_EMPTY;
	char directory[] = "/tmp/sysct-guard-XXXXXX";
	auto_free char *before = NULL, *after = NULL;
	const struct network_host host = { .run_dir = directory, .state_dir = "/nowhere" };
	auto_close int dirfd = -1;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(network_load_guarded(&host, &read, &err), 0);
	ck_assert_uint_eq(read.n, 0);
	add(&own, UUID_A, "eth0", "br0", "02:00:00:00:00:01", "");
	add(&own, UUID_A, "eth1", NULL, "02:00:00:00:00:02", "10.3.4.3 10.3.4.4 fd00:1::3");
	own.items[0].open = own.items[0].host_access = own.items[1].isolated = true;
	guarded_replace(&list, UUID_A, &own);
	ck_assert_int_eq(network_save_guarded(&host, &list, &err), 0);
	ck_assert_int_eq(network_load_guarded(&host, &read, &err), 0);
	before = guarded_format(&list);
	after = guarded_format(&read);
	ck_assert_str_eq(before, after);
	ck_assert(read.items[0].open && read.items[0].host_access && !read.items[0].isolated);
	ck_assert_str_eq(read.items[0].bridge, "br0");
	ck_assert_uint_eq(read.items[1].addresses.n, 3);
	/* without an entry a link would be held to nothing, so a damaged file is not an empty one */
	guarded_clear(&read);
	ck_assert_int_eq(replace_file_at(dirfd, ".host/guard", "junk\n", 5, 0600, false, &err), 0);
	ck_assert_int_lt(network_load_guarded(&host, &read, &err), 0);
	ck_assert(strstr(err.message, "damaged") && err.hint[0]);
	guarded_clear(&list);
	ck_assert_int_eq(network_save_guarded(&host, &list, &err), 0);
	ck_assert_int_eq(faccessat(dirfd, ".host/guard", F_OK, 0), -1);
	ck_assert_int_eq(unlinkat(dirfd, ".host", AT_REMOVEDIR), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(what_could_be_more_than_an_entry_is_refused)
{
	static const char *const wrong[] = {
		UUID_A " eth0 1 - 02:00:00:00:00:01 -\n",
		UUID_A " eth0 0 - 02:00:00:00:00:01 - -\n",
		UUID_A " eth0 1 - 02:00:00:00:00:01 - - -\n",
		UUID_A " eth0 1 - 03:00:00:00:00:01 - -\n",
		UUID_A " eth0 1 - 02:00:00:00:00:01 - 10.3.4\n",
		UUID_A " eth0 1 - 02:00:00:00:00:01 - 10.3.4.1,}\n",
		UUID_A " eth0 1 br\"} 02:00:00:00:00:01 - -\n",
		UUID_A " eth0 1 a-name-that-is-too-long 02:00:00:00:00:01 - -\n",
		"11111111 eth0 1 - 02:00:00:00:00:01 - -\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(guarded_parse_of(wrong[i], NULL, &list) == -EINVAL && list.n == 0, "%s", wrong[i]);
	ck_assert_int_eq(guarded_parse_of(UUID_A " eth0 1 - 02:00:00:00:00:01 - -\n", NULL, &list), 0);
	ck_assert_uint_eq(list.n, 1);
}
END_TEST

static void fill(void)
{
	auto_guarded struct guarded_list a = GUARDED_EMPTY, b = GUARDED_EMPTY;

	add(&a, UUID_A, "eth0", NULL, "02:00:00:00:00:01", "10.3.4.2 fd00:1::2");
	a.items[0].isolated = true;
	add(&b, UUID_B, "eth0", "br0", "02:00:00:00:00:02", "");
	b.items[0].open = b.items[0].host_access = true;
	guarded_replace(&list, UUID_A, &a);
	guarded_replace(&list, UUID_B, &b);
}

START_TEST(rules_know_a_link_by_its_group)
{
	auto_text struct text text = TEXT_EMPTY;
	auto_free char *mac = NULL, *v4 = NULL, *v6 = NULL, *local = NULL, *target = NULL, *client = NULL, *suffix = NULL;
	auto_free char *sender4 = NULL, *sender6 = NULL, *local_sender = NULL;
	uint32_t a, b;

	fill();
	a = guarded_find(&list, UUID_A, "eth0")->group;
	b = guarded_find(&list, UUID_B, "eth0")->group;
	guard_rules(&list, &text);
	mac = xasprintf("0x%08x . 02:00:00:00:00:01", a);
	v4 = xasprintf("0x%08x . 10.3.4.2 }", a);
	v6 = xasprintf("0x%08x . fd00:1::2", a);
	local = xasprintf("0x%08x . fe80::ff:fe00:1", a);
	target = xasprintf("0x%08x . 0xfe80000000000000000000fffe000001", a);
	client = xasprintf("0x%08x . 0x020000000001", a);
	/* the common case in one lookup: MAC and type of the frame are eight bytes of it */
	sender4 = xasprintf("set senders4 {\n\t\ttypeof iifgroup . @ll,48,64 . ip saddr\n"
			    "\t\telements = { 0x%08x . 0x0200000000010800 . 10.3.4.2 }\n", a);
	sender6 = xasprintf("0x%08x . 0x02000000000186dd . fd00:1::2", a);
	local_sender = xasprintf("0x%08x . 0x02000000000286dd . fe80::ff:fe00:2", b);
	/* where routers of others tell prefixes */
	suffix = xasprintf("set suffixes {\n\t\ttypeof iifgroup . @nh,128,64\n\t\telements = { 0x%08x . 0x000000fffe000002 }\n", b);
	ck_assert(strstr(text.data, mac) && strstr(text.data, v4) && strstr(text.data, v6));
	ck_assert(strstr(text.data, local) && strstr(text.data, target) && strstr(text.data, client));
	ck_assert_msg(strstr(text.data, suffix) != NULL, "%s", text.data);
	ck_assert_msg(strstr(text.data, sender4) != NULL, "%s", text.data);
	ck_assert(strstr(text.data, sender6) && strstr(text.data, local_sender));
	ck_assert(!strstr(text.data, "iifname") && !strstr(text.data, "eth0"));
}
END_TEST

START_TEST(the_host_knows_a_sender_by_bridge_and_mac)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", NULL, &list, 0 };
	auto_free char *text = NULL, *without = NULL;

	fill();
	text = network_ruleset(&rules);
	ck_assert(strstr(text, "set others {\n\t\ttype ifname . ether_addr\n\t\telements = { \"br0\" . 02:00:00:00:00:02 }\n"));
	ck_assert(strstr(text, "set host_access {\n\t\ttype ifname . ether_addr\n\t\telements = { \"br0\" . 02:00:00:00:00:02 }\n"));
	ck_assert(strstr(text, "set isolated4 {\n\t\ttype ipv4_addr\n\t\telements = { 10.3.4.2 }\n"));
	ck_assert(strstr(text, "policy accept;\n\t\tct state established ct direction reply accept comment \"answers\"\n"
			       "\t\tiifname \"sysct0\" goto host\n\t\tiifname . ether saddr @others goto host\n"));
	/* what is dropped stands before what is let through */
	ck_assert(strstr(text, "ether saddr @isolated drop") < strstr(text, "iifname \"sysct0\" accept"));
	/* no bridge of our own: those of others are guarded all the same */
	rules.bridge = NULL;
	without = network_ruleset(&rules);
	ck_assert(!strstr(without, "sysct0") && !strstr(without, "masquerade"));
	ck_assert(strstr(without, "iifname . ether saddr @others goto host\n"));
}
END_TEST

START_TEST(only_elements_change_when_links_come_and_go)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", NULL, &list, 0 };
	auto_free char *none = network_ruleset(&rules), *two = NULL, *one = NULL, *other = NULL;
	auto_free char *grown = NULL, *shrunk = NULL, *line = NULL;
	auto_guarded struct guarded_list nobody = GUARDED_EMPTY;

	fill();
	two = network_ruleset(&rules);
	grown = firewall_changes(none, two);
	ck_assert_ptr_nonnull(grown);
	ck_assert(strstr(grown, "add element inet sysct host_access { \"br0\" . 02:00:00:00:00:02 }\n"));
	line = xasprintf("add element bridge sysct macs { 0x%08x . 02:00:00:00:00:01, 0x%08x . 02:00:00:00:00:02 }\n",
			 list.items[0].group, list.items[1].group);
	ck_assert_msg(list.items[0].group > list.items[1].group || strstr(grown, line), "%s", grown);
	ck_assert(!strstr(grown, "delete"));
	guarded_replace(&list, UUID_B, &nobody);
	one = network_ruleset(&rules);
	shrunk = firewall_changes(two, one);
	ck_assert(strstr(shrunk, "delete element inet sysct others { \"br0\" . 02:00:00:00:00:02 }\n"));
	ck_assert(!strstr(shrunk, "add ") && !strstr(shrunk, "02:00:00:00:00:01"));
	/* the same, and more than elements */
	ck_assert_ptr_null(firewall_changes(one, one));
	rules.subnet6 = NULL;
	other = network_ruleset(&rules);
	ck_assert_ptr_null(firewall_changes(one, other));
	ck_assert_ptr_null(firewall_changes("", one));
	ck_assert_ptr_null(firewall_changes(one, ""));
}
END_TEST

/* Two links that share a MAC are one element, which stays with the other. */
START_TEST(an_element_of_two_links_stays_with_one)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", NULL, NULL, &list, 0 };
	auto_guarded struct guarded_list a = GUARDED_EMPTY, b = GUARDED_EMPTY, nobody = GUARDED_EMPTY;
	auto_free char *two = NULL, *one = NULL, *shrunk = NULL;

	add(&a, UUID_A, "eth0", NULL, "02:00:00:00:0a:01", "10.3.4.2 fd00:1:0::2");
	add(&b, UUID_B, "eth0", NULL, "02:00:00:00:0A:01", "10.3.4.2 fd00:1::2");
	a.items[0].isolated = b.items[0].isolated = true;
	guarded_replace(&list, UUID_A, &a);
	guarded_replace(&list, UUID_B, &b);
	two = network_ruleset(&rules);
	guarded_replace(&list, UUID_A, &nobody);
	one = network_ruleset(&rules);
	shrunk = firewall_changes(two, one);
	ck_assert_ptr_nonnull(shrunk);
	ck_assert_msg(!strstr(shrunk, "inet"), "%s", shrunk);
	ck_assert(strstr(shrunk, "delete element bridge sysct isolated {"));
}
END_TEST

static char *nft(const char *const *argv, const char *input)
{
	char *output = NULL;
	struct tool_run run = { .argv = argv, .input = input, .ret_output = &output, .keep_fd = -1 };

	ck_assert_msg(tool_run(&run, &err) == 0, "%s%s", err.message, output ? output : "");
	return output;
}

/* All words of what is there, in one order. */
static char *listed(void)
{
	const char *argv[] = { "nft", "list", "ruleset", NULL };
	auto_free char *text = nft(argv, NULL);
	auto_strings struct strings words = STRINGS_EMPTY;

	strings_split(&words, text, " ,\n\t");
	strings_sort(&words);
	return strings_join(&words, " ");
}

/* By elements that come and go the kernel has just what it has when it is told the whole. */
START_TEST(changes_lead_to_the_same_rules)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", NULL, &list, 0 };
	auto_guarded struct guarded_list own = GUARDED_EMPTY;
	const char *argv[] = { "nft", "-f", "-", NULL };
	auto_free char *last = network_ruleset(&rules);

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	free(nft(argv, last));
	for (int i = 0; i < 5; i++) {
		auto_free char *text = NULL, *changes = NULL, *grown = NULL, *whole = NULL;
		uint32_t generation;

		if (i == 0)
			fill();
		else if (i == 1)
			add(&own, UUID_B, "eth0", "br0", "02:00:00:00:00:03", "10.9.0.9 fd00:9::9");
		else if (i == 2)
			own.items[0].isolated = true;
		else if (i == 3)
			free(take_ptr(&own.items[0].bridge));
		else
			guarded_clear(&own);
		if (i)
			guarded_replace(&list, UUID_B, &own);
		text = network_ruleset(&rules);
		changes = firewall_changes(last, text);
		ck_assert_ptr_nonnull(changes);
		netlink_nft_generation(&generation);
		/* not of these rules: nothing is done */
		ck_assert_int_eq(elements_change(changes, generation + 1, &err), -ERESTART);
		ck_assert_msg(elements_change(changes, generation, &err) == 0, "%s: %s", err.message, changes);
		grown = listed();
		free(nft(argv, text));
		whole = listed();
		ck_assert_str_eq(grown, whole);
		free(last);
		last = xstrdup(text);
	}
}
END_TEST

START_TEST(an_element_is_what_the_kernel_compares)
{
	static const struct {
		const char *text;
		size_t n;
		uint8_t key[28];
	} good[] = {
		{ "02:00:00:00:00:0a", 6, { 2, 0, 0, 0, 0, 10 } },
		{ "10.3.4.5", 4, { 10, 3, 4, 5 } },
		{ "\"br0\" . 02:00:00:00:00:0a", 24, { 'b', 'r', '0', [16] = 2, [21] = 10 } },
		{ "0x40000001 . 0x0200 . 10.3.4.5", 12, { [4] = 2, [8] = 10, 3, 4, 5 } },
		{ "0x40000001 . fe80::1", 20, { [4] = 0xfe, 0x80, [19] = 1 } },
	};
	static const char *const bad[] = { "", ".", "0x", "0x0", "0x40000001 .", ". 10.3.4.5", "10.3.4", "10.3.4.5 10.3.4.6", "br0",
					   "\"\"", "\"sixteen-letters-\"", "0xzz", "0x40000001 . 0x1", "02:00:00:00:00" };
	auto_free char *many = xasprintf("0x40000001%s%s%s", " . fe80::1", " . fe80::1", " . fe80::1");
	auto_free char *more = xasprintf("%s . fe80::1", many);
	uint32_t group = 0x40000001;
	uint8_t key[ELEMENT_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint8_t wanted[28];

		memcpy(wanted, good[i].key, sizeof(wanted));
		if (text_starts(good[i].text, "0x4"))
			memcpy(wanted, &group, sizeof(group));
		ck_assert_msg(element_key(good[i].text, key) == good[i].n, "%s", good[i].text);
		ck_assert_msg(memcmp(key, wanted, good[i].n) == 0, "%s", good[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(element_key(bad[i], key) == 0, "\"%s\"", bad[i]);
	ck_assert_uint_eq(element_key(many, key), 52);
	ck_assert_uint_eq(element_key(more, key), 0);
	ck_assert_int_eq(elements_change("add element bridge sysct links { 0x40000001, 10.3 }\n", 1, &err), -EINVAL);
	ck_assert_int_eq(elements_change("add element bridge sysct links\n", 1, &err), -EINVAL);
	ck_assert_int_eq(elements_change("flush ruleset\n", 1, &err), -EINVAL);
}
END_TEST

/* In a network namespace of its own: the kernel takes them, all sets filled and all empty. */
START_TEST(the_kernel_takes_the_rules)
{
	struct network_rules rules = { "sysct", "sysct0", "10.3.4.0/24", "fd00:1::/64", NULL, &list, 0 };
	const char *argv[] = { "nft", "-f", "-", NULL };
	auto_free char *output = NULL;
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	for (int i = 0; i < 4; i++) {
		auto_free char *text = network_ruleset(&rules);

		run.input = text;
		ck_assert_msg(tool_run(&run, &err) == 0, "%s%s", err.message, output ? output : "");
		free(output);
		output = NULL;
		if (i == 0)
			fill();
		rules.bridge = i == 1 ? NULL : "sysct0";
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/guard");
	TCase *tests = tcase_create("guard");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, empty, empty);
	tcase_add_test(tests, a_link_keeps_its_group);
	tcase_add_test(tests, groups_are_given_once);
	tcase_add_test(tests, entries_come_back_from_their_file);
	tcase_add_test(tests, what_could_be_more_than_an_entry_is_refused);
	tcase_add_test(tests, rules_know_a_link_by_its_group);
	tcase_add_test(tests, only_elements_change_when_links_come_and_go);
	tcase_add_test(tests, an_element_of_two_links_stays_with_one);
	tcase_add_test(tests, changes_lead_to_the_same_rules);
	tcase_add_test(tests, an_element_is_what_the_kernel_compares);
	tcase_add_test(tests, the_host_knows_a_sender_by_bridge_and_mac);
	tcase_add_test(tests, the_kernel_takes_the_rules);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
