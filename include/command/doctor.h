/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_DOCTOR_H
#define SYSCT_COMMAND_DOCTOR_H

/* doctor - one row per thing that a host has or lacks (src/command/doctor.c runs them and prints).
 *
 * A check runs in a process of its own, which has five seconds and ends afterwards: it may enter namespaces, leave descriptors
 * open and hang. It changes nothing that outlives it. Its finding has a fixed size, since it comes through a pipe. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "store/install.h"

enum verdict {
	VERDICT_OK,
	VERDICT_WARN,		/* something that one may want does not work, or is weaker or narrower than it could be */
	VERDICT_FAIL,		/* no container starts, or none can be made, until it is mended */
	VERDICT_UNKNOWN,	/* could not be looked at; the reason says why */
};

struct finding {
	enum verdict verdict;
	char reason[448];
	char fix[320];		/* a command or a setting, or empty */
};

struct exam {
	const struct install *install;
	const struct host_config *host;
	bool nested;		/* we are in a container's user namespace */
};

struct check {
	const char *id;		/* stable: scripts know it */
	const char *what;
	void (*look)(const struct exam *exam, const struct check *check, struct finding *ret);
	const void *arg;
	bool root;		/* nothing to be seen without root */
};

/* fix NULL: none. */
void found(struct finding *finding, enum verdict verdict, const char *fix, const char *reason, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether one of the modules (NULL-terminated) is there and not loaded: then that is the finding, since a trial would load it,
 * and that is left to the first start. */
bool found_loadable(const char *const *modules, struct finding *ret);

/* --- the rows of each file --- */
extern const struct check kernel_checks[], host_checks[], network_checks[], program_checks[];
extern const size_t n_kernel_checks, n_host_checks, n_network_checks, n_program_checks;

/* The ids of all, for completion. */
void doctor_each_id(const struct install *install, void (*call)(const char *id, void *arg), void *arg);

/* "template.NAME": one for each that there is; arg is its name. */
void look_at_template(const struct exam *exam, const struct check *check, struct finding *ret);

#endif
