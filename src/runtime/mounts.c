/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "config/mount_options.h"
#include "os/cgroup.h"
#include "os/mount.h"
#include "os/mount_lock.h"
#include "os/namespace.h"
#include "runtime/devices.h"
#include "runtime/launch.h"
#include "runtime/started.h"

void mount_items_done(struct mount_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		free(items->items[i].path);
		free(items->items[i].size);
		close_fd(&items->items[i].fd);
	}
	free(items->items);
	*items = (struct mount_items)MOUNT_ITEMS_EMPTY;
}

static struct mount_item *add(struct mount_items *items, const char *path)
{
	items->items = xrealloc(items->items, (items->n + 1) * sizeof(struct mount_item));
	items->items[items->n] = (struct mount_item){ .path = xstrdup(path + strspn(path, "/")), .fd = -1 };
	return &items->items[items->n++];
}

/* --- on the host --- */

/* owner 0: the ids are the host's, and nothing is to be mapped. */
static int map_for(int userns, uid_t owner)
{
	return owner ? userns : -1;
}

static int open_bind(const struct mount_config *mount, int map, struct mount_item *item, struct error *err)
{
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;
	auto_close int fd = -1;
	struct stat st;

	mount_options_parse(mount->options, &options);
	fd = mount_open_source(mount->source, !options.single, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at %s", mount->source);
	item->dir = S_ISDIR(st.st_mode);
	if (mount_dress(fd, options.set | (mount->readonly ? MOUNT_ATTR_RDONLY : 0), options.clear,
			options.noidmap ? -1 : map, !options.single, err) < 0)
		return error_prefix(err, "%s", mount->source);
	item->fd = take_fd(&fd);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct mount_item *)a)->path, ((const struct mount_item *)b)->path);
}

static int lock_all(struct mount_items *items, const char *const *parts, int userns, uid_t owner, int bare_mounts,
		    const char *at, struct error *err)
{
	struct mount_lock *locks = xcalloc(items->n + 1, sizeof(*locks));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < items->n; i++)
		if (items->items[i].fd >= 0)
			locks[n++] = (struct mount_lock){ .fd = items->items[i].fd, .part = parts ? parts[i] : NULL };
	if (n && (userns >= 0 || parts))
		r = mount_lock(locks, n, userns, owner, bare_mounts, at, err);
	for (size_t i = 0, k = 0; i < items->n; i++)
		if (items->items[i].fd >= 0)
			items->items[i].fd = locks[k++].fd;
	free(locks);
	return r;
}

static int open_one(const struct container_config *config, const struct mount_config *mount, int map, struct mount_items *ret,
		    struct error *err)
{
	struct mount_item *item = add(ret, mount->path);

	item->config = mount;
	item->create = mount->create;
	item->dir = true;
	if (mount->type == MOUNT_TMPFS)
		item->size = mounts_memory_size(config, 10, 50);
	if (mount->type == MOUNT_BIND && open_bind(mount, map, item, err) < 0)
		return error_prefix(err, "[mount \"%s\"]", mount->path);
	return 0;
}

int mounts_open(const struct container_config *config, int userns, uid_t owner, int bare_mounts, const char *at,
		struct mount_items *ret, struct error *err)
{
	for (size_t i = 0; i < config->n_mounts; i++)
		if (open_one(config, &config->mounts[i], map_for(userns, owner), ret, err) < 0)
			return -err->code;
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(struct mount_item), by_path);
	return lock_all(ret, NULL, userns, owner, bare_mounts, at, err);
}

/* --- inside --- */

/* One component; made when it is missing and that is wanted. Descriptor or -errno. */
static int step_into(int dir, const char *name, bool is_dir, bool create)
{
	int flags = O_PATH | (is_dir ? O_DIRECTORY : 0);
	int fd = open_beneath(dir, name, flags, 0);

	if (fd != -ENOENT || !create)
		return fd;
	if (is_dir) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
	} else {
		auto_close int file = open_beneath(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (file < 0 && file != -EEXIST)
			return file;
	}
	return open_beneath(dir, name, flags, 0);
}

static int open_target(int root, const struct mount_item *item, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	int dir = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail(err, errno, "open the rootfs");
	strings_split(&names, item->path, "/");
	for (size_t i = 0; i < names.n; i++) {
		bool last = i + 1 == names.n;
		int next = step_into(dir, names.items[i], !last || item->dir, item->create);

		close(dir);
		dir = next;
		if (dir >= 0)
			continue;
		fail(err, -dir, "open its place \"/%s\" in the container", item->path);
		if (dir == -ENOENT)
			error_hint(err, "create = yes makes it");
		else if (dir == -ELOOP)
			error_hint(err, "a link stands in its way: %s", item->config ? "name the real path" : "remove it inside");
		else if (dir == -ENOTDIR)
			error_hint(err, "a directory goes on a directory, a file on a file");
		return -err->code;
	}
	return dir;
}

char *mounts_memory_size(const struct container_config *config, unsigned int of_host, unsigned int of_limit)
{
	uint64_t limit = config->limits.memory;
	bool limited = limit != CONFIG_UNSET && limit != CONFIG_NONE;
	uint64_t host = limited ? (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 100 * of_host : 0;

	if (!limited || limit / 100 * of_limit >= host)
		return xasprintf("size=%u%%", of_host);
	return xasprintf("size=%" PRIu64, limit / 100 * of_limit);
}

static int make_tmpfs(const struct mount_item *item, struct error *err)
{
	const struct mount_config *mount = item->config;
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;
	auto_strings struct strings data = STRINGS_EMPTY;

	mount_options_parse(mount->options, &options);
	strings_add(&data, item->size);
	strings_add(&data, "nr_inodes=400k");
	for (size_t i = 0; i < options.data.n; i++)
		strings_add(&data, options.data.items[i]);
	return mount_new("tmpfs", "tmpfs", (const char *const *)data.items,
			 options.set | (mount->readonly ? MOUNT_ATTR_RDONLY : 0), err);
}

static int place_one(int root, const struct mount_item *item, struct error *err)
{
	auto_close int target = open_target(root, item, err), tmpfs = -1;
	struct stat st;

	if (target < 0)
		return target;
	if (!item->dir && fstat(target, &st) == 0 && S_ISDIR(st.st_mode))
		return fail(err, EISDIR, "mount a file on \"/%s\" in the container", item->path);
	if (item->fd >= 0)
		return mount_attach(item->fd, target, err);
	tmpfs = make_tmpfs(item, err);
	return tmpfs < 0 ? tmpfs : mount_attach(tmpfs, target, err);
}

int mounts_place(int root, const struct mount_items *items, struct error *err)
{
	for (size_t i = 0; i < items->n; i++)
		if (place_one(root, &items->items[i], err) < 0)
			return items->items[i].config ? error_prefix(err, "[mount \"/%s\"]", items->items[i].path) :
							error_prefix(err, "[device] /%s", items->items[i].path);
	return 0;
}

/* --- into one that runs --- */

#define PLACE_TIMEOUT_MS 5000

static int place_inside(int root, void *items, struct error *err)
{
	return mounts_place(root, items, err);
}

static int place_live(const struct container_state *state, struct mount_items *items, struct error *err)
{
	auto_free int *keep = xcalloc(items->n, sizeof(int));
	const struct ns_visit visit = { &state->init, keep, items->n, PLACE_TIMEOUT_MS, place_inside, items };

	for (size_t i = 0; i < items->n; i++)
		keep[i] = items->items[i].fd;
	return ns_visit(&visit, err);
}

/* In a container nobody makes nodes: the one that we have, with its owner. */
static int bind_node(const struct device *device, struct mount_item *item, struct error *err)
{
	auto_free char *path = xasprintf("/dev/%s", device->name);

	item->fd = mount_clone(AT_FDCWD, path, false, err);
	return item->fd < 0 ? item->fd : 0;
}

/* The node on a tmpfs of its own, of which the one file goes inside: its owner is root there. */
static int open_node(const struct device *device, uid_t owner, struct mount_item *item, const char **part,
		     struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=64k", "nr_inodes=16", NULL };
	auto_close int fd = mount_new("tmpfs", "dev", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	int r;

	if (fd < 0)
		return fd;
	r = device_make(fd, device, owner);
	if (r == -EPERM)
		return bind_node(device, item, err);
	if (r < 0)
		return fail(err, -r, "make the node /dev/%s", device->name);
	item->fd = take_fd(&fd);
	*part = device->name;
	return 0;
}

static bool same_mount(const struct mount_config *a, const struct mount_config *b)
{
	return a->type == b->type && a->readonly == b->readonly && a->create == b->create &&
	       text_alike(a->source, b->source) && text_alike(a->options, b->options);
}

/* What is mounted already is in use, and stays as it is. */
static void find_later(const struct container_config *before, const struct container_config *after,
		       struct strings *later)
{
	for (size_t i = 0; i < before->n_mounts; i++) {
		const struct mount_config *mount = &before->mounts[i], *now = config_mount(after, mount->path);

		if (!now || !same_mount(mount, now))
			strings_add_take(later, xasprintf("mount.%s", mount->path));
	}
}

/* --- mounts and devices that it has not --- */

struct newcomers {
	const struct container *container;
	const struct container_state *state;
	int userns;
	const char *at;
	struct unplaced waiting;	/* mounts, parents first, and devices: not placed yet */
};

static void find_new(const struct container_config *running, const struct container_config *after, struct strings *ret)
{
	for (size_t i = 0; i < after->n_mounts; i++)
		if (!config_mount(running, after->mounts[i].path))
			strings_add(ret, after->mounts[i].path);
	strings_sort(ret);
}

/* That some failed is noted, and no more, where the caller asked for something else; an error is the first of the others. */
static void take_failure(const struct newcomers *new, bool old, const char *what, const struct error *why, struct error *err)
{
	if (old)
		log_note("%s: still not %s: %s", new->container->name, what, why->message);
	else if (!err->code)
		*err = *why;
}

/* By words. What comes and goes with nesting does so at the next start. */
struct wishes {
	struct strings had, wanted, before;
};
#define WISHES_EMPTY { STRINGS_EMPTY, STRINGS_EMPTY, STRINGS_EMPTY }
#define auto_wishes __attribute__((cleanup(wishes_done)))

static void wishes_done(struct wishes *wishes)
{
	strings_clear(&wishes->had);
	strings_clear(&wishes->wanted);
	strings_clear(&wishes->before);
}

static void find_wishes(const struct container_config *running, const struct container_config *before,
			const struct container_config *after, struct wishes *ret)
{
	struct container_config now = *after;

	now.security.nesting = running->security.nesting;
	devices_wanted(running, &ret->had);
	devices_wanted(&now, &ret->wanted);
	if (before)
		devices_wanted(before, &ret->before);
}

/* failed: what a change before this one could not place. */
static void find_new_devices(const struct wishes *wishes, const struct strings *failed, struct strings *ret, struct strings *later)
{
	for (size_t i = 0; i < wishes->wanted.n; i++)
		if (!strings_has(&wishes->had, wishes->wanted.items[i]) || strings_has(failed, wishes->wanted.items[i]))
			strings_add(ret, wishes->wanted.items[i]);
	for (size_t i = 0; i < wishes->had.n; i++)
		if (!strings_has(&wishes->wanted, wishes->had.items[i]) && !strings_has(failed, wishes->had.items[i]) &&
		    !strings_has(later, "device"))
			strings_add(later, "device");
}

/* Old and new together: what goes does so at the next start. One that is not on the host needs no rule. */
static int allow_devices(const char *group, const struct wishes *wishes, struct error *err)
{
	auto_devices struct devices found = DEVICES_EMPTY;
	auto_strings struct strings all = STRINGS_EMPTY, rules = STRINGS_EMPTY, allow = STRINGS_EMPTY;

	strings_copy(&all, &wishes->had);
	for (size_t i = 0; i < wishes->wanted.n; i++)
		strings_add(&all, wishes->wanted.items[i]);
	for (size_t i = 0; i < all.n; i++) {
		struct error gone = ERROR_NONE;

		device_find(all.items[i], &found, &gone);
	}
	devices_rules(&found, &rules);
	for (size_t i = 0; i < rules.n; i++)
		if (!strings_has(&allow, rules.items[i]))
			strings_add(&allow, rules.items[i]);
	return cgroup_extend_devices(group, (const char *const *)allow.items, err);
}

static int place_node(const struct newcomers *new, const char *wanted, struct error *err)
{
	auto_devices struct devices found = DEVICES_EMPTY;
	auto_mount_items struct mount_items one = MOUNT_ITEMS_EMPTY;
	auto_free char *path = NULL;
	uid_t owner = new->container->idmap.outside;
	struct mount_item *item;
	const char *part = NULL;

	if (device_find(wanted, &found, err) < 0)
		return -err->code;
	path = xasprintf("dev/%s", found.items[0].name);
	item = add(&one, path);
	item->create = true;
	if (open_node(&found.items[0], owner, item, &part, err) < 0 ||
	    lock_all(&one, &part, new->userns, owner, -1, new->at, err) < 0)
		return -err->code;
	return place_live(new->state, &one, err);
}

static int add_devices(struct newcomers *new, const struct wishes *wishes, struct error *err)
{
	auto_free char *group = launch_group(new->container);
	auto_strings struct strings failed = STRINGS_EMPTY;

	if (!new->waiting.devices.n)
		return 0;
	if (allow_devices(group, wishes, err) < 0)
		return -err->code;
	for (size_t i = 0; i < new->waiting.devices.n; i++) {
		const char *wanted = new->waiting.devices.items[i];
		struct error why = ERROR_NONE;

		if (place_node(new, wanted, &why) == 0)
			continue;
		strings_add(&failed, wanted);
		take_failure(new, strings_has(&wishes->before, wanted), "there", &why, err);
	}
	strings_copy(&new->waiting.devices, &failed);
	return -err->code;
}

static int mount_one(const struct newcomers *new, const struct container_config *config, const struct mount_config *mount,
		     struct error *err)
{
	auto_mount_items struct mount_items one = MOUNT_ITEMS_EMPTY;
	uid_t owner = new->container->idmap.outside;

	if (open_one(config, mount, map_for(new->userns, owner), &one, err) < 0 ||
	    lock_all(&one, NULL, new->userns, owner, -1, new->at, err) < 0)
		return -err->code;
	return place_live(new->state, &one, err);
}

/* On what is below a mount that is still to come it would vanish with that. */
static bool is_below(const char *path, const struct strings *parents)
{
	for (size_t i = 0; i < parents->n; i++) {
		size_t n = strlen(parents->items[i]);

		if (strncmp(path, parents->items[i], n) == 0 && path[n] == '/')
			return true;
	}
	return false;
}

static bool is_old(const struct container_config *before, const struct mount_config *mount)
{
	const struct mount_config *then = before ? config_mount(before, mount->path) : NULL;

	return then && same_mount(then, mount);
}

/* Each that can be placed is; those that cannot are left in new->waiting. */
static int add_mounts(struct newcomers *new, const struct container_config *before, const struct container_config *after,
		      struct error *err)
{
	auto_strings struct strings failed = STRINGS_EMPTY;

	for (size_t i = 0; i < new->waiting.mounts.n; i++) {
		const struct mount_config *mount = config_mount(after, new->waiting.mounts.items[i]);
		struct error why = ERROR_NONE;

		if (is_below(mount->path, &failed)) {
			strings_add(&failed, mount->path);
			continue;
		}
		if (mount_one(new, after, mount, &why) == 0)
			continue;
		strings_add(&failed, mount->path);
		take_failure(new, is_old(before, mount), "mounted", &why, err);
	}
	strings_copy(&new->waiting.mounts, &failed);
	return -err->code;
}

int mounts_change(const struct container *c, const struct container_state *state, const struct container_config *before,
		  const struct container_config *after, struct strings *later, struct error *err)
{
	auto_free char *dir = launch_run_dir(c), *at = xasprintf("%s/root", dir), *ns = xasprintf("%s/ns/user", dir);
	auto_close int userns = c->idmap.count ? open(ns, O_RDONLY | O_CLOEXEC) : -1;
	auto_unplaced struct unplaced failed = UNPLACED_EMPTY;
	auto_wishes struct wishes wishes = WISHES_EMPTY;
	struct newcomers new = { .container = c, .state = state, .userns = userns, .at = at };
	struct error why = ERROR_NONE;

	find_later(&c->config, after, later);
	if (c->idmap.count && userns < 0)
		return fail(err, errno, "open %s", ns);
	started_unplaced(c, &failed);
	find_wishes(&c->config, before, after, &wishes);
	find_new(&c->config, after, &new.waiting.mounts);
	find_new_devices(&wishes, &failed.devices, &new.waiting.devices, later);
	/* that they are to come is noted first: whoever fails or is killed on the way leaves it to the next change */
	if (started_note_unplaced(c, &new.waiting, err) == 0 && (new.waiting.mounts.n || new.waiting.devices.n)) {
		add_devices(&new, &wishes, err);
		add_mounts(&new, before, after, err);
		if (started_note_unplaced(c, &new.waiting, &why) < 0)
			log_warning("%s: what it has may be mounted a second time: %s", c->name, why.message);
	}
	unplaced_done(&new.waiting);
	return -err->code;
}
