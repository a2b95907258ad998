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

/* A connection that a monitor gets with its start, and the console's stream: the two ends that are ours, and its own,
 * at numbers that are in nobody's way (runtime/supervise.h). */
int client_pair(int ours[2], int its[2], struct error *err);

/* The console: a connection of ours, and its stream. Both are the caller's. */
int client_console(const struct container *container, int *ret_socket, int *ret_stream, struct error *err);

#endif
