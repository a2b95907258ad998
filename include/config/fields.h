/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_FIELDS_H
#define SYSCT_CONFIG_FIELDS_H

/* fields - where in a container_config a key's field is. For the sources of this room. */

#include "config/config.h"
#include "config/options.h"
#include "config/problems.h"

/* The element with that title, made with its defaults when it is missing. Other elements may move.
 */
struct network_config *config_add_network(struct container_config *config, const char *name);
struct mount_config *config_add_mount(struct container_config *config, const char *path);

/* The struct that holds a section's fields; NULL: no such title, or a section of sysct.conf only.
 */
const void *config_base(const struct container_config *config, const struct section *section,
			const char *title);
void *config_add_base(struct container_config *config, const struct section *section,
		      const char *title);

/* What `set KEY=VALUE` gives, checked: one value, or for a list those between the commas. */
int config_check_values(const struct option_key *key, const char *value, struct strings *ret,
			struct error *err);

/* Where a file says a key; NULL is the section's header. back: of a list, its element counted from the last one, which is 1;
 * 0: the key's first line. 0 is what it does not say. */
struct config_lines {
	unsigned int (*line)(const void *arg, const char *section, const char *title, const char *key, size_t back);
	const void *arg;
};

/* config_validate() that collects. lines: of the file that was read last on top of sysct.conf, or NULL. */
void config_rules(struct container_config *config, const struct config_lines *lines, struct problems *problems);

#endif
