/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a packet to or from a monitor: refused, or a text that ends, has no control characters, and is sent the
 * same way again. Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the corpus. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fdpass.h"
#include "runtime/control.h"
#include "fuzz.h"

static void check_accepted(const struct control_packet *packet, size_t size)
{
	static struct control_packet again;
	size_t n = strnlen(packet->text, sizeof(packet->text));

	require(n < sizeof(packet->text), "the text has no end", "");
	require(n == size - CONTROL_HEADER && n == packet->text_len, "the text has another length", "");
	for (size_t i = 0; i < n; i++)
		require((unsigned char)packet->text[i] >= 0x20 && packet->text[i] != 0x7f, "a control character", "");
	require(control_make(&again, (enum control_type)packet->type, packet->a, packet->text) == size,
		"made again it is longer", "");
	require(memcmp(&again, packet, size) == 0, "made again it differs", "");
	require(control_check(&again, size) == 0, "made again it is refused", "");
}

/* As it comes: through a socket, with a descriptor. */
static int receive(const uint8_t *data, size_t size, struct control_packet *packet)
{
	static int pair[2] = { -1, -1 };
	int fd = -1, r;

	if (pair[0] < 0)
		require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair", "");
	require(fd_send(pair[1], data, size, &pair[1], 1) == 0, "send", "");
	r = control_receive(pair[0], packet, &fd, 1000);
	require((r == 1) == (fd >= 0), "a descriptor of a packet that was refused, or none of one that was not", "");
	require(fd < 64, "descriptors are lost", "");
	close_fd(&fd);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* on the heap: a sanitizer sees what reaches beyond */
	auto_free struct control_packet *packet = calloc(1, sizeof(*packet)), *received = calloc(1, sizeof(*packet));
	int r, over_socket = receive(data, size, received);

	if (size > sizeof(*packet)) {
		require(over_socket == -EMSGSIZE, "longer than any, and not refused", "");
		return 0;
	}
	if (size)
		memcpy(packet, data, size);
	r = control_check(packet, size);
	require(r == 0 || r == -EPROTO || r == -EPROTONOSUPPORT, "another result", "");
	require(over_socket == (size == 0 ? 0 : r == 0 ? 1 : r), "a socket makes a difference", "");
	if (r == 0) {
		check_accepted(packet, size);
		check_accepted(received, size);
	}
	return 0;
}
