/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_SETTINGS_H
#define SYSCT_COMMAND_SETTINGS_H

/* settings - read and change a container's configuration file. Apart from the command "config" since the table
 * of keys and getopt.h both have a struct option. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "command/output.h"
#include "store/container.h"

/* Print the effective value of one key, or with NULL of all, with changed only of those that have not their
 * default. */
int settings_print(const struct container *container, const char *key, enum format format, bool changed,
		   struct error *err);

/* "section.key" of all that may be set; "environment." where the key is free. */
void settings_keys(struct strings *ret);
/* The words that a key may have, where they are few: yes and no, or those of its kind; appended. */
void settings_values(const char *key, struct strings *ret);

struct setting {
	const char *key;	/* with a '+' at its end: append */
	const char *value;	/* NULL: unset */
};

/* A list key that is set again appends, another one is refused. All of them or none: under the lock the text is changed, read
 * again and checked, and replaced at once. What runs gets what can be applied to it; a line on standard error says what has to
 * wait for a start. */
int settings_change(const struct install *install, const char *name, const struct setting *changes, size_t n,
		    struct error *err);

/* The parts of it. text: caller frees. ret of settings_check() must be initialised, and holds the result. */
int settings_read(const struct container *container, char **ret, mode_t *ret_mode, struct error *err);
int settings_check(const struct install *install, const char *text, const char *shown,
		   struct container_config *ret, struct error *err);
int settings_replace(struct container *container, const char *text, mode_t mode, struct error *err);

#endif
