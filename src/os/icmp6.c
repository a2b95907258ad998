/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/icmp6.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define HOPS 255 /* of less a receiver thinks that a router has passed it on, and drops it */

/* Unsolicited, and to override what is known. The kernel does the checksum. */
struct advertisement {
	struct nd_neighbor_advert head;
	struct nd_opt_hdr option;
	uint8_t hwaddr[6];
};

static int send_one(int fd, int index, const struct announced6 *one)
{
	struct advertisement body = {
		.head = { .nd_na_hdr.icmp6_type = ND_NEIGHBOR_ADVERT, .nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE },
		.option = { .nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1 },
	};
	struct sockaddr_in6 all_nodes = {
		.sin6_family = AF_INET6,
		.sin6_addr.s6_addr = { 0xff, 2, [15] = 1 },
		.sin6_scope_id = (uint32_t)index,
	};
	alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = &body, .iov_len = sizeof(body) };
	struct msghdr message = {
		.msg_name = &all_nodes,
		.msg_namelen = sizeof(all_nodes),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);
	int hops = HOPS;

	memcpy(&body.head.nd_na_target, one->address, sizeof(one->address));
	memcpy(body.hwaddr, one->hwaddr, sizeof(one->hwaddr));
	control->cmsg_level = IPPROTO_IPV6;
	control->cmsg_type = IPV6_HOPLIMIT;
	control->cmsg_len = CMSG_LEN(sizeof(hops));
	memcpy(CMSG_DATA(control), &hops, sizeof(hops));
	return sendmsg(fd, &message, MSG_DONTWAIT) < 0 ? -errno : 0;
}

int icmp6_announce(int index, const struct announced6 *items, size_t n, struct error *err)
{
	auto_close int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);

	if (fd < 0)
		return fail(err, errno, "open a socket for ICMPv6");
	for (size_t i = 0; i < n; i++) {
		int r = send_one(fd, index, &items[i]);

		if (r < 0)
			return fail(err, -r, "announce an IPv6 address on link %d", index);
	}
	return 0;
}
