/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/fdpass.h"
#include "runtime/launch.h"

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
