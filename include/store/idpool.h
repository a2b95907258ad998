/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_IDPOOL_H
#define SYSCT_STORE_IDPOOL_H

/* idpool - ranges of host ids for containers, no two of which ever overlap.
 *
 * The pool is root's line in /etc/subuid and /etc/subgid where both have one, else [host] id_pool (default
 * 1000000000 to 1878982655, above what useradd(8) and systemd give out); inside of a user namespace it is our own
 * map without the first 65,536 ids. Left out: other users' ranges, ids of accounts, ranges that systemd-nspawn holds,
 * and what any container's identity names.
 *
 * A claim is the key `idmap` in an identity file (`build_idmap` while a privileged one is being created, `shifted` for
 * the ids that the files of a directory have), written
 * under the lock RUN_DIR/.host/lock/.idpool. So it goes away with the container and nothing else has to be kept. While an
 * identity cannot be read none are claimed: which ones it names is not known.
 * Privilege: reading the files; none of the kernel. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "os/idmap.h"
#include "store/container.h"

#define IDPOOL_FIRST 1000000000U
#define IDPOOL_LAST 1878982655U
#define IDPOOL_COUNT 65536U		/* what one container gets */
#define IDPOOL_COUNT_NESTING 1048576U	/* and one that has containers of its own */
#define IDPOOL_COUNT_LEAST 131072U	/* or, in a container, what is left of its own: halves of it, down to this */

/* Follow the configuration: claim what is missing, save it in the identity, and set container->idmap. A container that
 * has what it needs costs nothing. The caller holds the container's lock (or it is a create's own, unfinished one).
 * build: claim a range also for a privileged one, as `build_idmap`, for building its image. */
int idpool_ensure(struct container *container, bool build, struct error *err);

/* The lock under which claims are read and made, and a create that is done gives its directory the container's name. A descriptor, or
 * an error of lock_take(). */
int idpool_lock(const struct install *install, struct error *err);

/* Are we in a user namespace, as in a container? Then no block device can be mounted, no device node made, and no file
 * system of the host's be mapped. */
bool idpool_nested(void);

struct idpool_left {
	unsigned int containers;	/* how many more of IDPOOL_COUNT find a place, counted up to 65536 */
	const char *source;		/* where the pool comes from, for people; a constant */
	const char *hint;		/* how it is made larger; a constant */
};
/* What is left for containers to come, without any lock: another's create may be faster. Only looks. */
int idpool_left(const struct install *install, const struct host_config *host, struct idpool_left *ret, struct error *err);

/* --- the pure part --- */

struct id_range {
	uint32_t first, last;	/* both belong to it */
};

struct id_ranges {
	struct id_range *items;
	size_t n;
};
#define ID_RANGES_EMPTY { .items = NULL }

void id_ranges_add(struct id_ranges *ranges, uint64_t first, uint64_t last);
/* Sort, and make one of those that touch. */
void id_ranges_merge(struct id_ranges *ranges);
void id_ranges_clear(struct id_ranges *ranges);
#define auto_id_ranges __attribute__((cleanup(id_ranges_clear)))

/* Find `count` ids that lie in one range of uids and one of gids (both merged) and touch none of taken (any order).
 * Preferred are multiples of 65,536 from `start` on, then those before it, then any place. -ENOSPC: there is none. */
int idpool_choose(const struct id_ranges *uids, const struct id_ranges *gids,
		  const struct id_ranges *taken, uint32_t count, uint32_t start, uint32_t *ret);

/* The text of /etc/subuid: root's ranges to mine, all others' to others. Lines of another form are skipped. */
void idpool_read_subid(const char *text, struct id_ranges *mine, struct id_ranges *others);
/* The text of /etc/passwd or /etc/group: field 3. */
void idpool_read_accounts(const char *text, struct id_ranges *taken);
/* The text of /proc/self/uid_map. 1: it is the full map of the first user namespace, 0: it is not, and ret gets
 * the inside ids from 65536 on. */
int idpool_read_map(const char *text, struct id_ranges *ret);

#endif
