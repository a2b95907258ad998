/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a configuration: they are refused with a message, or what they mean can be written,
 * read again and edited. Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the
 * corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "config/edit.h"
#include "fuzz.h"

static void parse_again(const struct container_config *config)
{
	auto_free char *text = config_format(config, NULL), *again = NULL;
	struct container_config other;
	struct error err = ERROR_NONE;

	config_init(&other);
	require(config_parse_text(text, strlen(text), "again", &other, NULL, &err) == 0,
		err.message, text);
	again = config_format(&other, NULL);
	require(strcmp(text, again) == 0, "read back differs", text);
	config_done(&other);
}

/* Editing a right file gives a right file that says what was set; unset takes it away. */
static void edit(const char *text, const char *key, const char *value, const char *want)
{
	auto_free char *set = NULL, *twice = NULL, *unset = NULL, *got = NULL;
	auto_strings struct strings values = STRINGS_EMPTY;
	struct container_config config;
	struct error err = ERROR_NONE;

	require(config_edit_set(text, key, value, &set, &err) == 0, err.message, text);
	config_init(&config);
	if (config_parse_text(set, strlen(set), "set", &config, NULL, &err) < 0) {
		/* a rule: eth0 beside a network of the host */
		require(strstr(err.message, ": [network"), err.message, set);
		config_done(&config);
		return;
	}
	require(config_get_option(&config, key, &values, &err) == 0, err.message, set);
	got = strings_join(&values, ",");
	require(strcmp(got, want) == 0, "value differs", set);
	require(config_edit_set(set, key, value, &twice, &err) == 0, err.message, set);
	require(strcmp(set, twice) == 0, "set is not stable", set);
	require(config_edit_unset(set, key, &unset, &err) == 0, err.message, set);
	config_done(&config);
	config_init(&config);
	require(config_parse_text(unset, strlen(unset), "unset", &config, NULL, &err) == 0 ||
			strstr(err.message, ": [network"), /* a rule may need what was unset */
		err.message, unset);
	config_done(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	struct container_config config;
	struct host_config host;
	struct error err = ERROR_NONE;

	config_init(&config);
	if (config_parse_text((const char *)data, size, "fuzz", &config, NULL, &err) == 0) {
		parse_again(&config);
		edit(text, "container.description", "a ; \"b\" \\", "a ; \"b\" \\");
		edit(text, "container.stop_timeout", "17", "17s");
		edit(text, "network.eth0.search", "lan,a.b", "lan,a.b");
		edit(text, "environment.FUZZ", " x", " x");
	} else {
		require(err.message[0] && err.status == STATUS_USAGE, "no message", text);
	}
	config_done(&config);
	config_init(&config);
	host_config_init(&host);
	config_parse_text((const char *)data, size, "fuzz", &config, &host, &err);
	host_config_done(&host);
	config_done(&config);
	return 0;
}
