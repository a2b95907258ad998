/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_IDMAP_H
#define SYSCT_OS_IDMAP_H

/* idmap - the id map of a user namespace, the same for users and groups (user_namespaces(7)).
 *
 * One range: `count` ids (at least 1) that begin at `inside`, as the payload sees them, stand for ids that
 * begin at `outside`, as the host sees them. count 0: no map, no user namespace. */

#include <stdint.h>

#include "base/error.h"

struct idmap {
	uint32_t inside, outside, count;
};

/* "inside:outside:count"; buf of >= 40 bytes for the other way. -EINVAL with a message that says the form,
 * or what overflows. inside must be 0: the payload's root has to exist. */
int idmap_parse(const char *text, struct idmap *ret, struct error *err);
const char *idmap_format(const struct idmap *map, char *buf, unsigned long room);

/* Every id that the present user namespace has, each standing for itself: to its root a namespace with this map is a
 * namespace all the same, whose root has no rights over what is the parent's, and can lift no mount that came from there. */
int idmap_identity(struct idmap *ret, struct error *err);

/* Make a user namespace with this map and return a descriptor of it (as open(2) of /proc/PID/ns/user).
 *
 * The namespace is created with the effective user id `outside`: the kernel charges its inotify instances,
 * user and mount namespaces to the creator's id (ucounts), so that these limits are each container's own.
 * Privilege: CAP_SETUID, CAP_SETGID over the present user namespace. Threads wait for each other; meanwhile the calling
 * process is not dumpable (PR_SET_DUMPABLE of prctl(2)). */
int userns_create(const struct idmap *map, struct error *err);

/* The same, with a network namespace that it owns, as if its root had made it. *ret_netns is a descriptor of that. The child
 * that held both until they were opened, with copies of the descriptors that were open at the call, may be on its way out still when
 * this returns: userns_reap() waits for it, as the next call here does. */
int userns_create_with_net(const struct idmap *map, int *ret_netns, struct error *err);
void userns_reap(void);

#endif
