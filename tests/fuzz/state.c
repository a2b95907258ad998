/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a state file: refused with a message and nothing changed, or what they mean can be written and read
 * again, and is within what the header says. Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the
 * corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/state.h"
#include "fuzz.h"

static bool ends_inside(const char *field, size_t room)
{
	return memchr(field, '\0', room) != NULL;
}

static void check_fields(const struct container_state *state, const char *text)
{
	const struct process_id *ids[] = { &state->starter, &state->init, &state->monitor, &state->holder };

	require(state->phase >= PHASE_STOPPED && state->phase <= PHASE_STOPPING, "phase", text);
	require(*phase_name(state->phase), "phase has no name", text);
	require(state->booted >= -1 && state->booted <= 1, "booted is neither 1, 0 nor -1", text);
	require(ends_inside(state->uuid, sizeof(state->uuid)) && ends_inside(state->boot_id, sizeof(state->boot_id)),
		"a field has no end", text);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		require(ids[i]->pid >= 0, "a pid is negative: kill(2) would take it for a group", text);
	require(state->more.keys.n == state->more.values.n, "keys and values differ", text);
}

static void write_and_read(const struct container_state *state, size_t size)
{
	auto_state struct container_state again;
	auto_free char *text = state_format(state), *second = NULL;
	struct error err = ERROR_NONE;

	/* what is written has lines of its own beside those that came */
	if (size > 32768 || state->more.keys.n > 400)
		return;
	state_init(&again);
	require(state_parse(text, strlen(text), &again, &err) == 0, err.message, text);
	require(again.phase == state->phase, "another phase", text);
	require(again.init.pid == state->init.pid &&
			(state->init.pid == 0 || again.init.start == state->init.start),
		"another init", text);
	require(again.started_at == state->started_at, "started at another time", text);
	require(again.booted == state->booted, "booted differs", text);
	second = state_format(&again);
	require(strcmp(text, second) == 0, "read back differs", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_state struct container_state state;
	struct error err = ERROR_NONE;

	state_init(&state);
	state.init = (struct process_id){ 1234, 5678 };
	state.phase = PHASE_RUNNING;
	if (state_parse((const char *)data, size, &state, &err) == 0) {
		check_fields(&state, text);
		write_and_read(&state, size);
	} else {
		require(err.code > 0 && err.message[0], "no message", text);
		require(state.init.pid == 1234 && state.phase == PHASE_RUNNING, "refused, and yet changed", text);
	}
	return 0;
}
