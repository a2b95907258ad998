/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <sched.h>
#include <sys/mount.h>

#include "store/container.h"
#include "store/idpool.h"
#include "store/leftovers.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void make_box(const char *name, const char *config, const char *more)
{
	auto_free char *dir = xasprintf("%s/state/containers/%s", test_dir, name);
	auto_free char *config_name = xasprintf("state/containers/%s/config", name);
	auto_free char *identity_name = xasprintf("state/containers/%s/identity", name);
	auto_free char *identity = xasprintf("uuid=" UUID "\ncreated_at=1\n%s", more);

	ck_assert_int_eq(mkdir(dir, 0700), 0);
	write_file(config_name, config, 0600);
	write_file(identity_name, identity, 0600);
}

static int open_box(const char *name, bool lock, bool tolerant, struct container *c, struct error *err)
{
	*err = (struct error)ERROR_NONE;
	return container_open(&install, name, lock, tolerant, c, err);
}

START_TEST(a_container_is_opened_with_all_it_has)
{
	struct container c = CONTAINER_EMPTY;
	struct error err;

	make_box("dev", "[container]\nhostname = there\n", "idmap=0:1000013824:65536\n");
	ck_assert_msg(open_box("dev", true, false, &c, &err) == 0, "%s", err.message);
	ck_assert_str_eq(c.uuid, UUID);
	ck_assert_str_eq(c.config.hostname, "there");
	ck_assert_uint_eq(c.idmap.outside, 1000013824);
	ck_assert_int_ge(c.lock_fd, 0);
	ck_assert_ptr_null(c.broken);
	container_close(&c);
	container_close(&c);
}
END_TEST

START_TEST(an_unknown_name_is_told_with_the_nearest)
{
	struct container c;
	struct error err;

	make_box("alpine", "", "");
	ck_assert_int_lt(open_box("alpne", false, false, &c, &err), 0);
	ck_assert_int_eq(err.status, STATUS_NOT_FOUND);
	ck_has(err.hint, "\"alpine\"");
	ck_assert_int_lt(open_box("../../etc", false, false, &c, &err), 0);
	ck_assert_int_eq(err.status, STATUS_NOT_FOUND);
	ck_assert_int_lt(open_box("a\033[0mb", false, false, &c, &err), 0);
	ck_has_not(err.message, "\033");
}
END_TEST

START_TEST(a_broken_configuration_is_opened_only_by_the_tolerant)
{
	struct container c = CONTAINER_EMPTY;
	struct error err;

	make_box("dev", "[limits]\nmemroy = 1\n", "");
	ck_assert_int_lt(open_box("dev", false, false, &c, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_has(err.message, "config:2:");
	ck_assert_msg(open_box("dev", false, true, &c, &err) == 0, "%s", err.message);
	ck_has(c.broken, "memroy");
	ck_assert_str_eq(c.uuid, UUID);
	container_close(&c);
}
END_TEST

static void use_conf(const char *text)
{
	write_file("sysct.conf", text, 0644);
	free(install.config);
	install.config = xasprintf("%s/sysct.conf", test_dir);
	install.config_given = true;
}

/* Whoever looks at many sees of each what one who opens it alone sees. */
static void looks_the_same(const char *name)
{
	struct container_defaults defaults;
	struct container looked = CONTAINER_EMPTY, opened = CONTAINER_EMPTY;
	struct error err;

	container_defaults_load(&install, &defaults);
	for (int i = 0; i < 2; i++) {	/* what is read once serves more than once */
		auto_free char *a = NULL, *b = NULL;
		char one[HASH_TEXT], two[HASH_TEXT];

		ck_assert_int_eq(container_look(&install, &defaults, name, &looked, &err), open_box(name, false, true, &opened, &err));
		ck_assert_int_eq(looked.lock_fd, -1);
		ck_assert_str_eq(looked.uuid, opened.uuid);
		ck_assert_str_eq(looked.host.bridge, opened.host.bridge);
		a = config_format(&looked.config, NULL);
		b = config_format(&opened.config, NULL);
		ck_assert_str_eq(a, b);
		ck_assert_str_eq(hash_format(&looked.config.source, one), hash_format(&opened.config.source, two));
		ck_assert_int_eq(!looked.broken, !opened.broken);
		if (looked.broken)
			ck_assert_str_eq(looked.broken, opened.broken);
		container_close(&looked);
		container_close(&opened);
	}
	container_defaults_done(&defaults);
}

START_TEST(who_looks_at_many_sees_what_one_sees)
{
	make_box("plain", "", "");
	make_box("more", "[container]\nhostname = there\n[environment]\nA = own\n[network \"eth1\"]\ntype = none\n", "");
	make_box("broken", "[limits]\nmemroy = 1G\n", "");
	make_box("unidentified", "", "");
	write_file("state/containers/unidentified/identity", "what", 0600);
	for (int i = 0; i < 4; i++) {
		static const char *const confs[] = {
			"", "[container]\nautostart = yes\n[host]\nbridge = other0\n[environment]\nA = 1\nB = 2\n",
			"[nonsense\n", NULL,
		};

		if (confs[i])
			use_conf(confs[i]);
		else
			ck_assert_int_eq(unlink(install.config), 0);
		looks_the_same("plain");
		looks_the_same("more");
		looks_the_same("broken");
		looks_the_same("unidentified");
	}
}
END_TEST

START_TEST(what_is_edited_between_two_looks_is_seen)
{
	struct container_defaults defaults;
	struct container c = CONTAINER_EMPTY;
	struct error err = ERROR_NONE;

	make_box("dev", "[container]\nhostname = there\n", "");
	container_defaults_load(&install, &defaults);
	ck_assert_int_eq(container_look(&install, &defaults, "dev", &c, &err), 0);
	container_close(&c);
	write_file("state/containers/dev/config", "[container]\nhostname = here\n", 0600);
	ck_assert_int_eq(container_look(&install, &defaults, "dev", &c, &err), 0);
	ck_assert_str_eq(c.config.hostname, "here");
	container_close(&c);
	ck_assert_int_lt(container_look(&install, &defaults, "none", &c, &err), 0);
	ck_assert_int_eq(err.status, STATUS_NOT_FOUND);
	container_defaults_done(&defaults);
}
END_TEST

START_TEST(a_directory_of_others_is_refused)
{
	struct container c;
	struct error err;
	auto_free char *dir = xasprintf("%s/state/containers/dev", test_dir);
	auto_free char *link = xasprintf("%s/state/containers/link", test_dir);

	make_box("dev", "", "");
	ck_assert_int_eq(chmod(dir, 0777), 0);
	ck_assert_int_lt(open_box("dev", false, true, &c, &err), 0);
	ck_has(err.hint, "chmod go-w");
	ck_assert_int_eq(symlink(dir, link), 0);
	ck_assert_int_lt(open_box("link", false, true, &c, &err), 0);
}
END_TEST

START_TEST(a_lock_is_held_once)
{
	struct error err = ERROR_NONE;
	auto_close int first = container_lock(&install, "dev", 0, &err), second = -1;

	ck_assert_int_ge(first, 0);
	second = container_lock(&install, "dev", 20, &err);
	ck_assert_int_lt(second, 0);
	ck_assert_int_eq(err.status, STATUS_STATE);
	ck_has(err.message, "busy");
	close_fd(&first);
	second = container_lock(&install, "dev", 0, &err);
	ck_assert_int_ge(second, 0);
}
END_TEST

START_TEST(what_was_half_written_goes_when_a_lock_does)
{
	auto_free char *file = xasprintf("state/containers/dev/config.new-%d", 0x7ffffff0), *path = xasprintf("%s/%s", test_dir, file);
	struct container c = CONTAINER_EMPTY;
	struct error err = ERROR_NONE;

	make_box("dev", "", "");
	write_file(file, "[container", 0600);
	ck_assert_int_eq(open_box("dev", false, false, &c, &err), 0);	/* no lock: somebody else may be at it */
	container_close(&c);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(open_box("dev", true, false, &c, &err), 0);
	container_drop_lock(&c);
	container_close(&c);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(open_box("dev", true, false, &c, &err), 0);
	container_unlock(&c);
	ck_assert_int_lt(access(path, F_OK), 0);
	container_close(&c);
	write_file(file, "[container", 0600);
	ck_assert_int_eq(open_box("dev", true, false, &c, &err), 0);
	container_close(&c);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(names_are_sorted_and_leftovers_are_none)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error err = ERROR_NONE;

	make_box("b", "", "");
	make_box("a", "", "");
	make_box(".create-" UUID, "", "");
	make_box("Upper", "", "");
	write_file("state/containers/file", "", 0600);
	ck_assert_int_eq(container_names(&install, &names, &err), 0);
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.items[0], "a");
}
END_TEST

START_TEST(ids_are_claimed_once_and_never_overlap)
{
	struct container a = CONTAINER_EMPTY, b = CONTAINER_EMPTY;
	struct error err;

	make_box("a", "", "");
	make_box("b", "[security]\nnesting = yes\n", "");
	ck_assert_msg(open_box("a", true, false, &a, &err) == 0, "%s", err.message);
	ck_assert_msg(idpool_ensure(&a, false, &err) == 0, "%s", err.message);
	ck_assert_msg(open_box("b", true, false, &b, &err) == 0, "%s", err.message);
	ck_assert_msg(idpool_ensure(&b, false, &err) == 0, "%s", err.message);
	ck_assert_uint_eq(a.idmap.count, 65536);
	ck_assert_uint_eq(b.idmap.count, 1048576);
	ck_assert(a.idmap.outside + a.idmap.count <= b.idmap.outside ||
		  b.idmap.outside + b.idmap.count <= a.idmap.outside);
	container_close(&b);
	ck_assert_msg(open_box("b", true, false, &b, &err) == 0, "%s", err.message);
	ck_assert_uint_eq(b.idmap.count, 1048576);
	container_close(&a);
	container_close(&b);
}
END_TEST

START_TEST(a_given_range_of_another_is_refused)
{
	struct container b = CONTAINER_EMPTY;
	struct error err;

	make_box("a", "", "idmap=0:2000000:65536\n");
	make_box("b", "[security]\nidmap = 0:2000100:100\n", "");
	ck_assert_msg(open_box("b", true, false, &b, &err) == 0, "%s", err.message);
	ck_assert_int_lt(idpool_ensure(&b, false, &err), 0);
	ck_has(err.message, "overlaps");
	container_close(&b);
}
END_TEST

START_TEST(no_ids_are_claimed_while_those_of_another_are_unknown)
{
	static const struct {
		const char *identity, *why;
	} cases[] = {
		{ "what", "it is damaged" },
		{ "", "it has no uuid" },
		{ "uuid=" UUID "\nidmap=0:20", "it is damaged" },
		{ "uuid=" UUID "\nidmap=0:much:65536\n", "id map \"0:much:65536\"" },
		{ "uuid=" UUID "\nversion=9\n", "it has version 9" },
	};
	auto_free char *file = xasprintf("%s/state/containers/bad/identity", test_dir);
	struct container has = CONTAINER_EMPTY, needs = CONTAINER_EMPTY;
	struct error err;

	make_box("bad", "", "");
	make_box("has", "", "idmap=0:2000000:65536\n");
	make_box("needs", "", "");
	ck_assert_int_eq(open_box("has", true, false, &has, &err), 0);
	ck_assert_int_eq(open_box("needs", true, false, &needs, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file("state/containers/bad/identity", cases[i].identity, 0600);
		ck_assert_int_lt(idpool_ensure(&needs, false, &err), 0);
		ck_has(err.message, file);
		ck_has(err.message, cases[i].why);
		ck_assert_uint_gt(strlen(err.hint), 0);
		ck_assert_ptr_null(record_get(&needs.identity, "idmap"));
		ck_assert_msg(idpool_ensure(&has, false, &err) == 0, "%s", err.message);
	}
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(mkdir(file, 0700), 0);	/* as of a disk that fails: there, and not to be read */
	ck_assert_int_lt(idpool_ensure(&needs, false, &err), 0);
	ck_has(err.message, file);
	ck_has_not(err.hint, "destroy");
	ck_assert_int_eq(rmdir(file), 0);
	make_box(".trash-" UUID, "", "");
	write_file("state/containers/.trash-" UUID "/identity", "what", 0600);
	write_file("state/containers/none", "", 0600);
	ck_assert_msg(idpool_ensure(&needs, false, &err) == 0, "%s", err.message);
	container_close(&has);
	container_close(&needs);
}
END_TEST

/* An empty file in its place, for this test's process alone. */
static void hide(const char *path)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (access(path, F_OK) == 0)
		ck_assert_int_eq(mount("/dev/null", path, NULL, MS_BIND, NULL), 0);
}

START_TEST(an_empty_pool_says_what_to_do)
{
	struct container a = CONTAINER_EMPTY;
	struct error err;

	make_box("a", "", "");
	ck_assert_msg(open_box("a", true, false, &a, &err) == 0, "%s", err.message);
	a.host.id_pool = xstrdup("1000000-1000010");
	hide("/etc/subuid");	/* a range of root's there goes before the pool */
	hide("/etc/subgid");
	ck_assert_int_lt(idpool_ensure(&a, false, &err), 0);
	ck_assert_int_eq(err.code, ENOSPC);
	ck_has(err.hint, "id_pool");
	container_close(&a);
}
END_TEST

START_TEST(leftovers_of_the_dead_alone_are_removed)
{
	auto_free char *dead = xasprintf("%s/state/containers/.create-dead", test_dir);
	auto_free char *alive = xasprintf("%s/state/containers/.trash-alive", test_dir);
	auto_free char *outside = xasprintf("%s/outside", test_dir);
	auto_free char *link = xasprintf("%s/link", dead);
	auto_close int dir = -1, maker = -1;

	ck_assert_int_eq(mkdir(dead, 0700) | mkdir(alive, 0700) | mkdir(outside, 0700), 0);
	ck_assert_int_eq(symlink(outside, link), 0);
	write_file("outside/keep", "", 0600);
	dir = open(alive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	maker = leftovers_claim(dir);
	ck_assert_int_ge(maker, 0);
	leftovers_collect(&install);
	ck_assert_int_lt(access(dead, F_OK), 0);
	ck_assert_int_eq(access(alive, F_OK), 0);
	free(take_ptr(&link));
	link = xasprintf("%s/keep", outside);
	ck_assert_int_eq(access(link, F_OK), 0);
	close_fd(&maker);
	leftovers_collect(&install);
	ck_assert_int_lt(access(alive, F_OK), 0);
}
END_TEST

START_TEST(a_bottomless_tree_is_removed)
{
	auto_free char *deep = xasprintf("%s/deep", test_dir);
	struct error err = ERROR_NONE;
	int fd;

	ck_assert_int_eq(mkdir(deep, 0700), 0);
	fd = open(deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	ck_assert_msg(remove_tree_at(AT_FDCWD, deep, &err) == 0, "%s", err.message);
	ck_assert_int_lt(access(deep, F_OK), 0);
}
END_TEST

START_TEST(relative_directories_are_refused)
{
	struct install other;
	struct error err = ERROR_NONE;

	ck_assert_int_lt(install_init(&other, NULL, "state", NULL, NULL, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_int_lt(install_init(&other, NULL, "/a/../b", NULL, NULL, &err), 0);
	ck_assert_int_lt(install_init(&other, NULL, "/", NULL, NULL, &err), 0);
}
END_TEST

START_TEST(only_the_default_installation_has_no_suffix)
{
	struct install other;
	struct error err = ERROR_NONE;

	ck_assert_int_eq(strlen(install.suffix), 6);
	ck_assert_int_eq(install_init(&other, NULL, DEFAULT_STATE_DIR "/", DEFAULT_RUN_DIR, DEFAULT_CACHE_DIR, &err), 0);
	ck_assert_str_eq(other.suffix, "");
	ck_assert_str_eq(other.state_dir, DEFAULT_STATE_DIR);
	install_done(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/container");
	TCase *tests = tcase_create("container");

	tcase_add_checked_fixture(tests, install_setup, install_teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, a_container_is_opened_with_all_it_has);
	tcase_add_test(tests, an_unknown_name_is_told_with_the_nearest);
	tcase_add_test(tests, a_broken_configuration_is_opened_only_by_the_tolerant);
	tcase_add_test(tests, who_looks_at_many_sees_what_one_sees);
	tcase_add_test(tests, what_is_edited_between_two_looks_is_seen);
	tcase_add_test(tests, a_directory_of_others_is_refused);
	tcase_add_test(tests, a_lock_is_held_once);
	tcase_add_test(tests, what_was_half_written_goes_when_a_lock_does);
	tcase_add_test(tests, names_are_sorted_and_leftovers_are_none);
	tcase_add_test(tests, ids_are_claimed_once_and_never_overlap);
	tcase_add_test(tests, a_given_range_of_another_is_refused);
	tcase_add_test(tests, no_ids_are_claimed_while_those_of_another_are_unknown);
	tcase_add_test(tests, an_empty_pool_says_what_to_do);
	tcase_add_test(tests, leftovers_of_the_dead_alone_are_removed);
	tcase_add_test(tests, a_bottomless_tree_is_removed);
	tcase_add_test(tests, relative_directories_are_refused);
	tcase_add_test(tests, only_the_default_installation_has_no_suffix);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
