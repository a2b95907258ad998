/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/cgroup.h"
#include "runtime/client.h"
#include "runtime/init.h"
#include "runtime/launch.h"
#include "runtime/reclaim.h"
#include "runtime/settle.h"
#include "runtime/supervise.h"
#include "runtime/undo.h"
#include "runtime/unit.h"

/* Until init can take its signal at all. A plain program that handles none would never hear it. */
#define READY_USEC 10000000ULL
#define READY_PLAIN_USEC 1000000ULL
#define KILL_TIMEOUT_MS 20000
#define EXIT_TIMEOUT_MS 3000
#define LOCK_WAIT_MS 10000

static int not_running(const struct container *c, const struct container_state *state, struct error *err)
{
	if (state->phase == PHASE_STOPPED) {
		fail_status(err, STATUS_STATE, "it is not running");
		return error_hint(err, "start it: sysct start %s", c->name);
	}
	fail_status(err, STATUS_STATE, "it is %s just now", phase_name(state->phase));
	err->code = EBUSY;
	return error_hint(err, "wait until that is done and try again");
}

/* The first process of a pid namespace loses a signal that it has no handler for yet. 1: it takes it, 0: it does not, or
 * has ended. */
static int wait_ready(pid_t pid, int pidfd, int signal, uint64_t end, struct error *err)
{
	for (;;) {
		int r = process_takes_signal(pid, signal);

		if (r != 0 || now_usec() >= end || pidfd_wait(pidfd, 2) == 1)
			return r > 0;
		if (interrupt_check(err) < 0)
			return -err->code;
	}
}

/* The administrator's signal, or what this kind of init wants. 0: it is asked already. */
static int prepare_stop(const struct container *c, enum init_kind kind, const struct process_id *init, int pidfd, uint64_t end,
			int *ret_signal, struct error *err)
{
	for (;;) {
		int r = init_ask_stop(kind, init, ret_signal);

		if (r != -EAGAIN || now_usec() >= end || pidfd_wait(pidfd, 20) == 1) {
			if (r < 0)
				log_debug("%s: prepare %s: %s", c->name, init_kind_name(kind), strerror(-r));
			return 0;
		}
		if (interrupt_check(err) < 0)
			return -err->code;
	}
}

/* It is still of that kind, and will be; or it has ended. */
static bool is_settled(const struct container *c, pid_t pid, int pidfd, enum init_kind kind, struct init_program *program)
{
	if (init_kind_of(pid) == kind && (init_is_program(c->config.init, pid) || init_settled(kind, pid, program)))
		return true;
	return pidfd_wait(pidfd, 20) == 1;
}

/* How the asking went, and why the rest is killed. */
enum answer { ENDED, TOO_SLOW, DEAF };

/* An answer. *ret_signal: what it was asked by, or would have been; 0: by other means. */
static int ask(struct container *c, const struct container_state *state, int pidfd, uint64_t timeout, int *ret_signal,
	       struct error *err)
{
	auto_free char *group = launch_group(c);
	bool automatic = strcmp(c->config.stop_signal, "auto") == 0;
	uint64_t start = now_usec(), end = start + timeout, ready;
	struct init_program program = { .since = 0 };
	enum init_kind kind;
	char name[16];
	int signal, r;

	if (cgroup_frozen(group) && cgroup_freeze(group, false, 5000, err) < 0)
		return -err->code;
	do {	/* a script may become the init proper meanwhile */
		uint64_t patience;

		kind = init_kind_of(state->init.pid);
		patience = kind == INIT_UNKNOWN ? READY_PLAIN_USEC : READY_USEC;
		ready = start + (patience < timeout ? patience : timeout);
		signal = automatic ? init_ready_signal(kind) : signal_parse(c->config.stop_signal);
		r = wait_ready(state->init.pid, pidfd, signal, ready, err);
		if (r < 0)
			return r;
	} while (automatic && now_usec() < end && !is_settled(c, state->init.pid, pidfd, kind, &program));
	*ret_signal = signal;
	/* it would be lost: no use waiting for an answer */
	if (r == 0 && kind == INIT_UNKNOWN && pidfd_wait(pidfd, 0) == 0)
		return timeout > READY_PLAIN_USEC ? DEAF : TOO_SLOW;
	if (automatic && prepare_stop(c, kind, &state->init, pidfd, ready, &signal, err) < 0)
		return -err->code;
	if (signal)
		log_debug("%s: send %s to init", c->name, signal_text(signal, name, sizeof(name)));
	r = signal ? pidfd_signal(pidfd, signal) : 0;
	if (r < 0 && r != -ESRCH)
		return fail(err, -r, "signal init");
	for (;;) {
		uint64_t now = now_usec();

		if (now >= end)
			return TOO_SLOW;
		r = pidfd_wait(pidfd, end - now > 200000 ? 200 : (int)((end - now) / 1000) + 1);
		if (r != 0)
			return r < 0 ? fail(err, -r, "wait for init") : ENDED;
		if (interrupt_check(err) < 0)
			return -err->code;
	}
}

/* Take over the undoing from the monitor. Without one (killed, or busy with something) it is ours anyhow. */
static int take_over(const struct container *c)
{
	struct error err = ERROR_NONE;
	auto_close int socket = client_connect(c);

	if (socket < 0)
		return -1;
	if (client_request(socket, CONTROL_STOP, 0, CONTROL_OK, NULL, &err) < 0) {
		log_debug("%s: %s", c->name, err.message);
		return -1;
	}
	return take_fd(&socket);
}

/* Who looks meanwhile is to see that it is about to end. Only with a monitor that leaves the state to us, or without one for good; and
 * only a word: it still runs, and goes on to if we are killed. By the state of now, which a monitor writes too. */
static void mark_asking(const struct container *c, const struct container_state *state, int socket, bool asking)
{
	auto_state struct container_state now = { 0 };
	struct error ignored = ERROR_NONE;
	struct process_id self;
	char text[48];

	state_init(&now);
	if ((socket < 0 && !container_is_alone(state)) || process_identify(getpid(), &self) < 0 ||
	    state_load(c->install->run_dir, c->name, &now, NULL, &ignored) < 0 || now.phase != PHASE_RUNNING ||
	    now.init.pid != state->init.pid || now.init.start != state->init.start)
		return;
	record_set(&now.more, MORE_STOPPER, asking ? process_id_format(&self, text, sizeof(text)) : NULL);
	state_save(c->install->run_dir, c->name, &now, &ignored);
}

/* What init heard, or would not have. */
struct ending {
	enum answer answer;
	int signal;
};

static void tell_ending(const struct container *c, const struct ending *ending)
{
	char name[16];

	if (ending->answer == TOO_SLOW)
		log_note("%s did not stop in time and was killed", c->name);
	else if (ending->answer == DEAF)
		log_note("%s was killed without more waiting: its init takes no %s", c->name,
			 signal_text(ending->signal, name, sizeof(name)));
}

/* How init ended, by the monitor's word. */
static void note_exit(const struct container *c, int socket, const struct ending *ending)
{
	struct control_packet packet;
	char text[64] = "unknown", name[16];

	while (socket >= 0 && control_receive(socket, &packet, NULL, EXIT_TIMEOUT_MS) == 1) {
		int status = (int)packet.a;

		if (packet.type != CONTROL_EXIT)
			continue;
		if (packet.a == CONTROL_UNKNOWN)
			break;
		if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGHUP))
			snprintf(text, sizeof(text), "stopped");
		else if (WIFSIGNALED(status))
			snprintf(text, sizeof(text), "killed");
		else
			snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
		break;
	}
	if (ending->answer == TOO_SLOW)
		snprintf(text, sizeof(text), "killed after the stop timeout");
	else if (ending->answer == DEAF)
		snprintf(text, sizeof(text), "killed, since it takes no %s", signal_text(ending->signal, name, sizeof(name)));
	container_note_exit(c, text);
}

static void wait_gone(const struct process_id *id)
{
	auto_close int pidfd = process_open(id);

	if (pidfd >= 0)
		pidfd_wait(pidfd, 2000);
}

/* The monitor and the holder have nothing left to do; if they do not go by themselves they are ours to end. */
static void dismiss(const struct container_state *state, int socket)
{
	if (socket >= 0) {
		control_send(socket, CONTROL_DONE, 0, NULL, -1);
		wait_gone(&state->monitor);
		wait_gone(&state->holder);
	}
	container_dismiss(state);
}

/* What has time while the image is unmounted. */
struct aftermath {
	const struct container *container;
	const struct container_state *state;
	int socket;
	const struct ending *ending;
};

static void see_to_the_rest(void *arg)
{
	const struct aftermath *after = arg;

	note_exit(after->container, after->socket, after->ending);
	dismiss(after->state, after->socket);
}

static int finish(struct container *c, struct container_state *state, int pidfd, int socket, const struct ending *ending,
		  struct error *err)
{
	auto_free char *group = launch_group(c);
	struct aftermath after = { c, state, socket, ending };

	/* the monitor first: once the state says "stopping" it must not act any more */
	if (container_mark_stopping(c, state, err) < 0) {
		if (err->code != ENOSPC && err->code != EDQUOT)
			return -err->code;
		/* A full /run must not keep a container running. A monitor that knows of us leaves its end to us; any other goes first. */
		*err = (struct error)ERROR_NONE;
		if (socket < 0)
			container_dismiss(state);
	}
	if (cgroup_kill(group, err) < 0)
		return -err->code;
	if (pidfd >= 0 && pidfd_wait(pidfd, KILL_TIMEOUT_MS) != 1) {
		fail(err, ETIMEDOUT, "wait until its killed init is gone");
		error_hint(err, "it hangs in the kernel: cat /proc/%d/stack shows where", (int)state->init.pid);
		return error_status(err, STATUS_TIMEOUT);
	}
	if (container_undo_beside(c, state, see_to_the_rest, &after, err) < 0)
		return -err->code;
	unit_wait_gone(group);
	return 0;
}

int container_stop(struct container *c, const struct stop_options *options, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_close int pidfd = -1, socket = -1;
	struct ending ending = { .answer = ENDED };
	int r = ENDED;

	state_init(&state);
	if (state_load(c->install->run_dir, c->name, &state, NULL, err) < 0 ||
	    state_check_install(&state, c->install, err) < 0)
		return -err->code;
	/* between two boots init is gone, and to stop is to see to it that there is no next one */
	if (state.phase != PHASE_RUNNING && container_settle(c, &state, err) < 0)
		return -err->code;
	if (state.phase != PHASE_RUNNING)
		return not_running(c, &state, err);
	socket = take_over(c);
	pidfd = process_open(&state.init);
	if (pidfd >= 0 && !options->now) {
		mark_asking(c, &state, socket, true);
		r = ask(c, &state, pidfd, options->timeout, &ending.signal, err);
	}
	if (r < 0) {	/* ^C: it runs on, and the monitor decides again */
		mark_asking(c, &state, socket, false);
		return r;
	}
	ending.answer = (enum answer)r;
	if (finish(c, &state, pidfd, socket, &ending, err) < 0)
		return -err->code;
	tell_ending(c, &ending);
	if (!options->for_a_moment)
		reclaim_stopped(c);
	return 0;
}

/* --- freeze, thaw, kill --- */

static int running(struct container *c, struct container_state *state, struct error *err)
{
	state_init(state);
	if (container_settle(c, state, err) < 0)
		return -err->code;
	return state->phase == PHASE_RUNNING ? 0 : not_running(c, state, err);
}

int container_freeze(struct container *c, bool freeze, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_free char *group = launch_group(c);

	if (running(c, &state, err) < 0)
		return -err->code;
	if (cgroup_frozen(group) == freeze) {
		fail_status(err, STATUS_STATE, "it is %s", freeze ? "frozen already" : "not frozen");
		return -err->code;
	}
	if (cgroup_freeze(group, freeze, 5000, err) < 0) {
		struct error ignored = ERROR_NONE;

		if (freeze)	/* half frozen helps nobody */
			cgroup_freeze(group, false, 1000, &ignored);
		return -err->code;
	}
	return 0;
}

int container_kill(struct container *c, int signal, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_close int pidfd = -1;
	bool left_over;
	int r;

	state_init(&state);
	if (container_peek(c, &state, &left_over, err) < 0 || state_check_install(&state, c->install, err) < 0)
		return -err->code;
	if (left_over) {
		c->lock_fd = container_lock(c->install, c->name, LOCK_WAIT_MS, err);
		if (c->lock_fd < 0 || container_settle(c, &state, err) < 0)
			return -err->code;
	}
	if (state.phase != PHASE_RUNNING)
		return not_running(c, &state, err);
	if (container_is_alone(&state))
		container_adopt(c->install, c->name);
	pidfd = process_open(&state.init);
	r = pidfd < 0 ? pidfd : pidfd_signal(pidfd, signal);
	if (r == -ESRCH) {	/* in this very moment */
		state.phase = PHASE_STOPPED;
		return not_running(c, &state, err);
	}
	return r < 0 ? fail(err, -r, "signal init") : 0;
}

bool container_hasten(const struct install *install, const char *name)
{
	struct container c = CONTAINER_EMPTY;
	struct error ignored = ERROR_NONE;
	bool killed = false;

	if (container_open(install, name, false, true, &c, &ignored) < 0)
		return false;
	c.lock_fd = container_lock(install, name, 0, &ignored);
	ignored = (struct error)ERROR_NONE;
	if (c.lock_fd == -EBUSY)
		killed = container_kill(&c, SIGKILL, &ignored) == 0;
	container_close(&c);
	return killed;
}
