/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_EDIT_H
#define SYSCT_CONFIG_EDIT_H

/* edit - change one setting in the text of a configuration and leave every other byte as it is:
 * comments, order, blank lines, indentation, line ends, errors elsewhere.
 *
 * The key and the form of the value are checked here; the whole is to be read again with
 * config_parse_text() before it replaces the file. *ret is NUL-terminated and the caller frees it;
 * it changes only on success. */

#include <stddef.h>

#include "base/error.h"

/* key as in config_set_option(): "section.key", "section.title.key", "environment.NAME"; a list
 * takes several values with commas between them and becomes just these; with '+' behind the key
 * they are appended, those that are there already left out. An empty value writes `key =`, the
 * built-in default. A comment behind a value stays, unless its line goes because a list became
 * shorter. */
int config_edit_set(const char *text, const char *key, const char *value, char **ret,
		    struct error *err);

/* Remove the lines of key, or with "network.eth1" ("mount./path") the whole titled section but for
 * comments after its last key. What is not there is no error. Keys of other versions can be removed
 * too. */
int config_edit_unset(const char *text, const char *key, char **ret, struct error *err);

#endif
