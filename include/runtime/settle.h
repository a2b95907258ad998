/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_SETTLE_H
#define SYSCT_RUNTIME_SETTLE_H

/* settle - what a container's state says against what is there: looked at, waited for, and made true.
 *
 * Privilege: root. */

#include <stdbool.h>

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

/* Read the state and make it true: a state of an earlier boot, a start that died, a container whose init ended with
 * nobody left to notice are undone, with one note. Afterwards ret->phase is STOPPED, RUNNING, or STARTING and
 * STOPPING while the process that works on it is alive. Needs the lock: so the command of a start that is under way has been
 * killed, and the start is waited for, 10 s at most. One that runs without monitor and holder gets new ones, see
 * container_adopt(). */
int container_settle(struct container *container, struct container_state *ret, struct error *err);

/* The same without changing anything, for list and info: *ret_left_over says that something is left over. */
int container_peek(const struct container *container, struct container_state *ret, bool *ret_left_over,
		   struct error *err);
/* ... and of one that is known by its name alone. */
int run_peek(const struct install *install, const char *name, struct container_state *ret, bool *ret_left_over, struct error *err);

/* Nobody is alive who would make true what this state says. */
bool container_is_left_over(const struct container_state *state);

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

#endif
