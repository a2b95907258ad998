/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_CONFIG_VERBS_H
#define SYSCT_COMMAND_CONFIG_VERBS_H

/* config_verbs - what config.c and config_edit.c share. */

#include "command/command.h"

/* NAME where no option but --help is known; optind is behind it. */
int config_no_options(const struct command *self, struct context *context, int argc, char **argv,
		      const char **ret_name, struct error *err);

int config_edit(const struct command *self, struct context *context, int argc, char **argv, struct error *err);
int config_check(const struct command *self, struct context *context, int argc, char **argv, struct error *err);

#endif
