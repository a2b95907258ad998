/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of the host's loop devices only those are touched that the test has attached itself. */
#include "testing.h"

#include "os/loop.h"

#define BYTES (1 << 20)

static struct error err;
static int image = -1;
static struct stat st;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	dir_setup();
	image = open(in_dir("image"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(image, 0);
	ck_assert_int_eq(ftruncate(image, BYTES), 0);
	ck_assert_int_eq(fstat(image, &st), 0);
}

static void teardown(void)
{
	close_fd(&image);
	dir_teardown();
}

static int wait_free(const struct loop *loop, int timeout_ms)
{
	return loop_wait_free(loop->number, st.st_dev, st.st_ino, timeout_ms);
}

/* A file of /sys/block/loopN/loop, "" when there is none. */
static char *attribute(const struct loop *loop, const char *name)
{
	auto_free char *path = xasprintf("/sys/block/loop%d/loop/%s", loop->number, name);
	char *text = NULL;

	if (read_file_at(AT_FDCWD, path, 8192, &text, NULL) < 0)
		return xstrdup("");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

START_TEST(an_attached_image_is_a_device_that_frees_itself)
{
	auto_free char *file = NULL, *autoclear = NULL;
	struct loop loop;
	char wanted[32];

	must(loop_attach(image, false, &loop, &err));
	snprintf(wanted, sizeof(wanted), "/dev/loop%d", loop.number);
	ck_assert_str_eq(loop.path, wanted);
	ck_assert_int_eq(fcntl(loop.fd, F_GETFD), FD_CLOEXEC);
	file = attribute(&loop, "backing_file");
	ck_assert_str_eq(file, in_dir("image"));
	autoclear = attribute(&loop, "autoclear");
	ck_assert_str_eq(autoclear, "1");
	ck_assert_int_eq(wait_free(&loop, 0), -ETIMEDOUT);
	ck_assert_int_eq(wait_free(&loop, 30), -ETIMEDOUT);	/* looking does not keep it, nor free it */
	close(loop.fd);
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
	free(file);
	file = attribute(&loop, "backing_file");
	ck_assert_str_ne(file, in_dir("image"));
}
END_TEST

static int attach_and_die(void *arg)
{
	struct loop loop;

	if (loop_attach(image, false, &loop, &err) < 0)
		return 1;
	if (write(*(int *)arg, &loop, sizeof(loop)) != sizeof(loop))
		return 2;
	raise(SIGKILL);
	return 3;
}

START_TEST(a_device_is_free_when_its_holder_was_killed)
{
	struct loop loop;
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(attach_and_die(&fds[1]));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(read(fds[0], &loop, sizeof(loop)), sizeof(loop));
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
}
END_TEST

START_TEST(what_is_written_lands_in_the_image)
{
	struct loop loop;
	char sector[4096], got[4096];

	memset(sector, 'x', sizeof(sector));
	must(loop_attach(image, false, &loop, &err));
	ck_assert_int_eq(lseek(loop.fd, 0, SEEK_END), BYTES);
	ck_assert_int_eq(pwrite(loop.fd, sector, sizeof(sector), 8192), sizeof(sector));
	ck_assert_int_eq(fsync(loop.fd), 0);
	ck_assert_int_eq(pread(image, got, sizeof(got), 8192), sizeof(got));
	ck_assert_int_eq(memcmp(sector, got, sizeof(got)), 0);
	close(loop.fd);
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
}
END_TEST

START_TEST(a_read_only_device_is_not_written)
{
	auto_free char *path = NULL, *text = NULL;
	struct loop loop;
	int fd;

	must(loop_attach(image, true, &loop, &err));
	path = xasprintf("/sys/block/loop%d/ro", loop.number);
	ck_assert_int_eq(read_file_at(AT_FDCWD, path, 16, &text, NULL), 0);
	ck_assert_str_eq(text, "1\n");
	fd = open(loop.path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		ck_assert_int_lt(write(fd, "x", 1), 0);
	close_fd(&fd);
	close(loop.fd);
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
}
END_TEST

START_TEST(a_read_only_image_is_attached_read_only)
{
	auto_close int readonly = open(in_dir("image"), O_RDONLY | O_CLOEXEC);
	struct loop loop;

	must(loop_attach(readonly, true, &loop, &err));
	close(loop.fd);
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
}
END_TEST

START_TEST(a_device_with_another_file_is_not_waited_for)
{
	struct loop loop;

	must(loop_attach(image, false, &loop, &err));
	ck_assert_int_eq(loop_wait_free(loop.number, st.st_dev, st.st_ino + 1, 60000), 0);
	ck_assert_int_eq(loop_wait_free(loop.number, st.st_dev + 1, st.st_ino, 60000), 0);
	ck_assert_int_eq(loop_wait_free(1 << 19, st.st_dev, st.st_ino, 60000), 0);	/* no such device */
	close(loop.fd);
	ck_assert_int_eq(wait_free(&loop, 10000), 0);
}
END_TEST

START_TEST(several_images_get_several_devices)
{
	struct loop loops[3];

	for (size_t i = 0; i < ARRAY_SIZE(loops); i++) {
		must(loop_attach(image, false, &loops[i], &err));
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(loops[i].number, loops[j].number);
	}
	for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
		close(loops[i].fd);
	for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
		ck_assert_int_eq(wait_free(&loops[i], 10000), 0);
}
END_TEST

START_TEST(what_is_no_image_is_refused_and_keeps_no_device)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC), dir = open_dir(test_dir);
	struct loop loop;
	int before = count_fds();

	ck_assert_int_lt(loop_attach(null, false, &loop, &err), 0);
	ck_has(err.message, "/dev/loop");
	ck_assert_int_lt(loop_attach(dir, false, &loop, &err), 0);
	ck_assert_int_lt(loop_attach(-1, false, &loop, &err), 0);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_shared_device_is_one_until_the_last_lets_go)
{
	auto_close int readonly = open(in_dir("image"), O_RDONLY | O_CLOEXEC);
	struct loop first, second, third;

	must(loop_share(readonly, -1, &first, &err));
	must(loop_share(readonly, first.number, &second, &err));
	ck_assert_int_eq(second.number, first.number);
	ck_assert_int_ne(second.fd, first.fd);
	ck_assert_str_eq(second.path, first.path);
	close(first.fd);
	ck_assert_int_eq(wait_free(&second, 30), -ETIMEDOUT);
	must(loop_share(readonly, first.number, &third, &err));
	ck_assert_int_eq(third.number, first.number);
	close(second.fd);
	close(third.fd);
	ck_assert_int_eq(wait_free(&third, 10000), 0);
}
END_TEST

START_TEST(a_device_of_other_content_or_rights_is_not_shared)
{
	auto_close int readonly = open(in_dir("image"), O_RDONLY | O_CLOEXEC), other = -1;
	struct loop writable, own;

	must(loop_attach(image, false, &writable, &err));
	must(loop_share(readonly, writable.number, &own, &err));
	ck_assert_int_ne(own.number, writable.number);
	close(writable.fd);
	ck_assert_int_eq(wait_free(&writable, 10000), 0);
	other = open(in_dir("other"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(other, BYTES), 0);
	must(loop_share(other, own.number, &writable, &err));
	ck_assert_int_ne(own.number, writable.number);
	close(writable.fd);
	close(own.fd);
	ck_assert_int_eq(wait_free(&own, 10000), 0);
	ck_assert_int_eq(fstat(other, &st), 0);
	ck_assert_int_eq(wait_free(&writable, 10000), 0);
}
END_TEST

/* In a mount namespace whose /dev is empty. */
START_TEST(a_host_without_loop_devices_gets_a_hint)
{
	struct loop loop;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("empty", "/dev", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(loop_attach(image, false, &loop, &err), -ENOENT);
	ck_has(err.hint, "modprobe loop");
	ck_assert_int_eq(umount("/dev"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/loop");
	TCase *tests = tcase_create("loop");
	int skipped = skip_without_root("loop devices");

	if (skipped >= 0)
		return skipped;
	if (access("/dev/loop-control", R_OK | W_OK) < 0) {
		printf("1..0 # SKIP needs /dev/loop-control\n");
		return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : EXIT_SKIPPED;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 90);
	tcase_add_test(tests, an_attached_image_is_a_device_that_frees_itself);
	tcase_add_test(tests, a_device_is_free_when_its_holder_was_killed);
	tcase_add_test(tests, what_is_written_lands_in_the_image);
	tcase_add_test(tests, a_read_only_device_is_not_written);
	tcase_add_test(tests, a_read_only_image_is_attached_read_only);
	tcase_add_test(tests, a_device_with_another_file_is_not_waited_for);
	tcase_add_test(tests, several_images_get_several_devices);
	tcase_add_test(tests, what_is_no_image_is_refused_and_keeps_no_device);
	tcase_add_test(tests, a_shared_device_is_one_until_the_last_lets_go);
	tcase_add_test(tests, a_device_of_other_content_or_rights_is_not_shared);
	tcase_add_test(tests, a_host_without_loop_devices_gets_a_hint);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
