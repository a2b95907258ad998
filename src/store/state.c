/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

static const char *const phases[] = { "stopped", "starting", "running", "stopping" };

const char *phase_name(enum phase phase)
{
	return phases[phase];
}

void state_init(struct container_state *state)
{
	*state = (struct container_state){ .booted = -1 };
}

void state_done(struct container_state *state)
{
	record_clear(&state->more);
	state_init(state);
}

/* Keys of `more` carry this in the file, so that they can never be taken for ours. */
#define MORE "step."

static const char *take_text(const struct record *record, const char *key, char *buf, size_t room)
{
	const char *value = record_get(record, key);

	snprintf(buf, room, "%s", value ? value : "");
	return buf;
}

static void take_process(const struct record *record, const char *key, struct process_id *ret)
{
	const char *value = record_get(record, key);

	if (!value || process_id_parse(value, ret) < 0)
		*ret = (struct process_id){ 0 };
}

static int take_phase(const struct record *record, enum phase *ret)
{
	const char *value = record_get(record, "phase");

	for (size_t i = 0; value && i < ARRAY_SIZE(phases); i++) {
		if (strcmp(phases[i], value) == 0) {
			*ret = (enum phase)i;
			return 0;
		}
	}
	return -EINVAL;
}

int state_parse(const char *text, size_t len, struct container_state *ret, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	struct container_state state;
	uint64_t version, number;

	state_init(&state);
	if (record_parse(&record, text, len) < 0)
		return fail(err, 0, "the state file is damaged");
	version = record_get_u64(&record, "version", 0);
	if (version == 0)
		return fail(err, 0, "the state file is damaged: it has no version");
	if (record_check_version(&record, "version", STATE_VERSION, "the state", err) < 0)
		return -err->code;
	if (take_phase(&record, &state.phase) < 0)
		return fail(err, 0, "the state file is damaged: it has no phase");
	take_text(&record, "uuid", state.uuid, sizeof(state.uuid));
	take_text(&record, "boot_id", state.boot_id, sizeof(state.boot_id));
	take_process(&record, "starter", &state.starter);
	take_process(&record, "init", &state.init);
	take_process(&record, "monitor", &state.monitor);
	take_process(&record, "holder", &state.holder);
	number = record_get_u64(&record, "started_at", 0);
	state.started_at = number <= INT64_MAX ? (int64_t)number : 0;
	number = record_get_u64(&record, "booted", 2);
	state.booted = number <= 1 ? (int)number : -1;
	for (size_t i = 0; i < record.keys.n; i++)
		if (text_starts(record.keys.items[i], MORE))
			record_add(&state.more, record.keys.items[i] + strlen(MORE), record.values.items[i]);
	state_done(ret);
	*ret = state;
	return 0;
}

static void put_process(struct record *record, const char *key, const struct process_id *id)
{
	char buf[48];

	if (id->pid)
		record_add(record, key, process_id_format(id, buf, sizeof(buf)));
}

char *state_format(const struct container_state *state)
{
	auto_record struct record record = RECORD_EMPTY;

	record_setf(&record, "version", "%d", STATE_VERSION);
	record_add(&record, "phase", phases[state->phase]);
	record_add(&record, "uuid", state->uuid);
	record_add(&record, "boot_id", state->boot_id);
	put_process(&record, "starter", &state->starter);
	put_process(&record, "init", &state->init);
	put_process(&record, "monitor", &state->monitor);
	put_process(&record, "holder", &state->holder);
	record_setf(&record, "started_at", "%lld", (long long)state->started_at);
	if (state->booted >= 0)
		record_setf(&record, "booted", "%d", state->booted);
	for (size_t i = 0; i < state->more.keys.n; i++) {
		auto_free char *key = xasprintf(MORE "%s", state->more.keys.items[i]);

		record_add(&record, key, state->more.values.items[i]);
	}
	return record_format(&record);
}

int state_load(const char *run_dir, const char *name, struct container_state *ret, bool *ret_stale,
	       struct error *err)
{
	auto_free char *path = xasprintf("%s/%s/state", run_dir, name);
	auto_free char *text = NULL;
	char boot_id[UUID_LEN + 1];
	size_t len;
	int r;

	if (ret_stale)
		*ret_stale = false;
	r = read_file_at(AT_FDCWD, path, 65536, &text, &len);
	if (r == -ENOENT || r == -ENOTDIR) {
		state_done(ret);
		return 0;
	}
	if (r < 0)
		return fail(err, -r, "read %s", path);
	r = state_parse(text, len, ret, err);
	if (r < 0)
		return error_prefix(err, "%s", path);
	r = boot_id_read(boot_id);
	if (r < 0)
		return fail(err, -r, "read the boot id");
	if (strcmp(boot_id, ret->boot_id) != 0) {
		ret->phase = PHASE_STOPPED;
		if (ret_stale)
			*ret_stale = true;
	}
	return 0;
}

#define MORE_STATE_DIR "state-dir"
#define MORE_CACHE_DIR "cache-dir"

void state_set_install(struct container_state *state, const struct install *install)
{
	record_set(&state->more, MORE_STATE_DIR, install->state_dir);
	record_set(&state->more, MORE_CACHE_DIR, install->cache_dir);
}

int state_check_install(const struct container_state *state, const struct install *install, struct error *err)
{
	const char *state_dir = record_get(&state->more, MORE_STATE_DIR);
	const char *cache_dir = record_get(&state->more, MORE_CACHE_DIR);

	if (state->phase == PHASE_STOPPED || !state_dir || !cache_dir ||
	    (strcmp(state_dir, install->state_dir) == 0 && strcmp(cache_dir, install->cache_dir) == 0))
		return 0;
	fail_status(err, STATUS_STATE, "it was started with --state-dir %s --cache-dir %s, not with %s and %s", state_dir,
		    cache_dir, install->state_dir, install->cache_dir);
	return error_hint(err, "its cgroup and links are named by them; give the same: sysct --state-dir %s --run-dir %s "
			       "--cache-dir %s ...", state_dir, install->run_dir, cache_dir);
}

int state_save(const char *run_dir, const char *name, const struct container_state *state,
	       struct error *err)
{
	auto_free char *path = xasprintf("%s/%s/state", run_dir, name);
	auto_free char *text = state_format(state);

	/* Not synced: it means nothing after a reboot. */
	return replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, err);
}
