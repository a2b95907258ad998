/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container's state says against what is there, looked at alone. */
#include "runtime/settle.h"

#include <errno.h>

#include "runtime/supervise.h"

bool container_is_left_over(const struct container_state *state)
{
	switch (state->phase) {
	case PHASE_STOPPED:
		return false;
	case PHASE_STARTING:
	case PHASE_STOPPING:
		return !process_alive(&state->starter);
	case PHASE_RUNNING:
		break;
	}
	/* With the lock held nobody else acts on it: if init is gone, its monitor may still be about to. */
	return !process_alive(&state->init);
}

/* One look, and the cheapest: list does this for all containers. */
static bool init_is_alive(const struct container_state *state)
{
	uint64_t inode = record_get_u64(&state->more, MORE_INIT_INODE, 0);
	int r = inode && state->init.pid > 0 ? process_has_inode(state->init.pid, inode) : -EOPNOTSUPP;

	return r < 0 ? process_alive(&state->init) : r;
}

int run_peek(const struct install *install, const char *name, struct container_state *ret, bool *ret_left_over, struct error *err)
{
	bool stale;

	*ret_left_over = false;
	if (state_load(install->run_dir, name, ret, &stale, err) < 0)
		return -err->code;
	if (!stale && ret->phase == PHASE_RUNNING) {
		if (init_is_alive(ret))
			return 0;
		if (process_alive(&ret->monitor)) {
			ret->phase = PHASE_STARTING;	/* between two boots */
			return 0;
		}
	}
	/* of an earlier boot nothing exists but files: that is a stopped container */
	if (stale || container_is_left_over(ret)) {
		*ret_left_over = !stale;
		ret->phase = PHASE_STOPPED;
	}
	return 0;
}

int container_peek(const struct container *c, struct container_state *ret, bool *ret_left_over, struct error *err)
{
	return run_peek(c->install, c->name, ret, ret_left_over, err);
}

bool container_is_alone(const struct container_state *state)
{
	return state->phase == PHASE_RUNNING && !process_alive(&state->monitor) && !process_alive(&state->holder) &&
	       process_alive(&state->init);
}
