/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_ERROR_H
#define SYSCT_BASE_ERROR_H

/* error - the one error value of the program.
 *
 * A function that can fail takes `struct error *err` (never NULL) and returns >= 0, or the negative
 * errno that err->code then also holds. err holds no error when it is called, and is untouched on
 * success: who goes on after an error clears it first. A positive return is part of the function's
 * contract and named in its header.
 *
 * struct error has a fixed size and no pointers: the same bytes travel from the payload to the host
 * side and from there to the person's command in one packet each. */

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	/* anything without a status of its own */
	STATUS_USAGE = 2,	/* wrong usage or wrong configuration */
	STATUS_NOT_FOUND = 3,	/* no such container */
	STATUS_STATE = 4,	/* already running, not running, busy */
	STATUS_VERIFY = 5,	/* verification of downloaded material failed */
	STATUS_TIMEOUT = 6,	/* timed out; the container is left as it is */
	STATUS_INTERRUPTED = 130,
};

struct error {
	int code;		/* errno, 0: no error */
	int status;		/* enum status; 0: STATUS_FAILED is meant */
	char message[768];	/* what failed, on what, why; no newline at the end */
	char hint[384];		/* what the reader can do, or empty */
};

#define ERROR_NONE { .code = 0 }

/* Birth: message and ": strerror(code)" (nothing appended when code is 0 or negative: EINVAL is then
 * stored). Returns -err->code, always < 0. */
int fail(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Birth of an error whose message needs no strerror(). status: enum status. Returns -EINVAL. */
int fail_status(struct error *err, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Passage: outer words and ": " in front of the message. Returns -err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the reader can do; the last one wins. Returns -err->code. */
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Give the error an exit status. Returns -err->code. */
int error_status(struct error *err, int status);

/* The exit status that err stands for (STATUS_FAILED when none was given). */
int error_exit_status(const struct error *err);

/* Death: "sysct: WHO: message" and "hint: ..." on standard error; a message of several lines is as many errors.
 * who may be NULL. Called by main and by loops over several names, nowhere else. */
void error_report(const struct error *err, const char *who);

#endif
