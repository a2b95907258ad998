/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ENTRY_H
#define SYSCT_RUNTIME_ENTRY_H

/* entry - the way into a container that runs, with no more of its configuration than that takes.
 *
 * Two go it: container_attach() (runtime/attach.h), by configuration and state, and the program that a person calls
 * (src/front/main.c), by the state alone, where a start has noted it. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "os/cgroup.h"
#include "store/container.h"
#include "store/state.h"

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

/* Single texts are borrowed of what it was made of. */
struct entry {
	const char *run_dir, *name;
	const struct container_state *state;
	int namespaces;			/* CLONE_NEW* of those to enter, but that of time */
	unsigned long long time;	/* ns_inode() of that one, 0: the kernel has none */
	uid_t root;			/* outside id of its root; 0: its ids are those of the host */
	struct cgroup_ways ways;
	const char *user, *environment_id;	/* [container] */
	struct strings environment;	/* NAME=value */
};
#define ENTRY_EMPTY { .ways = CGROUP_WAYS_EMPTY, .environment = STRINGS_EMPTY }

/* By configuration (what it was started with) and state. */
int entry_of(const struct container *container, const struct container_state *state, struct entry *ret, struct error *err);
void entry_done(struct entry *entry);
#define auto_entry __attribute__((cleanup(entry_done)))

/* For a start: note it in the state, which is not saved by this; with the hash of the texts that the configuration was read from
 * (config/source.h). One whose programs could harm the host's own (privileged), or whose environment is too much for a state, is
 * not noted. */
void entry_note(const struct container *container, struct container_state *state);

/* What was noted, while those texts are still the same. False: go by configuration and state. */
bool entry_noted(const struct install *install, const char *name, const struct container_state *state, const struct hash *source,
		 struct entry *ret);

/* Run a command inside, as confined as its init. No descriptor of the caller enters: a terminal becomes a pty of the container's own
 * devpts, anything else a pipe. Returns the exit status of the command (0 to 255; 128+n for signal n; 126, 127 as a shell gives them,
 * with a message on standard error), or -errno. *ret_begun: there was, or may have been, a process of ours inside; until then another
 * may try the same. Privilege: root. */
int entry_attach(const struct entry *entry, const struct attach_options *options, bool *ret_begun, struct error *err);

#endif
