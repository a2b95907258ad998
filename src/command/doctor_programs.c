/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of others, and our own: what is lost without each, and the package that has it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/doctor.h"
#include "command/output.h"
#include "os/process.h"
#include "store/template.h"

struct program {
	const char *tool, *package, *lost;
	enum verdict verdict;
};

static const struct program mke2fs = { "mke2fs", "e2fsprogs", "no image can be made, and so no container but of a directory",
				       VERDICT_FAIL };
static const struct program tune2fs = { "tune2fs", "e2fsprogs", "no image can be built", VERDICT_FAIL };
static const struct program e2fsck = { "e2fsck", "e2fsprogs", "a container that was not cleanly stopped does not start any more",
				       VERDICT_FAIL };
static const struct program resize2fs = { "resize2fs", "e2fsprogs", "no container can have another size than 10G", VERDICT_WARN };
static const struct program nft = { "nft", "nftables", "no container starts on a bridge, which is the default", VERDICT_FAIL };
static const struct program dnsmasq = { "dnsmasq", "dnsmasq-base", "no DHCP, and names of containers by /etc/hosts alone",
					VERDICT_WARN };

static void look_program(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct program *program = check->arg;
	auto_free char *path = tool_find(program->tool);
	bool images = strcmp(program->package, "e2fsprogs") == 0;
	char fix[128];

	snprintf(fix, sizeof(fix), "apt-get install %s", program->package);
	if (path)
		found(ret, VERDICT_OK, NULL, "%s", path);
	else if (images && exam->nested)
		found(ret, VERDICT_OK, NULL, "not installed, and not needed in a container: there are no images");
	else
		found(ret, program->verdict, fix, "not installed: %s", program->lost);
}

/* arg: its name. */
static void look_own(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *path = xasprintf("%s/%s", exam->install->libexec_dir, (const char *)check->arg);

	if (access(path, X_OK) == 0)
		found(ret, VERDICT_OK, NULL, "%s", path);
	else
		found(ret, VERDICT_FAIL, "install sysct again", "%s: %s", path, strerror(errno));
}

static void look_tables(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct error err = ERROR_NONE;

	(void)check;
	if (table_check(exam->install->libexec_dir, &err) < 0)
		found(ret, VERDICT_WARN, err.hint, "%s", err.message);
	else
		found(ret, VERDICT_OK, NULL, "libsmartcols");
}

/* --- templates --- */

struct lacking {
	struct text tools, packages;
};

static void lacks(struct lacking *lacking, const char *tool, const char *package)
{
	text_add(&lacking->tools, "%s%s", lacking->tools.len ? ", " : "", tool);
	if (*package)
		text_add(&lacking->packages, " %s", package);
}

/* A fact such as "tar:tar awk:mawk". any: one of them is enough. */
static void look_at_tools(const char *fact, bool any, struct lacking *lacking)
{
	auto_strings struct strings pairs = STRINGS_EMPTY;

	strings_split(&pairs, fact ? fact : "", " ");
	for (size_t i = 0; any && i < pairs.n; i++) {
		auto_free char *tool = xstrndup(pairs.items[i], strcspn(pairs.items[i], ":"));
		auto_free char *path = tool_find(tool);

		if (path)
			return;
	}
	for (size_t i = 0; i < pairs.n; i++) {
		auto_free char *tool = xstrndup(pairs.items[i], strcspn(pairs.items[i], ":"));
		auto_free char *path = tool_find(tool);
		const char *colon = strchr(pairs.items[i], ':');

		if (!path)
			lacks(lacking, tool, colon ? colon + 1 : "");
		if (any)
			return;
	}
}

/* "FILE:PACKAGE"; without a package the file comes from elsewhere, and create has --keyring for it. */
static void look_at_files(const char *fact, struct lacking *lacking)
{
	auto_strings struct strings pairs = STRINGS_EMPTY;

	strings_split(&pairs, fact ? fact : "", " ");
	for (size_t i = 0; i < pairs.n; i++) {
		auto_free char *file = xstrndup(pairs.items[i], strcspn(pairs.items[i], ":"));
		const char *colon = strchr(pairs.items[i], ':');

		if (access(file, R_OK) < 0)
			lacks(lacking, file, colon ? colon + 1 : "");
	}
}

void look_at_template(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_template struct template template = TEMPLATE_EMPTY;
	struct lacking lacking = { .tools = TEXT_EMPTY };
	struct error err = ERROR_NONE;
	char fix[320];

	if (template_find(exam->install, check->arg, &template, &err) < 0) {
		found(ret, VERDICT_WARN, *err.hint ? err.hint : NULL, "%s", err.message);
		return;
	}
	look_at_tools(template_fact(&template, "tools"), false, &lacking);
	look_at_tools(template_fact(&template, "tools_any"), true, &lacking);
	look_at_files(template_fact(&template, "tools_files"), &lacking);
	if (!lacking.tools.len) {
		found(ret, VERDICT_OK, NULL, "all that it needs is installed");
	} else if (lacking.packages.len) {
		snprintf(fix, sizeof(fix), "apt-get install%s", lacking.packages.data);
		found(ret, VERDICT_WARN, fix, "it needs %s", lacking.tools.data);
	} else {
		found(ret, VERDICT_WARN, "give it to create: --keyring FILE", "it needs %s, which no package of Debian has",
		      lacking.tools.data);
	}
	text_done(&lacking.tools);
	text_done(&lacking.packages);
}

const struct check program_checks[] = {
	{ "program.monitor", "monitor", look_own, "sysct-monitor", false },
	{ "program.holder", "holder", look_own, "sysct-holder", false },
	{ "program.seccomp", "compiler of filters", look_own, "sysct-seccomp", false },
	{ "program.mke2fs", "mke2fs", look_program, &mke2fs, false },
	{ "program.tune2fs", "tune2fs", look_program, &tune2fs, false },
	{ "program.e2fsck", "e2fsck", look_program, &e2fsck, false },
	{ "program.resize2fs", "resize2fs", look_program, &resize2fs, false },
	{ "program.nft", "nft", look_program, &nft, false },
	{ "program.dnsmasq", "dnsmasq", look_program, &dnsmasq, false },
	{ "program.smartcols", "libsmartcols", look_tables, NULL, false },
};
const size_t n_program_checks = ARRAY_SIZE(program_checks);
