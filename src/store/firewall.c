/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/netlink.h"
#include "os/process.h"

#define APPLIED "nft" /* the text applied last, after a line with the generation that it made */
#define GENERATION "# generation "
#define TEXT_MAX (16U << 20)
#define NFT_MS 20000

static void add_input(struct text *text, const struct network_rules *rules)
{
	guard_host_rules(rules->guarded, rules->bridge, text);
	text_add(text, "\tchain input {\n"
		       "\t\ttype filter hook input priority filter; policy accept;\n");
	guard_input_rules(rules->bridge, text);
	text_add(text, "\t}\n");
}

static void add_forward(struct text *text, const struct network_rules *rules)
{
	text_add(text, "\tchain forward {\n"
		       "\t\ttype filter hook forward priority filter; policy accept;\n");
	guard_forward_rules(rules->bridge, text);
	text_add(text, "\t\tiifname \"%s\" accept\n\t\toifname \"%s\" accept\n\t}\n", rules->bridge, rules->bridge);
}

/* Answers have to come back through the host, which alone knows what they were sent to: those of a box to its neighbour
 * or itself would go straight, those to the host's loopback address nowhere. */
static void add_way_back(struct text *text, const struct network_rules *rules)
{
	text_add(text, "\t\tip saddr %s ip daddr %s ct status dnat masquerade\n", rules->subnet4, rules->subnet4);
	text_add(text, "\t\tip saddr 127.0.0.0/8 oifname \"%s\" masquerade\n", rules->bridge);
	if (rules->subnet6)
		text_add(text, "\t\tip6 saddr %s ip6 daddr %s ct status dnat masquerade\n", rules->subnet6,
			 rules->subnet6);
}

static void add_nat(struct text *text, const struct network_rules *rules)
{
	text_add(text,
		 "\tchain postrouting {\n"
		 "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		 "\t\tip saddr %s oifname != \"%s\" masquerade\n",
		 rules->subnet4, rules->bridge);
	if (rules->subnet6)
		text_add(text, "\t\tip6 saddr %s oifname != \"%s\" masquerade\n", rules->subnet6,
			 rules->bridge);
	if (rules->published && rules->published->n)
		add_way_back(text, rules);
	text_add(text, "\t}\n");
}

/* Ports of the host that lead inside: for packets that come in, and for the host's own. A box cannot reach 127/8 of
 * the host, though the bridge takes such packets for the sake of the host's own connections. */
static void add_published(struct text *text, const struct network_rules *rules)
{
	published_rules(rules->published, text);
	text_add(text,
		 "\tchain loopback {\n"
		 "\t\ttype filter hook prerouting priority raw; policy accept;\n"
		 "\t\tiifname \"%s\" ip daddr 127.0.0.0/8 drop\n"
		 "\t\tiifname \"%s\" ip saddr 127.0.0.0/8 drop\n"
		 "\t}\n"
		 "\tchain prerouting {\n"
		 "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
		 "\t\tfib daddr type local jump published\n"
		 "\t}\n"
		 "\tchain output {\n"
		 "\t\ttype nat hook output priority -100; policy accept;\n"
		 "\t\tfib daddr type local jump published\n"
		 "\t}\n",
		 rules->bridge, rules->bridge);
}

char *network_ruleset(const struct network_rules *rules)
{
	struct text text = TEXT_EMPTY;

	/* The first line makes the second one succeed when there is no table yet. */
	text_add(&text, "table inet %s\ndelete table inet %s\n", rules->table, rules->table);
	text_add(&text, "table bridge %s\ndelete table bridge %s\n", rules->table, rules->table);
	text_add(&text, "table inet %s {\n", rules->table);
	add_input(&text, rules);
	if (rules->bridge) {
		add_forward(&text, rules);
		add_nat(&text, rules);
	}
	if (rules->bridge && rules->published && rules->published->n)
		add_published(&text, rules);
	text_add(&text, "}\ntable bridge %s {\n", rules->table);
	guard_rules(rules->guarded, &text);
	text_add(&text, "}\n");
	return text.data;
}

bool firewall_applied(int dirfd)
{
	return faccessat(dirfd, APPLIED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* generation 0: not known. Then the next change is made as a whole. */
static int write_applied(int dirfd, const char *text, uint32_t generation, struct error *err)
{
	auto_text struct text whole = TEXT_EMPTY;

	text_append(&whole, "", 0);
	if (generation)
		text_add(&whole, GENERATION "%u\n", generation);
	text_append(&whole, text, strlen(text));
	return replace_file_at(dirfd, APPLIED, whole.data, whole.len, 0600, false, err);
}

/* What was applied last, which the caller frees, or NULL; and the generation, or 0. An older sysct wrote none. */
static char *read_applied(int dirfd, uint32_t *ret_generation)
{
	auto_free char *text = NULL;
	const char *rest;

	*ret_generation = 0;
	if (read_file_at(dirfd, APPLIED, TEXT_MAX, &text, NULL) < 0)
		return NULL;
	rest = text_starts(text, GENERATION) ? strchr(text, '\n') : NULL;
	if (!rest)
		return take_ptr(&text);
	if (sscanf(text, GENERATION "%u\n", ret_generation) != 1)
		*ret_generation = 0;
	return xstrdup(rest + 1);
}

/* --- from one ruleset to the next --- */

#define ELEMENTS "\t\telements = { "

struct place {
	char family[16], table[64], set[64];
};

static size_t line_length(const char *at)
{
	const char *end = strchrnul(at, '\n');

	return (size_t)(end - at) + (*end == '\n');
}

/* Where the text is: in which set of which table. */
static void note_place(const char *line, struct place *place)
{
	char family[16], table[64];

	if (text_starts(line, "table ") && sscanf(line, "table %15s %63s {", family, table) == 2) {
		memcpy(place->family, family, sizeof(family));
		memcpy(place->table, table, sizeof(table));
	} else if (text_starts(line, "\tset ")) {
		sscanf(line, "\tset %63s {", place->set);
	}
}

/* The elements of the set that the text has come to, "" when it is empty; *at is behind them. NULL: damaged. */
static char *take_elements(const char **at)
{
	const char *begin = *at + strlen(ELEMENTS), *end;

	if (!text_starts(*at, ELEMENTS))
		return xstrdup("");
	end = strstr(begin, " }\n");
	if (!end)
		return NULL;
	*at = end + strlen(" }\n");
	return xstrndup(begin, (size_t)(end - begin));
}

/* Those of one sorted list that the other has not, each once. */
static void add_missing(const char *what, const struct place *place, const struct strings *one,
			const struct strings *other, struct text *ret)
{
	bool any = false;

	for (size_t i = 0, k = 0; i < one->n; i++) {
		const char *element = one->items[i];

		if (i && strcmp(one->items[i - 1], element) == 0)
			continue;
		while (k < other->n && strcmp(other->items[k], element) < 0)
			k++;
		if (k < other->n && strcmp(other->items[k], element) == 0)
			continue;
		if (any)
			text_add(ret, ", %s", element);
		else
			text_add(ret, "%s element %s %s %s { %s", what, place->family, place->table, place->set, element);
		any = true;
	}
	if (any)
		text_add(ret, " }\n");
}

static int add_changes(const struct place *place, const char **before, const char **after, struct text *ret)
{
	auto_free char *then = take_elements(before), *now = take_elements(after);
	auto_strings struct strings left = STRINGS_EMPTY, right = STRINGS_EMPTY;

	if (!then || !now)
		return -EINVAL;
	if (strcmp(then, now) == 0)
		return 0;
	strings_split(&left, then, ",\n\t");
	strings_split(&right, now, ",\n\t");
	strings_sort(&left);
	strings_sort(&right);
	add_missing("delete", place, &left, &right, ret);
	add_missing("add", place, &right, &left, ret);
	return 0;
}

char *firewall_changes(const char *before, const char *after)
{
	auto_text struct text changes = TEXT_EMPTY;
	struct place place = { .set = "" };

	while (*before || *after) {
		size_t n = line_length(before);

		if (text_starts(before, ELEMENTS) || text_starts(after, ELEMENTS)) {
			if (add_changes(&place, &before, &after, &changes) < 0)
				return NULL;
			continue;
		}
		if (n != line_length(after) || strncmp(before, after, n) != 0)
			return NULL;
		note_place(before, &place);
		before += n;
		after += n;
	}
	return take_ptr(&changes.data);
}

/* --- the kernel's --- */

static const char *const families[] = { "inet", "bridge" };

/* The tables must be there too: `nft flush ruleset`, as a restart of nftables.service does, takes them
 * away. */
static int is_current(const char *applied, const char *table, const char *text)
{
	struct error ignored = ERROR_NONE;

	if (!applied || strcmp(applied, text) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (netlink_nft_table_exists(families[i], table, &ignored) != 1)
			return 0;
	return 1;
}

bool firewall_is_of(int dirfd, const char *table)
{
	auto_free char *first = xasprintf("table inet %s\n", table), *applied = NULL;
	uint32_t generation;

	applied = read_applied(dirfd, &generation);
	return text_empty(applied) || text_starts(applied, first);
}

int firewall_current(int dirfd, const struct network_rules *rules)
{
	auto_free char *text = network_ruleset(rules), *applied = NULL;
	uint32_t generation;

	applied = read_applied(dirfd, &generation);
	return is_current(applied, rules->table, text);
}

static int run_nft(const char *input, const char *what, struct error *err)
{
	const char *argv[] = { "nft", "-f", "-", NULL };
	auto_free char *output = NULL;
	struct tool_run run = { .argv = argv,
				.input = input,
				.ret_output = &output,
				.keep_fd = -1,
				.timeout_ms = NFT_MS };
	int r = tool_run(&run, err);

	if (r == -ENOENT) {
		error_prefix(err, "%s", what);
		return error_hint(
			err, "install it (apt-get install nftables), or give the containers no "
			     "network: sysct config set NAME network.type=none");
	}
	if (r < 0)
		return error_prefix(err, "%s", what);
	if (r > 0) {
		output[strcspn(output, "\n")] = '\0';
		if (!*output) {
			fail(err, 0, "%s: nft ended with status %d and said nothing", what, r);
			return error_hint(err, "if \"nft list tables\" crashes too: nft 1.0.6 cannot read tables that 1.1.3 has made, as "
					       "from a chroot that shares the host's network");
		}
		fail(err, 0, "%s: nft refused: %s", what, output);
		return error_hint(
			err, "the kernel needs nf_tables for bridges too, and nat, masquerade, conntrack and reject "
			     "(CONFIG_NF_TABLES_BRIDGE, CONFIG_NFT_NAT, _MASQ, _CT, _REJECT_INET)");
	}
	return 0;
}

/* Elements alone come and go, for a few milliseconds, where nobody has touched any rules since ours; what does not go
 * so is done as a whole. */
static int run_changes(const char *changes, const char *text, const char *what, struct error *err)
{
	struct error refused = ERROR_NONE;
	int r = changes ? run_nft(changes, what, &refused) : -EINVAL;

	if (r == -ETIMEDOUT)
		*err = refused;
	return r == 0 || r == -ETIMEDOUT ? r : run_nft(text, what, err);
}

int firewall_apply(int dirfd, const struct network_rules *rules, struct error *err)
{
	auto_free char *text = network_ruleset(rules), *before = NULL, *changes = NULL;
	auto_free char *what =
		xasprintf("put the rules of the tables \"%s\" in place", rules->table);
	uint32_t made, now = 0, after = 0;
	struct error ignored = ERROR_NONE;
	int r;

	before = read_applied(dirfd, &made);
	if (is_current(before, rules->table, text))
		return 0;
	netlink_nft_generation(&now);
	if (made && made == now)
		changes = firewall_changes(before, text);
	/* Killed in between, nobody believes that the old ones are there; but that there are some, so that they are mended. */
	if (!before || write_applied(dirfd, "", 0, &ignored) < 0)
		unlinkat(dirfd, APPLIED, 0);
	r = run_changes(changes, text, what, err);
	if (r < 0 && r != -ETIMEDOUT && before)
		write_applied(dirfd, before, made, &ignored); /* nothing of the transaction was done */
	netlink_nft_generation(&after);
	if (r == 0) /* somebody else's change in between is not overlooked */
		r = write_applied(dirfd, text, after == now + 1 ? after : 0, err);
	return r < 0 ? r : 1;
}

int firewall_remove(int dirfd, const char *table, struct error *err)
{
	auto_free char *what = xasprintf("remove the tables \"%s\"", table);
	auto_text struct text text = TEXT_EMPTY;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && r >= 0; i++) {
		r = netlink_nft_table_exists(families[i], table, err);
		if (r == 1)
			text_add(&text, "delete table %s %s\n", families[i], table);
	}
	if (r >= 0 && text.data)
		r = run_nft(text.data, what, err);
	return r < 0 ? r : remove_file_at(dirfd, APPLIED, err);
}
