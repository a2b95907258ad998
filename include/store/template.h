/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_TEMPLATE_H
#define SYSCT_STORE_TEMPLATE_H

/* template - find a template, read its facts, run its build phase.
 *
 * A template is a program NAME and a text NAME.conf of key=value facts, in /etc/sysct/templates.d (first) or
 * DATA_DIR/templates, or anywhere by its absolute path. It runs as root, so it must be root's, a regular file and
 * not writable by others. The facts are read, never executed. */

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/record.h"
#include "base/text.h"
#include "os/idmap.h"
#include "store/install.h"

#define TEMPLATES_OF_ADMIN "/etc/sysct/templates.d"

struct template {
	char *name;
	char *path;		/* of the program */
	char *dir;		/* where it lies */
	struct record facts;	/* description, releases, default_release, architectures, variants, tools, network,
				 * init, userns, source, ... */
};
#define TEMPLATE_EMPTY { .name = NULL }

/* STATUS_USAGE with "did you mean" when there is none of that name. */
int template_find(const struct install *install, const char *name, struct template *ret, struct error *err);
void template_done(struct template *template);
#define auto_template __attribute__((cleanup(template_done)))

/* The names of all, sorted, each once. */
int template_names(const struct install *install, struct strings *ret, struct error *err);

/* A fact, or NULL. */
const char *template_fact(const struct template *template, const char *key);
/* Is word one of the blank separated words of a fact? true when there is no such fact, or it is "any". */
bool template_offers(const struct template *template, const char *key, const char *word);

/* Program, facts and what they share with others (DATA_DIR/templates/lib): a change of any makes other images. */
int template_hash(const struct install *install, const struct template *template, struct hash *hash,
		  struct error *err);

/* --- progress --- */

enum progress_kind {
	PROGRESS_STEP,		/* text: what begins now */
	PROGRESS_PERCENT,	/* percent 0 to 100, text: of what */
	PROGRESS_NOTE,		/* text: something a person should read, also without a terminal */
};

struct progress {
	void (*show)(void *arg, enum progress_kind kind, int percent, const char *text);
	void *arg;
};
/* progress may be NULL, and its show too: then notes go to log_note(). text is made printable. */
void progress_tell(const struct progress *progress, enum progress_kind kind, int percent, const char *text);

/* --- build --- */

struct template_build {
	const struct install *install;
	const struct template *template;
	int mount_fd;			/* detached mount of the empty root file system; taken from the caller */
	struct idmap map;		/* count 0: run as real root */
	int userns_fd;			/* with the map above, to which mount_fd was mapped; -1: none */
	const char *scratch;		/* an empty directory of the caller's: SYSCT_TMP */
	const char *log;		/* path of the log file */
	const char *arch, *release, *variant, *packages, *mirror, *guest_mirror, *source, *keyring;
	bool verify, offline;
	bool nested;			/* we ourselves are in a user namespace: no mknod there either */
	const struct progress *progress;
	int timeout_ms;			/* 0: 30 minutes */
	struct record *ret_facts;	/* what it said with `set`; `manifest` is a name below scratch, or absent */
};

/* Run `NAME build` in namespaces of its own (mount, pid, and user where there is a map), so that nothing of it is
 * left in any case. Errors: the script's own last line, with the status its exit code stands for. */
int template_run_build(struct template_build *build, struct error *err);

/* A line that a template said, without its end, and changed: "step TEXT", "note TEXT", "progress PERCENT TEXT", "set
 * KEY=VALUE"; of other words nothing is known. For the above, and for fuzzing. */
void template_take_event(const struct template_build *build, char *line);

#endif
