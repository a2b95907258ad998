/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_CONFINE_H
#define SYSCT_RUNTIME_CONFINE_H

/* confine - what is taken from a process before it executes a program of the container's: one function for init and for
 * what is attached later, so that the two cannot differ. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "os/seccomp.h"
#include "store/container.h"
#include "store/state.h"

struct confinement {
	uint64_t capabilities;	/* those that stay */
	bool no_new_privileges;
	struct seccomp_filter filter;
	char *apparmor, *selinux;	/* what it runs as, NULL: as it is */
	int proc;			/* the host's, through which that is said; -1: nothing is */
};
#define CONFINEMENT_NONE { .filter = SECCOMP_FILTER_NONE, .proc = -1 }
void confinement_done(struct confinement *confinement);

/* For a start: as configured. The filter is kept below the run directory, for those who come later, and what security
 * modules are told in the state. */
int confinement_make(const struct container *container, struct container_state *state, struct confinement *ret,
		     struct error *err);

/* For an entry into a container of that name: as init is, whatever the configuration says by now. Its bounding set and no_new_privs are read from the
 * host's /proc (proc_pid_status(5)); pidfd is init's, and tells that it was init that was read. -ESRCH: it has ended. */
int confinement_of(const char *run_dir, const char *name, const struct container_state *state, int pidfd,
		   struct confinement *ret, struct error *err);

/* In the process, as root inside, with all rights still. Afterwards it has no more than what stays, and security modules
 * hold it from its next execution on. */
int confine(struct confinement *confinement, struct error *err);
/* The last of it alone, for who does not keep the host's proc open until then; afterwards it is closed. */
int confine_label(struct confinement *confinement, struct error *err);

#endif
