/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_START_H
#define SYSCT_RUNTIME_START_H

/* start - boot a container, and undo what a start did.
 *
 * The caller holds the container's lock. Privilege: root. */

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"
#include "store/state.h"

/* Start it. Returns when init has been executed. On any failure, a signal or the death of the process that
 * does the work, the host is as before. timing (may be NULL) gets a line per step. */
int container_start(struct container *container, struct text *timing, struct error *err);

/* The same with a client that the monitor has from the beginning, so that it sees the first byte of the console too:
 * a control socket and a stream, see client_pair(). NULL: none. With one, and a privileged container, the program may begin
 * anew as a sealed copy of itself (os/sealed.h): nothing may have been done yet. */
int container_start_watched(struct container *container, struct text *timing, const int client[2], struct error *err);

/* Read the state and make it true: a state of an earlier boot, a start that died, a container whose init ended with
 * nobody left to notice are undone, with one note. Afterwards ret->phase is STOPPED, RUNNING, or STARTING and
 * STOPPING while the process that works on it is alive. Needs the lock: so the command of a start that is under way has been
 * killed, and the start is waited for, 10 s at most. One that runs without monitor and holder gets new ones, see
 * container_adopt(). */
int container_settle(struct container *container, struct container_state *ret, struct error *err);

/* The same without changing anything, for list and info: *ret_left_over says that something is left over. */
int container_peek(const struct container *container, struct container_state *ret, bool *ret_left_over,
		   struct error *err);

/* The lock is ours, so the command of a start that is under way has been killed: wait until the process that does it is done, 10 s at
 * most. What came of it is for container_peek() to say. */
int container_await_start(const struct container *container, struct error *err);

/* It runs, and both its monitor and its holder are gone. */
bool container_is_alone(const struct container_state *state);

/* It runs, and somebody who is alive has asked its init to end. */
bool container_is_ending(const struct container_state *state);

/* If it is alone, make new ones, with a note. For commands that hold no lock; one that is locked is left to whoever has the
 * lock, and what fails is a warning. What init and others hold of the old console is dead for good (their reads end, their
 * writes fail with EIO: Linux hangs up a terminal whose master is gone, pty(7)); /dev/console is a new one for who opens it. */
void container_adopt(const struct install *install, const char *name);

/* If of its processes none is alive, init, monitor, holder nor who started or stopped it, undo what is left, with a note. For who
 * waits for its end, as container_adopt(). */
void container_bury(const struct install *install, const char *name);

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

/* What the monitor becomes sysct for (see runtime/supervise.h). Does not return on success. */
int supervise_run(const struct install *install, int argc, char **argv, struct error *err);

#endif
