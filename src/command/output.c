/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "os/process.h"

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

struct table {
	struct text text;	/* as sysct-table reads it, src/table/main.c */
	size_t n_columns, n_lines;
	pid_t pid;	/* it, which gets ready meanwhile; 0: it could not be started, for this reason */
	int error;
	int input;	/* to it, -1: none */
	int said;	/* its standard error, a file in memory; -1: ours */
	char *program;
};

#define PROGRAM "sysct-table"

/* As smartcols would see it. */
static unsigned int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint32_t n;

	if (!isatty(1))
		return 0;
	if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns && parse_u32(columns, &n) == 0 && n > 0 ? n : 80;
}

static int spawn_printer(struct table *table, int input)
{
	auto_free char *width = xasprintf("%u", terminal_width());
	char name[] = PROGRAM, width_option[] = "--width", colors[] = "--colors";
	char *argv[] = { name, width_option, width, output_colors() ? colors : NULL, NULL }, *environment[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigdefault(&how, &signals);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, 0);
	if (table->said >= 0)
		posix_spawn_file_actions_adddup2(&files, table->said, 2);
	r = posix_spawn(&table->pid, table->program, &files, &how, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return r;
}

static void start_printer(struct table *table)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0) {
		table->error = errno;
		return;
	}
	table->error = spawn_printer(table, fds[0]);
	if (table->error)
		table->pid = 0;
	close(fds[0]);
	table->input = fds[1];
}

struct table *table_new(const struct column *columns, size_t n, const char *libexec_dir)
{
	struct table *table = xcalloc(1, sizeof(*table));

	table->input = -1;
	table->program = xasprintf("%s/" PROGRAM, libexec_dir);
	table->said = memfd_create(PROGRAM, MFD_CLOEXEC);
	start_printer(table);
	for (size_t i = 0; i < n; i++)
		text_add(&table->text, "%s%s%s", i ? "\t" : "", columns[i].right ? ">" : "", columns[i].name);
	text_add(&table->text, "\n");
	table->n_columns = n;
	return table;
}

char *table_cell(const char *text)
{
	return text_empty(text) ? xstrdup("-") : text_printable(text);
}

void table_add_colored(struct table *table, const char *const *cells, size_t column, const char *color)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		auto_free char *cell = table_cell(cells[i]);

		text_add(&table->text, "%s", i ? "\t" : "");
		if (color && i == column)
			text_add(&table->text, "%s%c", color, TABLE_COLOR);
		text_append(&table->text, cell, strlen(cell));
	}
	text_append(&table->text, "\n", 1);
	table->n_lines++;
}

void table_add(struct table *table, const char *const *cells)
{
	table_add_colored(table, cells, 0, NULL);
}

/* Its exit status; it is there. What was not ended by TABLE_END is not printed. Nobody who reads any more is no failure, as in main(). */
static int end_printer(struct table *table)
{
	int status;

	close_fd(&table->input);
	while (waitpid(table->pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	table->pid = 0;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGPIPE ? 0 : 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

void table_drop(struct table *table)
{
	if (!table)
		return;
	if (table->pid) {	/* it has nothing to print, and waits for an input that a child of ours may still hold */
		kill(table->pid, SIGKILL);
		end_printer(table);
	}
	close_fd(&table->input);
	free(table->program);
	close_fd(&table->said);
	text_done(&table->text);
	free(table);
}

static void print_header(const struct table *table)
{
	for (const char *c = table->text.data; *c; c++)
		if (*c != '>')
			putchar(*c == '\t' ? ' ' : *c);
}

#define NO_TABLE "install sysct again; --format json needs no table"
#define LOADER_FAILED 127	/* its exit status; what it says of a library that it does not find names it */

static int printer_failed(int status, const char *said, struct error *err)
{
	auto_free char *first = xstrndup(said, strcspn(said, "\n")), *shown = text_printable(first);

	if (status == 1 && *shown)	/* what it was at, and why not */
		return fail(err, 0, "%s", shown);
	if (*shown)
		fail(err, 0, "show a table: %s", shown);
	else
		fail(err, 0, "show a table: " PROGRAM " ended with status %d", status);
	if (strstr(said, "libsmartcols"))
		return error_hint(err, "apt-get install libsmartcols1");
	return status == LOADER_FAILED ? error_hint(err, NO_TABLE) : -err->code;
}

static int printer_absent(int code, const char *path, struct error *err)
{
	fail(err, code, "show a table: execute %s", path);
	return code == ENOENT || code == EACCES || code == ENOEXEC ? error_hint(err, NO_TABLE) : -err->code;
}

static int print_lines(struct table *table, struct error *err)
{
	static const char end[] = { TABLE_END, '\n' };
	auto_free char *said = NULL;
	int status;

	if (table->error)
		return printer_absent(table->error, table->program, err);
	text_append(&table->text, end, sizeof(end));
	fflush(stdout);
	write_all(table->input, table->text.data, table->text.len);	/* fails where its status says why */
	status = end_printer(table);
	if (status == 0)
		return 0;
	if (interrupt_check(err) < 0)	/* the signal was for both */
		return -err->code;
	if (table->said < 0 || lseek(table->said, 0, SEEK_SET) < 0 || read_fd(table->said, 4096, &said, NULL) < 0)
		said = xstrdup("");
	return printer_failed(status, said, err);
}

void table_print_take(struct table *table)
{
	struct error err = ERROR_NONE;

	if (table->n_lines == 0) {
		print_header(table);
	} else if (print_lines(table, &err) < 0) {
		error_report(&err, NULL);
		exit(error_exit_status(&err));
	}
	table_drop(table);
}

int table_check(const char *libexec_dir, struct error *err)
{
	auto_free char *path = xasprintf("%s/" PROGRAM, libexec_dir), *output = NULL;
	const char *argv[] = { path, NULL };
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };
	int status = tool_run(&run, err);

	if (status == -ENOENT || status == -EACCES)
		return printer_absent(-status, path, err);
	if (status < 0)
		return error_prefix(err, "show a table");
	return status == 0 ? 0 : printer_failed(status, output, err);
}
