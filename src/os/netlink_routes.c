/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and routes. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "netlink_parts.h"

#define NEIGHBOURS_AT_ONCE 16

static size_t address_bytes(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void add_address(struct batch *batch, int index, int family, const void *address,
			unsigned int prefix)
{
	char shown[INET6_ADDRSTRLEN] = "";
	struct ifaddrmsg header = { .ifa_family = (unsigned char)family,
				    .ifa_prefixlen = (unsigned char)prefix,
				    .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
				    .ifa_index = (unsigned int)index };
	struct message *message;

	inet_ntop(family, address, shown, sizeof(shown));
	message = batch_add(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header),
			    "add address %s/%u to link %d", shown, prefix, index);
	message_tolerate(message, EEXIST);
	message_put(message, IFA_LOCAL, address_bytes(family), address);
	message_put(message, IFA_ADDRESS, address_bytes(family), address);
	if (family == AF_INET && prefix < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, address, 4);
		broadcast |= htonl(prefix ? UINT32_MAX >> prefix : UINT32_MAX);
		message_put(message, IFA_BROADCAST, 4, &broadcast);
	}
}

static void add_default_route(struct batch *batch, int index, int family, const void *gateway)
{
	char shown[INET6_ADDRSTRLEN] = "";
	struct rtmsg header = { .rtm_family = (unsigned char)family,
				.rtm_table = RT_TABLE_MAIN,
				.rtm_protocol = RTPROT_STATIC,
				.rtm_scope = RT_SCOPE_UNIVERSE,
				.rtm_type = RTN_UNICAST };
	struct message *message;

	inet_ntop(family, gateway, shown, sizeof(shown));
	message = batch_add(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &header,
			    sizeof(header), "add the default route by %s", shown);
	message_put(message, RTA_GATEWAY, address_bytes(family), gateway);
	message_put_u32(message, RTA_OIF, (uint32_t)index);
}

static void add_neighbour(struct batch *batch, int type, int flags, const struct ndmsg *header, const void *address,
			  const char *what)
{
	char shown[INET6_ADDRSTRLEN] = "";

	inet_ntop(header->ndm_family, address, shown, sizeof(shown));
	message_put(batch_add(batch, type, flags, header, sizeof(*header), "%s %s by link %d", what, shown,
			      header->ndm_ifindex),
		    NDA_DST, address_bytes(header->ndm_family), address);
}

/* The kernel looks for the address as for any neighbour's: it asks with the address as the sender's, up to three times within
 * two seconds, so that a carrier may come late. */
static void add_announcement(struct batch *batch, int index, const void *v4)
{
	const struct ndmsg header = { .ndm_family = AF_INET, .ndm_ifindex = index, .ndm_flags = NTF_USE };

	add_neighbour(batch, RTM_NEWNEIGH, NLM_F_CREATE, &header, v4, "announce");
}

int netlink_address_announce(struct netlink *netlink, int index, const void *v4, struct error *err)
{
	auto_batch struct batch *batch = batch_new();

	add_announcement(batch, index, v4);
	return batch_run(netlink, batch, NULL, err);
}

struct neighbour_list {
	struct address_info items[NEIGHBOURS_AT_ONCE];
	size_t n;
};

static void read_neighbour(struct nlmsghdr *header, void *arg)
{
	const struct ndmsg *message = NLMSG_DATA(header);
	struct neighbour_list *list = arg;
	struct address_info *info = &list->items[list->n];

	if (header->nlmsg_type != RTM_NEWNEIGH || list->n == NEIGHBOURS_AT_ONCE || message->ndm_state & NUD_PERMANENT)
		return;
	info->family = message->ndm_family;
	if (answer_bytes(answer_find(header, sizeof(*message), NDA_DST), info->address, address_bytes(info->family)))
		list->n++;
}

static void ask_neighbours(struct netlink *netlink, int type, const char *what, int index, const struct address_info *items, size_t n,
			   const struct reader *reader)
{
	auto_batch struct batch *batch = batch_new();
	struct error ignored = ERROR_NONE;

	for (size_t i = 0; i < n; i++) {
		const struct ndmsg header = { .ndm_family = (unsigned char)items[i].family, .ndm_ifindex = index };

		add_neighbour(batch, type, 0, &header, items[i].address, what);
	}
	batch_run(netlink, batch, reader, &ignored);
}

/* The kernel would delete a permanent one as well, so it is asked first; mostly it knows none of them, and that is all. */
static void forget_some(struct netlink *netlink, int index, const struct address_info *items, size_t n)
{
	struct neighbour_list known = { .n = 0 };
	struct reader reader = { .each = read_neighbour, .arg = &known, .acknowledged = true };

	ask_neighbours(netlink, RTM_GETNEIGH, "look for", index, items, n, &reader);
	if (known.n)
		ask_neighbours(netlink, RTM_DELNEIGH, "forget", index, known.items, known.n, NULL);
}

void netlink_neighbours_forget(struct netlink *netlink, int index, const struct address_info *addresses, size_t n)
{
	for (size_t i = 0; i < n; i += NEIGHBOURS_AT_ONCE)
		forget_some(netlink, index, addresses + i, n - i < NEIGHBOURS_AT_ONCE ? n - i : NEIGHBOURS_AT_ONCE);
}

int netlink_address_add(struct netlink *netlink, int index, int family, const void *address,
			unsigned int prefix, struct error *err)
{
	auto_batch struct batch *batch = batch_new();

	add_address(batch, index, family, address, prefix);
	return batch_run(netlink, batch, NULL, err);
}

int netlink_default_route_set(struct netlink *netlink, int index, int family, const void *gateway,
			      struct error *err)
{
	auto_batch struct batch *batch = batch_new();

	add_default_route(batch, index, family, gateway);
	return batch_run(netlink, batch, NULL, err);
}

static void set_gen_mode(struct batch *batch, const struct ifinfomsg *link, uint8_t mode, const char *name)
{
	const struct ifinfomsg only = { .ifi_index = link->ifi_index };

	message_put_gen_mode(batch_add(batch, RTM_SETLINK, 0, &only, sizeof(only),
				       "choose the link-local address of link \"%s\"", name),
			     mode);
}

int netlink_link_setup(struct netlink *netlink, const struct link_setup *setup, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg lo = { .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
			 link = lo;

	link.ifi_index = netlink_link_index(netlink, setup->name);
	if (!link.ifi_index)
		return fail(err, ENODEV, "find link \"%s\" in the container's network namespace",
			    setup->name);
	/* the loopback link is the first of every network namespace */
	batch_add(batch, RTM_SETLINK, 0, &lo, sizeof(lo), "bring up the loopback link");
	if (setup->link_local)
		set_gen_mode(batch, &link, IN6_ADDR_GEN_MODE_NONE, setup->name);
	batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link), "bring up link \"%s\"", setup->name);
	if (setup->link_local) {
		add_address(batch, link.ifi_index, AF_INET6, setup->link_local, 64);
		set_gen_mode(batch, &link, IN6_ADDR_GEN_MODE_EUI64, setup->name);
	}
	if (setup->v4)
		add_address(batch, link.ifi_index, AF_INET, setup->v4, setup->prefix4);
	if (setup->v6)
		add_address(batch, link.ifi_index, AF_INET6, setup->v6, setup->prefix6);
	if (setup->gateway4)
		add_default_route(batch, link.ifi_index, AF_INET, setup->gateway4);
	if (setup->gateway6)
		add_default_route(batch, link.ifi_index, AF_INET6, setup->gateway6);
	if (setup->v4)
		add_announcement(batch, link.ifi_index, setup->v4);
	return batch_run(netlink, batch, NULL, err);
}

struct route_list {
	struct route_info *items;
	size_t n, room;
};

static void read_route(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *route = NLMSG_DATA(header);
	struct route_list *list = arg;
	struct route_info *info;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    !answer_attributes(header, sizeof(*route), attributes, RTA_MAX))
		return;
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->items = xrealloc(list->items, list->room * sizeof(*list->items));
	}
	info = memset(&list->items[list->n++], 0, sizeof(*info));
	info->family = route->rtm_family;
	info->prefix = route->rtm_dst_len;
	answer_bytes(attributes[RTA_DST], info->destination, address_bytes(info->family));
	if (attributes[RTA_OIF])
		info->index = (int)answer_u32(attributes[RTA_OIF]);
}

int netlink_routes(struct netlink *netlink, int family, struct route_info **ret, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct rtmsg header = { .rtm_family = (unsigned char)family };
	struct route_list list = { .n = 0 };
	struct reader reader = { .each = read_route, .arg = &list };
	int r;

	batch_add(batch, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header),
		  "list the host's routes");
	r = batch_run(netlink, batch, &reader, err);
	if (r < 0) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	return (int)list.n;
}

struct address_list {
	struct address_info *items;
	size_t n;
	int index;
};

static void read_address(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[IFA_MAX + 1];
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	struct address_list *list = arg;
	struct address_info info = { .family = AF_UNSPEC };

	if (header->nlmsg_type != RTM_NEWADDR || (int)message->ifa_index != list->index ||
	    !answer_attributes(header, sizeof(*message), attributes, IFA_MAX))
		return;
	info.family = message->ifa_family;
	info.prefix = message->ifa_prefixlen;
	if (!answer_bytes(attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS],
			  info.address, address_bytes(info.family)))
		return;
	list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
	list->items[list->n++] = info;
}

int netlink_addresses(struct netlink *netlink, int index, struct address_info **ret,
		      struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifaddrmsg header = { .ifa_index = (unsigned int)index };
	struct address_list list = { .index = index };
	struct reader reader = { .each = read_address, .arg = &list };
	int r;

	batch_add(batch, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header),
		  "list the addresses of link %d", index);
	r = batch_run(netlink, batch, &reader, err);
	if (r < 0) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	return (int)list.n;
}

int netlink_uplink(struct netlink *netlink, int family, struct link_info *ret, struct error *err)
{
	/* Nothing is sent there: only addresses that no site has inside. */
	static const unsigned char public4[4] = { 1, 1, 1, 1 };
	static const unsigned char public6[16] = { 0x26, 0x06, 0x47,	    0,
						   0x47, 0,    [14] = 0x11, [15] = 0x11 };
	auto_batch struct batch *batch = batch_new();
	struct rtmsg header = { .rtm_family = (unsigned char)family,
				.rtm_dst_len = (unsigned char)(address_bytes(family) * 8) };
	struct route_list list = { .n = 0 };
	struct reader reader = { .each = read_route, .arg = &list, .single = true };
	auto_free struct route_info *items = NULL;
	struct message *message;
	int r;

	message = batch_add(batch, RTM_GETROUTE, 0, &header, sizeof(header), "look for the uplink");
	message_put(message, RTA_DST, address_bytes(family), family == AF_INET6 ? public6 : public4);
	message_tolerate(message, ENETUNREACH);
	r = batch_run(netlink, batch, &reader, err);
	items = list.items;
	if (r == -EHOSTUNREACH || r == -EACCES)
		return 0;
	if (r < 0)
		return r;
	if (list.n == 0 || !items[0].index)
		return 0;
	return netlink_link_get_index(netlink, items[0].index, ret, err);
}

bool address_is_local(int family, const void *address)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { .any.sa_family = (sa_family_t)family };
	socklen_t len = family == AF_INET6 ? sizeof(name.v6) : sizeof(name.v4);
	auto_close int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	memcpy(family == AF_INET6 ? (void *)&name.v6.sin6_addr : (void *)&name.v4.sin_addr, address,
	       address_bytes(family));
	return bind(fd, &name.any, len) == 0;
}
