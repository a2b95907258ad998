/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/netlink.h"
#include "os/process.h"

#define APPLIED "nft" /* the text applied last */
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

static int write_applied(int dirfd, const char *text, struct error *err)
{
	return replace_file_at(dirfd, APPLIED, text, strlen(text), 0600, false, err);
}

static bool applied_is(int dirfd, const char *text)
{
	auto_free char *applied = NULL;

	return read_file_at(dirfd, APPLIED, TEXT_MAX, &applied, NULL) == 0 &&
	       strcmp(applied, text) == 0;
}

static const char *const families[] = { "inet", "bridge" };

/* The tables must be there too: `nft flush ruleset`, as a restart of nftables.service does, takes them
 * away. */
static int is_current(int dirfd, const char *table, const char *text)
{
	struct error ignored = ERROR_NONE;

	if (!applied_is(dirfd, text))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (netlink_nft_table_exists(families[i], table, &ignored) != 1)
			return 0;
	return 1;
}

int firewall_current(int dirfd, const struct network_rules *rules)
{
	auto_free char *text = network_ruleset(rules);

	return is_current(dirfd, rules->table, text);
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
		fail(err, 0, "%s: nft refused: %s", what, output);
		return error_hint(
			err, "the kernel needs nf_tables for bridges too, and nat, masquerade, conntrack and reject "
			     "(CONFIG_NF_TABLES_BRIDGE, CONFIG_NFT_NAT, _MASQ, _CT, _REJECT_INET)");
	}
	return 0;
}

int firewall_apply(int dirfd, const struct network_rules *rules, struct error *err)
{
	auto_free char *text = network_ruleset(rules), *before = NULL;
	auto_free char *what =
		xasprintf("put the rules of the tables \"%s\" in place", rules->table);
	struct error ignored = ERROR_NONE;
	int r;

	if (is_current(dirfd, rules->table, text))
		return 0;
	/* Killed in between, nobody believes that the old ones are there; but that there are some, so that they are mended. */
	read_file_at(dirfd, APPLIED, TEXT_MAX, &before, NULL);
	if (!before || write_applied(dirfd, "", &ignored) < 0)
		unlinkat(dirfd, APPLIED, 0);
	r = run_nft(text, what, err);
	if (r < 0 && r != -ETIMEDOUT && before)
		write_applied(dirfd, before, &ignored); /* nothing of the transaction was done */
	if (r == 0)
		r = write_applied(dirfd, text, err);
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
	if (r < 0)
		return r;
	unlinkat(dirfd, APPLIED, 0);
	return 0;
}
