/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_CONTAINER_H
#define SYSCT_STORE_CONTAINER_H

/* container - a name, its directory, its lock, its configuration and its identity.
 *
 * STATE_DIR/containers/NAME/
 *     config       what the administrator wants (INI)
 *     identity     what was made once for it: a record (base/record.h) with
 *                  version (IDENTITY_VERSION; absent: 1), uuid, created_at (unix seconds), idmap (inside:outside:count, absent when privileged), idmap_given (1: by security.idmap),
 *                  image_key (the cached image it was made of, absent if none), init_kind,
 *                  base, base_checksum (what a linked one stands on, see store/linked.h),
 *                  shifted (like idmap: the ids that the files of its directory have, absent when they have 0 and up),
 *                  hostname (what was written into /etc/hostname last; absent: not known),
 *                  hwaddr.LINK, ipv4.LINK, ipv6.LINK (given once, kept)
 *     rootfs.img   its file system
 *     console.log  what its console printed
 *
 * The lock is RUN_DIR/.host/lock/NAME, an open-file-description lock on a file that is never unlinked. Reading
 * (list, info) needs no lock. */

#include <stdbool.h>

#include "base/error.h"
#include "base/record.h"
#include "config/config.h"
#include "os/idmap.h"
#include "store/install.h"

#define IDENTITY_VERSION 1
#define IDENTITY_HOSTNAME "hostname"	/* written into its /etc last */
#define IDENTITY_RENAMING "renaming"	/* names with blanks between them: starts began to write them, and none was noted since */

struct container {
	const struct install *install;
	char *name;
	char *dir;			/* STATE_DIR/containers/NAME */
	int dir_fd;
	int lock_fd;			/* -1: not locked */
	bool untidy;			/* locked, and not yet looked at for files that somebody was writing when he was killed */
	int image_fd;			/* while it is made: its image, as long as that is in memory; else -1 */
	struct record identity;
	char uuid[37];
	struct idmap idmap;		/* privileged: each id as itself (idmap_identity()); count 0: it has none yet */
	struct host_config host;
	struct container_config config;
	char *broken;			/* NULL, or why configuration or identity could not be read */
};

/* Open an existing container. lock: take its lock, waiting at most 10 s (STATUS_STATE with "busy" and by whom,
 * when somebody holds it longer). A name that does not exist: STATUS_NOT_FOUND with a "did you mean" hint. A broken
 * configuration is an error unless tolerant (list, info, destroy, stop): then config holds the defaults and
 * ret->broken says why. One of a newer version of sysct (-EPROTO, STATUS_STATE) is an error for all.
 *
 * idmap is what identity holds, or each id of ours as itself when the configuration says privileged: a start calls
 * idpool_ensure() (store/idpool.h) first, which follows the configuration and claims ids where they are missing. */
int container_open(const struct install *install, const char *name, bool lock, bool tolerant,
		   struct container *ret, struct error *err);
void container_close(struct container *container);

/* Its host name: the configuration's, else its own name. */
const char *container_hostname(const struct container *container);

/* What sysct.conf says, for a command that looks at many containers and reads it once for all of them. */
struct container_defaults {
	int result;		/* 0, or the negative errno that each container_look() returns, with why */
	struct error why;
	struct host_config host;
	struct container_config config;
	struct config_memo *memo;	/* of the containers' own files */
};
void container_defaults_load(const struct install *install, struct container_defaults *ret);
void container_defaults_done(struct container_defaults *defaults);

/* container_open() without lock and tolerant, for list and info. defaults NULL: read here. */
int container_look(const struct install *install, const struct container_defaults *defaults, const char *name,
		   struct container *ret, struct error *err);
#define CONTAINER_EMPTY { .dir_fd = -1, .lock_fd = -1, .image_fd = -1 }

/* Let go of the lock alone, at the end of what it was for: what a command that was killed has left half written is removed before.
 * container_drop_lock: in a child of a start, which must not hold it. */
void container_unlock(struct container *container);
void container_drop_lock(struct container *container);

/* Save the identity record (whole or not at all, fsync). */
int container_save_identity(struct container *container, struct error *err);

/* Names of all containers, sorted. Leftovers of unfinished creates (names that begin with a dot) are not
 * among them. */
int container_names(const struct install *install, struct strings *ret, struct error *err);

/* The text of an identity of each container there is, unfinished creates and what is being destroyed among them, in no order and
 * without a lock; one that has none is passed over. result: 0, or -errno, and then there is no text. dir is where it lies:
 * STATE_DIR/containers/NAME. Another result of `each` than 0 ends it, and is returned: a negative one with err set. A directory
 * that cannot be read is an error; what was found before that has been seen. */
typedef int container_identity_fn(const char *name, const char *dir, int result, const char *text, size_t n, void *arg,
				  struct error *err);
int container_each_identity(const struct install *install, container_identity_fn *each, void *arg, struct error *err);

/* Take the lock of a name whether it exists or not; errors as lock_take() of os/lock.h. Returns a descriptor. */
int container_lock(const struct install *install, const char *name, int wait_ms, struct error *err);

#endif
