/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_STARTED_H
#define SYSCT_RUNTIME_STARTED_H

/* started - what a container that runs was started with: RUN_DIR/NAME/config, whole, defaults of sysct.conf included.
 *
 * Its own file may have been changed since. Whoever touches what runs goes by what it was started with: attach with other
 * rights or in other namespaces than init's would give the payload what it is to have at the next start at the earliest. */

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

#define MORE_IDMAP "idmap"	/* of container_state.more: inside:outside:count */

/* For a start and a reboot. The first notes in the state, which it does not save; the second keeps the configuration. */
void started_note(const struct container *container, struct container_state *state);
int started_save(const struct container *container, struct error *err);

/* What came while it runs and could not be placed: the file has it, what runs has not. Mounts by their paths, devices as
 * devices_wanted() has them. */
struct unplaced {
	struct strings mounts, devices;
};
#define UNPLACED_EMPTY { STRINGS_EMPTY, STRINGS_EMPTY }
void unplaced_done(struct unplaced *unplaced);
#define auto_unplaced __attribute__((cleanup(unplaced_done)))

void started_unplaced(const struct container *container, struct unplaced *ret);
int started_note_unplaced(const struct container *container, const struct unplaced *unplaced, struct error *err);

/* Of a container that runs: what cannot change while it does becomes what it was started with, in container's config and
 * idmap, and mounts that could not be placed are not among its mounts. Nothing where nothing was noted, and for one whose
 * configuration is broken. */
int started_load(struct container *container, const struct container_state *state, struct error *err);

#endif
