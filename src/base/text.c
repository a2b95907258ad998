/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void end_here(const char *why)
{
	char message[160];	/* of no memory that would have to be found */
	int n = snprintf(message, sizeof(message), "sysct: %.100s\n", why);
	ssize_t ignored = write(STDERR_FILENO, message, (size_t)n);

	(void)ignored;
	_exit(1);
}

void out_of_memory(void)
{
	end_here("out of memory");
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xvasprintf(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		out_of_memory();
	return s;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = xvasprintf(format, args);
	va_end(args);
	return s;
}

/* --- growing text --- */

static void text_reserve(struct text *text, size_t more)
{
	if (text->len + more + 1 <= text->room)
		return;
	text->room = (text->len + more + 1) * 2;
	if (text->room < 128)
		text->room = 128;
	text->data = xrealloc(text->data, text->room);
}

void text_append(struct text *text, const void *bytes, size_t n)
{
	text_reserve(text, n);
	if (n)
		memcpy(text->data + text->len, bytes, n);
	text->len += n;
	text->data[text->len] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return;
	text_reserve(text, (size_t)n);
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t)n + 1, format, args);
	va_end(args);
	text->len += (size_t)n;
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text)TEXT_EMPTY;
}

/* --- lists --- */

void strings_add_take(struct strings *list, char *s)
{
	if (list->n + 2 > list->room) {
		list->room = list->n < 2 ? list->n + 2 : 2 * list->n + 4;	/* most have one or two, the others many */
		list->items = xrealloc(list->items, list->room * sizeof(char *));
	}
	list->items[list->n++] = s;
	list->items[list->n] = NULL;
}

void strings_add(struct strings *list, const char *s)
{
	strings_add_take(list, xstrdup(s));
}

bool strings_has(const struct strings *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (text_same(list->items[i], s))
			return true;
	return false;
}

bool strings_same(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!text_same(a->items[i], b->items[i]))
			return false;
	return a->n == b->n;
}

void strings_clear(struct strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings)STRINGS_EMPTY;
}

void strings_copy(struct strings *to, const struct strings *from)
{
	struct strings copy = STRINGS_EMPTY;

	for (size_t i = 0; i < from->n; i++)
		strings_add(&copy, from->items[i]);
	strings_clear(to);
	*to = copy;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(char *), compare);
}

void strings_split(struct strings *list, const char *s, const char *separators)
{
	while (*s) {
		size_t n = strcspn(s, separators);

		if (n)
			strings_add_take(list, xstrndup(s, n));
		s += n;
		s += strspn(s, separators);
	}
}

char *strings_join(const struct strings *list, const char *separator)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = 0; i < list->n; i++)
		text_add(&text, "%s%s", i ? separator : "", list->items[i]);
	return text.data;
}

bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* --- numbers --- */

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t value = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit;

		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		digit = (unsigned int)(*s - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t value;
	int r = parse_u64(s, &value);

	if (r < 0)
		return r;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

/* Digits with at most three places after a point, as thousandths. Returns the bytes read, 0: none. */
static size_t parse_thousandths(const char *s, uint64_t *ret)
{
	uint64_t value = 0, scale = 1000;
	size_t i = 0;
	bool point = false;

	for (; s[i]; i++) {
		if (s[i] == '.' && !point && i > 0) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)s[i]))
			break;
		if (point) {
			if (scale == 1)
				return 0;
			scale /= 10;
		}
		if (value > (UINT64_MAX / 1000 - 9) / 10)
			return 0;
		value = value * 10 + (uint64_t)(s[i] - '0');
	}
	if (i == 0 || s[i - 1] == '.')
		return 0;
	*ret = value * scale;
	return i;
}

static int scale_thousandths(uint64_t thousandths, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 value = (unsigned __int128)thousandths * unit / 1000;

	if (value > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "KMGTPE";
	uint64_t thousandths, unit = 1;
	size_t n = parse_thousandths(s, &thousandths);

	if (n == 0)
		return -EINVAL;
	s += n;
	if (*s) {
		const char *at = strchr(units, toupper((unsigned char)*s));

		if (at) {
			unit = 1ULL << (10 * (at - units + 1));
			s++;
			if (*s == 'i')
				s++;
		}
		if (*s == 'B')
			s++;
		if (*s)
			return -EINVAL;
	}
	if (unit == 1 && thousandths % 1000)
		return -EINVAL;
	return scale_thousandths(thousandths, unit, ret);
}

int parse_duration(const char *s, uint64_t *ret_usec)
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {
		{ "ms", 1000 },		      { "min", 60000000 }, { "m", 60000000 },
		{ "s", 1000000 },	      { "h", 3600000000 }, { "d", 86400000000 },
	};
	uint64_t total = 0;

	if (!*s)
		return -EINVAL;
	while (*s) {
		uint64_t thousandths, part;
		size_t n = parse_thousandths(s, &thousandths), i;

		if (n == 0)
			return -EINVAL;
		s += n;
		if (!*s) {
			if (total)
				return -EINVAL;
			return scale_thousandths(thousandths, 1000000, ret_usec);
		}
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (text_starts(s, units[i].name))
				break;
		if (i == sizeof(units) / sizeof(units[0]))
			return -EINVAL;
		s += strlen(units[i].name);
		if (scale_thousandths(thousandths, units[i].usec, &part) < 0 ||
		    __builtin_add_overflow(total, part, &total))
			return -ERANGE;
	}
	*ret_usec = total;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

const char *format_size(uint64_t bytes, char *buf, size_t room)
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	double value = (double)bytes;

	/* what would be rounded to 1024 is 1 of the next unit */
	while (value >= (unit ? 1023.5 : 1024) && unit < 6) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(buf, room, "%uB", (unsigned int)bytes);
	else if (value < 10 && (uint64_t)(value * 10 + 0.5) % 10)
		snprintf(buf, room, "%.1f%c", value, units[unit]);
	else
		snprintf(buf, room, "%.0f%c", value, units[unit]);
	return buf;
}

const char *format_duration(uint64_t usec, char *buf, size_t room)
{
	if (usec % 1000000)
		snprintf(buf, room, "%llums", (unsigned long long)(usec / 1000));
	else if (usec && usec % 86400000000 == 0)
		snprintf(buf, room, "%llud", (unsigned long long)(usec / 86400000000));
	else if (usec && usec % 3600000000 == 0)
		snprintf(buf, room, "%lluh", (unsigned long long)(usec / 3600000000));
	else if (usec && usec % 60000000 == 0)
		snprintf(buf, room, "%llum", (unsigned long long)(usec / 60000000));
	else
		snprintf(buf, room, "%llus", (unsigned long long)(usec / 1000000));
	return buf;
}

const char *format_time(int64_t unix_seconds, char *buf, size_t room)
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;

	buf[0] = '\0';
	if (unix_seconds && gmtime_r(&t, &tm))
		strftime(buf, room, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

/* --- nearest word --- */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int edit_distance(const char *a, const char *b, unsigned int limit)
{
	unsigned int rows[3][128];	/* one for each prefix of a, of which the last three count */
	size_t n = strlen(a), m = strlen(b);

	if (m + 1 > sizeof(rows[0]) / sizeof(rows[0][0]) || n > 127)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		const unsigned int *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
		unsigned int *row = rows[i % 3], best = (unsigned int)i;

		row[0] = best;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], above_that[j - 2] + 1);
			best = least(best, row[j]);
		}
		if (best > limit)
			return limit + 1;
	}
	return rows[n % 3][m];
}

const char *nearest(const char *word, const char *(*next)(size_t i, const void *arg), const void *arg)
{
	unsigned int best = strlen(word) <= 4 ? 2 : 3;
	const char *found = NULL, *candidate;

	for (size_t i = 0; (candidate = next(i, arg)); i++) {
		unsigned int distance = edit_distance(word, candidate, 3);

		if (distance < best) {
			best = distance;
			found = candidate;
		}
	}
	return found;
}

struct word_list {
	const char *const *list;
	size_t n;
};

static const char *word_next(size_t i, const void *arg)
{
	const struct word_list *words = arg;

	return i < words->n ? words->list[i] : NULL;
}

const char *nearest_of(const char *word, const char *const *list, size_t n)
{
	struct word_list words = { list, n };

	return nearest(word, word_next, &words);
}

/* Length of the valid UTF-8 sequence at s, 0: none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* C1 controls, overlong forms, surrogates, and what lies beyond U+10FFFF */
	if ((n == 2 && s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

char *text_printable(const char *s)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	while (*s) {
		const unsigned char *u = (const unsigned char *)s;
		size_t n = utf8_length(u);

		if (n == 0 || (n == 1 && (u[0] < 0x20 || u[0] == 0x7f))) {
			text_add(&text, "\\x%02x", u[0]);
			s++;
		} else {
			text_append(&text, s, n);
			s += n;
		}
	}
	return text.data;
}

void uuid_make(char *buf)
{
	unsigned char b[16];
	size_t at = 0;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		end_here("the kernel gives no random bytes");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf[at++] = '-';
		snprintf(buf + at, 3, "%02x", b[i]);
		at += 2;
	}
}

bool uuid_valid(const char *s)
{
	if (strlen(s) != UUID_LEN)
		return false;
	for (size_t i = 0; i < UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !(isdigit((unsigned char)s[i]) || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	}
	return true;
}

bool name_valid(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(s[i] == '-' || (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z')))
			return false;
	return true;
}
