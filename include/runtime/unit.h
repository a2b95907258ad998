/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_UNIT_H
#define SYSCT_RUNTIME_UNIT_H

/* unit - a container on a host with systemd: its unit, and its entry at machined.
 *
 * The unit is sysct@NAME.service (sysct-ID@NAME.service of an installation that is not the default one), in machine.slice,
 * with cgroup delegation (systemd.resource-control(5)); its main process is the holder. Where a file describes
 * it, as the sysct@.service that comes with sysct does, that is started, else a transient one is made. In both systemd runs
 *
 *     sysct .unit run NAME		becomes the holder
 *     sysct .unit stop NAME		ExecStop=: stops the container, if it still runs
 *
 * `run` is started by a command that waits for it, at RUN_DIR/NAME/starter, and holds the lock; or by systemd itself, and then does that
 * command's work too. That a container is in a unit is said by RUN_DIR/NAME/group, a link to the name of its
 * cgroup. Everything here needs root. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "os/cgroup.h"
#include "store/container.h"
#include "store/state.h"

/* The variable that holds the socket of systemd for holder and monitor; see sd_notify(3). */
#define UNIT_NOTIFY "SYSCT_UNIT_NOTIFY"
#define MORE_UNIT_NOTIFY "unit_notify"	/* in the state: its value */

char *unit_name(const struct container *container);

/* Whether a container that is started now gets a unit. */
bool unit_reachable(const struct install *install);

/* The cgroup of the unit that it is in; NULL: in none. Caller frees. */
char *unit_group(const struct container *container);

/* Say to a running container's unit what was given to its cgroup (CGROUP_KEEP: nothing). In no unit: does nothing. */
int unit_set_limits(const struct container *container, const struct cgroup_limits *limits, struct error *err);
/* All limits at a start, as unit_set_limits(). */
int unit_begin_limits(const struct container *container, struct error *err);

/* Go where the container's unit is, whose holder and monitor were killed, and tell systemd who the new holder is. In no unit, or
 * one that is gone: nothing. */
void unit_enter_again(const struct container *container, const struct container_state *state);
void unit_tell_main(pid_t holder);

/* Wait until systemd is done with the unit, so that its name can be used again; not from within. Bounded. */
void unit_wait_gone(const char *group);

/* What systemd runs. Returns an exit status; run does not return when it could begin. */
int unit_run(const struct install *install, const char *name);
int unit_stop(const struct install *install, const char *name);

#endif
