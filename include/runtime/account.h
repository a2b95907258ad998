/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ACCOUNT_H
#define SYSCT_RUNTIME_ACCOUNT_H

/* account - who a user is, by the container's own passwd(5) and group(5). Called inside the container's
 * namespaces; the files are its own and not trusted beyond one well-formed line: regular files of at most 1 MiB, lines
 * of at most 4096 bytes, decimal ids below 4294967295. */

#include <sys/types.h>

#include "base/error.h"

#define MAX_GROUPS 64

struct account {
	uid_t uid;
	gid_t gid;
	char name[64];		/* the number when it has none */
	char home[512];
	char shell[512];
	gid_t groups[MAX_GROUPS];
	int n_groups;
};

/* Look up "USER[:GROUP]", names or numbers. A number without a line gets "/" and /bin/sh; so does root when the file is
 * missing or broken. An unknown name is an error. */
int account_find(const char *spec, struct account *ret, struct error *err);

/* The same over given texts, for tests and fuzzing. Either may be NULL. */
int account_parse(const char *spec, const char *passwd, const char *group, struct account *ret,
		  struct error *err);

#endif
