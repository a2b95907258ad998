/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net-forge - what a container may try against its neighbours on a bridge, one frame for each attempt.
 *
 *   net-forge LINK KEY=VALUE... KIND...
 *
 * Keys: to (MAC that it is sent to), ip4, ip6 (the sender's own), gateway4, gateway6, other4, other6, other (addresses and
 * MAC of a third one, whose place it wants to take). Kinds: see below; "all" is each of them. Every frame carries the
 * text "forged KIND;", which net-watch finds; the kind "end" is an honest one, to say that no more follow.
 *
 * Static, so that it runs in any root file system. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	uint8_t own[6], to[6], other[6];
	uint8_t ip4[4], gateway4[4], other4[4];
	uint8_t ip6[16], gateway6[16], other6[16], local6[16];
} who;

static struct {
	uint8_t data[1024];
	size_t n;
} frame;

static void put(const void *bytes, size_t n)
{
	memcpy(frame.data + frame.n, bytes, n);
	frame.n += n;
}

static void put8(uint8_t value)
{
	put(&value, 1);
}

static void put16(uint16_t value)
{
	uint16_t big = htons(value);

	put(&big, 2);
}

static void put32(uint32_t value)
{
	uint32_t big = htonl(value);

	put(&big, 4);
}

static void put_zeros(size_t n)
{
	memset(frame.data + frame.n, 0, n);
	frame.n += n;
}

static void put_text(const char *kind)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "forged %s;", kind);

	put(text, (size_t)n);
}

static uint32_t sum(uint32_t value, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		value += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return value;
}

static uint16_t finish(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return (uint16_t)~value;
}

static void set16(size_t at, uint16_t value)
{
	frame.data[at] = (uint8_t)(value >> 8);
	frame.data[at + 1] = (uint8_t)value;
}

/* --- layers --- */

static void ethernet(const uint8_t *from, const uint8_t *to, uint16_t type)
{
	frame.n = 0;
	put(to, 6);
	put(from, 6);
	put16(type);
}

/* Returns where it begins; end_ip4() writes what depends on the rest. */
static size_t ip4(const uint8_t *from, const uint8_t *to, uint8_t protocol)
{
	size_t at = frame.n;

	put16(0x4500);
	put16(0);
	put16(0x1234);
	put16(0);
	put8(64);
	put8(protocol);
	put16(0);
	put(from, 4);
	put(to, 4);
	return at;
}

static void end_ip4(size_t at)
{
	set16(at + 2, (uint16_t)(frame.n - at));
	set16(at + 10, finish(sum(0, frame.data + at, 20)));
}

static size_t ip6(const uint8_t *from, const uint8_t *to, uint8_t next)
{
	size_t at = frame.n;

	put32(0x60000000);
	put16(0);
	put8(next);
	put8(255);
	put(from, 16);
	put(to, 16);
	return at;
}

/* upper: where the checksummed part begins, sum_at: its checksum. */
static void end_ip6(size_t at, size_t upper, size_t sum_at, uint8_t protocol)
{
	uint32_t value = sum(protocol, frame.data + at + 8, 32) + (uint32_t)(frame.n - upper);
	uint16_t checksum = finish(sum(value, frame.data + upper, frame.n - upper));

	set16(at + 4, (uint16_t)(frame.n - at - 40));
	set16(sum_at, protocol == IPPROTO_UDP && !checksum ? 0xffff : checksum);
}

static size_t udp(uint16_t from, uint16_t to)
{
	size_t at = frame.n;

	put16(from);
	put16(to);
	put16(0);
	put16(0); /* no checksum, which IPv4 allows */
	return at;
}

static void end_udp(size_t at)
{
	set16(at + 4, (uint16_t)(frame.n - at));
}

/* --- kinds --- */

static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
static const uint8_t all4[4] = { 255, 255, 255, 255 }, none4[4];
static const uint8_t nodes6[16] = { 0xff, 2, [15] = 1 }, none6[16];
static const uint8_t nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };

static void packet4(const char *kind, const uint8_t *mac, const uint8_t *from)
{
	size_t at, upper;

	ethernet(mac, who.to, ETHERTYPE_IP);
	at = ip4(from, all4, IPPROTO_UDP);
	upper = udp(40000, 9);
	put_text(kind);
	end_udp(upper);
	end_ip4(at);
}

static void packet6(const char *kind, const uint8_t *mac, const uint8_t *from)
{
	size_t at, upper;

	ethernet(mac, who.to, ETHERTYPE_IPV6);
	at = ip6(from, nodes6, IPPROTO_UDP);
	upper = udp(40000, 9);
	put_text(kind);
	end_udp(upper);
	end_ip6(at, upper, upper + 6, IPPROTO_UDP);
}

static size_t tcp(void)
{
	size_t at = frame.n;

	put16(40000);
	put16(9);
	put32(1);
	put32(1);
	put16(0x5010); /* an answer of a connection that is there */
	put16(1000);
	put32(0);
	return at;
}

/* Without its checksum, for which no bridge looks. */
static void tcp4(const char *kind, const uint8_t *mac, const uint8_t *from, const uint8_t *to)
{
	size_t at;

	ethernet(mac, who.to, ETHERTYPE_IP);
	at = ip4(from, to, IPPROTO_TCP);
	tcp();
	put_text(kind);
	end_ip4(at);
}

static void tcp6(const char *kind, const uint8_t *mac, const uint8_t *from, const uint8_t *to)
{
	size_t at, upper;

	ethernet(mac, who.to, ETHERTYPE_IPV6);
	at = ip6(from, to, IPPROTO_TCP);
	upper = tcp();
	put_text(kind);
	end_ip6(at, upper, upper + 16, IPPROTO_TCP);
}

/* Behind a tag of VLAN 7, where there is a filter that looks at addresses alone. */
static void tag(void)
{
	memmove(frame.data + 16, frame.data + 12, frame.n - 12);
	frame.n += 4;
	set16(12, ETHERTYPE_VLAN);
	set16(14, 7);
}

static void arp(const char *kind, uint16_t operation, uint8_t length, const uint8_t *sender_mac, const uint8_t *sender,
		const uint8_t *target)
{
	ethernet(who.own, operation == 2 ? who.to : everybody, ETHERTYPE_ARP);
	put16(1);
	put16(ETHERTYPE_IP);
	put8(length);
	put8(4);
	put16(operation);
	put(sender_mac, 6);
	put(sender, 4);
	put(who.to, 6);
	put(target, 4);
	put_text(kind);
}

/* An option of its own kind holds the text, padded to whole eights. */
static void put_text_option(const char *kind)
{
	size_t at = frame.n;

	put8(253);
	put8(6);
	put_text(kind);
	put_zeros(at + 48 - frame.n);
}

/* Neighbour discovery: target NULL for a router's. options: behind a hop-by-hop header. */
static void discovery(const char *kind, uint8_t type, const uint8_t *from, const uint8_t *target, bool options)
{
	size_t at, upper;

	ethernet(who.own, nodes_mac, ETHERTYPE_IPV6);
	at = ip6(from, nodes6, options ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6);
	if (options) {
		put8(IPPROTO_ICMPV6);
		put8(0);
		put8(1); /* PadN of 4 */
		put8(4);
		put_zeros(4);
	}
	upper = frame.n;
	put8(type);
	put8(0);
	put16(0);
	if (type == 134) {
		put32(0x40000708); /* hop limit 64, for half an hour */
		put32(0);
		put32(0);
	} else if (type == 130) {
		put32(0x03e80000);
		put_zeros(16);
	} else {
		put32(type == 136 ? 0xa0000000 : 0); /* a router's, and it overrides */
		put(target, 16);
	}
	if (type == 137)
		put(who.gateway6, 16);
	if (type == 136) {
		put8(2);
		put8(1);
		put(who.own, 6);
	}
	put_text_option(kind);
	end_ip6(at, upper, upper + 2, IPPROTO_ICMPV6);
}

/* BOOTP; the text is in the field for the server's name. */
static void dhcp(const char *kind, bool server, const uint8_t *client)
{
	static const uint8_t discover[] = { 99, 130, 83, 99, 53, 1, 1, 255 }, offer[] = { 99, 130, 83, 99, 53, 1, 2, 255 };
	size_t at, upper, text;

	ethernet(who.own, everybody, ETHERTYPE_IP);
	at = ip4(server ? who.ip4 : none4, all4, IPPROTO_UDP);
	upper = server ? udp(67, 68) : udp(68, 67);
	put8(server ? 2 : 1);
	put8(1);
	put8(6);
	put8(0);
	put32(0x5c75c75c);
	put32(0x00008000);
	put_zeros(16);
	put(client, 6);
	put_zeros(10);
	text = frame.n;
	put_text(kind);
	put_zeros(text + 64 - frame.n);
	put_zeros(128);
	put(server ? offer : discover, sizeof(offer));
	end_udp(upper);
	end_ip4(at);
}

static void dhcp6(const char *kind)
{
	size_t at, upper;

	ethernet(who.own, nodes_mac, ETHERTYPE_IPV6);
	at = ip6(who.local6, nodes6, IPPROTO_UDP);
	upper = udp(547, 546);
	put32(0x02123456);
	put_text(kind);
	end_udp(upper);
	end_ip6(at, upper, upper + 6, IPPROTO_UDP);
}

/* Of version 3, with the text in the list of sources. */
static void igmp(const char *kind)
{
	static const uint8_t all_hosts[4] = { 224, 0, 0, 1 }, mac[6] = { 1, 0, 0x5e, 0, 0, 1 };
	size_t at, upper;

	ethernet(who.own, mac, ETHERTYPE_IP);
	at = ip4(who.ip4, all_hosts, IPPROTO_IGMP);
	upper = frame.n;
	put32(0x11640000);
	put32(0);
	put32(0x0200000a);
	put_text(kind);
	put_zeros(upper + 12 + 40 - frame.n);
	set16(upper + 2, finish(sum(0, frame.data + upper, frame.n - upper)));
	end_ip4(at);
}

static void other_type(const char *kind, uint16_t type)
{
	ethernet(who.own, who.to, type);
	if (type == ETHERTYPE_VLAN) {
		put16(7);
		put16(0x88b5);
	}
	put_text(kind);
	put_zeros(46);
}

static bool build(const char *kind)
{
	static const uint8_t nobody4[4] = { 192, 0, 2, 77 };
	static const uint8_t stranger6[16] = { 0xfe, 0x80, [8] = 0x12, [15] = 0x34 };
	/* where clouds tell the secrets of a host */
	static const uint8_t metadata4[4] = { 169, 254, 169, 254 };
	static const uint8_t metadata6[16] = { 0xfd, 0, 0x0e, 0xc2, [14] = 2, [15] = 0x54 };

#define KIND(name) (strcmp(kind, name) == 0)
	if (KIND("end") || KIND("own4"))
		packet4(kind, who.own, who.ip4);
	else if (KIND("own6"))
		packet6(kind, who.own, who.ip6);
	else if (KIND("local6"))
		packet6(kind, who.own, who.local6);
	else if (KIND("own-arp"))
		arp(kind, 1, 6, who.own, who.ip4, who.other4);
	else if (KIND("mac"))
		packet4(kind, who.other, who.ip4);
	else if (KIND("mac6"))
		packet6(kind, who.other, who.ip6);
	else if (KIND("ip4"))
		packet4(kind, who.own, who.other4);
	else if (KIND("ip4-gateway"))
		packet4(kind, who.own, who.gateway4);
	else if (KIND("ip4-nobody"))
		packet4(kind, who.own, nobody4);
	else if (KIND("ip4-none"))
		packet4(kind, who.own, none4);
	else if (KIND("ip6"))
		packet6(kind, who.own, who.other6);
	else if (KIND("ip6-gateway"))
		packet6(kind, who.own, who.gateway6);
	else if (KIND("ip6-local"))
		packet6(kind, who.own, stranger6);
	else if (KIND("ip6-none"))
		packet6(kind, who.own, none6);
	else if (KIND("own-tcp4"))
		tcp4(kind, who.own, who.ip4, all4);
	else if (KIND("own-tcp6"))
		tcp6(kind, who.own, who.ip6, nodes6);
	else if (KIND("local-tcp6"))
		tcp6(kind, who.own, who.local6, nodes6);
	else if (KIND("tcp4"))
		tcp4(kind, who.own, who.other4, all4);
	else if (KIND("tcp4-gateway"))
		tcp4(kind, who.own, who.gateway4, all4);
	else if (KIND("tcp4-mac"))
		tcp4(kind, who.other, who.ip4, all4);
	else if (KIND("tcp4-other"))
		tcp4(kind, who.other, who.other4, all4);
	else if (KIND("tcp4-metadata"))
		tcp4(kind, who.own, who.ip4, metadata4);
	else if (KIND("tcp4-odd")) {
		tcp4(kind, who.own, who.ip4, all4);
		set16(16, 2000);
	} else if (KIND("tcp4-vlan")) {
		tcp4(kind, who.own, who.ip4, all4);
		tag();
	} else if (KIND("tcp6"))
		tcp6(kind, who.own, who.other6, nodes6);
	else if (KIND("tcp6-local"))
		tcp6(kind, who.own, stranger6, nodes6);
	else if (KIND("tcp6-mac"))
		tcp6(kind, who.other, who.ip6, nodes6);
	else if (KIND("tcp6-metadata"))
		tcp6(kind, who.own, who.ip6, metadata6);
	else if (KIND("tcp6-vlan")) {
		tcp6(kind, who.own, who.ip6, nodes6);
		tag();
	} else if (KIND("arp"))
		arp(kind, 2, 6, who.own, who.other4, who.other4);
	else if (KIND("arp-gateway"))
		arp(kind, 2, 6, who.own, who.gateway4, who.gateway4);
	else if (KIND("arp-request"))
		arp(kind, 1, 6, who.own, who.gateway4, who.other4);
	else if (KIND("arp-mac"))
		arp(kind, 2, 6, who.other, who.ip4, who.ip4);
	else if (KIND("arp-probe"))
		arp(kind, 1, 6, who.own, none4, who.other4);
	else if (KIND("arp-odd"))
		arp(kind, 2, 8, who.own, who.ip4, who.ip4);
	else if (KIND("na"))
		discovery(kind, 136, who.ip6, who.other6, false);
	else if (KIND("na-gateway"))
		discovery(kind, 136, who.gateway6, who.gateway6, false);
	else if (KIND("na-local"))
		discovery(kind, 136, who.local6, stranger6, false);
	else if (KIND("na-options"))
		discovery(kind, 136, who.ip6, who.other6, true);
	else if (KIND("dad"))
		discovery(kind, 135, none6, who.other6, false);
	else if (KIND("ra"))
		discovery(kind, 134, who.local6, NULL, false);
	else if (KIND("ra-options"))
		discovery(kind, 134, who.local6, NULL, true);
	else if (KIND("redirect"))
		discovery(kind, 137, who.local6, who.local6, false);
	else if (KIND("mld-query"))
		discovery(kind, 130, who.local6, NULL, true);
	else if (KIND("igmp-query"))
		igmp(kind);
	else if (KIND("dhcp-offer"))
		dhcp(kind, true, who.to);
	else if (KIND("dhcp-odd")) {
		dhcp(kind, true, who.to);
		set16(16, 2000); /* longer than it is: filters may stop reading there, clients need not */
	} else if (KIND("dhcp-offer6"))
		dhcp6(kind);
	else if (KIND("dhcp-client"))
		dhcp(kind, false, who.other);
	else if (KIND("own-dhcp"))
		dhcp(kind, false, who.own);
	else if (KIND("vlan"))
		other_type(kind, ETHERTYPE_VLAN);
	else if (KIND("type"))
		other_type(kind, 0x88b5);
	else if (KIND("llc"))
		other_type(kind, 46);
	else
		return false;
	return true;
}

/* Those that nobody should get, and those that everybody may send. */
static const char *const kinds[] = {
	"mac", "mac6", "ip4", "ip4-gateway", "ip4-nobody", "ip4-none", "ip6", "ip6-gateway", "ip6-local", "ip6-none",
	"arp", "arp-gateway", "arp-request", "arp-mac", "arp-probe", "arp-odd",
	"na", "na-gateway", "na-local", "na-options", "dad", "ra", "ra-options", "redirect", "mld-query", "igmp-query",
	"dhcp-odd", "dhcp-offer", "dhcp-offer6", "dhcp-client", "vlan", "type", "llc",
	"tcp4", "tcp4-gateway", "tcp4-mac", "tcp4-other", "tcp4-metadata", "tcp4-odd", "tcp4-vlan",
	"tcp6", "tcp6-local", "tcp6-mac", "tcp6-metadata", "tcp6-vlan",
	"own4", "own6", "local6", "own-tcp4", "own-tcp6", "local-tcp6", "own-arp", "own-dhcp",
};

/* --- sending --- */

static void die(const char *what)
{
	fprintf(stderr, "net-forge: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		errno = EINVAL;
		die(text);
	}
}

static bool read_key(const char *word)
{
	const struct {
		const char *name;
		uint8_t *where;
		int family; /* 0: a MAC */
	} keys[] = {
		{ "to=", who.to, 0 },		    { "other=", who.other, 0 },
		{ "ip4=", who.ip4, AF_INET },	    { "gateway4=", who.gateway4, AF_INET },
		{ "other4=", who.other4, AF_INET },   { "ip6=", who.ip6, AF_INET6 },
		{ "gateway6=", who.gateway6, AF_INET6 }, { "other6=", who.other6, AF_INET6 },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = word + strlen(keys[i].name);

		if (strncmp(word, keys[i].name, strlen(keys[i].name)) != 0)
			continue;
		errno = EINVAL;
		if (!keys[i].family)
			read_mac(value, keys[i].where);
		else if (inet_pton(keys[i].family, value, keys[i].where) != 1)
			die(word);
		return true;
	}
	return false;
}

static void send_kind(int fd, int index, const char *kind)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6 };

	if (!build(kind)) {
		errno = EINVAL;
		die(kind);
	}
	if (sendto(fd, frame.data, frame.n, 0, (struct sockaddr *)&name, sizeof(name)) != (ssize_t)frame.n)
		die(kind);
}

int main(int argc, char **argv)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), index;

	if (argc < 3)
		return 2;
	if (fd < 0)
		die("packet socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die(argv[1]);
	memcpy(who.own, request.ifr_hwaddr.sa_data, 6);
	memcpy(who.local6, (uint8_t[16]){ 0xfe, 0x80, [8] = who.own[0] ^ 2, who.own[1], who.own[2], 0xff, 0xfe,
					  who.own[3], who.own[4], who.own[5] }, 16);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		die(argv[1]);
	index = request.ifr_ifindex;
	for (int i = 2; i < argc; i++) {
		if (read_key(argv[i]))
			continue;
		if (strcmp(argv[i], "all") != 0) {
			send_kind(fd, index, argv[i]);
			continue;
		}
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			send_kind(fd, index, kinds[k]);
	}
	return 0;
}
