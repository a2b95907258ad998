/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_LOCK_H
#define SYSCT_OS_LOCK_H

/* lock - what commands keep from each other, and who has it.
 *
 * A lock is lock_file_at() of base/file.h: it is held by an open file, and falls with the process that has it. Who that is
 * nobody writes down; the kernel shows it in /proc/PID/fdinfo (proc(5)), and is asked when somebody has waited in vain. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct lock_holder {
	pid_t pid;		/* 0: nobody, or somebody who cannot be seen (another pid namespace) */
	bool stopped;		/* by SIGSTOP or a debugger: it will not let go by itself */
	char command[128];	/* "sysct stop web", printable and cut */
};

/* Who has a lock on the file. Of a process and its children that have it in common, the oldest. Needs CAP_SYS_PTRACE for
 * processes of others; waits for nobody, not even for the file systems of what they have open. */
void lock_holder(int dirfd, const char *path, struct lock_holder *ret);

struct lock_wish {
	int dirfd;		/* AT_FDCWD, or that of the path */
	const char *path;	/* made when missing */
	int wait_ms;		/* 0: try once */
	const char *what;	/* what it guards: `container "web"`, `the network` */
	int status;		/* exit status when it is not to be had in time */
	bool shared;		/* with others that read; else exclusive */
	/* for lock_take_turn(): whom it waits for now, "process 12 (sysct create web)"; NULL: nobody wants to know */
	void (*tell)(const char *who, void *arg);
	void *arg;
};

/* Take the lock. Returns a descriptor, or -errno: -EBUSY says who works on it (unless wait_ms
 * is 0: to look for him takes a while), with a hint; -EINTR, "interrupted", is ^C
 * that came while waiting (one that came before does not count: whoever cleans up after it needs the lock too). */
int lock_take(const struct lock_wish *wish, struct error *err);

/* The same for what is long to be held, where several may have it one after another: wait_ms is for each of them. */
int lock_take_turn(const struct lock_wish *wish, struct error *err);

#endif
