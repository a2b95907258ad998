/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device program of cgroup2 on a group of the test's own, also on hosts whose devices are limited by v1. */
#include "testing.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "../../../src/os/cgroup_parts.h"

#define WAIT_MS 20000

static char parent[40], group[64];
static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	must(cgroup_create(group, 0, &err));
	mounts_setup();
}

static void teardown(void)
{
	mounts_teardown();
	must(cgroup_remove(group, WAIT_MS, &err));
	must(cgroup_remove_empty(parent, &err));
}

static int set(const char *const *allow)
{
	auto_close int dir = must(cgroup_open(group, ".", &err));

	return cgroup_devices_write(dir, allow, &err);
}

#define ALLOW(...) must(set((const char *const[]){ __VA_ARGS__, NULL }))

/* --- in a process of the group --- */

/* What is tried: a node of the test's, made before it is limited. */
struct attempt {
	mode_t type;
	unsigned int major, minor;
	int flags;		/* of open(2); -1: make a node */
};

static int try(const struct attempt *attempt)
{
	dev_t number = makedev(attempt->major, attempt->minor);
	auto_close int fd = -1;

	if (attempt->flags == -1)
		return mknod(in_dir("made"), attempt->type | 0600, number) < 0 ? errno : 0;
	fd = open(in_dir("node"), attempt->flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? errno : 0;
}

/* The errno of it, in a process that is in the payload from birth. */
static int in_group(const struct attempt *attempt)
{
	auto_close int dir = must(cgroup_open(group, "payload", &err));
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dir };
	int status;
	pid_t pid;

	unlink(in_dir("node"));
	unlink(in_dir("made"));
	ck_assert_int_eq(mknod(in_dir("node"), attempt->type | 0600, makedev(attempt->major, attempt->minor)), 0);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	ck_assert_msg(pid >= 0, "clone into the group: %m");
	if (pid == 0)
		_exit(try(attempt));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define TRY(...) in_group(&(struct attempt){ __VA_ARGS__ })
#define MAKE (-1)

/* --- tests --- */

START_TEST(without_a_list_nothing_is_denied)
{
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDWR), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDWR), 0);
}
END_TEST

START_TEST(what_is_not_in_the_list_is_denied)
{
	ALLOW("c 1:3 rwm", "c 1:9 rwm");
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDWR), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 9, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, MAKE), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), EPERM);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 1, O_RDONLY), EPERM);
	ck_assert_int_eq(TRY(S_IFCHR, 5, 3, O_RDONLY), EPERM);	/* the minor of one, another major */
	ck_assert_int_eq(TRY(S_IFBLK, 7, 0, MAKE), EPERM);
}
END_TEST

START_TEST(an_empty_list_denies_all)
{
	must(set((const char *const[]){ NULL }));
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), EPERM);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, MAKE), EPERM);
}
END_TEST

START_TEST(a_character_device_is_no_block_device)
{
	ALLOW("b 1:3 rwm");
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), EPERM);
	ck_assert_int_eq(TRY(S_IFBLK, 1, 3, MAKE), 0);
	ALLOW("c 1:3 rwm");
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFBLK, 1, 3, MAKE), EPERM);
}
END_TEST

START_TEST(each_right_counts)
{
	static const struct {
		const char *rights;
		bool read, write, both, make;
	} rows[] = {
		{ "r", true, false, false, false }, { "w", false, true, false, false },
		{ "m", false, false, false, true }, { "rw", true, true, true, false },
		{ "wm", false, true, false, true }, { "mrw", true, true, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *rule = xasprintf("c 1:3 %s", rows[i].rights);

		ALLOW("c 1:5 rwm", rule, "c 1:7 rwm");
		ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), rows[i].read ? 0 : EPERM);
		ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_WRONLY), rows[i].write ? 0 : EPERM);
		ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDWR), rows[i].both ? 0 : EPERM);
		ck_assert_int_eq(TRY(S_IFCHR, 1, 3, MAKE), rows[i].make ? 0 : EPERM);
		ck_assert_int_eq(TRY(S_IFCHR, 1, 7, O_RDWR), 0);	/* the rule after it */
	}
}
END_TEST

START_TEST(a_star_is_every_minor)
{
	ALLOW("c 1:* r");
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_WRONLY), EPERM);
	ck_assert_int_eq(TRY(S_IFCHR, 5, 0, O_RDONLY), EPERM);
}
END_TEST

START_TEST(a_new_list_takes_the_place_of_the_old)
{
	ALLOW("c 1:3 rwm");
	ALLOW("c 1:5 rwm");	/* were both asked, nothing would be allowed */
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), EPERM);
	for (int i = 0; i < 100; i++)	/* more than one group can have */
		ALLOW("c 1:3 rwm", "c 1:5 r");
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
}
END_TEST

START_TEST(it_holds_for_a_payload_that_is_made_anew)
{
	ALLOW("c 1:3 rwm");
	must(cgroup_remove_payload(group, WAIT_MS, &err));
	must(cgroup_create(group, 0, &err));
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), EPERM);
}
END_TEST

START_TEST(a_long_list_is_no_matter)
{
	auto_strings struct strings rules = STRINGS_EMPTY;

	for (int i = 0; i < 200; i++)
		strings_add_take(&rules, xasprintf("b 259:%d rw", i));
	strings_add(&rules, "c 1:3 rwm");
	must(set((const char *const *)rules.items));
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), EPERM);
}
END_TEST

START_TEST(a_rule_that_is_none_is_refused_and_changes_nothing)
{
	static const char *const wrong[] = { "",	 "c",	      "c 1:3",	   "c banana rwm", "c 1:3 rwx", "c 1:3 rwm x",
					     "x 1:3 rwm", "c -1:3 r", "c 1:-3 r",  "c 1:3* r",	   "c *:3 r",	"c 1:99999999999 r",
					     "a *:* rwm", "1:3 rwm",  "c 0x1:3 r", "c 1:3 rwm\n" };

	ALLOW("c 1:3 rwm");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *const list[] = { "c 1:5 rwm", wrong[i], NULL };

		err = (struct error)ERROR_NONE;
		ck_assert_msg(set(list) == -EINVAL, "\"%s\" is a rule", wrong[i]);
		ck_has(err.message, wrong[i]);
	}
	err = (struct error)ERROR_NONE;
	ck_assert_int_eq(TRY(S_IFCHR, 1, 3, O_RDONLY), 0);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), EPERM);
}
END_TEST

static int set_in_userns(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER) < 0)
		return 100;
	return set((const char *const[]){ "c 1:3 rwm", NULL });
}

static int set_without_the_right(void *arg)
{
	(void)arg;
	if (setresuid(65534, 65534, 65534) < 0)
		return 100;
	return set((const char *const[]){ "c 1:3 rwm", NULL }) == -EPERM && err.hint[0] ? 7 : 101;
}

/* In a user namespace it is left to whoever made that; on the host it is refused. */
START_TEST(who_may_not_load_it_is_told_apart)
{
	ck_assert_int_eq(in_child(set_in_userns, NULL), 1);
	ck_assert_int_eq(in_child(set_without_the_right, NULL), 7);
	ck_assert_int_eq(TRY(S_IFCHR, 1, 5, O_RDONLY), 0);
}
END_TEST

START_TEST(no_descriptor_is_lost)
{
	int before = count_fds();

	ALLOW("c 1:3 rwm");
	ALLOW("c 1:3 rwm", "c 1:5 rwm");
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/cgroup_devices");
	TCase *tests = tcase_create("devices");
	struct error error = ERROR_NONE;
	int skipped = skip_without_root("device programs");

	if (skipped >= 0)
		return skipped;
	snprintf(parent, sizeof(parent), "sysct-unittest-%d", (int)getpid());
	snprintf(group, sizeof(group), "%s/devices", parent);
	if (cgroup_create(group, 0, &error) < 0) {
		printf("1..0 # SKIP needs a cgroup tree that can be written: %s\n", error.message);
		return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : EXIT_SKIPPED;
	}
	cgroup_remove(group, WAIT_MS, &error);
	cgroup_remove_empty(parent, &error);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_a_list_nothing_is_denied);
	tcase_add_test(tests, what_is_not_in_the_list_is_denied);
	tcase_add_test(tests, an_empty_list_denies_all);
	tcase_add_test(tests, a_character_device_is_no_block_device);
	tcase_add_test(tests, each_right_counts);
	tcase_add_test(tests, a_star_is_every_minor);
	tcase_add_test(tests, a_new_list_takes_the_place_of_the_old);
	tcase_add_test(tests, it_holds_for_a_payload_that_is_made_anew);
	tcase_add_test(tests, a_long_list_is_no_matter);
	tcase_add_test(tests, a_rule_that_is_none_is_refused_and_changes_nothing);
	tcase_add_test(tests, who_may_not_load_it_is_told_apart);
	tcase_add_test(tests, no_descriptor_is_lost);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
