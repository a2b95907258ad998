/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"

#define WHO_BYTES 128

/* Commands of the contract that this version does not have. */
static const char *const later[] = { "copy", "rename", "resize", "snapshot", "snapshots", "restore", "export",
				     "import", "push", "pull", "cp", "top", "stats" };

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i].name, name) == 0 ||
		    (commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

static const char *candidate(size_t i, const void *arg)
{
	(void)arg;
	if (i >= n_commands)
		return NULL;
	return commands[i].internal || commands[i].verb ? "" : commands[i].name;
}

int command_unknown(const char *name, struct error *err)
{
	auto_free char *shown = text_printable(name);
	const char *near = nearest(name, candidate, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strcmp(name, later[i]) == 0)
			return fail_status(err, STATUS_USAGE, "the command \"%s\" is not in this version", name);
	fail_status(err, STATUS_USAGE, "there is no command \"%s\"", shown);
	if (near && *near)
		return error_hint(err, "did you mean \"%s\"?", near);
	return error_hint(err, "sysct --help lists them");
}

void command_overview(FILE *to)
{
	const char *group = "";

	fprintf(to, "usage: sysct [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGS]\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i].internal || commands[i].verb)
			continue;
		if (strcmp(group, commands[i].group) != 0)
			fprintf(to, "\n%s\n", commands[i].group);
		group = commands[i].group;
		fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
	}
	fprintf(to, "\nGlobal options\n"
		    "  --config FILE      defaults for all containers and the host (/etc/sysct/sysct.conf)\n"
		    "  --state-dir DIR    where containers live (/var/lib/sysct)\n"
		    "  --run-dir DIR      what runs (/run/sysct)\n"
		    "  --cache-dir DIR    built images (/var/cache/sysct)\n"
		    "  -v, --verbose      say more\n"
		    "  -q, --quiet        say less\n"
		    "  --version, --help\n"
		    "\nsysct COMMAND --help tells more of one; sysct(1) tells all.\n");
}

void command_show_help(const struct command *command, FILE *to)
{
	fprintf(to, "usage: sysct %s %s\n\n", command->name, command->usage);
	fprintf(to, "%c%s", toupper((unsigned char)*command->summary), command->summary + 1);
	if (command->alias)
		fprintf(to, " (also: sysct %s)", command->alias);
	fprintf(to, "\n");
	if (command->help)
		fprintf(to, "\n%s", command->help);
}

int command_written(int status)
{
	if (fflush(stdout) == 0 || errno == EPIPE || status != STATUS_OK)
		return status;
	fprintf(stderr, "sysct: write the result: %s\n", strerror(errno));
	return STATUS_FAILED;
}

__attribute__((noreturn)) static void help_and_exit(const struct command *command)
{
	command_show_help(command, stdout);
	exit(command_written(STATUS_OK));
}

static const char *option_candidate(size_t i, const void *arg)
{
	const struct option *options = arg;

	return options[i].name;
}

/* getopt prints nothing itself (opterr is 0); what it met is in optopt and argv. */
static int bad_option(const struct command *command, char **argv, int c, const struct option *options,
		      struct error *err)
{
	const char *word = optind > 0 && text_starts(argv[optind - 1], "--") ? argv[optind - 1] + 2 : NULL;
	auto_free char *name = word ? xstrndup(word, strcspn(word, "=")) : NULL;
	const char *near = name ? nearest(name, option_candidate, options) : NULL;

	/* as it was typed: optopt is the short form of a long one, too */
	if (c == ':' && name)
		command_usage(command, err, "option --%s needs a value", name);
	else if (c == ':')
		command_usage(command, err, "option -%c needs a value", optopt);
	else if (name)
		command_usage(command, err, "there is no option --%s%s%s%s", name, near ? ", did you mean --" : "",
			      near ? near : "", near ? "?" : "");
	else
		command_usage(command, err, "there is no option -%c", optopt);
	return -err->code;
}

int command_option(const struct command *command, int argc, char **argv, const char *short_options,
		   const struct option *long_options, struct error *err)
{
	/* a ':' in front tells a missing value from an unknown option */
	auto_free char *spec = xasprintf("%s:%s", *short_options == '+' ? "+" : "",
					 *short_options == '+' ? short_options + 1 : short_options);
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, spec, long_options, NULL);
	if (c == '?' || c == ':')
		return bad_option(command, argv, c, long_options, err);
	if (c == 'h' && command->summary)
		help_and_exit(command);
	return c;
}

int command_usage(const struct command *command, struct error *err, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail_status(err, STATUS_USAGE, "%s", text);
	if (command->summary)
		return error_hint(err, "usage: sysct %s %s", command->name, command->usage);
	return error_hint(err, "usage: sysct %s; sysct --help tells more", command->usage);
}

int command_name(const char *name, struct error *err)
{
	auto_free char *shown = NULL;

	if (name_valid(name))
		return 0;
	shown = text_printable(name);
	fail_status(err, STATUS_USAGE, "\"%s\" is no container name", shown);
	return error_hint(err, "a name is 1 to 63 of a-z, 0-9 and -, and neither begins nor ends with -");
}

char *command_who(const char *command, const char *name)
{
	auto_free char *shown = NULL;

	/* what is no name may be any text: it must not hide the reason */
	if (text_empty(name) || strlen(name) > WHO_BYTES)
		return xstrdup(command);
	shown = text_printable(name);
	return xasprintf("%s %s", command, shown);
}

int command_names(const struct command *command, struct context *context, bool all, int argc, char **argv,
		  struct strings *ret, struct error *err)
{
	if (all && argc > 0)
		return command_usage(command, err, "either names or --all");
	if (all)
		return container_names(&context->install, ret, err);
	if (argc == 0)
		return command_usage(command, err, "no name given");
	for (int i = 0; i < argc; i++)
		strings_add(ret, argv[i]);
	if (argc == 1 && command_name(argv[0], err) < 0) {
		context->name = argv[0];
		return -err->code;
	}
	return 0;
}

int command_each(const struct command *command, struct context *context, const struct strings *names,
		 int (*work)(struct context *context, const char *name, void *arg, struct error *err), void *arg)
{
	int worst = STATUS_OK;

	for (size_t i = 0; i < names->n; i++) {
		auto_free char *who = command_who(command->name, names->items[i]);
		struct error err = ERROR_NONE;
		int status;

		if ((command->names_files || command_name(names->items[i], &err) == 0) &&
		    work(context, names->items[i], arg, &err) >= 0)
			continue;
		error_report(&err, who);
		status = error_exit_status(&err);
		worst = status > worst ? status : worst;
		if (status == STATUS_INTERRUPTED)
			break;
	}
	return worst;
}

static int no_verb(const struct command *command, const struct verb *verbs, const char *word, struct error *err)
{
	auto_free char *shown = text_printable(word);
	const char *names[16];
	const char *near;
	size_t n = 0;

	for (; verbs[n].name && n < ARRAY_SIZE(names); n++)
		names[n] = verbs[n].name;
	near = nearest_of(word, names, n);
	return command_usage(command, err, "there is no \"%s %s\"%s%s%s", command->name, shown,
			     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int command_verb(const struct command *command, const struct verb *verbs, struct context *context, int argc,
		 char **argv, struct error *err)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = command_option(command, argc, argv, "+h", options, err)) >= 0)
		;
	if (c != -1)
		return c;
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return command_usage(command, err, "%s what?", command->name);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		auto_free char *name = xasprintf("%s %s", command->name, verb->name);
		const struct command *self = command_find(name);

		if (!self || strcmp(verb->name, argv[0]) != 0)
			continue;
		context->verb = self->name;
		optind = 0;	/* begin anew with the verb's own */
		return verb->run(self, context, argc, argv, err);
	}
	return no_verb(command, verbs, argv[0], err);
}

int command_help(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const struct command *self = command_find("help"), *command;
	auto_free char *words = NULL;
	int c;

	(void)context;
	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0)
		;
	if (c != -1)
		return c;
	if (optind == argc) {
		command_overview(stdout);
		return 0;
	}
	if (argc - optind > 2)
		return command_usage(self, err, "one command, please");
	words = argc - optind == 2 ? xasprintf("%s %s", argv[optind], argv[optind + 1]) : xstrdup(argv[optind]);
	command = command_find(words);
	if (!command || command->internal)
		return command_unknown(words, err);
	command_show_help(command, stdout);
	return 0;
}
