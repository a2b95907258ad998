/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What follows when init ends, when the holder ends, and the state file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "monitor.h"
#include "os/fdpass.h"
#include "os/notify.h"
#include "runtime/supervise.h"
#include "runtime/unit.h"

extern char **environ;

/* The run that we watch, and nobody has begun to end it. */
static bool is_ours(const struct monitor *m, const struct container_state *now)
{
	return now->phase == PHASE_RUNNING && now->init.pid == m->state.init.pid &&
	       now->init.start == m->state.init.start;
}

/* Our own part of the state alone: whatever else stands in the file is not ours to bring back. */
void save_state(struct monitor *m)
{
	struct container_state now = { 0 };
	struct error ignored = ERROR_NONE;

	if (find_stopper(m))
		return;	/* from here on the state is the stop's */
	state_init(&now);
	if (state_load(m->run_dir, m->name, &now, NULL, &ignored) == 0 && is_ours(m, &now)) {
		now.monitor = m->state.monitor;
		now.holder = m->state.holder;
		now.booted = m->state.booted;
		record_set(&now.more, MORE_LOG_FROM, record_get(&m->state.more, MORE_LOG_FROM));
		state_save(m->run_dir, m->name, &now, &ignored);
	}
	state_done(&now);
}

void finish_holder(void)
{
	const char quit = LINK_QUIT;

	fd_send(FD_LINK, &quit, 1, NULL, 0);
	_exit(0);
}

/* --- init's end --- */

static void note_status(struct monitor *m, int status)
{
	m->status = status;
	m->status_known = true;
}

static void save_end(struct monitor *m)
{
	struct container_state now = { 0 };
	struct error ignored = ERROR_NONE;

	state_init(&now);
	if (m->status_known && state_load(m->run_dir, m->name, &now, NULL, &ignored) == 0 && is_ours(m, &now)) {
		record_setf(&now.more, MORE_ENDED, "%d", m->status);
		state_save(m->run_dir, m->name, &now, &ignored);
	}
	state_done(&now);
}

void recall_end(struct monitor *m)
{
	uint64_t status = record_get_u64(&m->state.more, MORE_ENDED, UINT64_MAX);

	if (status <= INT_MAX)
		note_status(m, (int)status);
}

static void after_end(struct monitor *m)
{
	console_output(m);	/* its last words */
	if (!find_stopper(m))
		save_end(m);
	if (find_stopper(m))
		tell_exit(m);	/* and wait for its DONE, or its end */
	else
		decide(m);
}

void init_ended(struct monitor *m)
{
	int status;
	pid_t pid;

	if (m->ended)
		return;
	do {
		pid = waitpid(m->state.init.pid, &status, WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return;
	m->ended = true;
	if (pid > 0)
		note_status(m, status);
	else if (!m->status_known) {
		/* not our child: the holder reaps it and tells us; without a word from it within two
		 * seconds nobody knows */
		m->decide_at = now_usec() + 2000000;
		close_fd(&m->pidfd);
		return;
	}
	close_fd(&m->pidfd);
	after_end(m);
}

void reaped_elsewhere(struct monitor *m, int32_t pid, int32_t status)
{
	if (pid != m->state.init.pid || m->status_known)
		return;
	note_status(m, status);
	if (!m->ended)
		return;
	m->decide_at = 0;
	after_end(m);
}

/* --- what then --- */

static void status_text(const struct monitor *m, char *buf, size_t room)
{
	char name[16];

	if (!m->status_known)
		snprintf(buf, room, "unknown");
	else if (WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGHUP)
		snprintf(buf, room, "reboot");
	else if (WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGINT)
		snprintf(buf, room, "halt");
	else if (WIFSIGNALED(m->status))
		snprintf(buf, room, "killed by %s", signal_text(WTERMSIG(m->status), name, sizeof(name)));
	else
		snprintf(buf, room, "exit %d", WEXITSTATUS(m->status));
}

static const char *what_next(const struct monitor *m)
{
	const char *policy = record_get(&m->state.more, MORE_RESTART);
	bool reboot = m->status_known && WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGHUP;
	bool clean = m->status_known &&
		     ((WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGINT) ||
		      (WIFEXITED(m->status) && WEXITSTATUS(m->status) == 0));

	if (reboot)
		return "reboot";
	if (policy && strcmp(policy, "always") == 0)
		return "restart";
	if (policy && strcmp(policy, "on-failure") == 0 && !clean)
		return "restart";
	return "finish";
}

/* The arguments that let the clients' connections live on. Only a reboot keeps them. */
static size_t client_arguments(struct monitor *m, char **argv, size_t n, size_t most)
{
	for (size_t i = 0; i < MAX_CLIENTS && n < most; i++) {
		struct client *client = &m->clients[i];

		if (client->control < 0 || client->stopper)
			continue;
		fcntl(client->control, F_SETFD, 0);
		if (client->stream >= 0)
			fcntl(client->stream, F_SETFD, 0);
		argv[n++] = xasprintf("client=%d:%d:%d", client->control, client->stream, client->subscribed);
	}
	return n;
}

#define FIRST_ARGUMENTS 9

/* sysct and its global options. */
static size_t first_arguments(const struct monitor *m, char **argv)
{
	size_t n = 0;

	argv[n++] = "sysct";
	if (*m->config) {
		argv[n++] = "--config";
		argv[n++] = (char *)m->config;
	}
	argv[n++] = "--state-dir";
	argv[n++] = (char *)m->state_dir;
	argv[n++] = "--run-dir";
	argv[n++] = (char *)m->run_dir;
	argv[n++] = "--cache-dir";
	argv[n++] = (char *)m->cache_dir;
	return n;
}

#define WORDS 4

/* A process of its own, which is not the container's and not ours to wait for. False: no process is to be had. */
static bool spawn(struct monitor *m, const char *const words[WORDS])
{
	char *argv[FIRST_ARGUMENTS + WORDS + 1] = { 0 };
	size_t n = first_arguments(m, argv);
	int status;
	pid_t pid;

	for (size_t i = 0; i < WORDS && words[i]; i++)
		argv[n++] = (char *)words[i];
	pid = fork();
	if (pid < 0)
		return false;
	if (pid > 0)
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	pid = fork();
	if (pid != 0)	/* the holder reaps it */
		_exit(pid < 0);
	setsid();
	close_from(3);
	signals_reset();
	execve(m->sysct, argv, environ);
	_exit(127);
}

/* Whoever wants us to end, a host that goes down above all, wants the container to end, and in its own way. The command
 * tells us then what it does, as any other that stops it. */
void spawn_stop(struct monitor *m)
{
	bool begun = spawn(m, (const char *const[WORDS]){ "stop", m->name });

	m->stop_at = begun ? 0 : now_usec() + 1000000;	/* the signal is told but once */
}

void spawn_reclaim(struct monitor *m)
{
	uint64_t seconds = record_get_u64(&m->state.more, MORE_RECLAIM, 0);

	if (m->reclaim_at && !m->ended)
		spawn(m, (const char *const[WORDS]){ SUPERVISE_COMMAND, SUPERVISE_RECLAIM, m->name, "0" });
	m->reclaim_at = seconds && seconds < INT_MAX / 1000 ? now_usec() + seconds * 1000000 : 0;
}

void become_sysct(struct monitor *m, const char *action)
{
	char *argv[MAX_CLIENTS], status[64];
	size_t n = first_arguments(m, argv);

	status_text(m, status, sizeof(status));
	argv[n++] = SUPERVISE_COMMAND;
	argv[n++] = (char *)action;
	argv[n++] = (char *)m->name;
	argv[n++] = status;
	if (strcmp(action, "finish") == 0)
		tell_exit(m);
	else
		n = client_arguments(m, argv, n, ARRAY_SIZE(argv) - 1);
	argv[n] = NULL;
	if (m->stop_at)
		raise(SIGTERM);	/* it is blocked: sysct gives it back to the monitor that follows */
	execve(m->sysct, argv, environ);
	/* sysct is being replaced, perhaps: its place is empty for a moment */
	m->decide_at = now_usec() + 1000000;
}

#define QUICK_END_SECONDS 10
#define MOST_DELAY_SECONDS 60

/* A container that crashes right after its start is started again more and more slowly. */
static uint64_t restart_delay(struct monitor *m)
{
	uint64_t n = record_get_u64(&m->state.more, MORE_RESTARTS, 0), delay = 1;
	struct error ignored = ERROR_NONE;
	struct container_state now = { 0 };

	if (time(NULL) - m->state.started_at >= QUICK_END_SECONDS)
		n = 0;
	for (uint64_t i = 0; i < n && delay < MOST_DELAY_SECONDS; i++)
		delay *= 2;
	if (n == 0)
		delay = 0;
	state_init(&now);
	if (state_load(m->run_dir, m->name, &now, NULL, &ignored) == 0 && is_ours(m, &now)) {
		record_setf(&now.more, MORE_RESTARTS, "%llu", (unsigned long long)n + 1);
		state_save(m->run_dir, m->name, &now, &ignored);
	}
	state_done(&now);
	return (delay < MOST_DELAY_SECONDS ? delay : MOST_DELAY_SECONDS) * 1000000;
}

void decide(struct monitor *m)
{
	const char *next = what_next(m);
	bool waited = m->decide_at != 0;

	m->decide_at = 0;
	if (strcmp(next, "restart") == 0 && !waited) {
		uint64_t delay = restart_delay(m);

		if (delay) {
			m->decide_at = now_usec() + delay;
			return;
		}
	}
	become_sysct(m, next);
}

/* --- an init that was taken up --- */

/* After a command has made new ones of us both, init is somebody else's child. Where its tracing is forbidden too, how it
 * ends stays unknown. */
void trace_foreign(struct monitor *m)
{
	char data[5] = { LINK_TRACE };
	int32_t pid = m->state.init.pid;
	pid_t parent = process_parent(pid);

	if (parent == getpid() || parent == getppid())
		return;
	memcpy(data + 1, &pid, sizeof(pid));
	fd_send(FD_LINK, data, sizeof(data), NULL, 0);
}

/* --- the holder's end --- */

/* A holder that was ended on purpose, with us to follow, is not replaced. */
static bool is_over(struct monitor *m)
{
	struct container_state now = { 0 };
	struct error ignored = ERROR_NONE;
	bool over;

	state_init(&now);
	over = state_load(m->run_dir, m->name, &now, NULL, &ignored) == 0 && !is_ours(m, &now);
	state_done(&now);
	return over;
}

/* A service manager takes the holder for the container's main process. */
static void tell_manager(const struct monitor *m)
{
	char text[32];

	snprintf(text, sizeof(text), "MAINPID=%d", (int)m->state.holder.pid);
	notify_send_to(getenv(UNIT_NOTIFY), text);
}

/* While sysct is being installed anew its programs may be missing for a moment: then it is tried again, and meanwhile there
 * is no holder.
 *
 * We are init's parent, so this process turns into the new holder, and a fork of it goes on as the monitor. */
void replace_holder(struct monitor *m)
{
	auto_free char *holder = xasprintf("%.*s" HOLDER_PROGRAM, (int)(strlen(m->argv[0]) - strlen(MONITOR_PROGRAM)), m->argv[0]);
	int pair[2];
	pid_t pid;

	if (is_over(m) && !find_stopper(m))
		_exit(0);
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, FD_LINK, NULL);	/* its end is told but once */
	m->holder_at = now_usec() + 1000000;	/* should it fail */
	if (access(holder, X_OK) < 0)
		return;
	/* non-blocking: the end of the old one may be told twice, and reading the new one then must not wait */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return;
	}
	if (pid > 0) {
		char *argv[24], child[16];
		size_t n = 0;

		snprintf(child, sizeof(child), "%d", (int)pid);
		argv[n++] = HOLDER_PROGRAM;
		argv[n++] = child;
		for (int i = 0; i < 7 && i < m->argc; i++)
			argv[n++] = m->argv[i];
		argv[n++] = ADOPT;
		argv[n] = NULL;
		dup2(pair[1], FD_LINK);
		dup2(pair[0], FD_HOLDER);
		cloexec_from(FD_FREE);
		execve(holder, argv, environ);
		kill(pid, SIGKILL);
		_exit(1);
	}
	m->holder_at = 0;
	close(pair[0]);
	dup2(pair[1], FD_LINK);
	close(pair[1]);
	signals_open(m);
	process_identify(getpid(), &m->state.monitor);
	process_identify_parent(FD_LINK, &m->state.holder);
	save_state(m);
	watch(m, FD_LINK, SOURCE_LINK, 0, EPOLLIN);
	if (!m->ended)
		trace_foreign(m);
	tell_manager(m);
}
