/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container's state says against what is there: looked at, waited for, and made true. */
#include "runtime/settle.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "runtime/steps.h"
#include "runtime/supervise.h"
#include "runtime/undo.h"
#include "start_parts.h"
#include "store/leftovers.h"

#define ORPHAN_WAIT_MS 10000

/* The lock is ours, so the command that began a start has been killed; the process that does it lives on, and is done
 * soon. *ret is what it has come to; still STARTING when it was not done in time, or on ^C. */
static int await_orphan(const struct container *c, struct container_state *ret, bool *ret_stale, struct error *err)
{
	uint64_t end = now_usec() + ORPHAN_WAIT_MS * 1000ULL;

	for (;;) {
		auto_close int pidfd = -1;

		if (state_load(c->install->run_dir, c->name, ret, ret_stale, err) < 0)
			return -err->code;
		if (*ret_stale || ret->phase != PHASE_STARTING || now_usec() >= end || interrupt_pending())
			return 0;
		pidfd = process_open(&ret->starter);
		if (pidfd < 0)
			return 0;
		pidfd_wait(pidfd, 5);
	}
}

int container_await_start(const struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	bool stale;

	state_init(&state);
	return await_orphan(c, &state, &stale, err);
}

bool container_is_ending(const struct container_state *state)
{
	const char *text = record_get(&state->more, MORE_STOPPER);
	struct process_id stopper;

	return state->phase == PHASE_RUNNING && text && process_id_parse(text, &stopper) == 0 && process_alive(&stopper);
}

/* Never an error of the command that found it so. */
static void adopt(struct container *c, struct container_state *state)
{
	const struct wish wish = { .adopt = true, .report = -1 };
	struct error err = ERROR_NONE;

	if (start_check_programs(c, &err) < 0 || start_run(c, state, &wish, &err) < 0) {
		log_warning("%s: its monitor and its holder were killed, and there are no new ones: %s", c->name, err.message);
		return;
	}
	log_note("%s: its monitor and its holder were killed; it has new ones, and a new console", c->name);
	start_show_note(c, state);
}

/* Nobody is left who would notice: neither those that it consists of nor who worked on it. */
static bool is_dead(const struct container_state *state)
{
	return state->phase != PHASE_STOPPED && !process_alive(&state->init) && !process_alive(&state->monitor) &&
	       !process_alive(&state->holder) && !process_alive(&state->starter);
}

static void settle_if(bool (*in_need)(const struct container_state *state), const struct install *install, const char *name)
{
	struct container c = CONTAINER_EMPTY;
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	int lock;

	state_init(&state);
	if (state_load(install->run_dir, name, &state, NULL, &ignored) < 0 || !in_need(&state))
		return;
	lock = container_lock(install, name, 0, &ignored);
	if (lock < 0)
		return;	/* whoever has it sees to it */
	close_fd(&lock);
	if (container_open(install, name, true, true, &c, &ignored) == 0)
		container_settle(&c, &state, &ignored);
	container_close(&c);
}

void container_adopt(const struct install *install, const char *name)
{
	settle_if(container_is_alone, install, name);
}

void container_bury(const struct install *install, const char *name)
{
	settle_if(is_dead, install, name);
}

int container_settle(struct container *c, struct container_state *ret, struct error *err)
{
	bool stale;

	if (await_orphan(c, ret, &stale, err) < 0)
		return -err->code;
	if (!stale && state_check_install(ret, c->install, err) < 0)
		return -err->code;
	if (stale) {
		/* of an earlier boot: nothing of it exists but files */
		record_clear(&ret->more);
		ret->init = ret->monitor = ret->holder = (struct process_id){ 0 };
	} else if (ret->phase == PHASE_STOPPED) {
		/* whoever undid the last run may have been killed when the state was gone and its directory was not */
		return steps_undo(start_steps, 1, c, ret, err);
	} else if (!container_is_left_over(ret)) {
		if (container_is_alone(ret))
			adopt(c, ret);
		return 0;
	}
	if (!stale && ret->phase == PHASE_RUNNING)
		container_note_exit(c, "unknown");
	log_note("%s: cleaned up what was left of %s", c->name,
		 stale ? "an earlier boot of the host" : ret->phase == PHASE_RUNNING ? "its last run" :
								      "an interrupted command");
	if (!stale)
		container_retire(c, ret);
	leftovers_tidy(c->install);
	if (container_undo(c, ret, err) < 0)
		return -err->code;
	state_done(ret);
	return 0;
}
