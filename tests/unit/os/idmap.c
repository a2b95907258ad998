/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <linux/nsfs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "os/idmap.h"

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
}

START_TEST(a_map_is_read_as_it_is_written)
{
	static const char *const good[] = { "0:100000:65536", "0:1:1", "0:1000:1", "0:4294967293:1", "0:1:4294967293" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct idmap map;
		char buf[40];

		must(idmap_parse(good[i], &map, &err));
		ck_assert_str_eq(idmap_format(&map, buf, sizeof(buf)), good[i]);
	}
}
END_TEST

START_TEST(what_is_no_map_is_refused_with_a_reason)
{
	static const struct {
		const char *text, *reason;
	} bad[] = {
		{ "", "inside:outside:count" },
		{ "0", "inside:outside:count" },
		{ "0:1", "inside:outside:count" },
		{ "0:100000:65536:1", "inside:outside:count" },
		{ "0:100000:-1", "inside:outside:count" },
		{ "0:-1:65536", "inside:outside:count" },
		{ "-0:100000:65536", "inside:outside:count" },
		{ "0:+100000:65536", "inside:outside:count" },
		{ "0x0:100000:65536", "inside:outside:count" },
		{ "0:100000:65536 ", "inside:outside:count" },
		{ " 0:100000:65536", "inside:outside:count" },
		{ "0 100000 65536", "inside:outside:count" },
		{ "0:100000:65536\n", "inside:outside:count" },
		{ "0:4294967296:1", "inside:outside:count" },
		{ "0:1:4294967296", "inside:outside:count" },
		{ "a:b:c", "inside:outside:count" },
		{ "1:100000:65536", "inside must be 0" },
		{ "0:0:65536", "outside must not be 0" },
		{ "0:100000:0", "count is 1 to 4294867294" },
		{ "0:4294967294:1", "count" },
		{ "0:4294967295:1", "count" },
		{ "0:4294967293:2", "count is 1 to 1" },
		{ "0:4294967295:4294967295", "count" },
		{ "0:1:4294967294", "count is 1 to 4294967293" },
		{ "0:100000:4294967295", "count" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct idmap map = { 1, 2, 3 };

		ck_assert_msg(idmap_parse(bad[i].text, &map, &err) < 0, "\"%s\" passes as %u:%u:%u", bad[i].text,
			      map.inside, map.outside, map.count);
		ck_has(err.message, bad[i].reason);
		ck_assert(map.inside == 1 && map.outside == 2 && map.count == 3);
	}
}
END_TEST

/* "0::100000:65536" is easily typed, and is it one field too many or too few? */
START_TEST(an_empty_field_is_refused)
{
	static const char *const bad[] = { "0::100000:65536", ":0:100000:65536", "0:100000:65536:", "0:100000::65536",
					   ":0:1:1:" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct idmap map;

		ck_assert_msg(idmap_parse(bad[i], &map, &err) < 0, "\"%s\" passes", bad[i]);
	}
}
END_TEST

/* --- with privilege --- */

static const struct idmap map = { 0, 700000, 65536 };

/* Processes of ours, zombies too. */
static void assert_nobody_is_left(void)
{
	auto_free char *children = NULL;

	no_child_is_left();
	if (read_file_at(AT_FDCWD, "/proc/thread-self/children", 4096, &children, NULL) == 0)
		ck_assert_str_eq(children, "");
}

static void assert_we_are_root(void)
{
	uid_t real, effective, saved;

	ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
	ck_assert_uint_eq(real, 0);
	ck_assert_uint_eq(effective, 0);
	ck_assert_uint_eq(saved, 0);
	ck_assert_int_eq(prctl(PR_GET_SECUREBITS), 0);
}

static int check_inside(void *arg)
{
	static const struct {
		const char *file, *wanted;
	} files[] = { { "/proc/self/uid_map", "0 700000 65536" }, { "/proc/self/gid_map", "0 700000 65536" } };

	if (setns(*(int *)arg, CLONE_NEWUSER) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *text = NULL, *joined = NULL;
		auto_strings struct strings words = STRINGS_EMPTY;

		/* seen from inside, the ids outside are those of the reader's parent namespace */
		if (read_file_at(AT_FDCWD, files[i].file, 4096, &text, NULL) < 0)
			return 2;
		strings_split(&words, text, " \n");
		joined = strings_join(&words, " ");
		if (strcmp(joined, files[i].wanted) != 0 && words.n != 3)
			return 3;
	}
	/* the ids are there, and no others */
	if (setresgid(65535, 65535, 65535) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return 4;
	if (setresuid(65536, 65536, 65536) == 0)
		return 5;
	return setresuid(65535, 65535, 65535) == 0 && getuid() == 65535 ? 0 : 6;
}

START_TEST(ids_are_mapped_as_asked_for)
{
	int fd = must(userns_create(&map, &err));

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(in_child(check_inside, &fd), 0);
	close(fd);
}
END_TEST

/* What is mapped, read from outside. */
static int print_map(void *arg)
{
	return setns(*(int *)arg, CLONE_NEWUSER) < 0;
}

START_TEST(the_map_is_the_one_the_host_sees)
{
	int fd = must(userns_create(&map, &err)), go[2];
	char byte = 0, path[40];
	auto_free char *text = NULL;
	unsigned int inside, outside, count;
	pid_t pid;

	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		byte = (char)print_map(&fd);
		if (write(go[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(go[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, i ? "gid_map" : "uid_map");
		ck_assert_int_eq(read_file_at(AT_FDCWD, path, 4096, &text, NULL), 0);
		ck_assert_int_eq(sscanf(text, "%u %u %u", &inside, &outside, &count), 3);
		ck_assert(inside == map.inside && outside == map.outside && count == map.count);
		ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);	/* one line */
		free(take_ptr(&text));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}
END_TEST

static void *create_many(void *arg)
{
	struct error why = ERROR_NONE;
	const bool *with_net = arg;

	for (int i = 0; i < 60; i++) {
		int net = -1, fd = *with_net ? userns_create_with_net(&map, &net, &why) : userns_create(&map, &why);

		if (fd < 0)
			return xstrdup(why.message);
		close(fd);
		close_fd(&net);
	}
	return NULL;
}

START_TEST(two_threads_do_not_get_in_each_others_way)
{
	bool with_net = true, without = false;
	void *failed[2];
	pthread_t other;

	ck_assert_int_eq(pthread_create(&other, NULL, create_many, &with_net), 0);
	failed[0] = create_many(&without);
	ck_assert_int_eq(pthread_join(other, &failed[1]), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(!failed[i], "%s", (const char *)failed[i]);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
}
END_TEST

START_TEST(a_network_namespace_of_it_is_owned_by_it_and_is_a_new_one)
{
	int net = -1, fd = must(userns_create_with_net(&map, &net, &err)), owner;
	struct stat a, b;

	ck_assert_int_eq(fcntl(net, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(ioctl(net, NS_GET_NSTYPE), CLONE_NEWNET);
	owner = ioctl(net, NS_GET_USERNS);
	ck_assert_int_ge(owner, 0);
	ck_assert_int_eq(fstat(owner, &a), 0);
	ck_assert_int_eq(fstat(fd, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_eq(fstat(net, &a), 0);
	ck_assert_int_eq(stat("/proc/self/ns/net", &b), 0);
	ck_assert_uint_ne(a.st_ino, b.st_ino);
	close(owner);
	close(net);
	close(fd);
}
END_TEST

START_TEST(nobody_is_left_after_it_was_reaped)
{
	int net = -1, fd = must(userns_create_with_net(&map, &net, &err));

	userns_reap();
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	userns_reap();	/* twice is no harm */
	close(net);
	close(fd);
}
END_TEST

/* The kernel charges it to the creator: its own base, not the host's root. */
START_TEST(it_belongs_to_the_first_id_of_its_range)
{
	int fd = must(userns_create(&map, &err));
	uid_t owner = 1;

	ck_assert_int_eq(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUSER);
	ck_assert_int_eq(ioctl(fd, NS_GET_OWNER_UID, &owner), 0);
	ck_assert_uint_eq(owner, map.outside);
	close(fd);
}
END_TEST

START_TEST(nothing_is_left_but_the_descriptor)
{
	int before = count_fds();

	for (int i = 0; i < 20; i++) {
		int fd = must(userns_create(&map, &err));

		assert_nobody_is_left();
		assert_we_are_root();
		ck_assert_int_eq(count_fds(), before + 1);
		close(fd);
	}
}
END_TEST

START_TEST(each_is_another)
{
	int a = must(userns_create(&map, &err)), b = must(userns_create(&map, &err));
	struct stat st_a, st_b, own;

	ck_assert_int_eq(fstat(a, &st_a), 0);
	ck_assert_int_eq(fstat(b, &st_b), 0);
	ck_assert_int_eq(stat("/proc/self/ns/user", &own), 0);
	ck_assert_uint_ne(st_a.st_ino, st_b.st_ino);
	ck_assert_uint_ne(st_a.st_ino, own.st_ino);
	close(a);
	close(b);
}
END_TEST

/* What a sysct inside a container sees: a user namespace with a map of its own. */
static const struct idmap outer = { 0, 1000000, 200000 };

static int inside_outer(int (*run)(void *arg))
{
	int fd = userns_create(&outer, &err);

	if (fd < 0 || setns(fd, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0)
		return 100;
	close(fd);
	return run(NULL);
}

static int make_nested(void *arg)
{
	static const struct idmap nested = { 0, 100000, 65536 };
	int fd = userns_create(&nested, &err);
	uid_t owner;

	(void)arg;
	if (fd < 0)
		return 1;
	if (ioctl(fd, NS_GET_OWNER_UID, &owner) < 0 || owner != nested.outside)
		return 2;
	return geteuid() == 0 ? 0 : 3;
}

static int make_too_many(void *arg)
{
	static const struct idmap maps[] = { { 0, 150000, 65536 }, { 0, 500000, 1 }, { 0, 199999, 2 } };
	int before = count_fds(), bits = prctl(PR_GET_SECUREBITS);

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		if (userns_create(&maps[i], &err) >= 0 || !*err.message)
			return 1;
		if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD || count_fds() != before)
			return 2;
		if (prctl(PR_GET_SECUREBITS) != bits)
			return 4;
	}
	return geteuid() == 0 && getuid() == 0 ? 0 : 3;
}

static int make_none(void *arg)
{
	int before = count_fds();

	(void)arg;
	if (write_value_at(AT_FDCWD, "/proc/sys/user/max_user_namespaces", "0") < 0)
		return EXIT_SKIPPED;
	if (userns_create(&(struct idmap){ 0, 1000, 10 }, &err) >= 0)
		return 1;
	if (!strstr(err.hint, "max_user_namespaces"))
		return 2;
	return count_fds() == before && waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 3;
}

#define INSIDE(name)                                                                               \
	static int inside_##name(void *arg)                                                        \
	{                                                                                          \
		(void)arg;                                                                         \
		return inside_outer(name);                                                         \
	}
INSIDE(make_nested)
INSIDE(make_too_many)
INSIDE(make_none)

START_TEST(in_a_container_a_map_within_its_own_works)
{
	ck_assert_int_eq(in_child(inside_make_nested, NULL), 0);
}
END_TEST

START_TEST(ids_that_are_not_ours_are_refused_and_leave_nothing)
{
	ck_assert_int_eq(in_child(inside_make_too_many, NULL), 0);
}
END_TEST

START_TEST(a_host_without_user_namespaces_gets_a_hint)
{
	int r = in_child(inside_make_none, NULL);

	if (can_run(r != EXIT_SKIPPED, "a limit of user namespaces that can be set"))
		ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/idmap");
	TCase *text = tcase_create("text"), *root = tcase_create("namespace");

	tcase_add_checked_fixture(text, setup, NULL);
	tcase_add_test(text, a_map_is_read_as_it_is_written);
	tcase_add_test(text, what_is_no_map_is_refused_with_a_reason);
	tcase_add_test(text, an_empty_field_is_refused);
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(root, setup, NULL);
	tcase_add_test(root, ids_are_mapped_as_asked_for);
	tcase_add_test(root, the_map_is_the_one_the_host_sees);
	tcase_add_test(root, two_threads_do_not_get_in_each_others_way);
	tcase_add_test(root, a_network_namespace_of_it_is_owned_by_it_and_is_a_new_one);
	tcase_add_test(root, nobody_is_left_after_it_was_reaped);
	tcase_add_test(root, it_belongs_to_the_first_id_of_its_range);
	tcase_add_test(root, nothing_is_left_but_the_descriptor);
	tcase_add_test(root, each_is_another);
	tcase_add_test(root, in_a_container_a_map_within_its_own_works);
	tcase_add_test(root, ids_that_are_not_ours_are_refused_and_leave_nothing);
	tcase_add_test(root, a_host_without_user_namespaces_gets_a_hint);
	if (add_root_tests())
		suite_add_tcase(suite, root);
	return run_suite(suite);
}
