/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_IMAGE_H
#define SYSCT_STORE_IMAGE_H

/* image - the cache of built root file systems.
 *
 * CACHE_DIR/
 *     images/KEY/rootfs.img   sparse ext4, 10G virtual, checked; or rootfs/, a directory, for the directory back end
 *               /meta         a record: what was asked for, what it is, built_at (unix seconds)
 *               /manifest     its packages
 *     images/KEY.partial-PID  being built; whoever holds the lock of KEY removes those of the dead
 *     lock/KEY                exclusive while building or removing, shared while copying
 *     log/NAME-KEY.log        what the template printed
 *     download/NAME-ARCH/     the templates' own
 *
 * KEY is a hash of the template's text and all that was asked for. An image never changes once it has its name: boxes
 * are copies, or stand on a hard link to it (store/linked.h), and record KEY as image_key in their identity. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/record.h"
#include "config/config.h"
#include "os/idmap.h"
#include "store/install.h"
#include "store/template.h"

#define IMAGE_SIZE (10ULL << 30)	/* virtual size of a cached one, and the default of [rootfs] size */

struct image_request {
	const struct install *install;
	const struct host_config *host;		/* cache_age, mirror */
	const struct template *template;
	const char *arch;			/* NULL: the host's */
	const char *release, *variant, *packages, *mirror, *guest_mirror, *keyring;	/* NULL: the template decides */
	const char *source;			/* absolute path or NULL */
	bool no_verify, offline, refresh;
	bool directory;				/* for the directory back end: no loop device needed */
	struct idmap map;			/* ids that nobody else uses, for the build; count 0: none */
	const struct progress *progress;
};

struct image {
	char key[HASH_TEXT];
	char *dir;		/* CACHE_DIR/images/KEY */
	struct record meta;
	bool directory;
	bool built;		/* it was built just now */
	int lock_fd;		/* shared: it stays as long as this is open */
};
#define IMAGE_EMPTY { .lock_fd = -1 }

/* The image for a request, from the cache or built. One that is older than [host] cache_age is built anew, but used with
 * a note when its mirror cannot be reached. Two that want the same one wait for each other. */
int image_get(const struct image_request *request, struct image *ret, struct error *err);
void image_close(struct image *image);
#define auto_image __attribute__((cleanup(image_close)))

/* Copy it to dirfd/name (must not exist) with the given virtual size, UUID and label "sysct-XXXXXXXX". Not synced.
 * Directory images: a copy of the tree. On failure nothing is left. */
int image_copy(const struct image *image, int dirfd, const char *name, uint64_t size, const char *uuid,
	       struct error *err);

/* Copy an image file's data extents alone (FICLONE where the file system can). Both descriptors are open. */
int image_copy_file(int from, int to, struct error *err);

/* Make holes of what is allocated and was never written. Both read as zeros; but lseek(2) with SEEK_DATA takes unwritten
 * blocks for data as soon as somebody has read them, since their pages are then in the page cache (iomap_seek_data() of
 * fs/iomap/seek.c, for IOMAP_UNWRITTEN), and a copy would write all of them. Nobody else writes to the file. Where the
 * file system cannot tell extents, nothing is done. */
int image_punch_unwritten(int fd, struct error *err);

/* --- list and prune --- */

struct image_info {
	char *key, *path;
	struct record meta;	/* template, release, version, arch, variant, built_at, ... */
	uint64_t used;		/* bytes on the host's disk */
	int64_t built_at;	/* unix seconds */
	struct strings users;	/* names of the containers that stand on it */
	bool old;		/* older than cache_age */
	bool base;		/* no longer in the cache, but there are containers that stand on it (store/linked.h); key is
				 * its UUID then */
};

struct image_list {
	struct image_info *items;
	size_t n;
};
#define IMAGE_LIST_EMPTY { .items = NULL }
void image_list_done(struct image_list *list);
#define auto_image_list __attribute__((cleanup(image_list_done)))

int image_list(const struct install *install, const struct host_config *host, struct image_list *ret,
	       struct error *err);

/* Remove images that no container stands on and that are at least min_age old (microseconds; 0: any), and what
 * builds that died left. *ret: those removed, or that would be when dry_run. One in use by a create is left. */
int image_prune(const struct install *install, const struct host_config *host, uint64_t min_age, bool dry_run,
		struct image_list *ret, struct error *err);

#endif
