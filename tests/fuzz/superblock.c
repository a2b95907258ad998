/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the first superblock of an image: refused, or read without trust; one that is renamed is still one, with the
 * checksum that the kernel wants, and no byte elsewhere is another. Built with -fsanitize=fuzzer, or with
 * standalone/main.c to run files of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <endian.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/superblock.h"
#include "fuzz.h"

#define AT 1024
#define UUID_AT 104
#define LABEL_AT 120
#define CHECKSUM_AT 1020

static void renamed(int fd, const uint8_t *data, size_t size)
{
	auto_free unsigned char *after = xcalloc(1, AT + 1024);
	struct superblock sb;

	require(size >= AT + 1024, "a short one was renamed", "");
	require(pread(fd, after, AT + 1024, 0) == AT + 1024, "it is shorter now", "");
	require(memcmp(after + AT + UUID_AT, "\x11\x11\x11\x11\x22\x22\x43\x33\x84\x44\x55\x55\x55\x55\x55\x55", 16) == 0, "UUID", "");
	require(memcmp(after + AT + LABEL_AT, "a name\0\0\0\0\0\0\0\0\0\0", 16) == 0, "label", "");
	for (size_t i = 0; i < AT + 1024; i++) {
		size_t at = i - AT;

		if (i >= AT && ((at >= UUID_AT && at < LABEL_AT + 16) || at >= CHECKSUM_AT))
			continue;
		require(after[i] == data[i], "another byte differs", "");
	}
	require(superblock_read(fd, &sb) == 0 && sb.clean, "it is none any more", "");
	/* by its own checksum: only who finds it right renames again */
	require(superblock_rename(fd, "11111111-2222-4333-8444-555555555555", "a name") == 0, "its checksum is wrong", "");
}

static void check(const uint8_t *data, size_t size)
{
	auto_close int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct superblock sb = { .bytes = 4711 };
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return;
	r = superblock_read(fd, &sb);
	require(r == 0 || r == -EINVAL, "another result", "");
	require(r == 0 || sb.bytes == 4711, "refused, and yet changed", "");
	r = superblock_rename(fd, "11111111-2222-4333-8444-555555555555", "a name");
	require(r == 0 || r == -EINVAL || r == -EOPNOTSUPP, "another result of a rename", "");
	if (r == 0)
		renamed(fd, data, size);
}

/* CRC-32C bit by bit, as ext4 has it, so that what is found here does not wait for a guessed checksum. */
static uint32_t checksum(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < n * 8; i++) {
		bool bit = (crc ^ p[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (bit ? 0x82f63b78 : 0);
	}
	return crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *sealed = NULL;
	uint32_t crc;

	check(data, size);
	if (size < AT + 1024)
		return 0;
	sealed = xcalloc(1, size);
	memcpy(sealed, data, size);
	crc = htole32(checksum(data + AT, CHECKSUM_AT));
	memcpy(sealed + AT + CHECKSUM_AT, &crc, sizeof(crc));
	check(sealed, size);
	return 0;
}
