/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_INI_H
#define SYSCT_CONFIG_INI_H

/* ini - the syntax of one line. Knows no key; shared by the parser and the editor.
 *
 *     [section]                  ; comment
 *     [section "title"]          # a title may stand without quotes when it has no blank
 *     key = value   ; comment    the value ends at a blank followed by ; or #
 *     key = " a ; b "            quotes keep blanks and ; and #; \" and \\ within
 *     key += value               append to what is there already
 *
 * A backslash outside of quotes is a backslash, also at the end of a line. */

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define INI_VALUE_BYTES 32768 /* a value may be as long; a comment may be longer */

enum ini_kind { INI_BLANK, INI_SECTION, INI_KEY, INI_BAD };

struct ini_line {
	enum ini_kind kind;
	char *section, *title;	    /* INI_SECTION; title NULL: none */
	char *key, *value;	    /* INI_KEY */
	bool append;		    /* += */
	size_t indent;		    /* blanks before the line's first byte */
	size_t operator_at;	    /* where = or += stands, from the line's first byte */
	size_t value_at, value_len; /* the value as written, with its quotes */
	char *why;		    /* INI_BAD: what is wrong */
};

/* text has len bytes without the line's end. What line held before is not freed. */
void ini_line_read(struct ini_line *line, const char *text, size_t len);
void ini_line_done(struct ini_line *line);
#define auto_ini_line __attribute__((cleanup(ini_line_done)))

/* Cut the next line off: *ret_line and *ret_len without "\n" or "\r\n". false: nothing is left. */
bool ini_next(const char **text, size_t *left, const char **ret_line, size_t *ret_len);
/* Bytes of a byte order mark at the beginning of a file, 0 or 3. */
size_t ini_mark(const char *text, size_t len);

/* UTF-8 without control characters but tabs? */
bool ini_printable(const char *s);

/* Write so that reading gives the same. */
void ini_add_header(struct text *text, const char *section, const char *title);
void ini_add_value(struct text *text, const char *value);

#endif
