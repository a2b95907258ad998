/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_FOREGROUND_H
#define SYSCT_RUNTIME_FOREGROUND_H

/* foreground - a start that stays until the container has ended, for terminals and for managers of services.
 *
 * It only watches: the container has its holder and its monitor as any other, and does not notice when this process is
 * killed. Reboots, the restart policy and a restart by another command are not its end. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"

struct foreground {
	struct container *container;
	unsigned char escape;
	bool wait;		/* ready is it when it has booted, not when init runs */
	uint64_t wait_usec;
	int client[2];		/* its monitor's, from foreground_start; -1 */
};
#define FOREGROUND { .escape = 1, .client = { -1, -1 } }

/* Start it as container_start() does. The caller holds the lock, and lets go of it before foreground_stay(). */
int foreground_start(struct foreground *foreground, struct text *timing, struct error *err);

/* Its console on standard output, and when that and standard input are our terminal, what is typed into it. A request
 * to end stops the container in its orderly way, a second one at once. Tells a service manager (sd_notify(3)) when it is
 * ready and when it stops.
 * Returns the exit status that tells how it ended, foreground_status(); 0 also when the user left it running. */
int foreground_stay(struct foreground *foreground, struct error *err);

/* By the text in the file last_exit: 0 for a power off, a halt or a stop, init's own exit status, 128+n when signal n
 * ended it, -1 when it does not tell. */
int foreground_status(const char *last_exit);

#endif
