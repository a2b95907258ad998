/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_INJECT_H
#define SYSCT_TESTS_INJECT_H

/* What of a system call the injector wants to know: which kind it is of, where its path stands, what could be wrong. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum kind {
	KIND_NONE,
	KIND_CHANGE = 1,	/* it changes files, mounts, processes, the network, or tells another process something */
	KIND_TAKE = 2,		/* it takes a descriptor or memory, of which there may be none left */
	KIND_READ = 4,		/* it reads a file */
};

struct call {
	const char *name;
	enum kind kind;
	char path[160];		/* or what it is about; may be empty */
	int error;		/* an errno that such a call may well fail with, see call_error() */
};

/* What process pid is about to do: system call nr with six arguments. False: nothing that counts. */
bool call_look(pid_t pid, uint64_t nr, const uint64_t *args, unsigned int kinds, struct call *ret);
/* "ENOSPC" for people; NULL: unknown. */
const char *call_error_name(int code);
/* 0: there is no such name. */
int call_error_code(const char *name);

#endif
