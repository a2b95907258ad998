/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_VALUE_H
#define SYSCT_COMMAND_VALUE_H

/* value - a result as JSON has it: text, number, truth, list, object. NULL is null.
 *
 * Functions that put a value into another one, and those that end in _take, take it; value_put() gives one back. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct value;

struct value *value_object(void);
struct value *value_array(void);
struct value *value_string(const char *text);
struct value *value_bool(bool truth);
struct value *value_uint(uint64_t number);
/* A number with a point, as written. */
struct value *value_real(const char *text);
/* Thousandths: 1500 is 1.5. */
struct value *value_thousandths(uint64_t number);
struct value *value_strings(const struct strings *list);
/* null for NULL, "" and 0. Times are RFC 3339. */
struct value *value_text(const char *text);
struct value *value_number(uint64_t number);
struct value *value_time(int64_t unix_seconds);

void value_set(struct value *object, const char *key, struct value *member_take);
void value_append(struct value *array, struct value *item_take);
void value_put(struct value *value);

/* Borrowed. */
struct value *value_member(struct value *object, const char *key);
struct value *value_at(struct value *array, size_t i);
size_t value_count(struct value *array);
void value_each(struct value *object, void (*call)(const char *key, struct value *member, void *arg), void *arg);
/* -1: it is no truth value. */
int value_truth(struct value *value);
uint64_t value_as_uint(struct value *value);

/* In one line: lists with blanks between, objects as key=value without what is null, null as "". Caller frees. */
char *value_flat(struct value *value);
/* On standard output, with a newline. */
void value_print_take(struct value *value);

#endif
