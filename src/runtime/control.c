/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/fdpass.h"

size_t control_make(struct control_packet *packet, enum control_type type, uint32_t a, const char *text)
{
	size_t n = text ? strnlen(text, sizeof(packet->text) - 1) : 0;

	packet->magic = CONTROL_MAGIC;
	packet->version = CONTROL_VERSION;
	packet->type = (uint16_t)type;
	packet->a = a;
	packet->text_len = (uint32_t)n;
	if (n)
		memcpy(packet->text, text, n);
	return CONTROL_HEADER + n;
}

int control_check(struct control_packet *packet, size_t n)
{
	if (n < CONTROL_HEADER || packet->magic != CONTROL_MAGIC)
		return -EPROTO;
	if (packet->version != CONTROL_VERSION)
		return -EPROTONOSUPPORT;
	if (packet->text_len != n - CONTROL_HEADER || packet->text_len >= sizeof(packet->text))
		return -EPROTO;
	for (size_t i = 0; i < packet->text_len; i++)
		if ((unsigned char)packet->text[i] < 0x20 || packet->text[i] == 0x7f)
			packet->text[i] = '?';
	packet->text[packet->text_len] = '\0';
	return 0;
}

int control_send(int socket, enum control_type type, uint32_t a, const char *text, int fd)
{
	struct control_packet packet;
	size_t n = control_make(&packet, type, a, text);

	return fd_send(socket, &packet, n, &fd, fd >= 0);
}

int control_receive(int socket, struct control_packet *ret, int *ret_fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = socket, .events = POLLIN };
	size_t n_fds = 1;
	int fd = -1, r;
	ssize_t n;

	if (ret_fd)
		*ret_fd = -1;
	r = poll(&poll_fd, 1, timeout_ms);
	if (r < 0)
		return -errno;	/* -EINTR too: the caller knows of interrupts */
	if (r == 0)
		return -ETIMEDOUT;
	n = fd_receive(socket, ret, sizeof(*ret), &fd, &n_fds);
	if (n == -ECONNRESET)
		n = 0;
	r = n > 0 ? control_check(ret, (size_t)n) : (int)n;
	if (n <= 0 || r < 0) {
		close_fd(&fd);
		return r;
	}
	if (ret_fd)
		*ret_fd = fd;
	else
		close_fd(&fd);
	return 1;
}
