/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* destroy - store_destroy() and store_trim() of store/create.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "store/create.h"
#include "store/leftovers.h"
#include "store/linked.h"
#include "store/rootfs.h"

static int in_use(const struct container *c, struct error *err)
{
	fail_status(err, STATUS_STATE, "the root file system of \"%s\" is in use", c->name);
	err->code = EBUSY;
	return error_hint(err, "stop it first: sysct stop %s", c->name);
}

/* What create made outside is taken away with it only while the configuration still names it. */
static void forget_made(struct container *c)
{
	const char *made = record_get(&c->identity, "made");
	auto_free char *path = rootfs_path(c);
	struct error ignored = ERROR_NONE;

	if (!made || c->broken || strcmp(made, path) == 0)
		return;
	log_warning("%s was made for \"%s\", which no longer uses it: it is left", made, c->name);
	record_set(&c->identity, "made", NULL);
	container_save_identity(c, &ignored);
}

/* Returns the name in the trash; caller frees. *ret_maker: our lock on it. */
static char *throw_away(struct container *c, int containers, int *ret_maker, struct error *err)
{
	char fresh[UUID_LEN + 1];
	auto_free char *trash = NULL;
	auto_close int lock = leftovers_lock(c->install, err);

	if (lock < 0)
		return NULL;
	uuid_make(fresh);	/* not its own: a copy of a directory has the same */
	trash = xasprintf(TRASH "%s", fresh);
	/* The create that made it may not have let go yet; then somebody may help us, which is no harm. */
	*ret_maker = leftovers_claim(c->dir_fd);
	if (renameat(containers, c->name, containers, trash) < 0) {
		fail(err, errno, "remove %s", c->dir);
		if (err->code == EROFS)
			error_hint(err, "its file system is read-only: mount it writable first");
		return NULL;
	}
	fsync(containers);
	return take_ptr(&trash);
}

int store_destroy(struct container *container, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers", container->install->state_dir);
	auto_close int containers = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), maker = -1;
	auto_free char *trash = NULL;
	const char *base = record_get(&container->identity, "base");
	struct error why = ERROR_NONE;
	int r;

	if (containers < 0)
		return fail(err, errno, "open %s", path);
	store_collect(container->install);
	r = rootfs_in_use(container, err);
	if (r != 0)
		return r < 0 ? r : in_use(container, err);
	forget_made(container);
	trash = throw_away(container, containers, &maker, err);
	if (!trash)
		return -err->code;
	r = leftovers_remove(containers, trash, err);
	if (r < 0) {
		error_prefix(err, "\"%s\" is gone, but not all of its files", container->name);
		return error_hint(err, "what is left lies in %s/%s; the next create or destroy tries again", path, trash);
	}
	close_fd(&container->dir_fd);
	if (base && linked_drop(container->install, base, &why) < 0)
		log_warning("what \"%s\" stood on is left: %s; sysct image prune tries again", container->name, why.message);
	return 0;
}

int store_trim(struct container *container, uint64_t *ret_bytes, struct error *err)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	int r;

	*ret_bytes = 0;
	if (container->config.rootfs.directory)
		return 0;	/* its files are the host's own */
	r = rootfs_open_image(container, &rootfs, err);
	if (r < 0)
		return r;
	r = rootfs_trim(rootfs.mount_fd, ret_bytes, err);
	rootfs_close(&rootfs);
	if (loop_wait_free(rootfs.loop.number, rootfs.device, rootfs.inode, 30000) < 0 && r == 0)
		return fail(err, ETIMEDOUT, "wait until %s is free", rootfs.loop.path);
	return r;
}
