/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_START_PARTS_H
#define SYSCT_RUNTIME_START_PARTS_H

/* start_parts - what start.c and unit.c share; private to src/runtime. */

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

struct wish {
	bool timed;
	bool adopt;		/* it runs already, and only its holder and its monitor are missing */
	const int *client;	/* NULL: none is there from the beginning */
	const int *rootfs;	/* both ends of a socket: the caller lends the rootfs on the first; NULL: it does not */
	int report;		/* a descriptor that errors are written to as well; -1: none */
};

/* What can be said before anything is touched; then the state says that it is being started. */
int start_prepare(struct container *c, struct container_state *state, struct error *err);

/* Become the holder, whose child starts it. verdict: where the result is told (runtime/handshake.h). */
__attribute__((noreturn)) void start_hold(struct container *c, struct container_state *state, int verdict,
					  const struct wish *wish);

/* How long a start may take; with the check of an unclean image, so it is asked before the image is mounted. */
int start_timeout_ms(const struct container *c);

/* Wait for that result; ^C ends the start. */
int start_await_verdict(const struct container *c, int verdict, int timeout_ms, struct error *err);

/* Undo a start that failed, where its starter was killed. */
void start_clean_up(struct container *c, struct container_state *state);

/* Start it in a unit of systemd. 1: none can be had. */
int unit_start(struct container *c, struct container_state *state, const struct wish *wish, struct error *err);

#endif
