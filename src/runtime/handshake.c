/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/handshake.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fdpass.h"

struct packet {
	uint32_t index;
	uint32_t failed;
	struct row_time time;
	struct error err;	/* sent only when failed */
};

#define SHORT offsetof(struct packet, err)

int handshake_pair(int fds[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return fail(err, errno, "make a socket pair");
	return 0;
}

int handshake_report_timed(int socket, size_t index, const struct error *err, int fd, const struct row_time *time)
{
	struct packet packet = { .index = (uint32_t)index, .failed = err != NULL };

	packet.time = *time;
	if (err)
		packet.err = *err;
	return fd_send(socket, &packet, err ? sizeof(packet) : SHORT, fd >= 0 ? &fd : NULL, fd >= 0);
}

int handshake_report(int socket, size_t index, const struct error *err, int fd)
{
	return handshake_report_timed(socket, index, err, fd, &(struct row_time){ 0, 0 });
}

int handshake_await_timed(int socket, size_t *index, int timeout_ms, int *ret_fd, struct row_time *ret_time, struct error *err)
{
	struct pollfd poll_fd = { .fd = socket, .events = POLLIN };
	struct packet packet;
	size_t n_fds = 1;
	ssize_t n;
	int fd = -1, r;

	*ret_fd = -1;
	do {
		r = poll(&poll_fd, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	if (r == 0) {
		*index = HANDSHAKE_NOTHING;
		return fail(err, ETIMEDOUT, "wait %d s for the other side", timeout_ms / 1000);
	}
	n = fd_receive(socket, &packet, sizeof(packet), &fd, &n_fds);
	if (n == -ECONNRESET) {	/* it ended with our words unread, and is told so once; what it has said is still there */
		n_fds = 1;
		n = fd_receive(socket, &packet, sizeof(packet), &fd, &n_fds);
	}
	if (n == 0 || n == -ECONNRESET || n == -EPIPE) {
		close_fd(&fd);
		return HANDSHAKE_CLOSED;
	}
	if (n < 0)
		return fail(err, (int)-n, "receive from the other side");
	if ((size_t)n < SHORT || (packet.failed ? n != (ssize_t)sizeof(packet) : packet.index != *index)) {
		close_fd(&fd);
		return fail(err, EPROTO, "understand the other side");
	}
	if (packet.failed) {
		close_fd(&fd);
		*index = packet.index;
		*err = packet.err;
		/* the payload may have been taken over: its words are cut, and a failure stays one */
		err->message[sizeof(err->message) - 1] = '\0';
		err->hint[sizeof(err->hint) - 1] = '\0';
		if (err->code <= 0)
			err->code = EPROTO;
		return -err->code;
	}
	*ret_fd = fd;
	*ret_time = packet.time;
	return HANDSHAKE_DONE;
}

int handshake_await(int socket, size_t index, int timeout_ms, int *ret_fd, struct error *err)
{
	struct row_time ignored;

	return handshake_await_timed(socket, &index, timeout_ms, ret_fd, &ignored, err);
}
