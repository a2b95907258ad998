/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start of a container, from the command's side: what is checked before, who does it, and what is told after. */
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/caps.h"
#include "os/sealed.h"
#include "runtime/launch.h"
#include "runtime/settle.h"
#include "runtime/steps.h"
#include "runtime/supervise.h"
#include "runtime/undo.h"
#include "runtime/unit.h"
#include "start_parts.h"
#include "store/idpool.h"
#include "store/leftovers.h"
#include "store/rootfs.h"

int start_check_programs(const struct container *c, struct error *err)
{
	static const char *const programs[] = { HOLDER_PROGRAM, MONITOR_PROGRAM };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		auto_free char *path = xasprintf("%s/%s", c->install->libexec_dir, programs[i]);

		if (access(path, X_OK) < 0) {
			fail(err, errno, "find %s", path);
			return error_hint(err, "sysct is not installed whole: install it again");
		}
	}
	return 0;
}

int start_ready(struct container *c, struct error *err)
{
	uint64_t mask;

	if (idpool_ensure(c, false, err) < 0 || rootfs_follow_ids(c, err) < 0 ||
	    caps_select(0, &c->config.security.keep_capabilities, &c->config.security.drop_capabilities, &mask,
			err) < 0)
		return -err->code;
	return 0;
}

int start_prepare(struct container *c, struct container_state *state, struct error *err)
{
	auto_free char *dir = launch_run_dir(c);
	int r;

	if (container_settle(c, state, err) < 0)
		return -err->code;
	if (state->phase != PHASE_STOPPED) {
		fail_status(err, STATUS_STATE, "it is already %s", phase_name(state->phase));
		return error_hint(err, "sysct attach %s enters it, sysct restart %s boots it anew", c->name, c->name);
	}
	if (start_check_programs(c, err) < 0 || start_ready(c, err) < 0)
		return -err->code;
	state_done(state);
	memcpy(state->uuid, c->uuid, sizeof(state->uuid));
	state_set_install(state, c->install);
	r = boot_id_read(state->boot_id);
	if (r < 0)
		return fail(err, -r, "read the boot id");
	state->phase = PHASE_STARTING;
	r = process_identify(getpid(), &state->starter);
	if (r < 0)
		return fail(err, -r, "look at this process");
	r = make_dirs(dir, 0700);
	if (r < 0)
		return fail(err, -r, "create %s", dir);
	if (state_save(c->install->run_dir, c->name, state, err) < 0) {	/* on a full disk, say: nothing is made yet but the directory */
		struct error ignored = ERROR_NONE;

		steps_undo(start_steps, 1, c, state, &ignored);
		return -err->code;
	}
	return 0;
}

static void read_timing(const struct container *c, struct text *timing)
{
	auto_free char *path = xasprintf("%s/%s/timing", c->install->run_dir, c->name);
	auto_free char *text = NULL;

	if (read_file_at(AT_FDCWD, path, 65536, &text, NULL) == 0)
		text_add(timing, "%s", text);
}

/* The starter undoes its own failure. If it was killed, its last state tells what to undo. */
void start_clean_up(struct container *c, struct container_state *state)
{
	struct error undo = ERROR_NONE;

	if (state_load(c->install->run_dir, c->name, state, NULL, &undo) == 0 &&
	    (state->phase != PHASE_STOPPED || *state->uuid)) {
		container_retire(c, state);	/* a holder that has something to hold would go on */
		container_undo(c, state, &undo);
		leftovers_tidy(c->install);	/* what it was writing */
	}
}

typedef int run_fn(struct container *c, struct container_state *state, const struct wish *wish, struct error *err);

/* 1: not in this way. */
static int start_by(run_fn *run, struct container *c, struct text *timing, const struct wish *wish, struct error *err)
{
	auto_state struct container_state state = { 0 };
	int r;

	state_init(&state);
	if (start_prepare(c, &state, err) < 0)
		return -err->code;
	r = run(c, &state, wish, err);
	if (r != 0) {
		start_clean_up(c, &state);
		return r;
	}
	if (timing)
		read_timing(c, timing);
	start_show_note(c, &state);
	return 0;
}

int container_start_watched(struct container *c, struct text *timing, const int client[2], struct error *err)
{
	const struct wish wish = { .timed = timing != NULL, .client = client, .report = -1 };

	if (unit_reachable(c->install)) {
		int r = start_by(unit_start, c, timing, &wish, err);

		if (r != 1)
			return r;
	}
	if (c->config.security.privileged && !program_is_sealed())
		return client ? program_execute_sealed(NULL, err) : start_sealed(c, timing, err);
	return start_by(start_run, c, timing, &wish, err);
}

int container_start(struct container *c, struct text *timing, struct error *err)
{
	return container_start_watched(c, timing, NULL, err);
}
