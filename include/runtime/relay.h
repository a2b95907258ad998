/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_RELAY_H
#define SYSCT_RUNTIME_RELAY_H

/* relay - bytes between our standard streams and a command inside, until that command ends. */

#include <sys/types.h>

#include "base/error.h"

/* Three pipes: inside[] are the command's ends, outside[] ours. */
struct pipes {
	int inside[3], outside[3];
};
#define PIPES_EMPTY { .inside = { -1, -1, -1 }, .outside = { -1, -1, -1 } }

int pipes_make(struct pipes *pipes, struct error *err);
void pipes_close(struct pipes *pipes);

/* Relay without losing a byte until `pid`, our child, has ended (it is not reaped) and what it wrote is
 * written. What its own children, still alive, may write later is theirs. Signals that ask us to end, and USR1 and
 * USR2, are passed on. */
int relay_pipes(pid_t pid, struct pipes *pipes, struct error *err);

/* The same over a pty's master, with our terminal raw and its window size passed on. */
int relay_terminal(pid_t pid, int master, struct error *err);

/* Our terminal against a console's stream: until the stream ends (returns 0), or escape and q are typed (1). window is
 * called when our window changes, and at first. *state keeps whether the escape was the last byte typed. */
int relay_console(int stream, unsigned char escape, void (*window)(unsigned short rows, unsigned short columns, void *arg),
		  void *arg, struct error *err);

#endif
