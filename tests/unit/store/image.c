/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <sys/mount.h>
#include <time.h>

#include "store/create.h"
#include "store/image.h"
#include "store/rootfs.h"

#define MIB (1 << 20)
#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DATA_SUM "d69e68988157833272305aaf21f453c800346e8a3640db6578e260215542e5d4"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A system of one file: enough for configure. Counts its runs in DATA_DIR/templates/runs. */
#define TINY                                                                                       \
	"#!/bin/sh\nset -e\ncd \"$SYSCT_ROOTFS\"\nmkdir -p bin sbin etc\necho '#!/bin/sh' >sbin/init\n" \
	"chmod 755 sbin/init\nhead -c 100000 /dev/zero | tr '\\0' x >etc/data\n"                       \
	"echo run >>\"$SYSCT_CACHE/runs\"\necho 'set release=1' >&3\n" \
	"echo 'set source_sha256=" DATA_SUM "' >&3\n"

static bool ready(void)
{
	return can_run(geteuid() == 0 && access("/dev/loop-control", F_OK) == 0 && access("/usr/sbin/mke2fs", X_OK) == 0,
		       "root, loop devices and mke2fs");
}

static void setup(void)
{
	install_setup();
	write_file("data/templates/tiny", TINY, 0755);
	write_file("data/templates/tiny.conf", "description=tiny\nuserns=yes\n", 0644);
}

static bool is_empty(const char *below, const char *prefix)
{
	auto_free char *path = xasprintf("%s/%s", test_dir, below);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    (!prefix || strstr(entry->d_name, prefix)))
			return false;
	return true;
}

static int create(const char *name, const char *const *settings, char **ret_name, struct error *err)
{
	struct create_request request = { .name = name, .template = "tiny" };
	int r;

	*err = (struct error)ERROR_NONE;
	for (size_t i = 0; settings && settings[i]; i++)
		strings_add(&request.settings, settings[i]);
	r = store_create(&install, &request, ret_name, err);
	strings_clear(&request.settings);
	return r;
}

static void destroy(const char *name)
{
	struct container c = CONTAINER_EMPTY;
	struct error err = ERROR_NONE;

	ck_assert_msg(container_open(&install, name, true, true, &c, &err) == 0, "%s", err.message);
	ck_assert_msg(store_destroy(&c, &err) == 0, "%s", err.message);
	container_close(&c);
}

START_TEST(a_copy_has_the_data_and_the_holes)
{
	auto_free char *a = xasprintf("%s/a", test_dir), *b = xasprintf("%s/b", test_dir);
	auto_close int from = open(a, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_close int to = open(b, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct error err = ERROR_NONE;
	struct stat st;
	char buf[5] = "";

	ck_assert_int_eq(ftruncate(from, 1 << 30), 0);
	ck_assert_int_eq(pwrite(from, "one", 3, 0), 3);
	ck_assert_int_eq(pwrite(from, "two", 3, 500 * MIB), 3);
	ck_assert_msg(image_copy_file(from, to, &err) == 0, "%s", err.message);
	ck_assert_int_eq(fstat(to, &st), 0);
	ck_assert_int_eq(st.st_size, 1 << 30);
	ck_assert_int_lt(st.st_blocks * 512, MIB);
	ck_assert_int_eq(pread(to, buf, 3, 500 * MIB), 3);
	ck_assert_str_eq(buf, "two");
}
END_TEST

/* As a journal is: allocated, never written, and then read by somebody. What was written between stays. */
START_TEST(a_copy_has_no_blocks_that_were_never_written)
{
	auto_free char *a = xasprintf("%s/a", test_dir), *b = xasprintf("%s/b", test_dir);
	auto_close int from = open(a, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_close int to = open(b, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_free char *buf = xmalloc(32 * MIB);
	struct error err = ERROR_NONE;
	struct stat st;

	ck_assert_int_eq(ftruncate(from, 1 << 30), 0);
	if (fallocate(from, FALLOC_FL_KEEP_SIZE, 100 * MIB, 32 * MIB) < 0)
		return;	/* tmpfs and others have written blocks alone */
	ck_assert_int_eq(pwrite(from, "one", 3, 110 * MIB), 3);
	ck_assert_int_eq(pread(from, buf, 32 * MIB, 100 * MIB), 32 * MIB);
	ck_assert_msg(image_punch_unwritten(from, &err) == 0, "%s", err.message);
	ck_assert_int_eq(pread(from, buf, 32 * MIB, 100 * MIB), 32 * MIB);
	ck_assert_msg(image_copy_file(from, to, &err) == 0, "%s", err.message);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fstat(i ? to : from, &st), 0);
		ck_assert_int_eq(st.st_size, 1 << 30);
		ck_assert_int_lt(st.st_blocks * 512, MIB);
		ck_assert_int_eq(pread(i ? to : from, buf, 3, 110 * MIB), 3);
		ck_assert_int_eq(memcmp(buf, "one", 3), 0);
	}
}
END_TEST

static void make_image(const char *key)
{
	auto_free char *dir = xasprintf("%s/cache/images/%s", test_dir, key);
	auto_free char *meta = xasprintf("cache/images/%s/meta", key);

	ck_assert_int_eq(make_dirs(dir, 0700), 0);
	write_file(meta, "template=x\nbuilt_at=1000\n", 0600);
}

START_TEST(a_used_image_is_never_pruned)
{
	auto_image_list struct image_list list = IMAGE_LIST_EMPTY;
	auto_free char *box = xasprintf("%s/state/containers/box", test_dir);
	auto_free char *lock = xasprintf("%s/cache/lock", test_dir);
	auto_free char *partial = xasprintf("%s/cache/images/" KEY_B ".partial-1", test_dir);
	struct error err = ERROR_NONE;

	make_image(KEY_A);
	make_image(KEY_B);
	ck_assert_int_eq(mkdir(box, 0700) | mkdir(lock, 0700) | mkdir(partial, 0700), 0);
	write_file("state/containers/box/identity", "image_key=" KEY_A "\n", 0600);
	ck_assert_int_eq(image_list(&install, NULL, &list, &err), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_str_eq(list.items[0].users.items[0], "box");
	ck_assert_int_eq(image_prune(&install, NULL, 0, true, &list, &err), 0);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.items[0].key, KEY_B);
	ck_assert(!is_empty("cache/images", KEY_B));
	ck_assert_int_eq(image_prune(&install, NULL, 0, false, &list, &err), 0);
	ck_assert(is_empty("cache/images", KEY_B));
	ck_assert(!is_empty("cache/images", KEY_A));
}
END_TEST

START_TEST(young_images_are_kept_by_age)
{
	auto_image_list struct image_list list = IMAGE_LIST_EMPTY;
	auto_free char *lock = xasprintf("%s/cache/lock", test_dir);
	auto_free char *text = xasprintf("built_at=%lld\n", (long long)time(NULL) - 60);
	struct error err = ERROR_NONE;

	make_image(KEY_A);
	ck_assert_int_eq(mkdir(lock, 0700), 0);
	write_file("cache/images/" KEY_A "/meta", text, 0600);
	ck_assert_int_eq(image_prune(&install, NULL, 3600000000ULL, false, &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(image_prune(&install, NULL, 30000000ULL, false, &list, &err), 0);
	ck_assert_uint_eq(list.n, 1);
}
END_TEST

START_TEST(the_second_container_comes_from_the_cache)
{
	auto_free char *first = NULL, *second = NULL, *runs = NULL, *path = NULL;
	struct container c = CONTAINER_EMPTY;
	struct error err;

	if (!ready())
		return;
	ck_assert_msg(create(NULL, NULL, &first, &err) == 0, "%s", err.message);
	ck_assert_str_eq(first, "tiny");
	ck_assert_msg(create(NULL, NULL, &second, &err) == 0, "%s", err.message);
	ck_assert_str_eq(second, "tiny-2");
	path = xasprintf("%s/cache/download/tiny-x86_64/runs", test_dir);
	if (read_file_at(AT_FDCWD, path, 100, &runs, NULL) == 0)
		ck_assert_str_eq(runs, "run\n");
	ck_assert_msg(container_open(&install, "tiny-2", false, false, &c, &err) == 0, "%s", err.message);
	ck_assert_str_eq(c.config.template.name, "tiny");
	ck_assert_str_eq(c.config.template.release, "1");
	ck_assert_str_eq(c.config.template.variant, "default");
	ck_assert_str_eq(c.config.template.checksum, DATA_SUM);
	ck_assert_uint_eq(c.idmap.count, 65536);
	container_close(&c);
	destroy("tiny");
	destroy("tiny-2");
	ck_assert(is_empty("state/containers", NULL));
}
END_TEST

START_TEST(refused_creates_leave_nothing)
{
	static const char *const bad_key[] = { "limits.memroy=1", NULL };
	static const char *const bad_init[] = { "container.init=/sbin/nothing", NULL };
	static const char *const bad_size[] = { "rootfs.size=16M", NULL };
	char *name = NULL;
	struct error err;

	if (!ready())
		return;
	ck_assert_int_lt(create("UPPER", NULL, &name, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_int_lt(create("box", bad_key, &name, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_int_lt(create("box", bad_init, &name, &err), 0);
	ck_has(err.message, "init missing in the rootfs");
	ck_assert_int_lt(create("box", bad_size, &name, &err), 0);
	ck_has(err.hint, "--size");
	ck_assert(is_empty("state/containers", NULL));
	ck_assert(is_empty("cache/images", "partial"));
	ck_assert_msg(create("box", NULL, &name, &err) == 0, "%s", err.message);
	free(name);
	ck_assert_int_lt(create("box", NULL, &name, &err), 0);
	ck_assert_int_eq(err.status, STATUS_STATE);
	destroy("box");
}
END_TEST

START_TEST(a_list_key_given_twice_appends)
{
	static const char *const settings[] = { "network.eth0.dns=10.0.0.1", "network.eth0.dns=10.0.0.2", NULL };
	auto_free char *name = NULL;
	struct container c = CONTAINER_EMPTY;
	struct error err;

	if (!ready())
		return;
	ck_assert_msg(create("box", settings, &name, &err) == 0, "%s", err.message);
	ck_assert_msg(container_open(&install, "box", false, false, &c, &err) == 0, "%s", err.message);
	ck_assert_uint_eq(c.config.networks[0].dns.n, 2);
	container_close(&c);
	destroy("box");
}
END_TEST

START_TEST(a_full_disk_is_told_and_leaves_nothing)
{
	auto_free char *state = xasprintf("%s/state", test_dir), *name = NULL;
	struct error err;

	if (!ready())
		return;
	ck_assert_int_eq(mount("tmpfs", state, "tmpfs", 0, "size=300k,mode=0700"), 0);
	ck_assert_int_lt(create("box", NULL, &name, &err), 0);
	ck_assert_int_eq(err.code, ENOSPC);
	ck_has(err.hint, "--state-dir");
	ck_assert(is_empty("state/containers", NULL));
	ck_assert_int_eq(umount(state), 0);
}
END_TEST

START_TEST(a_directory_container_needs_no_loop_device)
{
	auto_free char *setting = xasprintf("rootfs.directory=%s/place", test_dir), *name = NULL;
	auto_free char *init = xasprintf("%s/place/sbin/init", test_dir), *place = xasprintf("%s/place", test_dir);
	const char *settings[] = { setting, NULL };
	struct error err;

	if (!can_run(geteuid() == 0, "root"))
		return;
	ck_assert_msg(create("box", settings, &name, &err) == 0, "%s", err.message);
	ck_assert_int_eq(access(init, X_OK), 0);
	destroy("box");
	ck_assert_int_lt(access(place, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/image");
	TCase *tests = tcase_create("image");

	tcase_add_checked_fixture(tests, setup, install_teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_copy_has_the_data_and_the_holes);
	tcase_add_test(tests, a_copy_has_no_blocks_that_were_never_written);
	tcase_add_test(tests, a_used_image_is_never_pruned);
	tcase_add_test(tests, young_images_are_kept_by_age);
	tcase_add_test(tests, the_second_container_comes_from_the_cache);
	tcase_add_test(tests, refused_creates_leave_nothing);
	tcase_add_test(tests, a_list_key_given_twice_appends);
	tcase_add_test(tests, a_full_disk_is_told_and_leaves_nothing);
	tcase_add_test(tests, a_directory_container_needs_no_loop_device);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
