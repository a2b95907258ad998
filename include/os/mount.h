/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_MOUNT_H
#define SYSCT_OS_MOUNT_H

/* mount - the descriptor based mount interface (fsopen(2), fsmount(2), open_tree(2), move_mount(2),
 * mount_setattr(2); Linux 5.12 and later).
 *
 * A mount made here is detached: it is in no mount table until mount_attach(), and goes away with its
 * last descriptor. Attributes are MOUNT_ATTR_* of <sys/mount.h>.
 * Privilege: CAP_SYS_ADMIN over the user namespace of the mount namespace; ext4: over the initial one. */

#include <stdbool.h>

#include "base/error.h"

/* A new file system as a detached mount. source may be NULL. options: "key=value" or "key" strings,
 * NULL-terminated, or NULL. Returns the mount's descriptor. The kernel's own words are part of the message. */
int mount_new(const char *type, const char *source, const char *const *options, unsigned int attributes,
	      struct error *err);

/* ext4 from a block device: nodev, errors=remount-ro. discard: give freed blocks back at once. */
int mount_ext4(const char *device, bool readonly, bool discard, struct error *err);

/* Give a detached mount the ids of a user namespace, so that owner 0 on disk is the container's root. */
int mount_idmap(int mount_fd, int userns_fd, struct error *err);

/* A detached copy of what is mounted at path (open_tree(2) with OPEN_TREE_CLONE), private: nothing of what is mounted on
 * either shows up on the other. */
int mount_clone(int dirfd, const char *path, bool recursive, struct error *err);

/* Set attributes on a mount, detached or not; recursive: on all below it too. */
int mount_set(int mount_fd, unsigned int attributes, bool recursive, struct error *err);

/* Attach a mount on top of a directory or file given by descriptor. */
int mount_attach(int mount_fd, int target_fd, struct error *err);

/* The directory `path` below root_fd as an O_PATH descriptor, made with mode when it is missing and its parents
 * exist. Never follows a link. */
int mount_target(int root_fd, const char *path, unsigned int mode, struct error *err);

/* Make what is below the present root private: nothing mounted from now on is seen elsewhere. */
int mount_private(struct error *err);

/* Make the directory root_fd the root: pivot_root(2) with both arguments ".", the old root stacked on top.
 * mount_drop_old_root() takes it away; between the two the old tree is reached through the descriptor of it. */
int mount_pivot(int root_fd, struct error *err);
int mount_drop_old_root(struct error *err);

#endif
