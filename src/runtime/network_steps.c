/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network rows of the start table: what is shared by all containers is store/network.h's; here one
 * container gets its links, its addresses and its name. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/netlink.h"
#include "rows.h"
#include "runtime/hosts.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"
#include "store/network.h"

struct prepared_link {
	const struct network_config *config;
	char link[LINK_NAME_ROOM];	/* the host's end */
	int master;
	uint32_t mtu;
	bool kept;			/* it lives in a kept net namespace, whole */
	struct network_lease lease;	/* what `auto` gives; empty strings: nothing */
};

struct prepared_network {
	struct netlink *netlink;
	struct network_bridge bridge;	/* sysct's own; index 0: not used */
	struct prepared_link *links;
	size_t n;
};

static void host_of(const struct container *c, struct network_host *ret, char suffix[16])
{
	snprintf(suffix, 16, "%s%s", *c->install->suffix ? "-" : "", c->install->suffix);
	*ret = (struct network_host){ c->install->run_dir, c->install->state_dir, suffix, &c->host };
}

static bool wants_auto(const struct network_config *network)
{
	return network->address.n == 0 || strings_has(&network->address, "auto");
}

/* --- leases --- */

static int read_identity(const struct install *install, const char *name, struct record *ret)
{
	auto_free char *path = xasprintf("%s/containers/%s/identity", install->state_dir, name);
	auto_free char *text = NULL;
	size_t n;
	int r = read_file_at(AT_FDCWD, path, 65536, &text, &n);

	return r < 0 ? r : record_parse(ret, text, n);
}

/* The IPv4 addresses of every other container, and of this one's other links. */
static int taken_addresses(const struct container *c, const char *own_key, struct strings *taken,
			   struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (container_names(c->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++) {
		auto_record struct record identity = RECORD_EMPTY;
		bool own = strcmp(names.items[i], c->name) == 0;

		if (read_identity(c->install, names.items[i], &identity) < 0)
			continue;
		for (size_t k = 0; k < identity.keys.n; k++)
			if (text_starts(identity.keys.items[k], "ipv4.") &&
			    !(own && strcmp(identity.keys.items[k], own_key) == 0))
				strings_add(taken, identity.values.items[k]);
	}
	return 0;
}

static const char *stored(const struct container *c, const char *what, const char *link, char *buf, size_t room)
{
	auto_free char *key = xasprintf("%s.%s", what, link);
	const char *value = record_get(&c->identity, key);

	snprintf(buf, room, "%s", value ? value : "");
	return buf;
}

static void store(struct container *c, const char *what, const char *link, const char *value)
{
	auto_free char *key = xasprintf("%s.%s", what, link);

	record_set(&c->identity, key, *value ? value : NULL);
}

/* The lease of a link: what was given at its first start, as long as it fits the bridge's subnet. */
static int lease_link(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
		      struct prepared_link *link, struct error *err)
{
	const char *name = link->config->name;
	auto_free char *own_key = xasprintf("ipv4.%s", name);
	auto_strings struct strings taken = STRINGS_EMPTY;
	struct network_lease *lease = &link->lease;
	auto_close int lock = -1;

	stored(c, "hwaddr", name, lease->hwaddr, sizeof(lease->hwaddr));
	stored(c, "ipv4", name, lease->v4, sizeof(lease->v4));
	stored(c, "ipv6", name, lease->v6, sizeof(lease->v6));
	if (*lease->v4 && *lease->hwaddr && subnet4_number(&bridge->subnet4, lease->v4) &&
	    !*lease->v6 == (bridge->subnet6.prefix == 0))
		return 0;
	lock = network_lock(host, err);
	if (lock < 0 || taken_addresses(c, own_key, &taken, err) < 0 ||
	    network_lease(bridge, c->uuid, &taken, lease, err) < 0)
		return -err->code;
	store(c, "hwaddr", name, lease->hwaddr);
	store(c, "ipv4", name, lease->v4);
	store(c, "ipv6", name, lease->v6);
	return container_save_identity(c, err);
}

/* --- preparing --- */

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
	if (wants_auto(link->config)) {
		fail_status(err, STATUS_USAGE,
			    "[network \"%s\"] address = auto works on sysct's own bridge only, not on \"%s\"",
			    link->config->name, link->config->bridge);
		return error_hint(err, "give an address, or address = none");
	}
	link->master = info.index;
	link->mtu = info.mtu;
	return 0;
}

static int prepare_veth(struct launch *launch, const struct network_host *host, struct prepared_network *net,
			struct prepared_link *link, struct error *err)
{
	struct container *c = launch->container;
	const struct network_config *config = link->config;

	if (config->bridge && strcmp(config->bridge, c->host.bridge) != 0) {
		if (use_other_bridge(net, link, err) < 0)
			return -err->code;
	} else {
		if (!net->bridge.index && network_ensure(host, net->netlink, &net->bridge, err) < 0)
			return -err->code;
		link->master = net->bridge.index;
		link->mtu = net->bridge.mtu;
	}
	if (config->mtu != CONFIG_UNSET)
		link->mtu = (uint32_t)config->mtu;
	if (wants_auto(config) && lease_link(c, host, &net->bridge, link, err) < 0)
		return -err->code;
	if (strcmp(config->hwaddr, "auto") != 0)
		snprintf(link->lease.hwaddr, sizeof(link->lease.hwaddr), "%s", config->hwaddr);
	else if (!*link->lease.hwaddr)
		hwaddr_from_uuid(c->uuid, link->lease.hwaddr);
	return 0;
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

static int prepare_links(struct launch *launch, const struct network_host *host, struct prepared_network *net,
			 struct error *err)
{
	uint64_t start = now_usec();

	for (size_t i = 0; i < launch->config->n_networks; i++) {
		const struct network_config *config = &launch->config->networks[i];
		struct prepared_link *link = &net->links[net->n];

		if (config->type != NETWORK_VETH)
			continue;
		link->config = config;
		if (prepare_veth(launch, host, net, link, err) < 0)
			return -err->code;
		network_link_name(host, launch->container->uuid, start + i, link->link);
		if (launch->kept.fds[KEPT_NET] >= 0 && find_kept(launch, net, link, net->n, err) < 0)
			return -err->code;
		record_add(&launch->state->more, "link", link->link);
		net->n++;
	}
	return 0;
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
	host_of(c, &host, suffix);
	net->netlink = netlink_open(err);
	if (!net->netlink || prepare_links(launch, &host, net, err) < 0)
		return -err->code;
	if (net->n && net->links[0].lease.v4[0] &&
	    network_register(&host, c->name, c->uuid, &net->links[0].lease, err) < 0)
		return -err->code;
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
	/* before the links are there: whoever undoes this start must know their names */
	return state_save(c->install->run_dir, c->name, launch->state, err);
}

int host_release_network(const struct container *container, const struct container_state *state,
			 struct error *err)
{
	const char *names = record_get(&state->more, "names");
	struct network_host host;
	char suffix[16];
	int r;

	host_of(container, &host, suffix);
	r = network_unregister(&host, container->uuid, err);
	if (r >= 0 && names && strcmp(names, "hosts") == 0) {
		auto_free char *block = network_hosts_block(&host);

		hosts_tell_others(container->install, container->name, block ? block : "");
	}
	return r;
}

/* Where no name server does it, those who run already learn the new name by their /etc/hosts. */
int host_tell_others(struct launch *launch, struct error *err)
{
	(void)err;
	if (launch->hosts_block && *launch->hosts_block)
		hosts_tell_others(launch->container->install, launch->container->name, launch->hosts_block);
	return 0;
}

/* --- links --- */

static int create_link(const struct launch *launch, struct prepared_link *link, int netns, struct error *err)
{
	auto_free char *alias = network_link_alias(launch->container->uuid);
	struct veth veth = {
		.name = link->link,
		.alias = alias,
		.master = link->master,
		.mtu = link->mtu,
		.peer_name = link->config->name,
		.peer_netns = netns,
	};

	if (hwaddr_parse(link->lease.hwaddr, veth.peer_hwaddr) < 0)
		return fail(err, 0, "[network \"%s\"] hwaddr: \"%s\" is no usable address", link->config->name,
			    link->lease.hwaddr);
	return netlink_veth_add(launch->network->netlink, &veth, err);
}

int host_create_links(struct launch *launch, struct error *err)
{
	auto_close int netns = -1;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)launch->pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return fail(err, errno, "open %s", path);
	for (size_t i = 0; i < launch->network->n; i++)
		if (!launch->network->links[i].kept && create_link(launch, &launch->network->links[i], netns, err) < 0)
			return -err->code;
	return 0;
}

/* --- inside --- */

static int add_static(struct netlink *inside, int index, const char *text, struct error *err)
{
	auto_free char *copy = xstrdup(text);
	char *slash = strchr(copy, '/');
	unsigned char address[16];
	int family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	uint32_t prefix;

	if (slash)
		*slash++ = '\0';
	if (!slash || parse_u32(slash, &prefix) < 0 || inet_pton(family, copy, address) != 1)
		return fail(err, 0, "\"%s\" is no address with a prefix", text);
	return netlink_address_add(inside, index, family, address, prefix, err);
}

static int set_gateway(struct netlink *inside, int index, const char *text, struct error *err)
{
	unsigned char address[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, address) != 1)
		return fail(err, 0, "\"%s\" is no address", text);
	return netlink_default_route_set(inside, index, family, address, err);
}

/* A static address in the subnet of sysct's own bridge leaves through it without being told to. */
static const char *gateway_of(const struct prepared_network *net, const struct prepared_link *link)
{
	if (link->config->gateway)
		return link->config->gateway;
	for (size_t i = 0; link->master == net->bridge.index && i < link->config->address.n; i++) {
		auto_free char *copy = xstrdup(link->config->address.items[i]);

		copy[strcspn(copy, "/")] = '\0';
		if (subnet4_number(&net->bridge.subnet4, copy))
			return net->bridge.gateway4;
	}
	return NULL;
}

static int configure_link(const struct launch *launch, struct netlink *inside, const struct prepared_link *link,
			  struct error *err)
{
	const struct network_config *config = link->config;
	const char *gateway;
	int index;

	if (wants_auto(config) &&
	    network_setup_inside(inside, &launch->network->bridge, config->name, &link->lease, err) < 0)
		return -err->code;
	index = netlink_link_index(inside, config->name);
	if (!wants_auto(config) && netlink_link_set_up(inside, index, true, err) < 0)
		return -err->code;
	for (size_t i = 0; i < config->address.n; i++)
		if (strchr(config->address.items[i], '/') &&
		    add_static(inside, index, config->address.items[i], err) < 0)
			return error_prefix(err, "[network \"%s\"] address", config->name);
	gateway = wants_auto(config) ? config->gateway : gateway_of(launch->network, link);
	if (gateway && set_gateway(inside, index, gateway, err) < 0)
		return error_prefix(err, "[network \"%s\"] gateway", config->name);
	return 0;
}

int payload_configure_network(struct launch *launch, struct error *err)
{
	auto_netlink struct netlink *inside = netlink_open(err);
	int lo;

	if (!inside)
		return -err->code;
	lo = netlink_link_index(inside, "lo");
	if (lo && netlink_link_set_up(inside, lo, true, err) < 0)
		return -err->code;
	for (size_t i = 0; i < launch->network->n; i++)
		if (!launch->network->links[i].kept && configure_link(launch, inside, &launch->network->links[i], err) < 0)
			return -err->code;
	return 0;
}
