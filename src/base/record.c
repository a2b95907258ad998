/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define RECORD_BYTES 65536
#define RECORD_LINES 512

int record_parse(struct record *record, const char *text, size_t len)
{
	struct record parsed = RECORD_EMPTY;

	record_clear(record);
	if (len > RECORD_BYTES || memchr(text, '\0', len))
		return -EINVAL;
	while (len) {
		const char *end = memchr(text, '\n', len), *equals;

		if (!end || parsed.keys.n >= RECORD_LINES)
			break;	/* a line that was cut is no line */
		equals = memchr(text, '=', (size_t)(end - text));
		if (!equals || equals == text)
			break;
		strings_add_take(&parsed.keys, xstrndup(text, (size_t)(equals - text)));
		strings_add_take(&parsed.values, xstrndup(equals + 1, (size_t)(end - equals - 1)));
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	if (len) {
		record_clear(&parsed);
		return -EINVAL;
	}
	*record = parsed;
	return 0;
}

char *record_format(const struct record *record)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = 0; i < record->keys.n; i++)
		text_add(&text, "%s=%s\n", record->keys.items[i], record->values.items[i]);
	return text.data;
}

static char *clean(const char *value)
{
	char *copy = xstrdup(value);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

static void remove_at(struct strings *list, size_t i)
{
	free(list->items[i]);
	memmove(list->items + i, list->items + i + 1, (list->n - i) * sizeof(char *));
	list->n--;
}

void record_add(struct record *record, const char *key, const char *value)
{
	strings_add(&record->keys, key);
	strings_add_take(&record->values, clean(value));
}

void record_set(struct record *record, const char *key, const char *value)
{
	for (size_t i = 0; i < record->keys.n; i++) {
		if (strcmp(record->keys.items[i], key) != 0)
			continue;
		if (!value) {
			remove_at(&record->keys, i);
			remove_at(&record->values, i);
			i--;
			continue;
		}
		free(record->values.items[i]);
		record->values.items[i] = clean(value);
		return;
	}
	if (value)
		record_add(record, key, value);
}

void record_setf(struct record *record, const char *key, const char *format, ...)
{
	auto_free char *value = NULL;
	va_list args;

	va_start(args, format);
	value = xvasprintf(format, args);
	va_end(args);
	record_set(record, key, value);
}

const char *record_get(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->keys.n; i++)
		if (text_same(record->keys.items[i], key))
			return record->values.items[i];
	return NULL;
}

uint64_t record_get_u64(const struct record *record, const char *key, uint64_t fallback)
{
	const char *value = record_get(record, key);
	uint64_t number;

	if (!value || parse_u64(value, &number) < 0)
		return fallback;
	return number;
}

int record_check_version(const struct record *record, const char *key, uint64_t known, const char *what, struct error *err)
{
	const char *value = record_get(record, key);
	uint64_t version = record_get_u64(record, key, UINT64_MAX);	/* one that is no number is none of ours either */

	if (!value || version <= known)
		return 0;
	fail_status(err, STATUS_STATE, "read %s: it has %s %.20s, and this sysct knows up to %llu", what, key, value,
		    (unsigned long long)known);
	err->code = EPROTO;
	return error_hint(err, "a newer sysct wrote it: use that one; nothing was changed");
}

void record_clear(struct record *record)
{
	strings_clear(&record->keys);
	strings_clear(&record->values);
}
