/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/record.h"
#include "base/text.h"
#include "os/netlink.h"
#include "os/process.h"

#define RECORD "foreign" /* generation=..., and in which ways rules were put: nft, iptables, ip6tables, firewalld */
#define RECORD_MAX 4096
#define TOOL_MS 30000

/* --- what is wanted in a chain --- */

static const char *const forward_rules[] = { "iifname \"%s\" accept", "oifname \"%s\" accept", NULL };
static const char *const input_rules[] = { "iifname \"%s\" udp dport 53 accept", "iifname \"%s\" udp dport 67 accept",
					   "iifname \"%s\" tcp dport 53 accept", NULL };

enum hook { HOOK_NONE, HOOK_INPUT, HOOK_FORWARD };

static const char *const *rules_of(enum hook hook)
{
	static const char *const none[] = { NULL };

	return hook == HOOK_FORWARD ? forward_rules : hook == HOOK_INPUT ? input_rules : none;
}

/* One rule as nft lists it; buf of 256. */
static const char *rule_text(const char *format, const char *bridge, char *buf)
{
	const char *at = strstr(format, "%s");

	snprintf(buf, 256, "%.*s%s%s", (int)(at - format), format, bridge, at + 2);
	return buf;
}

/* --- nftables --- */

#define CHAINS_MAX 256

struct chain {
	char *name;
	enum hook hook;
	struct strings ours;	/* "RULE # handle N", without the mark */
};

struct table {
	char *family, *name;
	bool drops, decided, owned;
	struct chain chains[CHAINS_MAX];	/* those with a hook, and DOCKER-USER */
	size_t n;
};

static void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		free(table->chains[i].name);
		strings_clear(&table->chains[i].ours);
	}
	free(table->family);
	free(table->name);
	memset(table, 0, sizeof(*table));
}

static bool is_docker_user(const struct table *table, const char *chain)
{
	return strcmp(chain, "DOCKER-USER") == 0 && strcmp(table->name, "filter") == 0;
}

/* A chain of the same table that an administrator may fill, and which the base chain of FORWARD asks first. */
static bool has_docker_user(const struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (is_docker_user(table, table->chains[i].name))
			return true;
	return false;
}

static bool is_candidate(const struct table *table, const struct foreign *foreign)
{
	static const char *const families[] = { "ip", "ip6", "inet" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (strcmp(table->family, families[i]) == 0)
			/* other installations of sysct have tables like ours; firewalld wants its own command */
			return strcmp(table->name, foreign->own_table) != 0 && strcmp(table->name, "firewalld") != 0 &&
			       strcmp(table->name, "sysct") != 0 && !text_starts(table->name, "sysct-");
	return false;
}

static bool is_ours(const char *line, const struct foreign *foreign)
{
	auto_free char *mark = xasprintf(" comment \"%s\"", foreign->mark);

	return strstr(line, mark) != NULL;
}

/* "\t\tRULE comment "MARK" # handle N" -> "RULE # handle N"; iptables-nft may have put a counter between. */
static void note_ours(struct chain *chain, const char *line, const struct foreign *foreign)
{
	auto_free char *mark = xasprintf(" comment \"%s\"", foreign->mark);
	const char *at = strstr(line, mark), *rest = at + strlen(mark);

	line += strspn(line, "\t ");
	strings_add_take(&chain->ours, xasprintf("%.*s%s", (int)(at - line), line, rest));
}

static bool has_rule(const struct chain *chain, const char *rule)
{
	for (size_t i = 0; i < chain->ours.n; i++)
		if (strncmp(chain->ours.items[i], rule, strlen(rule)) == 0)
			return true;
	return false;
}

static void plan_chain(const struct table *table, const struct chain *chain, enum hook hook,
		       const struct foreign *foreign, struct text *ret)
{
	const char *const *rules = rules_of(hook);
	char rule[256];

	for (size_t i = 0; rules[i]; i++)
		if (!has_rule(chain, rule_text(rules[i], foreign->bridge, rule)))
			text_add(ret, "insert rule %s %s %s %s comment \"%s\"\n", table->family, table->name,
				 chain->name, rule, foreign->mark);
}

static void plan_removal(const struct table *table, const struct chain *chain, struct text *ret)
{
	for (size_t i = 0; i < chain->ours.n; i++) {
		const char *handle = strstr(chain->ours.items[i], "# handle ");

		if (handle)
			text_add(ret, "delete rule %s %s %s handle %s\n", table->family, table->name, chain->name,
				 handle + strlen("# handle "));
	}
}

static void plan_table(const struct table *table, const struct foreign *foreign, bool want, struct text *ret)
{
	bool docker = has_docker_user(table);

	for (size_t i = 0; i < table->n; i++) {
		const struct chain *chain = &table->chains[i];

		if (!want) {
			plan_removal(table, chain, ret);
			continue;
		}
		if (!table->drops || table->decided || table->owned)
			continue;
		if (is_docker_user(table, chain->name))
			plan_chain(table, chain, HOOK_FORWARD, foreign, ret);
		else if (!(docker && chain->hook == HOOK_FORWARD))
			plan_chain(table, chain, chain->hook, foreign, ret);
	}
}

static bool may_drop(const char *line)
{
	static const char *const words[] = { "drop", "reject", "DROP", "REJECT", "queue" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static enum hook hook_of(const char *line)
{
	if (!strstr(line, "type filter hook "))
		return HOOK_NONE;
	return strstr(line, " hook forward ") ? HOOK_FORWARD : strstr(line, " hook input ") ? HOOK_INPUT : HOOK_NONE;
}

/* "table ip filter { # handle 3" */
static void begin_table(struct table *table, const char *line)
{
	auto_strings struct strings words = STRINGS_EMPTY;

	table_clear(table);
	strings_split(&words, line, " ");
	if (words.n < 4)
		return;
	table->family = xstrdup(words.items[1]);
	table->name = xstrdup(words.items[2]);
}

/* A line of a table, indented by tabs: a chain begins at one, its rules stand at two or, wrapped, at more. */
static void read_line(struct table *table, const char *line, struct chain **chain, const struct foreign *foreign)
{
	auto_strings struct strings words = STRINGS_EMPTY;
	auto_free char *quoted = xasprintf("\"%s\"", foreign->bridge);

	if (text_starts(line, "\tflags ") && strstr(line, "owner"))
		table->owned = true;
	if (text_starts(line, "\tchain ")) {
		strings_split(&words, line, "\t ");
		*chain = NULL;
		if (words.n >= 2 && table->n < CHAINS_MAX) {
			*chain = &table->chains[table->n++];
			(*chain)->name = xstrdup(words.items[1]);
		}
		return;
	}
	if (strcmp(line, "\t}") == 0)
		*chain = NULL;
	if (!*chain)
		return;
	if (hook_of(line) != HOOK_NONE)
		(*chain)->hook = hook_of(line);
	if (is_ours(line, foreign)) {
		note_ours(*chain, line, foreign);
		return;
	}
	table->drops = table->drops || may_drop(line);
	table->decided = table->decided || strstr(line, quoted);
}

char *foreign_plan_nft(const char *listing, const struct foreign *foreign, bool want)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	struct table *table = xcalloc(1, sizeof(*table));
	struct text plan = TEXT_EMPTY;
	struct chain *chain = NULL;

	strings_split(&lines, listing, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.items[i];

		if (text_starts(line, "table ")) {
			begin_table(table, line);
			chain = NULL;
		} else if (strcmp(line, "}") == 0 && table->name) {
			if (is_candidate(table, foreign))
				plan_table(table, foreign, want, &plan);
			table_clear(table);
		} else if (table->name) {
			read_line(table, line, &chain, foreign);
		}
	}
	table_clear(table);
	free(table);
	return plan.data;
}

/* --- the old iptables --- */

/* Lines of one chain that are wanted, as iptables-save prints them, without "-A CHAIN ". */
static void plan_old_chain(const struct strings *lines, const char *chain, const char *const *rules,
			   const struct foreign *foreign, struct text *ret)
{
	for (size_t i = 0; rules[i]; i++) {
		char before[256];
		auto_free char *rule = NULL, *there = NULL;

		rule_text(rules[i], foreign->bridge, before);
		rule = xasprintf("%s -m comment --comment \"%s\" -j ACCEPT", before, foreign->mark);
		there = xasprintf("-A %s %s -m comment --comment %s -j ACCEPT", chain, before, foreign->mark);
		if (!strings_has(lines, there))
			text_add(ret, "-I %s %s\n", chain, rule);
	}
}

static bool is_old_ours(const char *line, const struct foreign *foreign)
{
	auto_free char *mark = xasprintf(" --comment %s -j ACCEPT", foreign->mark);

	return text_starts(line, "-A ") && text_ends(line, mark);
}

char *foreign_plan_iptables(const char *listing, const struct foreign *foreign, bool want)
{
	static const char *const forward[] = { "-i %s", "-o %s", NULL };
	static const char *const input[] = { "-i %s -p udp -m udp --dport 53", "-i %s -p udp -m udp --dport 67",
					     "-i %s -p tcp -m tcp --dport 53", NULL };
	auto_strings struct strings lines = STRINGS_EMPTY;
	auto_free char *in = xasprintf(" -i %s ", foreign->bridge), *out = xasprintf(" -o %s ", foreign->bridge);
	auto_text struct text body = TEXT_EMPTY;
	bool drops = false, decided = false, docker = false;

	strings_split(&lines, listing, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.items[i];

		if (is_old_ours(line, foreign)) {
			if (!want)
				text_add(&body, "-D %s\n", line + strlen("-A "));
			continue;
		}
		docker = docker || text_starts(line, ":DOCKER-USER ");
		drops = drops || (text_starts(line, ":") ? strstr(line, " DROP ") != NULL : may_drop(line));
		decided = decided || strstr(line, in) || strstr(line, out);
	}
	if (want && drops && !decided) {
		plan_old_chain(&lines, docker ? "DOCKER-USER" : "FORWARD", forward, foreign, &body);
		plan_old_chain(&lines, "INPUT", input, foreign, &body);
	}
	return body.data ? xasprintf("*filter\n%sCOMMIT\n", body.data) : NULL;
}

/* --- carrying it out --- */

static int run_tool(const char *const *argv, const char *input, char **ret_output, struct error *err)
{
	auto_free char *output = NULL;
	struct tool_run run = { .argv = argv, .input = input, .ret_output = &output, .keep_fd = -1,
				.timeout_ms = TOOL_MS };
	int r = tool_run(&run, err);

	if (r > 0) {
		output[strcspn(output, "\n")] = '\0';
		return fail(err, EIO, "%s: %s", argv[0], output);
	}
	if (r == 0 && ret_output)
		*ret_output = take_ptr(&output);
	return r;
}

/* 1: *ret_plan is what nft has to be told; 0: nothing. */
static int plan_nft(const struct foreign *foreign, bool want, char **ret_plan, bool *ret_firewalld, struct error *err)
{
	static const char *const list[] = { "nft", "-a", "list", "ruleset", NULL };
	auto_free char *listing = NULL;
	int r = run_tool(list, NULL, &listing, err);

	if (r < 0)
		return r;
	*ret_firewalld = strstr(listing, "table inet firewalld {") != NULL;
	*ret_plan = foreign_plan_nft(listing, foreign, want);
	return *ret_plan != NULL;
}

static int do_nft(const struct foreign *foreign, bool want, bool *ret_firewalld, struct error *err)
{
	static const char *const apply[] = { "nft", "-f", "-", NULL };
	auto_free char *plan = NULL;
	int r = plan_nft(foreign, want, &plan, ret_firewalld, err);

	if (r <= 0)
		return r;
	r = run_tool(apply, plan, NULL, err);
	return r < 0 ? r : 1;
}

/* Only where its table is in the kernel: the command would make one. */
static bool has_old(const char *names)
{
	auto_free char *text = NULL;

	return read_file_at(AT_FDCWD, names, 4096, &text, NULL) == 0 && strstr(text, "filter") != NULL;
}

static const struct {
	const char *names, *tool;
} old_ones[] = {
	{ "/proc/net/ip_tables_names", "iptables-legacy" },
	{ "/proc/net/ip6_tables_names", "ip6tables-legacy" },
};

static int plan_old(size_t which, const struct foreign *foreign, bool want, char **ret_plan, struct error *err)
{
	auto_free char *save = xasprintf("%s-save", old_ones[which].tool), *path = tool_find(save), *listing = NULL;
	const char *list[] = { save, "-t", "filter", NULL };
	int r;

	if (!has_old(old_ones[which].names) || !path)
		return 0;
	r = run_tool(list, NULL, &listing, err);
	if (r < 0)
		return r;
	*ret_plan = foreign_plan_iptables(listing, foreign, want);
	return *ret_plan != NULL;
}

static int do_old(size_t which, const struct foreign *foreign, bool want, struct error *err)
{
	auto_free char *restore = xasprintf("%s-restore", old_ones[which].tool), *plan = NULL;
	const char *apply[] = { restore, "--noflush", "-w", "5", NULL };
	int r = plan_old(which, foreign, want, &plan, err);

	if (r <= 0)
		return r;
	r = run_tool(apply, plan, NULL, err);
	return r < 0 ? r : 1;
}

static int do_firewalld(const struct foreign *foreign, bool want, struct error *err)
{
	auto_free char *path = tool_find("firewall-cmd");
	auto_free char *query = xasprintf("--query-interface=%s", foreign->bridge);
	auto_free char *change = xasprintf("--%s-interface=%s", want ? "add" : "remove", foreign->bridge);
	const char *ask[] = { "firewall-cmd", "--zone=trusted", query, NULL };
	const char *apply[] = { "firewall-cmd", "--zone=trusted", change, NULL };
	struct error unused = ERROR_NONE;
	int r;

	if (!path)
		return 0;
	r = run_tool(ask, NULL, NULL, &unused); /* 0: it is there */
	if ((r == 0) == want)
		return 0;
	r = run_tool(apply, NULL, NULL, err);
	return r < 0 ? r : 1;
}

/* -EBADMSG: it is damaged. */
static int load_record(int dirfd, struct record *record)
{
	auto_free char *text = NULL;
	size_t len;
	int r = read_file_at(dirfd, RECORD, RECORD_MAX, &text, &len);

	return r < 0 ? r : record_parse(record, text, len) < 0 ? -EBADMSG : 0;
}

static bool read_record(int dirfd, struct record *record)
{
	return load_record(dirfd, record) == 0;
}

static bool any_old(void)
{
	auto_free char *tool = NULL;

	if (!has_old(old_ones[0].names) && !has_old(old_ones[1].names))
		return false;
	tool = tool_find("iptables-legacy-save");
	return tool != NULL;
}

int foreign_current(int dirfd, const struct foreign *foreign)
{
	auto_record struct record record = RECORD_EMPTY;
	const char *bridge;
	uint32_t now;

	/* the old iptables counts nothing: there each start looks */
	if (any_old() || netlink_nft_generation(&now) < 0 || !read_record(dirfd, &record))
		return 0;
	bridge = record_get(&record, "bridge");
	return bridge && strcmp(bridge, foreign->bridge) == 0 && record_get_u64(&record, "generation", 0) == now;
}

/* Somebody else's change between our look and our own is not overlooked: then the next start looks again. */
static int save_record(int dirfd, const struct foreign *foreign, uint32_t before, bool changed, bool nft, bool old,
		       bool firewalld, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY, last = RECORD_EMPTY;
	auto_free char *text = NULL;
	uint32_t after = 0;

	read_record(dirfd, &last);
	netlink_nft_generation(&after);
	record_set(&record, "bridge", foreign->bridge);
	if (after && after == before + changed)
		record_setf(&record, "generation", "%u", after);
	if (nft || record_get(&last, "nft"))
		record_set(&record, "nft", "yes");
	if (old || record_get(&last, "iptables"))
		record_set(&record, "iptables", "yes");
	if (firewalld || record_get(&last, "firewalld"))
		record_set(&record, "firewalld", "yes");
	text = record_format(&record);
	return replace_file_at(dirfd, RECORD, text, strlen(text), 0600, false, err);
}

int foreign_carry(int dirfd, const struct foreign *foreign, uint32_t before, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *text = NULL;
	const char *bridge;
	uint32_t now;

	if (netlink_nft_generation(&now) < 0 || now != before + 1 || !read_record(dirfd, &record))
		return 0;
	bridge = record_get(&record, "bridge");
	if (!bridge || strcmp(bridge, foreign->bridge) != 0 || record_get_u64(&record, "generation", 0) != before)
		return 0;
	record_setf(&record, "generation", "%u", now);
	text = record_format(&record);
	return replace_file_at(dirfd, RECORD, text, strlen(text), 0600, false, err);
}

int foreign_pending(const struct foreign *foreign, struct error *err)
{
	bool firewalld;
	auto_free char *plan = NULL;
	int r = plan_nft(foreign, true, &plan, &firewalld, err);

	for (size_t i = 0; i < ARRAY_SIZE(old_ones) && r == 0; i++)
		r = plan_old(i, foreign, true, &plan, err);
	return r;
}

int foreign_let_through(int dirfd, const struct foreign *foreign, struct error *err)
{
	bool firewalld = false, old = false;
	uint32_t before = 0;
	int nft, r = 0;

	if (foreign_current(dirfd, foreign))
		return 0;
	netlink_nft_generation(&before);
	nft = do_nft(foreign, true, &firewalld, err);
	if (nft < 0)
		return nft;
	for (size_t i = 0; i < ARRAY_SIZE(old_ones) && r >= 0; i++) {
		r = do_old(i, foreign, true, err);
		old = old || r == 1;
	}
	if (r < 0)
		return r;
	if (firewalld)
		r = do_firewalld(foreign, true, err);
	if (r < 0)
		return r;
	r = save_record(dirfd, foreign, before, nft == 1, nft == 1, old, firewalld && r == 1, err);
	return r < 0 ? r : nft == 1 || old || firewalld;
}

int foreign_remove(int dirfd, const struct foreign *foreign, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	int r = load_record(dirfd, &record);
	bool unused, all = r == -EBADMSG;	/* rules have our mark: they are found where any are */

	if (r < 0 && !all)
		return r == -ENOENT ? 0 : fail(err, -r, "read which rules of others' tables are ours");
	r = 0;
	if (all || record_get(&record, "nft"))
		r = do_nft(foreign, false, &unused, err);
	for (size_t i = 0; i < ARRAY_SIZE(old_ones) && r >= 0 && (all || record_get(&record, "iptables")); i++)
		r = do_old(i, foreign, false, err);
	if (r >= 0 && record_get(&record, "firewalld"))
		r = do_firewalld(foreign, false, err);
	return r < 0 ? r : remove_file_at(dirfd, RECORD, err);
}
