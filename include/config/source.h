/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_SOURCE_H
#define SYSCT_CONFIG_SOURCE_H

/* source - the texts that a configuration is made of: read, and known again by their hash. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"

/* Whole, at most 1 MiB, without following a link; it must be a regular file that root owns and others cannot write. Errors name
 * shown_path, with STATUS_USAGE for a file that is not as it must be. The caller frees *ret. */
int config_read(int dirfd, const char *name, const char *shown_path, char **ret, size_t *ret_len, struct error *err);
/* 1, and no error: there is none. */
int config_read_optional(int dirfd, const char *name, char **ret, size_t *ret_len, struct error *err);

/* One text more. The hash of none is all zero; that of the first has this version of sysct in it. */
void config_source_add(struct hash *source, const char *text, size_t len);

/* Of sysct.conf at host_path (optional: it need not be there) and of a container's file: what container_open() gives as
 * config.source, with nothing parsed. */
int config_source(const char *host_path, bool optional, int dirfd, const char *name, struct hash *ret, struct error *err);

#endif
