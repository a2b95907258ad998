/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/value.h"

#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"

/* A value is json-c's object under another name. */
static struct value *as_value(struct json_object *json)
{
	return (struct value *)json;
}

static struct json_object *as_json(struct value *value)
{
	return (struct json_object *)value;
}

struct value *value_object(void)
{
	return as_value(json_object_new_object());
}

struct value *value_array(void)
{
	return as_value(json_object_new_array());
}

struct value *value_string(const char *text)
{
	return as_value(json_object_new_string(text));
}

struct value *value_bool(bool truth)
{
	return as_value(json_object_new_boolean(truth));
}

struct value *value_uint(uint64_t number)
{
	return as_value(json_object_new_uint64(number));
}

struct value *value_real(const char *text)
{
	return as_value(json_object_new_double_s(strtod(text, NULL), text));
}

struct value *value_thousandths(uint64_t number)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%.10g", (double)number / 1000);
	return value_real(buf);
}

struct value *value_strings(const struct strings *list)
{
	struct value *array = value_array();

	for (size_t i = 0; i < list->n; i++)
		value_append(array, value_string(list->items[i]));
	return array;
}

struct value *value_text(const char *text)
{
	return text_empty(text) ? NULL : value_string(text);
}

struct value *value_number(uint64_t number)
{
	return number ? value_uint(number) : NULL;
}

struct value *value_time(int64_t unix_seconds)
{
	char buf[32];

	return value_text(format_time(unix_seconds, buf, sizeof(buf)));
}

void value_set(struct value *object, const char *key, struct value *member_take)
{
	json_object_object_add(as_json(object), key, as_json(member_take));
}

void value_append(struct value *array, struct value *item_take)
{
	json_object_array_add(as_json(array), as_json(item_take));
}

void value_put(struct value *value)
{
	json_object_put(as_json(value));
}

struct value *value_member(struct value *object, const char *key)
{
	return as_value(json_object_object_get(as_json(object), key));
}

struct value *value_at(struct value *array, size_t i)
{
	return as_value(json_object_array_get_idx(as_json(array), i));
}

size_t value_count(struct value *array)
{
	return json_object_array_length(as_json(array));
}

void value_each(struct value *object, void (*call)(const char *key, struct value *member, void *arg), void *arg)
{
	json_object_object_foreach(as_json(object), key, member)
		call(key, as_value(member), arg);
}

int value_truth(struct value *value)
{
	if (!json_object_is_type(as_json(value), json_type_boolean))
		return -1;
	return json_object_get_boolean(as_json(value));
}

uint64_t value_as_uint(struct value *value)
{
	return json_object_get_uint64(as_json(value));
}

static void add_member(const char *key, struct value *member, void *arg)
{
	struct text *text = arg;
	auto_free char *part = value_flat(member);

	if (*part)
		text_add(text, "%s%s=%s", text->len ? " " : "", key, part);
}

char *value_flat(struct value *value)
{
	struct json_object *json = as_json(value);
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	if (json_object_is_type(json, json_type_array)) {
		for (size_t i = 0; i < value_count(value); i++) {
			auto_free char *part = value_flat(value_at(value, i));

			text_add(&text, "%s%s", i ? " " : "", part);
		}
	} else if (json_object_is_type(json, json_type_object)) {
		value_each(value, add_member, &text);
	} else if (json) {
		text_add(&text, "%s", json_object_get_string(json));
	}
	return text.data;
}

void value_print_take(struct value *value)
{
	puts(json_object_to_json_string_ext(as_json(value), JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								    JSON_C_TO_STRING_NOSLASHESCAPE));
	value_put(value);
}
