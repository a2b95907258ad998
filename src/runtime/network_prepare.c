/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row "prepare the network": what each link is going to be, of which nothing is made yet but sysct's own bridge. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "network_links.h"
#include "os/netlink.h"
#include "rows.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"
#include "store/network.h"

void network_host_of(const struct container *c, struct network_host *ret, char suffix[16])
{
	snprintf(suffix, 16, "%s%s", *c->install->suffix ? "-" : "", c->install->suffix);
	*ret = (struct network_host){ c->install->run_dir, c->install->state_dir, suffix, &c->host,
				      c->install->libexec_dir };
}

bool network_wants_auto(const struct network_config *network)
{
	return network->address.n == 0 || strings_has(&network->address, "auto");
}

static bool wants_dhcp(const struct network_config *network)
{
	return strings_has(&network->address, "dhcp");
}

/* Nothing is set up inside, but there is an address for whoever asks the server from there. */
static bool wants_none(const struct network_config *network)
{
	return strings_has(&network->address, "none");
}

/* --- one link --- */

/* A bridge of the administrator's: it must be there, and gives no addresses of ours. */
static int use_other_bridge(struct prepared_network *net, struct prepared_link *link, struct error *err)
{
	struct link_info info;
	int r = netlink_link_get(net->netlink, link->config->bridge, &info, err);

	if (r < 0)
		return r;
	if (r == 0 || strcmp(info.kind, "bridge") != 0) {
		fail(err, 0, "[network \"%s\"] bridge: there is no bridge \"%s\"", link->config->name,
		     link->config->bridge);
		error_hint(err, "make it with: ip link add %s type bridge; or take the key away to use sysct's own",
			   link->config->bridge);
		return -err->code;
	}
	if (network_wants_auto(link->config)) {
		fail_status(err, STATUS_USAGE,
			    "[network \"%s\"] address = auto works on sysct's own bridge only, not on \"%s\"",
			    link->config->name, link->config->bridge);
		return error_hint(err, "give an address, or address = none");
	}
	link->master = info.index;
	link->mtu = info.mtu;
	return 0;
}

static int refuse_dhcp(const struct prepared_network *net, const struct prepared_link *link, struct error *err)
{
	fail(err, 0, "[network \"%s\"] address = dhcp: no DHCP server answers on bridge \"%s\": %s", link->config->name,
	     net->bridge.name, net->bridge.note[0] ? net->bridge.note : "dnsmasq is not installed");
	return error_hint(err, "install dnsmasq (apt-get install dnsmasq-base), or set address = auto");
}

static int prepare_veth(struct launch *launch, const struct network_host *host, struct prepared_network *net,
			struct prepared_link *link, struct error *err)
{
	struct container *c = launch->container;
	const struct network_config *config = link->config;

	link->own = !config->bridge || strcmp(config->bridge, c->host.bridge) == 0;
	if (!link->own) {
		if (use_other_bridge(net, link, err) < 0)
			return -err->code;
	} else {
		if (!net->bridge.index && network_ensure(host, net->netlink, &net->bridge, err) < 0)
			return -err->code;
		link->master = net->bridge.index;
		link->mtu = net->bridge.mtu;
	}
	if (link->own && wants_dhcp(config) && !net->bridge.dns)
		return refuse_dhcp(net, link, err);
	if (link->own && (network_wants_auto(config) || wants_dhcp(config) || wants_none(config)) &&
	    network_lease_link(c, host, &net->bridge, link, err) < 0)
		return -err->code;
	/* who asks by DHCP is told no IPv6 address */
	if (!network_wants_auto(config))
		link->lease.v6[0] = '\0';
	return link->own ? network_claim_static(c, host, &net->bridge, link, err) : 0;
}

/* Beside a link of the host's, on its wire. */
static int prepare_macvlan(struct prepared_network *net, struct prepared_link *link, struct error *err)
{
	const struct network_config *config = link->config;
	struct link_info info;
	int r = netlink_link_get(net->netlink, config->parent, &info, err);

	if (r < 0)
		return r;
	if (r == 0) {
		fail(err, 0, "[network \"%s\"] parent: the host has no link \"%s\"", config->name, config->parent);
		error_hint(err, "its links: ip -brief link");
		return -err->code;
	}
	link->master = info.index;
	return 0;
}

/* The MAC, the same at each start and another one on each link. */
static void choose_hwaddr(const struct container *c, struct prepared_link *link)
{
	const struct network_config *config = link->config;
	auto_free char *seed = config == &c->config.networks[0] ? xstrdup(c->uuid) :
								  xasprintf("%s/%s", c->uuid, config->name);

	if (strcmp(config->hwaddr, "auto") != 0)
		snprintf(link->lease.hwaddr, sizeof(link->lease.hwaddr), "%s", config->hwaddr);
	else if (!*link->lease.hwaddr)
		hwaddr_from_uuid(seed, link->lease.hwaddr);
}

/* The end of a pair whose other end is in the kept namespace: used again when it is where it shall be, and gone when not,
 * since its name inside is needed. */
static int find_kept(const struct launch *launch, const struct prepared_network *net, struct prepared_link *link,
		     size_t index, struct error *err)
{
	const struct record *about = &launch->kept.about;
	struct link_info info;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < about->keys.n; i++) {
		const char *name = about->values.items[i];

		if (strcmp(about->keys.items[i], "link") != 0 || n++ != index)
			continue;
		r = netlink_link_get(net->netlink, name, &info, err);
		if (r <= 0)
			return r;
		link->kept = info.master == link->master;
		if (link->kept)
			snprintf(link->link, sizeof(link->link), "%s", name);
		else if (netlink_link_delete(net->netlink, name, "sysct:", err) < 0)
			return -err->code;
		return 0;
	}
	return 0;
}

/* For what is changed while it runs. */
static void note_port(struct container_state *state, const struct prepared_link *link)
{
	auto_free char *key = xasprintf("port.%s", link->config->name);

	record_set(&state->more, key, link->link);
}

#define MOST_NAMES 8

/* Of an installation whose suffix leaves room for five digits another link may have the name, with 200 links once in 5000. */
static void choose_name(const struct prepared_network *net, const struct network_host *host, const char *uuid, uint64_t start,
			struct prepared_link *link)
{
	for (uint64_t i = 0; i < MOST_NAMES; i++) {
		network_link_name(host, uuid, start + (i << 32), link->link);
		if (netlink_link_index(net->netlink, link->link) == 0)
			return;
	}
}

/* --- all of them --- */

static bool in_subnet(const struct network_bridge *bridge, const char *address)
{
	auto_free char *net6 = bridge->subnet6.prefix ? subnet6_text(&bridge->subnet6) : NULL;
	struct ip one, net;

	if (!strchr(address, ':'))
		return subnet4_number(&bridge->subnet4, address) > 0;
	return net6 && ip_parse(address, false, &one) && ip_parse(net6, true, &net) && ip_in_net(&one, &net);
}

bool network_names_gateway(const struct prepared_link *link, bool v6)
{
	return link->config->gateway && !strchr(link->config->gateway, ':') == !v6;
}

/* Where packets leave by default: by the link that names a gateway of that family, else by the first that our own
 * bridge gives one. */
static void choose_routes(struct prepared_network *net)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct prepared_link *chosen = NULL;

		for (size_t i = 0; i < net->n && !chosen; i++)
			if (network_names_gateway(&net->links[i], v6))
				chosen = &net->links[i];
		for (size_t i = 0; i < net->n && !chosen; i++) {
			struct prepared_link *link = &net->links[i];
			const char *address = v6 ? link->lease.v6 : link->lease.v4;

			/* a DHCP client finds its own way */
			if (link->own && *address && !wants_none(link->config) &&
			    (network_wants_auto(link->config) || !wants_dhcp(link->config)) && in_subnet(&net->bridge, address))
				chosen = link;
		}
		if (chosen)
			*(v6 ? &chosen->route6 : &chosen->route4) = true;
	}
}

static int prepare_links(struct launch *launch, const struct network_host *host, struct prepared_network *net,
			 struct error *err)
{
	uint64_t start = now_usec();
	size_t veths = 0;

	for (size_t i = 0; i < launch->config->n_networks; i++) {
		const struct network_config *config = &launch->config->networks[i];
		struct prepared_link *link = &net->links[net->n];

		if (config->type != NETWORK_VETH && config->type != NETWORK_MACVLAN)
			continue;
		link->config = config;
		if ((config->type == NETWORK_VETH ? prepare_veth(launch, host, net, link, err) :
						    prepare_macvlan(net, link, err)) < 0)
			return -err->code;
		if (config->mtu != CONFIG_UNSET)
			link->mtu = (uint32_t)config->mtu;
		choose_hwaddr(launch->container, link);
		if (config->type == NETWORK_VETH) {
			choose_name(net, host, launch->container->uuid, start + i, link);
			if (launch->kept.fds[KEPT_NET] >= 0 && find_kept(launch, net, link, veths, err) < 0)
				return -err->code;
			record_add(&launch->state->more, "link", link->link);
			note_port(launch->state, link);
			veths++;
		}
		net->n++;
	}
	choose_routes(net);
	return 0;
}

static int open_namespace(const struct network_config *config, struct error *err)
{
	auto_close int fd = open(config->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		fail(err, errno, "[network \"%s\"] path: open %s", config->name, config->path);
		return error_hint(err, "make one with: ip netns add NAME; its path is then /run/netns/NAME");
	}
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		fail(err, EINVAL, "[network \"%s\"] path: %s is no network namespace", config->name, config->path);
		return error_hint(err, "such as /run/netns/NAME, made with: ip netns add NAME");
	}
	return take_fd(&fd);
}

int host_prepare_network(struct launch *launch, struct error *err)
{
	struct container *c = launch->container;
	struct prepared_network *net = xcalloc(1, sizeof(*net));
	const struct network_config *first = launch->config->n_networks ? &launch->config->networks[0] : NULL;
	struct network_host host;
	char suffix[16];

	launch->network = net;
	net->links = xcalloc(launch->config->n_networks + 1, sizeof(*net->links));
	net->join = -1;
	network_host_of(c, &host, suffix);
	if (first && first->type == NETWORK_NAMESPACE)
		net->join = open_namespace(first, err);
	if (first && first->type == NETWORK_NAMESPACE && net->join < 0)
		return net->join;
	net->netlink = netlink_open(err);
	if (!net->netlink || prepare_links(launch, &host, net, err) < 0)
		return -err->code;
	if (!net->bridge.dns && network_register_links(&host, c, net, err) < 0)
		return -err->code;	/* the names are taken from there, below */
	if (first)
		launch->resolv_conf = network_resolv_conf(net->bridge.index ? &net->bridge : NULL, first);
	if (net->bridge.index && net->bridge.note[0])
		record_set(&launch->state->more, MORE_NOTE, net->bridge.note);
	if (net->bridge.index && net->bridge.dns) {
		launch->hosts_block = xstrdup("");	/* takes a block of another time out */
	} else if (net->bridge.index) {
		launch->hosts_block = network_hosts_block(&host);
		record_set(&launch->state->more, "names", "hosts");
	}
	return network_note_links(launch, net, err);
}
