/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_PLAIN_H
#define SYSCT_COMMAND_PLAIN_H

/* plain - what a container printed, made safe for a terminal.
 *
 * Newlines and tabs stay. Control sequences (CSI: colours, movements, questions to the terminal) go, and so do
 * carriage returns before a newline. Every other control
 * character becomes \xNN, and so does what is no UTF-8: C1 controls work on some terminals. A stream may be cut
 * anywhere between two calls. */

#include <stddef.h>

#include "base/text.h"

struct plain {
	char held[64];		/* the begin of something that is not decided yet */
	size_t n_held;
};

/* Append to ret what can be said of the next n bytes. */
void plain_filter(struct plain *plain, const char *data, size_t n, struct text *ret);

#endif
