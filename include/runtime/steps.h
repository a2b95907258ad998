/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_STEPS_H
#define SYSCT_RUNTIME_STEPS_H

/* steps - one table, walked by two processes, one of which has two threads.
 *
 * A start is a list of rows. The host side and the payload side (the container's first process, before it
 * becomes init) hold the same list and walk it together: a row on your side you run, and then tell the
 * others how it went. Rows of different sides run at the same time, but for what the table says: a row that joins waits
 * until all rows above it are done, whosever they are, and one that follows until one other row is. So the
 * synchronisation is in the table alone and nobody writes a barrier.
 *
 * The sides: HOST is the process that starts the container; BESIDE a second thread of it, for what takes its time in the
 * kernel; PAYLOAD the process that BESIDE clones.
 *
 * Rules:
 *  1. run either does all of its row or fails; undo may be called for any row, done or not, by another
 *     process and after the first one died: it works from the container and its saved state alone, and
 *     to undo what was never done is no error.
 *  2. Exactly one row clones, one of BESIDE, and it joins. A HOST row below it waits for the rows of BESIDE above it: what
 *     the payload hears of is HOST's rows alone. Rows of PAYLOAD stand below it; its child calls
 *     steps_run(..., PAYLOAD, ...).
 *  3. A PAYLOAD row touches only what dies with the namespaces, so it has no undo.
 *  4. Data goes host to payload by the memory image at the clone; after it, either way, by the packet of a row, with
 *     at most one descriptor, which a HOST row gives away. A row whose descriptor the other side takes is waited for
 *     where it stands; no other row sends one. Of what is done there is a packet only where the other side waits, and
 *     it says the same of the rows above; what fails is told at once.
 *  5. Exactly one row execs, the last of PAYLOAD. Only there is the end of the connection no failure. Rows of HOST below it
 *     join, so they come after the execution: what they do nobody inside needs, and they do not fail.
 *  6. What two rows touch that nothing keeps apart is touched by none of them for writing. A BESIDE row that does not
 *     join does not save the state, nor does it change what is the whole process's: directory, umask, environment.
 *  7. While rows of BESIDE may run a child of HOST is made by fork(2), which puts the C library's locks in order, or touches
 *     no memory that the library gives; the clone itself is made while HOST waits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum side { HOST, BESIDE, PAYLOAD };

struct launch;
struct container;
struct container_config;
struct container_state;

struct step {
	enum side side;
	const char *name;	/* what a person reads when it fails */
	bool (*when)(const struct container_config *config);	/* NULL: always. Pure: both sides must agree */
	int (*run)(struct launch *launch, struct error *err);
	int (*undo)(const struct container *container, const struct container_state *state,
		    struct error *err);
	/* On the other side than the row's, when it sends a descriptor: keep it. Ownership passes. */
	void (*take)(struct launch *launch, int fd);
	const char *why;	/* why the row stands where it stands, where that is not plain */
	bool joins;		/* waits until all rows above it are done */
	const char *follows;	/* of HOST: waits for this row of BESIDE, and no other one; NULL: for none */
	bool clones;
	bool execs;
};

/* Walk: HOST all of it, with the thread of BESIDE, which has ended when this returns; PAYLOAD what is below the row that
 * clones. Errors say "step N of M, "NAME": ..."; the first one ends the walk, and the other sides' too. */
int steps_run(const struct step *steps, size_t n, enum side side, struct launch *launch,
	      struct error *err);

/* Undo all rows, last first, going on past a failure; the first error is returned. */
int steps_undo(const struct step *steps, size_t n, const struct container *container,
	       const struct container_state *state, struct error *err);

/* The order of a start. */
extern const struct step start_steps[];
extern const size_t n_start_steps;

#endif
