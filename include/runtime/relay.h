/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_RELAY_H
#define SYSCT_RUNTIME_RELAY_H

/* relay - bytes between our standard streams and a command inside, until that command ends. */

#include <stdbool.h>
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

enum relay_event {
	RELAY_LEFT,	/* the escape key and q were typed */
	RELAY_STOP,	/* a signal asks us to end; or the escape key and ^c, where that means it */
	RELAY_HANGUP,	/* our terminal has gone */
	RELAY_UNHEARD,	/* nobody reads our output any more */
	RELAY_WOKEN,	/* .wake can be read */
};

/* Our terminal against a console's stream. What .event and .window change in it counts at once. */
struct console_relay {
	int stream;		/* -1: none just now */
	bool input;		/* ours goes there, our terminal being raw meanwhile */
	unsigned char escape;	/* the byte: ^a is 1 */
	bool stoppable;		/* the escape key and ^c are RELAY_STOP */
	bool stopping;		/* ^c alone is, too */
	int wake;		/* -1: none */
	int timeout_ms;		/* with nothing to do for so long it returns as at the end; -1: never */
	/* Our window, at first and when it changes; NULL: nobody asks. */
	void (*window)(unsigned short rows, unsigned short columns, void *arg);
	/* True: go on. NULL: never. */
	bool (*event)(struct console_relay *relay, enum relay_event event);
	void *arg;
};
#define CONSOLE_RELAY { .stream = -1, .escape = 1, .wake = -1, .timeout_ms = -1 }

/* "^a", as people write it, in any case of letters, also ^] and its like: the byte, or -EINVAL. */
int escape_parse(const char *text);
/* The other way; buf of 3 bytes. */
const char *escape_text(unsigned char escape, char *buf);

/* Until the stream ends (0), or an event ends it (1). No byte of the stream is lost before its end. */
int relay_console(struct console_relay *relay, struct error *err);

#endif
