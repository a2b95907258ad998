/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_LIMITS_H
#define SYSCT_RUNTIME_LIMITS_H

/* limits - from the configuration to the container's cgroup. */

#include "base/error.h"
#include "config/config.h"
#include "os/cgroup.h"
#include "store/container.h"
#include "store/state.h"

/* All that the configuration gives; "none" is CGROUP_LIFT. The disk is the loop device that the state names. */
void limits_of(const struct container_config *config, const struct container_state *state, struct cgroup_limits *ret);

/* What is set for the host's sake where the configuration says nothing (tasks, memory, swap); the rest is CGROUP_KEEP. */
void limits_defaults(const struct container_config *config, struct cgroup_limits *ret);

/* Of a new group: all but what acts on the disk, which is not there yet; and how many cgroups it may have. */
int limits_begin(const struct container *container, struct error *err);
/* What acts on the disk. */
int limits_begin_disk(const struct container *container, const struct container_state *state, struct error *err);
bool limits_has_disk(const struct container_config *config);

/* Of a running container: what differs between two configurations. */
int limits_change(const struct container *container, const struct container_state *state,
		  const struct container_config *before, const struct container_config *after, struct error *err);

#endif
