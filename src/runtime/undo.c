/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a container: who attends to it is dismissed, and what its start did is undone. */
#include "runtime/undo.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "os/cgroup.h"
#include "rows.h"
#include "runtime/launch.h"
#include "runtime/steps.h"
#include "start_parts.h"

int container_mark_stopping(struct container *c, struct container_state *state, struct error *err)
{
	state->phase = PHASE_STOPPING;
	process_identify(getpid(), &state->starter);
	return state_save(c->install->run_dir, c->name, state, err);
}

static void kill_both(const int pidfds[2], int signal)
{
	for (int i = 0; i < 2; i++)
		if (pidfds[i] >= 0)
			pidfd_signal(pidfds[i], signal);
}

void container_dismiss(const struct container_state *state)
{
	const struct process_id *both[2] = { &state->holder, &state->monitor };
	int pidfds[2];

	for (int i = 0; i < 2; i++) {
		bool own = both[i]->pid == getpid() || both[i]->pid == getppid();

		pidfds[i] = own ? -1 : process_open(both[i]);
	}
	/* each would replace the other: so neither may see the other's end */
	kill_both(pidfds, SIGSTOP);
	kill_both(pidfds, SIGKILL);
	for (int i = 0; i < 2; i++) {
		if (pidfds[i] >= 0)
			pidfd_wait(pidfds[i], 2000);
		close_fd(&pidfds[i]);
	}
}

void container_retire(struct container *c, struct container_state *state)
{
	struct error ignored = ERROR_NONE;	/* a full /run must not keep us from cleaning up */

	container_mark_stopping(c, state, &ignored);
	container_dismiss(state);
}

int container_undo(struct container *c, struct container_state *state, struct error *err)
{
	/* The first row's directory holds the state: it goes when all else has gone, else the next command could not
	 * know what is left. */
	int r;

	interrupt_hold(true);
	r = steps_undo(start_steps + 1, n_start_steps - 1, c, state, err);
	if (r >= 0)
		r = steps_undo(start_steps, 1, c, state, err);
	interrupt_hold(false);
	return r;
}

static size_t cgroup_row(void)
{
	size_t row = 0;

	while (start_steps[row].undo != host_remove_cgroup)
		row++;
	return row;
}

/* What stands below the cgroup's row: the pins, the payload, the image. */
struct upper {
	const struct container *container;
	const struct container_state *state;
	struct error err;
	int r;
};

static void *undo_upper(void *arg)
{
	struct upper *upper = arg;
	size_t first = cgroup_row() + 1;

	upper->r = steps_undo(start_steps + first, n_start_steps - first, upper->container, upper->state, &upper->err);
	return NULL;
}

int container_undo_beside(struct container *c, struct container_state *state, void (*meanwhile)(void *arg), void *arg,
			  struct error *err)
{
	struct upper upper = { .container = c, .state = state };
	struct error why = ERROR_NONE, ignored = ERROR_NONE;
	pthread_t thread;
	bool apart;
	int r;

	interrupt_hold(true);
	apart = pthread_create(&thread, NULL, undo_upper, &upper) == 0;
	meanwhile(arg);
	if (!apart) {
		interrupt_hold(false);
		return container_undo(c, state, err);
	}
	host_kill_payload(c, state, &ignored);	/* the thread's too, and it says what is wrong with it */
	r = steps_undo(start_steps + 1, cgroup_row(), c, state, &why);
	pthread_join(thread, NULL);
	if (upper.r < 0 || r < 0) {
		*err = upper.r < 0 ? upper.err : why;
		r = -err->code;
	} else {
		r = steps_undo(start_steps, 1, c, state, err);	/* as in container_undo() */
	}
	interrupt_hold(false);
	return r;
}

int container_undo_boot(struct container *c, struct container_state *state, struct error *err)
{
	auto_free char *group = launch_group(c);
	size_t cgroup = cgroup_row();

	if (steps_undo(start_steps + cgroup + 1, n_start_steps - cgroup - 1, c, state, err) < 0 ||
	    steps_undo(start_steps + 1, cgroup - 1, c, state, err) < 0)
		return -err->code;
	return cgroup_remove_payload(group, 5000, err);
}

void container_note_exit(const struct container *c, const char *text)
{
	auto_free char *line = xasprintf("%s\n", text), *before = NULL;
	struct error ignored = ERROR_NONE;

	/* mostly it ends as it did the last time, and to replace a file of ext4 is to wait for its disk (mount option auto_da_alloc) */
	if (read_file_at(c->dir_fd, "last_exit", 256, &before, NULL) == 0 && strcmp(before, line) == 0)
		return;
	replace_file_at(c->dir_fd, "last_exit", line, strlen(line), 0600, false, &ignored);
}
