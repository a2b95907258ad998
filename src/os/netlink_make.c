/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links are made: bridges, pairs with an end in a container, and those beside a host's own; and ports of a bridge are set. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "netlink_parts.h"

static const struct ifinfomsg no_link;

int netlink_bridge_add(struct netlink *netlink, const char *name,
		       const uint8_t hwaddr[HWADDR_BYTES], uint32_t mtu, const char *alias,
		       struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct message *message;
	struct nlattr *info, *data;
	int index, r;

	message = batch_add(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link,
			    sizeof(no_link), "make bridge \"%s\"", name);
	message_put_string(message, IFLA_IFNAME, name);
	/* A given address stays; else the bridge would take the lowest of its ports', and
	 * neighbours forget it. */
	message_put(message, IFLA_ADDRESS, HWADDR_BYTES, hwaddr);
	if (mtu)
		message_put_u32(message, IFLA_MTU, mtu);
	info = message_nest(message, IFLA_LINKINFO);
	message_put_string(message, IFLA_INFO_KIND, "bridge");
	data = message_nest(message, IFLA_INFO_DATA);
	message_put_u32(message, IFLA_BR_STP_STATE, 0);
	message_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
	message_nest_end(message, data);
	message_nest_end(message, info);
	r = batch_run(netlink, batch, NULL, err);
	if (r < 0)
		return r;
	index = netlink_link_index(netlink, name);
	if (!index)
		return fail(err, ENODEV, "find bridge \"%s\"", name);
	r = netlink_link_set_alias(netlink, index, alias, err);
	return r < 0 ? r : index;
}

static void put_port(struct message *message, const struct port_flags *flags)
{
	struct nlattr *port = message_nest(message, IFLA_PROTINFO | NLA_F_NESTED);

	message_put_u8(message, IFLA_BRPORT_LEARNING, flags->learning);
	message_put_u8(message, IFLA_BRPORT_UNICAST_FLOOD, flags->flooding);
	message_put_u8(message, IFLA_BRPORT_ISOLATED, flags->isolated);
	if (flags->locked) /* not known before 5.18 */
		message_put_u8(message, IFLA_BRPORT_LOCKED, 1);
	message_nest_end(message, port);
}

/* Flags before the entry: what was learnt from the port cannot come between. */
static void put_guard(struct batch *batch, int index, const struct port_guard *guard)
{
	struct ifinfomsg port = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct ndmsg entry = { .ndm_family = AF_BRIDGE,
			       .ndm_ifindex = index,
			       .ndm_state = NUD_NOARP,
			       .ndm_flags = NTF_MASTER };

	put_port(batch_add(batch, RTM_SETLINK, 0, &port, sizeof(port),
			   "set the bridge port flags of link %d", index),
		 &guard->flags);
	message_put(batch_add(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &entry,
			      sizeof(entry), "add to the forwarding table of link %d", index),
		    NDA_LLADDR, HWADDR_BYTES, guard->hwaddr);
}

int netlink_port_guard(struct netlink *netlink, int index, const struct port_guard *guard,
		       struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = index };

	if (guard->group)
		message_put_u32(batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link),
					  "set the group of link %d", index),
				IFLA_GROUP, guard->group);
	put_guard(batch, index, guard);
	return batch_run(netlink, batch, NULL, err);
}

static void put_veth(struct message *message, const struct veth *veth)
{
	uint32_t mtu = veth->mtu ? veth->mtu : 1500;
	struct nlattr *info, *data, *peer;

	message_put_string(message, IFLA_IFNAME, veth->name);
	message_put_u32(message, IFLA_MTU, mtu);
	if (veth->master)
		message_put_u32(message, IFLA_MASTER, (uint32_t)veth->master);
	/* From its birth: a rule that knows it by its group misses no packet. */
	if (veth->port && veth->port->group)
		message_put_u32(message, IFLA_GROUP, veth->port->group);
	/* One queue: else the kernel makes one per CPU at each end, each with files in sysfs. */
	message_put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	message_put_u32(message, IFLA_NUM_RX_QUEUES, 1);
	info = message_nest(message, IFLA_LINKINFO);
	message_put_string(message, IFLA_INFO_KIND, "veth");
	data = message_nest(message, IFLA_INFO_DATA);
	peer = message_nest(message, VETH_INFO_PEER);
	message_put_header(message, &no_link, sizeof(no_link));
	message_put_string(message, IFLA_IFNAME, veth->peer_name);
	message_put_u32(message, IFLA_MTU, mtu);
	message_put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	message_put_u32(message, IFLA_NUM_RX_QUEUES, 1);
	message_put(message, IFLA_ADDRESS, HWADDR_BYTES, veth->peer_hwaddr);
	message_put_u32(message, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns);
	message_nest_end(message, peer);
	message_nest_end(message, data);
	message_nest_end(message, info);
}

void message_put_gen_mode(struct message *message, uint8_t mode)
{
	struct nlattr *families = message_nest(message, IFLA_AF_SPEC);
	struct nlattr *inet6 = message_nest(message, AF_INET6);

	message_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, mode);
	message_nest_end(message, inet6);
	message_nest_end(message, families);
}

/* What the kernel does not take at a link's birth. */
static void put_host_end(struct message *message, const struct veth *veth)
{
	message_put_string(message, IFLA_IFALIAS, veth->alias);
	message_put_gen_mode(message, IN6_ADDR_GEN_MODE_NONE);
}

static int finish_veth(struct netlink *netlink, const struct veth *veth, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = netlink_link_index(netlink, veth->name) };

	if (!link.ifi_index)
		return fail(err, ENODEV, "find link \"%s\"", veth->name);
	put_host_end(batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link), "mark link \"%s\"",
			       veth->name),
		     veth);
	if (veth->port)
		put_guard(batch, link.ifi_index, veth->port);
	return batch_run(netlink, batch, NULL, err);
}

int netlink_veth_add(struct netlink *netlink, const struct veth *veth, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	int r;

	put_veth(batch_add(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link, sizeof(no_link),
			   "make the pair of links \"%s\" and \"%s\"", veth->name, veth->peer_name),
		 veth);
	r = batch_run(netlink, batch, NULL, err);
	if (r == -EEXIST)
		return error_hint(err, "see who has the name: ip -d link show %s", veth->name);
	if (r < 0)
		return r;
	r = finish_veth(netlink, veth, err);
	if (r < 0) {
		auto_batch struct batch *undo = batch_new();
		struct error ignored = ERROR_NONE;

		/* by name: made by us a moment ago, and its alias may be what failed */
		message_put_string(batch_add(undo, RTM_DELLINK, 0, &no_link, sizeof(no_link), "undo"),
				   IFLA_IFNAME, veth->name);
		batch_run(netlink, undo, NULL, &ignored);
	}
	return r;
}

int netlink_macvlan_add(struct netlink *netlink, const struct macvlan *macvlan, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct message *message =
		batch_add(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link, sizeof(no_link),
			  "make the link \"%s\" beside the host's", macvlan->name);
	struct nlattr *info, *data;

	message_put_string(message, IFLA_IFNAME, macvlan->name);
	message_put_u32(message, IFLA_LINK, (uint32_t)macvlan->parent);
	if (macvlan->mtu)
		message_put_u32(message, IFLA_MTU, macvlan->mtu);
	message_put(message, IFLA_ADDRESS, HWADDR_BYTES, macvlan->hwaddr);
	message_put_u32(message, IFLA_NET_NS_FD, (uint32_t)macvlan->netns);
	info = message_nest(message, IFLA_LINKINFO);
	message_put_string(message, IFLA_INFO_KIND, "macvlan");
	data = message_nest(message, IFLA_INFO_DATA);
	message_put_u32(message, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	message_nest_end(message, data);
	message_nest_end(message, info);
	return batch_run(netlink, batch, NULL, err);
}
