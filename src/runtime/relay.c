/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/relay.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/process.h"
#include "os/pty.h"

#define CHUNK 65536
#define CTRL_C 3

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

/* The command: our child, not reaped before the relay is over, so that its pid stays its own. */
struct target {
	pid_t pid;
	int pidfd;
};

/* What a terminal's keys and its end send, they send to all that run in the foreground. The command leads a group of its
 * own. */
static void pass_signal(const struct target *target, int signal)
{
	bool to_all = signal == SIGINT || signal == SIGQUIT || signal == SIGHUP;

	if (!to_all || kill(-target->pid, signal) < 0)
		pidfd_signal(target->pidfd, signal);
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
	bool to_socket;		/* our own stream, which others may share: it is never made non-blocking */
	int failed;		/* errno of the write that ended it */
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
	const char *data = flow->data + flow->at;
	ssize_t n = flow->to_socket ? send(flow->to, data, flow->n, MSG_DONTWAIT) : write(flow->to, data, flow->n);

	if (n >= 0) {
		flow->at += (size_t)n;
		flow->n -= (size_t)n;
		return true;
	}
	if (errno == EAGAIN || errno == EINTR)
		return true;
	flow->failed = errno;
	return false;
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

/* Write to one of our own streams. A slow reader must not keep us from everything else, and the flags of the stream are
 * others' too: a pipe is opened once more, *ret_own is then the caller's. */
static void flow_to_stream(struct flow *flow, int stream, int *ret_own)
{
	char path[32];
	struct stat st;

	flow->to = stream;
	if (fstat(stream, &st) < 0)
		return;
	flow->to_socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode))
		*ret_own = open(fd_path(stream, path, sizeof(path)), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (*ret_own >= 0)
		flow->to = *ret_own;
}

/* A command whose output nobody could write has not done what it was asked to. That nobody reads it any more is the
 * reader's wish. */
static int flow_check(const struct flow *flow, const char *stream, struct error *err)
{
	if (!flow->failed || flow->failed == EPIPE || flow->failed == EIO)
		return 0;
	return fail(err, flow->failed, "write the command's %s", stream);
}

/* More than a pipe or a terminal holds: what comes after that was written after the end. */
#define LAST_WORDS_BYTES (2U << 20)

/* Everything that is in the pipe goes out, also when the reader is slow, unless we are asked to end; no more is waited
 * for. Returns false when that is over. */
static bool drain(struct flow *flow, int signals, size_t *left)
{
	while (flow->from >= 0) {
		while (flow->n && flow->to >= 0) {
			struct pollfd fds[2] = { { .fd = flow->to, .events = POLLOUT },
						 { .fd = signals, .events = POLLIN } };
			int signal;

			if (poll(fds, 2, -1) < 0 && errno != EINTR)
				return false;
			while (fds[1].revents && (signal = next_signal(signals)) > 0)
				if (signal != SIGWINCH)
					return false;
			if (fds[0].revents && !flow_write(flow))
				return false;
		}
		if (*left == 0 || !flow_read(flow))
			return false;
		if (flow->n == 0)
			return true;
		*left -= flow->n < *left ? flow->n : *left;
	}
	return false;
}

/* --- pipes --- */

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

static void pass_signals(int signals, const struct target *target)
{
	int signal;

	while ((signal = next_signal(signals)) > 0)
		if (signal != SIGWINCH)
			pass_signal(target, signal);
}

static int relay_loop(struct flow flows[3], struct pipes *pipes, const struct target *target, int signals,
		      struct error *err)
{
	for (;;) {
		struct pollfd fds[8] = { { .fd = target->pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
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
			pass_signals(signals, target);
		for (int i = 0; i < 3; i++)
			step_flow(&flows[i], &fds[2 + i], &fds[5 + i], owned[i]);
		if (fds[0].revents)
			return 0;
	}
}

int relay_pipes(pid_t pid, struct pipes *pipes, struct error *err)
{
	static struct flow flows[3];
	auto_close int pidfd = pidfd_of(pid), signals = -1, out = -1, errors = -1;
	const struct target target = { pid, pidfd };
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
		flow_to_stream(&flows[i], i, i == 1 ? &out : &errors);
	}
	for (int i = 0; i < 3; i++)
		set_nonblock(pipes->outside[i], true);
	r = relay_loop(flows, pipes, &target, signals, err);
	for (int i = 1; i < 3; i++) {
		size_t left = LAST_WORDS_BYTES;

		drain(&flows[i], signals, &left);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		r = flow_check(&flows[1], "output", err);
	return r == 0 ? flow_check(&flows[2], "standard error", err) : r;
}

/* --- terminal --- */

static void copy_window(int master)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0 || ioctl(1, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

static int terminal_loop(struct flow *in, struct flow *out, int master, const struct target *target, int signals,
			 struct error *err)
{
	for (;;) {
		struct pollfd fds[6] = {
			{ .fd = target->pidfd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
			{ .fd = wants_read(in) ? 0 : -1, .events = POLLIN },
			{ .fd = wants_write(in) ? master : -1, .events = POLLOUT },
			{ .fd = wants_read(out) ? master : -1, .events = POLLIN },
			{ .fd = wants_write(out) ? out->to : -1, .events = POLLOUT },
		};
		int signal;

		if (poll(fds, 6, -1) < 0 && errno != EINTR)
			return fail(err, errno, "relay");
		while (fds[1].revents && (signal = next_signal(signals)) > 0) {
			if (signal == SIGWINCH)
				copy_window(master);
			else
				pass_signal(target, signal);
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
			return 0;	/* nobody looks any more: with the master closed the command is hung up */
		if (fds[4].revents && wants_read(out) && !flow_read(out))
			out->from = -1;	/* EIO: the last slave is closed */
		if (fds[0].revents)
			return 0;
	}
}

#define LAST_WORDS_MS 100

/* What a process wrote to its terminal passes through the kernel's buffers: it may not be there yet when the process
 * has ended. The end of the terminal is an EIO; a child left behind keeps it open, and is not waited for. */
static void drain_terminal(struct flow *out, int signals)
{
	struct pollfd poll_fd = { .fd = out->from, .events = POLLIN };
	size_t left = LAST_WORDS_BYTES;

	while (drain(out, signals, &left) && poll(&poll_fd, 1, LAST_WORDS_MS) > 0)
		;
}

int relay_terminal(pid_t pid, int master, struct error *err)
{
	static struct flow in, out;
	auto_close int pidfd = pidfd_of(pid), signals = -1, own = -1;
	const struct target target = { pid, pidfd };
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
	out = (struct flow){ .from = master };
	flow_to_stream(&out, 1, &own);
	set_nonblock(master, true);
	copy_window(master);
	raw = terminal_raw(0, &saved) == 0;
	r = terminal_loop(&in, &out, master, &target, signals, err);
	drain_terminal(&out, signals);
	if (raw)
		terminal_restore(0, &saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r == 0 ? flow_check(&out, "output", err) : r;
}

/* --- console --- */

int escape_parse(const char *text)
{
	int byte = text[0] == '^' && text[1] ? toupper((unsigned char)text[1]) ^ '@' : -1;

	return byte >= 0 && byte < ' ' && !text[2] ? byte : -EINVAL;
}

const char *escape_text(unsigned char escape, char *buf)
{
	buf[0] = '^';
	buf[1] = (char)tolower(escape ^ '@');
	buf[2] = '\0';
	return buf;
}

/* Take the escape sequences out of what was typed. What ends the relay is *ret; what was typed behind that is lost. */
static bool take_escapes(struct flow *in, const struct console_relay *relay, bool *pending, enum relay_event *ret)
{
	size_t to = 0;
	bool found = false;

	for (size_t i = 0; i < in->n && !found; i++) {
		unsigned char byte = (unsigned char)in->data[in->at + i];
		bool escaped = *pending;

		*pending = !escaped && byte == relay->escape;
		if (escaped && (byte == 'q' || byte == 'Q')) {
			*ret = RELAY_LEFT;
			found = true;
		} else if (byte == CTRL_C && ((escaped && relay->stoppable) || relay->stopping)) {
			*ret = RELAY_STOP;
			found = true;
		} else if (!*pending) {
			if (escaped && byte != relay->escape)
				in->data[to++] = (char)relay->escape;
			in->data[to++] = (char)byte;
		}
	}
	in->at = 0;
	in->n = to;
	return found;
}

static void tell_window(const struct console_relay *relay)
{
	struct winsize size;

	if (relay->window && ioctl(0, TIOCGWINSZ, &size) == 0)
		relay->window(size.ws_row, size.ws_col, relay->arg);
}

/* False: somebody wants to end it. */
static bool hear_signals(struct console_relay *relay, int signals)
{
	int signal;
	bool go_on = true;

	while ((signal = next_signal(signals)) > 0) {
		if (signal == SIGWINCH)
			tell_window(relay);
		else
			go_on &= relay->event && relay->event(relay, signal == SIGHUP ? RELAY_HANGUP : RELAY_STOP);
	}
	return go_on;
}

/* Returns false at the end of the input, or of the relay. */
static bool hear_keys(struct flow *in, struct console_relay *relay)
{
	static bool pending;	/* over reconnections too: the person goes on typing */
	enum relay_event event;

	if (!flow_read(in)) {
		in->from = -1;	/* no more input: go on watching */
		return true;
	}
	return !take_escapes(in, relay, &pending, &event) || (relay->event && relay->event(relay, event));
}

static int console_loop(struct flow *in, struct flow *out, struct console_relay *relay, int signals, struct error *err)
{
	tell_window(relay);
	for (;;) {
		struct pollfd fds[6] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = wants_read(in) ? in->from : -1, .events = POLLIN },
			{ .fd = wants_write(in) ? in->to : -1, .events = POLLOUT },
			{ .fd = wants_read(out) ? out->from : -1, .events = POLLIN },
			{ .fd = wants_write(out) ? out->to : -1, .events = POLLOUT },
			{ .fd = relay->wake, .events = POLLIN },
		};
		int r = poll(fds, 6, relay->timeout_ms);

		if (r < 0 && errno != EINTR)
			return fail(err, errno, "relay");
		if (r == 0)
			return 0;
		if (r < 0)
			continue;
		if (fds[0].revents && !hear_signals(relay, signals))
			return 1;
		if (fds[2].revents && !flow_write(in))
			in->to = -1;	/* it ends: read its last words, and forget what is typed */
		if (fds[1].revents && wants_read(in) && !hear_keys(in, relay))
			return 1;
		if (fds[4].revents && !flow_write(out)) {
			if (!relay->event || !relay->event(relay, RELAY_UNHEARD))
				return 1;
			out->to = -1;
		}
		if (fds[3].revents && wants_read(out) && !flow_read(out))
			return 0;
		if (in->to < 0)
			in->n = 0;
		if (out->to < 0)
			out->n = 0;
		if (fds[5].revents && !relay->event(relay, RELAY_WOKEN))
			return 1;
	}
}

int relay_console(struct console_relay *relay, struct error *err)
{
	static struct flow in, out;
	auto_close int signals = -1, own = -1;
	struct termios saved;
	bool raw;
	sigset_t old;
	int r;

	signals = catch_signals(&old, err);
	if (signals < 0)
		return signals;
	in = (struct flow){ .from = relay->input ? 0 : -1, .to = relay->stream };
	out = (struct flow){ .from = relay->stream };
	flow_to_stream(&out, 1, &own);
	if (relay->stream >= 0)
		set_nonblock(relay->stream, true);
	raw = relay->input && terminal_raw(0, &saved) == 0;
	r = console_loop(&in, &out, relay, signals, err);
	if (raw)
		terminal_restore(0, &saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
