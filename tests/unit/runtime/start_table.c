/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of runtime/steps.h, over the table of a real start. */
#include "../os/testing.h"

#include "../../../src/runtime/rows.h"
#include "runtime/steps.h"
#include "store/container.h"
#include "store/state.h"

/* HOST rows that leave nothing on the host that a row with an undo does not take away. */
static const struct {
	const char *name, *why;
} without_undo[] = {
	{ "open the bare mounts", "they are every start's" },
	{ "open the control socket", "its file goes with the run directory, the socket with its holders" },
	{ "make the namespaces", "live by descriptors" },
	{ "map the ids of the rootfs", "of a mount that lives by a descriptor" },
	{ "enter the cgroups", "a thread leaves them with its end" },
	{ "admit the links", "undone with the network" },
	{ "keep the configuration", "goes with the run directory" },
	{ "prepare /dev", "a detached mount, lives by a descriptor" },
	{ "open what is kept", "descriptors" },
	{ "give init a tree of cgroup v1", "the group is the cgroup's row" },
	{ "limit input and output", "its rules go with the cgroup" },
	{ "open what is to be mounted", "detached mounts, live by descriptors" },
	{ "create the links", "a link dies with the net namespace that its other end is in" },
	{ "create the links late", "as the links" },
	{ "configure the network alone", "as the other one" },
	{ "configure the network", "in a net namespace that goes with its processes, or is kept with its addresses" },
	{ "raise the links", "as the links" },
	{ "register the names", "undone with the network" },
	{ "announce the host name", "the row after init notes what came of it; of a start that is cut off, the next one's" },
	{ "note the host name", "what is written in the rootfs, started or not" },
	{ "tell the other containers", "their files are mended when the network is released" },
	{ "prepare the confinement", "memory, and a file in the run directory" },
	{ "mask proc", "detached mounts, live by descriptors" },
	{ "mask sys", "hands over what the row before has made" },
	{ "hear machined", "what was told is forgotten by the row that told it" },
	{ "wait for go", "does nothing" },
};

/* Of what may stand after "confine it": rows that mount nothing. */
static int (*const mounts_nothing[])(struct launch *, struct error *) = { payload_exec_init };

static size_t find(const char *name)
{
	for (size_t i = 0; i < n_start_steps; i++)
		if (strcmp(start_steps[i].name, name) == 0)
			return i;
	ck_abort_msg("no row is named \"%s\"", name);
	return 0;
}

START_TEST(names_are_unique_and_fit_into_a_message)
{
	ck_assert_uint_gt(n_start_steps, 10);
	for (size_t i = 0; i < n_start_steps; i++) {
		const char *name = start_steps[i].name;

		ck_assert_msg(name && *name, "row %zu has no name", i);
		ck_assert_msg(strlen(name) < 60, "too long: %s", name);
		ck_assert_msg(!strpbrk(name, "\"\n%"), "\"%s\" stands in double quotes in messages", name);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(name, start_steps[j].name);
	}
}
END_TEST

START_TEST(every_row_does_something)
{
	for (size_t i = 0; i < n_start_steps; i++) {
		ck_assert_msg(start_steps[i].run, "%s", start_steps[i].name);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(start_steps[i].run != start_steps[j].run, "\"%s\" and \"%s\" are the same",
				      start_steps[i].name, start_steps[j].name);
	}
}
END_TEST

START_TEST(payload_rows_have_no_undo)
{
	for (size_t i = 0; i < n_start_steps; i++)
		if (start_steps[i].side == PAYLOAD)
			ck_assert_msg(!start_steps[i].undo, "%s", start_steps[i].name);
}
END_TEST

static bool is_exception(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(without_undo); i++)
		if (strcmp(without_undo[i].name, name) == 0)
			return true;
	return false;
}

START_TEST(host_rows_have_an_undo_or_are_exceptions_with_a_reason)
{
	ck_assert_uint_lt(ARRAY_SIZE(without_undo), 27);
	for (size_t i = 0; i < n_start_steps; i++) {
		const struct step *step = &start_steps[i];

		if (step->side != PAYLOAD)
			ck_assert_msg(!step->undo == is_exception(step->name), "\"%s\" has %s undo and %s exception",
				      step->name, step->undo ? "an" : "no", is_exception(step->name) ? "is an" : "is no");
	}
	for (size_t i = 0; i < ARRAY_SIZE(without_undo); i++) {
		ck_assert_int_ne(start_steps[find(without_undo[i].name)].side, PAYLOAD);
		ck_assert(*without_undo[i].why);
	}
}
END_TEST

START_TEST(exactly_one_row_executes_and_what_follows_waits_for_it)
{
	size_t last = find("execute init");

	ck_assert_int_eq(start_steps[last].side, PAYLOAD);
	ck_assert_ptr_null(start_steps[last].when);
	for (size_t i = 0; i < n_start_steps; i++) {
		ck_assert_msg(start_steps[i].execs == (i == last), "%s", start_steps[i].name);
		ck_assert_msg(i <= last || (start_steps[i].side == HOST && start_steps[i].joins), "%s", start_steps[i].name);
	}
}
END_TEST

START_TEST(no_payload_row_comes_before_the_clone)
{
	size_t clone = find("clone the payload");

	ck_assert_ptr_eq(start_steps[clone].run, host_clone_payload);
	ck_assert_ptr_null(start_steps[clone].when);
	for (size_t i = 0; i < n_start_steps; i++) {
		ck_assert_msg(i > clone || start_steps[i].side != PAYLOAD, "%s", start_steps[i].name);
		ck_assert_msg(start_steps[i].clones == (i == clone), "%s", start_steps[i].name);
	}
}
END_TEST

/* What the clone takes along is complete, a row of the host's that always runs waits for all of the thread's, and init begins
 * when all is done. */
START_TEST(what_needs_all_before_it_waits_for_that)
{
	size_t clone = find("clone the payload"), filter = find("confine it"), last = filter;

	ck_assert(start_steps[clone].joins);
	while (start_steps[last].side != HOST || start_steps[last].when)
		last--;
	for (size_t i = last; i < n_start_steps; i++)
		ck_assert_msg(start_steps[i].side != BESIDE, "%s", start_steps[i].name);
	ck_assert(start_steps[find("map the ids of the rootfs")].joins);
	ck_assert(start_steps[find("open what is to be mounted")].joins);
	ck_assert(start_steps[find("give init a tree of cgroup v1")].joins);
	ck_assert(start_steps[find("pin the namespaces")].joins);
	ck_assert(start_steps[find("wait for go")].joins);
	ck_assert(start_steps[filter - 1].joins && start_steps[filter - 1].side == PAYLOAD);
	for (size_t i = filter; i <= find("execute init"); i++)
		ck_assert_msg(start_steps[i].side == PAYLOAD, "%s", start_steps[i].name);
}
END_TEST

START_TEST(what_follows_a_row_is_the_hosts_and_stands_below_a_row_of_the_thread)
{
	size_t n = 0;

	for (size_t i = 0; i < n_start_steps; i++) {
		if (!start_steps[i].follows)
			continue;
		n++;
		ck_assert_int_eq(start_steps[i].side, HOST);
		ck_assert_uint_lt(find(start_steps[i].follows), i);
		ck_assert_int_eq(start_steps[find(start_steps[i].follows)].side, BESIDE);
		ck_assert_uint_lt(i, find("clone the payload"));
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_str_eq(start_steps[find("create the links")].follows, "make the namespaces");
}
END_TEST

START_TEST(nothing_mounts_after_it_is_confined)
{
	size_t drop = find("confine it");

	ck_assert_ptr_eq(start_steps[drop].run, payload_confine);
	ck_assert_ptr_null(start_steps[drop].when);
	for (size_t i = drop + 1; i < n_start_steps; i++) {
		bool known = start_steps[i].side == HOST && i > find("execute init");

		for (size_t j = 0; j < ARRAY_SIZE(mounts_nothing); j++)
			known |= start_steps[i].run == mounts_nothing[j];
		ck_assert_msg(known, "\"%s\" stands after \"confine it\"", start_steps[i].name);
	}
}
END_TEST

START_TEST(the_host_is_left_before_it_is_told_to_go_on)
{
	ck_assert_uint_lt(find("become root inside"), find("enter the rootfs"));
	ck_assert_uint_lt(find("mount proc, sys and cgroup"), find("leave the host's mounts"));
	ck_assert_uint_lt(find("make /dev"), find("leave the host's mounts"));
	ck_assert_uint_lt(find("leave the host's mounts"), find("wait for go"));
	ck_assert_uint_lt(find("unshare the cgroup namespace"), find("pin the namespaces"));
	ck_assert_uint_lt(find("admit the links"), find("create the links"));
	ck_assert_uint_lt(find("prepare the network"), find("admit the links"));
	ck_assert_uint_lt(find("make the namespaces"), find("create the links"));
	ck_assert_uint_lt(find("create the links"), find("clone the payload"));
	ck_assert_uint_lt(find("clone the payload"), find("configure the network"));
	ck_assert_uint_lt(find("configure the network"), find("set the process limits"));
	ck_assert_uint_lt(find("create the cgroup"), find("clone the payload"));
}
END_TEST

/* Undone backwards: links and processes first, then what they used, the directory with the state file last. */
START_TEST(what_processes_use_is_undone_after_they_are_gone)
{
	size_t kill_them = find("clone the payload");

	ck_assert_uint_lt(find("mount the rootfs"), kill_them);
	ck_assert_uint_lt(find("create the cgroup"), find("mount the rootfs"));
	ck_assert_uint_lt(find("prepare the network"), kill_them);
	ck_assert_uint_gt(find("pin the namespaces"), kill_them);
	ck_assert_uint_eq(find("make the run directory"), 0);
}
END_TEST

/* container_undo_boot() of src/runtime/undo.c leaves out all up to the last of these. */
START_TEST(what_a_reboot_keeps_can_be_found)
{
	ck_assert_uint_eq(find("make the run directory"), 0);
	ck_assert_ptr_eq(start_steps[find("create the cgroup")].undo, host_remove_cgroup);
}
END_TEST

START_TEST(descriptors_go_either_way_after_the_clone)
{
	size_t n = 0;

	for (size_t i = 0; i < n_start_steps; i++) {
		if (!start_steps[i].take)
			continue;
		ck_assert_msg(i > find("clone the payload") && !start_steps[i].execs, "%s", start_steps[i].name);
		n++;
	}
	ck_assert_uint_eq(n, 4);
}
END_TEST

static void fill_config(struct container_config *config, int i, struct network_config *network)
{
	static const int types[] = { NETWORK_VETH, NETWORK_MACVLAN, NETWORK_NAMESPACE, NETWORK_HOST, NETWORK_NONE };

	config_init(config);
	config->security.privileged = i & 1;
	*network = (struct network_config){ .name = (char *)"eth0", .type = types[i / 2 % 5] };
	config->networks = network;
	config->n_networks = i >= 10 ? 0 : 1;
}

/* Both sides ask on their own. */
START_TEST(whether_a_row_applies_depends_on_the_configuration_alone)
{
	struct network_config network;
	struct container_config config, before;
	char fingerprints[12][64];

	ck_assert_uint_lt(n_start_steps, sizeof(fingerprints[0]));
	memset(fingerprints, 0, sizeof(fingerprints));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 12; i++) {
			fill_config(&config, i, &network);
			memcpy(&before, &config, sizeof(before));
			for (size_t row = 0; row < n_start_steps; row++) {
				char applies = !start_steps[row].when || start_steps[row].when(&config) ? 'y' : 'n';

				if (round == 1)
					ck_assert_int_eq(fingerprints[i][row], applies);
				fingerprints[i][row] = applies;
			}
			ck_assert_int_eq(memcmp(&before, &config, sizeof(before)), 0);
			config.networks = NULL;
			config.n_networks = 0;
			config_done(&config);
		}
	}
	ck_assert_int_eq(fingerprints[0][find("mask proc")], 'n');
	ck_assert_int_eq(fingerprints[1][find("mask proc")], 'y');
	ck_assert_int_eq(fingerprints[1][find("mask sys")], 'y');
	ck_assert_int_eq(fingerprints[0][find("create the links")], 'y');
	ck_assert_int_eq(fingerprints[6][find("create the links")], 'n');
	ck_assert_int_eq(fingerprints[6][find("configure the network")], 'n');
	ck_assert_int_eq(fingerprints[8][find("configure the network")], 'y');
}
END_TEST

START_TEST(reasons_are_sentences_for_people)
{
	for (size_t i = 0; i < n_start_steps; i++) {
		const char *why = start_steps[i].why;

		if (!why)
			continue;
		ck_assert_msg(strlen(why) > 10 && !text_ends(why, ".") && !strchr(why, '\n'), "%s: %s",
			      start_steps[i].name, why);
	}
}
END_TEST

/* Rule 1: to undo what was never done is no error, as often as one likes. Nothing of the host has these names. */
START_TEST(undoing_what_was_never_done_is_no_error)
{
	struct install install = { 0 };
	struct container container = CONTAINER_EMPTY;
	struct container_state state = { 0 };
	struct error err = ERROR_NONE;

	dir_setup();
	ck_assert_int_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	must(install_init(&install, NULL, in_dir("state"), in_dir("run"), in_dir("cache"), &err));
	must(install_make_dirs(&install, &err));
	container.install = &install;
	container.name = xstrdup("never");
	container.idmap = (struct idmap){ 0, 1000000, 65536 };
	uuid_make(container.uuid);
	config_init(&container.config);
	host_config_init(&container.host);
	state_init(&state);
	for (int i = 0; i < 2; i++)
		must(steps_undo(start_steps, n_start_steps, &container, &state, &err));
	/* and each row by itself */
	for (size_t i = 0; i < n_start_steps; i++)
		if (start_steps[i].undo)
			ck_assert_msg(start_steps[i].undo(&container, &state, &err) >= 0, "\"%s\": %s",
				      start_steps[i].name, err.message);
	state_done(&state);
	host_config_done(&container.host);
	container_close(&container);
	install_done(&install);
	dir_teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/start_table");
	TCase *tests = tcase_create("start_table");

	tcase_add_test(tests, names_are_unique_and_fit_into_a_message);
	tcase_add_test(tests, every_row_does_something);
	tcase_add_test(tests, payload_rows_have_no_undo);
	tcase_add_test(tests, host_rows_have_an_undo_or_are_exceptions_with_a_reason);
	tcase_add_test(tests, exactly_one_row_executes_and_what_follows_waits_for_it);
	tcase_add_test(tests, no_payload_row_comes_before_the_clone);
	tcase_add_test(tests, what_needs_all_before_it_waits_for_that);
	tcase_add_test(tests, what_follows_a_row_is_the_hosts_and_stands_below_a_row_of_the_thread);
	tcase_add_test(tests, nothing_mounts_after_it_is_confined);
	tcase_add_test(tests, the_host_is_left_before_it_is_told_to_go_on);
	tcase_add_test(tests, what_processes_use_is_undone_after_they_are_gone);
	tcase_add_test(tests, what_a_reboot_keeps_can_be_found);
	tcase_add_test(tests, descriptors_go_either_way_after_the_clone);
	tcase_add_test(tests, whether_a_row_applies_depends_on_the_configuration_alone);
	tcase_add_test(tests, reasons_are_sentences_for_people);
	if (add_root_tests())
		tcase_add_test(tests, undoing_what_was_never_done_is_no_error);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
