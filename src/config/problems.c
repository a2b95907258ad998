/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PROBLEMS_KEPT 64 /* more than a message holds */
#define PATH_SHOWN 128	 /* the end of a long path, so that the reason still fits */

void problem_add(struct problems *problems, unsigned int line, const char *format, ...)
{
	size_t at = problems->n;
	char *text;
	va_list args;

	if (problems->n == PROBLEMS_KEPT) {
		problems->more++;
		return;
	}
	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	problems->items = xrealloc(problems->items, (problems->n + 1) * sizeof(struct problem));
	/* in the order of lines: names are checked in one pass over the file, values in another */
	for (; at > 0 && problems->items[at - 1].line > line; at--)
		problems->items[at] = problems->items[at - 1];
	problems->items[at] = (struct problem){ line, text };
	problems->n++;
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		free(problems->items[i].text);
	free(problems->items);
	*problems = (struct problems)PROBLEMS_EMPTY;
}

static void add_line(struct text *out, const char *path, const struct problem *problem)
{
	const char *slash = path ? strchr(path, '/') : NULL;
	size_t n = slash ? strlen(slash) : 0;

	if (n > PATH_SHOWN)	/* words in front of the path stay */
		text_add(out, "%.*s...%s", (int)(slash - path), path, slash + n - PATH_SHOWN);
	else if (path)
		text_add(out, "%s", path);
	if (path && problem->line)
		text_add(out, ":%u", problem->line);
	text_add(out, "%s%s", path ? ": " : "", problem->text);
}

int problems_report(const struct problems *problems, const char *path, struct error *err)
{
	static const size_t tail = sizeof("\n... and 4294967295 more");
	auto_text struct text out = TEXT_EMPTY;
	size_t shown = 0;

	if (!problems->n)
		return 0;
	for (; shown < problems->n; shown++) {
		auto_text struct text line = TEXT_EMPTY;

		add_line(&line, path, &problems->items[shown]);
		if (shown && out.len + line.len + 1 > sizeof(err->message) - tail)
			break;
		text_add(&out, "%s%s", shown ? "\n" : "", line.data);
	}
	if (shown < problems->n || problems->more)
		text_add(&out, "\n... and %zu more", problems->n - shown + problems->more);
	return fail_status(err, STATUS_USAGE, "%s", out.data);
}
