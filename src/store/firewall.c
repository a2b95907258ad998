/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "os/netlink.h"
#include "os/process.h"
#include "store/elements.h"

#define APPLIED "nft" /* the text applied last, after a line about it (struct applied) */
#define HEADER "# generation "
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

struct applied {
	uint32_t generation;	/* that it made; 0: not known, then the next change is made as a whole */
	uint64_t made_of;	/* as in struct network_rules */
};

static int write_applied(int dirfd, const char *text, const struct applied *about, struct error *err)
{
	auto_text struct text whole = TEXT_EMPTY;

	text_append(&whole, "", 0);
	if (*text)
		text_add(&whole, HEADER "%u of %016llx\n", about->generation, (unsigned long long)about->made_of);
	text_append(&whole, text, strlen(text));
	return replace_file_at(dirfd, APPLIED, whole.data, whole.len, 0600, false, err);
}

/* Its first line; an older sysct wrote none, or only a part of it. The text is behind it. */
static const char *parse_header(const char *text, struct applied *ret)
{
	const char *end = text_starts(text, HEADER) ? strchr(text, '\n') : NULL;
	unsigned long long made_of = 0;

	*ret = (struct applied){ .generation = 0 };
	if (!end)
		return text;
	if (sscanf(text, HEADER "%u of %16llx\n", &ret->generation, &made_of) < 1)
		ret->generation = 0;
	ret->made_of = made_of;
	return end + 1;
}

/* What was applied last, which the caller frees, or NULL. */
static char *read_applied(int dirfd, struct applied *ret)
{
	auto_free char *text = NULL;

	*ret = (struct applied){ .generation = 0 };
	return read_file_at(dirfd, APPLIED, TEXT_MAX, &text, NULL) < 0 ? NULL : xstrdup(parse_header(text, ret));
}

#define GLANCE 256	/* the first line, and the one that names the table */

/* Likewise, no more than begins it. */
static bool glance_applied(int dirfd, char begin[GLANCE])
{
	auto_close int fd = openat(dirfd, APPLIED, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, begin, GLANCE - 1);

	begin[n > 0 ? n : 0] = '\0';
	return n >= 0;
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

/* Is it among the elements, whole? Those of one text are written in one way only. */
static bool has_element(const char *elements, const char *element)
{
	size_t n = strlen(element);

	for (const char *at = strstr(elements, element); at; at = strstr(at + 1, element)) {
		bool begins = at == elements || at[-1] == '\t';

		if (begins && (at[n] == ',' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* Those of a part that the whole of the other text has not, each once. */
static void add_missing(const char *what, const struct place *place, const char *part, const char *other, struct text *ret)
{
	auto_strings struct strings elements = STRINGS_EMPTY;
	bool any = false;

	strings_split(&elements, part, ",\n\t");
	strings_sort(&elements);
	for (size_t i = 0; i < elements.n; i++) {
		const char *element = elements.items[i];

		if ((i && strcmp(elements.items[i - 1], element) == 0) || has_element(other, element))
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

/* The bytes, whole elements, that two texts begin with alike. Tabs stand before an element alone. */
static size_t same_begin(const char *one, const char *other)
{
	size_t n = 0, whole = 0;

	for (; one[n] && one[n] == other[n]; n++)
		if (one[n] == '\t' && one[n + 1] != '\t')
			whole = n + 1;
	return whole;
}

/* And those that they end with, of n and m that are left. */
static size_t same_end(const char *one, size_t n, const char *other, size_t m)
{
	size_t same = 0, whole = 0;

	for (; same < n && same < m && one[n - 1 - same] == other[m - 1 - same]; same++)
		if (one[n - 1 - same] == ',')
			whole = same + 1;
	return whole;
}

/* Mostly it is a link that has come or gone, and all others stand where they stood. */
static int add_changes(const struct place *place, const char **before, const char **after, struct text *ret)
{
	auto_free char *then = take_elements(before), *now = take_elements(after), *left = NULL, *right = NULL;
	size_t begin, n, m, end;

	if (!then || !now)
		return -EINVAL;
	begin = same_begin(then, now);
	n = strlen(then + begin);
	m = strlen(now + begin);
	end = same_end(then + begin, n, now + begin, m);
	left = xstrndup(then + begin, n - end);
	right = xstrndup(now + begin, m - end);
	add_missing("delete", place, left, now, ret);
	add_missing("add", place, right, then, ret);
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

/* `nft flush ruleset`, as a restart of nftables.service does, takes them away. */
static bool tables_are_there(const char *table)
{
	struct error ignored = ERROR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (netlink_nft_table_exists(families[i], table, &ignored) != 1)
			return false;
	return true;
}

static bool is_current(const char *applied, const char *table, const char *text)
{
	return applied && strcmp(applied, text) == 0 && tables_are_there(table);
}

static bool names_table(const char *text, const char *table)
{
	auto_free char *first = xasprintf("table inet %s\n", table);

	return text_starts(text, first);
}

bool firewall_is_of(int dirfd, const char *table)
{
	char begin[GLANCE];
	struct applied about;
	const char *text;

	if (!glance_applied(dirfd, begin))
		return true;
	text = parse_header(begin, &about);
	return !*text || names_table(text, table);
}

int firewall_current(int dirfd, const struct network_rules *rules)
{
	auto_free char *text = network_ruleset(rules), *applied = NULL;
	struct applied about;

	applied = read_applied(dirfd, &about);
	return is_current(applied, rules->table, text);
}

int firewall_current_of(int dirfd, const char *table, uint64_t made_of)
{
	char begin[GLANCE];
	struct applied about;

	return made_of && glance_applied(dirfd, begin) && names_table(parse_header(begin, &about), table) &&
	       about.made_of == made_of && tables_are_there(table);
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

/* Elements alone come and go where nobody has touched any rules since ours; what does not go so is done as a whole. */
static int run_changes(const char *changes, uint32_t generation, const char *text, const char *what, struct error *err)
{
	struct error refused = ERROR_NONE;

	if (changes && elements_change(changes, generation, &refused) == 0)
		return 0;
	if (changes)
		log_debug("%s as a whole: %s", what, refused.message);
	return run_nft(text, what, err);
}

int firewall_apply(int dirfd, const struct network_rules *rules, struct error *err)
{
	auto_free char *text = network_ruleset(rules), *before = NULL, *changes = NULL;
	auto_free char *what =
		xasprintf("put the rules of the tables \"%s\" in place", rules->table);
	const struct applied unknown = { .generation = 0 };
	struct applied then, about = { .made_of = rules->made_of };
	struct error ignored = ERROR_NONE;
	uint32_t now = 0, after = 0;
	int r;

	before = read_applied(dirfd, &then);
	if (is_current(before, rules->table, text)) {
		if (then.made_of == rules->made_of)
			return 0;
		then.made_of = rules->made_of;	/* an older sysct did not say, or another version wrote the same */
		return write_applied(dirfd, before, &then, err);
	}
	netlink_nft_generation(&now);
	if (then.generation && then.generation == now)
		changes = firewall_changes(before, text);
	/* Killed in between, nobody believes that the old ones are there; but that there are some, so that they are mended. */
	if (!before || write_applied(dirfd, "", &unknown, &ignored) < 0)
		unlinkat(dirfd, APPLIED, 0);
	r = run_changes(changes, now, text, what, err);
	netlink_nft_generation(&after);
	if (r < 0 && after && after == now && before)
		write_applied(dirfd, before, &then, &ignored); /* nothing was done */
	about.generation = after == now + 1 ? after : 0; /* somebody else's change in between is not overlooked */
	if (r == 0)
		r = write_applied(dirfd, text, &about, err);
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
