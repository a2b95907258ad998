/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/process.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"

#define PEER_TIMEOUT_MS 60000

#define PF_EXITING 0x4
#define PF_FORKNOEXEC 0x40

/* Is a child of ours, not reaped yet, on its way out without having executed anything? The kernel sets the first flag
 * (field 9 of /proc/PID/stat, proc(5)) before it closes a dying process's files, so after the end of a connection it cannot
 * be missed; that the process has ended is told only later. It takes the second one away in execve(2): an init that ends at
 * once was started. */
static bool died_before_exec(pid_t pid)
{
	const unsigned long both = PF_EXITING | PF_FORKNOEXEC;
	auto_free char *stat = NULL;
	char path[40], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file_at(AT_FDCWD, path, 65536, &stat, NULL) < 0)
		return true;
	p = strrchr(stat, ')');
	for (int field = 2; p && field < 9; field++)
		p = strchr(p + 1, ' ');
	return !p || (strtoul(p + 1, NULL, 10) & both) == both;
}

/* After the row that executes, the end of the connection is success, unless the payload was killed in that very
 * instant. */
static int after_exec(const struct launch *launch, struct error *err)
{
	if (launch->pid > 0 && died_before_exec(launch->pid))
		return fail(err, 0, "the container's first process was killed");
	return 0;
}

static int run_other(const struct step *step, size_t index, struct launch *launch, struct error *err)
{
	int fd, r = handshake_await(launch->peer, index, PEER_TIMEOUT_MS, &fd, err);

	if (r == HANDSHAKE_CLOSED) {
		if (step->execs)
			return after_exec(launch, err);
		return fail(err, 0, "the other side of the start is gone");
	}
	if (r < 0)
		return r;
	if (fd >= 0 && step->take)
		step->take(launch, fd);
	else
		close_fd(&fd);
	return 0;
}

static int run_own(const struct step *step, size_t index, struct launch *launch, struct error *err)
{
	int peer = launch->peer;	/* the clone row itself is no news to the clone */
	int r;

	launch->send_fd = -1;
	r = step->run(launch, err);
	if (peer >= 0)
		handshake_report(peer, index, r < 0 ? err : NULL, launch->send_fd);
	if (step->side == HOST)
		close_fd(&launch->send_fd);
	return r;
}

int steps_run(const struct step *steps, size_t n, enum side side, struct launch *launch,
	      struct error *err)
{
	for (size_t i = launch->next; i < n; i++) {
		const struct step *step = &steps[i];
		uint64_t before = now_usec();
		int r;

		if (step->when && !step->when(launch->config))
			continue;
		launch->next = i + 1;	/* a clone inside run() goes on from here */
		r = step->side == side ? run_own(step, i, launch, err) : run_other(step, i, launch, err);
		if (r < 0)
			return error_prefix(err, "step %zu of %zu, \"%s\"", i + 1, n, step->name);
		if (launch->timing)
			text_add(launch->timing, "%8.3f ms  %-7s  %s\n", (double)(now_usec() - before) / 1000,
				 step->side == HOST ? "host" : "payload", step->name);
	}
	return 0;
}

int steps_undo(const struct step *steps, size_t n, const struct container *container,
	       const struct container_state *state, struct error *err)
{
	struct error first = ERROR_NONE;

	for (size_t i = n; i-- > 0;) {
		struct error one = ERROR_NONE;

		if (!steps[i].undo || steps[i].undo(container, state, &one) >= 0 || first.code)
			continue;
		error_prefix(&one, "undo \"%s\"", steps[i].name);
		first = one;
	}
	if (!first.code)
		return 0;
	*err = first;
	return -first.code;
}
