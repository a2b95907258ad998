/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_TEXT_H
#define SYSCT_BASE_TEXT_H

/* text - strings, numbers with units, lists of strings.
 *
 * Memory: the x* family ends the process with a message when memory is out; callers own what they get
 * and free() it. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The end of this process with one line, "sysct: WHY": where nothing else can be done, be it by undoing. Like a SIGKILL it
 * leaves what there is to the next command. */
__attribute__((noreturn)) void end_here(const char *why);
__attribute__((noreturn)) void out_of_memory(void);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* A growing text. Zero-initialised is empty; text_done() frees. data is NUL-terminated or NULL. */
struct text {
	char *data;
	size_t len, room;
};
#define TEXT_EMPTY { .data = NULL }
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *text, const void *bytes, size_t n);
void text_done(struct text *text);
#define auto_text __attribute__((cleanup(text_done)))

/* A list of strings that owns them. Zero-initialised is empty; items is NULL-terminated once used. */
struct strings {
	char **items;
	size_t n, room;		/* room: for how many items there is memory */
};
#define STRINGS_EMPTY { .items = NULL }
void strings_add(struct strings *list, const char *s);
void strings_add_take(struct strings *list, char *s);
bool strings_has(const struct strings *list, const char *s);
bool strings_same(const struct strings *a, const struct strings *b);	/* in the same order */
void strings_clear(struct strings *list);
void strings_copy(struct strings *to, const struct strings *from);
void strings_sort(struct strings *list);
/* Split at any of the separator bytes; empty parts are dropped. */
void strings_split(struct strings *list, const char *s, const char *separators);
char *strings_join(const struct strings *list, const char *separator);
#define auto_strings __attribute__((cleanup(strings_clear)))

/* strcmp() == 0, for those who look through many that mostly differ in their first byte. */
static inline bool text_same(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
static inline bool text_empty(const char *s)
{
	return !s || !*s;
}
/* NULL is as good as "". */
static inline bool text_alike(const char *a, const char *b)
{
	return text_same(a ? a : "", b ? b : "");
}

/* Numbers. All return 0, or -EINVAL (not of this form) or -ERANGE; *ret only changes on success.
 * No sign, no blanks, no hexadecimal. */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
/* Bytes: "512", "10K", "8M", "1.5G", "2T" (powers of 1024; an "iB" or "B" after the unit is fine). */
int parse_size(const char *s, uint64_t *ret);
/* Microseconds: "30" and "30s" are seconds, "500ms", "5m" or "5min", "2h", "7d"; also "1h30m". */
int parse_duration(const char *s, uint64_t *ret_usec);
/* yes/no, true/false, on/off, 1/0. */
int parse_bool(const char *s, bool *ret);

/* For people: "1.5G", "30s". The result is static storage of the caller's choice: buf of >= 32 bytes. */
const char *format_size(uint64_t bytes, char *buf, size_t room);
const char *format_duration(uint64_t usec, char *buf, size_t room);
/* RFC 3339 in UTC, "2026-01-31T12:00:00Z"; 0 gives "". buf of >= 32 bytes. */
const char *format_time(int64_t unix_seconds, char *buf, size_t room);

/* Letters put in, left out, changed, or two neighbours in each other's place, which is how people mistype. Bounded: a
 * result > limit only says "more than limit". */
unsigned int edit_distance(const char *a, const char *b, unsigned int limit);
/* The candidate nearest to word, within two edits (one for words up to four letters), or NULL.
 * next(i, arg) gives the i-th candidate, NULL at the end. */
const char *nearest(const char *word, const char *(*next)(size_t i, const void *arg), const void *arg);
const char *nearest_of(const char *word, const char *const *list, size_t n);

/* Control characters, DEL and bytes that are no UTF-8 become \xNN: for anything a container may have
 * chosen and a terminal shows. Caller frees. */
char *text_printable(const char *s);

#define UUID_LEN 36
/* Random (version 4) UUID with dashes; buf of UUID_LEN + 1. */
void uuid_make(char *buf);
bool uuid_valid(const char *s);

/* A container's name: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])? */
bool name_valid(const char *s);

#endif
