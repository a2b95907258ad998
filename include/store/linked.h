/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_LINKED_H
#define SYSCT_STORE_LINKED_H

/* linked - containers that stand on an image together: `create --linked`.
 *
 *     the container's root = overlay (os/overlay.h) of
 *         its own image, rootfs.image: an ext4 with the directories upper and work, mounted writable as any image
 *         its base: an image that nobody writes to, attached to one loop device for all and mounted read-only, so that
 *             there is one super block, and one page cache, of it
 *
 * STATE_DIR/bases/UUID/rootfs.img   the base: UUID is that of its ext4, which each build has anew
 *                     /meta         as of the image that it was
 * RUN_DIR/.host/lock/.base-UUID     the base's lock; in it the number of its loop device
 *
 * The base is a hard link to the file of the cached image, so it costs nothing, and neither a rebuild of that image nor its
 * removal, nor that of all of the cache, takes it away; a cache on another file system is copied from, once. It is there as
 * long as a container's identity names it.
 *
 * In the identity: base (its UUID) and base_checksum (of its super block, eight hexadecimal digits), which changes with any
 * writable mount: an overlay on a base that was changed would be neither the old nor the new one. That is no setting. An
 * upper layer can be on no other base.
 * Privilege: as of store/rootfs.h. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"
#include "store/image.h"
#include "store/rootfs.h"

/* Does it stand on a base? */
bool linked_is(const struct container *container);
/* The path of its base, or NULL. Caller frees. */
char *linked_path(const struct container *container);

/* Have a base made of the image, whose lock the caller has, name it in the container's identity, and save that. */
int linked_begin(struct container *container, const struct image *image, struct error *err);
/* Make the container's own image, without its directories yet, as a file in memory: mke2fs waits for the disk four times, and
 * what mounts and unmounts an image does so too. size: bytes. Returns a descriptor.
 * linked_keep_upper: it is done; write what is in it to dirfd/name, which must not exist. Not synced. */
int linked_make_upper(uint64_t size, const char *uuid, struct error *err);
int linked_keep_upper(int fd, int dirfd, const char *name, struct error *err);

/* rootfs: has the container's own image mounted; afterwards the overlay, with the ids of the container (shifted). fresh: its
 * directories are to be made. Errors carry hints: base missing, changed, in use otherwise; no overlay in this kernel. */
int linked_assemble(const struct container *container, bool readonly, bool fresh, struct rootfs *rootfs, struct error *err);

/* Wait, for 2 s at most, until the base's loop device is free, unless another container that runs has it too. */
void linked_wait_base(const struct container *container, int number, unsigned long long device, unsigned long long inode);

/* Names of the directories below containers/ that stand on a base, unfinished ones too, and those whose identity cannot be
 * read; appended, sorted. */
void linked_users(const struct install *install, const char *base, struct strings *ret);
/* UUIDs of all bases, appended. */
void linked_bases(const struct install *install, struct strings *ret);
/* Remove a base if no container stands on it: 1 it is gone, 0 somebody does (or it is not there). */
int linked_drop(const struct install *install, const char *base, struct error *err);
/* All such, and what creates that died left here. */
void linked_collect(const struct install *install);

#endif
