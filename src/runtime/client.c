/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/fdpass.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"

#define ANSWER_TIMEOUT_MS 2000

int client_connect(const struct container *container)
{
	auto_free char *dir = launch_run_dir(container);
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : unix_connect(fd, "control");
}

int client_request(int socket, enum control_type type, uint32_t a, enum control_type wanted, int *ret_fd,
		   struct error *err)
{
	uint64_t end = now_usec() + ANSWER_TIMEOUT_MS * 1000ULL;
	struct control_packet packet;
	int r = control_send(socket, type, a, NULL, -1);

	if (ret_fd)
		*ret_fd = -1;
	while (r >= 0) {
		uint64_t now = now_usec();
		int fd;

		r = now >= end ? -ETIMEDOUT : control_receive(socket, &packet, &fd, (int)((end - now) / 1000) + 1);
		if (r == 0)
			return fail(err, ECONNRESET, "talk to the monitor");
		if (r < 0)
			break;
		if (packet.type == wanted && ret_fd) {
			*ret_fd = fd;
			return 0;
		}
		close_fd(&fd);
		if (packet.type == wanted)
			return 0;
		if (packet.type == CONTROL_REFUSED) {
			fail_status(err, STATUS_STATE, "the monitor refuses: %s", packet.text);
			return -err->code;
		}
		/* news that was on its way already */
	}
	return fail(err, -r, "talk to the monitor");
}

static int make_pair(int type, int *ret_ours, int *ret_its)
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*ret_ours = pair[0];
	*ret_its = fcntl(pair[1], F_DUPFD_CLOEXEC, FD_FREE);
	close(pair[1]);
	/* it never waits for us; our own end waits for it, as that of any other client */
	if (*ret_its < 0 || fcntl(*ret_its, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int client_pair(int ours[2], int its[2], struct error *err)
{
	int r;

	ours[0] = ours[1] = its[0] = its[1] = -1;
	r = make_pair(SOCK_SEQPACKET, &ours[0], &its[0]);
	if (r == 0)
		r = make_pair(SOCK_STREAM, &ours[1], &its[1]);
	return r < 0 ? fail(err, -r, "make sockets for the console") : 0;
}

int client_console(const struct container *c, int *ret_socket, int *ret_stream, struct error *err)
{
	auto_close int socket = client_connect(c), stream = -1;

	if (socket < 0)
		return fail(err, -socket, "connect to the monitor");
	if (client_request(socket, CONTROL_CONSOLE, 0, CONTROL_OK, &stream, err) < 0)
		return -err->code;
	if (stream < 0)
		return fail(err, EPROTO, "get the console from the monitor");
	*ret_socket = take_fd(&socket);
	*ret_stream = take_fd(&stream);
	return 0;
}
