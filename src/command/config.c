/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config - get, set and unset; edit and check are in config_edit.c. */

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "command/settings.h"
#include "config_verbs.h"

enum { O_FORMAT = 256, O_CHANGED };

static const struct option only_help[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };

/* NAME and what follows it; getopt has put the options in front. */
static int take_name(const struct command *self, struct context *context, int argc, char **argv,
		     const char **ret, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (optind >= argc)
		return command_usage(self, err, "no name given");
	if (command_names(self, context, false, 1, argv + optind, &names, err) < 0)
		return -err->code;
	*ret = argv[optind++];
	context->name = *ret;
	return 0;
}

int config_no_options(const struct command *self, struct context *context, int argc, char **argv,
		      const char **ret_name, struct error *err)
{
	int c;

	while ((c = command_option(self, argc, argv, "h", only_help, err)) >= 0)
		;
	return c != -1 ? c : take_name(self, context, argc, argv, ret_name, err);
}

static int config_get(const struct command *self, struct context *context, int argc, char **argv,
		      struct error *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, O_FORMAT },
		{ "changed", no_argument, NULL, O_CHANGED },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct container box = CONTAINER_EMPTY;
	enum format format = FORMAT_TABLE;
	bool changed = false;
	const char *name = NULL;
	int c, r;

	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0) {
		changed |= c == O_CHANGED;
		if (c == O_FORMAT && format_parse(optarg, &format, err) < 0)
			return -err->code;
	}
	if (c != -1 || take_name(self, context, argc, argv, &name, err) < 0)
		return -err->code;
	if (argc - optind > 1)
		return command_usage(self, err, "one key, or none for all");
	if (container_open(&context->install, name, false, false, &box, err) < 0)
		return -err->code;
	r = settings_print(&box, argv[optind], format, changed, err);
	container_close(&box);
	return r;
}

static int config_set(const struct command *self, struct context *context, int argc, char **argv,
		      struct error *err)
{
	auto_free struct setting *changes = NULL;
	auto_strings struct strings keys = STRINGS_EMPTY;
	const char *name = NULL;
	size_t n = 0;

	if (config_no_options(self, context, argc, argv, &name, err) < 0)
		return -err->code;
	if (optind >= argc)
		return command_usage(self, err, "nothing to set: KEY=VALUE, or KEY+=VALUE for a list");
	changes = xcalloc((size_t)(argc - optind), sizeof(*changes));
	for (; optind < argc; optind++) {
		const char *equals = strchr(argv[optind], '=');
		auto_free char *shown = text_printable(argv[optind]);

		if (!equals || equals == argv[optind])
			return command_usage(self, err, "\"%s\" is not of the form KEY=VALUE", shown);
		strings_add_take(&keys, xstrndup(argv[optind], (size_t)(equals - argv[optind])));
		changes[n++] = (struct setting){ keys.items[keys.n - 1], equals + 1 };
	}
	return settings_change(&context->install, name, changes, n, err);
}

static int config_unset(const struct command *self, struct context *context, int argc, char **argv,
			struct error *err)
{
	auto_free struct setting *changes = NULL;
	const char *name = NULL;
	size_t n = 0;

	if (config_no_options(self, context, argc, argv, &name, err) < 0)
		return -err->code;
	if (optind >= argc)
		return command_usage(self, err, "which key?");
	changes = xcalloc((size_t)(argc - optind), sizeof(*changes));
	for (; optind < argc; optind++)
		changes[n++] = (struct setting){ argv[optind], NULL };
	return settings_change(&context->install, name, changes, n, err);
}

int command_config(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct verb verbs[] = {
		{ "get", config_get },	 { "set", config_set },	    { "unset", config_unset },
		{ "edit", config_edit }, { "check", config_check }, { NULL, NULL },
	};

	return command_verb(command_find("config"), verbs, context, argc, argv, err);
}
