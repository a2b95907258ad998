/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list-keys - every key that is built, one a line: its name, and when a change of it counts for a container that runs:
 * "live", "start" (the next one), "create" (never), or "host" (it stands in sysct.conf alone). A free section is one key.
 * From the program's own table, so that no test can forget a new row. */

#include <stdio.h>

#include "config/options.h"

int main(void)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++) {
		const struct option *option = &options[i];
		const struct section *section = section_find(option->section);
		bool free_key = section->kind == SECTION_FREE;

		if (!option->built || !section->built)
			continue;
		printf("%s%s%s %s\n", option->section, free_key ? "" : ".", free_key ? "" : option->key,
		       section->not_in_container ? "host" :
		       option->live		 ? "live" :
		       option->at_create	 ? "create" :
						   "start");
	}
	return 0;
}
