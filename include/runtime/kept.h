/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_KEPT_H
#define SYSCT_RUNTIME_KEPT_H

/* kept - namespaces that outlive a stop ([namespaces] persist).
 *
 * They are bound to files in RUN_DIR/.host/kept/UUID, a tmpfs of its own, when a stop takes the pins of the running
 * container away; with them the user namespace that owns them, since nobody else's root has a right in them. The next start
 * enters all of them. A reboot of the host loses them. */

#include "base/error.h"
#include "base/record.h"
#include "store/container.h"
#include "store/state.h"

#define MORE_PERSIST "persist"	/* what a run shall leave behind */

enum kept_kind { KEPT_NET, KEPT_UTS, KEPT_IPC, KEPT_KINDS };

struct kept {
	int userns;		/* -1: nothing is kept, or the container is privileged */
	int fds[KEPT_KINDS];	/* -1: not this one */
	struct record about;	/* "idmap", and a "link" for each end of the host's */
};
#define KEPT_EMPTY { -1, { -1, -1, -1 }, { .keys = STRINGS_EMPTY } }

/* CLONE_NEW... */
int kept_flag(enum kept_kind kind);

/* For a start: what is kept and still wanted; what is not wanted any more is dropped. STATUS_STATE when it does not fit the
 * container any more. */
int kept_open(const struct container *container, struct kept *ret, struct error *err);
void kept_close(struct kept *kept);

/* For a stop, while the pins are there. */
int kept_keep(const struct container *container, const struct container_state *state, struct error *err);

/* Let go of all; what is not there is no error. 1: there was something. */
int kept_drop(const struct container *container, struct error *err);

/* The files, with the kinds before them: "net", path. */
void kept_list(const struct container *container, struct strings *kinds, struct strings *paths);

#endif
