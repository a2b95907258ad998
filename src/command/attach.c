/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "runtime/attach.h"

enum { O_KEEP_ENV = 256 };

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

int command_attach(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "user", required_argument, NULL, 'u' },      { "workdir", required_argument, NULL, 'w' },
		{ "env", required_argument, NULL, 'e' },       { "tty", no_argument, NULL, 't' },
		{ "no-tty", no_argument, NULL, 'T' },	       { "keep-env", no_argument, NULL, O_KEEP_ENV },
		{ "help", no_argument, NULL, 'h' },	       { NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("attach");
	struct attach_options wish = { .tty = TTY_AUTO };
	const char *name;
	int c, r;

	/* options may stand before the name and behind it; what follows the first other word is the command's */
	while ((c = command_option(self, argc, argv, "+hu:w:e:tT", options, err)) >= 0 ||
	       (c == -1 && optind == 1 + 0 && false)) {
		switch (c) {
		case 'u':
			wish.user = optarg;
			break;
		case 'w':
			wish.workdir = optarg;
			break;
		case 'e':
			if (!strchr(optarg, '=') || *optarg == '=')
				return command_usage(self, err, "-e %s is not of the form NAME=value", optarg);
			strings_add(&wish.env, optarg);
			break;
		case 't':
			wish.tty = TTY_YES;
			break;
		case 'T':
			wish.tty = TTY_NO;
			break;
		case O_KEEP_ENV:
			wish.keep_env = true;
			break;
		}
	}
	if (c != -1)
		return -err->code;
	if (optind >= argc)
		return command_usage(self, err, "no name given");
	name = argv[optind++];
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	if (optind < argc)
		wish.argv = argv + optind;
	r = attach_to(context, name, &wish, err);
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
		if (strlen(optarg) != 2 || *optarg != '^' || !isalpha((unsigned char)optarg[1]))
			return command_usage(self, err, "--escape %s is not of the form ^a", optarg);
		escape = (unsigned char)(toupper((unsigned char)optarg[1]) - '@');
	}
	if (c != -1 || command_names(self, context, false, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	if (names.n != 1)
		return command_usage(self, err, "one name, please");
	if (container_open(&context->install, names.items[0], false, true, &box, err) < 0)
		return -err->code;
	r = container_console(&box, escape, err);
	container_close(&box);
	return r;
}
