/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The links themselves: made as they were prepared, configured inside, and raised on the host. */
#include "network_links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/checks.h"
#include "base/file.h"
#include "os/icmp6.h"
#include "os/netlink.h"
#include "rows.h"
#include "runtime/launch.h"
#include "store/subnet.h"

/* --- making --- */

static int create_macvlan(const struct launch *launch, const struct prepared_link *link, int netns, struct error *err)
{
	struct macvlan macvlan = {
		.name = link->config->name, .parent = link->master, .mtu = link->mtu, .netns = netns };

	if (hwaddr_parse(link->lease.hwaddr, macvlan.hwaddr) < 0)
		return fail(err, 0, "[network \"%s\"] hwaddr: \"%s\" is no usable address", link->config->name,
			    link->lease.hwaddr);
	if (netlink_macvlan_add(launch->network->netlink, &macvlan, err) == 0)
		return 0;
	if (err->code == EOPNOTSUPP)
		error_hint(err, "the kernel has no macvlan: modprobe macvlan");
	else if (err->code == EBUSY || err->code == EINVAL)
		error_hint(err, "a port of a bridge can be no parent, nor can lo; and its MAC and MTU must fit: ip -d link show %s",
			   link->config->parent);
	return error_prefix(err, "[network \"%s\"]", link->config->name);
}

static int guard_of(const struct prepared_link *link, struct port_guard *ret, struct error *err)
{
	return network_port_guard(link->config->name, link->lease.hwaddr, link->group, link->config->isolated, ret, err);
}

static int create_link(const struct launch *launch, struct prepared_link *link, int netns, struct error *err)
{
	auto_free char *alias = network_link_alias(launch->container->uuid);
	struct port_guard guard;
	struct veth veth = {
		.name = link->link,
		.alias = alias,
		.master = link->master,
		.mtu = link->mtu,
		.peer_name = link->config->name,
		.peer_netns = netns,
		.port = &guard,
	};

	if (guard_of(link, &guard, err) < 0)
		return -err->code;
	memcpy(veth.peer_hwaddr, guard.hwaddr, sizeof(guard.hwaddr));
	return netlink_veth_add(launch->network->netlink, &veth, err);
}

/* A kept one may have been made when the configuration was another. */
static int renew_guard(const struct launch *launch, const struct prepared_link *link, struct error *err)
{
	struct netlink *netlink = launch->network->netlink;
	struct port_guard guard;

	if (guard_of(link, &guard, err) < 0)
		return -err->code;
	return netlink_port_guard(netlink, netlink_link_index(netlink, link->link), &guard, err);
}

static int have_link(const struct launch *launch, struct prepared_link *link, int netns, struct error *err)
{
	if (link->config->type == NETWORK_MACVLAN)
		return link->kept ? 0 : create_macvlan(launch, link, netns, err);
	return link->kept ? renew_guard(launch, link, err) : create_link(launch, link, netns, err);
}

/* The container's, after the clone. */
static int open_netns(struct launch *launch, struct error *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)launch->pid);
	if (launch->netns < 0)
		launch->netns = open(path, O_RDONLY | O_CLOEXEC);
	return launch->netns < 0 ? fail(err, errno, "open %s", path) : 0;
}

int host_create_links(struct launch *launch, struct error *err)
{
	for (size_t i = 0; i < launch->network->n; i++)
		if (have_link(launch, &launch->network->links[i], launch->netns, err) < 0)
			return -err->code;
	return 0;
}

/* What is made in a namespace that is kept outlives a start that fails, so it is made as late as can be; and the clone makes the
 * net namespace where only others are kept. */
int host_create_links_late(struct launch *launch, struct error *err)
{
	return open_netns(launch, err) < 0 ? -err->code : host_create_links(launch, err);
}

/* --- inside --- */

static int add_static(struct netlink *inside, int index, const char *text, struct error *err)
{
	struct ip address;

	if (!ip_parse(text, true, &address))
		return fail(err, 0, "\"%s\" is no address with a prefix", text);
	if (netlink_address_add(inside, index, address.family, address.bytes, address.prefix, err) < 0)
		return -err->code;
	return address.family == AF_INET ? netlink_address_announce(inside, index, address.bytes, err) : 0;
}

static int set_gateway(struct netlink *inside, int index, const char *text, struct error *err)
{
	unsigned char address[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, address) != 1)
		return fail(err, 0, "\"%s\" is no address", text);
	return netlink_default_route_set(inside, index, family, address, err);
}

/* The configuration's, else that of our own bridge: a static address in its subnet leaves through it without being told
 * to. */
static const char *gateway_of(const struct prepared_network *net, const struct prepared_link *link, bool v6)
{
	if (v6 ? !link->route6 : !link->route4)
		return NULL;
	if (network_names_gateway(link, v6))
		return link->config->gateway;
	return v6 ? net->bridge.gateway6 : net->bridge.gateway4;
}

static int configure_link(const struct launch *launch, struct netlink *inside, const struct prepared_link *link,
			  struct error *err)
{
	const struct network_config *config = link->config;
	const char *gateway;
	int index;

	if (network_wants_auto(config) &&
	    network_setup_inside(inside, &launch->network->bridge, config->name, &link->lease, err) < 0)
		return -err->code;
	index = netlink_link_index(inside, config->name);
	if (!network_wants_auto(config) && netlink_link_set_up(inside, index, true, err) < 0)
		return -err->code;
	for (size_t i = 0; i < config->address.n; i++)
		if (strchr(config->address.items[i], '/') &&
		    add_static(inside, index, config->address.items[i], err) < 0)
			return error_prefix(err, "[network \"%s\"] address", config->name);
	for (int v6 = 0; v6 < 2; v6++) {
		gateway = gateway_of(launch->network, link, v6);
		if (gateway && set_gateway(inside, index, gateway, err) < 0)
			return error_prefix(err, "[network \"%s\"] gateway", config->name);
	}
	return 0;
}

int host_configure_network(struct launch *launch, struct error *err)
{
	auto_netlink struct netlink *inside = open_netns(launch, err) < 0 ? NULL : network_open_inside(launch, err);
	int lo;

	if (!inside)
		return -err->code;
	lo = netlink_link_index(inside, "lo");
	if (lo && netlink_link_set_up(inside, lo, true, err) < 0)
		return -err->code;
	for (size_t i = 0; i < launch->network->n; i++)
		if (!launch->network->links[i].kept && configure_link(launch, inside, &launch->network->links[i], err) < 0)
			return -err->code;
	close_fd(&launch->netns);
	return 0;
}

int host_configure_network_alone(struct launch *launch, struct error *err)
{
	return host_configure_network(launch, err);
}

/* Nobody on our own bridge is a router that could answer: the routes are set. */
void network_ask_no_router(const struct launch *launch, int root)
{
	for (size_t i = 0; i < launch->network->n; i++) {
		const struct prepared_link *link = &launch->network->links[i];
		auto_free char *path = xasprintf("proc/sys/net/ipv6/conf/%s/router_solicitations", link->config->name);

		if (link->own && network_wants_auto(link->config) && *link->lease.v6)
			write_value_at(root, path, "0");
	}
}

/* --- raising --- */

static void add_address(const char *text, bool with_prefix, struct address_info *items, size_t *n)
{
	struct ip ip;
	struct address_info info = { .family = AF_UNSPEC };

	if (!ip_parse(text, with_prefix, &ip))
		return;
	info.family = ip.family;
	memcpy(info.address, ip.bytes, ip.family == AF_INET6 ? 16 : 4);
	for (size_t i = 0; i < *n; i++)
		if (memcmp(&items[i], &info, sizeof(info)) == 0)
			return;	/* a fixed one is the lease as well where no other was given */
	items[(*n)++] = info;
}

/* The given one and those of the configuration; items has room for LINK_ADDRESSES. */
static void add_addresses(const struct prepared_link *link, struct address_info *items, size_t *n)
{
	add_address(link->lease.v4, false, items, n);
	add_address(link->lease.v6, false, items, n);
	for (size_t i = 0; i < link->config->address.n; i++)
		add_address(link->config->address.items[i], true, items, n);
}

#define LINK_ADDRESSES(link) ((link)->config->address.n + 2)

/* An address may have been another container's a moment ago, whose MAC the host still knows. Of a bridge that is not ours, the
 * host's table of neighbours is not ours either: there the announcement has to do. */
static void forget_neighbours(const struct prepared_network *net)
{
	auto_free struct address_info *items = NULL;
	size_t n = 0, room = 1;

	for (size_t i = 0; i < net->n; i++)
		room += LINK_ADDRESSES(&net->links[i]);
	items = xcalloc(room, sizeof(*items));
	for (size_t i = 0; i < net->n; i++)
		if (net->links[i].own)
			add_addresses(&net->links[i], items, &n);
	netlink_neighbours_forget(net->netlink, net->bridge.index, items, n);
}

/* A lease stays the container's, and its MAC with it: neighbours know both from another start. What the configuration fixes may have
 * been another's meanwhile. */
static bool may_be_known_otherwise(const struct prepared_link *link)
{
	bool fixed = strcmp(link->config->hwaddr, "auto") != 0;

	for (size_t i = 0; i < link->config->address.n; i++)
		fixed = fixed || strchr(link->config->address.items[i], ':');
	return link->own && !link->kept && !link->config->isolated && (link->fresh || fixed);
}

/* By the host: the kernel inside announces what comes up with its link (ndisc_notify), but the carrier comes later, and then it does
 * not; and each of many neighbours costs some microseconds. */
void network_announce6(const struct prepared_network *net)
{
	struct error ignored = ERROR_NONE;

	for (size_t i = 0; i < net->n; i++) {
		const struct prepared_link *link = &net->links[i];
		auto_free struct address_info *items = xcalloc(LINK_ADDRESSES(link), sizeof(*items));
		auto_free struct announced6 *told = xcalloc(LINK_ADDRESSES(link), sizeof(*told));
		size_t n = 0, n6 = 0;

		if (!may_be_known_otherwise(link))
			continue;
		add_addresses(link, items, &n);
		for (size_t k = 0; k < n; k++) {
			if (items[k].family != AF_INET6 || hwaddr_parse(link->lease.hwaddr, told[n6].hwaddr) < 0)
				continue;
			memcpy(told[n6++].address, items[k].address, sizeof(items[k].address));
		}
		if (n6)
			icmp6_announce(net->bridge.index, told, n6, &ignored);
	}
}

/* The ends on the host. Until now there was no carrier, so nothing was sent: what each neighbour gets of a new link (reports of its
 * multicast groups, say) would keep the processors from the start itself. */
int host_raise_links(struct launch *launch, struct error *err)
{
	const struct prepared_network *net = launch->network;

	forget_neighbours(net);
	for (size_t i = 0; i < net->n; i++) {
		const char *name = net->links[i].link;	/* a macvlan has none */
		int index = *name ? netlink_link_index(net->netlink, name) : 0;

		if (*name && !index)
			return fail(err, ENODEV, "find link \"%s\", which somebody has deleted meanwhile", name);
		if (*name && netlink_link_set_up(net->netlink, index, true, err) < 0)
			return -err->code;
	}
	return 0;
}
