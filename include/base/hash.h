/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_HASH_H
#define SYSCT_BASE_HASH_H

/* hash - FNV-1a, 128 bits: names for things in a cache. Not for anything that an enemy chooses: whoever finds a
 * thing by its hash compares what it was made from. */

#include <stddef.h>
#include <stdint.h>

#define HASH_TEXT 33	/* 32 hex digits */

struct hash {
	uint64_t high, low;
};

void hash_init(struct hash *hash);
void hash_add(struct hash *hash, const void *data, size_t n);
/* The text and its end, so that "ab","c" and "a","bc" differ; NULL counts as "". */
void hash_add_text(struct hash *hash, const char *s);
/* Lower case hex; buf of HASH_TEXT. */
const char *hash_format(const struct hash *hash, char *buf);

#endif
