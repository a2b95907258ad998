/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "os/process.h"

#define SMALL 65536

/* --- who has it --- */

/* Where the link leads, by the kernel's word: what lies there is not looked at, since it may not answer. */
static bool leads_to(int dirfd, const char *link, const char *path)
{
	char target[4096];
	ssize_t n = readlinkat(dirfd, link, target, sizeof(target));

	return n > 0 && (size_t)n == strlen(path) && memcmp(target, path, (size_t)n) == 0;
}

/* Whoever waits has the file open too, and no lock on it. */
static bool is_locked(const char *pid, const char *fd)
{
	auto_free char *path = xasprintf("/proc/%s/fdinfo/%s", pid, fd), *text = NULL;

	return read_file_at(AT_FDCWD, path, SMALL, &text, NULL) == 0 && strstr(text, "\nlock:");
}

static bool has_lock(const char *pid, const char *path)
{
	auto_free char *fds = xasprintf("/proc/%s/fd", pid);
	auto_closedir DIR *dir = opendir(fds);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (leads_to(dirfd(dir), entry->d_name, path) && is_locked(pid, entry->d_name))
			return true;
	return false;
}

/* The arguments without the directory of the program. */
static void describe(struct lock_holder *holder)
{
	auto_free char *path = xasprintf("/proc/%d/cmdline", (int)holder->pid), *words = NULL, *shown = NULL;
	auto_free char *stat = xasprintf("/proc/%d/stat", (int)holder->pid), *fields = NULL;
	const char *slash, *end;
	size_t n = 0;

	if (read_file_at(AT_FDCWD, path, SMALL, &words, &n) < 0)
		return;
	slash = strrchr(words, '/');
	slash = slash ? slash + 1 : words;
	n -= (size_t)(slash - words);
	memmove(words, slash, n + 1);
	for (size_t i = 0; i + 1 < n; i++)
		if (!words[i])
			words[i] = ' ';
	shown = text_printable(words);
	snprintf(holder->command, sizeof(holder->command), "%s", shown);
	if (read_file_at(AT_FDCWD, stat, SMALL, &fields, NULL) < 0)
		return;
	end = strrchr(fields, ')');
	holder->stopped = end && (text_starts(end, ") T") || text_starts(end, ") t"));
}

static char *real_path(int dirfd, const char *path)
{
	auto_close int fd = openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char link[32], target[4096];
	ssize_t n = fd < 0 ? -1 : readlink(fd_path(fd, link, sizeof(link)), target, sizeof(target));

	return n > 0 && n < (ssize_t)sizeof(target) ? xstrndup(target, (size_t)n) : NULL;
}

void lock_holder(int dirfd, const char *path, struct lock_holder *ret)
{
	auto_free char *real = real_path(dirfd, path);
	auto_closedir DIR *proc = opendir("/proc");
	struct process_id id, oldest = { 0 };
	struct dirent *entry;
	uint32_t pid;

	*ret = (struct lock_holder){ .pid = 0 };
	while (real && proc && (entry = readdir(proc))) {
		if (parse_u32(entry->d_name, &pid) < 0 || !has_lock(entry->d_name, real) ||
		    process_identify((pid_t)pid, &id) < 0)
			continue;
		if (!oldest.pid || id.start < oldest.start || (id.start == oldest.start && id.pid < oldest.pid))
			oldest = id;
	}
	ret->pid = oldest.pid;
	if (ret->pid)
		describe(ret);
}

/* --- to take it --- */

static int busy(const struct lock_wish *wish, struct error *err)
{
	struct lock_holder holder = { .pid = 0 };

	if (wish->wait_ms)
		lock_holder(wish->dirfd, wish->path, &holder);
	if (!holder.pid) {
		fail_status(err, wish->status, "%s is busy: another sysct works on it", wish->what);
		error_hint(err, "wait until it is done and try again");
	} else if (holder.stopped) {
		fail_status(err, wish->status, "%s is busy: process %d (%s) works on it, and is stopped by a signal",
			    wish->what, (int)holder.pid, holder.command);
		error_hint(err, "let it go on: kill -CONT %d; or end it: kill -KILL %d", (int)holder.pid, (int)holder.pid);
	} else {
		fail_status(err, wish->status, "%s is busy: process %d (%s) works on it", wish->what, (int)holder.pid,
			    holder.command);
		error_hint(err, "wait until it is done, or interrupt it: kill -INT %d", (int)holder.pid);
	}
	err->code = EBUSY;
	return -EBUSY;
}

static int refused(const struct lock_wish *wish, int fd, struct error *err)
{
	if (fd == -EINTR && interrupt_check(err) < 0)
		return -EINTR;
	return fail(err, -fd, "lock %s (%s)", wish->what, wish->path);
}

int lock_take(const struct lock_wish *wish, struct error *err)
{
	int fd = lock_file_at(wish->dirfd, wish->path, !wish->shared, wish->wait_ms);

	if (fd >= 0)
		return fd;
	return fd == -EAGAIN ? busy(wish, err) : refused(wish, fd, err);
}

static void tell(const struct lock_wish *wish, const struct lock_holder *holder)
{
	auto_free char *who = holder->pid ? xasprintf("process %d (%s)", (int)holder->pid, holder->command) :
					    xstrdup("another sysct");

	if (wish->tell)
		wish->tell(who, wish->arg);
}

#define FIRST_LOOK_MS 200
#define LOOK_MS 5000	/* to look for the holder costs some milliseconds */

int lock_take_turn(const struct lock_wish *wish, struct error *err)
{
	struct lock_holder holder = { .pid = 0 }, now;
	int mark = interrupt_mark();
	uint64_t end = 0;

	for (;;) {
		int fd = lock_file_at(wish->dirfd, wish->path, !wish->shared, end ? LOOK_MS : FIRST_LOOK_MS);

		if (fd >= 0)
			return fd;
		if (fd == -EAGAIN && interrupt_since(mark))
			fd = -EINTR;
		if (fd != -EAGAIN)
			return refused(wish, fd, err);
		lock_holder(wish->dirfd, wish->path, &now);
		if (!end || now.pid != holder.pid) {
			tell(wish, &now);
			end = now_usec() + (uint64_t)wish->wait_ms * 1000;
		}
		holder = now;
		if (now_usec() >= end)
			return busy(wish, err);
	}
}
