/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char dir[] = "/tmp/sysct-file-XXXXXX";
static int at;

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX"); /* again, where tests do not fork */
	ck_assert_ptr_nonnull(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(at, 0);
}

static void teardown(void)
{
	struct error err = ERROR_NONE;

	close(at);
	ck_assert_int_eq(remove_tree_at(AT_FDCWD, dir, &err), 0);
}

static void put(const char *name, const char *text)
{
	struct error err = ERROR_NONE;

	ck_assert_msg(replace_file_at(at, name, text, strlen(text), 0640, false, &err) == 0, "%s",
		      err.message);
}

static bool exists(const char *name)
{
	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

START_TEST(a_file_is_read_whole_and_bounded)
{
	auto_free char *big = xmalloc(100000), *text = NULL, *text2 = NULL;
	size_t len = 0;

	memset(big, 'x', 99999);
	big[99999] = '\0';
	put("big", big);
	ck_assert_int_eq(read_file_at(at, "big", 99999, &text, &len), 0);
	ck_assert_uint_eq(len, 99999);
	ck_assert_str_eq(text, big);
	ck_assert_int_eq(read_file_at(at, "big", 99998, &text2, &len), -EFBIG);
	ck_assert_int_eq(read_file_at(at, "none", 10, &text2, &len), -ENOENT);
	ck_assert_ptr_null(text2);
	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/status", 65536, &text2, NULL), 0);
	ck_has(text2, "Pid:");
}
END_TEST

START_TEST(replace_is_whole_with_mode_and_leaves_nothing_beside)
{
	auto_free char *text = NULL;
	struct error err = ERROR_NONE;
	struct stat st;

	umask(077);
	put("f", "one");
	ck_assert_int_eq(replace_file_at(at, "f", "two", 3, 0644, true, &err), 0);
	ck_assert_int_eq(fstatat(at, "f", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644); /* whatever the umask */
	ck_assert_int_eq(read_file_at(at, "f", 10, &text, NULL), 0);
	ck_assert_str_eq(text, "two");
	ck_assert_int_eq(mkdirat(at, "d", 0700), 0);
	ck_assert_int_lt(replace_file_at(at, "d", "x", 1, 0644, false, &err), 0);
	ck_has(err.message, "write d: ");
	ck_assert_int_eq(unlinkat(at, "d", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(at, "f", 0), 0);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing was left beside them */
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}
END_TEST

START_TEST(what_a_dead_writer_left_is_removed)
{
	static const char *const names[] = { "f", "g", NULL };
	auto_free char *alive = xasprintf("f.new-%d", (int)getpid());
	auto_free char *dead = NULL, *other = NULL;
	siginfo_t info;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(0);
	dead = xasprintf("f.new-%d", (int)pid);
	other = xasprintf("h.new-3.new-%d", (int)pid);
	put("f", "8");	/* first: its temporary name is the one below */
	put(alive, "1");
	put(dead, "2");
	put(other, "3");
	put("f.new-", "4");
	put("f.new-x", "5");
	put("f.new--1", "6");
	put("f.new-99999999999999999999", "7");
	/* a zombie first, then nobody */
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_uint_eq(remove_abandoned_at(at, ".", names), 1);
	ck_assert(!exists(dead));
	ck_assert(exists(other));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(remove_abandoned_at(at, ".", NULL), 1);
	ck_assert(!exists(other));
	ck_assert(exists(alive) && exists("f.new-") && exists("f.new-x") && exists("f.new--1") && exists("f"));
	ck_assert(exists("f.new-99999999999999999999"));
	ck_assert_uint_eq(remove_abandoned_at(at, "none", NULL), 0);
}
END_TEST

START_TEST(replace_replaces_a_link_and_not_what_it_points_to)
{
	auto_free char *text = NULL;

	put("target", "old");
	ck_assert_int_eq(symlinkat("target", at, "link"), 0);
	put("link", "new");
	ck_assert_int_eq(read_file_at(at, "target", 10, &text, NULL), 0);
	ck_assert_str_eq(text, "old");
}
END_TEST

START_TEST(a_value_is_read_whole_or_refused)
{
	char buf[8];

	put("v", "seven 7");
	ck_assert_int_eq(read_value_at(at, "v", buf, sizeof(buf)), 7);
	ck_assert_str_eq(buf, "seven 7");
	put("v", "eight 88");
	ck_assert_int_eq(read_value_at(at, "v", buf, sizeof(buf)), -EFBIG);
	put("v", "");
	ck_assert_int_eq(read_value_at(at, "v", buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(read_value_at(at, "none", buf, sizeof(buf)), -ENOENT);
}
END_TEST

START_TEST(a_value_is_written_into_a_file_that_exists)
{
	auto_free char *text = NULL;

	ck_assert_int_eq(write_value_at(at, "v", "1"), -ENOENT);
	put("v", "0");
	ck_assert_int_eq(write_value_at(at, "v", "1"), 0);
	ck_assert_int_eq(read_file_at(at, "v", 10, &text, NULL), 0);
	ck_assert_str_eq(text, "1");
}
END_TEST

START_TEST(directories_are_made_with_their_parents)
{
	auto_free char *path = xasprintf("%s/a/b//c", dir), *below = xasprintf("%s/f/x", dir);

	ck_assert_int_eq(make_dirs(path, 0755), 0);
	ck_assert_int_eq(make_dirs(path, 0755), 0);
	ck_assert(exists("a/b/c"));
	put("f", "");
	ck_assert_int_eq(make_dirs(below, 0755), -ENOTDIR);
}
END_TEST

START_TEST(a_tree_is_removed_without_following_links)
{
	auto_free char *path = xasprintf("%s/t/a/b", dir);
	struct error err = ERROR_NONE;

	ck_assert_int_eq(make_dirs(path, 0755), 0);
	put("outside", "x");
	put("t/a/file", "x");
	ck_assert_int_eq(symlinkat("../../outside", at, "t/a/link"), 0);
	ck_assert_int_eq(symlinkat("..", at, "t/a/up"), 0);
	ck_assert_int_eq(mkfifoat(at, "t/fifo", 0600), 0);
	ck_assert_int_eq(remove_tree_at(at, "t", &err), 0);
	ck_assert(!exists("t"));
	ck_assert(exists("outside"));
	ck_assert_int_eq(remove_tree_at(at, "t", &err), 0); /* nothing there is no error */
	ck_assert_int_eq(remove_tree_at(at, "outside", &err), 0);
	ck_assert(!exists("outside"));
}
END_TEST

START_TEST(a_path_in_a_root_never_leaves_it)
{
	auto_free char *path = xasprintf("%s/root/etc", dir), *text = NULL;
	auto_close int root = -1, fd = -1;

	ck_assert_int_eq(make_dirs(path, 0755), 0);
	put("secret", "host");
	put("root/etc/passwd", "inside");
	ck_assert_int_eq(symlinkat("/etc/passwd", at, "root/absolute"), 0);
	ck_assert_int_eq(symlinkat("../../../../secret", at, "root/up"), 0);
	root = openat(at, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open_in_root(root, "/absolute", O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read_fd(fd, 100, &text, NULL), 0);
	ck_assert_str_eq(text, "inside");
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(open_in_root(root, "up", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(open_in_root(root, "../secret", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(open_beneath(root, "../secret", O_RDONLY, 0), -EXDEV);
	ck_assert_int_eq(open_beneath(root, "/etc/passwd", O_RDONLY, 0), -EXDEV);
	ck_assert_int_eq(open_beneath(root, "absolute", O_RDONLY, 0), -ELOOP);
	close_fd(&fd);
	fd = open_beneath(root, "etc/new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert(exists("root/etc/new"));
}
END_TEST

START_TEST(a_file_is_put_where_none_is_and_no_link_leads)
{
	auto_free char *text = NULL;
	struct error err = ERROR_NONE;

	ck_assert_int_eq(mkdirat(at, "put", 0755), 0);
	ck_assert_int_eq(put_file_beneath(at, "put/file", "text\n", &err), 0);
	ck_assert_int_eq(read_file_at(at, "put/file", 100, &text, NULL), 0);
	ck_assert_str_eq(text, "text\n");
	ck_assert_int_eq(put_file_beneath(at, "put/file", "other", &err), -EEXIST);
	ck_has(err.message, "create /put/file");
	err = (struct error)ERROR_NONE;
	ck_assert_int_eq(symlinkat("put", at, "to-put"), 0);
	ck_assert_int_eq(put_file_beneath(at, "to-put/new", "other", &err), -ELOOP);
	ck_assert(!exists("put/new"));
}
END_TEST

START_TEST(a_lock_is_held_until_its_descriptor_goes)
{
	auto_close int one = lock_file_at(at, "lock", true, 0), two = -1;
	uint64_t begin;

	ck_assert_int_ge(one, 0);
	ck_assert_int_eq(lock_file_at(at, "lock", true, 0), -EAGAIN);
	ck_assert_int_eq(lock_file_at(at, "lock", false, 0), -EAGAIN);
	begin = now_usec();
	ck_assert_int_eq(lock_file_at(at, "lock", true, 50), -EAGAIN);
	ck_assert_uint_ge(now_usec() - begin, 50000);
	close_fd(&one);
	one = lock_file_at(at, "lock", false, 0);
	two = lock_file_at(at, "lock", false, 0); /* two may read */
	ck_assert_int_ge(one, 0);
	ck_assert_int_ge(two, 0);
	ck_assert_int_eq(symlinkat("lock", at, "link"), 0);
	ck_assert_int_eq(lock_file_at(at, "link", true, 0), -ELOOP);
}
END_TEST

START_TEST(a_lock_is_waited_for)
{
	int fd = lock_file_at(at, "lock", true, 0), got;
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		usleep(50000);
		_exit(0); /* the child's copy keeps the lock until now */
	}
	close(fd);
	got = lock_file_at(at, "lock", true, 5000);
	ck_assert_int_ge(got, 0);
	close(got);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(all_is_written_into_a_slow_pipe)
{
	auto_free char *big = xcalloc(1, 300000), *text = NULL;
	size_t len;
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		_exit(write_all(fds[1], big, 300000) == 0 ? 0 : 1);
	}
	close(fds[1]);
	ck_assert_int_eq(read_fd(fds[0], 1 << 20, &text, &len), 0);
	ck_assert_uint_eq(len, 300000);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(write_all(-1, "x", 1), -EBADF);
}
END_TEST

START_TEST(a_file_is_its_owners_alone_when_nobody_else_may_write)
{
	static const struct {
		mode_t mode;
		bool alone;
	} modes[] = { { 0600, true }, { 0755, true }, { 0444, true }, { 0620, false }, { 0602, false }, { 0777, false } };
	struct stat st;

	put("f", "x");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		ck_assert_int_eq(fchmodat(at, "f", modes[i].mode, 0), 0);
		ck_assert_int_eq(fstatat(at, "f", &st, 0), 0);
		ck_assert_int_eq(owned_alone(&st, st.st_uid), modes[i].alone);
		ck_assert(!owned_alone(&st, st.st_uid + 1));
	}
}
END_TEST

START_TEST(the_clock_goes_forward_and_a_descriptor_has_a_path)
{
	uint64_t begin = now_usec();
	char buf[32];

	usleep(1000);
	ck_assert_uint_gt(now_usec(), begin);
	ck_assert_str_eq(fd_path(7, buf, sizeof(buf)), "/proc/self/fd/7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_file_is_read_whole_and_bounded);
	tcase_add_test(tcase, replace_is_whole_with_mode_and_leaves_nothing_beside);
	tcase_add_test(tcase, what_a_dead_writer_left_is_removed);
	tcase_add_test(tcase, replace_replaces_a_link_and_not_what_it_points_to);
	tcase_add_test(tcase, a_value_is_read_whole_or_refused);
	tcase_add_test(tcase, a_value_is_written_into_a_file_that_exists);
	tcase_add_test(tcase, directories_are_made_with_their_parents);
	tcase_add_test(tcase, a_tree_is_removed_without_following_links);
	tcase_add_test(tcase, a_path_in_a_root_never_leaves_it);
	tcase_add_test(tcase, a_file_is_put_where_none_is_and_no_link_leads);
	tcase_add_test(tcase, a_lock_is_held_until_its_descriptor_goes);
	tcase_add_test(tcase, a_lock_is_waited_for);
	tcase_add_test(tcase, all_is_written_into_a_slow_pipe);
	tcase_add_test(tcase, a_file_is_its_owners_alone_when_nobody_else_may_write);
	tcase_add_test(tcase, the_clock_goes_forward_and_a_descriptor_has_a_path);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
