/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/state.h"

static void fill(struct container_state *state)
{
	state_init(state);
	state->phase = PHASE_RUNNING;
	uuid_make(state->uuid);
	ck_assert_int_eq(boot_id_read(state->boot_id), 0);
	state->init = (struct process_id){ 1234, 987654321 };
	state->monitor = (struct process_id){ 77, 88 };
	state->started_at = 1700000000;
	state->booted = 1;
	record_add(&state->more, "cgroup", "/sysct/x");
	record_add(&state->more, "phase", "a key of a step, not ours");
}

START_TEST(what_is_written_is_read_again)
{
	struct container_state state, again;
	struct error err = ERROR_NONE;
	auto_free char *text = NULL, *second = NULL;

	fill(&state);
	state_init(&again);
	text = state_format(&state);
	ck_assert_int_eq(state_parse(text, strlen(text), &again, &err), 0);
	ck_assert_int_eq(again.phase, PHASE_RUNNING);
	ck_assert_str_eq(again.uuid, state.uuid);
	ck_assert_int_eq(again.init.pid, 1234);
	ck_assert_uint_eq(again.init.start, 987654321);
	ck_assert_int_eq(again.holder.pid, 0);
	ck_assert_int_eq(again.booted, 1);
	ck_assert_str_eq(record_get(&again.more, "cgroup"), "/sysct/x");
	ck_assert_str_eq(record_get(&again.more, "phase"), "a key of a step, not ours");
	second = state_format(&again);
	ck_assert_str_eq(text, second);
	state_done(&state);
	state_done(&again);
}
END_TEST

START_TEST(a_run_is_that_of_the_directories_it_was_started_with)
{
	struct install install = { .state_dir = "/s", .run_dir = "/r", .cache_dir = "/c" };
	struct container_state state;
	struct error err = ERROR_NONE;

	fill(&state);
	ck_assert_int_eq(state_check_install(&state, &install, &err), 0);	/* of before it was noted */
	state_set_install(&state, &install);
	ck_assert_int_eq(state_check_install(&state, &install, &err), 0);
	install.cache_dir = "/d";
	ck_assert_int_lt(state_check_install(&state, &install, &err), 0);
	ck_assert_int_eq(err.status, STATUS_STATE);
	ck_assert_str_eq(err.message, "it was started with --state-dir /s --cache-dir /c, not with /s and /d");
	ck_assert(strstr(err.hint, "sysct --state-dir /s --run-dir /r --cache-dir /c"));
	state.phase = PHASE_STOPPED;
	ck_assert_int_eq(state_check_install(&state, &install, &err), 0);
	state_done(&state);
}
END_TEST

START_TEST(damage_is_an_error_and_changes_nothing)
{
	static const char *const bad[] = {
		"", "version=1\n", "phase=running\n", "version=x\nphase=running\n", "version=1\nphase=dancing\n",
		"version=1\nphase=running", "no equals\n", "=\n", "version=0\nphase=running\n",
	};
	struct container_state state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_NONE;

		fill(&state);
		ck_assert_msg(state_parse(bad[i], strlen(bad[i]), &state, &err) < 0, "accepted: %s", bad[i]);
		ck_assert_int_eq(state.init.pid, 1234);
		state_done(&state);
	}
}
END_TEST

START_TEST(every_cut_is_survived)
{
	struct container_state state, again;
	auto_free char *text = NULL;

	fill(&state);
	text = state_format(&state);
	for (size_t n = 0; n < strlen(text); n++) {
		struct error err = ERROR_NONE;

		state_init(&again);
		if (state_parse(text, n, &again, &err) == 0)
			ck_assert_int_eq(again.phase, PHASE_RUNNING);
		state_done(&again);
	}
	state_done(&state);
}
END_TEST

START_TEST(a_newer_version_is_refused)
{
	struct container_state state;
	struct error err = ERROR_NONE;
	static const char text[] = "version=2\nphase=running\n";

	state_init(&state);
	ck_assert_int_eq(state_parse(text, strlen(text), &state, &err), -EPROTO);
	ck_assert_int_eq(err.status, STATUS_STATE);
	ck_has(err.hint, "newer");
}
END_TEST

static char dir[] = "/tmp/sysct-state-XXXXXX";

static void make_dir(void)
{
	auto_free char *below = NULL;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	below = xasprintf("%s/box", dir);
	ck_assert_int_eq(mkdir(below, 0700), 0);
}

static void remove_dir(void)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(remove_tree_at(AT_FDCWD, dir, &err), 0);
}

START_TEST(a_missing_file_is_a_stopped_container)
{
	struct container_state state;
	struct error err = ERROR_NONE;
	bool stale = true;

	fill(&state);
	ck_assert_int_eq(state_load(dir, "box", &state, &stale, &err), 0);
	ck_assert_int_eq(state.phase, PHASE_STOPPED);
	ck_assert(!stale);
	ck_assert_int_eq(state_load(dir, "nowhere", &state, NULL, &err), 0);
}
END_TEST

START_TEST(another_boot_is_stale_and_stopped)
{
	struct container_state state, again;
	struct error err = ERROR_NONE;
	bool stale = false;

	fill(&state);
	state_init(&again);
	ck_assert_int_eq(state_save(dir, "box", &state, &err), 0);
	ck_assert_int_eq(state_load(dir, "box", &again, &stale, &err), 0);
	ck_assert_int_eq(again.phase, PHASE_RUNNING);
	ck_assert(!stale);
	strcpy(state.boot_id, "00000000-0000-4000-8000-000000000000");
	ck_assert_int_eq(state_save(dir, "box", &state, &err), 0);
	ck_assert_int_eq(state_load(dir, "box", &again, &stale, &err), 0);
	ck_assert_int_eq(again.phase, PHASE_STOPPED);
	ck_assert(stale);
	ck_assert_str_eq(record_get(&again.more, "cgroup"), "/sysct/x");
	state_done(&state);
	state_done(&again);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/state");
	TCase *text = tcase_create("text"), *files = tcase_create("files");

	tcase_add_test(text, what_is_written_is_read_again);
	tcase_add_test(text, a_run_is_that_of_the_directories_it_was_started_with);
	tcase_add_test(text, damage_is_an_error_and_changes_nothing);
	tcase_add_test(text, every_cut_is_survived);
	tcase_add_test(text, a_newer_version_is_refused);
	tcase_add_checked_fixture(files, make_dir, remove_dir);
	tcase_add_test(files, a_missing_file_is_a_stopped_container);
	tcase_add_test(files, another_boot_is_stale_and_stopped);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, files);
	return run_suite(suite);
}
