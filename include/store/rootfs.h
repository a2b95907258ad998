/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_ROOTFS_H
#define SYSCT_STORE_ROOTFS_H

/* rootfs - the back ends a root file system can stand on, by table: image, linked image and directory.
 *
 * An open rootfs is a detached mount (os/mount.h): it appears in no mount table of the host and goes away
 * with its last user. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "os/loop.h"
#include "store/container.h"

struct rootfs {
	int mount_fd;			/* detached, nodev; ids as on disk until mount_idmap() */
	int lock_fd;			/* of the image, with its write lock: the proof that it is mounted once */
	struct loop loop;		/* fd -1: no loop device */
	unsigned long long device, inode;	/* of the image */
	bool shifted;			/* a directory or overlay whose files have the container's own ids already:
					 * never mount_idmap() it */
	struct loop base;		/* of what a linked one stands on (store/linked.h), fd -1: none */
	unsigned long long base_device, base_inode;
};
#define ROOTFS_EMPTY { .mount_fd = -1, .lock_fd = -1, .loop = { .fd = -1 }, .base = { .fd = -1 } }

/* Check, repair (e2fsck -p when it was not cleanly unmounted) and mount. Errors carry hints: image missing, not
 * ext4, in use, needs a person's e2fsck, no loop device. */
int rootfs_open(const struct container *container, bool readonly, struct rootfs *ret, struct error *err);
/* For the first time, while it is made: writable. */
int rootfs_open_new(const struct container *container, struct rootfs *ret, struct error *err);
/* The image alone, also of one that is linked: for what concerns the file system and not its files. */
int rootfs_open_image(const struct container *container, struct rootfs *ret, struct error *err);

/* How long an e2fsck may take that rootfs_open() will run: 0 for a clean one, or one that is no image; milliseconds. */
int rootfs_check_ms(const struct container *container);

/* Whether rootfs_open() only has to attach and mount an image: nothing to check first, no layers. */
bool rootfs_is_quick(const struct container *container);

/* Is the image mounted, or being copied, by anybody? 1, 0 (also: there is no image), or an error. Takes nothing. */
int rootfs_in_use(const struct container *container, struct error *err);
/* Give the space of files that were deleted inside back to the host (FITRIM, ioctl_fitrim(2)). fd: the detached mount,
 * or any directory on it. *ret_bytes: what the file system says, 0 where it cannot do it. */
int rootfs_trim(int fd, uint64_t *ret_bytes, struct error *err);
/* Whether to mount with the discard option: [rootfs] discard; what auto means was measured, see rootfs.c. */
bool rootfs_discards(const struct container *container);
/* Bytes, about, that a trim would give back: what the image takes on the host beyond what its file system can need. Of
 * that the journal and the room for a larger table of groups, some 100 MiB of 10 GiB, may be holes yet: so much more there can be.
 * fd: any directory on it while it is mounted, -1 when it is not. 0 when unknown, or when it stands in a directory. */
uint64_t rootfs_to_give(const struct container *container, int fd);

/* A directory's files normally have ids from 0 on, and the mount maps them. Where the file system cannot do that, or is
 * not ours to map (in a container), they get the container's ids on disk, and the identity says so.
 * rootfs_begin_ids: for a new copy, which it looks at; the caller saves the identity. rootfs_follow_ids: after
 * idpool_ensure(), in case the ids are other ones now. The caller holds the container's lock. */
int rootfs_begin_ids(struct container *container, struct error *err);
int rootfs_follow_ids(struct container *container, struct error *err);

/* The kind of init in a root file system: "systemd", "busybox", "openrc", "sysvinit", "runit", "s6", or "unknown".
 * Looked up inside of root_fd alone. Returns 0. */
int rootfs_detect_init(int root_fd, char buf[16]);

/* Give back everything that is still held; safe twice. */
void rootfs_close(struct rootfs *rootfs);

/* The path of the image or directory, for people. Caller frees. */
char *rootfs_path(const struct container *container);
/* Virtual size and bytes really used on the host; 0 when unknown. */
void rootfs_usage(const struct container *container, uint64_t *ret_size, uint64_t *ret_used);

#endif
