/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_MOUNT_LOCK_H
#define SYSCT_OS_MOUNT_LOCK_H

/* mount_lock - the host's mounts for a container whose root shall not change them.
 *
 * Privilege: CAP_SYS_ADMIN over the initial user namespace. Single-threaded callers only. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* A detached copy of what is at path, private to whoever attaches it. Links on the way are refused; the hint then names
 * the real path. */
int mount_open_source(const char *path, bool recursive, struct error *err);

/* Set and clear attributes on a detached tree. userns_fd >= 0: give it the ids of that namespace. */
int mount_dress(int mount_fd, unsigned int set, unsigned int clear, int userns_fd, bool recursive, struct error *err);

/* What is put over a path of a tree before it is locked. A path that is not there is passed over; it may hold the
 * wildcards of glob(7). */
enum mount_mask_kind {
	MASK_HIDE,	/* an empty directory or file, read-only */
	MASK_READONLY,	/* itself, read-only */
	MASK_WRITABLE,	/* itself, in what was made read-only before */
	MASK_END,	/* the end of a list */
};

struct mount_mask {
	enum mount_mask_kind kind;
	const char *path;	/* below the tree, without a slash before it */
};

/* One that shall be carried over. */
struct mount_lock {
	int fd;			/* a detached tree; afterwards its locked copy */
	const char *part;	/* NULL: all of it; else a name below it, and the copy is of that alone */
	const struct mount_mask *masks;	/* NULL: none */
};

/* Carry detached mounts into a user namespace. A mount that is copied into a mount namespace of a lesser user namespace
 * has its attributes locked (mount_namespaces(7)): no root in there can lift nodev, nosuid or read-only, which a detached
 * mount that is moved in would allow. userns_fd -1: none, for the sake of the parts. owner: host id of the namespace's root;
 * at: an existing directory, used in a mount namespace of a helper process's own, which is a copy of the present one, or
 * of mounts_fd, the one of os/bare_mounts.h, where at does not matter. */
int mount_lock(struct mount_lock *locks, size_t n, int userns_fd, uid_t owner, int mounts_fd, const char *at,
	       struct error *err);

/* proc (of its pid namespace) and sysfs (of its net namespace, read-only) for a process in namespaces of its own, as the
 * host's root mounts them: detached. pidfd: the process, which stays as it is. */
int mount_api_of(int pidfd, int *ret_proc, int *ret_sys, struct error *err);

#endif
