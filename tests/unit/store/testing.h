/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_STORE_TESTING_H
#define SYSCT_TESTS_STORE_TESTING_H

/* testing - an installation of its own in a temporary directory, for tests of the store. */

#include "../testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/install.h"

static char test_dir[64];
static struct install install;

static inline void write_file(const char *name, const char *text, unsigned int mode)
{
	auto_free char *path = xasprintf("%s/%s", test_dir, name);
	struct error err = ERROR_NONE;

	ck_assert_msg(replace_file_at(AT_FDCWD, path, text, strlen(text), mode, false, &err) == 0, "%s", err.message);
}

static inline void install_setup(void)
{
	static const char *const names[] = { "state", "run", "cache", "data", "data/templates" };
	auto_free char *state = NULL, *run = NULL, *cache = NULL, *data = NULL;
	struct error err = ERROR_NONE;

	umask(022);
	snprintf(test_dir, sizeof(test_dir), "/tmp/sysct-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(test_dir));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = xasprintf("%s/%s", test_dir, names[i]);

		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	state = xasprintf("%s/state", test_dir);
	run = xasprintf("%s/run", test_dir);
	cache = xasprintf("%s/cache", test_dir);
	data = xasprintf("%s/data", test_dir);
	setenv("SYSCT_DATA_DIR", data, 1);
	ck_assert_msg(install_init(&install, NULL, state, run, cache, &err) == 0, "%s", err.message);
	ck_assert_msg(install_make_dirs(&install, &err) == 0, "%s", err.message);
}

static inline void install_teardown(void)
{
	struct error err = ERROR_NONE;

	install_done(&install);
	ck_assert_msg(remove_tree_at(AT_FDCWD, test_dir, &err) == 0, "%s", err.message);
}

/* A test that cannot run says so and passes; SYSCT_TESTS_MUST_RUN makes it fail. */
static inline bool can_run(bool condition, const char *what)
{
	if (condition)
		return true;
	ck_assert_msg(!getenv("SYSCT_TESTS_MUST_RUN"), "needs %s", what);
	fprintf(stderr, "# skipped: needs %s\n", what);
	return false;
}

#endif
