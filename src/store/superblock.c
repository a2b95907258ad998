/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/superblock.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AT 1024
#define SIZE 1024

#define INODES 0x00
#define BLOCKS_LOW 0x04
#define FREE_LOW 0x0c
#define LOG_BLOCK_SIZE 0x18
#define MAGIC 0x38
#define STATE 0x3a
#define INODE_SIZE 0x58
#define INCOMPAT 0x60
#define RO_COMPAT 0x64
#define UUID_AT 0x68
#define LABEL_AT 0x78
#define BLOCKS_HIGH 0x150
#define FREE_HIGH 0x158
#define CHECKSUM_TYPE 0x175
#define CHECKSUM 0x3fc

#define EXT4_MAGIC 0xef53
#define STATE_CLEAN 1
#define STATE_ERRORS 2
#define INCOMPAT_RECOVER 0x4
#define INCOMPAT_64BIT 0x80
#define INCOMPAT_CSUM_SEED 0x2000
#define RO_COMPAT_METADATA_CSUM 0x400

static uint16_t get16(const unsigned char *sb, size_t at)
{
	uint16_t value;

	memcpy(&value, sb + at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const unsigned char *sb, size_t at)
{
	uint32_t value;

	memcpy(&value, sb + at, sizeof(value));
	return le32toh(value);
}

static uint64_t count_of(const unsigned char *sb, size_t low, size_t high)
{
	uint64_t upper = get32(sb, INCOMPAT) & INCOMPAT_64BIT ? get32(sb, high) : 0;

	return upper << 32 | get32(sb, low);
}

static uint64_t blocks_of(const unsigned char *sb)
{
	return count_of(sb, BLOCKS_LOW, BLOCKS_HIGH);
}

/* What both a reader and a writer need to be true of it. */
static int load(int fd, unsigned char *sb)
{
	ssize_t n = pread(fd, sb, SIZE, AT);

	if (n < 0)
		return -errno;
	if (n != SIZE || get16(sb, MAGIC) != EXT4_MAGIC || get32(sb, LOG_BLOCK_SIZE) > 6 || blocks_of(sb) > UINT64_MAX >> 16)
		return -EINVAL;
	return 0;
}

static void format_uuid(const unsigned char bytes[16], char text[37])
{
	char *p = text;

	for (size_t i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
}

int superblock_read(int fd, struct superblock *ret)
{
	unsigned char sb[SIZE];
	uint64_t free_blocks;
	int r = load(fd, sb);

	if (r < 0)
		return r;
	free_blocks = count_of(sb, FREE_LOW, FREE_HIGH);
	ret->bytes = blocks_of(sb) << (10 + get32(sb, LOG_BLOCK_SIZE));
	ret->free = free_blocks < blocks_of(sb) ? free_blocks << (10 + get32(sb, LOG_BLOCK_SIZE)) : ret->bytes;
	ret->inode_tables = (uint64_t)get32(sb, INODES) * get16(sb, INODE_SIZE);
	ret->clean = get16(sb, STATE) & STATE_CLEAN;
	ret->has_errors = get16(sb, STATE) & STATE_ERRORS;
	ret->needs_recovery = get32(sb, INCOMPAT) & INCOMPAT_RECOVER;
	ret->checksum = get32(sb, RO_COMPAT) & RO_COMPAT_METADATA_CSUM ? get32(sb, CHECKSUM) : 0;
	format_uuid(sb + UUID_AT, ret->uuid);
	return 0;
}

/* CRC-32C (Castagnoli), reflected, as the kernel's crc32c_le(): no inversion at either end. */
static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

static int parse_hex(const char *uuid, unsigned char bytes[16])
{
	size_t n = 0;

	for (const char *p = uuid; *p && n < 16; p++) {
		unsigned int byte;

		if (*p == '-')
			continue;
		if (!p[1] || sscanf(p, "%2x", &byte) != 1)
			return -EINVAL;
		bytes[n++] = (unsigned char)byte;
		p++;
	}
	return n == 16 ? 0 : -EINVAL;
}

int superblock_rename(int fd, const char *uuid, const char *label)
{
	unsigned char sb[SIZE], bytes[16];
	uint32_t checksum;
	int r = load(fd, sb);

	if (r < 0)
		return r;
	if (parse_hex(uuid, bytes) < 0)
		return -EINVAL;
	if (!(get32(sb, INCOMPAT) & INCOMPAT_CSUM_SEED) || sb[CHECKSUM_TYPE] != 1 ||
	    !(get32(sb, RO_COMPAT) & RO_COMPAT_METADATA_CSUM) ||
	    get32(sb, INCOMPAT) & INCOMPAT_RECOVER || !(get16(sb, STATE) & STATE_CLEAN))
		return -EOPNOTSUPP;
	/* Ours must agree with the one that is there, or we do not know what we are doing. */
	if (crc32c(~0U, sb, CHECKSUM) != get32(sb, CHECKSUM))
		return -EOPNOTSUPP;
	memcpy(sb + UUID_AT, bytes, sizeof(bytes));
	memset(sb + LABEL_AT, 0, 16);
	memcpy(sb + LABEL_AT, label, strnlen(label, 16));
	checksum = htole32(crc32c(~0U, sb, CHECKSUM));
	memcpy(sb + CHECKSUM, &checksum, sizeof(checksum));
	if (pwrite(fd, sb, SIZE, AT) != SIZE)
		return errno ? -errno : -EIO;
	return 0;
}
