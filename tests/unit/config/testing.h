/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_CONFIG_TESTING_H
#define SYSCT_TESTS_CONFIG_TESTING_H

/* What the tests of this room share. */

#include "../testing.h"

#include "config/config.h"

#define auto_config __attribute__((cleanup(config_done)))
#define auto_host __attribute__((cleanup(host_config_done)))

/* A container's file that must be right, on top of the built-in defaults. */
static inline void good(struct container_config *config, const char *text)
{
	struct error err = ERROR_NONE;

	config_init(config);
	ck_assert_msg(config_parse_text(text, strlen(text), "f", config, NULL, &err) == 0, "%s\n%s",
		      text, err.message);
}

/* One that must be wrong, in the bytes given; what is said about it. */
static inline struct error refused_bytes(const char *text, size_t len)
{
	struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	ck_assert_msg(config_parse_text(text, len, "f", &config, NULL, &err) == -EINVAL,
		      "accepted, but must not be:\n%s", text);
	ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	ck_assert_uint_eq(config.n_networks, 0); /* untouched on failure */
	config_done(&config);
	return err;
}

static inline struct error refused(const char *text)
{
	return refused_bytes(text, strlen(text));
}

#endif
