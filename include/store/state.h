/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_STATE_H
#define SYSCT_STORE_STATE_H

/* state - what runs: RUN_DIR/NAME/state, a record written whole or not at all.
 *
 * It is written before a start touches the host, with every name that the start is going to use; so whoever
 * finds it can undo all of it, done or not: undoing what was never made is no error. It needs libc alone, since the
 * monitor reads and writes it too. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/record.h"
#include "os/process.h"
#include "store/install.h"

#define STATE_VERSION 1

enum phase { PHASE_STOPPED, PHASE_STARTING, PHASE_RUNNING, PHASE_STOPPING };

struct container_state {
	enum phase phase;
	char uuid[UUID_LEN + 1];
	char boot_id[UUID_LEN + 1];
	struct process_id starter;	/* who works on it while starting or stopping */
	struct process_id init, monitor, holder;
	int64_t started_at;		/* unix seconds */
	int booted;			/* 1 yes, 0 no, -1 init cannot say */
	struct record more;		/* what the steps of a start keep for their undo, by their own keys */
};

void state_init(struct container_state *state);
void state_done(struct container_state *state);
#define auto_state __attribute__((cleanup(state_done)))

/* Read RUN_DIR/NAME/state. A missing file, or one of an earlier boot (*ret_stale, may be NULL, is then true),
 * gives PHASE_STOPPED. -EPROTO (STATUS_STATE): written by a newer version; nothing may be changed. */
int state_load(const char *run_dir, const char *name, struct container_state *ret, bool *ret_stale,
	       struct error *err);
int state_save(const char *run_dir, const char *name, const struct container_state *state,
	       struct error *err);

/* Note whose run it is; and is it this installation's? Names of its cgroup and links come from all three directories, so that
 * with others nothing of it would be found. 0 for what does not run, and for a run of before it was noted. STATUS_STATE */
void state_set_install(struct container_state *state, const struct install *install);
int state_check_install(const struct container_state *state, const struct install *install, struct error *err);

/* The same from and to text, for tests and fuzzing. */
int state_parse(const char *text, size_t len, struct container_state *ret, struct error *err);
char *state_format(const struct container_state *state);

const char *phase_name(enum phase phase);

#endif
