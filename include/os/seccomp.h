/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_SECCOMP_H
#define SYSCT_OS_SECCOMP_H

/* seccomp - a filter of system calls (seccomp(2)): compiled from a readable profile, kept as a file, loaded.
 *
 * A filter is up to two programs of classic BPF, which the kernel runs one after the other and takes the stricter answer
 * of: one by number, one for conditions on arguments. Where they can be joined there is the first alone. In a file they stand
 * behind a text that says what they were made of, so that whoever reads the file knows whether it is what he wants. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SECCOMP_PROGRAMS 2

struct sock_filter;

struct seccomp_filter {
	struct sock_filter *programs[SECCOMP_PROGRAMS];
	uint16_t lengths[SECCOMP_PROGRAMS];	/* instructions; 0: no such program */
};
#define SECCOMP_FILTER_NONE { .lengths = { 0 } }
void seccomp_filter_done(struct seccomp_filter *filter);

/* --- src/os/seccomp.c, the only part that knows libseccomp --- */

/* Compile the text of a profile (sysct-seccomp(5)). source names it in messages: FILE; they say the line too. Names of calls
 * are checked against what the library knows. */
int seccomp_compile(const char *text, const char *source, struct seccomp_filter *ret, struct error *err);

/* Only read it. */
int seccomp_check(const char *text, const char *source, struct error *err);

/* The file of the library that the program runs with, as "PATH DEVICE INODE SIZE SECONDS.NANOSECONDS"; caller frees. */
char *seccomp_library(void);

/* --- src/os/seccomp_load.c --- */

/* The line of a library's file, NULL when there is none or its path has a blank; caller frees. */
char *seccomp_library_at(const char *path);

/* Whether a line of seccomp_library() still tells the truth: the same file is still there. */
int seccomp_library_is(const char *line);

/* Write a filter to PATH, whole or not at all, mode 0600; made_of and library: one text and one line. */
int seccomp_filter_save(const char *path, const struct seccomp_filter *filter, const char *made_of,
			const char *library, struct error *err);
/* 1; 0: there is none, it is broken, or it was made of something else (made_of NULL: of whatever it was made). */
int seccomp_filter_read(const char *path, const char *made_of, struct seccomp_filter *ret);

/* Load it for the calling thread and all that it becomes. Needs CAP_SYS_ADMIN over the present user namespace, or
 * no_new_privileges. */
int seccomp_filter_load(const struct seccomp_filter *filter, struct error *err);

#endif
