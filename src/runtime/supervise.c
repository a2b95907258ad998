/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the monitor becomes sysct for: to boot its container again, or to undo it. */
#include "runtime/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "os/fdpass.h"
#include "os/sealed.h"
#include "os/session.h"
#include "runtime/reclaim.h"
#include "runtime/undo.h"
#include "start_parts.h"

/* Tell whoever reads the console log why the container did not come back. */
static void log_failure(const struct container *c, const struct error *why)
{
	auto_close int fd = openat(c->dir_fd, "console.log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				   0600);
	auto_free char *line = xasprintf("\r\nsysct: %s: not started again: %s\r\n", c->name, why->message);

	if (fd >= 0)
		write_all(fd, line, strlen(line));
}

static void quit_holder(void)
{
	const char quit = LINK_QUIT;

	fd_send(FD_LINK, &quit, 1, NULL, 0);
}

static int finish(struct container *c, struct container_state *state, struct error *err)
{
	int r;

	quit_holder();
	r = container_undo(c, state, err);
	if (r == 0)
		reclaim_stopped(c);
	return r;
}

/* What was handed to us goes along. */
static int seal_supervisor(const struct install *install, const char *name, const char *const *clients, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	bool needed = container_open(install, name, false, true, &c, err) == 0 && c.config.security.privileged &&
		      !program_is_sealed();

	container_close(&c);
	*err = (struct error)ERROR_NONE;
	if (!needed)
		return 0;
	for (int fd = FD_LINK; fd < FD_HOLDER; fd++)
		fcntl(fd, F_SETFD, 0);
	start_keep_clients(clients);
	return program_execute_sealed(NULL, err);
}

/* The lock may be a stop's, which then does all that is to be done and ends us; or that of a command which takes its
 * time. Nobody waits for us, so we do. */
static int open_patiently(const struct install *install, const char *name, bool tolerant, struct container *ret,
			  struct error *err)
{
	int r;

	do {
		*err = (struct error)ERROR_NONE;
		r = container_open(install, name, true, tolerant, ret, err);
	} while (r == -EBUSY);
	return r;
}

#define MOST_TRIES 3

/* What is ours to do, by the state: *ret_again is cleared when it must not be booted. False: nothing at all. Whoever was
 * starting or stopping it has died, or the lock would not be ours. */
static bool still_ours(struct container_state *state, bool *ret_again)
{
	uint64_t tries = state->phase == PHASE_STARTING ? record_get_u64(&state->more, "tries", 0) + 1 : 0;

	switch (state->phase) {
	case PHASE_STOPPED:
		quit_holder();
		return false;
	case PHASE_STOPPING:
		*ret_again = false;
		return true;
	case PHASE_STARTING:	/* we were killed on the way: not for ever */
		*ret_again &= tries < MOST_TRIES;
		record_setf(&state->more, "tries", "%llu", (unsigned long long)tries);
		return true;
	case PHASE_RUNNING:
		record_set(&state->more, "tries", NULL);
		break;
	}
	return state->monitor.pid == getpid() || !process_alive(&state->monitor);
}

int supervise_run(const struct install *install, int argc, char **argv, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	auto_state struct container_state state = { 0 };
	struct error why = ERROR_NONE;
	bool again;
	int r;

	if (argc < 3)
		return fail_status(err, STATUS_USAGE, "%s is for sysct's own use", SUPERVISE_COMMAND);
	if (strcmp(argv[0], SUPERVISE_RECLAIM) == 0)
		return reclaim_by_itself(install, argv[1], err);
	/* fails closed: what cannot be sealed is not booted again, but undone */
	if (seal_supervisor(install, argv[1], (const char *const *)argv + 3, &why) < 0)
		argv[0] = (char *)"finish";
	interrupt_hold(true);	/* nobody else would go on with it; SIGTERM is for the monitor that we shall be again */
	cloexec_from(FD_LINK);	/* none of the tools we run shall have them */
	session_shed_caller();	/* the monitor's out-of-memory score is not the container's */
	again = strcmp(argv[0], "finish") != 0;
	state_init(&state);
	r = open_patiently(install, argv[1], !again, &c, &why);
	if (r < 0 && open_patiently(install, argv[1], true, &c, err) < 0)
		return -err->code;
	if (state_load(install->run_dir, c.name, &state, NULL, err) < 0)
		return -err->code;
	if (!still_ours(&state, &again))
		_exit(0);	/* somebody else has dealt with it */
	container_note_exit(&c, argv[2]);
	if (again && r >= 0)
		r = start_boot_again(&c, &state, (const char *const *)argv + 3, &why);
	if (again)	/* we are still here */
		log_failure(&c, &why);
	r = finish(&c, &state, err);
	container_close(&c);
	_exit(r < 0 ? 1 : 0);
}
