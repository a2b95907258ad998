/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test has a mount namespace of its own, with a devpts of its own. */
#include "testing.h"

#include "os/mount.h"
#include "os/pty.h"

static struct error err;
static int pts = -1;

static void setup(void)
{
	static const char *const options[] = { "ptmxmode=0666", "mode=0620", "max=4", NULL };
	auto_close int fd = -1, target = -1;

	err = (struct error)ERROR_NONE;
	mounts_setup();
	fd = must(mount_new("devpts", "sysct-pts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &err));
	ck_assert_int_eq(mkdir(in_dir("pts"), 0755), 0);
	target = open(in_dir("pts"), O_PATH | O_CLOEXEC);
	must(mount_attach(fd, target, &err));
	pts = open_dir(in_dir("pts"));
}

static void teardown(void)
{
	close_fd(&pts);
	mounts_teardown();
}

START_TEST(a_pty_is_the_first_of_its_instance)
{
	int slave = -1, number = -1;
	auto_close int master = must(pty_open(pts, &slave, &number, &err));
	struct stat by_name, by_fd;
	struct winsize size;

	ck_assert_int_eq(number, 0);
	ck_assert_int_eq(fcntl(master, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(slave, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(master, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	ck_assert(isatty(slave));
	ck_assert_int_eq(stat(in_dir("pts/0"), &by_name), 0);
	ck_assert_int_eq(fstat(slave, &by_fd), 0);
	ck_assert_uint_eq(by_name.st_rdev, by_fd.st_rdev);
	ck_assert_uint_eq(by_name.st_dev, by_fd.st_dev);	/* of this instance, not the host's */
	ck_assert_int_eq(ioctl(slave, TIOCGWINSZ, &size), 0);
	ck_assert(size.ws_row == 24 && size.ws_col == 80);
	close(slave);
}
END_TEST

START_TEST(bytes_go_both_ways)
{
	int slave = -1, number;
	auto_close int master = must(pty_open(pts, &slave, &number, &err));
	struct termios old;
	char buf[16];

	ck_assert_int_eq(terminal_raw(slave, &old), 0);
	ck_assert_int_eq(write(slave, "out\n", 4), 4);
	ck_assert_int_eq(fcntl(master, F_SETFL, 0), 0);
	ck_assert_int_eq(read(master, buf, sizeof(buf)), 4);
	ck_assert_int_eq(memcmp(buf, "out\n", 4), 0);
	ck_assert_int_eq(write(master, "in\003", 3), 3);
	ck_assert_int_eq(read(slave, buf, sizeof(buf)), 3);
	ck_assert_int_eq(memcmp(buf, "in\003", 3), 0);
	close(slave);
}
END_TEST

static int open_without_terminal(void *arg)
{
	int slave = -1, number;

	(void)arg;
	if (setsid() < 0)
		return 1;
	if (pty_open(pts, &slave, &number, &err) < 0)
		return 2;
	return open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 ? 0 : 3;
}

START_TEST(it_does_not_become_our_controlling_terminal)
{
	ck_assert_int_eq(in_child(open_without_terminal, NULL), 0);
}
END_TEST

START_TEST(numbers_run_out_with_an_error)
{
	int slaves[4], masters[4], slave, number, before;

	for (int i = 0; i < 4; i++) {
		masters[i] = must(pty_open(pts, &slaves[i], &number, &err));
		ck_assert_int_eq(number, i);
	}
	before = count_fds();
	ck_assert_int_lt(pty_open(pts, &slave, &number, &err), 0);
	ck_has(err.message, "ptmx");
	ck_assert_int_eq(count_fds(), before);
	close(slaves[2]);
	close(masters[2]);
	masters[2] = must(pty_open(pts, &slaves[2], &number, &err));
	ck_assert_int_eq(number, 2);
}
END_TEST

START_TEST(a_directory_that_is_no_devpts_is_refused)
{
	int slave = 5, number = 5, before;
	auto_close int dir = open_dir(test_dir);

	ck_assert_int_eq(symlink("/dev/ptmx", in_dir("ptmx")), 0);
	before = count_fds();
	ck_assert_int_lt(pty_open(dir, &slave, &number, &err), 0);
	ck_has(err.message, "devpts");
	ck_assert_int_lt(pty_open(-1, &slave, &number, &err), 0);
	ck_assert(slave == 5 && number == 5);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* What a container may have put over it. */
START_TEST(something_else_over_ptmx_is_refused)
{
	static const char *const covers[] = { "file", "fifo", "/dev/null", "/dev/zero", "pts/0" };
	int slave = -1, number, first, own;

	first = must(pty_open(pts, &own, &number, &err));
	close(open(in_dir("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	ck_assert_int_eq(mkfifo(in_dir("fifo"), 0666), 0);
	for (size_t i = 0; i < ARRAY_SIZE(covers); i++) {
		const char *cover = *covers[i] == '/' ? covers[i] : in_dir(covers[i]);
		int before;

		ck_assert_int_eq(mount(cover, in_dir("pts/ptmx"), NULL, MS_BIND, NULL), 0);
		before = count_fds();
		ck_assert_msg(pty_open(pts, &slave, &number, &err) < 0, "%s passes", covers[i]);
		ck_assert_int_eq(slave, -1);
		ck_assert_int_eq(count_fds(), before);
		ck_assert_int_eq(umount(in_dir("pts/ptmx")), 0);
	}
	close(own);
	close(first);
}
END_TEST

START_TEST(a_terminal_is_restored_as_it_was)
{
	int slave = -1, number, fds[2];
	auto_close int master = must(pty_open(pts, &slave, &number, &err));
	struct termios before, old, raw, after;

	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	ck_assert_int_eq(tcgetattr(slave, &before), 0);
	ck_assert_int_eq(terminal_raw(slave, &old), 0);
	ck_assert_int_eq(tcgetattr(slave, &raw), 0);
	ck_assert_uint_eq(raw.c_lflag & (ICANON | ECHO | ISIG), 0);
	ck_assert_uint_eq(raw.c_oflag & OPOST, 0);
	terminal_restore(slave, &old);
	ck_assert_int_eq(tcgetattr(slave, &after), 0);
	ck_assert_uint_eq(after.c_lflag, before.c_lflag);
	ck_assert_uint_eq(after.c_iflag, before.c_iflag);
	ck_assert_uint_eq(after.c_oflag, before.c_oflag);
	ck_assert_int_eq(memcmp(after.c_cc, before.c_cc, sizeof(before.c_cc)), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(terminal_raw(fds[0], &old), -ENOTTY);
	close(slave);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/pty");
	TCase *tests = tcase_create("pty");
	int skipped = skip_without_root("a devpts of its own");

	if (skipped >= 0)
		return skipped;
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, a_pty_is_the_first_of_its_instance);
	tcase_add_test(tests, bytes_go_both_ways);
	tcase_add_test(tests, it_does_not_become_our_controlling_terminal);
	tcase_add_test(tests, numbers_run_out_with_an_error);
	tcase_add_test(tests, a_directory_that_is_no_devpts_is_refused);
	tcase_add_test(tests, something_else_over_ptmx_is_refused);
	tcase_add_test(tests, a_terminal_is_restored_as_it_was);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
