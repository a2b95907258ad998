/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Four texts with a NUL between them, as passwd, group, shadow and gshadow of a root file system that an account is made in:
 * refused with a message, or there is one line of it, with an id that the container has, and all other lines are as they
 * were. The third is authorized keys as well. Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the
 * corpus. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "runtime/account.h"
#include "store/guest_user.h"
#include "store/host_user.h"
#include "fuzz.h"

static const char *const files[] = { "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow" };

static char path[40];

static void remove_root(void)
{
	struct error ignored = ERROR_NONE;

	remove_tree_at(AT_FDCWD, path, &ignored);
}

static int new_root(void)
{
	int fd;

	if (!*path) {
		snprintf(path, sizeof(path), "/dev/shm/sysct-fuzz-%d", (int)getpid());
		atexit(remove_root);
	} else {
		remove_root();
	}
	if (mkdir(path, 0755) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(fd, "etc", 0755);
	mkdirat(fd, "home", 0755);
	return fd;
}

static void put(int root, const char *name, const char *text)
{
	auto_close int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	require(fd >= 0 && write_all(fd, text, strlen(text)) == 0, "write a file", name);
}

static void check(int root, const char *passwd)
{
	auto_free char *text = NULL, *group = NULL;
	struct account account;
	struct error err = ERROR_NONE;

	require(read_file_at(root, files[0], 1 << 22, &text, NULL) == 0, "no passwd", passwd);
	require(read_file_at(root, files[1], 1 << 22, &group, NULL) == 0, "no group", passwd);
	require(account_parse("me", text, group, &account, &err) == 0, err.message, text);
	require(account.uid > 0 && account.uid < 65536, "an id that the container has not", text);
	require(strlen(text) >= strlen(passwd), "passwd has become shorter", text);
	require(strncmp(text, passwd, strlen(passwd)) == 0, "lines that were there are others now", text);
}

static void keys(const char *text)
{
	auto_strings struct strings list = STRINGS_EMPTY, again = STRINGS_EMPTY;
	auto_free char *joined = NULL;

	host_user_take_keys(text, true, &list);
	for (size_t i = 0; i < list.n; i++)
		require(*list.items[i] && !strpbrk(list.items[i], "\n\r"), "a key of several lines", list.items[i]);
	joined = strings_join(&list, "\n");
	host_user_take_keys(joined, true, &again);
	require(again.n == list.n, "keys read back are others", joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guest_user who = { .name = "me", .group = "me", .uid = 1000, .gid = 1000, .gecos = "", .shell = "/bin/sh",
					.ids = 65536 };
	auto_close int root = new_root();
	auto_free char *passwd = NULL;
	struct guest_user_made made = { .ssh = false };
	struct error err = ERROR_NONE;
	size_t at = 0;

	if (root < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(files) && at <= size; i++) {
		auto_free char *text = xstrndup((const char *)data + at, size - at);

		put(root, files[i], text);
		at += strlen(text) + 1;
		if (i == 0)
			passwd = xstrdup(text);
		if (i == 2)
			keys(text);
	}
	if (guest_user_make(root, &who, "unknown", &made, &err) == 0)
		check(root, passwd);
	else
		require(err.code > 0 && err.message[0], "refused without a message", passwd);
	return 0;
}
