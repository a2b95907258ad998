/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_MOUNTS_H
#define SYSCT_RUNTIME_MOUNTS_H

/* mounts - what [mount] and [device] name, from the host's side to its place inside.
 *
 * Sources are opened on the host as detached mounts, dressed (nodev, nosuid, read-only, ids) and locked for the user
 * namespace. They are placed by a process inside, with the rights of the container's root: paths in the rootfs are hostile,
 * and no link of them is followed. */

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "store/container.h"
#include "store/state.h"

struct mount_item {
	char *path;		/* inside, without the first slash */
	int fd;			/* -1: a tmpfs, made where it is placed */
	char *size;		/* its option, unless the configuration gives one; NULL: no tmpfs */
	const struct mount_config *config;	/* NULL: a device node */
	bool dir, create;
};

struct mount_items {
	struct mount_item *items;
	size_t n;
};
#define MOUNT_ITEMS_EMPTY { .items = NULL }
void mount_items_done(struct mount_items *items);
#define auto_mount_items __attribute__((cleanup(mount_items_done)))

/* The option size= of a file system in memory, in percent of the host's and of limits.memory: it shall be full before the container's
 * memory is. Else who fills it is killed, which frees nothing, and so is one after the other, init at last. Caller frees. */
char *mounts_memory_size(const struct container_config *config, unsigned int of_host, unsigned int of_limit);
/* All mounts of config, parents first. userns: -1 for none; bare_mounts (-1: none) and at: see mount_lock() of os/mount_lock.h. Points
 * into config. */
int mounts_open(const struct container_config *config, int userns, uid_t owner, int bare_mounts, const char *at,
		struct mount_items *ret, struct error *err);
/* In the container. */
int mounts_place(int root, const struct mount_items *items, struct error *err);

/* A running container, by what it was started with, gets what is new. What cannot be changed while it runs is added to later, as
 * keys. A mount or device that fails is tried again by the next change, whatever that changes; of one that before (NULL: nothing)
 * has as it is, and that fails again, there is a note. */
int mounts_change(const struct container *container, const struct container_state *state, const struct container_config *before,
		  const struct container_config *after, struct strings *later, struct error *err);

#endif
