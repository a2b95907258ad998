/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_ICMP6_H
#define SYSCT_OS_ICMP6_H

/* icmp6 - neighbour discovery of IPv6 (RFC 4861), as far as the kernel does not do it. Privilege: CAP_NET_RAW over the network
 * namespace. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct announced6 {
	unsigned char address[16];
	uint8_t hwaddr[6];
};

/* Tell all on the wire of a link which MAC an address has now: who knew another one for it would go on sending to that for up to
 * half a minute. Who knows none learns nothing. The caller speaks for whoever has the address. Needs an IPv6 address on the link. */
int icmp6_announce(int index, const struct announced6 *items, size_t n, struct error *err);

#endif
