/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/fields.h"
#include "config/ini.h"
#include "config/options.h"

/* One line of the text that is edited. */
struct line {
	char *text;	 /* without its end */
	const char *end; /* "\n", "\r\n"; a last line may have "" or "\r" */
	bool ours;	 /* below a header of the section that is looked for */
	bool header;	 /* is such a header */
	bool key;	 /* any key of it */
	bool match;	 /* the key that is looked for */
};

struct document {
	struct line *lines;
	size_t n;
	const char *newline; /* what new lines end with */
};

/* --- reading and writing --- */

static bool is_target(const struct ini_line *line, const struct section *section, const char *title)
{
	const char *found = line->title ? line->title : section->title;

	if (strcmp(line->section, section->name) != 0)
		return false;
	return section->kind != SECTION_TITLED || (found && strcmp(found, title) == 0);
}

static void mark_line(struct line *line, size_t from, const struct section *section,
		      const char *title, const char *name, bool *inside)
{
	auto_ini_line struct ini_line ini = { .kind = INI_BLANK };

	ini_line_read(&ini, line->text + from, strlen(line->text + from));
	if (ini.kind == INI_SECTION)
		*inside = is_target(&ini, section, title);
	else if (ini.kind == INI_BAD && line->text[from + ini.indent] == '[')
		*inside = false;
	line->ours = *inside;
	line->header = *inside && ini.kind == INI_SECTION;
	line->key = *inside && ini.kind == INI_KEY;
	line->match = line->key && name && strcmp(ini.key, name) == 0;
}

static void document_read(struct document *document, const char *text,
			  const struct section *section, const char *title, const char *name)
{
	size_t left = strlen(text), mark = ini_mark(text, left), n;
	bool inside = false;
	const char *at;

	*document = (struct document){ .newline = "\n" };
	while (ini_next(&text, &left, &at, &n)) {
		struct line *line;

		document->lines =
			xrealloc(document->lines, (document->n + 1) * sizeof(struct line));
		line = &document->lines[document->n++];
		*line = (struct line){ .text = xstrndup(at, n) };
		if (text[-1] == '\n')
			line->end = at[n] == '\r' ? "\r\n" : "\n";
		else
			line->end = at + n < text ? "\r" : "";
		if (document->n == 1 && strchr(line->end, '\n'))
			document->newline = line->end;
		mark_line(line, document->n == 1 ? mark : 0, section, title, name, &inside);
	}
}

static char *document_write(const struct document *document)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = 0; i < document->n; i++)
		text_add(&text, "%s%s", document->lines[i].text, document->lines[i].end);
	return text.data;
}

static void document_done(struct document *document)
{
	for (size_t i = 0; i < document->n; i++)
		free(document->lines[i].text);
	free(document->lines);
	*document = (struct document){ .lines = NULL };
}
#define auto_document __attribute__((cleanup(document_done)))

/* --- changing --- */

static void insert_line(struct document *document, size_t at, char *text_take)
{
	document->lines = xrealloc(document->lines, (document->n + 1) * sizeof(struct line));
	memmove(document->lines + at + 1, document->lines + at,
		(document->n - at) * sizeof(struct line));
	document->lines[at] =
		(struct line){ .text = text_take, .end = document->newline, .ours = true };
	document->n++;
	if (at == 0)
		return;
	/* a last line gets its end; "\r" alone is completed, for its bytes are not ours to take away */
	if (document->lines[at - 1].end[0] == '\0')
		document->lines[at - 1].end = document->newline;
	else if (!strchr(document->lines[at - 1].end, '\n'))
		document->lines[at - 1].end = "\r\n";
}

static void remove_line(struct document *document, size_t at)
{
	free(document->lines[at].text);
	memmove(document->lines + at, document->lines + at + 1,
		(document->n - at - 1) * sizeof(struct line));
	document->n--;
}

static bool blank_byte(char c)
{
	return c == ' ' || c == '\t';
}

static bool line_blank(const struct line *line)
{
	return line->text[strspn(line->text, " \t")] == '\0';
}

/* Behind the last line that has the flag of the section (its last match, key, or header); 0: none
 * has. */
static size_t behind_last(const struct document *document, bool match_only)
{
	for (size_t i = document->n; i > 0; i--)
		if (document->lines[i - 1].match)
			return i;
	if (match_only)
		return 0;
	for (size_t i = document->n; i > 0; i--)
		if (document->lines[i - 1].key)
			return i;
	for (size_t i = document->n; i > 0; i--)
		if (document->lines[i - 1].header)
			return i;
	return 0;
}

/* The section's first header, at the end of the text. */
static size_t add_section(struct document *document, const struct option_key *key)
{
	/* "network" alone is eth0 too, but what one writes should say so */
	char *header = section_label(key->section, key->title);

	if (document->n && !line_blank(&document->lines[document->n - 1]))
		insert_line(document, document->n, xstrdup(""));
	insert_line(document, document->n, header);
	return document->n;
}

static char *new_line(const struct document *document, size_t at, const char *name,
		      const char *operator, const char * value)
{
	struct text text = TEXT_EMPTY;

	if (at > 0 && document->lines[at - 1].key) { /* indented as the key above */
		const char *above = document->lines[at - 1].text;

		above += ini_mark(above, strlen(above));
		text_append(&text, above, strspn(above, " \t"));
	}
	text_add(&text, "%s %s%s", name, operator, * value ? " " : "");
	ini_add_value(&text, value);
	return text.data;
}

static void add_value(struct document *document, const struct option_key *key, const char *operator,
		      const char * value)
{
	size_t at = behind_last(document, false);
	char *text;

	if (!at)
		at = add_section(document, key);
	text = new_line(document, at, key->name, operator, value);
	insert_line(document, at, text);
	document->lines[at].key = document->lines[at].match = true;
}

/* Put another value into a line, and = for +=; all else of the line stays. */
static void change_value(struct line *line, const char *value)
{
	auto_ini_line struct ini_line ini = { .kind = INI_BLANK };
	struct text text = TEXT_EMPTY;
	size_t mark = ini_mark(line->text, strlen(line->text)), gap, behind;
	const char *s = line->text + mark;

	ini_line_read(&ini, s, strlen(s));
	gap = ini.operator_at + (ini.append ? 2 : 1);
	behind = ini.value_at + ini.value_len;
	text_append(&text, line->text, mark + ini.operator_at);
	text_append(&text, "=", 1);
	if (ini.value_at > gap)
		text_append(&text, s + gap, ini.value_at - gap);
	else if (!ini.value_len && *value && ini.operator_at > ini.indent &&
		 blank_byte(s[ini.operator_at - 1]))
		text_append(&text, " ", 1); /* it was "key =" */
	ini_add_value(&text, value);
	/* a comment right behind a quote, or behind no value, must not become part of the new value
	 */
	if (s[behind] && !blank_byte(s[behind]) && !blank_byte(text.data[text.len - 1]))
		text_append(&text, " ", 1);
	text_append(&text, s + behind, strlen(s + behind));
	free(line->text);
	line->text = text.data;
}

/* The lines of key become one line for each value. */
static void replace_values(struct document *document, const struct option_key *key,
			   const struct strings *values)
{
	size_t next = 0;

	for (size_t i = 0; i < document->n; i++) {
		if (!document->lines[i].match)
			continue;
		if (next < values->n)
			change_value(&document->lines[i], values->items[next++]);
		else
			remove_line(document, i--);
	}
	while (next < values->n)
		add_value(document, key, "=", values->items[next++]);
}

static bool has_value(const struct document *document, const char *value)
{
	for (size_t i = 0; i < document->n; i++) {
		const char *s = document->lines[i].text;
		auto_ini_line struct ini_line ini = { .kind = INI_BLANK };

		if (!document->lines[i].match)
			continue;
		s += ini_mark(s, strlen(s));
		ini_line_read(&ini, s, strlen(s));
		if (ini.value && strcmp(ini.value, value) == 0)
			return true;
	}
	return false;
}

int config_edit_set(const char *text, const char *key, const char *value, char **ret,
		    struct error *err)
{
	auto_option_key struct option_key at = OPTION_KEY_EMPTY;
	auto_strings struct strings values = STRINGS_EMPTY;
	auto_document struct document document = { .lines = NULL };
	int r = option_key_parse(key, false, &at, err);

	if (r >= 0)
		r = config_check_values(&at, value, &values, err);
	if (r < 0)
		return r;
	document_read(&document, text, at.section, at.title, at.name);
	if (!at.append) {
		if (!values.n)
			strings_add(&values, "");
		replace_values(&document, &at, &values);
	}
	for (size_t i = 0; at.append && i < values.n; i++) {
		/* without a line yet, += keeps what sysct.conf says */
		if (!has_value(&document, values.items[i]))
			add_value(&document, &at,
				  behind_last(&document, true) ? "=" : "+=", values.items[i]);
	}
	*ret = document_write(&document);
	return 0;
}

/* --- unset --- */

static void remove_section(struct document *document)
{
	size_t end = 0;

	/* comments behind the last key may belong to the next section: they stay */
	for (size_t i = 0; i < document->n; i++)
		if (document->lines[i].header || document->lines[i].key)
			end = i + 1;
	for (size_t i = end; i > 0; i--)
		if (document->lines[i - 1].ours)
			remove_line(document, i - 1);
}

/* "network.eth1" or "mount./path" instead of a key? */
static bool whole_section(const char *key, const struct section **ret_section,
			  const char **ret_title)
{
	const char *dot = strchr(key, '.');
	auto_free char *name = xstrndup(key, dot ? (size_t)(dot - key) : strlen(key));
	const struct section *section = section_find(name);
	const char *last = strrchr(key, '.');

	if (!section || !dot || section->kind != SECTION_TITLED || option_find(name, last + 1) ||
	    !section->valid_title(dot + 1))
		return false;
	*ret_section = section;
	*ret_title = dot + 1;
	return true;
}

int config_edit_unset(const char *text, const char *key, char **ret, struct error *err)
{
	auto_option_key struct option_key at = OPTION_KEY_EMPTY;
	auto_document struct document document = { .lines = NULL };
	const struct section *section;
	const char *title;
	int r;

	if (whole_section(key, &section, &title)) {
		document_read(&document, text, section, title, NULL);
		remove_section(&document);
		*ret = document_write(&document);
		return 0;
	}
	r = option_key_parse(key, true, &at, err);
	if (r < 0)
		return r;
	document_read(&document, text, at.section, at.title, at.name);
	for (size_t i = document.n; i > 0; i--)
		if (document.lines[i - 1].match)
			remove_line(&document, i - 1);
	*ret = document_write(&document);
	return 0;
}
