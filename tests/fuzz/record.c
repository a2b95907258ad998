/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a record: refused whole, or read so that the very same bytes come out; and no value makes a line.
 * Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "fuzz.h"

/* The bytes as a value: it is read again, cleaned, and takes no other line along. */
static void set_value(struct record *record, const char *value)
{
	auto_record struct record again = RECORD_EMPTY;
	auto_free char *text = NULL;
	size_t n;

	record_set(record, "fuzz", value);
	record_add(record, "fuzz", "second");
	n = record->keys.n;
	text = record_format(record);
	if (n > 512 || strlen(text) > 65536)
		return;	/* more than is read */
	require(record_parse(&again, text, strlen(text)) == 0, "cannot be read again", text);
	require(again.keys.n == n, "a value made a line", text);
	require(strlen(record_get(&again, "fuzz")) == strlen(value), "a value was cut", text);
	record_set(&again, "fuzz", NULL);
	require(!record_get(&again, "fuzz"), "still there", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size), *out = NULL;
	auto_record struct record record = RECORD_EMPTY;

	if (record_parse(&record, (const char *)data, size) == 0) {
		out = record_format(&record);
		require(strlen(out) == size && memcmp(out, data, size) == 0, "other bytes came out", out);
		require(record.keys.n == record.values.n, "keys and values differ", out);
		for (size_t i = 0; i < record.keys.n; i++) {
			const char *key = record.keys.items[i];

			require(*key && !strpbrk(key, "=\n"), "this is no key", key);
			require(record_get(&record, key) != NULL, "not found", key);
			record_get_u64(&record, key, 0);
		}
	} else {
		require(record.keys.n == 0 && record.values.n == 0, "refused, and yet something was read", text);
	}
	set_value(&record, text);
	return 0;
}
