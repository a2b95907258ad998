/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plain.h"

#include <stdbool.h>
#include <string.h>

/* What the held bytes are, now that one more has come. */
enum verdict { MORE, DROP, SHOW, ESCAPE };

static enum verdict judge_escape(const char *s, size_t n)
{
	unsigned char last = (unsigned char)s[n - 1];

	if (n == 1)
		return MORE;
	if (n == 2)
		return last == '[' ? MORE : ESCAPE;
	if (last >= 0x40 && last <= 0x7e)
		return DROP;
	return last >= 0x20 && last <= 0x3f ? MORE : ESCAPE;	/* parameters and intermediates */
}

static size_t utf8_length(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static enum verdict judge_utf8(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t length = utf8_length(u[0]);

	if (!length || (n > 1 && (u[n - 1] & 0xc0) != 0x80))
		return ESCAPE;
	if (n < length)
		return MORE;
	/* C1 controls; overlong forms, surrogates and what is beyond Unicode */
	if ((u[0] == 0xc2 && u[1] < 0xa0) || (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] >= 0xa0) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] >= 0x90))
		return ESCAPE;
	return SHOW;
}

static enum verdict judge(const char *s, size_t n)
{
	unsigned char first = (unsigned char)s[0];

	if (first == 0x1b)
		return judge_escape(s, n);
	if (first == '\r') {
		if (n == 1)
			return MORE;
		return s[n - 1] == '\r' ? MORE : s[n - 1] == '\n' ? DROP : ESCAPE;
	}
	if (first == '\n' || first == '\t' || (first >= 0x20 && first < 0x7f))
		return SHOW;
	return first < 0x80 ? ESCAPE : judge_utf8(s, n);
}

/* The first held byte is shown as \xNN; those after it are looked at again. */
static void push(struct plain *plain, char c, struct text *ret);

static void escape_first(struct plain *plain, struct text *ret)
{
	struct plain again = *plain;

	text_add(ret, "\\x%02x", (unsigned char)again.held[0]);
	plain->n_held = 0;
	for (size_t i = 1; i < again.n_held; i++)
		push(plain, again.held[i], ret);
}

static void push(struct plain *plain, char c, struct text *ret)
{
	enum verdict verdict;

	plain->held[plain->n_held++] = c;
	verdict = judge(plain->held, plain->n_held);
	if (verdict == MORE && plain->n_held == sizeof(plain->held))
		verdict = ESCAPE;
	switch (verdict) {
	case MORE:
		return;
	case SHOW:
		text_append(ret, plain->held, plain->n_held);
		plain->n_held = 0;
		return;
	case DROP:
		plain->n_held = 0;
		if (c == '\n')
			text_append(ret, "\n", 1);
		return;
	case ESCAPE:
		escape_first(plain, ret);
		return;
	}
}

void plain_filter(struct plain *plain, const char *data, size_t n, struct text *ret)
{
	for (size_t i = 0; i < n; i++)
		push(plain, data[i], ret);
}
