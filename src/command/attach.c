/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/attach_options.h"
#include "command/command.h"
#include "runtime/attach.h"
#include "runtime/relay.h"

static int attach_to(struct context *context, const char *name, const struct attach_options *options,
		     struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	int r;

	if (container_open(&context->install, name, false, false, &c, err) < 0)
		return -err->code;
	r = container_attach(&c, options, err);
	container_close(&c);
	return r;
}

/* Options up to the first other word; optind is its index. */
static int take_options(const struct command *self, int argc, char **argv, struct attach_options *wish,
			struct error *err)
{
	int c;

	optind = 0;
	while ((c = command_option(self, argc, argv, ATTACH_SHORT_OPTIONS, attach_long_options, err)) >= 0)
		if (attach_take_option(c, wish) < 0)
			return command_usage(self, err, "-e %s is not of the form NAME=value", optarg);
	return c == -1 ? 0 : c;
}

/* Options stand before the name or behind it; what follows "--", or the first other word, is the command's. */
static int parse(const struct command *self, struct context *context, int argc, char **argv,
		 struct attach_options *wish, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (take_options(self, argc, argv, wish, err) < 0)
		return -err->code;
	argc -= optind;
	argv += optind;
	if (command_names(self, context, false, argc > 0 ? 1 : 0, argv, &names, err) < 0)
		return -err->code;
	context->name = argv[0];
	if (take_options(self, argc, argv, wish, err) < 0)
		return -err->code;
	if (optind < argc)
		wish->argv = argv + optind;
	return 0;
}

int command_attach(struct context *context, int argc, char **argv, struct error *err)
{
	struct attach_options wish = { .tty = TTY_AUTO };
	int r = parse(command_find("attach"), context, argc, argv, &wish, err);

	if (r == 0)
		r = attach_to(context, context->name, &wish, err);
	strings_clear(&wish.env);
	return r;
}

int command_console(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "escape", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("console");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct container box = CONTAINER_EMPTY;
	unsigned char escape = 1;
	int c, r;

	while ((c = command_option(self, argc, argv, "he:", options, err)) >= 0) {
		if (c != 'e')
			continue;
		if (escape_parse(optarg) < 0)
			return command_usage(self, err, "--escape %s is no key of the form ^a", optarg);
		escape = (unsigned char)escape_parse(optarg);
	}
	if (c != -1 || command_names(self, context, false, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	if (names.n != 1)
		return command_usage(self, err, "one name, please");
	context->name = optind < argc ? argv[optind] : NULL;
	if (container_open(&context->install, names.items[0], false, true, &box, err) < 0)
		return -err->code;
	r = container_console(&box, escape, err);
	container_close(&box);
	if (r < 0 && err->status == STATUS_INTERRUPTED)
		return STATUS_INTERRUPTED;	/* who sent the signal knows: nothing to say */
	return r;
}
