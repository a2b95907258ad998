/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Have a container started by a process of its own (start_boot.c), and wait for what it says. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/affinity.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"
#include "start_parts.h"
#include "store/rootfs.h"

#define START_TIMEOUT_MS 120000	/* beside an e2fsck */
#define GIVE_UP_MS 20000	/* a starter that is killed and does not end: in the kernel */

/* True when it is dead; false: it is not yet known, or hangs in the kernel. */
static bool kill_starter(const struct container *c)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	auto_close int pidfd = -1;

	state_init(&state);
	if (state_load(c->install->run_dir, c->name, &state, NULL, &ignored) < 0 || state.starter.pid == getpid())
		return false;
	pidfd = process_open(&state.starter);
	if (pidfd < 0)
		return pidfd == -ESRCH;
	pidfd_signal(pidfd, SIGKILL);
	return pidfd_wait(pidfd, 2000) == 1;
}

static int too_long(const struct container *c, int seconds, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;

	state_init(&state);
	if (state_load(c->install->run_dir, c->name, &state, NULL, &ignored) < 0 || !process_alive(&state.starter))
		return fail(err, ETIMEDOUT, "wait %d s until it was started", seconds);
	return fail(err, ETIMEDOUT, "wait %d s for process %d, which starts it", seconds, (int)state.starter.pid);
}

int start_timeout_ms(const struct container *c)
{
	return START_TIMEOUT_MS + rootfs_check_ms(c);
}

/* Wait for the verdict. On ^C and on a timeout the starter is killed; whoever still holds its end of the connection (a
 * payload that hangs in the kernel, say) is not waited for. */
int start_await_verdict(const struct container *c, int verdict, int timeout_ms, struct error *err)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000, given_up = 0;
	struct pollfd poll_fd = { .fd = verdict, .events = POLLIN };
	struct error why = ERROR_NONE;
	int fd, r;

	while (poll(&poll_fd, 1, why.code ? 20 : 1000) <= 0) {
		if (!why.code && interrupt_check(&why) >= 0 && now_usec() > end)
			too_long(c, timeout_ms / 1000, &why);
		if (!why.code)
			continue;
		if (!given_up)
			given_up = now_usec() + GIVE_UP_MS * 1000ULL;
		if ((kill_starter(c) || now_usec() > given_up) && poll(&poll_fd, 1, 0) <= 0)
			break;
	}
	if (poll_fd.revents) {
		r = handshake_await(verdict, 0, 1000, &fd, err);
		if (r == HANDSHAKE_DONE)
			return 0;
		if (r != HANDSHAKE_CLOSED)
			return r;
	}
	if (why.code)
		*err = why;
	else
		fail(err, 0, "the process that starts it was killed");
	return -err->code;
}

/* A terminal's ^Z, while the starter, which has left it, waits for what this process makes. */
static void hold_job_control(sigset_t *before)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigaddset(&stops, SIGTTIN);
	sigaddset(&stops, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stops, before);
}

int start_run(struct container *c, struct container_state *state, const struct wish *wish, struct error *err)
{
	int timeout_ms = start_timeout_ms(c), pair[2], lend[2] = { -1, -1 };
	struct wish whole = *wish;
	auto_close int verdict = -1, lender = -1;
	sigset_t signals;
	pid_t pid;

	if (handshake_pair(pair, err) < 0)
		return -err->code;
	verdict = pair[0];
	if (!wish->adopt && rootfs_is_quick(c)) {
		if (handshake_pair(lend, err) < 0) {
			close(pair[1]);
			return -err->code;
		}
		lender = lend[0];
		whole.rootfs = lend;
	}
	fflush(NULL);
	hold_job_control(&signals);
	affinity_look();
	pid = fork();
	if (pid < 0)
		fail(err, errno, "fork");
	if (pid == 0) {
		close(pair[0]);
		close_fd(&lender);
		start_hold(c, state, pair[1], &whole);
	}
	if (pid > 0)
		affinity_apart(pid);
	close(pair[1]);
	close_fd(&lend[1]);
	if (pid > 0 && lender >= 0)
		launch_lend_rootfs(c, lender);
	close_fd(&lender);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	if (pid < 0)
		return -err->code;
	return start_await_verdict(c, verdict, timeout_ms, err);
}

void start_show_note(const struct container *c, struct container_state *state)
{
	struct error ignored = ERROR_NONE;
	const char *note;

	if (state_load(c->install->run_dir, c->name, state, NULL, &ignored) < 0)
		return;
	note = record_get(&state->more, MORE_NOTE);
	if (note)
		log_note("%s: %s", c->name, note);
}
