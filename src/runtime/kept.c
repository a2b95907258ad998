/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/namespace.h"
#include "runtime/launch.h"
#include "runtime/started.h"

static const struct {
	const char *name;
	int flag;
} kinds[KEPT_KINDS] = {
	[KEPT_NET] = { "net", CLONE_NEWNET },
	[KEPT_UTS] = { "uts", CLONE_NEWUTS },
	[KEPT_IPC] = { "ipc", CLONE_NEWIPC },
};

int kept_flag(enum kept_kind kind)
{
	return kinds[kind].flag;
}

static char *dir_of(const struct container *container)
{
	return xasprintf("%s/.host/kept/%s", container->install->run_dir, container->uuid);
}

static const char *map_of(const struct container *container, char *buf, size_t room)
{
	return container->idmap.count ? idmap_format(&container->idmap, buf, room) : "none";
}

/* The configuration may say something else by now. */
static const char *map_of_run(const struct container *container, const struct container_state *state, char *buf,
			      size_t room)
{
	const char *map = record_get(&state->more, MORE_IDMAP);

	return map ? map : map_of(container, buf, room);
}

void kept_close(struct kept *kept)
{
	close_fd(&kept->userns);
	for (int i = 0; i < KEPT_KINDS; i++)
		close_fd(&kept->fds[i]);
	record_clear(&kept->about);
}

/* --- at a start --- */

static int open_kind(const struct container *container, const char *dir, int i, struct kept *kept, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", dir, kinds[i].name);

	if (ns_inode(path) == 0)
		return 0;
	if (!strings_has(&container->config.namespaces.persist, kinds[i].name)) {
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
		unlink(path);
		return 0;
	}
	kept->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	return kept->fds[i] < 0 ? fail(err, errno, "open the kept namespace %s", path) : 0;
}

static int check_fit(const struct container *container, const struct kept *kept, struct error *err)
{
	const char *then = record_get(&kept->about, "idmap");
	char buf[64];

	if (then && strcmp(then, map_of(container, buf, sizeof(buf))) == 0)
		return 0;
	fail_status(err, STATUS_STATE, "the namespaces that are kept of it belong to other ids (%s instead of %s)",
		    then ? then : "unknown", map_of(container, buf, sizeof(buf)));
	return error_hint(err, "let go of them: sysct stop --forget %s; or take back the change of security.idmap or "
			       "privileged", container->name);
}

int kept_open(const struct container *container, struct kept *ret, struct error *err)
{
	auto_free char *dir = dir_of(container), *about = xasprintf("%s/about", dir), *text = NULL;
	auto_free char *user = xasprintf("%s/user", dir);
	struct kept kept __attribute__((cleanup(kept_close))) = KEPT_EMPTY;
	size_t len;
	int r;

	*ret = kept;
	r = read_file_at(AT_FDCWD, about, 65536, &text, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)	/* with new namespaces what is kept would be lost with the next stop */
		return fail(err, -r, "read %s", about);
	if (container->config.namespaces.persist.n == 0)
		return kept_drop(container, err) < 0 ? -err->code : 0;
	record_parse(&kept.about, text, len);
	if (check_fit(container, &kept, err) < 0)
		return -err->code;
	for (int i = 0; i < KEPT_KINDS; i++)
		if (open_kind(container, dir, i, &kept, err) < 0)
			return -err->code;
	if (container->idmap.count) {
		kept.userns = open(user, O_RDONLY | O_CLOEXEC);
		if (kept.userns < 0)
			return fail(err, errno, "open the kept namespace %s", user);
	}
	*ret = kept;
	kept = (struct kept)KEPT_EMPTY;
	return 0;
}

/* --- at a stop --- */

static int make_dir(const char *dir, struct error *err)
{
	int r = make_dirs(dir, 0700);

	if (r < 0)
		return fail(err, -r, "create %s", dir);
	if (mount("sysct", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=64k,nr_inodes=16") < 0 ||
	    mount(NULL, dir, NULL, MS_PRIVATE, NULL) < 0)
		return fail(err, errno, "mount a tmpfs on %s", dir);
	return 0;
}

static int keep_one(const char *pins, const char *dir, const char *name, struct error *err)
{
	auto_free char *source = xasprintf("%s/%s", pins, name), *target = xasprintf("%s/%s", dir, name);
	auto_close int fd = -1;

	if (ns_inode(source) == ns_inode(target))
		return 0;	/* it was entered again */
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	if (fd < 0)
		return fail(err, errno, "create %s", target);
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return fail(err, errno, "keep the %s namespace", name);
	return 0;
}

static int write_about(const struct container *container, const struct container_state *state, const char *dir,
		       struct error *err)
{
	auto_record struct record about = RECORD_EMPTY;
	auto_free char *path = xasprintf("%s/about", dir), *text = NULL;
	char buf[64];

	record_set(&about, "idmap", map_of_run(container, state, buf, sizeof(buf)));
	for (size_t i = 0; i < state->more.keys.n; i++)
		if (strcmp(state->more.keys.items[i], "link") == 0)
			record_add(&about, "link", state->more.values.items[i]);
	text = record_format(&about);
	return replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, err);
}

int kept_keep(const struct container *container, const struct container_state *state, struct error *err)
{
	const char *list = record_get(&state->more, MORE_PERSIST);
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_free char *run = launch_run_dir(container), *pins = xasprintf("%s/ns", run), *dir = dir_of(container);
	auto_free char *about = xasprintf("%s/about", dir), *user = xasprintf("%s/user", pins);

	/* a start that failed leaves nothing new behind; nor is there anything once the pins are gone */
	if (text_empty(list) || state->phase == PHASE_STARTING || ns_inode(user) == 0)
		return 0;
	strings_split(&names, list, " ");
	if (access(about, F_OK) < 0 && make_dir(dir, err) < 0)
		return -err->code;
	if (keep_one(pins, dir, "user", err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++)
		if (keep_one(pins, dir, names.items[i], err) < 0)
			return -err->code;
	return write_about(container, state, dir, err);
}

int kept_drop(const struct container *container, struct error *err)
{
	auto_free char *dir = dir_of(container), *about = xasprintf("%s/about", dir);
	bool there = access(about, F_OK) == 0;

	if (ns_unpin(dir, err) < 0)
		return -err->code;
	*strrchr(dir, '/') = '\0';
	rmdir(dir);	/* with the last of them */
	return there;
}

void kept_list(const struct container *container, struct strings *names, struct strings *paths)
{
	auto_free char *dir = dir_of(container);

	for (int i = 0; i < KEPT_KINDS; i++) {
		auto_free char *path = xasprintf("%s/%s", dir, kinds[i].name);

		if (ns_inode(path) == 0)
			continue;
		strings_add(names, kinds[i].name);
		strings_add(paths, path);
	}
}
