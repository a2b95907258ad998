/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text, a key and a value, with a NUL between them: an edit is refused with a message, or changes what the key says and
 * no other line; the same edit again changes nothing, and what is unset is gone. Built with -fsanitize=fuzzer, or with
 * standalone/main.c to run files of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "config/edit.h"
#include "fuzz.h"

/* The same line; one without an end may have got "\r\n", for another one below it. */
static bool same_line(const char *a, const char *b)
{
	size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

	return strncmp(a, b, n) == 0 && (m == n || (!a[n] && m == n + 1 && b[n] == '\r'));
}

/* Lines of a that stand in b in the same order, as many as there are in a: a is b with lines taken out. */
static bool is_part(const char *a, const char *b)
{
	while (*a) {
		size_t n = strcspn(a, "\n");

		while (*b && !same_line(a, b))
			b += strcspn(b, "\n") + (b[strcspn(b, "\n")] == '\n');
		if (!*b && n)
			return false;
		a += n + (a[n] == '\n');
		b += strcspn(b, "\n") + (b[strcspn(b, "\n")] == '\n');
	}
	return true;
}

/* A section that says nothing but what holds anyway, such as "source =", is no mount: then there is nothing to be got. */
static bool is_no_mount(const struct container_config *config, const char *key)
{
	auto_free char *path = NULL;

	if (strncmp(key, "mount.", 6) != 0 || !strrchr(key + 6, '.'))
		return false;
	path = xstrndup(key + 6, (size_t)(strrchr(key, '.') - key - 6));
	return !config_mount(config, path);
}

/* What is right as a whole says what was set. */
static void check_set(const char *key, const char *set)
{
	auto_strings struct strings values = STRINGS_EMPTY;
	struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	if (config_parse_text(set, strlen(set), "set", &config, NULL, &err) == 0)
		require(is_no_mount(&config, key) || config_get_option(&config, key, &values, &err) == 0, err.message, set);
	else
		require(err.code > 0 && err.message[0], "refused without a message", set);
	config_done(&config);
}

static void check(const char *text, const char *key, const char *value)
{
	auto_free char *set = NULL, *twice = NULL, *unset = NULL, *none = NULL, *again = NULL;
	size_t n = strlen(key);
	bool appends = n && key[n - 1] == '+';
	struct error err = ERROR_NONE;

	if (config_edit_set(text, key, value, &set, &err) < 0) {
		require(err.code > 0 && err.message[0] && !set, "refused without a message", key);
		return;
	}
	if (!appends)
		check_set(key, set);
	require(config_edit_set(set, key, value, &twice, &err) == 0, err.message, set);
	require(strcmp(set, twice) == 0, "set again it differs", set);
	if (appends)
		return;
	require(config_edit_unset(set, key, &unset, &err) == 0, err.message, set);
	require(is_part(unset, set), "unset has taken something else along", unset);
	require(config_edit_unset(unset, key, &none, &err) == 0, err.message, unset);
	require(strcmp(unset, none) == 0, "unset again it differs", unset);
	require(config_edit_set(unset, key, value, &again, &err) == 0, err.message, unset);
	require(is_part(unset, again) || strchr(value, ','), "a line went when something was set", again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size), *key = NULL, *value = NULL;
	size_t at = strlen(text) + 1;

	if (at <= size)
		key = xstrndup((const char *)data + at, size - at);
	at += key ? strlen(key) + 1 : 0;
	if (key && at <= size)
		value = xstrndup((const char *)data + at, size - at);
	if (value)
		check(text, key, value);
	return 0;
}
