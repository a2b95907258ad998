/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/attach_options.h"

#include <errno.h>
#include <string.h>

enum { O_KEEP_ENV = 256 };

const struct option attach_long_options[] = {
	{ "user", required_argument, NULL, 'u' }, { "workdir", required_argument, NULL, 'w' },
	{ "env", required_argument, NULL, 'e' },  { "tty", no_argument, NULL, 't' },
	{ "no-tty", no_argument, NULL, 'T' },     { "keep-env", no_argument, NULL, O_KEEP_ENV },
	{ "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
};

int attach_take_option(int c, struct attach_options *wish)
{
	switch (c) {
	case 'u':
		wish->user = optarg;
		break;
	case 'w':
		wish->workdir = optarg;
		break;
	case 'e':
		if (!strchr(optarg, '=') || *optarg == '=')
			return -EINVAL;
		strings_add(&wish->env, optarg);
		break;
	case 't':
		wish->tty = TTY_YES;
		break;
	case 'T':
		wish->tty = TTY_NO;
		break;
	case O_KEEP_ENV:
		wish->keep_env = true;
		break;
	}
	return 0;
}
