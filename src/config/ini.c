/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *s, size_t at, size_t len)
{
	while (at < len && blank(s[at]))
		at++;
	return at;
}

static bool comment_or_end(const char *s, size_t at, size_t len)
{
	return at == len || s[at] == ';' || s[at] == '#';
}

static bool key_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static void bad(struct ini_line *line, const char *why)
{
	line->kind = INI_BAD;
	line->why = xstrdup(why);
}

/* Quoted text from the quote at *at; *at is then behind the closing one. NULL: it is not closed. */
static char *read_quoted(const char *s, size_t *at, size_t len)
{
	auto_text struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = *at + 1; i < len; i++) {
		if (s[i] == '"') {
			*at = i + 1;
			return take_ptr(&text.data);
		}
		if (s[i] == '\\' && i + 1 < len && (s[i + 1] == '"' || s[i + 1] == '\\'))
			i++;
		text_append(&text, s + i, 1);
	}
	return NULL;
}

static void read_header(struct ini_line *line, const char *s, size_t at, size_t len)
{
	size_t begin = at = skip_blanks(s, at + 1, len);

	while (at < len && key_byte(s[at]))
		at++;
	if (at == begin) {
		bad(line, at < len && s[at] != ']'
				  ? "a section's name has letters, digits and _ only"
				  : "a section needs a name, [name]");
		return;
	}
	line->section = xstrndup(s + begin, at - begin);
	begin = at = skip_blanks(s, at, len);
	if (at < len && s[at] == '"') {
		line->title = read_quoted(s, &at, len);
		if (!line->title) {
			bad(line, "the quote is not closed");
			return;
		}
	} else {
		while (at < len && !blank(s[at]) && !strchr("]\";#", s[at]))
			at++;
		if (at > begin)
			line->title = xstrndup(s + begin, at - begin);
	}
	at = skip_blanks(s, at, len);
	if (at == len || s[at] != ']')
		bad(line, "the ] is missing; sections are written [name] or [name \"title\"]");
	else if (!comment_or_end(s, skip_blanks(s, at + 1, len), len))
		bad(line, "text after the ]");
	else
		line->kind = INI_SECTION;
}

static void read_plain_value(struct ini_line *line, const char *s, size_t begin, size_t len)
{
	size_t end = begin, quotes = 0;
	bool comment = false;

	/* begin is behind the = and its blanks: a comment may begin right there when there was a
	 * blank */
	while (end < len) {
		if ((s[end] == ';' || s[end] == '#') && blank(s[end - 1])) {
			comment = true;
			break;
		}
		quotes += s[end] == '"';
		end++;
	}
	while (end > begin && blank(s[end - 1]))
		end--;
	if (comment && quotes % 2) {
		bad(line,
		    "a quote is open where the comment begins; put quotes around the whole value");
		return;
	}
	line->value = xstrndup(s + begin, end - begin);
	line->value_at = begin;
	line->value_len = end - begin;
	line->kind = INI_KEY;
}

static void read_quoted_value(struct ini_line *line, const char *s, size_t begin, size_t len)
{
	size_t at = begin;

	line->value = read_quoted(s, &at, len);
	if (!line->value) {
		bad(line, "the quote is not closed");
		return;
	}
	line->value_at = begin;
	line->value_len = at - begin;
	if (!comment_or_end(s, skip_blanks(s, at, len), len))
		bad(line, "text after the closing quote");
	else
		line->kind = INI_KEY;
}

static void read_key(struct ini_line *line, const char *s, size_t begin, size_t len)
{
	size_t at = begin;

	while (at < len && key_byte(s[at]))
		at++;
	line->key = xstrndup(s + begin, at - begin);
	line->operator_at = at = skip_blanks(s, at, len);
	if (at + 1 < len && s[at] == '+' && s[at + 1] == '=') {
		line->append = true;
		at++;
	}
	if (at == len || s[at] != '=') {
		if (memchr(s, '=', len))
			bad(line, "a key has letters, digits, _ . and - only");
		else
			bad(line, "neither [section] nor key = value");
		return;
	}
	if (!*line->key) {
		bad(line, "no key before the =");
		return;
	}
	at = skip_blanks(s, at + 1, len);
	if (at < len && s[at] == '"')
		read_quoted_value(line, s, at, len);
	else
		read_plain_value(line, s, at, len);
}

void ini_line_read(struct ini_line *line, const char *text, size_t len)
{
	size_t at = skip_blanks(text, 0, len);

	*line = (struct ini_line){ .kind = INI_BLANK, .indent = at };
	if (memchr(text, '\0', len)) {
		bad(line, "a NUL byte; the file is not text");
		return;
	}
	if (comment_or_end(text, at, len))
		return;
	if (text[at] == '[')
		read_header(line, text, at, len);
	else
		read_key(line, text, at, len);
	if ((line->value && strlen(line->value) > INI_VALUE_BYTES) ||
	    (line->title && strlen(line->title) > INI_VALUE_BYTES)) {
		free(line->why);
		bad(line, "longer than 32 KiB");
		return;
	}
	if ((line->value && !ini_printable(line->value)) ||
	    (line->title && !ini_printable(line->title))) {
		free(line->why);
		bad(line, "a control character, or bytes that are not UTF-8");
	}
}

void ini_line_done(struct ini_line *line)
{
	free(line->section);
	free(line->title);
	free(line->key);
	free(line->value);
	free(line->why);
	*line = (struct ini_line){ .kind = INI_BLANK };
}

bool ini_next(const char **text, size_t *left, const char **ret_line, size_t *ret_len)
{
	const char *end;
	size_t n;

	if (!*left)
		return false;
	end = memchr(*text, '\n', *left);
	n = end ? (size_t)(end - *text) : *left;
	*ret_line = *text;
	*ret_len = n && (*text)[n - 1] == '\r' ? n - 1 : n;
	n += end ? 1 : 0;
	*text += n;
	*left -= n;
	return true;
}

size_t ini_mark(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool ini_printable(const char *s)
{
	auto_free char *copy = xstrdup(s), *shown = NULL;

	for (char *p = copy; *p; p++)
		if (*p == '\t')
			*p = ' ';
	shown = text_printable(copy);
	return strcmp(copy, shown) == 0;
}

static void add_quoted(struct text *text, const char *s)
{
	text_append(text, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_append(text, "\\", 1);
		text_append(text, s, 1);
	}
	text_append(text, "\"", 1);
}

void ini_add_header(struct text *text, const char *section, const char *title)
{
	text_add(text, "[%s", section);
	if (title) {
		text_append(text, " ", 1);
		add_quoted(text, title);
	}
	text_append(text, "]", 1);
}

void ini_add_value(struct text *text, const char *value)
{
	size_t n = strlen(value);
	bool quote = false;

	if (n)
		quote = blank(value[0]) || blank(value[n - 1]) || strchr(";#", value[0]) ||
			strchr(value, '"');
	for (size_t i = 1; i < n && !quote; i++)
		quote = (value[i] == ';' || value[i] == '#') && blank(value[i - 1]);
	if (quote)
		add_quoted(text, value);
	else
		text_append(text, value, n);
}
