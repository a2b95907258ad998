/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <sys/socket.h>

#include "os/fdpass.h"

static int pair[2];
static int null = -1;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(null, 0);
}

static void teardown(void)
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	close_fd(&null);
}

static void fill(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i] = null;
}

/* _i: how many */
START_TEST(descriptors_travel_up_to_the_most)
{
	int sent[FDPASS_MAX], got[FDPASS_MAX], before = count_fds();
	size_t n = FDPASS_MAX;
	char data[8];

	fill(sent, FDPASS_MAX);
	ck_assert_int_eq(fd_send(pair[1], "data", 4, sent, (size_t)_i), 0);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), got, &n), 4);
	ck_assert_int_eq(memcmp(data, "data", 4), 0);
	ck_assert_uint_eq(n, (size_t)_i);
	ck_assert_int_eq(count_fds(), before + _i);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		close(got[i]);
	}
}
END_TEST

START_TEST(more_than_the_most_are_not_sent)
{
	int sent[FDPASS_MAX + 1], flags = fcntl(pair[0], F_GETFL);
	size_t n = 0;
	char data[8];

	fill(sent, FDPASS_MAX + 1);
	ck_assert_int_eq(fd_send(pair[1], "data", 4, sent, FDPASS_MAX + 1), -EINVAL);
	ck_assert_int_eq(fcntl(pair[0], F_SETFL, flags | O_NONBLOCK), 0);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), NULL, &n), -EAGAIN);
}
END_TEST

/* _i: room */
START_TEST(what_does_not_fit_is_closed)
{
	int sent[FDPASS_MAX], got[FDPASS_MAX], before = count_fds();
	size_t n = (size_t)_i;
	char data[8];

	fill(sent, FDPASS_MAX);
	ck_assert_int_eq(fd_send(pair[1], "data", 4, sent, FDPASS_MAX), 0);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), got, &n), 4);
	ck_assert_uint_eq(n, (size_t)_i);
	ck_assert_int_eq(count_fds(), before + _i);
	for (size_t i = 0; i < n; i++)
		close(got[i]);
}
END_TEST

/* Whoever else sends may send as many as the kernel lets it. */
START_TEST(a_flood_of_descriptors_leaves_none)
{
	int sent[64], got[1], before = count_fds();
	union {
		char bytes[CMSG_SPACE(sizeof(sent))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = (void *)"data", .iov_len = 4 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	size_t n = 1;
	char data[8];

	fill(sent, ARRAY_SIZE(sent));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(sent));
	memcpy(CMSG_DATA(&control.align), sent, sizeof(sent));
	ck_assert_int_eq(sendmsg(pair[1], &message, 0), 4);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), got, &n), 4);
	ck_assert_uint_eq(n, 1);
	close(got[0]);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_packet_that_is_cut_is_refused_with_its_descriptors)
{
	int sent[3], got[3], before = count_fds();
	size_t n = 3;
	char data[4];

	fill(sent, 3);
	ck_assert_int_eq(fd_send(pair[1], "12345", 5, sent, 3), 0);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), got, &n), -EMSGSIZE);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(count_fds(), before);
	n = 3;
	ck_assert_int_eq(fd_send(pair[1], "1234", 4, NULL, 0), 0);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), got, &n), 4);	/* exactly full */
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(the_end_is_zero_and_nobody_is_told_by_a_signal)
{
	char data[4];
	size_t n = 0;

	close_fd(&pair[1]);
	ck_assert_int_eq(fd_receive(pair[0], data, sizeof(data), NULL, &n), 0);
	ck_assert_int_eq(fd_send(pair[0], "data", 4, NULL, 0), -EPIPE);
	ck_assert_int_eq(fd_send(null, "data", 4, NULL, 0), -ENOTSOCK);
	ck_assert_int_eq(fd_send(-1, "data", 4, NULL, 0), -EBADF);
	ck_assert_int_eq(fd_receive(-1, data, sizeof(data), NULL, &n), -EBADF);
}
END_TEST

START_TEST(a_descriptor_that_is_none_is_not_sent)
{
	const int bad[] = { -1 };

	ck_assert_int_eq(fd_send(pair[1], "data", 4, bad, 1), -EBADF);
}
END_TEST

/* --- sockets in directories --- */

static char *long_dir;

static void listen_setup(void)
{
	char component[201] = { 0 };

	dir_setup();
	memset(component, 'd', 200);
	long_dir = xasprintf("%s/%s", test_dir, component);
	ck_assert_int_eq(mkdir(long_dir, 0700), 0);
}

static void listen_teardown(void)
{
	free(long_dir);
	dir_teardown();
}

START_TEST(a_directory_may_have_a_name_of_any_length)
{
	auto_close int dir = open_dir(long_dir), listener = unix_listen(dir, "control");
	auto_close int client = -1, accepted = -1;
	struct stat st;
	char data[4];
	size_t n = 0;

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(fcntl(listener, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstatat(dir, "control", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	client = unix_connect(dir, "control");
	ck_assert_int_ge(client, 0);
	accepted = accept(listener, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(fd_send(client, "data", 4, NULL, 0), 0);
	ck_assert_int_eq(fd_receive(accepted, data, sizeof(data), NULL, &n), 4);
}
END_TEST

START_TEST(the_mask_of_the_caller_stays_as_it_was)
{
	auto_close int dir = open_dir(long_dir), listener = -1;

	umask(027);
	listener = unix_listen(dir, "control");
	ck_assert_uint_eq(umask(022), 027);
}
END_TEST

START_TEST(what_is_there_is_replaced_and_links_are_not_followed)
{
	auto_close int dir = open_dir(long_dir), first = -1, second = -1, client = -1;
	auto_free char *victim = xasprintf("%s/victim", test_dir);
	struct stat st;

	first = unix_listen(dir, "control");
	close_fd(&first);	/* its file stays */
	ck_assert_int_eq(unix_connect(dir, "control"), -ECONNREFUSED);
	second = unix_listen(dir, "control");
	ck_assert_int_ge(second, 0);
	client = unix_connect(dir, "control");
	ck_assert_int_ge(client, 0);
	close_fd(&second);
	ck_assert_int_eq(unlinkat(dir, "control", 0), 0);
	ck_assert_int_eq(symlinkat(victim, dir, "control"), 0);
	second = unix_listen(dir, "control");
	ck_assert_int_ge(second, 0);
	ck_assert_int_lt(access(victim, F_OK), 0);
	ck_assert_int_eq(fstatat(dir, "control", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISSOCK(st.st_mode));
}
END_TEST

START_TEST(names_that_are_too_long_or_missing_are_errors)
{
	auto_close int dir = open_dir(long_dir);
	char name[201] = { 0 };
	int before = count_fds();

	memset(name, 'n', 200);
	ck_assert_int_eq(unix_listen(dir, name), -ENAMETOOLONG);
	ck_assert_int_eq(unix_connect(dir, name), -ENAMETOOLONG);
	ck_assert_int_eq(unix_connect(dir, "none"), -ENOENT);
	ck_assert_int_lt(unix_listen(-1, "control"), 0);
	ck_assert_int_eq(mkdirat(dir, "taken", 0700), 0);
	ck_assert_int_eq(unix_listen(dir, "taken"), -EADDRINUSE);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_listener_that_does_not_listen_is_not_waited_for_for_ever)
{
	static char data[4096];
	auto_close int dir = open_dir(long_dir), listener = unix_listen(dir, "control"), first = -1;
	int r = 0, n;

	ck_assert_int_ge(listener, 0);
	first = unix_connect(dir, "control");
	ck_assert_int_ge(first, 0);
	for (n = 0; n < 100000 && r == 0; n++)
		r = fd_send(first, data, sizeof(data), NULL, 0);
	ck_assert_int_eq(r, -EAGAIN);
	for (n = 0; n < 1000 && r != -1; n++) {
		int fd = unix_connect(dir, "control");	/* until nobody can be taken in any more */

		if (fd < 0) {
			ck_assert_int_eq(fd, -EAGAIN);
			r = -1;
		}
	}
	ck_assert_int_eq(r, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/fdpass");
	TCase *packets = tcase_create("packets"), *sockets = tcase_create("sockets");

	tcase_add_checked_fixture(packets, setup, teardown);
	tcase_add_loop_test(packets, descriptors_travel_up_to_the_most, 0, FDPASS_MAX + 1);
	tcase_add_test(packets, more_than_the_most_are_not_sent);
	tcase_add_loop_test(packets, what_does_not_fit_is_closed, 0, FDPASS_MAX);
	tcase_add_test(packets, a_flood_of_descriptors_leaves_none);
	tcase_add_test(packets, a_packet_that_is_cut_is_refused_with_its_descriptors);
	tcase_add_test(packets, the_end_is_zero_and_nobody_is_told_by_a_signal);
	tcase_add_test(packets, a_descriptor_that_is_none_is_not_sent);
	suite_add_tcase(suite, packets);
	tcase_add_checked_fixture(sockets, listen_setup, listen_teardown);
	tcase_add_test(sockets, a_directory_may_have_a_name_of_any_length);
	tcase_add_test(sockets, the_mask_of_the_caller_stays_as_it_was);
	tcase_add_test(sockets, what_is_there_is_replaced_and_links_are_not_followed);
	tcase_add_test(sockets, a_listener_that_does_not_listen_is_not_waited_for_for_ever);
	tcase_add_test(sockets, names_that_are_too_long_or_missing_are_errors);
	suite_add_tcase(suite, sockets);
	return run_suite(suite);
}
