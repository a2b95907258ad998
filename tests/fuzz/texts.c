/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as texts that other programs wrote: a list of what links are held to, /etc/hosts, rules of nft and iptables,
 * what a template says. Refused, or written and read again the same; what is none of ours stays as it is. Built with
 * -fsanitize=fuzzer, or with standalone/main.c to run files of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/text.h"
#include "runtime/hosts.h"
#include "store/configure.h"
#include "store/foreign.h"
#include "store/guard.h"
#include "store/template.h"
#include "fuzz.h"

static void guard(const char *text)
{
	auto_guarded struct guarded_list list = GUARDED_EMPTY, again = GUARDED_EMPTY;
	auto_free char *out = NULL, *second = NULL;
	auto_text struct text rules = TEXT_EMPTY;

	if (guarded_parse_of(text, NULL, &list) < 0) {
		require(list.n == 0, "refused, and yet something was read", text);
		return;
	}
	out = guarded_format(&list);
	require(guarded_parse_of(out, NULL, &again) == 0, "what was written cannot be read", out);
	second = guarded_format(&again);
	require(strcmp(out, second) == 0, "read back differs", out);
	guard_rules(&list, &rules);
	guard_host_rules(&list, "sysct0", &rules);
}

static void hosts(const char *text)
{
	static const char block[] = "10.1.2.3 box.sysct\n";
	auto_free char *with = hosts_with_block(text, block), *twice = hosts_with_block(with, block);
	auto_free char *without = hosts_with_block(with, ""), *none = hosts_with_block(without, "");

	require(strstr(with, block) != NULL, "the block is not there", with);
	require(strcmp(with, twice) == 0, "written again it differs", with);
	require(strcmp(without, none) == 0 || strstr(without, HOSTS_BEGIN), "taken out again it differs", without);
}

static void rules(const char *text)
{
	const struct foreign foreign = { .bridge = "sysct0", .mark = "sysct", .own_table = "sysct" };

	for (int want = 0; want < 2; want++) {
		auto_free char *nft = foreign_plan_nft(text, &foreign, want), *old = foreign_plan_iptables(text, &foreign, want);

		require(!nft || !strchr(nft, '\r') || strchr(text, '\r'), "a plan", text);
		require(!old || !strchr(old, '\r') || strchr(text, '\r'), "a plan", text);
	}
}

static void show(void *arg, enum progress_kind kind, int percent, const char *text)
{
	(void)arg;
	require(kind != PROGRESS_PERCENT || (percent >= 0 && percent <= 100), "percent", text);
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= 0x20 && *p != 0x7f, "a control character is shown", text);
}

static void template(const char *text)
{
	auto_record struct record facts = RECORD_EMPTY, again = RECORD_EMPTY;
	const struct progress progress = { .show = show };
	const struct template_build build = { .progress = &progress, .ret_facts = &facts };
	auto_strings struct strings lines = STRINGS_EMPTY;
	auto_free char *out = NULL;

	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		template_take_event(&build, lines.items[i]);
	out = record_format(&facts);
	require(facts.keys.n <= 65, "more facts than there may be", out);
	require(strlen(out) > 65536 || record_parse(&again, out, strlen(out)) == 0, "facts are no record", out);
	require(strlen(out) > 65536 || again.keys.n == facts.keys.n, "a fact made a line", out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);

	guard(text);
	hosts(text);
	rules(text);
	template(text);
	return 0;
}
