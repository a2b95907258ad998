/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel has decides what can be seen: a label is taken, or refused in words that say why. */
#include "testing.h"

#include "os/lsm.h"

#define NO_PROFILE "sysct-unittest-no-such-profile"
#define NO_CONTEXT "sysct_u:sysct_r:no_such_t:s0"

static struct error err;
static int proc;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	proc = must(lsm_open_proc(&err));
}

static void teardown(void)
{
	close(proc);
}

static bool apparmor_is_active(void)
{
	auto_free char *text = NULL;

	return read_file_at(AT_FDCWD, "/proc/self/attr/apparmor/current", 4096, &text, NULL) == 0;
}

static bool selinux_is_active(void)
{
	auto_free char *text = NULL;

	return read_file_at(AT_FDCWD, "/proc/filesystems", 65536, &text, NULL) == 0 && strstr(text, "selinuxfs");
}

static int try(const char *apparmor, const char *selinux, int dir)
{
	const struct lsm_label label = { apparmor, selinux };

	err = (struct error)ERROR_NONE;
	return lsm_set_exec(&label, dir, &err);
}

START_TEST(nothing_given_is_nothing_done)
{
	const struct lsm_label none = { NULL, NULL }, empty = { "", "" }, one = { NULL, "x" }, other = { "x", NULL };

	ck_assert(!lsm_given(&none));
	ck_assert(!lsm_given(&empty));
	ck_assert(lsm_given(&one));
	ck_assert(lsm_given(&other));
	ck_assert_int_eq(lsm_set_exec(&none, -1, &err), 0);
	ck_assert_int_eq(lsm_set_exec(&empty, -1, &err), 0);
}
END_TEST

START_TEST(what_cannot_be_applied_is_refused_with_its_name_and_a_hint)
{
	ck_assert_int_lt(try(NO_PROFILE, NULL, proc), 0);
	ck_has(err.message, NO_PROFILE);
	ck_has(err.message, apparmor_is_active() ? "not loaded" : "not active");
	ck_assert_int_ne(err.hint[0], 0);
	/* before the policy is loaded every context is the kernel's own */
	if (selinux_is_active() && access("/sys/fs/selinux/policy", F_OK) < 0)
		return;
	ck_assert_int_lt(try(NULL, NO_CONTEXT, proc), 0);
	ck_has(err.message, NO_CONTEXT);
	ck_has(err.message, selinux_is_active() ? "Invalid argument" : "not active");
	ck_assert_int_ne(err.hint[0], 0);
}
END_TEST

START_TEST(one_that_fails_is_enough)
{
	ck_assert_int_lt(try(NO_PROFILE, selinux_is_active() ? "" : NO_CONTEXT, proc), 0);
	if (!selinux_is_active())
		ck_assert_int_lt(try("", NO_CONTEXT, proc), 0);
}
END_TEST

/* Where there is no /proc, or somebody else's, the files are still the kernel's. */
static int try_elsewhere(void *arg)
{
	bool active = *(bool *)arg;

	if (chroot(test_dir) < 0 || chdir("/") < 0 || access("/proc", F_OK) == 0)
		return 100;
	if (try(NO_PROFILE, NULL, proc) == 0 || !strstr(err.message, active ? "not loaded" : "not active"))
		return 101;
	return active && try("unconfined", NULL, proc) < 0 ? 102 : 0;
}

START_TEST(the_root_directory_does_not_matter)
{
	bool active = apparmor_is_active();

	if (!can_run(geteuid() == 0, "root"))
		return;
	dir_setup();
	ck_assert_int_eq(in_child(try_elsewhere, &active), 0);
	dir_teardown();
}
END_TEST

static void put(const char *name, const char *text)
{
	auto_close int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
}

START_TEST(what_only_looks_like_proc_is_not_believed)
{
	auto_close int fake = -1;
	auto_free char *said = NULL;

	dir_setup();
	ck_assert_int_eq(make_dirs(in_dir("1/task/1/attr/apparmor"), 0755), 0);
	ck_assert_int_eq(symlink("1/task/1", in_dir("thread-self")), 0);
	put("filesystems", "nodev\tselinuxfs\n");
	put("1/task/1/attr/apparmor/current", "unconfined\n");
	put("1/task/1/attr/apparmor/exec", "");
	put("1/task/1/attr/exec", "");
	fake = open_dir(test_dir);
	ck_assert_int_lt(try("unconfined", NULL, fake), 0);
	ck_assert_int_lt(try(NULL, NO_CONTEXT, fake), 0);
	ck_assert_int_eq(read_file_at(fake, "1/task/1/attr/apparmor/exec", 64, &said, NULL), 0);
	ck_assert_str_eq(said, "");
	dir_teardown();
}
END_TEST

START_TEST(no_descriptor_is_lost)
{
	int before = count_fds();

	try(NO_PROFILE, NULL, proc);
	try(NULL, NO_CONTEXT, proc);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/lsm");
	TCase *tests = tcase_create("lsm");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_given_is_nothing_done);
	tcase_add_test(tests, what_cannot_be_applied_is_refused_with_its_name_and_a_hint);
	tcase_add_test(tests, one_that_fails_is_enough);
	tcase_add_test(tests, the_root_directory_does_not_matter);
	tcase_add_test(tests, what_only_looks_like_proc_is_not_believed);
	tcase_add_test(tests, no_descriptor_is_lost);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
