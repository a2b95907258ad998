/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/process.h"
#include "os/pty.h"

#define CHUNK 65536

int pipes_make(struct pipes *pipes, struct error *err)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return fail(err, errno, "make a pipe");
		pipes->inside[i] = ends[i == 0 ? 0 : 1];
		pipes->outside[i] = ends[i == 0 ? 1 : 0];
	}
	return 0;
}

void pipes_close(struct pipes *pipes)
{
	for (int i = 0; i < 3; i++) {
		close_fd(&pipes->inside[i]);
		close_fd(&pipes->outside[i]);
	}
}

/* --- signals as a descriptor --- */

static int catch_signals(sigset_t *ret_old, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, ret_old);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fail(err, errno, "catch signals") : fd;
}

/* Returns the next signal that came, 0: none. */
static int next_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* --- one direction --- */

struct flow {
	int from, to;		/* -1: closed */
	char data[CHUNK];
	size_t at, n;
};

static bool wants_read(const struct flow *flow)
{
	return flow->from >= 0 && flow->n == 0;
}

static bool wants_write(const struct flow *flow)
{
	return flow->n > 0 && flow->to >= 0;
}

/* Returns false at the end of the input. */
static bool flow_read(struct flow *flow)
{
	ssize_t n = read(flow->from, flow->data, sizeof(flow->data));

	if (n > 0) {
		flow->at = 0;
		flow->n = (size_t)n;
		return true;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Returns false when nobody reads any more. */
static bool flow_write(struct flow *flow)
{
	ssize_t n = write(flow->to, flow->data + flow->at, flow->n);

	if (n >= 0) {
		flow->at += (size_t)n;
		flow->n -= (size_t)n;
		return true;
	}
	return errno == EAGAIN || errno == EINTR;
}

/* Our side of a finished direction is closed; for our own standard streams only the flow ends. */
static void flow_end(struct flow *flow, int *owned)
{
	flow->from = -1;
	flow->to = -1;
	flow->n = 0;
	if (owned)
		close_fd(owned);
}

static void set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* --- pipes --- */

/* Everything that is in the pipe goes out, also when the reader is slow; no more is waited for. */
static void drain(struct flow *flow)
{
	while (flow->from >= 0) {
		while (flow->n && flow->to >= 0) {
			struct pollfd poll_fd = { .fd = flow->to, .events = POLLOUT };

			if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
				return;
			if (!flow_write(flow))
				return;
		}
		if (!flow_read(flow) || flow->n == 0)
			return;
	}
}

static void step_flow(struct flow *flow, const struct pollfd *reader, const struct pollfd *writer, int *owned)
{
	if (writer->revents && wants_write(flow)) {
		if (!flow_write(flow))
			flow_end(flow, owned);
	} else if (reader->revents && wants_read(flow)) {
		if (!flow_read(flow))
			flow_end(flow, owned);
	}
}

static void pass_signals(int signals, int pidfd)
{
	int signal;

	while ((signal = next_signal(signals)) > 0)
		if (signal != SIGWINCH)
			pidfd_signal(pidfd, signal);
}

static int relay_loop(struct flow flows[3], struct pipes *pipes, int pidfd, int signals, struct error *err)
{
	for (;;) {
		struct pollfd fds[8] = { { .fd = pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		int *owned[3] = { &pipes->outside[0], &pipes->outside[1], &pipes->outside[2] };

		for (int i = 0; i < 3; i++) {
			fds[2 + i] = (struct pollfd){ .fd = wants_read(&flows[i]) ? flows[i].from : -1,
						      .events = POLLIN };
			fds[5 + i] = (struct pollfd){ .fd = wants_write(&flows[i]) ? flows[i].to : -1,
						      .events = POLLOUT };
		}
		if (poll(fds, 8, -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail(err, errno, "relay");
		}
		if (fds[1].revents)
			pass_signals(signals, pidfd);
		for (int i = 0; i < 3; i++)
			step_flow(&flows[i], &fds[2 + i], &fds[5 + i], owned[i]);
		if (fds[0].revents)
			return 0;
	}
}

int relay_pipes(pid_t pid, struct pipes *pipes, struct error *err)
{
	static struct flow flows[3];
	auto_close int pidfd = pidfd_of(pid), signals = -1;
	sigset_t old;
	int r;

	if (pidfd < 0)
		return fail(err, -pidfd, "open the command");
	signals = catch_signals(&old, err);
	if (signals < 0)
		return signals;
	flows[0].from = 0;
	flows[0].to = pipes->outside[0];
	for (int i = 1; i < 3; i++) {
		flows[i].from = pipes->outside[i];
		flows[i].to = i;
	}
	for (int i = 0; i < 3; i++)
		set_nonblock(pipes->outside[i], true);
	r = relay_loop(flows, pipes, pidfd, signals, err);
	for (int i = 1; i < 3; i++)
		drain(&flows[i]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* --- terminal --- */

static void copy_window(int master)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0 || ioctl(1, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

static int terminal_loop(struct flow *in, struct flow *out, int master, int pidfd, int signals,
			 struct error *err)
{
	for (;;) {
		struct pollfd fds[6] = {
			{ .fd = pidfd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
			{ .fd = wants_read(in) ? 0 : -1, .events = POLLIN },
			{ .fd = wants_write(in) ? master : -1, .events = POLLOUT },
			{ .fd = wants_read(out) ? master : -1, .events = POLLIN },
			{ .fd = wants_write(out) ? 1 : -1, .events = POLLOUT },
		};
		int signal;

		if (poll(fds, 6, -1) < 0 && errno != EINTR)
			return fail(err, errno, "relay");
		while (fds[1].revents && (signal = next_signal(signals)) > 0) {
			if (signal == SIGWINCH)
				copy_window(master);
			else
				pidfd_signal(pidfd, signal);
		}
		if (fds[3].revents && !flow_write(in))
			in->n = 0;
		if (fds[2].revents && wants_read(in) && !flow_read(in)) {
			/* our input ended: so does the terminal's, as if ^d were typed */
			in->from = -1;
			in->data[0] = 4;
			in->at = 0;
			in->n = 1;
		}
		if (fds[5].revents && !flow_write(out))
			flow_end(out, NULL);
		if (fds[4].revents && wants_read(out) && !flow_read(out))
			out->from = -1;	/* EIO: the last slave is closed */
		if (fds[0].revents)
			return 0;
	}
}

#define LAST_WORDS_MS 100

/* What a process wrote to its terminal passes through the kernel's buffers: it may not be there yet when the process
 * has ended. The end of the terminal is an EIO; a child left behind keeps it open, and is not waited for. */
static void drain_terminal(struct flow *out)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = out->from, .events = POLLIN };

		drain(out);
		if (out->from < 0 || out->to < 0 || poll(&poll_fd, 1, LAST_WORDS_MS) <= 0)
			return;
		if (!flow_read(out))
			return;
	}
}

int relay_terminal(pid_t pid, int master, struct error *err)
{
	static struct flow in, out;
	auto_close int pidfd = pidfd_of(pid), signals = -1;
	struct termios saved;
	bool raw;
	sigset_t old;
	int r;

	if (pidfd < 0)
		return fail(err, -pidfd, "open the command");
	signals = catch_signals(&old, err);
	if (signals < 0)
		return signals;
	in = (struct flow){ .from = 0, .to = master };
	out = (struct flow){ .from = master, .to = 1 };
	set_nonblock(master, true);
	copy_window(master);
	raw = terminal_raw(0, &saved) == 0;
	r = terminal_loop(&in, &out, master, pidfd, signals, err);
	drain_terminal(&out);
	if (raw)
		terminal_restore(0, &saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* --- console --- */

/* Take the escape sequences out of what was typed. Returns true when the user leaves. */
static bool take_escapes(struct flow *in, unsigned char escape, bool *pending)
{
	size_t to = 0;

	for (size_t i = 0; i < in->n; i++) {
		unsigned char byte = (unsigned char)in->data[in->at + i];

		if (*pending) {
			*pending = false;
			if (byte == 'q' || byte == 'Q')
				return true;
			if (byte != escape)
				in->data[to++] = (char)escape;
			in->data[to++] = (char)byte;
		} else if (byte == escape) {
			*pending = true;
		} else {
			in->data[to++] = (char)byte;
		}
	}
	in->at = 0;
	in->n = to;
	return false;
}

static int console_loop(struct flow *in, struct flow *out, int stream, unsigned char escape, int signals,
			void (*window)(unsigned short, unsigned short, void *), void *arg, struct error *err)
{
	static bool pending;	/* over reconnections too: the person goes on typing */
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		window(size.ws_row, size.ws_col, arg);
	for (;;) {
		struct pollfd fds[5] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = wants_read(in) ? 0 : -1, .events = POLLIN },
			{ .fd = wants_write(in) ? stream : -1, .events = POLLOUT },
			{ .fd = wants_read(out) ? stream : -1, .events = POLLIN },
			{ .fd = wants_write(out) ? 1 : -1, .events = POLLOUT },
		};
		int signal;

		if (poll(fds, 5, -1) < 0 && errno != EINTR)
			return fail(err, errno, "relay");
		while (fds[0].revents && (signal = next_signal(signals)) > 0) {
			if (signal != SIGWINCH)
				return 1;
			if (ioctl(0, TIOCGWINSZ, &size) == 0)
				window(size.ws_row, size.ws_col, arg);
		}
		if (fds[2].revents && !flow_write(in))
			return 0;
		if (fds[1].revents && wants_read(in)) {
			if (!flow_read(in))
				in->from = -1;	/* no more input: go on watching */
			else if (take_escapes(in, escape, &pending))
				return 1;
		}
		if (fds[4].revents && !flow_write(out))
			return 1;
		if (fds[3].revents && wants_read(out) && !flow_read(out))
			return 0;
	}
}

int relay_console(int stream, unsigned char escape, void (*window)(unsigned short, unsigned short, void *),
		  void *arg, struct error *err)
{
	static struct flow in, out;
	auto_close int signals = -1;
	struct termios saved;
	bool raw;
	sigset_t old;
	int r;

	signals = catch_signals(&old, err);
	if (signals < 0)
		return signals;
	in = (struct flow){ .from = 0, .to = stream };
	out = (struct flow){ .from = stream, .to = 1 };
	set_nonblock(stream, true);
	raw = terminal_raw(0, &saved) == 0;
	r = console_loop(&in, &out, stream, escape, signals, window, arg, err);
	if (raw)
		terminal_restore(0, &saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
