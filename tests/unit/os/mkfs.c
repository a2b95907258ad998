/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "os/mkfs.h"
#include "os/process.h"

#define BYTES (16 << 20)
#define UUID "0a1b2c3d-0001-4002-8003-0123456789ab"

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	mounts_setup();
}

static const char *sparse_file(const char *name)
{
	const char *path = in_dir(name);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, BYTES), 0);
	return path;
}

/* Bytes of the superblock, which is at 1024 (Documentation/filesystems/ext4/super.rst of the kernel). */
static void superblock_at(const char *path, off_t at, void *ret, size_t n)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, ret, n, 1024 + at), (ssize_t)n);
}

static void ck_made(const char *path)
{
	static const uint8_t uuid[] = { 0x0a, 0x1b, 0x2c, 0x3d, 0, 1, 0x40, 2, 0x80, 3, 1, 0x23, 0x45, 0x67, 0x89, 0xab };
	uint8_t magic[2], id[16];
	uint32_t block_size;
	char label[17] = "";

	superblock_at(path, 0x18, &block_size, sizeof(block_size));
	superblock_at(path, 0x38, magic, sizeof(magic));
	superblock_at(path, 0x68, id, sizeof(id));
	superblock_at(path, 0x78, label, 16);
	ck_assert_uint_eq(block_size, 2);	/* 1024 << 2 */
	ck_assert(magic[0] == 0x53 && magic[1] == 0xef);
	ck_assert_mem_eq(id, uuid, sizeof(uuid));
	ck_assert_str_eq(label, "a-label");
}

static struct mkfs wish_of(const char *path)
{
	return (struct mkfs){ .path = path, .keep_fd = -1, .uuid = UUID, .label = "a-label", .features = "metadata_csum",
			      .new_features = "^orphan_file", .options = "lazy_itable_init=1,nodiscard,root_owner=0:0" };
}

START_TEST(what_is_asked_for_is_made)
{
	const char *path = sparse_file("image");
	struct mkfs wish = wish_of(path);
	auto_free char *said = NULL;

	ck_assert_int_eq(must(mkfs_ext4(&wish, &said, &err)), 0);
	ck_made(path);
}
END_TEST

START_TEST(a_file_is_known_by_its_descriptor_too)
{
	const char *path = sparse_file("image");
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
	char place[32];
	struct mkfs wish = wish_of(fd_path(fd, place, sizeof(place)));
	auto_free char *said = NULL;

	wish.keep_fd = fd;
	ck_assert_int_eq(must(mkfs_ext4(&wish, &said, &err)), 0);
	ck_made(path);
}
END_TEST

/* In place of mke2fs, for this test's mount namespace, one that knows as little as an older one. */
static void put_an_older_one(void)
{
	auto_free char *real = tool_find("mke2fs");
	const char *copy = in_dir("mke2fs"), *script = in_dir("older");
	auto_free char *text = xasprintf("#!/bin/sh\necho \"$*\" >>%s\ncase $* in *assume_storage_prezeroed*|*orphan_file*)\n"
					 "echo 'Bad option(s) specified'; exit 1;; esac\nexec %s \"$@\"\n",
					 in_dir("calls"), copy);
	auto_free char *program = NULL;
	size_t n;

	ck_assert_ptr_nonnull(real);
	ck_assert_int_eq(read_file_at(AT_FDCWD, real, 64 << 20, &program, &n), 0);
	must(replace_file_at(AT_FDCWD, copy, program, n, 0700, false, &err));
	must(replace_file_at(AT_FDCWD, script, text, strlen(text), 0700, false, &err));
	ck_assert_int_eq(mount(script, real, NULL, MS_BIND, NULL), 0);
}

START_TEST(an_older_mke2fs_gets_what_it_knows)
{
	const char *path = sparse_file("image");
	struct mkfs wish = wish_of(path);
	auto_free char *said = NULL, *calls = NULL;

	put_an_older_one();
	ck_assert_int_eq(must(mkfs_ext4(&wish, &said, &err)), 0);
	ck_made(path);
	ck_assert_int_eq(read_file_at(AT_FDCWD, in_dir("calls"), 4096, &calls, NULL), 0);
	ck_assert_ptr_nonnull(strstr(calls, "assume_storage_prezeroed=1,lazy_itable_init=1"));
	ck_assert_ptr_nonnull(strstr(strchr(calls, '\n'), "-O metadata_csum -E lazy_itable_init=1"));
}
END_TEST

START_TEST(what_it_says_when_it_refuses_is_told)
{
	struct mkfs wish = wish_of(in_dir("nowhere/image"));
	auto_free char *said = NULL;

	ck_assert_int_eq(mkfs_ext4(&wish, &said, &err), 1);
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_gt(strlen(said), 0);
	ck_assert_ptr_null(strchr(said, '\n'));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/mkfs");
	TCase *tests = tcase_create("mkfs");
	auto_free char *mke2fs = tool_find("mke2fs");
	int skipped = skip_without_root("mounts");

	if (skipped >= 0)
		return skipped;
	if (!mke2fs) {
		printf("1..0 # SKIP needs mke2fs\n");
		return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : EXIT_SKIPPED;
	}
	tcase_add_checked_fixture(tests, setup, mounts_teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_is_asked_for_is_made);
	tcase_add_test(tests, a_file_is_known_by_its_descriptor_too);
	tcase_add_test(tests, an_older_mke2fs_gets_what_it_knows);
	tcase_add_test(tests, what_it_says_when_it_refuses_is_told);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
