/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/subnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define SMALLEST_REAL_PREFIX 4

static uint32_t mask_of(unsigned int prefix)
{
	return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

/* "ADDRESS/PREFIX" into its halves. */
static int split_prefix(const char *text, unsigned int max, char *address, size_t room,
			unsigned int *prefix)
{
	const char *slash = strchr(text, '/');
	uint32_t number;

	if (!slash || (size_t)(slash - text) >= room || parse_u32(slash + 1, &number) < 0 ||
	    number > max)
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	*prefix = number;
	return 0;
}

int subnet4_parse(const char *text, struct subnet4 *ret)
{
	char address[INET_ADDRSTRLEN];
	struct subnet4 subnet;
	struct in_addr in;

	if (split_prefix(text, 32, address, sizeof(address), &subnet.prefix) < 0 ||
	    inet_pton(AF_INET, address, &in) != 1)
		return -EINVAL;
	subnet.address = ntohl(in.s_addr);
	if (subnet.address & ~mask_of(subnet.prefix))
		return -EINVAL;
	*ret = subnet;
	return 0;
}

int subnet6_parse(const char *text, struct subnet6 *ret)
{
	char address[INET6_ADDRSTRLEN];
	struct subnet6 subnet;

	if (split_prefix(text, 128, address, sizeof(address), &subnet.prefix) < 0 ||
	    inet_pton(AF_INET6, address, &subnet.address) != 1)
		return -EINVAL;
	for (unsigned int bit = subnet.prefix; bit < 128; bit++)
		if (subnet.address.s6_addr[bit / 8] & (0x80 >> bit % 8))
			return -EINVAL;
	*ret = subnet;
	return 0;
}

const char *subnet4_host(const struct subnet4 *subnet, uint32_t n, char *buf)
{
	struct in_addr in = { .s_addr = htonl(subnet->address + n) };

	inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
	return buf;
}

const char *subnet6_host(const struct subnet6 *subnet, uint32_t n, char *buf)
{
	struct in6_addr in = subnet->address;

	for (int i = 0; i < 4; i++)
		in.s6_addr[15 - i] |= (unsigned char)(n >> 8 * i);
	inet_ntop(AF_INET6, &in, buf, INET6_ADDRSTRLEN);
	return buf;
}

char *subnet4_text(const struct subnet4 *subnet)
{
	char address[INET_ADDRSTRLEN];

	return xasprintf("%s/%u", subnet4_host(subnet, 0, address), subnet->prefix);
}

char *subnet6_text(const struct subnet6 *subnet)
{
	char address[INET6_ADDRSTRLEN];

	return xasprintf("%s/%u", subnet6_host(subnet, 0, address), subnet->prefix);
}

/* How many addresses a subnet has for boxes: all but the network, the gateway and the broadcast
 * one. */
static uint32_t room_for_boxes(const struct subnet4 *subnet)
{
	return subnet->prefix > 30 ? 0 : ~mask_of(subnet->prefix) - 2;
}

uint32_t subnet4_number(const struct subnet4 *subnet, const char *address)
{
	struct in_addr in;
	uint32_t n;

	if (!address || inet_pton(AF_INET, address, &in) != 1 ||
	    (ntohl(in.s_addr) & mask_of(subnet->prefix)) != subnet->address)
		return 0;
	n = ntohl(in.s_addr) - subnet->address;
	return n >= 2 && n - 2 < room_for_boxes(subnet) ? n : 0;
}

bool subnet4_overlap(const struct subnet4 *a, const struct subnet4 *b)
{
	uint32_t mask = mask_of(a->prefix < b->prefix ? a->prefix : b->prefix);

	return (a->address & mask) == (b->address & mask);
}

const struct subnet4 *subnet4_find_overlap(const struct subnet4 *subnet,
					   const struct subnet4 *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (taken[i].prefix >= SMALLEST_REAL_PREFIX && subnet4_overlap(subnet, &taken[i]))
			return &taken[i];
	return NULL;
}

int subnet4_choose(uint32_t seed, const struct subnet4 *taken, size_t n, struct subnet4 *ret)
{
	static const struct subnet4 ranges[] = { { 0x0a000000, 8 },
						 { 0xac100000, 12 },
						 { 0xc0a80000, 16 } };

	for (size_t r = 0; r < ARRAY_SIZE(ranges); r++) {
		uint32_t count = 1U << (24 - ranges[r].prefix);

		for (uint32_t i = 0; i < count; i++) {
			struct subnet4 candidate = { ranges[r].address + ((seed + i) % count << 8),
						     24 };

			if (subnet4_find_overlap(&candidate, taken, n))
				continue;
			*ret = candidate;
			return 0;
		}
	}
	return -ENOSPC;
}

void subnet6_ula(const unsigned char random[5], struct subnet6 *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->address.s6_addr[0] = 0xfd;
	memcpy(&ret->address.s6_addr[1], random, 5);
	ret->prefix = 64;
}

int64_t subnet4_lease(const struct subnet4 *subnet, const char *uuid, const char *wanted,
		      const struct strings *taken)
{
	uint32_t count = room_for_boxes(subnet), number = subnet4_number(subnet, wanted), first;
	auto_free unsigned char *used = NULL;

	if (!count)
		return -ENOSPC;
	used = xcalloc(count, 1);
	for (size_t i = 0; i < taken->n; i++) {
		uint32_t other = subnet4_number(subnet, taken->items[i]);

		if (other)
			used[other - 2] = 1;
	}
	if (number && !used[number - 2])
		return number;
	first = (uint32_t)(hash_text(uuid) % count);
	for (uint32_t i = 0; i < count; i++)
		if (!used[(first + i) % count])
			return (int64_t)((first + i) % count) + 2;
	return -ENOSPC;
}

uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
	/* FNV leaves the last letters in the low bits: spread them (MurmurHash3's end) */
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53U;
	return hash ^ hash >> 33;
}

void hwaddr_from_uuid(const char *uuid, char buf[HWADDR_TEXT])
{
	uint64_t hash = hash_text(uuid);

	snprintf(buf, HWADDR_TEXT, "02:%02x:%02x:%02x:%02x:%02x", (unsigned int)(hash >> 32 & 0xff),
		 (unsigned int)(hash >> 24 & 0xff), (unsigned int)(hash >> 16 & 0xff),
		 (unsigned int)(hash >> 8 & 0xff), (unsigned int)(hash & 0xff));
}

int hwaddr_parse(const char *text, uint8_t ret[6])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t parsed[6];

	if (strlen(text) != HWADDR_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		const char *high = strchr(digits, text[3 * i] | 0x20);
		const char *low = strchr(digits, text[3 * i + 1] | 0x20);

		if (!high || !low || (i < 5 && text[3 * i + 2] != ':'))
			return -EINVAL;
		parsed[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	if (parsed[0] & 1)
		return -EINVAL;
	memcpy(ret, parsed, sizeof(parsed));
	return 0;
}

void hwaddr_interface_id(const uint8_t hwaddr[6], uint8_t ret[8])
{
	const uint8_t id[8] = { hwaddr[0] ^ 2, hwaddr[1], hwaddr[2], 0xff, 0xfe, hwaddr[3], hwaddr[4], hwaddr[5] };

	memcpy(ret, id, sizeof(id));
}

void hwaddr_link_local(const uint8_t hwaddr[6], uint8_t ret[16])
{
	memset(ret, 0, 16);
	ret[0] = 0xfe;
	ret[1] = 0x80;
	hwaddr_interface_id(hwaddr, ret + 8);
}
