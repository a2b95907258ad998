/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "runtime/attach.h"
#include "runtime/client.h"
#include "runtime/relay.h"
#include "runtime/settle.h"

#define RECONNECT_USEC 10000000	/* a monitor that was killed or reboots the container is back by then */

struct watch {
	int socket;
	bool interrupted;	/* a signal ended it, and no key */
};

static void send_window(unsigned short rows, unsigned short columns, void *arg)
{
	const struct watch *watch = arg;

	control_send(watch->socket, CONTROL_WINDOW, (uint32_t)rows << 16 | columns, NULL, -1);
}

/* Whatever it is, we end. */
static bool note_event(struct console_relay *relay, enum relay_event event)
{
	struct watch *watch = relay->arg;

	watch->interrupted = event == RELAY_STOP || event == RELAY_HANGUP;
	return false;
}

static bool runs(const struct container *c)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	bool left_over;

	state_init(&state);
	return container_peek(c, &state, &left_over, &ignored) == 0 && state.phase != PHASE_STOPPED && !left_over;
}

static int interrupted(struct error *err)
{
	fail(err, EINTR, "interrupted");
	return error_status(err, STATUS_INTERRUPTED);
}

/* One connection: 1 the user left, 0 the stream ended, -errno there was none, or a signal came. */
static int watch_once(struct container *c, unsigned char escape, struct error *err)
{
	auto_close int socket = -1, stream = -1;
	struct console_relay relay = CONSOLE_RELAY;
	struct watch watch = { .socket = -1 };
	int r;

	if (client_console(c, &socket, &stream, err) < 0)
		return -err->code;
	relay.stream = stream;
	relay.input = true;
	relay.escape = escape;
	relay.window = send_window;
	relay.event = note_event;
	watch.socket = socket;
	relay.arg = &watch;
	r = relay_console(&relay, err);
	return r == 1 && watch.interrupted ? interrupted(err) : r;
}

int container_console(struct container *c, unsigned char escape, struct error *err)
{
	uint64_t lost = 0;
	char key[3];

	if (!runs(c)) {
		fail_status(err, STATUS_STATE, "it is not running");
		return error_hint(err, "start it: sysct start %s; what it printed before: sysct logs %s", c->name, c->name);
	}
	if (isatty(0))
		fprintf(stderr, "console of %s; leave it with %s q\r\n", c->name, escape_text(escape, key));
	for (;;) {
		struct timespec pause = { .tv_nsec = 50000000 };
		int r;

		*err = (struct error)ERROR_NONE;	/* of the last try */
		container_adopt(c->install, c->name);
		r = watch_once(c, escape, err);
		if (r == 1)
			return 0;
		if (interrupt_pending())
			return interrupted(err);
		if (r < 0 && (err->status == STATUS_STATE || err->status == STATUS_INTERRUPTED))
			return r;	/* the monitor is there, and refuses; or a signal came */
		if (r == 0)
			lost = 0;
		if (!runs(c)) {
			fprintf(stderr, "\r\n%s has stopped\r\n", c->name);
			return 0;
		}
		if (lost == 0)
			lost = now_usec();
		if (now_usec() - lost > RECONNECT_USEC)
			return r < 0 ? r : fail(err, ETIMEDOUT, "connect to the monitor again");
		nanosleep(&pause, NULL);
	}
}
