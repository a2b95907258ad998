/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_COMMAND_H
#define SYSCT_COMMAND_COMMAND_H

/* command - what a person types: one row per command, one file per command or per small family.
 *
 * A command gets its own arguments (argv[0] is its name), prints results on standard output, and returns an exit
 * status, or a negative errno with *err filled, which main prints. */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"
#include "store/install.h"

struct context {
	struct install install;
	/* for messages, where they are known better than by a look at the arguments; NULL: not set */
	const char *verb;	/* "config set" */
	const char *name;	/* the container in question */
};

struct command {
	const char *name, *alias;	/* alias: NULL or another name */
	const char *group;		/* heading in --help */
	const char *usage;		/* what follows the name */
	const char *summary;		/* one line */
	const char *help;		/* options and examples, lines end in \n; NULL: none */
	int (*run)(struct context *context, int argc, char **argv, struct error *err);
	bool no_root;			/* works for everybody */
	bool internal;			/* not listed */
	bool names_one;			/* works on one NAME, which belongs into its messages */
	bool names_files;		/* a NAME may be the path of a file */
	bool verb;			/* "config get": run by the command of the first word, and listed in its help */
};

extern const struct command commands[];
extern const size_t n_commands;
const struct command *command_find(const char *name);

/* Before a command: see to what running containers share. Never fails it. */
void command_mend(const struct command *command, const struct context *context);

/* The error for a command that there is not, with "did you mean", or "not in this version". */
int command_unknown(const char *name, struct error *err);
/* What there is, by group. */
void command_overview(FILE *to);
/* Usage, summary, and options with examples of one. */
void command_show_help(const struct command *command, FILE *to);

/* The exit status of who ends with this one: a result that could not be written is no result, and said so. That nobody
 * reads it any more is the reader's wish. */
int command_written(int status);

/* --- helpers for commands --- */

/* getopt_long over the command's arguments, with long options that have no short form numbered from 256. Returns the
 * option, -1 at the end, or -errno with *err filled (unknown option with a "did you mean", missing argument). --help
 * prints the command's help and exits. */
int command_option(const struct command *command, int argc, char **argv, const char *short_options,
		   const struct option *long_options, struct error *err);

/* "usage" error with the command's usage line as hint. */
int command_usage(const struct command *command, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* 0: it is well-formed. STATUS_USAGE */
int command_name(const char *name, struct error *err);
/* "start box" for messages; name may be NULL, or be none. Caller frees. */
char *command_who(const char *command, const char *name);

/* Names from the arguments, or all containers with all; at least one. One alone is well-formed; of several
 * command_each() refuses those that are not, and goes on. */
int command_names(const struct command *command, struct context *context, bool all, int argc, char **argv,
		  struct strings *ret, struct error *err);

/* Call work for every name: each failure is reported at once as "sysct: COMMAND NAME: ...", and the worst status
 * returned. work returns 0 or more, or -errno. */
int command_each(const struct command *command, struct context *context, const struct strings *names,
		 int (*work)(struct context *context, const char *name, void *arg, struct error *err), void *arg);

/* A command of the form "config get": argv[1] is one of the verbs, each with a row "config get" of its own in
 * the table. The last has no name. */
struct verb {
	const char *name;
	int (*run)(const struct command *self, struct context *context, int argc, char **argv, struct error *err);
};
int command_verb(const struct command *command, const struct verb *verbs, struct context *context, int argc,
		 char **argv, struct error *err);

/* --- the commands --- */
#define COMMAND(name) int name(struct context *context, int argc, char **argv, struct error *err)
COMMAND(command_create);
COMMAND(command_launch);
COMMAND(command_start);
COMMAND(command_stop);
COMMAND(command_restart);
COMMAND(command_freeze);
COMMAND(command_thaw);
COMMAND(command_kill);
COMMAND(command_autostart);
COMMAND(command_attach);
COMMAND(command_console);
COMMAND(command_logs);
COMMAND(command_list);
COMMAND(command_info);
COMMAND(command_destroy);
COMMAND(command_config);
COMMAND(command_wait);
COMMAND(command_trim);
COMMAND(command_template);
COMMAND(command_image);
COMMAND(command_doctor);
COMMAND(command_completion);
COMMAND(command_help);
COMMAND(command_complete);
COMMAND(command_supervise);
COMMAND(command_unit);
COMMAND(command_down);

#endif
