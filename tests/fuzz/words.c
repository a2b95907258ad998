/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as each kind of short value that somebody types or another program prints: refused and nothing changed, or
 * within its bounds and the same when it is written and read again. Built with -fsanitize=fuzzer, or with
 * standalone/main.c to run files of the corpus. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/checks.h"
#include "config/mount_options.h"
#include "os/idmap.h"
#include "os/process.h"
#include "store/subnet.h"
#include "fuzz.h"

static void numbers(const char *text)
{
	uint64_t value = 4711, again = 0;
	uint32_t small = 4711;
	char buf[32];
	bool truth;

	if (parse_u64(text, &value) == 0) {
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)value);
		require(parse_u64(buf, &again) == 0 && again == value, "a number", text);
	} else {
		require(value == 4711, "a number that was refused", text);
	}
	if (parse_u32(text, &small) == 0)
		require(parse_u64(text, &value) == 0 && value == small, "a small number", text);
	else
		require(small == 4711, "a small number that was refused", text);
	if (parse_size(text, &value) == 0)
		require(*format_size(value, buf, sizeof(buf)), "a size", text);
	if (parse_duration(text, &value) == 0)
		require(*format_duration(value, buf, sizeof(buf)), "a duration", text);
	parse_bool(text, &truth);
}

static void addresses(const char *text)
{
	struct subnet4 four = { .prefix = 99 }, other4;
	struct subnet6 six = { .prefix = 999 }, other6;
	uint8_t mac[6];
	struct ip ip;

	if (subnet4_parse(text, &four) == 0) {
		auto_free char *shown = subnet4_text(&four);
		char buf[INET_ADDRSTRLEN];

		require(four.prefix <= 32, "a prefix", text);
		require(subnet4_parse(shown, &other4) == 0 && other4.address == four.address && other4.prefix == four.prefix,
			"a subnet read back", shown);
		if (four.prefix >= 8 && four.prefix <= 30)
			require(subnet4_number(&four, subnet4_host(&four, 2, buf)) == 2, "an address of a subnet", buf);
		require(subnet4_overlap(&four, &four), "a subnet and itself", text);
	}
	if (subnet6_parse(text, &six) == 0) {
		auto_free char *shown = subnet6_text(&six);

		require(six.prefix <= 128, "a prefix", text);
		require(subnet6_parse(shown, &other6) == 0 && memcmp(&other6.address, &six.address, 16) == 0 &&
				other6.prefix == six.prefix,
			"a subnet read back", shown);
	}
	if (hwaddr_parse(text, mac) == 0)
		require(!(mac[0] & 1) && strlen(text) == 17, "a MAC", text);
	if (ip_parse(text, true, &ip))
		require(ip.family == AF_INET ? ip.prefix <= 32 : ip.family == AF_INET6 && ip.prefix <= 128, "an address", text);
	if (ip_parse(text, false, &ip))
		require(ip.prefix == (ip.family == AF_INET ? 32 : 128) && ip_in_net(&ip, &ip), "an address without prefix", text);
}

static void ports(const char *text)
{
	struct publish publish, other;

	if (!publish_parse(text, &publish)) {
		require(!check_publish(text), "a port that is right and cannot be read", text);
		return;
	}
	require(publish.port && publish.host_port, "port 0", text);
	require(memchr(publish.host, '\0', sizeof(publish.host)) != NULL, "an address without end", text);

	auto_free char *shown = publish_format(&publish);

	require(publish_parse(shown, &other), "a port read back", shown);
	require(other.port == publish.port && other.host_port == publish.host_port && other.udp == publish.udp &&
			strcmp(other.host, publish.host) == 0 && publish_overlap(&publish, &other),
		"another port came back", shown);
}

static void ids(const char *text)
{
	struct process_id id = { 1, 2 }, again;
	struct idmap map = { 0 }, other;
	struct error err = ERROR_NONE;
	char buf[64];
	int signal;

	if (process_id_parse(text, &id) == 0)
		require(id.pid >= 0 && process_id_parse(process_id_format(&id, buf, sizeof(buf)), &again) == 0 &&
				again.pid == id.pid && again.start == id.start,
			"a process", text);
	else
		require(id.pid == 1 && id.start == 2, "a process that was refused", text);
	if (idmap_parse(text, &map, &err) == 0) {
		require(map.count && (uint64_t)map.inside + map.count <= UINT32_MAX && (uint64_t)map.outside + map.count <= UINT32_MAX,
			"a map of ids", text);
		require(idmap_parse(idmap_format(&map, buf, sizeof(buf)), &other, &err) == 0 && other.outside == map.outside &&
				other.inside == map.inside && other.count == map.count,
			"a map read back", buf);
	} else {
		require(err.code > 0 && err.message[0], "a map refused without a message", text);
	}
	signal = signal_parse(text);
	if (signal >= 0)
		require(signal > 0 && signal <= 64 && signal_parse(signal_text(signal, buf, sizeof(buf))) == signal, "a signal", text);
	if (uuid_valid(text))
		require(strlen(text) == UUID_LEN, "a UUID", text);
	if (name_valid(text))
		require(*text && strlen(text) <= 63 && !strpbrk(text, "/. \n"), "a name", text);
}

static void mounts(const char *text)
{
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;
	auto_free char *name = NULL, *rights = NULL;

	if (mount_options_parse(text, &options)) {
		/* those of the access time are a number, which is cleared as a whole (mount_setattr(2)) */
		require(!(options.set & options.clear & ~(unsigned int)MOUNT_ATTR__ATIME), "an option that is set and cleared", text);
		for (size_t i = 0; i < options.data.n; i++)
			require(strchr(options.data.items[i], '=') && !strpbrk(options.data.items[i], ", "), "data of a tmpfs", text);
	} else {
		require(options.data.n == 0, "options that were refused", text);
	}
	if (device_allow_parse(text, &name, &rights)) {
		require(*name && *name != '/' && *name != '.' && !strstr(name, "/."), "a device", text);
		require(*rights && strspn(rights, "rwm") == strlen(rights) && strlen(rights) <= 3, "rights of a device", text);
	}
}

static void printable(const char *text)
{
	auto_free char *shown = text_printable(text), *twice = text_printable(shown);

	for (const char *p = shown; *p; p++)
		require((unsigned char)*p >= 0x20 && *p != 0x7f, "a control character is shown", shown);
	require(strcmp(shown, twice) == 0, "shown twice it differs", shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);

	numbers(text);
	addresses(text);
	ports(text);
	ids(text);
	mounts(text);
	printable(text);
	return 0;
}
