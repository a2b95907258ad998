/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* logs - what the console printed: console.log.1, the older half, then console.log.
 *
 * What is printed there was chosen inside. So a terminal gets it filtered: control sequences (colours, movements)
 * are dropped, carriage returns at the ends of lines too, and all other control characters show as \xNN. A pipe
 * or a file, which may go to a terminal next, gets the bytes without what a terminal answers (base/questions.h); --raw
 * gives all of them to whatever it is. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/questions.h"
#include "command/command.h"
#include "command/plain.h"
#include "runtime/settle.h"

#define POLL_MS 100
#define READ_BYTES 65536

enum { O_RAW = 256 };

struct logs {
	bool follow, raw, shown, limited;
	uint64_t lines;
	struct plain plain;
	struct questions questions;
};

/* --- output --- */

static int put(struct logs *logs, const char *data, size_t n, struct error *err)
{
	static char some[READ_BYTES + QUESTIONS_HELD];
	auto_text struct text text = TEXT_EMPTY;
	int r;

	if (logs->shown && !logs->raw) {
		plain_filter(&logs->plain, data, n, &text);
		data = text.data;
		n = text.len;
	} else if (!logs->raw) {
		n = questions_leave_out(&logs->questions, data, n, some);
		data = some;
	}
	r = n ? write_all(1, data, n) : 0;
	return r < 0 ? fail(err, -r, "write the result") : 0;
}

/* From where fd stands to its end. */
static int put_rest(struct logs *logs, int fd, struct error *err)
{
	static char buf[READ_BYTES];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return fail(err, errno, "read the console log");
		if (interrupt_check(err) < 0 || (n > 0 && put(logs, buf, (size_t)n, err) < 0))
			return -err->code;
	}
	return 0;
}

/* --- the last lines --- */

/* Set fd to where its last *lines lines begin, and take off *lines what it has. skip_last: the file goes on in
 * no other, so its last newline ends a line and begins none. */
static int seek_lines(int fd, bool skip_last, uint64_t *lines, struct error *err)
{
	static char buf[65536];
	off_t at = lseek(fd, 0, SEEK_END);

	while (at > 0) {
		size_t part = at > (off_t)sizeof(buf) ? sizeof(buf) : (size_t)at;
		ssize_t n = pread(fd, buf, part, at - (off_t)part);

		if (n != (ssize_t)part)
			return fail(err, n < 0 ? errno : EIO, "read the console log");
		for (size_t i = part; i > 0; i--) {
			bool newline = buf[i - 1] == '\n';

			if (newline && skip_last) {
				skip_last = false;
				continue;
			}
			skip_last = false;
			if (newline && --*lines == 0)
				return lseek(fd, at - (off_t)part + (off_t)i, SEEK_SET) < 0 ?
					       fail(err, errno, "read the console log") : 0;
		}
		at -= (off_t)part;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? fail(err, errno, "read the console log") : 0;
}

static bool is_empty(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0;
}

static int seek_both(const struct logs *logs, int older, int newer, struct error *err)
{
	uint64_t lines = logs->lines;

	if (lines == 0) {
		if (older >= 0)
			lseek(older, 0, SEEK_END);
		if (newer >= 0)
			lseek(newer, 0, SEEK_END);
		return 0;
	}
	if (newer >= 0 && seek_lines(newer, true, &lines, err) < 0)
		return -err->code;
	if (older < 0)
		return 0;
	if (lines == 0)
		return lseek(older, 0, SEEK_END) < 0 ? fail(err, errno, "read the console log") : 0;
	return seek_lines(older, is_empty(newer), &lines, err);
}

/* --- following --- */

static int open_log(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool same_file(int fd, int other)
{
	struct stat a, b;

	return fd >= 0 && other >= 0 && fstat(fd, &a) == 0 && fstat(other, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* The log was rotated if its name is another file now. If it was rotated twice since we looked, the file between
 * is the older one now. */
static int follow_rotation(struct logs *logs, int dir, int *fd, struct error *err)
{
	auto_close int newer = open_log(dir, "console.log"), older = -1;

	if (newer < 0 || same_file(*fd, newer))
		return 0;
	older = open_log(dir, "console.log.1");
	if (*fd >= 0 && put_rest(logs, *fd, err) < 0)
		return -err->code;
	if (*fd >= 0 && older >= 0 && !same_file(*fd, older) && put_rest(logs, older, err) < 0)
		return -err->code;
	close_fd(fd);
	*fd = take_fd(&newer);
	return put_rest(logs, *fd, err);
}

/* Somebody emptied it by hand: begin at its new begin. */
static void follow_truncation(int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR))
		lseek(fd, 0, SEEK_SET);
}

/* Until ^C, or until nobody reads what we write, or the container is destroyed. */
static int follow(struct logs *logs, const struct container *c, int *fd, struct error *err)
{
	int dir = c->dir_fd;

	for (;;) {
		struct pollfd reader = { .fd = 1 };
		struct stat st;

		container_adopt(c->install, c->name);	/* nobody would write it else */
		if (interrupt_check(err) < 0)
			return -err->code;
		if (poll(&reader, 1, POLL_MS) == 1 && reader.revents & (POLLERR | POLLHUP | POLLNVAL))
			return 0;
		follow_truncation(*fd);
		if (*fd >= 0 && put_rest(logs, *fd, err) < 0)
			return -err->code;
		if (follow_rotation(logs, dir, fd, err) < 0)
			return -err->code;
		if (fstat(dir, &st) < 0 || st.st_nlink == 0)
			return 0;
	}
}

static int show_logs(struct logs *logs, const struct container *c, struct error *err)
{
	auto_close int newer = open_log(c->dir_fd, "console.log");
	auto_close int older = open_log(c->dir_fd, "console.log.1");

	if (newer < 0 && errno != ENOENT && older < 0)
		return fail(err, errno, "open %s/console.log", c->dir);
	if (logs->limited && seek_both(logs, older, newer, err) < 0)
		return -err->code;
	if (older >= 0 && put_rest(logs, older, err) < 0)
		return -err->code;
	if (newer >= 0 && put_rest(logs, newer, err) < 0)
		return -err->code;
	return logs->follow ? follow(logs, c, &newer, err) : 0;
}

int command_logs(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' }, { "lines", required_argument, NULL, 'n' },
		{ "raw", no_argument, NULL, O_RAW },  { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("logs");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct container box = CONTAINER_EMPTY;
	struct logs logs = { .shown = isatty(1) };
	int c, r;

	while ((c = command_option(self, argc, argv, "hfn:", options, err)) >= 0) {
		logs.follow |= c == 'f';
		logs.raw |= c == O_RAW;
		logs.limited |= c == 'n';
		if (c == 'n' && parse_u64(optarg, &logs.lines) < 0)
			return command_usage(self, err, "-n %s is no number of lines", optarg);
	}
	if (c != -1 || command_names(self, context, false, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	if (names.n != 1)
		return command_usage(self, err, "one name, please");
	context->name = argv[optind];
	if (container_open(&context->install, names.items[0], false, true, &box, err) < 0)
		return -err->code;
	r = show_logs(&logs, &box, err);
	container_close(&box);
	if (r < 0 && err->status == STATUS_INTERRUPTED)
		return STATUS_INTERRUPTED;	/* ^C is how one leaves -f: nothing to say */
	return r == -EPIPE ? 0 : r;
}
