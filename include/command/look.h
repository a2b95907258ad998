/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_LOOK_H
#define SYSCT_COMMAND_LOOK_H

/* look - what list and info know of a container: read from files, without its lock, without entering it. */

#include <stdbool.h>
#include <stdint.h>

#include "command/value.h"
#include "store/container.h"
#include "store/state.h"

struct look {
	char *name;
	const char *state;		/* stopped, starting, running, frozen, stopping, broken */
	char *problem;			/* why it is broken, or what is wrong with it all the same; NULL */
	bool opened;			/* container holds something */
	bool settled;			/* run is how it is: it could be read, and nothing is left over */
	bool alive;			/* its init is there */
	struct container container;
	struct container_state run;
	struct strings ipv4, ipv6;	/* while it is alive */
	uint64_t disk_size, disk_used, memory_used;	/* 0: unknown */
	int64_t created_at;
};
#define LOOK_EMPTY { .container = CONTAINER_EMPTY }

/* defaults: what sysct.conf said, for who looks at several; NULL: it is read.
 * STATUS_NOT_FOUND when there is none of that name; all else that is wrong with it is its state "broken". */
int look_at(const struct install *install, const struct container_defaults *defaults, const char *name, struct look *ret,
	    struct error *err);
void look_done(struct look *look);

/* Fill in problem when its file system has errors, or its monitor and holder were killed; list, which shows no problems
 * but "broken", does without. */
void look_for_problems(struct look *look);
#define auto_look __attribute__((cleanup(look_done)))

/* The keys of list, in their order, and an object with them. */
extern const char *const look_keys[];
extern const size_t n_look_keys;
struct value *look_json(const struct look *look);

/* The colour of a state in tables, or NULL. */
const char *look_color(const char *state);

#endif
