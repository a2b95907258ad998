/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/netlink.h"

#define FILE_NAME "guard"
#define FILE_MAX (16U << 20)
#define FIRST_GROUP 0x40000000U /* above what people give by hand */

/* --- the list --- */

static void guarded_done(struct guarded *one)
{
	free(one->link);
	free(one->bridge);
	strings_clear(&one->addresses);
}

void guarded_clear(struct guarded_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		guarded_done(&list->items[i]);
	free(list->items);
	*list = (struct guarded_list)GUARDED_EMPTY;
}

void guarded_add(struct guarded_list *list, const struct guarded *one)
{
	struct guarded copy = *one;

	copy.link = xstrdup(one->link);
	copy.bridge = one->bridge ? xstrdup(one->bridge) : NULL;
	copy.addresses = (struct strings)STRINGS_EMPTY;
	strings_copy(&copy.addresses, &one->addresses);
	list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
	list->items[list->n++] = copy;
}

struct guarded *guarded_find(const struct guarded_list *list, const char *uuid, const char *link)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].uuid, uuid) == 0 && strcmp(list->items[i].link, link) == 0)
			return &list->items[i];
	return NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct guarded *one = a, *two = b;
	int r = strcmp(one->uuid, two->uuid);

	return r ? r : strcmp(one->link, two->link);
}

static bool group_taken(const struct guarded_list *list, uint32_t group)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].group == group)
			return true;
	return false;
}

/* Spread over 2^30 numbers, so that two installations rarely meet. */
static uint32_t new_group(const struct guarded_list *list, const struct guarded *one)
{
	auto_free char *key = xasprintf("%s/%s", one->uuid, one->link);
	uint32_t group = FIRST_GROUP | (uint32_t)(hash_text(key) & (FIRST_GROUP - 1));

	while (group_taken(list, group))
		group = FIRST_GROUP | ((group + 1) & (FIRST_GROUP - 1));
	return group;
}

/* Entries of one box, as they are written. */
static char *entries_of(const struct guarded_list *list, const char *uuid)
{
	struct guarded_list some = GUARDED_EMPTY;
	char *text;

	some.items = xcalloc(list->n + 1, sizeof(*some.items));
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].uuid, uuid) == 0)
			some.items[some.n++] = list->items[i];
	qsort(some.items, some.n, sizeof(*some.items), compare_entries);
	text = guarded_format(&some);
	free(some.items);
	return text;
}

bool guarded_replace(struct guarded_list *all, const char *uuid, struct guarded_list *own)
{
	auto_free char *before = entries_of(all, uuid), *after = NULL;
	size_t n = 0;

	for (size_t i = 0; i < own->n; i++) {
		const struct guarded *known = guarded_find(all, uuid, own->items[i].link);

		own->items[i].group = known ? known->group : new_group(all, &own->items[i]);
	}
	after = entries_of(own, uuid);
	if (strcmp(before, after) == 0)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].uuid, uuid) == 0)
			guarded_done(&all->items[i]);
		else
			all->items[n++] = all->items[i];
	all->n = n;
	for (size_t i = 0; i < own->n; i++)
		guarded_add(all, &own->items[i]);
	if (all->n)
		qsort(all->items, all->n, sizeof(*all->items), compare_entries);
	return true;
}

/* --- the file --- */

/* One line each: UUID LINK GROUP BRIDGE MAC FLAGS ADDRESSES, "-" for nothing. */
char *guarded_format(const struct guarded_list *list)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = 0; i < list->n; i++) {
		const struct guarded *one = &list->items[i];
		auto_free char *addresses = strings_join(&one->addresses, ",");
		char group[16];

		snprintf(group, sizeof(group), "%u", one->group);
		const char *const words[] = { one->uuid, " ", one->link, " ", group, " ", one->bridge ? one->bridge : "-", " ",
					      one->hwaddr, " ", one->open ? "o" : "", one->isolated ? "i" : "",
					      one->host_access ? "h" : "", "- ", one->addresses.n ? addresses : "-", "\n" };

		for (size_t k = 0; k < ARRAY_SIZE(words); k++)
			text_append(&text, words[k], strlen(words[k]));
	}
	return text.data;
}

static bool is_address(const char *text)
{
	unsigned char address[16];

	return inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool is_link_name(const char *text)
{
	return *text && strlen(text) < LINK_NAME_ROOM && !strpbrk(text, "\"\\{}");
}

#define WORDS 7

/* line: cut into words. */
static bool parse_line(char *line, struct guarded *one)
{
	char *w[WORDS + 1] = { NULL };
	uint8_t hwaddr[6];
	size_t n = 0;

	while (n <= WORDS && (w[n] = strsep(&line, " ")))
		n++;
	if (n != WORDS || !uuid_valid(w[0]) || !is_link_name(w[1]) || parse_u32(w[2], &one->group) < 0 ||
	    !one->group || !is_link_name(w[3]) || hwaddr_parse(w[4], hwaddr) < 0)
		return false;
	snprintf(one->uuid, sizeof(one->uuid), "%s", w[0]);
	snprintf(one->hwaddr, sizeof(one->hwaddr), "%s", w[4]);
	one->link = w[1];
	one->bridge = strcmp(w[3], "-") == 0 ? NULL : w[3];
	one->open = strchr(w[5], 'o') != NULL;
	one->isolated = strchr(w[5], 'i') != NULL;
	one->host_access = strchr(w[5], 'h') != NULL;
	if (strcmp(w[6], "-") != 0)
		strings_split(&one->addresses, w[6], ",");
	for (size_t i = 0; i < one->addresses.n; i++)
		if (!is_address(one->addresses.items[i]))
			return false;
	return true;
}

int guarded_parse_of(const char *text, const char *uuid, struct guarded_list *ret)
{
	auto_guarded struct guarded_list list = GUARDED_EMPTY;
	auto_free char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		struct guarded one = { .group = 0 };
		bool good;

		if (!*line || (uuid && !text_starts(line, uuid)))
			continue;
		good = parse_line(line, &one);
		if (good)
			guarded_add(&list, &one);
		strings_clear(&one.addresses);
		if (!good)
			return -EINVAL;
	}
	*ret = list;
	list = (struct guarded_list)GUARDED_EMPTY;
	return 0;
}

int guarded_read(int dirfd, char **ret, struct error *err)
{
	int r = read_file_at(dirfd, FILE_NAME, FILE_MAX, ret, NULL);

	if (r == -ENOENT)
		*ret = xstrdup("");
	else if (r < 0)
		return fail(err, -r, "read what links are held to, the file \"" FILE_NAME "\"");
	return r == 0;
}

bool guarded_exists(int dirfd)
{
	return faccessat(dirfd, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int guarded_write(int dirfd, const char *text, struct error *err)
{
	if (*text)
		return replace_file_at(dirfd, FILE_NAME, text, strlen(text), 0600, false, err);
	if (unlinkat(dirfd, FILE_NAME, 0) < 0 && errno != ENOENT)
		return fail(err, errno, "remove what links are held to, the file \"" FILE_NAME "\"");
	return 0;
}

/* --- sets --- */

/* One set that is being written. With each first start the rules of all links are: so without a copy of each element. */
struct set {
	struct text *text;
	size_t n;
};

static struct set begin_set(const char *name, const char *type, struct text *text)
{
	text_add(text, "\tset %s {\n\t\t%s\n", name, type);
	return (struct set){ .text = text };
}

static void put(struct text *text, const char *what)
{
	text_append(text, what, strlen(what));
}

/* n: 16 at most */
static void put_hex(struct text *text, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * 16];

	for (size_t i = 0; i < n && i < sizeof(hex) / 2; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	text_append(text, hex, 2 * n);
}

static void next_element(struct set *set)
{
	put(set->text, set->n++ ? ",\n\t\t\t" : "\t\telements = { ");
}

static void put_group(struct text *text, const struct guarded *one)
{
	uint32_t g = one->group;

	put(text, "0x");
	put_hex(text, (uint8_t[4]){ (uint8_t)(g >> 24), (uint8_t)(g >> 16), (uint8_t)(g >> 8), (uint8_t)g }, 4);
}

/* GROUP . what the caller puts next */
static void next_of(struct set *set, const struct guarded *one)
{
	next_element(set);
	put_group(set->text, one);
	put(set->text, " . ");
}

static void end_set(const struct set *set)
{
	put(set->text, set->n ? " }\n\t}\n" : "\t}\n");
}

/* Groups of the links of which something is true. */
static void add_groups(const struct guarded_list *list, const char *name, bool (*is)(const struct guarded *one),
		       struct text *ret)
{
	struct set set = begin_set(name, "type devgroup", ret);

	for (size_t i = 0; i < list->n; i++) {
		if (!is(&list->items[i]))
			continue;
		next_element(&set);
		put_group(ret, &list->items[i]);
	}
	end_set(&set);
}

/* GROUP . VALUE for each link of which something is true. */
static void add_values(const struct guarded_list *list, const char *name, const char *type,
		       void (*put_value)(const struct guarded *one, struct text *ret), bool (*is)(const struct guarded *one),
		       struct text *ret)
{
	struct set set = begin_set(name, type, ret);

	for (size_t i = 0; i < list->n; i++) {
		if (!is(&list->items[i]))
			continue;
		next_of(&set, &list->items[i]);
		put_value(&list->items[i], ret);
	}
	end_set(&set);
}

static bool is_any(const struct guarded *one)
{
	(void)one;
	return true;
}

static bool is_open(const struct guarded *one)
{
	return one->open;
}

static bool is_isolated(const struct guarded *one)
{
	return one->isolated;
}

static bool has_host_access(const struct guarded *one)
{
	return one->host_access;
}

static bool is_on_another_bridge(const struct guarded *one)
{
	return one->bridge != NULL;
}

/* MACs and addresses are written in one way only, so that two texts are two elements (store/firewall.h). */
static void put_mac(const struct guarded *one, struct text *ret)
{
	uint8_t mac[6] = { 0 };

	hwaddr_parse(one->hwaddr, mac);
	for (size_t i = 0; i < sizeof(mac); i++) {
		put_hex(ret, &mac[i], 1);
		if (i + 1 < sizeof(mac))
			put(ret, ":");
	}
}

static void put_mac_number(const struct guarded *one, struct text *ret)
{
	uint8_t mac[6] = { 0 };

	hwaddr_parse(one->hwaddr, mac);
	put(ret, "0x");
	put_hex(ret, mac, sizeof(mac));
}

static void put_address(const char *address, struct text *ret)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	char shown[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	bool good = inet_pton(family, address, bytes) == 1;

	put(ret, good ? inet_ntop(family, bytes, shown, sizeof(shown)) : address);
}

/* Where routers of others tell the links a prefix: with that half, none is another's. */
static void put_suffix(const struct guarded *one, struct text *ret)
{
	uint8_t mac[6] = { 0 }, suffix[8];

	hwaddr_parse(one->hwaddr, mac);
	hwaddr_interface_id(mac, suffix);
	put(ret, "0x");
	put_hex(ret, suffix, sizeof(suffix));
}

/* The IPv6 addresses of a link: the one that it makes of its MAC, and those that it was given. */
struct own6 {
	struct in6_addr *bytes;
	char (*texts)[INET6_ADDRSTRLEN];
	size_t n;
};

static void find_own6(const struct guarded *one, struct own6 *ret)
{
	struct in6_addr *bytes = xcalloc(one->addresses.n + 1, sizeof(*bytes));
	uint8_t mac[6] = { 0 };
	size_t n = 1;

	hwaddr_parse(one->hwaddr, mac);
	hwaddr_link_local(mac, bytes[0].s6_addr);
	for (size_t i = 0; i < one->addresses.n; i++)
		if (inet_pton(AF_INET6, one->addresses.items[i], &bytes[n]) == 1)
			n++;
	*ret = (struct own6){ .bytes = bytes, .texts = xcalloc(n, sizeof(*ret->texts)), .n = n };
	for (size_t i = 0; i < n; i++)
		inet_ntop(AF_INET6, &bytes[i], ret->texts[i], sizeof(ret->texts[i]));
}

static void add_addresses4(const struct guarded_list *list, struct text *ret)
{
	struct set set = begin_set("addresses4", "type devgroup . ipv4_addr", ret);

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < list->items[i].addresses.n; k++) {
			if (strchr(list->items[i].addresses.items[k], ':'))
				continue;
			next_of(&set, &list->items[i]);
			put(ret, list->items[i].addresses.items[k]);
		}
	end_set(&set);
}

/* GROUP . MAC and type of the frame . ADDRESS, as one lookup of a rule reads them. */
static void put_sender(struct set *set, const struct guarded *one, const char *type, const char *address)
{
	next_of(set, one);
	put_mac_number(one, set->text);
	put(set->text, type);
	put(set->text, " . ");
	put(set->text, address);
}

static void add_senders4(const struct guarded_list *list, struct text *ret)
{
	struct set set = begin_set("senders4", "typeof iifgroup . @ll,48,64 . ip saddr", ret);

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < list->items[i].addresses.n; k++)
			if (!strchr(list->items[i].addresses.items[k], ':'))
				put_sender(&set, &list->items[i], "0800", list->items[i].addresses.items[k]);
	end_set(&set);
}

static void add_senders6(const struct guarded_list *list, const struct own6 *own, struct text *ret)
{
	struct set set = begin_set("senders6", "typeof iifgroup . @ll,48,64 . ip6 saddr", ret);

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < own[i].n; k++)
			put_sender(&set, &list->items[i], "86dd", own[i].texts[k]);
	end_set(&set);
}

/* as_number: as nft wants it in a place that it has no name for */
static void add_addresses6(const struct guarded_list *list, const struct own6 *own, const char *name, const char *type,
			   bool as_number, struct text *ret)
{
	struct set set = begin_set(name, type, ret);

	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = 0; k < own[i].n; k++) {
			next_of(&set, &list->items[i]);
			put(ret, as_number ? "0x" : own[i].texts[k]);
			if (as_number)
				put_hex(ret, own[i].bytes[k].s6_addr, sizeof(own[i].bytes[k].s6_addr));
		}
	}
	end_set(&set);
}

/* --- the table of the bridges --- */

/* What is not allowed falls through to the drop at the end of its chain, so a packet that cannot be read is dropped as
 * well. "accept" ends this table alone: those of others still have their say.
 *
 * Nearly all packets are TCP from a link's own MAC and address, which the first two rules let pass with one lookup instead of
 * five, each some 150 ns. They take nothing that the walk below would drop: there TCP is asked for its frame's type, MAC,
 * sender and the metadata service alone. The type is read from the frame, with the MAC, since "meta protocol" is that
 * behind a VLAN's tag. */
static const char chains[] =
	"\tchain prerouting {\n"
	"\t\ttype filter hook prerouting priority -200; policy accept;\n"
	"\t\tmeta protocol ip meta l4proto tcp ip daddr != 169.254.169.254 "
	"iifgroup . @ll,48,64 . ip saddr @senders4 accept\n"
	"\t\tmeta protocol ip6 meta l4proto tcp ip6 daddr != fd00:ec2::254 "
	"iifgroup . @ll,48,64 . ip6 saddr @senders6 accept\n"
	"\t\tiifgroup @links goto guard\n"
	"\t}\n"
	"\tchain guard {\n"
	"\t\tiifgroup . ether saddr != @macs drop\n"
	"\t\tether type arp goto guard_arp\n"
	/* true of every packet whose headers nft could read: a receiver may be less strict than it */
	"\t\tmeta l4proto 0-255 ether type vmap { ip : goto guard_ip, ip6 : goto guard_ip6 }\n"
	"\t\tdrop\n"
	"\t}\n"
	/* Ethernet and IPv4, as what follows reads them. A sender of 0.0.0.0 asks whether an address is free. */
	"\tchain guard_arp {\n"
	"\t\t@nh,0,48 != 0x000108000604 drop\n"
	"\t\tiifgroup . arp saddr ether != @macs drop\n"
	"\t\tiifgroup @open accept\n"
	"\t\tiifgroup . arp saddr ip @addresses4 accept\n"
	"\t\tarp saddr ip 0.0.0.0 iifgroup . arp daddr ip @addresses4 accept\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain guard_ip {\n"
	"\t\tudp sport { 67, 547 } drop comment \"DHCP servers\"\n"
	"\t\tip protocol igmp @th,0,8 0x11 drop comment \"queries\"\n"
	"\t\tudp dport 67 goto dhcp\n"
	"\t\tip daddr 169.254.169.254 iifgroup != @host_access jump metadata\n"
	"\t\tiifgroup @open accept\n"
	"\t\tiifgroup . ip saddr @addresses4 accept\n"
	"\t\tdrop\n"
	"\t}\n"
	/* A request for itself, by no relay: who asks with another's MAC could decline the other's address. */
	"\tchain dhcp {\n"
	"\t\t@th,64,24 0x010106 @th,256,32 0x0 iifgroup . @th,288,48 @clients goto dhcp_client\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain dhcp_client {\n"
	"\t\tip saddr 0.0.0.0 accept\n"
	"\t\tiifgroup @open accept\n"
	"\t\tiifgroup . ip saddr @addresses4 accept\n"
	"\t\tdrop\n"
	"\t}\n"
	/* Of the cloud that the host is in: secrets of the host. Some clouds have their name server there. */
	"\tchain metadata {\n"
	"\t\tudp dport 53 return\n"
	"\t\ttcp dport 53 return\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain guard_ip6 {\n"
	"\t\tudp sport { 67, 547 } drop comment \"DHCP servers\"\n"
	"\t\ticmpv6 type { 130, 134, 137 } drop comment \"queries, routers, redirects\"\n"
	"\t\tip6 daddr fd00:ec2::254 iifgroup != @host_access jump metadata\n"
	"\t\tip6 saddr :: goto unspecified\n"
	"\t\ticmpv6 type 136 iifgroup != @open goto announced\n"
	"\t\tiifgroup @open accept\n"
	"\t\tiifgroup . ip6 saddr @addresses6 accept\n"
	"\t\tiifgroup . @nh,128,64 @suffixes accept\n"
	"\t\tdrop\n"
	"\t}\n"
	/* Who has no address yet asks whether one is free, for routers, and says which groups it is in. */
	"\tchain unspecified {\n"
	"\t\ticmpv6 type { 131, 132, 133, 143 } accept\n"
	"\t\ticmpv6 type 135 iifgroup @open accept\n"
	"\t\ticmpv6 type 135 goto announced_target\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain announced {\n"
	"\t\tiifgroup . ip6 saddr @addresses6 goto announced_target\n"
	"\t\tiifgroup . @nh,128,64 @suffixes goto announced_target\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain announced_target {\n"
	"\t\tiifgroup . @th,64,128 @targets6 accept\n"
	"\t\tiifgroup . @th,128,64 @target_suffixes accept\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority -200; policy accept;\n"
	"\t\tiifgroup @isolated oifgroup @links drop\n"
	"\t\toifgroup @isolated iifgroup @links drop\n"
	"\t}\n"
	/* What bridges take for themselves, such as spanning tree, comes by no other hook, and is for a group of MACs. */
	"\tchain input {\n"
	"\t\ttype filter hook input priority -200; policy accept;\n"
	"\t\tmeta pkttype multicast ether type != { arp, ip, ip6 } iifgroup @links drop\n"
	"\t}\n";

void guard_rules(const struct guarded_list *list, struct text *ret)
{
	auto_free struct own6 *own = xcalloc(list->n + 1, sizeof(*own));

	for (size_t i = 0; i < list->n; i++)
		find_own6(&list->items[i], &own[i]);
	add_groups(list, "links", is_any, ret);
	add_groups(list, "open", is_open, ret);
	add_groups(list, "isolated", is_isolated, ret);
	add_groups(list, "host_access", has_host_access, ret);
	add_values(list, "macs", "type devgroup . ether_addr", put_mac, is_any, ret);
	add_values(list, "clients", "typeof iifgroup . @th,288,48", put_mac_number, is_any, ret);
	add_senders4(list, ret);
	add_senders6(list, own, ret);
	add_addresses4(list, ret);
	add_addresses6(list, own, "addresses6", "type devgroup . ipv6_addr", false, ret);
	/* what a neighbour discovery is about */
	add_addresses6(list, own, "targets6", "typeof iifgroup . @th,64,128", true, ret);
	add_values(list, "suffixes", "typeof iifgroup . @nh,128,64", put_suffix, is_on_another_bridge, ret);
	add_values(list, "target_suffixes", "typeof iifgroup . @th,128,64", put_suffix, is_on_another_bridge, ret);
	text_append(ret, chains, sizeof(chains) - 1);
	for (size_t i = 0; i < list->n; i++) {
		free(own[i].bytes);
		free(own[i].texts);
	}
}

/* --- the table of the host --- */

/* LINK . MAC, as the host sees packets of a box: there the link is the bridge. */
static void add_senders(const struct guarded_list *list, const char *name, const char *bridge, bool own,
			bool (*is)(const struct guarded *one), struct text *ret)
{
	struct set set = begin_set(name, "type ifname . ether_addr", ret);

	for (size_t i = 0; i < list->n; i++) {
		const struct guarded *one = &list->items[i];
		const char *on = one->bridge ? one->bridge : bridge;

		if (!on || !(own || one->bridge) || !is(one))
			continue;
		next_element(&set);
		text_add(ret, "\"%s\" . ", on);
		put_mac(one, ret);
	}
	end_set(&set);
}

static bool is_cut_off(const struct guarded *one)
{
	return one->isolated && !one->bridge;
}

static void add_isolated(const struct guarded_list *list, const char *name, const char *type, bool v6, struct text *ret)
{
	struct set set = begin_set(name, type, ret);

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; is_cut_off(&list->items[i]) && k < list->items[i].addresses.n; k++) {
			const char *address = list->items[i].addresses.items[k];

			if (!strchr(address, ':') == v6)
				continue;
			next_element(&set);
			put_address(address, ret);
		}
	end_set(&set);
}

static void add_isolated_macs(const struct guarded_list *list, struct text *ret)
{
	struct set set = begin_set("isolated", "type ether_addr", ret);

	for (size_t i = 0; i < list->n; i++) {
		if (!is_cut_off(&list->items[i]))
			continue;
		next_element(&set);
		put_mac(&list->items[i], ret);
	}
	end_set(&set);
}

void guard_host_rules(const struct guarded_list *list, const char *bridge, struct text *ret)
{
	add_senders(list, "others", bridge, false, is_any, ret);
	add_senders(list, "host_access", bridge, true, has_host_access, ret);
	if (bridge) {
		add_isolated_macs(list, ret);
		add_isolated(list, "isolated4", "type ipv4_addr", false, ret);
		add_isolated(list, "isolated6", "type ipv6_addr", true, ret);
	}
	text_add(ret,
		 "\tchain host {\n"
		 "\t\tudp dport { 53, 67 } accept comment \"names and DHCP\"\n"
		 "\t\ttcp dport 53 accept\n"
		 "\t\tct state related accept\n"
		 "\t\ticmp type echo-request accept\n"
		 "\t\ticmpv6 type { echo-request, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		 "\t\tiifname . ether saddr @host_access accept\n"
		 "\t\treject with icmpx admin-prohibited\n"
		 "\t}\n");
}

/* Of a connection that the host began only the answers: one that a box began does not outlive the key. They are nearly all that
 * comes, so they are first; what does not come from a box is accepted in any case. */
void guard_input_rules(const char *bridge, struct text *ret)
{
	text_add(ret, "\t\tct state established ct direction reply accept comment \"answers\"\n");
	if (bridge)
		text_add(ret, "\t\tiifname \"%s\" goto host\n", bridge);
	text_add(ret, "\t\tiifname . ether saddr @others goto host\n");
}

/* From box to box by way of the host: what it routes, published ports included. */
void guard_forward_rules(const char *bridge, struct text *ret)
{
	if (!bridge)
		return;
	text_add(ret, "\t\tiifname \"%s\" oifname \"%s\" ether saddr @isolated drop\n", bridge, bridge);
	text_add(ret, "\t\tiifname \"%s\" oifname \"%s\" ip daddr @isolated4 drop\n", bridge, bridge);
	text_add(ret, "\t\tiifname \"%s\" oifname \"%s\" ip6 daddr @isolated6 drop\n", bridge, bridge);
}
