/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_UNDO_H
#define SYSCT_RUNTIME_UNDO_H

/* undo - end a container: dismiss its holder and its monitor, and undo what its start did.
 *
 * The caller holds the container's lock. Privilege: root. */

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

/* Undo everything a start did. */
int container_undo(struct container *container, struct container_state *state, struct error *err);

/* The same for one whose init is gone, in two threads: the kernel takes longer to unmount the image, with the last pin of its mount
 * namespace, than all the rest takes. Before the rest meanwhile(arg) is called. */
int container_undo_beside(struct container *container, struct container_state *state, void (*meanwhile)(void *arg), void *arg,
			  struct error *err);

/* Say in the state that we are ending it. From here on its monitor does nothing any more, and an end that is interrupted
 * is finished by whoever comes next. */
int container_mark_stopping(struct container *container, struct container_state *state, struct error *err);

/* End a container's holder and monitor, which have nothing left to do. The state says so already: a monitor that sees
 * its holder go would replace it. */
void container_dismiss(const struct container_state *state);

/* Write STATE_DIR/containers/NAME/last_exit. */
void container_note_exit(const struct container *container, const char *text);

#endif
