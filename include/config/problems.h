/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_PROBLEMS_H
#define SYSCT_CONFIG_PROBLEMS_H

/* problems - all that is wrong with a configuration, so that one run tells everything. */

#include <stddef.h>

#include "base/error.h"

struct problem {
	unsigned int line; /* 0: of the whole, not of one line */
	char *text;
};

struct problems {
	struct problem *items;
	size_t n, more; /* more: found, but not kept */
};
#define PROBLEMS_EMPTY        \
	{                     \
		.items = NULL \
	}

void problem_add(struct problems *problems, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void problems_clear(struct problems *problems);
#define auto_problems __attribute__((cleanup(problems_clear)))

/* 0: there are none. Else -EINVAL with STATUS_USAGE; the message has "PATH:LINE: text" lines in the
 * order of the file, as many as it holds, and "... and N more". path NULL: the texts alone. */
int problems_report(const struct problems *problems, const char *path, struct error *err);

#endif
