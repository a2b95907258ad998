/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysct-table - prints a table, so that sysct itself never loads libsmartcols.
 *
 *	sysct-table [--colors] [--width N]	N: columns of the terminal; without it lines are as long as they are
 *
 * Standard input: lines of cells with tabs between them, the first one the names of the columns, with ">" in front of those that
 * stand on the right. Below it a cell may begin with a colour and TABLE_COLOR. The last one is TABLE_END: without it sysct has
 * changed its mind, or was killed, and nothing is printed. Exit status: 0, 1, 2 (usage). */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command/output.h"

static int end(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int add_columns(struct libscols_table *table, char *line)
{
	char *rest = line, *name;

	while ((name = strsep(&rest, "\t")))
		if (!scols_table_new_column(table, name + (*name == '>'), 0, *name == '>' ? SCOLS_FL_RIGHT : 0))
			return -1;
	return 0;
}

static int add_cells(struct libscols_table *table, char *text)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char *rest = text, *cell;

	if (!line)
		return -1;
	for (size_t i = 0; (cell = strsep(&rest, "\t")); i++) {
		char *behind = strchr(cell, TABLE_COLOR);

		if (behind)
			*behind++ = '\0';
		if (scols_line_set_data(line, i, behind ? behind : cell) != 0 ||
		    (behind && scols_cell_set_color(scols_line_get_cell(line, i), cell) != 0))
			return -1;
	}
	return 0;
}

/* 1: it is whole. */
static int read_table(struct libscols_table *table)
{
	auto_free char *line = NULL;
	size_t room = 0;
	ssize_t n;

	for (bool first = true; (n = getline(&line, &room, stdin)) > 0; first = false) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == TABLE_END)
			return 1;
		if ((first ? add_columns(table, line) : add_cells(table, line)) < 0)
			return -1;
	}
	return ferror(stdin) ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct libscols_table *table = scols_new_table();
	uint32_t width = 0;
	bool colors = false;
	int r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--colors") == 0) {
			colors = true;
		} else if (strcmp(argv[i], "--width") != 0 || ++i == argc || parse_u32(argv[i], &width) < 0) {
			fprintf(stderr, "usage: sysct-table [--colors] [--width N]\n");
			return 2;
		}
	}
	r = table ? read_table(table) : -1;
	if (r < 0)
		return end("read a table");
	scols_table_enable_noencoding(table, 1);	/* the cells are printable already */
	scols_table_enable_colors(table, colors);
	if (width) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, width);
	}
	if (r == 1 && (scols_print_table(table) != 0 || fflush(stdout) != 0 || ferror(stdout)))
		return end("write the result");
	scols_unref_table(table);
	return 0;
}
