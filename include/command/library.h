/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_LIBRARY_H
#define SYSCT_COMMAND_LIBRARY_H

/* library - a library that few commands need, loaded at its first call: loading one costs each command a quarter of a
 * millisecond.
 *
 * A list of its calls makes a struct of pointers, whose types are those of the library's own header:
 *
 *	#define CALLS(X) X(foo_new) X(foo_free)
 *	static const char *const names[] = { CALLS(LIBRARY_NAME) };
 *	static struct { CALLS(LIBRARY_POINTER) } foo;
 */

#include <stddef.h>

#define LIBRARY_NAME(call) #call,
#define LIBRARY_POINTER(call) __typeof__(call) *call;

struct library {
	const char *soname;	/* with the version that the header is of */
	const char *package;	/* of Debian */
	const char *use;	/* what it is for: "show a table" */
};

/* The calls of these names, in that order, into the n pointers at ret. Without the library or one of its calls the
 * program ends with STATUS_FAILED and says what to install: only commands that show something come here. */
void library_load(const struct library *library, const char *const *names, size_t n, void *ret);

/* Is it there? It is loaded by that. */
const char *library_problem(const struct library *library);

extern const struct library library_json, library_smartcols;

#endif
