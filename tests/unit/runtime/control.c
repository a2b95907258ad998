/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../os/testing.h"

#include <sys/socket.h>

#include "os/fdpass.h"
#include "runtime/control.h"

static int pair[2];

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void teardown(void)
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

static int receive_bytes(const void *data, size_t n, int send, struct control_packet *ret, int *ret_fd)
{
	ck_assert_int_eq(fd_send(pair[1], data, n, &send, send >= 0), 0);
	return control_receive(pair[0], ret, ret_fd, 5000);
}

START_TEST(the_layout_is_the_one_that_other_versions_read)
{
	ck_assert_uint_eq(sizeof(struct control_packet), CONTROL_BYTES);
	ck_assert_uint_eq(CONTROL_HEADER, 16);
	ck_assert_uint_eq(offsetof(struct control_packet, version), 4);
	ck_assert_uint_eq(offsetof(struct control_packet, type), 6);
	ck_assert_int_eq(memcmp(&(uint32_t){ CONTROL_MAGIC }, "SYCT", 4), 0);
}
END_TEST

START_TEST(what_is_made_is_accepted)
{
	struct control_packet packet;
	size_t n = control_make(&packet, CONTROL_STATUS, 0xfffffffe, "starting things");

	ck_assert_uint_eq(n, CONTROL_HEADER + strlen("starting things"));
	ck_assert_int_eq(control_check(&packet, n), 0);
	ck_assert_int_eq(packet.type, CONTROL_STATUS);
	ck_assert_uint_eq(packet.a, 0xfffffffe);
	ck_assert_str_eq(packet.text, "starting things");
	n = control_make(&packet, CONTROL_PING, 0, NULL);
	ck_assert_uint_eq(n, CONTROL_HEADER);
	ck_assert_int_eq(control_check(&packet, n), 0);
	ck_assert_str_eq(packet.text, "");
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut)
{
	auto_free char *text = xcalloc(1, 10001);
	struct control_packet packet;
	size_t n;

	memset(text, 'x', 10000);
	n = control_make(&packet, CONTROL_REFUSED, 0, text);
	ck_assert_uint_eq(n, sizeof(packet) - 1);
	ck_assert_int_eq(control_check(&packet, n), 0);
	ck_assert_uint_eq(strlen(packet.text), sizeof(packet.text) - 1);
}
END_TEST

START_TEST(a_packet_of_any_other_length_is_refused)
{
	struct control_packet packet, copy;
	size_t n = control_make(&packet, CONTROL_STATUS, 1, "some text");

	for (size_t other = 0; other <= sizeof(packet); other++) {
		if (other == n)
			continue;
		memcpy(&copy, &packet, sizeof(copy));
		ck_assert_msg(control_check(&copy, other) == -EPROTO, "%zu bytes pass", other);
	}
}
END_TEST

START_TEST(a_length_that_lies_is_refused)
{
	static const uint32_t lies[] = { 1, 8, 10, 4079, 4080, 4081, 4096, INT32_MAX, UINT32_MAX, UINT32_MAX - 15 };
	struct control_packet packet;
	size_t n = control_make(&packet, CONTROL_STATUS, 1, "some text");

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		packet.text_len = lies[i];
		ck_assert_msg(control_check(&packet, n) == -EPROTO, "%u passes", lies[i]);
	}
	/* the whole room, with no place for an end */
	control_make(&packet, CONTROL_STATUS, 1, NULL);
	memset(packet.text, 'x', sizeof(packet.text));
	packet.text_len = sizeof(packet.text);
	ck_assert_int_eq(control_check(&packet, sizeof(packet)), -EPROTO);
}
END_TEST

START_TEST(another_magic_is_not_ours)
{
	struct control_packet packet;
	size_t n = control_make(&packet, CONTROL_PING, 0, NULL);

	for (int bit = 0; bit < 32; bit++) {
		packet.magic = CONTROL_MAGIC ^ (1U << bit);
		ck_assert_int_eq(control_check(&packet, n), -EPROTO);
	}
}
END_TEST

/* The monitor answers those: whatever the other version made of the rest. */
START_TEST(another_version_is_told_from_garbage)
{
	struct control_packet packet;
	size_t n = control_make(&packet, CONTROL_PING, 0, NULL);

	for (unsigned int version = 0; version < 4; version++) {
		packet.version = (uint16_t)version;
		ck_assert_int_eq(control_check(&packet, n), version == CONTROL_VERSION ? 0 : -EPROTONOSUPPORT);
	}
	packet.version = CONTROL_VERSION + 1;
	packet.text_len = 99999;
	ck_assert_int_eq(control_check(&packet, n), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(control_characters_become_question_marks)
{
	struct control_packet packet;
	char all[256];
	size_t n;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	control_make(&packet, CONTROL_STATUS, 0, NULL);
	memcpy(packet.text, all, sizeof(all));
	packet.text_len = sizeof(all);
	n = CONTROL_HEADER + sizeof(all);
	ck_assert_int_eq(control_check(&packet, n), 0);
	ck_assert_uint_eq(strlen(packet.text), sizeof(all));	/* no NUL cuts it */
	for (size_t i = 0; i < sizeof(all); i++)
		ck_assert_int_eq(packet.text[i], i < 0x20 || i == 0x7f ? '?' : all[i]);
}
END_TEST

START_TEST(packets_travel_with_a_descriptor)
{
	struct control_packet packet;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), fd = -1;

	ck_assert_int_eq(control_send(pair[1], CONTROL_OK, 3, "here", null), 0);
	ck_assert_int_eq(control_receive(pair[0], &packet, &fd, 5000), 1);
	ck_assert_int_eq(packet.type, CONTROL_OK);
	ck_assert_uint_eq(packet.a, 3);
	ck_assert_str_eq(packet.text, "here");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	ck_assert_int_eq(control_send(pair[1], CONTROL_OK, 3, NULL, -1), 0);
	ck_assert_int_eq(control_receive(pair[0], &packet, &fd, 5000), 1);
	ck_assert_int_eq(fd, -1);
	close(null);
}
END_TEST

START_TEST(descriptors_that_nobody_wants_are_closed)
{
	struct control_packet packet, bad;
	int before = count_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = 0;
	size_t n = control_make(&packet, CONTROL_STATUS, 0, "text");

	ck_assert_int_eq(receive_bytes(&packet, n, null, &bad, NULL), 1);	/* nobody asked */
	ck_assert_int_eq(receive_bytes(&packet, n - 1, null, &bad, &fd), -EPROTO);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(receive_bytes(&packet, 0, null, &bad, &fd), 0);
	ck_assert_int_eq(fd, -1);
	packet.version++;
	ck_assert_int_eq(receive_bytes(&packet, n, null, &bad, &fd), -EPROTONOSUPPORT);
	ck_assert_int_eq(fd, -1);
	close(null);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(many_descriptors_are_closed_but_one)
{
	struct control_packet packet;
	int before = count_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = -1;
	const int many[] = { null, null, null, null, null, null, null, null };
	size_t n = control_make(&packet, CONTROL_OK, 0, NULL);

	ck_assert_int_eq(fd_send(pair[1], &packet, n, many, ARRAY_SIZE(many)), 0);
	ck_assert_int_eq(control_receive(pair[0], &packet, &fd, 5000), 1);
	close(fd);
	close(null);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_packet_longer_than_any_is_refused_and_the_next_is_read)
{
	static char bytes[CONTROL_BYTES + 1];
	struct control_packet packet;
	int before, null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd;

	before = count_fds();
	control_make((struct control_packet *)bytes, CONTROL_PING, 0, NULL);
	ck_assert_int_eq(receive_bytes(bytes, sizeof(bytes), null, &packet, &fd), -EMSGSIZE);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(control_send(pair[1], CONTROL_PING, 0, NULL, -1), 0);
	ck_assert_int_eq(control_receive(pair[0], &packet, NULL, 5000), 1);
	close(null);
}
END_TEST

START_TEST(every_cut_of_a_packet_is_refused_on_the_way_too)
{
	struct control_packet packet, got;
	size_t n = control_make(&packet, CONTROL_STATUS, 1, "text");

	for (size_t cut = 1; cut < n; cut++)
		ck_assert_int_eq(receive_bytes(&packet, cut, -1, &got, NULL), -EPROTO);
	ck_assert_int_eq(receive_bytes(&packet, n, -1, &got, NULL), 1);
}
END_TEST

START_TEST(silence_is_a_timeout_and_an_end_is_zero)
{
	struct control_packet packet;
	int fd = 3;

	ck_assert_int_eq(control_receive(pair[0], &packet, &fd, 10), -ETIMEDOUT);
	ck_assert_int_eq(fd, -1);
	close_fd(&pair[1]);
	ck_assert_int_eq(control_receive(pair[0], &packet, NULL, 5000), 0);
	ck_assert_int_lt(control_send(pair[0], CONTROL_PING, 0, NULL, -1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/control");
	TCase *tests = tcase_create("control");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_layout_is_the_one_that_other_versions_read);
	tcase_add_test(tests, what_is_made_is_accepted);
	tcase_add_test(tests, a_text_that_is_too_long_is_cut);
	tcase_add_test(tests, a_packet_of_any_other_length_is_refused);
	tcase_add_test(tests, a_length_that_lies_is_refused);
	tcase_add_test(tests, another_magic_is_not_ours);
	tcase_add_test(tests, another_version_is_told_from_garbage);
	tcase_add_test(tests, control_characters_become_question_marks);
	tcase_add_test(tests, packets_travel_with_a_descriptor);
	tcase_add_test(tests, descriptors_that_nobody_wants_are_closed);
	tcase_add_test(tests, many_descriptors_are_closed_but_one);
	tcase_add_test(tests, a_packet_longer_than_any_is_refused_and_the_next_is_read);
	tcase_add_test(tests, every_cut_of_a_packet_is_refused_on_the_way_too);
	tcase_add_test(tests, silence_is_a_timeout_and_an_end_is_zero);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
