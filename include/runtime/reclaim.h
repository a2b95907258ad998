/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_RECLAIM_H
#define SYSCT_RUNTIME_RECLAIM_H

/* reclaim - give back to the host what was deleted inside (FITRIM, ioctl_fitrim(2)), for images that are not mounted with
 * the discard option (store/rootfs.h). A container may not do that itself.
 *
 * By rootfs.discard = auto it happens by itself: the monitor has it done every RECLAIM_SECONDS, and it is done when the
 * container has stopped; each time when there is RECLAIM_LEAST to give, so that an ordinary stop takes no longer. `sysct trim`
 * asks for it at any time. */

#include <stdint.h>

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

#define RECLAIM_SECONDS 600
#define RECLAIM_LEAST (UINT64_C(64) << 20)	/* bytes, see rootfs_to_give() */

/* How often the monitor has it done, in seconds; 0: never. */
unsigned int reclaim_period(const struct container *container);

/* Of a running container, whose lock is not needed. least: only when there are so many bytes to give. It goes through init's
 * root directory, and only when that is on the image's loop device: init may have another one. Needs root. */
int reclaim_running(const struct container *container, const struct container_state *state, uint64_t least, struct error *err);

/* After a stop; the caller holds the lock. What fails is left for the next time. */
void reclaim_stopped(struct container *container);

/* What the monitor has sysct do; status and words as of any command, which nobody reads. */
int reclaim_by_itself(const struct install *install, const char *name, struct error *err);

#endif
