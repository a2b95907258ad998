/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/questions.h"

#include <stdlib.h>
#include <string.h>

#define MOST_STRING 4096	/* one that does not end swallows no more */

#define ENQ 0x05
#define BEL 0x07
#define CAN 0x18
#define SUB 0x1a
#define ESC 0x1b
#define DEL 0x7f

enum state {
	GROUND,
	CHARACTER,	/* 0xc2: of UTF-8, a C1 control perhaps */
	ESCAPE,
	SEQUENCE,	/* CSI */
	COMMAND,	/* OSC */
	COMMAND_ESCAPE,
	STRING,		/* DCS and the like, and an OSC that is too long: goes */
	STRING_ESCAPE,
};

struct sink {
	char *data;
	size_t n;
};

static void emit(struct sink *sink, unsigned char c)
{
	sink->data[sink->n++] = (char)c;
}

static void emit_held(struct questions *q, struct sink *sink)
{
	memcpy(sink->data + sink->n, q->held, q->n_held);
	sink->n += q->n_held;
	q->n_held = 0;
}

static void enter(struct questions *q, enum state state)
{
	q->state = (int)state;
	q->seen = 0;
	q->after = 0;
	if (state == GROUND || state == STRING)
		q->n_held = 0;
}

/* False: there is no room for it, and what is held can be neither judged nor shown. */
static bool hold(struct questions *q, unsigned char c)
{
	if (q->n_held == sizeof(q->held) - 1)
		return false;
	q->held[q->n_held++] = (char)c;
	return true;
}

/* Of the held bytes, without their introducer. */
static const char *body(struct questions *q)
{
	unsigned char first = (unsigned char)q->held[0];

	q->held[q->n_held] = '\0';
	return q->held + (first == ESC || first == 0xc2 ? 2 : 1);
}

static bool has_any(const char *text, size_t n, const char *of)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] && strchr(of, text[i]))
			return true;
	return false;
}

/* The names are those of xterm's ctlseqs and of DEC's manuals. */
static bool sequence_asks(const char *s)
{
	size_t n = strlen(s) - 1;
	char final = s[n], prefix = strchr("<=>?", *s) ? *s : '\0';
	bool between = has_any(s, n, " !\"#$%&'()*+,-./");
	long first = strtol(s, NULL, 10);

	switch (final) {
	case 'c':	/* DA; with ? it is the shape of Linux' cursor */
		return prefix != '?';
	case 'n':	/* DSR */
		return prefix != '>';
	case 'x':	/* DECREQTPARM */
		return !between;
	case 't':	/* of windows: sizes, titles */
		return !between && !prefix && first >= 11 && first <= 21;
	case 'p':	/* DECRQM */
		return has_any(s, n, "$");
	case 'y':	/* DECRQCRA */
		return has_any(s, n, "*");
	case 'q':	/* XTVERSION */
		return prefix == '>';
	case 'm':	/* XTQMODKEYS */
		return prefix == '?';
	case 'u':	/* keyboard modes, DECRQTSR, DECRQUPSS */
		return prefix == '?' || between;
	case 'w':	/* DECRQPSR, locators */
		return between;
	case 'R':	/* XTREPORTCOLORS */
		return has_any(s, n, "#");
	case 'S':	/* XTSMGRAPHICS, XTTITLEPOS */
		return prefix == '?' || has_any(s, n, "#");
	case '|':	/* DECRQLP, XTREPORTSGR */
		return has_any(s, n, "'#");
	default:
		return false;
	}
}

/* Titles, links and directories may have a question mark in them; what else has one asks. */
static bool command_asks(const char *s)
{
	static const char *const shown[] = { "0;", "1;", "2;", "7;", "8;" };
	static const char *const asking[] = { "60", "61", "1337", "5522" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		if (strncmp(s, shown[i], strlen(shown[i])) == 0)
			return false;
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
		if (strncmp(s, asking[i], strlen(asking[i])) == 0)
			return true;
	for (const char *at = s; *at; at++)	/* what a terminal makes of others than ASCII here depends on it */
		if (*at == '?' || (unsigned char)*at >= 0x80)
			return true;
	return false;
}

static void push(struct questions *q, unsigned char c, struct sink *sink);

/* c is an introducer in its form as a C1 control, which is held. */
static void introduce(struct questions *q, unsigned char c, struct sink *sink)
{
	switch (c) {
	case 0x9b:
		enter(q, SEQUENCE);
		return;
	case 0x9d:
		enter(q, COMMAND);
		return;
	case 0x90: case 0x98: case 0x9e: case 0x9f:
		enter(q, STRING);
		return;
	case 0x9a:	/* DECID */
		enter(q, GROUND);
		return;
	default:
		emit_held(q, sink);
		enter(q, GROUND);
		return;
	}
}

static int lacks(unsigned char first)
{
	return first >= 0xf0 && first <= 0xf4 ? 3 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xc3 && first <= 0xdf;
}

static void push_ground(struct questions *q, unsigned char c, struct sink *sink)
{
	if (c == ENQ)
		return;
	if (q->after && (c & 0xc0) == 0x80) {
		q->after--;
		emit(sink, c);
		return;
	}
	q->after = lacks(c);
	if (c == ESC || c == 0xc2) {
		hold(q, c);
		enter(q, c == ESC ? ESCAPE : CHARACTER);
	} else if (c >= 0x80 && c <= 0x9f) {
		hold(q, c);
		introduce(q, c, sink);
	} else {
		emit(sink, c);
	}
}

static void push_character(struct questions *q, unsigned char c, struct sink *sink)
{
	if (c >= 0x80 && c <= 0x9f) {
		hold(q, c);
		introduce(q, c, sink);
		return;
	}
	emit_held(q, sink);
	enter(q, GROUND);
	if ((c & 0xc0) == 0x80)
		emit(sink, c);
	else
		push(q, c, sink);
}

/* What a terminal does with a control character, or something else, in the midst of a sequence. True: that was all. */
static bool interrupts(struct questions *q, unsigned char c, struct sink *sink)
{
	if (c >= 0x80 || c == ESC || c == CAN || c == SUB) {	/* the end of it */
		enter(q, GROUND);
		push(q, c, sink);
		return true;
	}
	if (c < 0x20 && c != ENQ)	/* done at once */
		emit(sink, c);
	return c < 0x20 || c == DEL;
}

static void push_escape(struct questions *q, unsigned char c, struct sink *sink)
{
	if (interrupts(q, c, sink))
		return;
	if (!hold(q, c)) {
		enter(q, GROUND);
		return;
	}
	if (c <= 0x2f)	/* intermediate */
		return;
	if (q->n_held > 2 || c < 0x40 || c > 0x5f) {
		emit_held(q, sink);
		enter(q, GROUND);
		return;
	}
	introduce(q, c + 0x40, sink);
}

static void push_sequence(struct questions *q, unsigned char c, struct sink *sink)
{
	bool whole;

	if (interrupts(q, c, sink))
		return;
	whole = hold(q, c);
	if (c < 0x40)
		return;
	if (whole && !sequence_asks(body(q)))
		emit_held(q, sink);
	enter(q, GROUND);
}

static void end_command(struct questions *q, struct sink *sink)
{
	if (!command_asks(body(q)))
		emit_held(q, sink);
	enter(q, GROUND);
}

/* Of Linux, without an end: colours of the palette. */
static bool is_palette(struct questions *q)
{
	const char *s = body(q);

	return (*s == 'P' || *s == 'R') && !s[1];
}

/* The next byte of it is a C1 control, as such or in UTF-8. */
static bool is_control(struct questions *q, unsigned char c)
{
	bool control = c >= 0x80 && c <= 0x9f;

	if (q->after && (c & 0xc0) == 0x80) {
		q->after--;
		return control && (unsigned char)q->held[q->n_held - 1] == 0xc2;
	}
	q->after = c == 0xc2 ? 1 : lacks(c);
	return control;
}

static void push_string(struct questions *q, unsigned char c, struct sink *sink);

static void push_command(struct questions *q, unsigned char c, struct sink *sink)
{
	bool control = is_control(q, c);

	if (c == ENQ)
		return;
	if (c == CAN || c == SUB) {
		enter(q, GROUND);
		push(q, c, sink);
	} else if ((control && c != 0x9c) || !hold(q, c)) {
		enter(q, STRING);
		push_string(q, c, sink);
	} else if (c == ESC) {
		q->state = COMMAND_ESCAPE;
	} else if (is_palette(q)) {
		emit_held(q, sink);
		enter(q, GROUND);
	} else if (c == BEL || control) {
		end_command(q, sink);
	}
}

static void push_command_escape(struct questions *q, unsigned char c, struct sink *sink)
{
	if (c == '\\' && hold(q, c)) {
		end_command(q, sink);
		return;
	}
	enter(q, GROUND);
	push(q, ESC, sink);
	push(q, c, sink);
}

static void push_string(struct questions *q, unsigned char c, struct sink *sink)
{
	if (c == CAN || c == SUB) {
		enter(q, GROUND);
		push(q, c, sink);
	} else if (c == ESC) {
		q->state = STRING_ESCAPE;
	} else if (c == 0x9c || c == BEL || ++q->seen > MOST_STRING) {
		enter(q, GROUND);
	}
}

static void push_string_escape(struct questions *q, unsigned char c, struct sink *sink)
{
	enter(q, GROUND);
	if (c == '\\')
		return;
	push(q, ESC, sink);
	push(q, c, sink);
}

static void push(struct questions *q, unsigned char c, struct sink *sink)
{
	static void (*const by_state[])(struct questions *q, unsigned char c, struct sink *sink) = {
		[GROUND] = push_ground,		[CHARACTER] = push_character,
		[ESCAPE] = push_escape,		[SEQUENCE] = push_sequence,
		[COMMAND] = push_command,	[COMMAND_ESCAPE] = push_command_escape,
		[STRING] = push_string,		[STRING_ESCAPE] = push_string_escape,
	};

	by_state[q->state](q, c, sink);
}

size_t questions_leave_out(struct questions *questions, const char *data, size_t n, char *out)
{
	struct sink sink = { .data = out };

	for (size_t i = 0; i < n; i++)
		push(questions, (unsigned char)data[i], &sink);
	return sink.n;
}

bool questions_at_rest(const struct questions *questions)
{
	return questions->state == GROUND && !questions->n_held && !questions->after;
}

size_t questions_rest(struct questions *questions, char *out)
{
	struct sink sink = { .data = out };

	emit_held(questions, &sink);
	enter(questions, GROUND);
	return sink.n;
}
