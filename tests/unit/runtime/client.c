/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command's connection to a monitor; the monitor here says what a test wants it to say. */
#include "../os/testing.h"

#include <sys/socket.h>

#include "os/fdpass.h"
#include "runtime/client.h"

static int pair[2];	/* ours, the monitor's */
static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void teardown(void)
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

static void say(enum control_type type, const char *text, int fd)
{
	ck_assert_int_eq(control_send(pair[1], type, 0, text, fd), 0);
}

static int ask(int *ret_fd)
{
	return client_request(pair[0], CONTROL_CONSOLE, 24 << 16 | 80, CONTROL_OK, ret_fd, &err);
}

START_TEST(a_request_is_sent_and_its_answer_comes_back)
{
	struct control_packet packet;

	say(CONTROL_OK, NULL, -1);
	ck_assert_int_eq(ask(NULL), 0);
	ck_assert_int_eq(control_receive(pair[1], &packet, NULL, 5000), 1);
	ck_assert_int_eq(packet.type, CONTROL_CONSOLE);
	ck_assert_uint_eq(packet.a, 24 << 16 | 80);
	ck_assert_int_eq(control_receive(pair[1], &packet, NULL, 0), -ETIMEDOUT);	/* once */
}
END_TEST

START_TEST(a_descriptor_of_the_answer_is_the_callers)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), fd = -1;

	say(CONTROL_OK, NULL, null);
	ck_assert_int_eq(ask(&fd), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	close(null);
}
END_TEST

START_TEST(news_that_was_on_its_way_is_passed_over)
{
	say(CONTROL_STATUS, "booting", -1);
	say(CONTROL_STATUS, "booted", -1);
	say(CONTROL_OK, NULL, -1);
	ck_assert_int_eq(ask(NULL), 0);
}
END_TEST

START_TEST(a_refusal_says_why)
{
	say(CONTROL_REFUSED, "somebody else\nstops it already", -1);
	ck_assert_int_lt(ask(NULL), 0);
	ck_assert_int_eq(err.status, STATUS_STATE);
	ck_has(err.message, "somebody else?stops it already");
}
END_TEST

START_TEST(descriptors_of_other_packets_are_closed)
{
	int before = count_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = -1;

	say(CONTROL_STATUS, NULL, null);
	say(CONTROL_REFUSED, "no", null);
	ck_assert_int_lt(ask(&fd), 0);
	if (fd >= 0)
		close(fd);	/* the caller cannot know of more than one */
	close(null);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_monitor_that_goes_is_an_error)
{
	struct control_packet packet;

	say(CONTROL_STATUS, NULL, -1);
	ck_assert_int_eq(shutdown(pair[1], SHUT_WR), 0);
	ck_assert_int_eq(ask(NULL), -ECONNRESET);
	ck_assert_int_eq(control_receive(pair[1], &packet, NULL, 5000), 1);
	close_fd(&pair[1]);
	ck_assert_int_lt(ask(NULL), 0);	/* EPIPE, and no signal */
	ck_assert(*err.message);
}
END_TEST

START_TEST(a_monitor_that_says_nothing_is_a_timeout)
{
	int fd = 4;

	ck_assert_int_eq(ask(&fd), -ETIMEDOUT);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(garbage_is_an_error)
{
	ck_assert_int_eq(fd_send(pair[1], "garbage garbage garbage", 23, NULL, 0), 0);
	ck_assert_int_eq(ask(NULL), -EPROTO);
}
END_TEST

START_TEST(a_connection_is_made_in_a_run_directory_of_any_length)
{
	struct install install = { 0 };
	struct container container = { .install = &install, .name = (char *)"box", .dir_fd = -1, .lock_fd = -1 };
	auto_free char *run = NULL;
	auto_close int listener = -1, fd = -1, dir = -1;
	char component[101] = { 0 };

	dir_setup();
	memset(component, 'r', 100);
	run = xasprintf("%s/%s/%s", test_dir, component, component);
	install.run_dir = run;
	ck_assert_int_eq(client_connect(&container), -ENOENT);
	run = xasprintf("%s/box", install.run_dir);
	ck_assert_int_eq(make_dirs(run, 0700), 0);
	dir = open_dir(run);
	ck_assert_int_eq(client_connect(&container), -ENOENT);	/* a directory without a socket */
	listener = unix_listen(dir, "control");
	ck_assert_int_ge(listener, 0);
	fd = client_connect(&container);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close_fd(&listener);
	ck_assert_int_eq(client_connect(&container), -ECONNREFUSED);	/* nobody listens any more */
	free(install.run_dir);
	dir_teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/client");
	TCase *tests = tcase_create("client");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_request_is_sent_and_its_answer_comes_back);
	tcase_add_test(tests, a_descriptor_of_the_answer_is_the_callers);
	tcase_add_test(tests, news_that_was_on_its_way_is_passed_over);
	tcase_add_test(tests, a_refusal_says_why);
	tcase_add_test(tests, descriptors_of_other_packets_are_closed);
	tcase_add_test(tests, a_monitor_that_goes_is_an_error);
	tcase_add_test(tests, a_monitor_that_says_nothing_is_a_timeout);
	tcase_add_test(tests, garbage_is_an_error);
	tcase_add_test(tests, a_connection_is_made_in_a_run_directory_of_any_length);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
