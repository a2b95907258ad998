/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ATTACH_H
#define SYSCT_RUNTIME_ATTACH_H

/* attach - run a command inside a running container, as confined as its init; and its console. */

#include "base/error.h"
#include "runtime/entry.h"
#include "store/container.h"

/* As entry_attach(); one that runs without monitor and holder gets new ones first. */
int container_attach(struct container *container, const struct attach_options *options, struct error *err);

/* Relay the console until the escape key and q. escape: the byte (^a is 1). Returns when the user leaves or the
 * container has ended. */
int container_console(struct container *container, unsigned char escape, struct error *err);

#endif
