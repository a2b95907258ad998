/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written where, with directories in the place of the kernel's: so both versions are tried on every host. */
#include "testing.h"

#include <stdlib.h>
#include <sys/sysmacros.h>

#include "../../../src/os/cgroup_parts.h"

static char dir[64];
static struct limits_place place;

static char *v1_of(const char *controller, const char *group)
{
	auto_free char *path = xasprintf("%s/%s", dir, controller);

	return access(path, F_OK) == 0 ? xasprintf("%s/%s", path, group) : NULL;
}

static void make(const char *name, const char *text)
{
	auto_free char *path = xasprintf("%s/%s", dir, name), *parent = xstrdup(path);
	struct error err = ERROR_NONE;

	*strrchr(parent, '/') = '\0';
	ck_assert_int_eq(make_dirs(parent, 0700), 0);
	ck_assert_int_eq(replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, &err), 0);
}

static const char *said(const char *name)
{
	static char *text;
	auto_free char *path = xasprintf("%s/%s", dir, name);

	free(text);
	text = NULL;
	ck_assert_int_eq(read_file_at(AT_FDCWD, path, 4096, &text, NULL), 0);
	return text;
}

static void setup(void)
{
	strcpy(dir, "/tmp/cgroup-limits-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	place = (struct limits_place){ -1, -1, v1_of, "group" };
}

static void teardown(void)
{
	struct error err = ERROR_NONE;

	close_fd(&place.v2);
	close_fd(&place.v2_shares);
	remove_tree_at(AT_FDCWD, dir, &err);
}

static int open_in(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The payload's directory has the weights too, where they would count for nothing. */
static void make_v2(void)
{
	static const char *const files[] = { "memory.max", "memory.swap.max", "cpu.max", "cpu.weight",
					     "cpuset.cpus", "pids.max", "io.max", "io.weight", "io.bfq.weight" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *above = xasprintf("v2/%s", files[i]), *name = xasprintf("v2/payload/%s", files[i]);

		make(name, "");
		make(above, "");
	}
	place.v2 = open_in("v2/payload");
	place.v2_shares = open_in("v2");
}

static void make_v1(void)
{
	static const char *const files[] = {
		"memory/group/memory.limit_in_bytes", "memory/group/memory.memsw.limit_in_bytes",
		"cpu/group/cpu.cfs_quota_us", "cpu/group/cpu.shares", "cpuset/group/cpuset.cpus",
		"pids/group/pids.max", "blkio/group/blkio.throttle.read_bps_device",
		"blkio/group/blkio.throttle.write_bps_device", "blkio/group/blkio.bfq.weight",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		make(files[i], "");
	make("cpuset/cpuset.cpus", "0-9\n");
}

static const struct cgroup_limits all = { 1 << 20, 1 << 10, 1500, 200, "0-1", 6, 4096, 8192, 1000, 0 };

START_TEST(the_words_of_v2)
{
	struct cgroup_limits limits = all;
	struct error err = ERROR_NONE;

	make_v2();
	limits.disk = makedev(7, 3);
	must(cgroup_limits_write(&place, &limits, &err));
	ck_assert_str_eq(said("v2/payload/memory.max"), "1048576");
	ck_assert_str_eq(said("v2/payload/memory.swap.max"), "1024");
	ck_assert_str_eq(said("v2/payload/cpu.max"), "150000 100000");
	ck_assert_str_eq(said("v2/cpu.weight"), "200");
	ck_assert_str_eq(said("v2/payload/cpu.weight"), "");
	ck_assert_str_eq(said("v2/payload/cpuset.cpus"), "0-1");
	ck_assert_str_eq(said("v2/payload/pids.max"), "6");
	/* the kernel keeps both words, a plain file the last one */
	ck_assert_ptr_nonnull(strstr(said("v2/payload/io.max"), "7:3 wbps=8192"));
	ck_assert_str_eq(said("v2/io.weight"), "1000");
	ck_assert_str_eq(said("v2/io.bfq.weight"), "181");	/* its scale ends at 1000 */
}
END_TEST

START_TEST(the_words_of_v1)
{
	struct cgroup_limits limits = all;
	struct error err = ERROR_NONE;

	make_v1();
	limits.disk = makedev(7, 3);
	must(cgroup_limits_write(&place, &limits, &err));
	ck_assert_str_eq(said("memory/group/memory.limit_in_bytes"), "1048576");
	ck_assert_str_eq(said("memory/group/memory.memsw.limit_in_bytes"), "1049600");
	ck_assert_str_eq(said("cpu/group/cpu.cfs_quota_us"), "150000");
	ck_assert_str_eq(said("cpu/group/cpu.shares"), "2048");
	ck_assert_str_eq(said("cpuset/group/cpuset.cpus"), "0-1");
	ck_assert_str_eq(said("pids/group/pids.max"), "6");
	ck_assert_str_eq(said("blkio/group/blkio.throttle.read_bps_device"), "7:3 4096");
	ck_assert_str_eq(said("blkio/group/blkio.throttle.write_bps_device"), "7:3 8192");
	ck_assert_str_eq(said("blkio/group/blkio.bfq.weight"), "181");
}
END_TEST

static const struct cgroup_limits lifted = { CGROUP_LIFT, CGROUP_LIFT, CGROUP_LIFT, CGROUP_LIFT, "", CGROUP_LIFT,
					     CGROUP_LIFT, CGROUP_LIFT, CGROUP_LIFT, 0x703 };

START_TEST(every_limit_can_be_lifted)
{
	struct error err = ERROR_NONE;

	make_v1();
	must(cgroup_limits_write(&place, &lifted, &err));
	ck_assert_str_eq(said("memory/group/memory.limit_in_bytes"), "-1");
	ck_assert_str_eq(said("memory/group/memory.memsw.limit_in_bytes"), "-1");
	ck_assert_str_eq(said("cpu/group/cpu.cfs_quota_us"), "-1");
	ck_assert_str_eq(said("cpu/group/cpu.shares"), "1024");
	ck_assert_str_eq(said("cpuset/group/cpuset.cpus"), "0-9\n");
	ck_assert_str_eq(said("pids/group/pids.max"), "max");
	ck_assert_str_eq(said("blkio/group/blkio.throttle.read_bps_device"), "7:3 0");
	make_v2();
	must(cgroup_limits_write(&place, &lifted, &err));
	ck_assert_str_eq(said("v2/payload/memory.max"), "max");
	ck_assert_str_eq(said("v2/payload/cpu.max"), "max 100000");
	ck_assert_str_eq(said("v2/cpu.weight"), "100");
	ck_assert_str_eq(said("v2/payload/cpuset.cpus"), "\n");
}
END_TEST

START_TEST(a_missing_controller_refuses)
{
	struct error err = ERROR_NONE;
	struct cgroup_limits each[] = { CGROUP_LIMITS_NONE, CGROUP_LIMITS_NONE, CGROUP_LIMITS_NONE, CGROUP_LIMITS_NONE,
					CGROUP_LIMITS_NONE, CGROUP_LIMITS_NONE };

	each[0].memory = each[1].cpus = each[2].tasks = each[3].io_read = each[4].io_weight = 100;
	each[3].disk = makedev(7, 3);
	each[5].cpuset = "0";
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		ck_assert_int_lt(cgroup_limits_write(&place, &each[i], &err), 0);
		ck_assert_ptr_nonnull(strstr(err.message, "controller"));
		ck_assert_ptr_nonnull(strstr(err.hint, "config unset"));
	}
	/* nothing given, or taken away: nothing missing */
	must(cgroup_limits_write(&place, &(struct cgroup_limits)CGROUP_LIMITS_NONE, &err));
	must(cgroup_limits_write(&place, &lifted, &err));
}
END_TEST

START_TEST(what_acts_on_a_disk_needs_one)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NONE;
	struct error err = ERROR_NONE;

	make_v1();
	limits.io_write = 4096;
	ck_assert_int_lt(cgroup_limits_write(&place, &limits, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.message, "disk"));
}
END_TEST

START_TEST(swap_alone_is_v2_s)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NONE;
	struct error err = ERROR_NONE;

	make_v1();
	limits.swap = 4096;
	ck_assert_int_lt(cgroup_limits_write(&place, &limits, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.hint, "limits.memory"));
	make_v2();
	must(cgroup_limits_write(&place, &limits, &err));
	ck_assert_str_eq(said("v2/payload/memory.swap.max"), "4096");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/cgroup_limits");
	TCase *tests = tcase_create("cgroup_limits");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_words_of_v2);
	tcase_add_test(tests, the_words_of_v1);
	tcase_add_test(tests, every_limit_can_be_lifted);
	tcase_add_test(tests, a_missing_controller_refuses);
	tcase_add_test(tests, what_acts_on_a_disk_needs_one);
	tcase_add_test(tests, swap_alone_is_v2_s);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
