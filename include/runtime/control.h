/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_CONTROL_H
#define SYSCT_RUNTIME_CONTROL_H

/* control - what commands say to a container's monitor: packets over RUN_DIR/NAME/control.
 *
 * SOCK_SEQPACKET, one request a packet, at most CONTROL_BYTES. Every packet carries a magic and a version; a
 * monitor of another version answers CONTROL_REFUSED, so that binaries can be replaced while containers run. The
 * directory is root's alone; the monitor checks SO_PEERCRED besides. libc alone. */

#include <stdint.h>
#include <stddef.h>

#define CONTROL_MAGIC 0x54435953u	/* "SYCT" */
#define CONTROL_VERSION 1
#define CONTROL_BYTES 4096

enum control_type {
	/* requests */
	CONTROL_PING = 1,	/* answer: CONTROL_STATUS */
	CONTROL_CONSOLE,	/* a = rows << 16 | columns. Answer: CONTROL_OK with a stream socket: raw console both
				 * ways, beginning with the scroll-back */
	CONTROL_WINDOW,		/* a = rows << 16 | columns, on a connection that asked for the console */
	CONTROL_STOP,		/* the sender undoes the start itself: the monitor reaps init, tells its end by CONTROL_EXIT,
				 * and goes when it hears CONTROL_DONE. If the sender goes without that, the monitor
				 * does the undoing. Answer: CONTROL_OK */
	CONTROL_DONE,
	CONTROL_SUBSCRIBE,	/* answer: CONTROL_STATUS, and again whenever something changes; CONTROL_EXIT at last */
	/* answers */
	CONTROL_OK = 100,
	CONTROL_REFUSED,	/* text: why */
	CONTROL_STATUS,		/* a = booted (0, 1, 2: cannot say), text: systemd's STATUS= line or "" */
	CONTROL_EXIT,		/* a = wait status of init (waitpid(2)), CONTROL_UNKNOWN: cannot be told */
};

#define CONTROL_UNKNOWN 0xffffffffu

struct control_packet {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t a;
	uint32_t text_len;	/* bytes of text that follow the header, no NUL among them */
	char text[CONTROL_BYTES - 16];
};
#define CONTROL_HEADER offsetof(struct control_packet, text)

/* Fill a packet and return its length. text may be NULL; longer ones are cut. */
size_t control_make(struct control_packet *packet, enum control_type type, uint32_t a, const char *text);
/* Check what came: 0, -EPROTO (not ours, or its length is wrong), or -EPROTONOSUPPORT (another version). The text is
 * NUL-terminated and cleaned of control characters afterwards. */
int control_check(struct control_packet *packet, size_t n);

/* Send a packet (fd -1: none): 0 or -errno. Never blocks for longer than the socket is set to. */
int control_send(int socket, enum control_type type, uint32_t a, const char *text, int fd);
/* Receive one; timeout_ms -1: for ever. Returns 1, 0 at the end of the connection, or -errno (-ETIMEDOUT, -EPROTO).
 * *ret_fd (may be NULL) is -1 or a descriptor of the caller's. */
int control_receive(int socket, struct control_packet *ret, int *ret_fd, int timeout_ms);

#endif
