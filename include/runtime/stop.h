/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_STOP_H
#define SYSCT_RUNTIME_STOP_H

/* stop - ask init to end, wait, kill what is left, undo the start; and the other commands on a running
 * container that need no entering. The caller holds the lock, but for a kill. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/container.h"

struct stop_options {
	uint64_t timeout;	/* usec that init gets */
	bool now;		/* do not ask */
	bool for_a_moment;	/* it is started again, or destroyed: give no space back (runtime/reclaim.h) */
};

/* Returns 0 when its processes are gone, its image is unmounted, its loop device free, and pins, links and cgroup are
 * removed. That it had to be killed after the timeout, or since its init takes no signal, is a stop too, with a note. A stopped
 * container: STATUS_STATE. */
int container_stop(struct container *container, const struct stop_options *options, struct error *err);

int container_freeze(struct container *container, bool freeze, struct error *err);

/* Send a signal to init, by a pidfd that was checked against its start time. It needs no lock, so that it reaches a container
 * that somebody else has been waiting for; the lock is taken only to clean up what is left of one that has ended. */
int container_kill(struct container *container, int signal, struct error *err);

/* Before a container is opened with its lock to be stopped at once: when somebody else has the lock, a stop that waits for an
 * init which does not listen above all, init is killed here and now, and the other one is soon done. True: it was killed, and
 * that it is found stopped afterwards is no error. */
bool container_hasten(const struct install *install, const char *name);

#endif
