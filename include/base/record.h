/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_RECORD_H
#define SYSCT_BASE_RECORD_H

/* record - a small text of "key=value" lines, for state that programs write and read.
 *
 * Not the configuration's format: no comments, no sections; a key may be repeated. Values carry no
 * newline (record_set refuses control characters by replacing them with '?'). Reading is bounded: at
 * most 64 KiB and 512 lines. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct record {
	struct strings keys, values;	/* the same length */
};
#define RECORD_EMPTY { .keys = STRINGS_EMPTY }

/* -EINVAL: not of this form. The record is emptied first. */
int record_parse(struct record *record, const char *text, size_t len);
/* Caller frees. */
char *record_format(const struct record *record);

/* Replace the first value of key, or append; NULL removes all of key. */
void record_set(struct record *record, const char *key, const char *value);
void record_setf(struct record *record, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Append one more value of key. */
void record_add(struct record *record, const char *key, const char *value);

/* The first value, or NULL. */
const char *record_get(const struct record *record, const char *key);
/* The first value as a number, or fallback. */
uint64_t record_get_u64(const struct record *record, const char *key, uint64_t fallback);

/* What is kept has a format with a number, under `key` ("version"); without the key it is the first. -EPROTO (STATUS_STATE)
 * when that is above `known`: a newer sysct wrote it, and nothing of it may be changed. `what` names it: a path, "state". */
int record_check_version(const struct record *record, const char *key, uint64_t known, const char *what, struct error *err);

void record_clear(struct record *record);
#define auto_record __attribute__((cleanup(record_clear)))

#endif
