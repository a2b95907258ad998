/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "command/command.h"

#define MAKE "Make and remove"
#define RUN "Run"
#define ENTER "Enter and watch"
#define LOOK "Look and set"

const struct command commands[] = {
	{ .name = "create", .group = MAKE, .run = command_create,
	  .usage = "[NAME] --template T [--release R] [--size 10G] [--set key=value]... [--start]",
	  .summary = "make a container from a template" },
	{ .name = "destroy", .alias = "rm", .group = MAKE, .run = command_destroy, .usage = "NAME... [--force]",
	  .summary = "remove containers with all that create made" },
	{ .name = "start", .group = RUN, .run = command_start, .usage = "NAME... [--wait[=SECONDS]] [--console] [--timing]",
	  .summary = "boot containers" },
	{ .name = "stop", .group = RUN, .run = command_stop, .usage = "NAME... [--timeout S] [--now]",
	  .summary = "ask init to power off, kill what is left after the timeout" },
	{ .name = "restart", .group = RUN, .run = command_restart, .usage = "NAME... [--timeout S] [--now]",
	  .summary = "stop and start" },
	{ .name = "freeze", .group = RUN, .run = command_freeze, .usage = "NAME...", .summary = "hold all processes" },
	{ .name = "thaw", .group = RUN, .run = command_thaw, .usage = "NAME...", .summary = "let them run again" },
	{ .name = "kill", .group = RUN, .run = command_kill, .usage = "NAME... [--signal S]",
	  .summary = "send a signal to init" },
	{ .name = "attach", .alias = "exec", .group = ENTER, .run = command_attach, .names_one = true,
	  .usage = "[-u USER[:GROUP]] [-w DIR] [-e K=V]... [-t|-T] [--keep-env] NAME [-- CMD [ARG...]]",
	  .summary = "run a command, or a login shell, inside" },
	{ .name = "console", .group = ENTER, .run = command_console, .names_one = true, .usage = "NAME [--escape ^a]",
	  .summary = "connect to /dev/console" },
	{ .name = ".supervise", .group = RUN, .run = command_supervise, .usage = "", .summary = "", .internal = true },
};

const size_t n_commands = ARRAY_SIZE(commands);
