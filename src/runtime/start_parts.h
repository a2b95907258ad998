/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_START_PARTS_H
#define SYSCT_RUNTIME_START_PARTS_H

/* start_parts - what the sources of a start share, unit.c among them; private to src/runtime. */

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"
#include "store/state.h"

struct wish {
	bool timed;
	bool adopt;		/* it runs already, and only its holder and its monitor are missing */
	const int *client;	/* NULL: none is there from the beginning */
	const int *rootfs;	/* both ends of a socket: the caller lends the rootfs on the first; NULL: it does not */
	int report;		/* a descriptor that errors are written to as well; -1: none */
};

/* --- start.c --- */

/* Whether what a start executes is there. */
int start_check_programs(const struct container *c, struct error *err);

/* What the configuration asks for, and the host may not have. */
int start_ready(struct container *c, struct error *err);

/* What can be said before anything is touched; then the state says that it is being started. */
int start_prepare(struct container *c, struct container_state *state, struct error *err);

/* Undo a start that failed, where its starter was killed. */
void start_clean_up(struct container *c, struct container_state *state);

/* --- start_run.c --- */

/* Start it by a process of our own, and wait for the result. */
int start_run(struct container *c, struct container_state *state, const struct wish *wish, struct error *err);

/* How long a start may take; with the check of an unclean image, so it is asked before the image is mounted. */
int start_timeout_ms(const struct container *c);

/* Wait for what the starter tells, in a command or in the fork of one that does its work; ^C ends the start. */
int start_await_verdict(const struct container *c, int verdict, int timeout_ms, struct error *err);

/* The starter has no terminal: what a person should read it leaves in the state. */
void start_show_note(const struct container *c, struct container_state *state);

/* --- start_boot.c --- */

/* Become the holder, whose child starts it. verdict: where the result is told (runtime/handshake.h). */
__attribute__((noreturn)) void start_hold(struct container *c, struct container_state *state, int verdict,
					  const struct wish *wish);

/* In the process that was the monitor: undo the last boot, boot anew, and become the monitor again. Returns on failure alone. */
int start_boot_again(struct container *c, struct container_state *state, const char *const *clients,
		     struct error *err);

/* Before an execution. "client=CONTROL:STREAM:KIND": their descriptors go along. */
void start_keep_clients(const char *const *clients);

/* --- start_sealed.c --- */

/* Start it by a sealed copy of ourselves, whose lines become ours. The lock is given up. */
int start_sealed(struct container *c, struct text *timing, struct error *err);

/* --- undo.c --- */

/* Everything but the run directory, the control socket and the cgroup, which a reboot keeps. */
int container_undo_boot(struct container *c, struct container_state *state, struct error *err);

/* Say that we are ending it, and dismiss its holder and its monitor (runtime/undo.h). */
void container_retire(struct container *c, struct container_state *state);

/* --- unit.c --- */

/* Start it in a unit of systemd. 1: none can be had. */
int unit_start(struct container *c, struct container_state *state, const struct wish *wish, struct error *err);

#endif
