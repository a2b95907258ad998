/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SERVE_BACKLOG 16
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor.h"
#include "os/fdpass.h"
#include "runtime/control.h"
#include "runtime/supervise.h"

void client_drop(struct monitor *m, struct client *client)
{
	bool stopper = client->stopper, looked = client->stream >= 0;

	close_fd(&client->control);
	close_fd(&client->stream);
	*client = (struct client){ .control = -1, .stream = -1, .input = client->input };
	if (m->asked == client)
		m->asked = NULL;
	if (m->asked_next == client)
		m->asked_next = NULL;
	if (looked)
		console_release(m);
	/* whoever promised to undo the start is gone: then it is ours again */
	if (stopper && m->ended)
		decide(m);
}

void client_watch(struct monitor *m, struct client *client)
{
	unsigned int index = (unsigned int)(client - m->clients);

	watch(m, client->control, SOURCE_CLIENT, index, EPOLLIN);
	if (client->stream >= 0)
		watch(m, client->stream, SOURCE_STREAM, index, client->n_input ? 0 : EPOLLIN);
}

struct client *find_stopper(struct monitor *m)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (m->clients[i].control >= 0 && m->clients[i].stopper)
			return &m->clients[i];
	return NULL;
}

void serve_accept(struct monitor *m)
{
	for (int n = 0; n < SERVE_BACKLOG; n++) {
		int fd = accept4(FD_CONTROL, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred peer = { .uid = (uid_t)-1 };
		socklen_t len = sizeof(peer);
		size_t i = 0;

		if (fd < 0)
			return;
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		while (i < MAX_CLIENTS && m->clients[i].control >= 0)
			i++;
		if (i == MAX_CLIENTS || peer.uid != geteuid()) {
			control_send(fd, CONTROL_REFUSED, 0,
				     i == MAX_CLIENTS ? "too many clients" : "only root may ask", -1);
			close(fd);
			continue;
		}
		m->clients[i] = (struct client){ .control = fd, .stream = -1, .input = m->inputs[i] };
		client_watch(m, &m->clients[i]);
	}
}

static uint32_t booted_word(const struct monitor *m)
{
	return m->state.booted < 0 ? 2 : (uint32_t)m->state.booted;
}

void tell_status(struct monitor *m)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (m->clients[i].control >= 0 && m->clients[i].subscribed)
			control_send(m->clients[i].control, CONTROL_STATUS, booted_word(m), m->progress, -1);
}

void tell_exit(struct monitor *m)
{
	uint32_t word = m->status_known ? (uint32_t)m->status : CONTROL_UNKNOWN;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &m->clients[i];

		if (client->control >= 0 && (client->subscribed || client->stopper))
			control_send(client->control, CONTROL_EXIT, word, NULL, -1);
	}
}

static void set_window(uint32_t size)
{
	struct winsize window = { .ws_row = (unsigned short)(size >> 16),
				  .ws_col = (unsigned short)(size & 0xffff) };

	if (window.ws_row && window.ws_col)
		ioctl(FD_CONSOLE, TIOCSWINSZ, &window);
}

static void give_console(struct monitor *m, struct client *client, uint32_t size)
{
	int pair[2];

	if (client->stream >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		control_send(client->control, CONTROL_REFUSED, 0, "no console to give", -1);
		return;
	}
	set_window(size);
	control_send(client->control, CONTROL_OK, 0, NULL, pair[1]);
	close(pair[1]);
	client->stream = pair[0];
	fcntl(client->stream, F_SETFL, O_NONBLOCK);
	console_replay(m, client);
	client_watch(m, client);
}

static void begin_stop(struct monitor *m, struct client *client)
{
	if (find_stopper(m)) {
		control_send(client->control, CONTROL_REFUSED, 0, "somebody else stops it already", -1);
		return;
	}
	client->stopper = true;
	m->decide_at = 0;
	control_send(client->control, CONTROL_OK, 0, NULL, -1);
	if (m->ended)
		tell_exit(m);
}

void serve_client(struct monitor *m, struct client *client)
{
	struct control_packet packet;
	int r = control_receive(client->control, &packet, NULL, 0);

	if (r == -ETIMEDOUT || r == -EINTR || r == -EAGAIN)
		return;
	if (r == -EPROTONOSUPPORT)
		control_send(client->control, CONTROL_REFUSED, CONTROL_VERSION,
			     "this container was started by another version of sysct", -1);
	if (r <= 0) {
		client_drop(m, client);
		return;
	}
	switch (packet.type) {
	case CONTROL_PING:
		control_send(client->control, CONTROL_STATUS, booted_word(m), m->progress, -1);
		break;
	case CONTROL_SUBSCRIBE:
		client->subscribed = true;
		control_send(client->control, CONTROL_STATUS, booted_word(m), m->progress, -1);
		break;
	case CONTROL_CONSOLE:
		give_console(m, client, packet.a);
		break;
	case CONTROL_WINDOW:
		set_window(packet.a);
		if (!client->terminal && client->stream >= 0)	/* a terminal's first word */
			console_prefer(m, client);
		client->terminal = true;
		break;
	case CONTROL_STOP:
		begin_stop(m, client);
		break;
	case CONTROL_DONE:
		if (client->stopper)
			finish_holder();
		break;
	default:
		control_send(client->control, CONTROL_REFUSED, 0, "unknown request", -1);
		break;
	}
}
