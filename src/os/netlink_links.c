/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links are looked at, set and deleted. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "netlink_parts.h"

static const struct ifinfomsg no_link;

int netlink_link_index(struct netlink *netlink, const char *name)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	/* Not RTM_GETLINK: that waits for the lock which a start elsewhere may hold for
	 * milliseconds. */
	if (ioctl(netlink_fd(netlink), SIOCGIFINDEX, &request) < 0)
		return 0;
	return request.ifr_ifindex;
}

bool netlink_link_is_up(struct netlink *netlink, const char *name)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	return ioctl(netlink_fd(netlink), SIOCGIFFLAGS, &request) == 0 &&
	       request.ifr_flags & IFF_UP;
}

static void read_link(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct link_info *ret = arg;
	const struct ifinfomsg *link = NLMSG_DATA(header);

	if (header->nlmsg_type != RTM_NEWLINK ||
	    !answer_attributes(header, sizeof(*link), attributes, IFLA_MAX))
		return;
	memset(ret, 0, sizeof(*ret));
	ret->index = link->ifi_index;
	ret->up = link->ifi_flags & IFF_UP;
	if (attributes[IFLA_MASTER])
		ret->master = (int)answer_u32(attributes[IFLA_MASTER]);
	if (attributes[IFLA_MTU])
		ret->mtu = answer_u32(attributes[IFLA_MTU]);
	answer_bytes(attributes[IFLA_ADDRESS], ret->hwaddr, HWADDR_BYTES);
	answer_text(attributes[IFLA_IFNAME], ret->name, sizeof(ret->name));
	answer_text(attributes[IFLA_IFALIAS], ret->alias, sizeof(ret->alias));
	if (answer_nested(attributes[IFLA_LINKINFO], info, IFLA_INFO_MAX))
		answer_text(info[IFLA_INFO_KIND], ret->kind, sizeof(ret->kind));
}

static int get_link(struct netlink *netlink, struct batch *batch, struct message *message,
		    struct link_info *ret, struct error *err)
{
	struct reader reader = { .each = read_link, .arg = ret, .single = true };
	int r;

	message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	message_tolerate(message, ENODEV);
	memset(ret, 0, sizeof(*ret));
	r = batch_run(netlink, batch, &reader, err);
	return r < 0 ? r : ret->index > 0;
}

int netlink_link_get(struct netlink *netlink, const char *name, struct link_info *ret,
		     struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct message *message;

	memset(ret, 0, sizeof(*ret));
	if (strlen(name) >= LINK_NAME_ROOM)
		return 0;
	message = batch_add(batch, RTM_GETLINK, 0, &no_link, sizeof(no_link), "look at link \"%s\"",
			    name);
	message_put_string(message, IFLA_IFNAME, name);
	return get_link(netlink, batch, message, ret, err);
}

int netlink_link_get_index(struct netlink *netlink, int index, struct link_info *ret,
			   struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = index };
	struct message *message =
		batch_add(batch, RTM_GETLINK, 0, &link, sizeof(link), "look at link %d", index);

	return get_link(netlink, batch, message, ret, err);
}

static void count_link(struct nlmsghdr *header, void *arg)
{
	struct nlattr *master = answer_find(header, sizeof(struct ifinfomsg), IFLA_MASTER);
	int *count = arg;

	/* count[1] is the master: kernels without the filter send every link */
	if (header->nlmsg_type == RTM_NEWLINK && master &&
	    answer_u32(master) == (uint32_t)count[1])
		count[0]++;
}

static int read_ports(struct netlink *netlink, int master, const struct reader *reader, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct message *message = batch_add(batch, RTM_GETLINK, NLM_F_DUMP, &no_link, sizeof(no_link),
					    "list the ports of link %d", master);

	message_put_u32(message, IFLA_MASTER, (uint32_t)master);
	message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return batch_run(netlink, batch, reader, err);
}

int netlink_port_count(struct netlink *netlink, int master, struct error *err)
{
	int count[2] = { 0, master };
	struct reader reader = { .each = count_link, .arg = count };
	int r = read_ports(netlink, master, &reader, err);

	return r < 0 ? r : count[0];
}

struct kind_count {
	const char *kind;
	int n;
};

static void count_kind(struct nlmsghdr *header, void *arg)
{
	struct kind_count *count = arg;
	struct link_info info = { .index = 0 };

	read_link(header, &info);
	count->n += strcmp(info.kind, count->kind) == 0;
}

int netlink_kind_count(struct netlink *netlink, const char *kind, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct kind_count count = { .kind = kind };
	struct reader reader = { .each = count_kind, .arg = &count };
	struct message *message;
	struct nlattr *info;
	int r;

	message = batch_add(batch, RTM_GETLINK, NLM_F_DUMP, &no_link, sizeof(no_link),
			    "list the links of kind %s", kind);
	message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	info = message_nest(message, IFLA_LINKINFO);
	message_put_string(message, IFLA_INFO_KIND, kind);
	message_nest_end(message, info);
	r = batch_run(netlink, batch, &reader, err);
	return r < 0 ? r : count.n;
}

int netlink_link_set_up(struct netlink *netlink, int index, bool up, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = index,
				  .ifi_change = IFF_UP,
				  .ifi_flags = up ? IFF_UP : 0 };

	batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link), "set link %d %s", index,
		  up ? "up" : "down");
	return batch_run(netlink, batch, NULL, err);
}

int netlink_link_set_mtu(struct netlink *netlink, int index, uint32_t mtu, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = index };
	struct message *message = batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link),
					   "set the MTU of link %d to %u", index, mtu);

	message_put_u32(message, IFLA_MTU, mtu);
	return batch_run(netlink, batch, NULL, err);
}

int netlink_link_set_alias(struct netlink *netlink, int index, const char *alias, struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct ifinfomsg link = { .ifi_index = index };
	struct message *message = batch_add(batch, RTM_SETLINK, 0, &link, sizeof(link),
					   "set the alias of link %d", index);

	message_put_string(message, IFLA_IFALIAS, alias);
	return batch_run(netlink, batch, NULL, err);
}

int netlink_link_delete(struct netlink *netlink, const char *name, const char *alias_prefix,
			struct error *err)
{
	auto_batch struct batch *batch = batch_new();
	struct link_info info;
	struct ifinfomsg link = { 0 };
	int r = netlink_link_get(netlink, name, &info, err);

	if (r <= 0)
		return r;
	if (!text_starts(info.alias, alias_prefix)) {
		fail(err, EPERM,
		     "delete link \"%s\", whose alias \"%s\" does not begin with \"%s\"", name,
		     info.alias, alias_prefix);
		return error_hint(err, "sysct did not make this link; see: ip -d link show %s",
				  name);
	}
	link.ifi_index = info.index; /* by index: the name may have gone to another since */
	message_tolerate(batch_add(batch, RTM_DELLINK, 0, &link, sizeof(link), "delete link \"%s\"", name),
			 ENODEV);
	r = batch_run(netlink, batch, NULL, err);
	return r < 0 ? r : 1;
}

struct port_list {
	int master, *indexes;
	size_t n;
	const char *alias_prefix;
};

static void read_port(struct nlmsghdr *header, void *arg)
{
	struct port_list *list = arg;
	struct link_info info = { .index = 0 };

	read_link(header, &info);
	if (info.index && info.master == list->master && text_starts(info.alias, list->alias_prefix)) {
		list->indexes = xrealloc(list->indexes, (list->n + 1) * sizeof(*list->indexes));
		list->indexes[list->n++] = info.index;
	}
}

int netlink_ports_delete(struct netlink *netlink, int master, const char *alias_prefix,
			 struct error *err)
{
	struct port_list list = { .master = master, .alias_prefix = alias_prefix };
	struct reader reader = { .each = read_port, .arg = &list };
	int r = read_ports(netlink, master, &reader, err);
	auto_free int *indexes = list.indexes;

	for (size_t i = 0; i < list.n && r >= 0; i++) {
		auto_batch struct batch *one = batch_new();
		struct ifinfomsg link = { .ifi_index = indexes[i] };

		message_tolerate(batch_add(one, RTM_DELLINK, 0, &link, sizeof(link), "delete link %d",
					   indexes[i]),
				 ENODEV);
		r = batch_run(netlink, one, NULL, err);
	}
	return r < 0 ? r : (int)list.n;
}
