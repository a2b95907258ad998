/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_SUBNET_H
#define SYSCT_STORE_SUBNET_H

/* subnet - which network the boxes share, and which address is whose. Arithmetic only: no file, no
 * socket, no privilege.
 *
 * IPv4 addresses are numbers in host byte order. Address number 1 of a subnet is the gateway, the
 * host. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define HWADDR_TEXT 18 /* "02:aa:bb:cc:dd:ee" */

struct subnet4 {
	uint32_t address; /* of the network itself: no host bits */
	unsigned int prefix; /* 8 to 30 where boxes live; any for a route */
};

struct subnet6 {
	struct in6_addr address;
	unsigned int prefix; /* 0: none */
};

/* "10.3.4.0/24", "fd00::/64". -EINVAL: not of this form, or host bits are set. */
int subnet4_parse(const char *text, struct subnet4 *ret);
int subnet6_parse(const char *text, struct subnet6 *ret);
/* Caller frees. */
char *subnet4_text(const struct subnet4 *subnet);
char *subnet6_text(const struct subnet6 *subnet);

/* Address number n; buf of INET_ADDRSTRLEN or INET6_ADDRSTRLEN. */
const char *subnet4_host(const struct subnet4 *subnet, uint32_t n, char *buf);
const char *subnet6_host(const struct subnet6 *subnet, uint32_t n, char *buf);
/* The number of an address in its subnet, 0 when it is no box's address there (outside, the
 * network, the gateway, the broadcast address). */
uint32_t subnet4_number(const struct subnet4 *subnet, const char *address);

bool subnet4_overlap(const struct subnet4 *a, const struct subnet4 *b);
/* The first of the taken networks that overlaps, or NULL. Those larger than a /4 are default routes
 * in disguise (0.0.0.0/1) and do not count. */
const struct subnet4 *subnet4_find_overlap(const struct subnet4 *subnet,
					   const struct subnet4 *taken, size_t n);

/* A /24 that overlaps none of the taken ones: from 10/8, then 172.16/12, then 192.168/16, so that a
 * host whose VPN has all of 10/8 works too. Where the search begins comes from seed: random on a
 * host, so that a box within a box, and two hosts that meet in a VPN, rarely choose alike. -ENOSPC:
 * nothing is free. */
int subnet4_choose(uint32_t seed, const struct subnet4 *taken, size_t n, struct subnet4 *ret);

/* fdXX:XXXX:XXXX::/64 from 40 random bits (RFC 4193). */
void subnet6_ula(const unsigned char random[5], struct subnet6 *ret);

/* The address number of a box: `wanted` (the one it had; NULL: none) while it is in the subnet and
 * free, else the first free one counted from a place that the UUID gives, round the subnet.
 *
 * Why not simply the lowest: an address that a destroyed box had is seldom given to the next one, so that caches of ARP, DNS and
 * known_hosts mostly do not point at the wrong box; and two creates at the same time do not both want the same one. taken: addresses
 * of the other boxes as text, others are skipped. Returns the number, or -ENOSPC when the subnet is full. */
int64_t subnet4_lease(const struct subnet4 *subnet, const char *uuid, const char *wanted,
		      const struct strings *taken);

/* A locally administered MAC from the UUID, "02:..". */
void hwaddr_from_uuid(const char *uuid, char buf[HWADDR_TEXT]);
/* -EINVAL: not six hexadecimal bytes, or a multicast address. */
int hwaddr_parse(const char *text, uint8_t ret[6]);
/* What a link makes of its MAC: the lower half of its IPv6 addresses (RFC 4291, appendix A), and the link-local one. */
void hwaddr_interface_id(const uint8_t hwaddr[6], uint8_t ret[8]);
void hwaddr_link_local(const uint8_t hwaddr[6], uint8_t ret[16]);

/* 64 bits for names and places: not for secrets. */
uint64_t hash_text(const char *text);

#endif
