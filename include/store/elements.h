/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_ELEMENTS_H
#define SYSCT_STORE_ELEMENTS_H

/* elements - elements of nftables' sets: as our rulesets write them for nft(8), and as the kernel compares them. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ELEMENT_BYTES 64	/* what a key may have at most (NFT_DATA_VALUE_MAXLEN) */

/* The key of one element such as "0x4a1b2c3d . 02:00:00:00:00:01": a link's group (first, "0x" and 8 digits), the name of a link in
 * double quotes, a MAC, an IPv4 or IPv6 address, or bytes of a packet ("0x" and two digits for each). Returns its length, 0:
 * it is none of these. */
size_t element_key(const char *text, uint8_t key[ELEMENT_BYTES]);

/* Do what firewall_changes() says, in one transaction and without a process, while nftables' generation is that one. -ERESTART:
 * it is another; -EINVAL: there is something in it that is not known here; else as netlink_nft_change(). Nothing is changed
 * then. Privilege: CAP_NET_ADMIN. */
int elements_change(const char *changes, uint32_t generation, struct error *err);

#endif
