/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_HOSTS_H
#define SYSCT_RUNTIME_HOSTS_H

/* hosts - the names of other containers in a container's /etc/hosts, where no name server knows them: a block between
 * two marker lines, the rest of the file untouched. */

#include "base/error.h"
#include "store/install.h"

/* The text of a hosts file with the block in it; block "" takes it out. Caller frees. */
char *hosts_with_block(const char *text, const char *block);

/* Write the block into /etc/hosts below root_fd, following no link. Called inside the container's namespaces. */
int hosts_write_block(int root_fd, const char *block, struct error *err);

/* Write the block into the /etc/hosts of every running container of the installation but `except`, each by a child that
 * enters it first. Best effort and bounded: where it cannot be written the names are not known. */
void hosts_tell_others(const struct install *install, const char *except, const char *block);

#endif
