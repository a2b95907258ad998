/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/output.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/library.h"

int format_parse(const char *text, enum format *ret, struct error *err)
{
	static const char *const names[] = { "table", "json", "csv" };
	auto_free char *shown = text_printable(text);
	const char *near = nearest_of(text, names, ARRAY_SIZE(names));

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum format)i;
			return 0;
		}
	}
	fail_status(err, STATUS_USAGE, "there is no format \"%s\"", shown);
	if (near)
		return error_hint(err, "did you mean \"%s\"? There are table, json and csv", near);
	return error_hint(err, "there are table, json and csv");
}

/* --- CSV --- */

void csv_add(struct text *line, bool first, const char *field)
{
	size_t n = strlen(field);

	if (!first)
		text_append(line, ",", 1);
	/* blanks at the ends too: some readers drop them */
	if (n && !strpbrk(field, ",\"\r\n") && *field != ' ' && field[n - 1] != ' ') {
		text_append(line, field, n);
		return;
	}
	if (!n)
		return;
	text_append(line, "\"", 1);
	for (; *field; field++)
		text_append(line, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
	text_append(line, "\"", 1);
}

void csv_print_take(struct value *array, const char *const *keys, size_t n_keys)
{
	auto_text struct text out = TEXT_EMPTY;

	for (size_t k = 0; k < n_keys; k++)
		csv_add(&out, k == 0, keys[k]);
	text_append(&out, "\n", 1);
	for (size_t i = 0; i < value_count(array); i++) {
		struct value *row = value_at(array, i);

		for (size_t k = 0; k < n_keys; k++) {
			auto_free char *field = value_flat(value_member(row, keys[k]));

			csv_add(&out, k == 0, field);
		}
		text_append(&out, "\n", 1);
	}
	fwrite(out.data, 1, out.len, stdout);
	value_put(array);
}

/* --- tables --- */

#define CALLS(X) X(scols_cell_set_color) X(scols_column_get_name) X(scols_line_get_cell) \
	X(scols_line_refer_data) X(scols_new_table) X(scols_print_table) X(scols_table_enable_colors) \
	X(scols_table_enable_noencoding) X(scols_table_get_column) X(scols_table_get_nlines) \
	X(scols_table_new_column) X(scols_table_new_line) X(scols_unref_table)

static const char *const names[] = { CALLS(LIBRARY_NAME) };
static struct calls { CALLS(LIBRARY_POINTER) } loaded;

static const struct calls *scols(void)
{
	if (!loaded.scols_new_table)
		library_load(&library_smartcols, names, ARRAY_SIZE(names), &loaded);
	return &loaded;
}

bool output_colors(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(1) && text_empty(no) && !(term && strcmp(term, "dumb") == 0);
}

void print_colored(const char *color, const char *text)
{
	static const struct {
		const char *color, *code;	/* as smartcols has them */
	} codes[] = { { "red", "31" }, { "green", "32" }, { "yellow", "1;33" }, { "cyan", "36" } };

	for (size_t i = 0; color && output_colors() && i < ARRAY_SIZE(codes); i++) {
		if (strcmp(codes[i].color, color) != 0)
			continue;
		printf("\033[%sm%s\033[0m", codes[i].code, text);
		return;
	}
	fputs(text, stdout);
}

static void *no_memory_is_the_end(void *p)
{
	if (!p) {
		fprintf(stderr, "sysct: out of memory\n");
		exit(STATUS_FAILED);
	}
	return p;
}

struct libscols_table *table_new(const struct column *columns, size_t n)
{
	struct libscols_table *table = no_memory_is_the_end(scols()->scols_new_table());

	scols()->scols_table_enable_noencoding(table, 1);	/* our cells are printable already */
	scols()->scols_table_enable_colors(table, output_colors());
	for (size_t i = 0; i < n; i++)
		no_memory_is_the_end(scols()->scols_table_new_column(table, columns[i].name, 0,
							    columns[i].right ? SCOLS_FL_RIGHT : 0));
	return table;
}

char *table_cell(const char *text)
{
	return text_empty(text) ? xstrdup("-") : text_printable(text);
}

struct libscols_line *table_add(struct libscols_table *table, const char *const *cells, size_t n)
{
	struct libscols_line *line = no_memory_is_the_end(scols()->scols_table_new_line(table, NULL));

	for (size_t i = 0; i < n; i++)
		scols()->scols_line_refer_data(line, i, table_cell(cells[i]));
	return line;
}

void table_color(struct libscols_line *line, size_t column, const char *color)
{
	struct libscols_cell *cell = scols()->scols_line_get_cell(line, column);

	if (cell && color)
		scols()->scols_cell_set_color(cell, color);
}

void table_drop(struct libscols_table *table)
{
	if (table)
		scols()->scols_unref_table(table);
}

void table_print_take(struct libscols_table *table)
{
	/* smartcols prints nothing at all for a table without lines */
	if (scols()->scols_table_get_nlines(table) == 0) {
		struct libscols_column *column;

		for (size_t i = 0; (column = scols()->scols_table_get_column(table, i)); i++)
			printf("%s%s", i ? " " : "", scols()->scols_column_get_name(column));
		printf("\n");
	} else {
		scols()->scols_print_table(table);
	}
	table_drop(table);
}
