/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_CLIENT_H
#define SYSCT_RUNTIME_CLIENT_H

/* client - a command's connection to a monitor. */

#include "base/error.h"
#include "runtime/control.h"
#include "store/container.h"

/* Descriptor or -errno: the monitor may be dead or between two lives. */
int client_connect(const struct container *container);

/* Send a request and wait for its answer of the wanted type, at most 2 s. *ret_fd may be NULL. */
int client_request(int socket, enum control_type type, uint32_t a, enum control_type wanted, int *ret_fd,
		   struct error *err);

#endif
