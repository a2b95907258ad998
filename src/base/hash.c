/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* Offset and prime of the FNV specification (draft-eastlake-fnv). */
#define OFFSET_HIGH 0x6c62272e07bb0142ULL
#define OFFSET_LOW 0x62b821756295c58dULL
#define PRIME_HIGH 0x0000000001000000ULL
#define PRIME_LOW 0x000000000000013bULL

void hash_init(struct hash *hash)
{
	*hash = (struct hash){ OFFSET_HIGH, OFFSET_LOW };
}

void hash_add(struct hash *hash, const void *data, size_t n)
{
	const unsigned __int128 prime = (unsigned __int128)PRIME_HIGH << 64 | PRIME_LOW;
	unsigned __int128 value = (unsigned __int128)hash->high << 64 | hash->low;
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		value = (value ^ p[i]) * prime;
	hash->high = (uint64_t)(value >> 64);
	hash->low = (uint64_t)value;
}

void hash_add_text(struct hash *hash, const char *s)
{
	if (!s)
		s = "";
	hash_add(hash, s, strlen(s) + 1);
}

const char *hash_format(const struct hash *hash, char *buf)
{
	snprintf(buf, HASH_TEXT, "%016llx%016llx", (unsigned long long)hash->high,
		 (unsigned long long)hash->low);
	return buf;
}
