/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_OUTPUT_H
#define SYSCT_COMMAND_OUTPUT_H

/* output - results as a table, as JSON or as CSV.
 *
 * A result is made once, as a value: CSV is the same values in a line, lists with blanks between them, null as
 * nothing. Tables are for people: what a container may have chosen is printable in them, sizes have units, and
 * colours come on a terminal alone, and not with NO_COLOR. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "command/value.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

/* "table", "json" or "csv"; else STATUS_USAGE. */
int format_parse(const char *text, enum format *ret, struct error *err);

/* --- CSV (RFC 4180, with newlines alone at the ends of lines) --- */

/* Append one field, and a comma in front unless it is the first; quoted where it has to be. */
void csv_add(struct text *line, bool first, const char *field);
/* A header with the keys, then a line for each object of the array; the array is given back. */
void csv_print_take(struct value *array, const char *const *keys, size_t n_keys);

/* --- tables --- */

struct table;

struct column {
	const char *name;
	bool right;	/* numbers */
};

/* A table of n columns; it ends with table_print_take() or table_drop(). What prints it, sysct-table of libexec_dir, is started here,
 * so that it has loaded its library when the lines are there. */
struct table *table_new(const struct column *columns, size_t n, const char *libexec_dir);
/* A line, with a cell for each column. cells[i] NULL: "-". Control characters become \xNN. */
void table_add(struct table *table, const char *const *cells);
/* The same, with a colour for the cell of one column, "red" say; NULL: none. */
void table_add_colored(struct table *table, const char *const *cells, size_t column, const char *color);
void table_drop(struct table *table);
/* Print and drop. A table without lines prints its header all the same. When it cannot be printed the program ends and
 * says why, and what to install: only commands that show something come here. */
void table_print_take(struct table *table);
/* Could one be printed? */
int table_check(const char *libexec_dir, struct error *err);

#define TABLE_COLOR '\x1f'	/* between a cell's colour and its text */
#define TABLE_END '\x04'	/* the last line: the table is whole */

/* A cell as table_add() writes it. Caller frees. */
char *table_cell(const char *text);
/* May standard output have colours? */
bool output_colors(void);
/* Print text on standard output, in that colour where it may; NULL: none. */
void print_colored(const char *color, const char *text);

#endif
