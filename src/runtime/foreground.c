/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/foreground.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/notify.h"
#include "os/process.h"
#include "runtime/client.h"
#include "runtime/handshake.h"
#include "runtime/init.h"
#include "runtime/relay.h"
#include "runtime/settle.h"
#include "runtime/start.h"
#include "runtime/stop.h"

#define LOOK_EVERY_MS 50
#define SETTLE_USEC 10000000ULL	/* a monitor that was killed has a new one by then */
#define SAME_REQUEST_USEC 100000ULL	/* one request may come twice: to us, and to our process group */

/* What takes its time is done by a child of ours, while we relay. */
struct helper {
	pid_t pid;		/* 0: none */
	int verdict;		/* readable when it is done, -1 */
};
#define HELPER_NONE { .verdict = -1 }

struct stay {
	struct foreground *foreground;
	struct container *c;
	struct helper boot, stop;
	uint64_t asked;		/* when we were asked to stop it, 0: not yet */
	uint64_t odd_since;	/* something is left over, and nobody there to see to it */
	bool left;
	bool typed;		/* what is typed goes into it */
	struct console_relay relay;
};

int foreground_status(const char *last_exit)
{
	static const char killed_by[] = "killed by ";
	uint64_t status;

	if (strcmp(last_exit, "halt") == 0 || strcmp(last_exit, "stopped") == 0)
		return 0;
	if (text_starts(last_exit, "exit ") && parse_u64(last_exit + strlen("exit "), &status) == 0 && status < 256)
		return (int)status;
	if (text_starts(last_exit, killed_by)) {
		int signal = signal_parse(last_exit + strlen(killed_by));

		return signal > 0 ? 128 + signal : -1;
	}
	/* by a stop, which uses but one signal for that */
	return text_starts(last_exit, "killed") ? 128 + SIGKILL : -1;
}

/* --- helpers --- */

static int begin_helper(struct stay *stay, struct helper *helper, int (*work)(struct stay *stay, struct error *err),
			struct error *err)
{
	int pair[2];
	pid_t pid;

	if (handshake_pair(pair, err) < 0)
		return -err->code;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return fail(err, errno, "fork");
	}
	if (pid == 0) {
		struct error why = ERROR_NONE;

		close(pair[0]);
		setpgid(0, 0);	/* a ^C of the terminal comes by us */
		interrupt_reset();
		handshake_report(pair[1], 0, work(stay, &why) < 0 ? &why : NULL, -1);
		_exit(0);
	}
	close(pair[1]);
	*helper = (struct helper){ pid, pair[0] };
	return 0;
}

/* Its result; with `end` it is killed first. */
static int finish_helper(struct helper *helper, bool end, struct error *err)
{
	enum handshake_result result;
	int fd;

	if (end)
		kill(helper->pid, SIGKILL);	/* our child, not reaped yet */
	result = handshake_await(helper->verdict, 0, -1, &fd, err);
	waitpid(helper->pid, NULL, 0);
	close_fd(&helper->verdict);
	helper->pid = 0;
	if (result == HANDSHAKE_CLOSED)
		return fail(err, 0, "it was killed");
	return result == HANDSHAKE_DONE ? 0 : -err->code;
}

static int await_boot(struct stay *stay, struct error *err)
{
	return init_wait_booted(stay->c, (int)(stay->foreground->wait_usec / 1000), NULL, NULL, err);
}

/* Stop it, with its configuration of now. A signal: at once. */
static int stop_it(struct stay *stay, struct error *err)
{
	struct stop_options options = { .now = false };

	for (;;) {
		struct container c = CONTAINER_EMPTY;
		int r = container_open(stay->c->install, stay->c->name, true, true, &c, err);

		if (r == 0) {
			options.timeout = c.config.stop_timeout;
			r = container_stop(&c, &options, err);
			container_close(&c);
		}
		/* it has ended meanwhile; whether by itself we shall see */
		if (r >= 0 || (r != -EBUSY && (err->status == STATUS_STATE || err->status == STATUS_NOT_FOUND)))
			return 0;
		if (r != -EBUSY && !(r == -EINTR && !options.now))
			return r;
		if (interrupt_pending())
			options.now = true;
		interrupt_reset();
		*err = (struct error)ERROR_NONE;
	}
}

/* --- what happens meanwhile --- */

/* In a line of its own, whatever the container has printed. */
static void say(const struct stay *stay, const char *what, const char *why)
{
	const char *eol = stay->typed ? "\r\n" : "\n";

	if (log_level() > LOG_QUIET)
		fprintf(stderr, "%ssysct: %s: %s%s%s%s", stay->typed ? eol : "", stay->c->name, what, *why ? ": " : "", why,
			eol);
}

/* A helper that ended, if one has. */
static void hear_helpers(struct stay *stay)
{
	struct error err = ERROR_NONE;

	if (stay->relay.wake < 0)
		return;
	if (stay->stop.pid) {
		if (finish_helper(&stay->stop, false, &err) < 0)
			say(stay, "it is not stopped", err.message);
		stay->asked = 0;
		stay->relay.stopping = false;
	} else if (finish_helper(&stay->boot, false, &err) < 0) {
		say(stay, "not ready", err.message);
	} else {
		notify_send("READY=1");
	}
	stay->relay.wake = -1;
}

static void ask_stop(struct stay *stay, bool may_press)
{
	struct error err = ERROR_NONE;

	if (stay->asked) {
		if (may_press && stay->stop.pid && now_usec() - stay->asked > SAME_REQUEST_USEC)
			kill(stay->stop.pid, SIGTERM);	/* our child, not reaped yet */
		return;
	}
	if (stay->boot.pid)
		finish_helper(&stay->boot, true, &err);
	notify_send("STOPPING=1");
	if (begin_helper(stay, &stay->stop, stop_it, &err) < 0) {
		say(stay, "it is not stopped", err.message);
		return;
	}
	if (isatty(2))
		say(stay, "stopping; ^C again: at once", "");
	stay->asked = now_usec();
	stay->relay.stopping = stay->typed;
	stay->relay.wake = stay->stop.verdict;
}

static bool on_event(struct console_relay *relay, enum relay_event event)
{
	struct stay *stay = relay->arg;

	switch (event) {
	case RELAY_LEFT:
		stay->left = true;
		return false;
	case RELAY_STOP:
	case RELAY_HANGUP:
		ask_stop(stay, event == RELAY_STOP);
		return true;
	case RELAY_WOKEN:
		hear_helpers(stay);
		return true;
	case RELAY_UNHEARD:
		return true;
	}
	return true;
}

static void on_window(unsigned short rows, unsigned short columns, void *arg)
{
	const struct stay *stay = arg;

	control_send(stay->foreground->client[0], CONTROL_WINDOW, (uint32_t)rows << 16 | columns, NULL, -1);
}

/* --- how it goes on --- */

enum found { RUNS, BETWEEN, ENDED };

/* The end counts when nobody works on it: a restart is none, and what is left over is cleaned up. */
static int look_closely(struct stay *stay, bool settle, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_close int lock = container_lock(stay->c->install, stay->c->name, 0, err);
	bool left_over;
	int r;

	state_init(&state);
	if (lock == -EBUSY) {
		*err = (struct error)ERROR_NONE;
		return BETWEEN;
	}
	if (lock < 0)
		return lock;
	r = settle ? container_settle(stay->c, &state, err) : container_peek(stay->c, &state, &left_over, err);
	if (r < 0)
		return r;
	return state.phase == PHASE_STOPPED && (settle || !left_over) ? ENDED : BETWEEN;
}

static int look(struct stay *stay, struct error *err)
{
	auto_state struct container_state state = { 0 };
	uint64_t now = now_usec();
	bool left_over;

	state_init(&state);
	if (container_peek(stay->c, &state, &left_over, err) < 0)
		return -err->code;
	if (!left_over) {
		stay->odd_since = 0;
		if (state.phase == PHASE_STOPPED)
			return look_closely(stay, false, err);
		return state.phase == PHASE_RUNNING ? RUNS : BETWEEN;
	}
	if (!stay->odd_since)
		stay->odd_since = now;
	return now - stay->odd_since > SETTLE_USEC ? look_closely(stay, true, err) : BETWEEN;
}

static void disconnect(struct foreground *foreground)
{
	close_fd(&foreground->client[0]);
	close_fd(&foreground->client[1]);
}

/* Watch it until it has ended (0), or the user leaves (1). */
static int watch(struct stay *stay, struct error *err)
{
	struct foreground *foreground = stay->foreground;

	for (;;) {
		int r;

		stay->relay.stream = foreground->client[1];
		stay->relay.input = stay->typed && stay->relay.stream >= 0;
		stay->relay.window = stay->relay.input ? on_window : NULL;
		stay->relay.timeout_ms = stay->relay.stream < 0 ? LOOK_EVERY_MS : -1;
		r = relay_console(&stay->relay, err);
		if (r < 0 || stay->left)
			return r < 0 ? r : 1;
		disconnect(foreground);
		r = look(stay, err);
		if (r < 0 || r == ENDED)
			return r < 0 ? r : 0;
		if (r == RUNS) {
			struct error ignored = ERROR_NONE;	/* its monitor may be between two lives */

			container_adopt(stay->c->install, stay->c->name);
			client_console(stay->c, &foreground->client[0], &foreground->client[1], &ignored);
		}
	}
}

/* An ended one's status, told in words too. */
static int verdict(const struct stay *stay, struct error *err)
{
	auto_free char *text = NULL;
	int status;

	if (read_file_at(stay->c->dir_fd, "last_exit", 256, &text, NULL) < 0)
		text = xstrdup("killed");	/* destroyed while it ran */
	text[strcspn(text, "\n")] = '\0';
	status = foreground_status(text);
	if (status < 0) {
		if (strcmp(text, "reboot") == 0)
			fail(err, 0, "it did not come back from a reboot");
		else
			fail(err, 0, "it has ended, and how is not known");
		return error_hint(err, "sysct logs %s shows what it printed", stay->c->name);
	}
	log_note("%s: ended: %s", stay->c->name, text);
	return status;
}

/* Typed into it is only what is typed for us: a job in the background must not touch its terminal. */
static bool is_typed(void)
{
	return isatty(0) && isatty(1) && tcgetpgrp(0) == getpgrp();
}

static void begin(struct stay *stay)
{
	struct error err = ERROR_NONE;
	char key[3];

	if (stay->typed && log_level() > LOG_QUIET) {
		escape_text(stay->relay.escape, key);
		fprintf(stderr, "console of %s; %s q leaves it running, %s ^c stops it\n", stay->c->name, key, key);
	}
	if (interrupt_pending())
		ask_stop(stay, false);	/* it came too late for the start */
	else if (!stay->foreground->wait)
		notify_send("READY=1");
	else if (begin_helper(stay, &stay->boot, await_boot, &err) < 0)
		say(stay, "not ready", err.message);
	else
		stay->relay.wake = stay->boot.verdict;
}

int foreground_stay(struct foreground *foreground, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct stay stay = { .foreground = foreground, .c = foreground->container, .boot = HELPER_NONE,
			     .stop = HELPER_NONE, .typed = is_typed(), .relay = CONSOLE_RELAY };
	struct error ignored = ERROR_NONE;
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stay.relay.escape = foreground->escape;
	stay.relay.stoppable = true;
	stay.relay.event = on_event;
	stay.relay.arg = &stay;
	begin(&stay);
	r = watch(&stay, err);
	disconnect(foreground);
	if (stay.boot.pid)
		finish_helper(&stay.boot, true, &ignored);
	if (stay.stop.pid && !stay.left)
		finish_helper(&stay.stop, true, &ignored);	/* it has nothing left to do */
	if (r == 1)
		log_note("%s runs on; sysct stop %s ends it", stay.c->name, stay.c->name);
	return r < 0 ? r : r == 1 ? 0 : verdict(&stay, err);
}

int foreground_start(struct foreground *foreground, struct text *timing, struct error *err)
{
	int its[2], r = client_pair(foreground->client, its, err);

	if (r == 0)
		r = container_start_watched(foreground->container, timing, its, err);
	close_fd(&its[0]);
	close_fd(&its[1]);
	if (r < 0)
		disconnect(foreground);
	return r;
}
