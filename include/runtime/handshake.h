/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_HANDSHAKE_H
#define SYSCT_RUNTIME_HANDSHAKE_H

/* handshake - packets between the two sides of a start, of rows: index, error, at most one descriptor.
 *
 * It is a SOCK_SEQPACKET pair (unix(7)): packets are whole, and the death of a side is the end of the
 * connection for the other. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Make the pair, both ends close-on-exec. */
int handshake_pair(int fds[2], struct error *err);

/* Tell the peer that row `index` is done (err NULL) or failed; fd -1: none. -errno when nobody listens. */
int handshake_report(int socket, size_t index, const struct error *err, int fd);

enum handshake_result { HANDSHAKE_DONE, HANDSHAKE_CLOSED };

/* Wait for the packet of row `index`. HANDSHAKE_DONE, HANDSHAKE_CLOSED (the peer is gone or has executed), or the
 * peer's own error, from whatever row it comes. *ret_fd is -1 or a descriptor of the caller's. timeout_ms: -ETIMEDOUT
 * after that. */
int handshake_await(int socket, size_t index, int timeout_ms, int *ret_fd, struct error *err);

/* When a row was begun, after its side's first one, and what it took; microseconds. */
struct row_time {
	uint32_t from, took;
};

/* The same with the row's time. *index is that of the row to wait for, and afterwards, where the peer has told an error, that of the
 * row it comes from, which is the peer's word alone; or HANDSHAKE_NOTHING with -ETIMEDOUT. */
#define HANDSHAKE_NOTHING SIZE_MAX
int handshake_report_timed(int socket, size_t index, const struct error *err, int fd, const struct row_time *time);
int handshake_await_timed(int socket, size_t *index, int timeout_ms, int *ret_fd, struct row_time *ret_time, struct error *err);

#endif
