/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "base/interrupt.h"
#include "os/lock.h"

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	dir_setup();
}

static void teardown(void)
{
	dir_teardown();
}

static struct lock_wish wish_of(const char *path, int wait_ms)
{
	return (struct lock_wish){ .dirfd = AT_FDCWD, .path = path, .wait_ms = wait_ms, .what = "container \"web\"",
				   .status = STATUS_STATE };
}

/* A child that has the lock until it is killed. */
static pid_t child_with_lock(const char *path, bool shared)
{
	int fds[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = lock_file_at(AT_FDCWD, path, !shared, 0);

		if (fd < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(who_has_a_lock_is_found_and_who_waits_is_not)
{
	const char *path = in_dir("lock");
	pid_t pid = child_with_lock(path, false);
	struct lock_holder holder;
	auto_close int open_only = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(open_only, 0);
	lock_holder(AT_FDCWD, path, &holder);
	ck_assert_int_eq(holder.pid, pid);
	ck_assert(!holder.stopped);
	ck_has(holder.command, "test-os_lock");
	ck_assert_ptr_null(strchr(holder.command, '/'));
	end(pid);
	lock_holder(AT_FDCWD, path, &holder);
	ck_assert_int_eq(holder.pid, 0);
	lock_holder(AT_FDCWD, in_dir("none"), &holder);
	ck_assert_int_eq(holder.pid, 0);
}
END_TEST

START_TEST(a_busy_lock_names_its_holder)
{
	const char *path = in_dir("lock");
	struct lock_wish wish = wish_of(path, 30);
	pid_t pid = child_with_lock(path, false);
	char number[32];

	snprintf(number, sizeof(number), "process %d (", (int)pid);
	ck_assert_int_eq(lock_take(&wish, &err), -EBUSY);
	ck_assert_int_eq(error_exit_status(&err), STATUS_STATE);
	ck_has(err.message, "container \"web\" is busy");
	ck_has(err.message, number);
	ck_assert_int_ne(err.hint[0], '\0');
	wish.wait_ms = 0;	/* who only tries does not look for him */
	ck_assert_int_eq(lock_take(&wish, &err), -EBUSY);
	ck_assert_ptr_null(strstr(err.message, number));
	end(pid);
	close(must(lock_take(&wish, &err)));
}
END_TEST

START_TEST(a_stopped_holder_is_said_to_be_so)
{
	const char *path = in_dir("lock");
	struct lock_wish wish = wish_of(path, 30);
	pid_t pid = child_with_lock(path, false);
	int status;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert_int_eq(lock_take(&wish, &err), -EBUSY);
	ck_has(err.message, "stopped by a signal");
	ck_has(err.hint, "kill -CONT");
	end(pid);
}
END_TEST

/* A child that interrupts us in a moment. */
static pid_t interrupt_soon(void)
{
	pid_t us = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		usleep(100000);
		kill(us, SIGINT);
		_exit(0);
	}
	return pid;
}

START_TEST(an_interrupt_ends_the_wait_unless_it_is_held_off)
{
	const char *path = in_dir("lock");
	struct lock_wish wish = wish_of(path, 20000);
	pid_t holder = child_with_lock(path, false), sender;

	interrupt_install();
	sender = interrupt_soon();
	ck_assert_int_eq(lock_take(&wish, &err), -EINTR);
	ck_assert_int_eq(error_exit_status(&err), STATUS_INTERRUPTED);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	wish.wait_ms = 30;	/* one that came before does not count: this is who cleans up */
	ck_assert_int_eq(lock_take(&wish, &err), -EBUSY);
	wish.wait_ms = 20000;
	sender = interrupt_soon();
	ck_assert_int_eq(lock_take_turn(&wish, &err), -EINTR);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	interrupt_hold(true);
	wish.wait_ms = 400;
	sender = interrupt_soon();
	ck_assert_int_eq(lock_take(&wish, &err), -EBUSY);
	interrupt_hold(false);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	end(holder);
}
END_TEST

static void heard(const char *who, void *arg)
{
	snprintf(arg, 64, "%s", who);
}

START_TEST(a_turn_is_waited_for_and_told)
{
	const char *path = in_dir("lock");
	struct lock_wish wish = wish_of(path, 100);
	pid_t holder = child_with_lock(path, true);
	char told[64] = "", number[32];

	wish.shared = true;
	close(must(lock_take_turn(&wish, &err)));	/* two may read */
	wish.shared = false;
	wish.tell = heard;
	wish.arg = told;
	ck_assert_int_eq(lock_take_turn(&wish, &err), -EBUSY);
	snprintf(number, sizeof(number), "process %d (", (int)holder);
	ck_has(told, number);
	ck_has(err.message, number);
	end(holder);
	close(must(lock_take_turn(&wish, &err)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/lock");
	TCase *tc = tcase_create("lock");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_has_a_lock_is_found_and_who_waits_is_not);
	tcase_add_test(tc, a_busy_lock_names_its_holder);
	tcase_add_test(tc, a_stopped_holder_is_said_to_be_so);
	tcase_add_test(tc, an_interrupt_ends_the_wait_unless_it_is_held_off);
	tcase_add_test(tc, a_turn_is_waited_for_and_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
