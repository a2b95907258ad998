/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ATTACH_H
#define SYSCT_RUNTIME_ATTACH_H

/* attach - run a command inside a running container, as confined as its init; and its console.
 *
 * No descriptor of the caller enters the container: a terminal becomes a pty of the container's own devpts, anything else
 * a pipe. */

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"

enum attach_tty { TTY_AUTO, TTY_YES, TTY_NO };

struct attach_options {
	const char *user;	/* NULL: [container] user. USER[:GROUP], names or numbers */
	const char *workdir;	/* NULL: the user's home */
	struct strings env;	/* NAME=value */
	enum attach_tty tty;
	bool keep_env;
	char *const *argv;	/* NULL: a login shell */
};

#define ATTACH_FAILED 125	/* exit status when sysct itself failed */

/* Returns the exit status of the command (0 to 255; 128+n for signal n; 126, 127 as a shell gives them, with a message
 * on standard error), or -errno. */
int container_attach(struct container *container, const struct attach_options *options, struct error *err);

/* Relay the console until the escape key and q. escape: the byte (^a is 1). Returns when the user leaves or the
 * container has ended. */
int container_console(struct container *container, unsigned char escape, struct error *err);

#endif
