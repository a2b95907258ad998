/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach by configuration and state: whatever the container has come to is found, and said. */
#include "runtime/attach.h"

#include "base/cleanup.h"
#include "os/sealed.h"
#include "runtime/settle.h"
#include "runtime/started.h"

static int not_running(const struct container *c, const struct container_state *state, struct error *err)
{
	if (state->phase == PHASE_STARTING) {	/* between two boots, too */
		fail_status(err, STATUS_STATE, "it is starting just now");
		return error_hint(err, "sysct wait %s --for running", c->name);
	}
	fail_status(err, STATUS_STATE, "it is not running");
	return error_hint(err, "start it: sysct start %s", c->name);
}

int container_attach(struct container *c, const struct attach_options *options, struct error *err)
{
	auto_state struct container_state state;
	auto_entry struct entry entry = ENTRY_EMPTY;
	bool left_over, begun;

	state_init(&state);
	if (container_peek(c, &state, &left_over, err) < 0 || state_check_install(&state, c->install, err) < 0)
		return -err->code;
	if (container_is_alone(&state)) {
		container_adopt(c->install, c->name);
		if (container_peek(c, &state, &left_over, err) < 0)
			return -err->code;
	}
	if (state.phase != PHASE_RUNNING)
		return not_running(c, &state, err);
	if (started_load(c, &state, err) < 0)
		return -err->code;
	if (c->config.security.privileged && !program_is_sealed())
		return program_execute_sealed(NULL, err);	/* begins anew */
	if (entry_of(c, &state, &entry, err) < 0)
		return -err->code;
	return entry_attach(&entry, options, &begun, err);
}
