/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_PUBLISH_H
#define SYSCT_RUNTIME_PUBLISH_H

/* publish - change the published ports of a container that runs. */

#include "base/error.h"
#include "config/config.h"
#include "store/container.h"
#include "store/state.h"

/* The ports of the host that lead into it become those of config. Refused (STATUS_STATE) when one is in use; then, and on
 * any failure, they stay as they were. state: as loaded, of a container that runs. Needs the container's lock. */
int network_publish_apply(const struct container *c, const struct container_state *state,
			  const struct container_config *config, struct error *err);

#endif
