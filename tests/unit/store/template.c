/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "os/mount.h"
#include "store/template.h"

#define CONF "# facts\ndescription=A thing\nreleases=2 1\narchitectures=x86_64 aarch64\n\nuserns=no\n"

static void make_template(const char *name, const char *body)
{
	auto_free char *path = xasprintf("data/templates/%s", name);
	auto_free char *conf = xasprintf("data/templates/%s.conf", name);
	auto_free char *script = xasprintf("#!/bin/sh\n%s\n", body);

	write_file(path, script, 0755);
	write_file(conf, CONF, 0644);
}

START_TEST(a_template_is_found_with_its_facts)
{
	auto_template struct template t = TEMPLATE_EMPTY;
	struct error err = ERROR_NONE;

	make_template("thing", "touch /tmp/must-not-run");
	ck_assert_msg(template_find(&install, "thing", &t, &err) == 0, "%s", err.message);
	ck_assert_str_eq(template_fact(&t, "description"), "A thing");
	ck_assert(template_offers(&t, "releases", "1"));
	ck_assert(!template_offers(&t, "releases", "3"));
	ck_assert(template_offers(&t, "variants", "any, for there is no such fact"));
	ck_assert_int_lt(access("/tmp/must-not-run", F_OK), 0);
}
END_TEST

START_TEST(an_unknown_one_is_told_with_the_nearest)
{
	struct template t;
	struct error err = ERROR_NONE;

	make_template("thing", ":");
	ck_assert_int_lt(template_find(&install, "thimg", &t, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_has(err.hint, "\"thing\"");
	ck_assert_int_lt(template_find(&install, "../thing", &t, &err), 0);
	ck_assert_int_lt(template_find(&install, "thing.conf", &t, &err), 0);
}
END_TEST

START_TEST(what_others_may_write_is_refused)
{
	auto_free char *path = xasprintf("%s/data/templates/thing", test_dir);
	auto_free char *link = xasprintf("%s/data/templates/link", test_dir);
	struct template t;
	struct error err = ERROR_NONE;

	make_template("thing", ":");
	ck_assert_int_eq(chmod(path, 0775), 0);
	ck_assert_int_lt(template_find(&install, "thing", &t, &err), 0);
	ck_has(err.hint, "chmod go-w");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_lt(template_find(&install, "thing", &t, &err), 0);
	ck_has(err.message, "not executable");
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert_int_lt(template_find(&install, "link", &t, &err), 0);
	ck_has(err.message, "a link");
}
END_TEST

START_TEST(an_absolute_path_is_a_template)
{
	auto_template struct template t = TEMPLATE_EMPTY;
	auto_free char *path = xasprintf("%s/data/templates/thing", test_dir);
	struct error err = ERROR_NONE;

	make_template("thing", ":");
	ck_assert_msg(template_find(&install, path, &t, &err) == 0, "%s", err.message);
	ck_assert_str_eq(t.name, "thing");
	ck_assert_int_lt(template_find(&install, "/nowhere/thing", &t, &err), 0);
}
END_TEST

START_TEST(a_changed_script_or_library_has_another_hash)
{
	auto_template struct template t = TEMPLATE_EMPTY;
	struct hash a, b, c, d;
	struct error err = ERROR_NONE;
	auto_free char *lib = xasprintf("%s/data/templates/lib", test_dir);

	make_template("thing", ":");
	ck_assert_msg(template_find(&install, "thing", &t, &err) == 0, "%s", err.message);
	ck_assert_int_eq(template_hash(&install, &t, &a, &err), 0);
	ck_assert_int_eq(template_hash(&install, &t, &b, &err), 0);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	write_file("data/templates/thing", "#!/bin/sh\nfalse\n", 0755);
	ck_assert_int_eq(template_hash(&install, &t, &c, &err), 0);
	ck_assert_mem_ne(&a, &c, sizeof(a));
	ck_assert_int_eq(mkdir(lib, 0755), 0);
	write_file("data/templates/lib/x.sh", "true\n", 0644);
	ck_assert_int_eq(template_hash(&install, &t, &d, &err), 0);
	ck_assert_mem_ne(&c, &d, sizeof(a));
}
END_TEST

/* --- build: on a tmpfs, so that no loop device is needed --- */

static char heard[4096];
static const char *build_source;

static void hear(void *arg, enum progress_kind kind, int percent, const char *text)
{
	size_t n = strlen(heard);

	(void)arg;
	snprintf(heard + n, sizeof(heard) - n, "<%d %d %s>", (int)kind, percent, text);
}

static int build(const char *body, int timeout_ms, struct record *facts, struct error *err)
{
	auto_template struct template t = TEMPLATE_EMPTY;
	auto_free char *scratch = xasprintf("%s/scratch", test_dir);
	auto_free char *rootfs = xasprintf("%s/rootfs", test_dir);
	auto_free char *log = xasprintf("%s/log", test_dir);
	struct progress progress = { .show = hear };
	struct template_build build = {
		.install = &install, .template = &t, .userns_fd = -1, .scratch = scratch, .log = log,
		.arch = "x86_64", .mirror = "http://nowhere/", .source = build_source, .verify = true, .progress = &progress,
		.timeout_ms = timeout_ms, .ret_facts = facts,
	};

	heard[0] = '\0';
	make_template("thing", body);
	ck_assert_msg(template_find(&install, "thing", &t, err) == 0, "%s", err->message);
	mkdir(scratch, 0700);
	mkdir(rootfs, 0755);
	build.mount_fd = mount_clone(AT_FDCWD, rootfs, false, err);
	ck_assert_msg(build.mount_fd >= 0, "%s", err->message);
	return template_run_build(&build, err);
}

START_TEST(a_build_fills_the_rootfs_and_tells_its_steps)
{
	auto_free char *file = xasprintf("%s/rootfs/made", test_dir);
	auto_record struct record facts = RECORD_EMPTY;
	struct error err = ERROR_NONE;

	if (!can_run(geteuid() == 0, "root"))
		return;
	ck_assert_msg(build("test \"$SYSCT_API$SYSCT_PHASE$1$SYSCT_VERIFY\" = 1buildbuild1 || exit 1\n"
			    "test \"$SYSCT_ARCH\" = x86_64 -a -z \"$SECRET\" || exit 1\n"
			    "test -d \"$SYSCT_CACHE\" -a -d \"$SYSCT_TMP\" || exit 1\n"
			    "touch $SYSCT_ROOTFS/made; echo list >$SYSCT_TMP/m\n"
			    "printf 'step one\\nprogress 50 half\\nnote n\\nset release=7\\n' >&3\n"
			    "echo \"set manifest=$SYSCT_TMP/m\" >&3; echo garbage >&3", 0, &facts, &err) == 0,
		      "%s", err.message);
	ck_assert_int_eq(access(file, F_OK), 0);
	ck_assert_str_eq(record_get(&facts, "release"), "7");
	ck_assert_str_eq(record_get(&facts, "manifest"), "m");
	ck_has(heard, "<0 -1 one><1 50 half><2 -1 n>");
}
END_TEST

START_TEST(exit_codes_become_statuses_and_the_last_line_the_error)
{
	static const struct {
		int code, status, error;
	} rows[] = { { 1, STATUS_FAILED, EIO },	    { 2, STATUS_USAGE, EINVAL },
		     { 3, STATUS_FAILED, EHOSTUNREACH }, { 4, STATUS_VERIFY, EBADMSG },
		     { 5, STATUS_USAGE, ENOENT },	    { 6, STATUS_FAILED, ENOPKG },
		     { 7, STATUS_FAILED, ENOSPC },	    { 8, STATUS_FAILED, EIO } };

	if (!can_run(geteuid() == 0, "root"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *body = xasprintf("echo first >&2; echo 'the reason %d' >&2; exit %d", rows[i].code,
						 rows[i].code);
		struct error err = ERROR_NONE;

		ck_assert_int_lt(build(body, 0, NULL, &err), 0);
		ck_assert_int_eq(err.status, rows[i].status);
		ck_assert_int_eq(err.code, rows[i].error);
		ck_has(err.message, "the reason");
		ck_has_not(err.message, "first");
		ck_has(err.hint, "/log");
	}
}
END_TEST

START_TEST(a_script_names_what_it_was_given_as_the_caller_does)
{
	auto_free char *source = xasprintf("%s/some source.tar", test_dir);
	auto_free char *note = xasprintf("<2 -1 two: %s %s>", source, source);
	auto_free char *last = xasprintf(": %s/x cannot be read", source);
	struct error err = ERROR_NONE;

	if (!can_run(geteuid() == 0, "root"))
		return;
	write_file("some source.tar", "x", 0644);
	build_source = source;
	ck_assert_int_lt(build("test -f \"$SYSCT_SOURCE\" || exit 2; echo \"note two: $SYSCT_SOURCE $SYSCT_SOURCE\" >&3\n"
			       "echo \"$SYSCT_SOURCE/x cannot be read\" >&2; exit 1", 0, NULL, &err), 0);
	build_source = NULL;
	ck_has(heard, note);
	ck_assert_msg(text_ends(err.message, last), "%s", err.message);
}
END_TEST

START_TEST(what_a_script_leaves_running_dies_with_it)
{
	struct error err = ERROR_NONE;
	auto_free char *seen = xasprintf("%s/rootfs/seen", test_dir);

	if (!can_run(geteuid() == 0, "root"))
		return;
	ck_assert_int_eq(build("(trap '' HUP TERM; sleep 1; touch $SYSCT_ROOTFS/seen) & exit 0", 0, NULL, &err), 0);
	sleep(2);
	ck_assert_int_lt(access(seen, F_OK), 0);
}
END_TEST

START_TEST(a_script_that_hangs_is_ended_in_time)
{
	struct error err = ERROR_NONE;

	if (!can_run(geteuid() == 0, "root"))
		return;
	ck_assert_int_lt(build("trap '' TERM INT; sleep 60", 600, NULL, &err), 0);
	ck_assert_int_eq(err.status, STATUS_TIMEOUT);
}
END_TEST

START_TEST(mounts_of_a_script_are_not_seen_outside)
{
	struct error err = ERROR_NONE;
	auto_free char *after = NULL;

	if (!can_run(geteuid() == 0, "root"))
		return;
	/* by their name: others may mount something meanwhile */
	ck_assert_msg(build("mount -t tmpfs of-a-script /mnt && mount -t tmpfs of-a-script $SYSCT_ROOTFS && "
			    "grep -q of-a-script /proc/self/mountinfo", 0, NULL, &err) == 0, "%s", err.message);
	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &after, NULL), 0);
	ck_assert_ptr_null(strstr(after, "of-a-script"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/template");
	TCase *find = tcase_create("find"), *run = tcase_create("build");

	tcase_add_checked_fixture(find, install_setup, install_teardown);
	tcase_add_test(find, a_template_is_found_with_its_facts);
	tcase_add_test(find, an_unknown_one_is_told_with_the_nearest);
	tcase_add_test(find, what_others_may_write_is_refused);
	tcase_add_test(find, an_absolute_path_is_a_template);
	tcase_add_test(find, a_changed_script_or_library_has_another_hash);
	tcase_add_checked_fixture(run, install_setup, install_teardown);
	tcase_add_test(run, a_build_fills_the_rootfs_and_tells_its_steps);
	tcase_add_test(run, exit_codes_become_statuses_and_the_last_line_the_error);
	tcase_add_test(run, a_script_names_what_it_was_given_as_the_caller_does);
	tcase_add_test(run, what_a_script_leaves_running_dies_with_it);
	tcase_add_test(run, a_script_that_hangs_is_ended_in_time);
	tcase_add_test(run, mounts_of_a_script_are_not_seen_outside);
	suite_add_tcase(suite, find);
	suite_add_tcase(suite, run);
	return run_suite(suite);
}
