/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* completion - the scripts for three shells, and what they ask.
 *
 * `sysct .complete WORD...`, the words behind "sysct" up to the one that is typed, prints what could stand there,
 * one a line, or "@files". Everything comes from the tables: commands, and options as their help lists them; names,
 * templates and keys as they are now. The scripts know nothing themselves; the installed files are what
 * `sysct completion SHELL` prints. */

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "command/doctor.h"
#include "command/settings.h"
#include "store/template.h"

static const char bash_script[] =
	"# bash completion for sysct; printed by: sysct completion bash\n"
	"_sysct()\n"
	"{\n"
	"	local line=\"${COMP_LINE:0:COMP_POINT}\" cur=\"${COMP_WORDS[COMP_CWORD]}\" words\n"
	"	read -ra words <<<\"$line\"\n"
	"	[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
	"	# readline cuts words at = and :, the answer has whole ones\n"
	"	local whole=\"${words[${#words[@]} - 1]}\" cut=\"\"\n"
	"	[[ $cur == \"=\" || $cur == \":\" ]] && cur=\"\"\n"
	"	cut=\"${whole%\"$cur\"}\"\n"
	"	local IFS=$'\\n'\n"
	"	COMPREPLY=($(\"${words[0]}\" .complete \"${words[@]:1}\" 2>/dev/null))\n"
	"	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == @files ]]; then\n"
	"		COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	"		compopt -o filenames 2>/dev/null\n"
	"		return\n"
	"	fi\n"
	"	[[ ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace 2>/dev/null\n"
	"	[[ -n $cut ]] && COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
	"	return 0\n"
	"}\n"
	"complete -F _sysct sysct\n";

static const char zsh_script[] =
	"#compdef sysct\n"
	"# zsh completion for sysct; printed by: sysct completion zsh\n"
	"_sysct()\n"
	"{\n"
	"	local -a found ends open\n"
	"	found=(\"${(@f)$(\"${words[1]}\" .complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
	"	if [[ ${found[1]} == @files ]]; then\n"
	"		_files\n"
	"		return\n"
	"	fi\n"
	"	open=(${(M)found:#*[=.]})\n"
	"	ends=(${found:#*[=.]})\n"
	"	(( ${#open} )) && compadd -S '' -- \"${open[@]}\"\n"
	"	(( ${#ends} )) && compadd -- \"${ends[@]}\"\n"
	"}\n"
	"if [[ ${funcstack[1]} == _sysct ]]; then\n"
	"	_sysct \"$@\"\n"
	"else\n"
	"	compdef _sysct sysct\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion for sysct; printed by: sysct completion fish\n"
	"function __sysct_complete\n"
	"	set -l words (commandline -opc)\n"
	"	set -l answer ($words[1] .complete $words[2..-1] (commandline -ct) 2>/dev/null)\n"
	"	if test \"$answer[1]\" = @files\n"
	"		__fish_complete_path (commandline -ct)\n"
	"	else\n"
	"		printf '%s\\n' $answer\n"
	"	end\n"
	"end\n"
	"complete -c sysct -f -a '(__sysct_complete)'\n";

int command_completion(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	static const char *const shells[] = { "bash", "zsh", "fish" };
	static const char *const scripts[] = { bash_script, zsh_script, fish_script };
	const struct command *self = command_find("completion");
	int c;

	(void)context;
	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0)
		;
	if (c != -1)
		return c;
	if (argc - optind != 1)
		return command_usage(self, err, "for one shell: bash, zsh or fish");
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(argv[optind], shells[i]) == 0) {
			fputs(scripts[i], stdout);
			return 0;
		}
	}
	return command_usage(self, err, "there is no script for \"%s\", but for bash, zsh and fish", argv[optind]);
}

/* --- .complete --- */

struct words {
	struct context *context;
	const struct command *command;	/* NULL: not typed yet */
	struct strings plain;		/* words behind the command that are no options and no values of some */
	const char *option;		/* the option whose value is typed, or NULL */
	const char *template;		/* value of --template, or NULL */
	const char *last;		/* the word that is typed */
	bool verbatim;			/* behind "--" of attach: somebody else's words */
};

static void offer(const struct words *words, const char *candidate)
{
	if (text_starts(candidate, words->last))
		printf("%s\n", candidate);
}

static void offer_all(const struct words *words, const struct strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		offer(words, list->items[i]);
}

static void offer_list(const struct words *words, const char *list)
{
	auto_strings struct strings split = STRINGS_EMPTY;

	strings_split(&split, list, " ");
	offer_all(words, &split);
}

/* The word of a help's option line: "-n", "--lines". next: where to go on. */
static char *next_option(const char **at)
{
	const char *s = *at + strspn(*at, " ,|[");
	size_t n = strcspn(s, " ,|=[]\n");

	*at = s + n;
	return *s == '-' && n > 1 ? xstrndup(s, n) : NULL;
}

/* Does it want a value? "--lines N" has one, "--wait[=SECONDS]" may go without. */
static bool takes_value(const char *behind)
{
	return behind[0] == ' ' && behind[1] != ' ' && behind[1] != '-' && behind[1] != '\n' && behind[1];
}

/* Walk over the options in a help text: 1 when `wanted` is one that takes a value. Offers them with words. */
static int walk_options(const char *help, const char *wanted, const struct words *words)
{
	for (const char *line = help; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *at = line;
		bool matched = false, value = false;

		if (strncmp(line, "  -", 3) != 0)
			continue;
		for (;;) {
			auto_free char *name = next_option(&at);

			if (!name)
				break;
			if (words && text_starts(name, "--"))
				offer(words, name);
			matched |= wanted && strcmp(name, wanted) == 0;
			value = takes_value(at);
			if (*at != ',')
				break;
		}
		if (matched)
			return value;
	}
	return 0;
}

static const char global_help[] = "  --config FILE\n  --state-dir DIR\n  --run-dir DIR\n  --cache-dir DIR\n"
				  "  -v, --verbose\n  -q, --quiet\n  --version\n  --help\n";

static void set_directory(struct context *context, const char *option, const char *value)
{
	struct install *i = &context->install, fresh;
	struct error ignored = ERROR_NONE;
	const char *state = i->state_dir, *run = i->run_dir, *cache = i->cache_dir;

	if (strcmp(option, "--state-dir") == 0)
		state = value;
	else if (strcmp(option, "--run-dir") == 0)
		run = value;
	else if (strcmp(option, "--cache-dir") == 0)
		cache = value;
	else
		return;
	if (install_init(&fresh, i->config_given ? i->config : NULL, state, run, cache, &ignored) < 0)
		return;
	install_done(i);
	*i = fresh;
}

/* "config" becomes "config set" with its verb. */
static void take_plain(struct words *words, const char *word)
{
	auto_free char *name = words->command ? xasprintf("%s %s", words->command->name, word) : xstrdup(word);
	const struct command *found = command_find(name);

	if (found && !words->plain.n)
		words->command = found;
	else
		strings_add(&words->plain, word);
}

static void read_words(struct words *words, int argc, char **argv)
{
	for (int i = 0; i < argc - 1; i++) {
		const char *help = words->command ? words->command->help : global_help;

		if (strcmp(argv[i], "--") == 0) {
			words->verbatim = true;
			return;
		}
		if (*argv[i] != '-' || !argv[i][1]) {
			take_plain(words, argv[i]);
			continue;
		}
		if (text_starts(argv[i], "--template="))
			words->template = strchr(argv[i], '=') + 1;
		if (strchr(argv[i], '=') || walk_options(help, argv[i], NULL) != 1)
			continue;
		if (i + 1 == argc - 1) {
			words->option = argv[i];
			return;
		}
		if (strcmp(argv[i], "--template") == 0)
			words->template = argv[i + 1];
		if (!words->command)
			set_directory(words->context, argv[i], argv[i + 1]);
		i++;
	}
}

static void offer_names(const struct words *words)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;

	if (container_names(&words->context->install, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (!strings_has(&words->plain, names.items[i]))
			offer(words, names.items[i]);
}

/* People who could be meant: who called sudo, and whom the host knows by a line of its own. */
static void offer_people(const struct words *words)
{
	const char *caller = getenv("SUDO_USER");
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *pw;

	if (caller)
		offer(words, caller);
	while (file && (pw = fgetpwent(file)))
		if (pw->pw_uid >= 1000 && pw->pw_uid < 65534 && (!caller || strcmp(pw->pw_name, caller) != 0))
			offer(words, pw->pw_name);
	if (file)
		fclose(file);
}

static void offer_templates(const struct words *words)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;

	if (template_names(&words->context->install, &names, &ignored) == 0)
		offer_all(words, &names);
}

/* KEY=VALUE up to the value: what may stand there, where it is one of a few words. */
static void offer_setting(const struct words *words)
{
	auto_free char *name = xstrndup(words->last, strcspn(words->last, "="));
	auto_strings struct strings values = STRINGS_EMPTY;

	settings_values(name, &values);
	for (size_t i = 0; i < values.n; i++) {
		auto_free char *whole = xasprintf("%s=%s", name, values.items[i]);

		offer(words, whole);
	}
}

static void offer_keys(const struct words *words, const char *tail)
{
	auto_strings struct strings keys = STRINGS_EMPTY;

	if (*tail && strchr(words->last, '=')) {
		offer_setting(words);
		return;
	}
	settings_keys(&keys);
	for (size_t i = 0; i < keys.n; i++) {
		auto_free char *key = xasprintf("%s%s", keys.items[i], text_ends(keys.items[i], ".") ? "" : tail);

		offer(words, key);
	}
}

/* "--release": those that the template offers. */
static void offer_fact(const struct words *words, const char *key)
{
	const char *name = words->template, *fact;
	auto_template struct template template = TEMPLATE_EMPTY;
	struct error ignored = ERROR_NONE;

	if (!name && words->command && words->command->run == command_launch && words->plain.n)
		name = words->plain.items[0];
	if (!name || template_find(&words->context->install, name, &template, &ignored) < 0)
		return;
	fact = template_fact(&template, key);
	if (fact && strcmp(fact, "any") != 0)
		offer_list(words, fact);
}

static void offer_check(const char *id, void *arg)
{
	const struct words *words = arg;

	if (!strings_has(&words->plain, id))
		offer(words, id);
}

static void offer_commands(const struct words *words)
{
	for (size_t i = 0; i < n_commands; i++) {
		const struct command *command = &commands[i];
		size_t n = words->command ? strlen(words->command->name) : 0;

		if (command->internal || command->verb != (words->command != NULL))
			continue;
		if (!words->command)
			offer(words, command->name);
		else if (strncmp(command->name, words->command->name, n) == 0 && command->name[n] == ' ')
			offer(words, command->name + n + 1);
	}
}

static void offer_values(const struct words *words)
{
	static const struct {
		const char *option, *values;
	} known[] = {
		{ "--format", "table json csv" },
		{ "--for", "running booted stopped address" },
		{ "--signal", "TERM KILL HUP INT USR1 USR2 PWR" },
		{ "-s", "TERM KILL HUP INT USR1 USR2 PWR" },
	}, facts[] = {
		{ "--release", "releases" },
		{ "--arch", "architectures" },
		{ "--variant", "variants" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].option, words->option) == 0)
			offer_list(words, known[i].values);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (strcmp(facts[i].option, words->option) == 0)
			offer_fact(words, facts[i].values);
	if (strcmp(words->option, "--template") == 0)
		offer_templates(words);
	if (strcmp(words->option, "--user") == 0 && words->command && words->command->run != command_attach)
		offer_people(words);
	if (strcmp(words->option, "--set") == 0)
		offer_keys(words, "=");
	if (text_ends(words->option, "-dir") || strcmp(words->option, "--config") == 0 ||
	    strcmp(words->option, "--source") == 0 || strcmp(words->option, "--keyring") == 0)
		printf("@files\n");
}

/* What stands at the place of a plain word, by the usage of the command. */
static void offer_plain(const struct words *words)
{
	const char *name = words->command->name, *usage = words->command->usage;

	if (strcmp(name, "config") == 0 || strcmp(name, "template") == 0 || strcmp(name, "image") == 0)
		offer_commands(words);
	else if (strcmp(name, "help") == 0)
		offer_commands(&(struct words){ .last = words->last });
	else if (strcmp(name, "doctor") == 0)
		doctor_each_id(&words->context->install, offer_check, (void *)(uintptr_t)words);
	else if (strcmp(name, "completion") == 0)
		offer_list(words, "bash zsh fish");
	else if ((strcmp(name, "launch") == 0 || strcmp(name, "template info") == 0) && !words->plain.n)
		offer_templates(words);
	else if (text_starts(name, "config ") && words->plain.n && strcmp(name, "config edit") != 0)
		offer_keys(words, strcmp(name, "config set") == 0 ? "=" : "");
	else if (strcmp(name, "create") != 0 && strcmp(name, "launch") != 0 &&
		 (strstr(usage, "NAME...") || (strstr(usage, "NAME") && !words->plain.n)))
		offer_names(words);
}

int command_complete(struct context *context, int argc, char **argv, struct error *err)
{
	struct words words = { .context = context };

	(void)err;
	if (argc < 2)
		return 0;
	words.last = argv[argc - 1];
	read_words(&words, argc - 1, argv + 1);
	if (words.verbatim)
		printf("@files\n");
	else if (words.option)
		offer_values(&words);
	else if (*words.last == '-')
		walk_options(words.command ? words.command->help : global_help, NULL, &words);
	else if (!words.command && !words.plain.n)
		offer_commands(&words);
	else if (words.command)
		offer_plain(&words);
	strings_clear(&words.plain);
	return 0;
}
