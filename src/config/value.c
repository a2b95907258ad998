/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"

#define SHOWN_BYTES 64 /* of a value that somebody typed, in a message */

/* --- the field behind a row --- */

static bool *field_bool(const struct option *option, void *base)
{
	return (bool *)((char *)base + option->offset);
}

static int *field_word(const struct option *option, void *base)
{
	return (int *)(void *)((char *)base + option->offset);
}

static uint64_t *field_number(const struct option *option, void *base)
{
	return (uint64_t *)(void *)((char *)base + option->offset);
}

static char **field_text(const struct option *option, void *base)
{
	return (char **)(void *)((char *)base + option->offset);
}

static struct strings *field_list(const struct option *option, void *base)
{
	return (struct strings *)(void *)((char *)base + option->offset);
}

/* --- text to value --- */

/* "1.5" is 1500; at most three places. */
static int parse_thousandths(const char *s, uint64_t *ret)
{
	uint64_t whole, part = 0, scale = 1000;
	const char *point = strchr(s, '.');
	auto_free char *head = xstrndup(s, point ? (size_t)(point - s) : strlen(s));
	int r = parse_u64(head, &whole);

	if (r < 0)
		return r;
	if (point) {
		r = parse_u64(point + 1, &part);
		if (r < 0 || strlen(point + 1) > 3)
			return -EINVAL;
		for (size_t i = strlen(point + 1); i > 0; i--)
			scale /= 10;
		part *= scale;
	}
	if (whole > UINT64_MAX / 1000 - 1)
		return -ERANGE;
	*ret = whole * 1000 + part;
	return 0;
}

static int parse_number(const struct option *option, const char *value, uint64_t *ret)
{
	uint64_t number;
	int r;

	if (option->unset && strcmp(value, option->unset) == 0) {
		*ret = CONFIG_UNSET;
		return 0;
	}
	if (option->none && strcmp(value, option->none) == 0) {
		*ret = CONFIG_NONE;
		return 0;
	}
	if (option->type == OPTION_SIZE)
		r = parse_size(value, &number);
	else if (option->type == OPTION_DURATION)
		r = parse_duration(value, &number);
	else if (option->type == OPTION_THOUSANDTHS)
		r = parse_thousandths(value, &number);
	else
		r = parse_u64(value, &number);
	if (r < 0)
		return r;
	if (number < option->min || number > option->max)
		return -ERANGE;
	*ret = number;
	return 0;
}

static int find_word(const char *const *words, const char *value)
{
	for (int i = 0; words && words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -EINVAL;
}

static int check_value(const struct option *option, const char *value)
{
	uint64_t number;
	bool truth;

	switch (option->type) {
	case OPTION_BOOL:
		return parse_bool(value, &truth);
	case OPTION_WORD:
		return find_word(option->words, value) < 0 ? -EINVAL : 0;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_THOUSANDTHS:
		return parse_number(option, value, &number);
	case OPTION_TEXT:
	case OPTION_LIST:
	case OPTION_PAIRS:
		break;
	}
	return option->valid && !option->valid(value) ? -EINVAL : 0;
}

static char *shown(const char *value)
{
	auto_free char *part = xstrndup(value, SHOWN_BYTES);
	auto_free char *printable = text_printable(part);

	return xasprintf("\"%s%s\"", printable, strlen(value) > SHOWN_BYTES ? "..." : "");
}

int option_check(const struct option *option, const char *value, char **ret_why)
{
	auto_free char *quoted = NULL;
	const char *wrong = "is not valid", *near;
	int r;

	if (!*value)
		return 0;
	if (find_word(option->later, value) >= 0) {
		wrong = "is not in this version of sysct";
	} else {
		r = check_value(option, value);
		if (r == 0)
			return 0;
		if (r == -ERANGE)
			wrong = "is out of range";
	}
	quoted = option->secret ? xstrdup("what is given") : shown(value);
	near = option->near ? option->near(value) : NULL;
	*ret_why = xasprintf("%s %s; allowed: %s%s%s%s", quoted, wrong, option->allowed, near ? "; did you mean \"" : "",
			     near ? near : "", near ? "\"?" : "");
	return -EINVAL;
}

static void store_list(const struct option *option, struct strings *list, const char *value)
{
	if (!*value)
		strings_clear(list);
	else if (option->normal)
		strings_add_take(list, option->normal(value));
	else
		strings_add(list, value);
}

/* value is checked, and not empty but for lists. */
static void store(const struct option *option, void *base, const char *value)
{
	char **text;

	switch (option->type) {
	case OPTION_BOOL:
		parse_bool(value, field_bool(option, base));
		break;
	case OPTION_WORD:
		*field_word(option, base) = find_word(option->words, value);
		break;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_THOUSANDTHS:
		parse_number(option, value, field_number(option, base));
		break;
	case OPTION_TEXT:
		text = field_text(option, base);
		free(*text);
		*text = option->normal ? option->normal(value) : xstrdup(value);
		break;
	case OPTION_LIST:
	case OPTION_PAIRS:
		store_list(option, field_list(option, base), value);
		break;
	}
}

void option_store(const struct option *option, void *base, const char *value)
{
	if (*value || option->type == OPTION_LIST || option->type == OPTION_PAIRS)
		store(option, base, value);
	else
		option_reset(option, base);
}

void option_release(const struct option *option, void *base)
{
	if (option->type == OPTION_TEXT) {
		free(*field_text(option, base));
		*field_text(option, base) = NULL;
	} else if (option->type == OPTION_LIST || option->type == OPTION_PAIRS) {
		strings_clear(field_list(option, base));
	}
}

void option_reset(const struct option *option, void *base)
{
	option_release(option, base);
	if (option->preset)
		store(option, base, option->preset);
}

/* --- value to text --- */

static char *write_size(uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	size_t unit = 0;

	if (!bytes || bytes % 1024)
		return xasprintf("%llu", (unsigned long long)bytes);
	for (bytes /= 1024; bytes % 1024 == 0 && unit < 5; bytes /= 1024)
		unit++;
	return xasprintf("%llu%c", (unsigned long long)bytes, units[unit]);
}

static char *write_thousandths(uint64_t value)
{
	char *s = xasprintf("%llu.%03llu", (unsigned long long)value / 1000,
			    (unsigned long long)value % 1000);
	size_t n = strlen(s);

	while (s[n - 1] == '0')
		s[--n] = '\0';
	if (s[n - 1] == '.')
		s[n - 1] = '\0';
	return s;
}

static char *write_duration(uint64_t usec)
{
	char buf[32];

	if (usec % 1000) {
		auto_free char *ms = write_thousandths(usec);

		return xasprintf("%sms", ms);
	}
	return xstrdup(format_duration(usec, buf, sizeof(buf)));
}

static char *write_number(const struct option *option, uint64_t number)
{
	if (number == CONFIG_UNSET)
		return option->unset ? xstrdup(option->unset) : NULL;
	if (number == CONFIG_NONE && option->none)
		return xstrdup(option->none);
	if (option->type == OPTION_SIZE)
		return write_size(number);
	if (option->type == OPTION_DURATION)
		return write_duration(number);
	if (option->type == OPTION_THOUSANDTHS)
		return write_thousandths(number);
	return xasprintf("%llu", (unsigned long long)number);
}

void option_values(const struct option *option, const void *fields, struct strings *ret)
{
	void *base = (void *)(uintptr_t)fields; /* the accessors serve both directions */
	const struct strings *list;
	char *text = NULL;

	switch (option->type) {
	case OPTION_BOOL:
		text = xstrdup(*field_bool(option, base) ? "yes" : "no");
		break;
	case OPTION_WORD:
		text = xstrdup(option->words[*field_word(option, base)]);
		break;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_THOUSANDTHS:
		text = write_number(option, *field_number(option, base));
		break;
	case OPTION_TEXT:
		text = *field_text(option, base) ? xstrdup(*field_text(option, base)) : NULL;
		break;
	case OPTION_LIST:
	case OPTION_PAIRS:
		list = field_list(option, base);
		for (size_t i = 0; i < list->n; i++)
			strings_add(ret, list->items[i]);
		break;
	}
	if (text)
		strings_add_take(ret, text);
}

bool option_is_default(const struct option *option, const void *base)
{
	auto_strings struct strings values = STRINGS_EMPTY;

	option_values(option, base, &values);
	if (!option->preset)
		return values.n == 0;
	return values.n == 1 && strcmp(values.items[0], option->preset) == 0;
}

void option_copy(const struct option *option, void *to, const void *from)
{
	void *source = (void *)(uintptr_t)from; /* the accessors serve both directions */
	const char *text;

	if (to == from)
		return;
	switch (option->type) {
	case OPTION_BOOL:
		*field_bool(option, to) = *field_bool(option, source);
		break;
	case OPTION_WORD:
		*field_word(option, to) = *field_word(option, source);
		break;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_THOUSANDTHS:
		*field_number(option, to) = *field_number(option, source);
		break;
	case OPTION_TEXT:
		text = *field_text(option, source);
		option_release(option, to);
		*field_text(option, to) = text ? xstrdup(text) : NULL;
		break;
	case OPTION_LIST:
	case OPTION_PAIRS:
		strings_copy(field_list(option, to), field_list(option, source));
		break;
	}
}

/* --- all fields of a base --- */

void options_init_base(enum section_base base, void *fields)
{
	static const size_t sizes[] = {
		[BASE_CONTAINER] = sizeof(struct container_config),
		[BASE_NETWORK] = sizeof(struct network_config),
		[BASE_MOUNT] = sizeof(struct mount_config),
		[BASE_HOST] = sizeof(struct host_config),
	};

	memset(fields, 0, sizes[base]);
	options_reset_base(base, fields);
}

void options_reset_base(enum section_base base, void *fields)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (options[i].base == base)
			option_reset(&options[i], fields);
}

void options_done_base(enum section_base base, void *fields)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (options[i].base == base)
			option_release(&options[i], fields);
}

void options_copy_base(enum section_base base, void *to, const void *from)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (options[i].base == base)
			option_copy(&options[i], to, from);
}

/* --- NAME=value --- */

static const char *pair_value(const char *pair, const char *name)
{
	size_t n = strlen(name);

	return strncmp(pair, name, n) == 0 && pair[n] == '=' ? pair + n + 1 : NULL;
}

void pairs_set(struct strings *pairs, const char *name, const char *value)
{
	char *pair = xasprintf("%s=%s", name, value);

	for (size_t i = 0; i < pairs->n; i++) {
		if (!pair_value(pairs->items[i], name))
			continue;
		free(pairs->items[i]);
		pairs->items[i] = pair;
		return;
	}
	strings_add_take(pairs, pair);
}

const char *pairs_get(const struct strings *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *value = pair_value(pairs->items[i], name);

		if (value)
			return value;
	}
	return NULL;
}
