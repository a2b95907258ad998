/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_START_H
#define SYSCT_RUNTIME_START_H

/* start - boot a container.
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

#endif
