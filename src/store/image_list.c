/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image_list - what is in the cache, and taking it out: image_list() and image_prune() of store/image.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "store/container.h"
#include "store/image.h"
#include "store/linked.h"

static void info_done(struct image_info *info)
{
	free(info->key);
	free(info->path);
	record_clear(&info->meta);
	strings_clear(&info->users);
}

void image_list_done(struct image_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		info_done(&list->items[i]);
	free(list->items);
	*list = (struct image_list)IMAGE_LIST_EMPTY;
}

static void list_add_take(struct image_list *list, struct image_info *info)
{
	list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
	list->items[list->n++] = *info;
	*info = (struct image_info){ .key = NULL };
}

static bool is_key(const char *name)
{
	return strlen(name) == HASH_TEXT - 1 && strspn(name, "0123456789abcdef") == HASH_TEXT - 1;
}

/* Bytes on disk of one entry; a directory image is walked. Never follows a link. */
static uint64_t used_below(int dirfd_, const char *name, int depth)
{
	auto_closedir DIR *dir = NULL;
	struct dirent *entry;
	struct stat st;
	uint64_t sum;
	int fd;

	if (fstatat(dirfd_, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	sum = (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode) || depth > 64)
		return sum;
	fd = openat(dirfd_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			sum += used_below(fd, entry->d_name, depth + 1);
	return sum;
}

static int add_user(const char *name, const char *dir, int result, const char *text, size_t n, void *arg, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	struct image_list *list = arg;
	const char *key;

	(void)dir;
	(void)err;
	if (result < 0 || record_parse(&record, text, n) < 0)
		return 0;
	key = record_get(&record, "image_key");
	for (size_t i = 0; key && i < list->n; i++)
		if (strcmp(list->items[i].key, key) == 0)
			strings_add(&list->items[i].users, name);
	return 0;
}

/* Everything below containers/ that has an identity, an unfinished create too. */
static void find_users(const struct install *install, struct image_list *list)
{
	struct error ignored = ERROR_NONE;

	container_each_identity(install, add_user, list, &ignored);
	for (size_t i = 0; i < list->n; i++)
		strings_sort(&list->items[i].users);
}

static void read_one(int images, const char *path, const char *key, const struct host_config *host,
		     struct image_list *ret)
{
	auto_free char *meta = xasprintf("%s/meta", key);
	auto_free char *text = NULL;
	struct image_info info = { .key = xstrdup(key), .path = xasprintf("%s/%s", path, key) };
	int64_t now = time(NULL);
	size_t n;

	if (read_file_at(images, meta, 65536, &text, &n) == 0)
		record_parse(&info.meta, text, n);
	info.built_at = (int64_t)record_get_u64(&info.meta, "built_at", 0);
	info.used = used_below(images, key, 0);
	info.old = host && host->cache_age && (uint64_t)(now - info.built_at) > host->cache_age / 1000000;
	list_add_take(ret, &info);
}

static int by_name(const void *a, const void *b)
{
	const struct image_info *x = a, *y = b;
	const char *tx = record_get(&x->meta, "template"), *ty = record_get(&y->meta, "template");
	int order = strcmp(tx ? tx : "", ty ? ty : "");

	return order ? order : strcmp(x->key, y->key);
}

/* Is it the very file of an image that is listed? */
static bool same_file(const struct image_list *list, const char *path)
{
	auto_free char *file = xasprintf("%s/rootfs.img", path);
	struct stat base, st;
	bool same = false;

	for (size_t i = 0; !same && stat(file, &base) == 0 && i < list->n; i++) {
		auto_free char *other = xasprintf("%s/rootfs.img", list->items[i].path);

		same = stat(other, &st) == 0 && st.st_dev == base.st_dev && st.st_ino == base.st_ino;
	}
	return same;
}

/* What linked containers stand on, where that is not an image of the cache any more, or a copy of one. */
static void add_bases(const struct install *install, const struct host_config *host, struct image_list *list)
{
	auto_free char *path = xasprintf("%s/bases", install->state_dir);
	auto_strings struct strings bases = STRINGS_EMPTY;
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	linked_bases(install, &bases);
	for (size_t i = 0; i < bases.n; i++) {
		auto_free char *one = xasprintf("%s/%s", path, bases.items[i]);

		if (same_file(list, one))
			continue;
		read_one(dir, path, bases.items[i], host, list);
		list->items[list->n - 1].base = true;
		linked_users(install, bases.items[i], &list->items[list->n - 1].users);
	}
}

int image_list(const struct install *install, const struct host_config *host, struct image_list *ret,
	       struct error *err)
{
	auto_free char *path = xasprintf("%s/images", install->cache_dir);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	image_list_done(ret);
	if (!dir && errno != ENOENT)
		return fail(err, errno, "read %s", path);
	while (dir && (entry = readdir(dir)))
		if (is_key(entry->d_name))
			read_one(dirfd(dir), path, entry->d_name, host, ret);
	find_users(install, ret);
	add_bases(install, host, ret);
	if (ret->n > 1)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_name);
	return 0;
}

/* --- prune --- */

static int lock_free(const struct install *install, const char *key)
{
	auto_free char *path = xasprintf("%s/lock/%.*s", install->cache_dir, HASH_TEXT - 1, key);

	return lock_file_at(AT_FDCWD, path, true, 0);
}

static int remove_one(const struct install *install, const struct image_info *info, struct error *err)
{
	auto_free char *images = xasprintf("%s/images", install->cache_dir);
	auto_free char *trash = xasprintf("%s.partial-%d", info->key, (int)getpid());
	auto_close int dir = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail(err, errno, "open %s", images);
	/* First out of sight: half an image must never be found. */
	if (renameat(dir, info->key, dir, trash) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "remove the image %s", info->path);
	return remove_tree_at(dir, trash, err);
}

static void prune_partials(const struct install *install)
{
	auto_free char *images = xasprintf("%s/images", install->cache_dir);
	auto_closedir DIR *dir = opendir(images);
	struct error ignored = ERROR_NONE;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		auto_close int lock = -1;

		if (!strstr(entry->d_name, ".partial-"))
			continue;
		lock = lock_free(install, entry->d_name);
		if (lock >= 0 && remove_tree_at(dirfd(dir), entry->d_name, &ignored) == 0)
			log_note("removed %s/%s, left by a build that was cut off", images, entry->d_name);
	}
}

/* 1: it is gone, or would be. */
static int prune_base(const struct install *install, const char *base, bool dry_run, struct error *err)
{
	return dry_run ? 1 : linked_drop(install, base, err);
}

static bool used_now(const struct install *install, const char *key)
{
	struct image_info info = { .key = xstrdup(key) };
	struct image_list list = { .items = &info, .n = 1 };
	bool used;

	find_users(install, &list);
	used = info.users.n > 0;
	info_done(&info);
	return used;
}

int image_prune(const struct install *install, const struct host_config *host, uint64_t min_age, bool dry_run,
		struct image_list *ret, struct error *err)
{
	auto_image_list struct image_list all = IMAGE_LIST_EMPTY;
	int64_t now = time(NULL);
	int r = image_list(install, host, &all, err);

	image_list_done(ret);
	if (r < 0)
		return r;
	if (!dry_run)
		prune_partials(install);
	for (size_t i = 0; i < all.n; i++) {
		struct image_info *info = &all.items[i];
		auto_close int lock = -1;

		if (info->users.n)
			continue;
		if (info->base) {	/* of no use to anybody, however new */
			r = prune_base(install, info->key, dry_run, err);
			if (r < 0)
				return r;
			if (r > 0)
				list_add_take(ret, info);
			continue;
		}
		if (min_age && now - info->built_at < (int64_t)(min_age / 1000000))
			continue;
		lock = lock_free(install, info->key);
		/* With the lock nobody can begin to copy it; whoever began before has written his identity. */
		if (lock < 0 || used_now(install, info->key))
			continue;
		if (!dry_run && (r = remove_one(install, info, err)) < 0)
			return r;
		list_add_take(ret, info);
	}
	if (!dry_run)
		linked_collect(install);
	return 0;
}
