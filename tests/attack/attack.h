/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_ATTACK_H
#define SYSCT_TESTS_ATTACK_H

/* attack - what root inside a container does to get out. A check is one attempt; it passes when the attempt fails.
 *
 * One static program without any library, so that it runs in every root file system. Each check runs in a child of its
 * own, with namespaces, limits and terminals that end with it.
 *
 * No check may do harm where it succeeds: what is opened is not written, or with what it says already; arguments are such
 * that the kernel refuses them after it has asked for the permission; what is made is taken away again. So they can run
 * on a host without any guard, and some do (tests/integration/attack-controls.sh): a check that cannot fail tests nothing. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct check {
	const char *id;			/* as in the file "list" */
	void (*run)(const void *arg);	/* ends with one of the three below */
	const void *arg;
};

struct checks {
	const struct check *items;
	size_t n;
};

#define CHECKS(array) { array, sizeof(array) / sizeof((array)[0]) }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The end of a check. */
#define VERDICT __attribute__((noreturn, format(printf, 1, 2)))
VERDICT void pass(const char *format, ...);	/* the attempt failed */
VERDICT void breach(const char *format, ...);	/* it succeeded */
VERDICT void skip(const char *format, ...);	/* it could not be made */
/* Something that any attempt needs is not there: a defect of the test, and so no pass. */
VERDICT void broken(const char *format, ...);

/* What the host tells by --set KEY=VALUE, NULL if it did not. */
const char *fact(const char *key);
/* Is a number among the comma separated ones of a fact? */
bool fact_has(const char *key, unsigned long long number);

const char *errno_name(int code);
/* The kernel, or a filter, has refused because of who we are or because there is no such call. */
bool refused(int code);

/* Runs a function in a child. Returns what it returns (0 to 255), or -signal. */
int in_child(int (*run)(void *arg), void *arg);

/* Whole file, cut at room; NULL when it cannot be read. Static buffer. */
const char *slurp(const char *path);
/* Is there no user namespace of the container's own? */
bool in_hosts_userns(void);
/* Does this machine take system calls of 32-bit programs? */
bool has_i386(void);
/* A mount namespace of our own, of which nothing comes back. */
void own_mounts(void);
/* A directory to try things in, made anew below /attack, or in /tmp. */
const char *scratch(void);

/* An attempt at each file below a directory, on the same file system or not. Returns how many opened for writing, the
 * first ones' names in text. allowed says which do not count. */
int sweep(const char *dir, bool (*allowed)(const char *path), char *text, size_t room);

/* One file each. */
extern const struct checks calls_checks, caps_checks, cgroup_checks, device_checks, file_checks, key_checks,
	kernel_checks, limit_checks, namespace_checks, tty_checks;

/* Programs of their own, by name: inside NAME ARGUMENT... */
int canary_main(int argc, char **argv);		/* on the host: what must not be found inside */
int watch_main(int argc, char **argv);		/* attacks whatever enters */
int race_main(int argc, char **argv);		/* swaps two names for ever */
int reopen_main(int argc, char **argv);		/* what interp.c found */
int push_main(int argc, char **argv);		/* types into terminals */
int given_main(int argc, char **argv);		/* tells what it was given */
int hang_main(int argc, char **argv);		/* a file system that never answers */
int notify_main(int argc, char **argv);		/* sends descriptors to the host */
int session_main(int argc, char **argv);		/* with a key in the session keyring */
int capabilities_main(int argc, char **argv);	/* tells whether it has any that no container has */

#endif
