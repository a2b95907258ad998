/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "os/notify.h"

/* A manager's socket: of a path, or with '@' of the abstract kind. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, name);
	if (*name == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void hears(int fd, const char *text)
{
	char buf[64] = "";

	ck_assert_int_eq(recv(fd, buf, sizeof(buf) - 1, 0), (ssize_t)strlen(text));
	ck_assert_str_eq(buf, text);
}

START_TEST(a_manager_hears_the_word)
{
	auto_free char *abstract = xasprintf("@sysct-test-%d", (int)getpid());
	const char *const names[] = { in_dir("notify"), abstract };
	int before = count_fds();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = listen_at(names[i]);

		ck_assert_int_eq(notify_send("READY=1"), 1);
		hears(fd, "READY=1");
		ck_assert_int_lt(recv(fd, &(char){ 0 }, 1, 0), 0);	/* once */
		close(fd);
	}
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(without_a_manager_nothing_is_sent)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(notify_send("READY=1"), 0);
}
END_TEST

START_TEST(a_wrong_address_is_an_error)
{
	char longest[200] = "/";

	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(notify_send("READY=1"), -EINVAL);
	memset(longest + 1, 'x', sizeof(longest) - 2);
	setenv("NOTIFY_SOCKET", longest, 1);
	ck_assert_int_eq(notify_send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", in_dir("nobody"), 1);
	ck_assert_int_eq(notify_send("READY=1"), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/notify");
	TCase *tests = tcase_create("notify");

	tcase_add_checked_fixture(tests, dir_setup, dir_teardown);
	tcase_add_test(tests, a_manager_hears_the_word);
	tcase_add_test(tests, without_a_manager_nothing_is_sent);
	tcase_add_test(tests, a_wrong_address_is_an_error);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
