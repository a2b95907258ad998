/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_PARSE_H
#define SYSCT_CONFIG_PARSE_H

/* parse - the text of a configuration. For the sources of this room: others use
 * config_parse_text(). */

#include "config/config.h"

#define CONFIG_BYTES ((size_t)1 << 20) /* a file may be as large */

/* As config_parse_text(), but config is never NULL, and on failure config and host may have
 * changed. Not for two threads at the same time. */
int config_parse(const char *text, size_t len, const char *shown_path,
		 struct container_config *config, struct host_config *host, struct error *err);

#endif
