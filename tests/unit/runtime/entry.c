/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/source.h"
#include "runtime/entry.h"

static struct install install = { .run_dir = (char *)"/run/somewhere" };
static struct container container = { .install = &install, .name = (char *)"box", .uuid = "11111111-2222-3333-4444-555555555555" };
static struct container_config *const config = &container.config;
static struct container_state state;
static struct entry entry = ENTRY_EMPTY;

static void begin(void)
{
	config_init(config);
	config->source = (struct hash){ 1, 2 };
	container.idmap = (struct idmap){ 0, 100000, 65536 };
	state_init(&state);
	state.init = (struct process_id){ getpid(), 1 };
}

static void end(void)
{
	entry_done(&entry);
	state_done(&state);
	config_done(config);
}

static bool is_noted(void)
{
	entry_note(&container, &state);
	return entry_noted(&install, "box", &state, &config->source, &entry);
}

/* As a file brings it, since that is how it comes. */
static void over_the_file(void)
{
	auto_free char *text = NULL;
	struct error err = ERROR_NONE;

	state.phase = PHASE_RUNNING;
	uuid_make(state.uuid);
	ck_assert_int_eq(boot_id_read(state.boot_id), 0);
	text = state_format(&state);
	ck_assert_int_eq(state_parse(text, strlen(text), &state, &err), 0);
}

START_TEST(what_is_noted_is_what_the_configuration_says)
{
	struct entry same = ENTRY_EMPTY;
	struct error err = ERROR_NONE;

	strings_add(&config->environment, "A=1=2");
	strings_add(&config->environment, "B= \xc3\xa4 ");
	entry_note(&container, &state);
	over_the_file();
	ck_assert_int_eq(entry_of(&container, &state, &same, &err), 0);
	if (!cgroup_ways_last(&same.ways)) {	/* no hierarchy of this host can be named */
		ck_assert(!entry_noted(&install, "box", &state, &config->source, &entry));
		entry_done(&same);
		return;
	}
	ck_assert(entry_noted(&install, "box", &state, &config->source, &entry));
	ck_assert_int_eq(entry.namespaces, same.namespaces);
	ck_assert(entry.namespaces & CLONE_NEWUSER && entry.namespaces & CLONE_NEWNET);
	ck_assert_uint_eq(entry.time, same.time);
	ck_assert_uint_eq(entry.root, 100000);
	ck_assert_str_eq(entry.run_dir, install.run_dir);
	ck_assert_str_eq(entry.user, config->user);
	ck_assert_str_eq(entry.environment_id, config->environment_id);
	ck_assert(strings_same(&entry.environment, &config->environment));
	ck_assert(strings_same(&entry.ways.tasks, &same.ways.tasks));
	ck_assert_str_eq(entry.ways.payload, same.ways.payload);
	ck_has(entry.ways.payload, container.uuid);
	ck_assert(!entry.ways.pids == !same.ways.pids);
	entry_done(&same);
}
END_TEST

START_TEST(another_text_is_another_configuration)
{
	const struct hash other = { 1, 3 };

	is_noted();
	ck_assert(!entry_noted(&install, "box", &state, &other, &entry));
}
END_TEST

START_TEST(what_was_noted_before_is_gone)
{
	strings_add(&config->environment, "A=1");
	entry_note(&container, &state);
	strings_clear(&config->environment);
	if (!is_noted())
		return;
	ck_assert_uint_eq(entry.environment.n, 0);
	entry_done(&entry);
	config->security.privileged = true;
	ck_assert(!is_noted());
}
END_TEST

START_TEST(what_cannot_be_a_line_is_not_noted)
{
	config->environment.n = 0;
	strings_add(&config->environment, "A=two\nlines");
	ck_assert(!is_noted());
}
END_TEST

START_TEST(nor_is_too_much)
{
	for (int i = 0; i < 65; i++)
		strings_add(&config->environment, "A=1");
	ck_assert(!is_noted());
	over_the_file();
	strings_clear(&config->environment);
	auto_free char *large = xcalloc(20000, 1);

	memset(large, 'x', 19999);
	large[1] = '=';
	strings_add(&config->environment, large);
	ck_assert(!is_noted());
	over_the_file();
}
END_TEST

/* The hash that attach makes of two files is the one that a start has made of them on its way. */
START_TEST(a_source_is_known_again)
{
	static const char text[] = "[container]\nuser = root\n";
	char host[] = "/tmp/sysct-entry-XXXXXX", own[] = "/tmp/sysct-entry-XXXXXX";
	struct container_config read;
	struct host_config hosts;
	struct error err = ERROR_NONE;
	struct hash source;
	auto_close int first = mkstemp(host), second = mkstemp(own);

	ck_assert_int_eq(write(second, text, sizeof(text) - 1), sizeof(text) - 1);
	for (int with_host = 1; with_host >= 0; with_host--) {
		config_init(&read);
		host_config_init(&hosts);
		if (with_host)
			ck_assert_int_eq(write(first, "# none\n", 7), 7);
		else
			unlink(host);
		ck_assert_int_eq(config_load_host(host, true, &hosts, &read, &err), 0);
		ck_assert_int_eq(config_load(AT_FDCWD, own, own, &read, &err), 0);
		ck_assert_int_eq(config_source(host, true, AT_FDCWD, own, &source, &err), 0);
		ck_assert_uint_eq(source.high, read.source.high);
		ck_assert_uint_eq(source.low, read.source.low);
		host_config_done(&hosts);
		config_done(&read);
	}
	ck_assert_int_eq(chmod(own, 0666), 0);
	ck_assert_int_lt(config_source(host, true, AT_FDCWD, own, &source, &err), 0);
	ck_assert_int_eq(chmod(own, 0600), 0);
	ck_assert_int_lt(config_source(host, false, AT_FDCWD, own, &source, &err), 0);
	unlink(own);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/entry");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, what_is_noted_is_what_the_configuration_says);
	tcase_add_test(tests, another_text_is_another_configuration);
	tcase_add_test(tests, what_was_noted_before_is_gone);
	tcase_add_test(tests, what_cannot_be_a_line_is_not_noted);
	tcase_add_test(tests, nor_is_too_much);
	tcase_add_test(tests, a_source_is_known_again);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
