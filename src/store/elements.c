/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/elements.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/netlink.h"
#include "store/subnet.h"

#define GROUP_DIGITS 8

/* --- one element --- */

/* "0x0123" */
static size_t put_bytes(const char *digits, uint8_t *ret, size_t room)
{
	size_t n = strlen(digits);

	if (n == 0 || n % 2 || n / 2 > room || strspn(digits, "0123456789abcdef") != n)
		return 0;
	for (size_t i = 0; i < n / 2; i++)
		ret[i] = (uint8_t)strtoul((const char[3]){ digits[2 * i], digits[2 * i + 1] }, NULL, 16);
	return n / 2;
}

/* "\"sysct0\"": all 16 bytes are compared */
static size_t put_name(const char *quoted, uint8_t *ret, size_t room)
{
	size_t n = strlen(quoted);

	if (n < 3 || quoted[n - 1] != '"' || n - 2 >= IFNAMSIZ || room < IFNAMSIZ)
		return 0;
	memset(ret, 0, IFNAMSIZ);
	memcpy(ret, quoted + 1, n - 2);
	return IFNAMSIZ;
}

static size_t put_field(const char *field, bool first, uint8_t *ret, size_t room)
{
	uint32_t group;

	if (*field == '"')
		return put_name(field, ret, room);
	if (text_starts(field, "0x") && first && strlen(field) == 2 + GROUP_DIGITS) {
		if (room < sizeof(group) || put_bytes(field + 2, ret, sizeof(group)) == 0)
			return 0;
		memcpy(&group, ret, sizeof(group));
		group = ntohl(group);
		memcpy(ret, &group, sizeof(group));
		return sizeof(group);
	}
	if (text_starts(field, "0x"))
		return put_bytes(field + 2, ret, room);
	if (room >= HWADDR_BYTES && hwaddr_parse(field, ret) == 0)
		return HWADDR_BYTES;
	if (room >= 4 && inet_pton(AF_INET, field, ret) == 1)
		return 4;
	return room >= 16 && inet_pton(AF_INET6, field, ret) == 1 ? 16 : 0;
}

size_t element_key(const char *text, uint8_t key[ELEMENT_BYTES])
{
	auto_strings struct strings fields = STRINGS_EMPTY;
	size_t n = 0;

	memset(key, 0, ELEMENT_BYTES);
	strings_split(&fields, text, " ");
	for (size_t i = 0; i < fields.n; i++) {
		size_t bytes;

		if (i % 2) {
			if (strcmp(fields.items[i], ".") != 0 || i == fields.n - 1)
				return 0;
			n = (n + 3) / 4 * 4;
			continue;
		}
		bytes = put_field(fields.items[i], i == 0, key + n, ELEMENT_BYTES - n);
		if (bytes == 0)
			return 0;
		n += bytes;
	}
	return fields.n > 1 ? (n + 3) / 4 * 4 : n;
}

/* --- all changes --- */

struct change {
	char what[8], family[8], table[64], set[64];
	struct text keys;
};

static void change_done(struct change *change)
{
	free(change->keys.data);
}

/* "add element bridge sysct links { 0x4a1b2c3d, 0x5a1b2c3d }" */
static bool parse_change(const char *line, struct change *ret, struct nft_elements *elements)
{
	auto_free char *copy = xstrdup(line);
	auto_strings struct strings all = STRINGS_EMPTY;
	char *begin = strstr(copy, " { "), *end = begin ? strstr(begin, " }") : NULL;

	if (!end || sscanf(copy, "%7s element %7s %63s %63s", ret->what, ret->family, ret->table, ret->set) != 4)
		return false;
	*end = '\0';
	*elements = (struct nft_elements){ .add = strcmp(ret->what, "add") == 0, .family = ret->family, .table = ret->table,
					   .set = ret->set };
	strings_split(&all, begin + 3, ",");
	for (; elements->n < all.n; elements->n++) {
		uint8_t key[ELEMENT_BYTES];
		size_t bytes = element_key(all.items[elements->n], key);

		if (bytes == 0 || (elements->n && bytes != elements->key_bytes))
			return false;
		elements->key_bytes = bytes;
		text_append(&ret->keys, (const char *)key, bytes);
	}
	elements->keys = (const uint8_t *)ret->keys.data;
	return elements->n > 0;
}

int elements_change(const char *changes, uint32_t generation, struct error *err)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	auto_free struct nft_elements *elements = NULL;
	struct change *all;
	bool good = true;
	int r;

	strings_split(&lines, changes, "\n");
	all = xcalloc(lines.n + 1, sizeof(*all));
	elements = xcalloc(lines.n + 1, sizeof(*elements));
	for (size_t i = 0; i < lines.n && good; i++)
		good = parse_change(lines.items[i], &all[i], &elements[i]);
	r = good ? netlink_nft_change(elements, lines.n, generation, err) : fail(err, EINVAL, "read \"%s\"", changes);
	for (size_t i = 0; i < lines.n; i++)
		change_done(&all[i]);
	free(all);
	return r;
}
