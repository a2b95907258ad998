/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_QUESTIONS_H
#define SYSCT_BASE_QUESTIONS_H

/* questions - what is printed, without what a terminal would answer.
 *
 * A program on a terminal asks it where the cursor is, what it is, which colours it has; the answer comes as if it had been
 * typed. Printed again, later, nobody waits for the answer but a shell; and of several terminals that show it all would answer.
 * So what asks goes: ENQ, ESC Z, sequences and OSC strings that are known to ask; and DCS, APC, PM and SOS strings and what is
 * malformed, since nobody needs them again. All else stays byte for byte, colours and movements too. A sequence that was never finished goes as well: with what follows it could be made to ask.
 *
 * libc alone, no memory of its own: for the monitor. A stream may be cut anywhere between two calls. */

#include <stdbool.h>
#include <stddef.h>

#define QUESTIONS_HELD 512	/* a longer string or sequence goes */

struct questions {
	char held[QUESTIONS_HELD];	/* what is not decided yet */
	size_t n_held, seen;
	int state, after;		/* of the parser; after: bytes that a character of UTF-8 still lacks */
};

/* The next n bytes; out has room for n + QUESTIONS_HELD. How many it got. All zero to begin with. */
size_t questions_leave_out(struct questions *questions, const char *data, size_t n, char *out);

/* No sequence is under way: who has seen all until here, and who has seen it without questions, are at the same place. */
bool questions_at_rest(const struct questions *questions);

/* What is held at the end of what was printed, for whoever goes on with what comes next as it comes. As above. */
size_t questions_rest(struct questions *questions, char *out);

#endif
