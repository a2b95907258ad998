/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_NETWORK_H
#define SYSCT_RUNTIME_NETWORK_H

/* network - what of a container's network is changed without a start. */

#include "base/error.h"
#include "config/config.h"
#include "store/container.h"
#include "store/state.h"

/* The ports of the host that lead into it, and what its links may reach (isolated, host_access), become those of config.
 * Refused (STATUS_STATE) when a port is in use; then, and on any failure, they stay as they were. Links that it was not
 * started with, as running says, come with the next start, and so do their ports. state: as loaded, of a container that runs. Needs
 * the container's lock. */
int network_change(const struct container *c, const struct container_state *state, const struct container_config *running,
		   const struct container_config *config, struct error *err);

/* It was destroyed: nothing of the host's rules is kept for it. */
int network_destroyed(const struct container *c, struct error *err);

#endif
