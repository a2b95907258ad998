/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other side is our own code, but in the container's hands: what comes is checked. */
#include "../os/testing.h"

#include <sys/socket.h>

#include "os/fdpass.h"
#include "runtime/handshake.h"

/* As in src/runtime/handshake.c. */
struct packet {
	uint32_t index;
	uint32_t failed;
	struct row_time time;
	struct error err;
};
#define SHORT offsetof(struct packet, err)

static int pair[2];
static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	must(handshake_pair(pair, &err));
}

static void teardown(void)
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

/* What pair[0] makes of bytes. */
static int await_bytes(const void *data, size_t n, size_t index, int send, int *ret_fd)
{
	ck_assert_int_eq(fd_send(pair[1], data, n, &send, send >= 0), 0);
	return handshake_await(pair[0], index, 5000, ret_fd, &err);
}

static struct packet failure_packet(void)
{
	struct packet packet = { .index = 7, .failed = 1 };

	fail(&packet.err, EACCES, "open x");
	return packet;
}

START_TEST(the_pair_does_not_survive_an_exec)
{
	ck_assert_int_eq(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(pair[1], F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(success_is_told)
{
	int fd = 5;

	ck_assert_int_eq(handshake_report(pair[1], 3, NULL, -1), 0);
	ck_assert_int_eq(handshake_await(pair[0], 3, 5000, &fd, &err), HANDSHAKE_DONE);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(an_error_arrives_as_it_was)
{
	struct error sent = ERROR_NONE;
	int fd;

	fail(&sent, ENOSPC, "write %0700d", 1);
	error_hint(&sent, "make room");
	error_status(&sent, STATUS_STATE);
	ck_assert_int_eq(handshake_report(pair[1], 3, &sent, -1), 0);
	ck_assert_int_eq(handshake_await(pair[0], 3, 5000, &fd, &err), -ENOSPC);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(err.code, ENOSPC);
	ck_assert_int_eq(err.status, STATUS_STATE);
	ck_assert_str_eq(err.message, sent.message);
	ck_assert_str_eq(err.hint, sent.hint);
}
END_TEST

START_TEST(a_descriptor_comes_along)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), fd = -1;

	ck_assert_int_eq(handshake_report(pair[1], 0, NULL, null), 0);
	ck_assert_int_eq(handshake_await(pair[0], 0, 5000, &fd, &err), HANDSHAKE_DONE);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	close(null);
}
END_TEST

START_TEST(the_end_of_the_peer_is_told_from_an_error)
{
	int fd = 5;

	close_fd(&pair[1]);
	ck_assert_int_eq(handshake_await(pair[0], 0, 5000, &fd, &err), HANDSHAKE_CLOSED);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(what_the_peer_said_before_its_end_is_heard)
{
	int fd;

	ck_assert_int_eq(handshake_report(pair[1], 1, NULL, -1), 0);
	close_fd(&pair[1]);
	ck_assert_int_eq(handshake_await(pair[0], 1, 5000, &fd, &err), HANDSHAKE_DONE);
	ck_assert_int_eq(handshake_await(pair[0], 2, 5000, &fd, &err), HANDSHAKE_CLOSED);
}
END_TEST

/* A peer that ends with our packet unread: the kernel says ECONNRESET. */
START_TEST(a_peer_that_did_not_listen_is_closed_too)
{
	int fd;

	ck_assert_int_eq(handshake_report(pair[0], 1, NULL, -1), 0);
	close_fd(&pair[1]);
	ck_assert_int_eq(handshake_await(pair[0], 2, 5000, &fd, &err), HANDSHAKE_CLOSED);
}
END_TEST

START_TEST(what_a_peer_said_that_did_not_listen_is_heard)
{
	int fd;

	must(handshake_report(pair[1], 3, NULL, -1));
	must(handshake_report(pair[0], 1, NULL, -1));
	close_fd(&pair[1]);
	ck_assert_int_eq(handshake_await(pair[0], 3, 5000, &fd, &err), HANDSHAKE_DONE);
	ck_assert_int_eq(handshake_await(pair[0], 4, 5000, &fd, &err), HANDSHAKE_CLOSED);
}
END_TEST

START_TEST(telling_nobody_fails_without_a_signal)
{
	close_fd(&pair[0]);
	ck_assert_int_lt(handshake_report(pair[1], 0, NULL, -1), 0);
	ck_assert_int_lt(handshake_report(pair[1], 0, &err, -1), 0);
}
END_TEST

START_TEST(silence_is_a_timeout)
{
	int fd = 5;

	ck_assert_int_eq(handshake_await(pair[0], 0, 10, &fd, &err), -ETIMEDOUT);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(err.code, ETIMEDOUT);
}
END_TEST

START_TEST(a_failure_cut_at_any_byte_is_refused)
{
	struct packet packet = failure_packet();
	int fd;

	for (size_t n = 1; n < sizeof(packet); n++) {
		ck_assert_msg(await_bytes(&packet, n, 7, -1, &fd) == -EPROTO, "%zu bytes: %s", n, err.message);
		ck_assert_int_eq(fd, -1);
	}
	ck_assert_int_eq(await_bytes(&packet, sizeof(packet), 7, -1, &fd), -EACCES);
}
END_TEST

START_TEST(a_success_cut_at_any_byte_is_refused)
{
	struct packet packet = { .index = 7 };
	int fd;

	for (size_t n = 1; n < SHORT; n++)
		ck_assert_msg(await_bytes(&packet, n, 7, -1, &fd) == -EPROTO, "%zu bytes", n);
	ck_assert_int_eq(await_bytes(&packet, SHORT, 7, -1, &fd), HANDSHAKE_DONE);
}
END_TEST

START_TEST(a_longer_packet_is_refused)
{
	static char bytes[sizeof(struct packet) + 1];
	struct packet packet = failure_packet();
	int fd;

	memcpy(bytes, &packet, sizeof(packet));
	ck_assert_int_lt(await_bytes(bytes, sizeof(bytes), 7, -1, &fd), 0);
	ck_assert_int_eq(err.code, EMSGSIZE);
}
END_TEST

START_TEST(an_empty_packet_is_no_success)
{
	int fd, r = await_bytes("", 0, 7, -1, &fd);

	ck_assert_int_ne(r, HANDSHAKE_DONE);
}
END_TEST

START_TEST(another_row_is_refused)
{
	static const size_t others[] = { 0, 6, 8, UINT32_MAX };
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		ck_assert_int_eq(handshake_report(pair[1], others[i], NULL, -1), 0);
		ck_assert_int_eq(handshake_await(pair[0], 7, 5000, &fd, &err), -EPROTO);
	}
}
END_TEST

START_TEST(descriptors_of_refused_packets_are_closed)
{
	struct packet packet = failure_packet();
	int before = count_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd;

	await_bytes(&packet, sizeof(packet), 7, null, &fd);	/* a failure */
	await_bytes(&packet, sizeof(packet), 8, null, &fd);	/* another row */
	await_bytes(&packet, 3, 7, null, &fd);			/* cut */
	await_bytes(&packet, 0, 7, null, &fd);			/* empty */
	ck_assert_int_eq(fd, -1);
	close(null);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(more_descriptors_than_one_are_closed)
{
	struct packet packet = { .index = 7 };
	int before = count_fds(), fd, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int many[] = { null, null, null };

	ck_assert_int_eq(fd_send(pair[1], &packet, SHORT, many, ARRAY_SIZE(many)), 0);
	ck_assert_int_eq(handshake_await(pair[0], 7, 5000, &fd, &err), HANDSHAKE_DONE);
	close(fd);
	close(null);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* A caller asks "r < 0": a failure must never look like a success. */
START_TEST(a_failure_without_a_code_is_a_failure)
{
	static const int codes[] = { 0, -5, INT32_MIN };
	struct packet packet = failure_packet();
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		packet.err.code = codes[i];
		ck_assert_msg(await_bytes(&packet, sizeof(packet), 7, -1, &fd) < 0, "code %d passes", codes[i]);
	}
}
END_TEST

START_TEST(texts_that_have_no_end_get_one)
{
	struct packet packet = failure_packet();
	int fd;

	memset(packet.err.message, 'x', sizeof(packet.err.message));
	memset(packet.err.hint, 'y', sizeof(packet.err.hint));
	ck_assert_int_lt(await_bytes(&packet, sizeof(packet), 7, -1, &fd), 0);
	ck_assert_ptr_nonnull(memchr(err.message, '\0', sizeof(err.message)));
	ck_assert_ptr_nonnull(memchr(err.hint, '\0', sizeof(err.hint)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/handshake");
	TCase *tests = tcase_create("handshake");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_pair_does_not_survive_an_exec);
	tcase_add_test(tests, success_is_told);
	tcase_add_test(tests, an_error_arrives_as_it_was);
	tcase_add_test(tests, a_descriptor_comes_along);
	tcase_add_test(tests, the_end_of_the_peer_is_told_from_an_error);
	tcase_add_test(tests, what_the_peer_said_before_its_end_is_heard);
	tcase_add_test(tests, a_peer_that_did_not_listen_is_closed_too);
	tcase_add_test(tests, what_a_peer_said_that_did_not_listen_is_heard);
	tcase_add_test(tests, telling_nobody_fails_without_a_signal);
	tcase_add_test(tests, silence_is_a_timeout);
	tcase_add_test(tests, a_failure_cut_at_any_byte_is_refused);
	tcase_add_test(tests, a_success_cut_at_any_byte_is_refused);
	tcase_add_test(tests, a_longer_packet_is_refused);
	tcase_add_test(tests, an_empty_packet_is_no_success);
	tcase_add_test(tests, another_row_is_refused);
	tcase_add_test(tests, descriptors_of_refused_packets_are_closed);
	tcase_add_test(tests, more_descriptors_than_one_are_closed);
	tcase_add_test(tests, a_failure_without_a_code_is_a_failure);
	tcase_add_test(tests, texts_that_have_no_end_get_one);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
