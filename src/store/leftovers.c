/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/record.h"
#include "os/lock.h"
#include "store/linked.h"

#define LOCK_WAIT_MS 10000

int leftovers_lock(const struct install *install, struct error *err)
{
	auto_free char *path = xasprintf("%s/.host/lock/.store", install->run_dir);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = path, .wait_ms = LOCK_WAIT_MS,
					.what = "the directory of containers", .status = STATUS_TIMEOUT };

	return lock_take(&wish, err);
}

int leftovers_claim(int dir_fd)
{
	auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return take_fd(&fd);
}

/* The identity is root's own file; still, only a path that create could have made is believed. */
static int remove_made(int dir_fd, struct error *err)
{
	auto_record struct record identity = RECORD_EMPTY;
	auto_free char *text = NULL;
	const char *made;
	size_t n;

	if (read_file_at(dir_fd, "identity", 65536, &text, &n) < 0 || record_parse(&identity, text, n) < 0)
		return 0;
	made = record_get(&identity, "made");
	if (!made || *made != '/' || !made[1] || strstr(made, "/.."))
		return 0;
	return remove_tree_at(AT_FDCWD, made, err);
}

int leftovers_remove(int containers_fd, const char *name, struct error *err)
{
	auto_close int dir = openat(containers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? 0 : remove_made(dir, err);

	return r < 0 ? r : remove_tree_at(containers_fd, name, err);
}

/* Lock it as its maker would: who can, knows that the maker is gone. */
static void collect_one(int containers_fd, const char *path, const char *name)
{
	auto_close int dir = openat(containers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int maker = -1;
	struct error err = ERROR_NONE;

	if (dir < 0)
		return;
	maker = leftovers_claim(dir);
	if (maker == -EAGAIN)
		return;
	if (leftovers_remove(containers_fd, name, &err) < 0)
		log_warning("%s/%s is left of a %s that was cut off, and cannot be removed: %s", path, name,
			    text_starts(name, TRASH) ? "destroy" : "create", err.message);
	else
		log_note("removed %s/%s, left by a %s that was cut off", path, name,
			 text_starts(name, TRASH) ? "destroy" : "create");
}

void leftovers_tidy(const struct install *install)
{
	auto_free char *host = xasprintf("%s/.host", install->run_dir);
	auto_free char *names = xasprintf("%s/names", host);
	const char *const dirs[] = { install->state_dir, host, names };
	unsigned int removed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		removed += remove_abandoned_at(AT_FDCWD, dirs[i], NULL);
	if (removed)
		log_debug("removed %u files that were never finished", removed);
}

void leftovers_collect(const struct install *install)
{
	auto_free char *path = xasprintf("%s/containers", install->state_dir);
	auto_closedir DIR *dir = opendir(path);
	auto_strings struct strings found = STRINGS_EMPTY;
	auto_close int lock = -1;
	struct error ignored = ERROR_NONE;
	struct dirent *entry;

	leftovers_tidy(install);
	while (dir && (entry = readdir(dir)))
		if (text_starts(entry->d_name, UNFINISHED) || text_starts(entry->d_name, TRASH))
			strings_add(&found, entry->d_name);
	if (!found.n)
		return;
	lock = leftovers_lock(install, &ignored);
	for (size_t i = 0; lock >= 0 && i < found.n; i++)
		collect_one(dirfd(dir), path, found.items[i]);
	linked_collect(install);	/* the dead may have been the last on a base */
}
