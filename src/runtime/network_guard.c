/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the links of a container are held to and which ports lead to them: at its start, and changed while it runs. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "network_links.h"
#include "runtime/network.h"

/* --- published ports --- */

/* Where each link's ports lead is kept in the state, so that ports can be changed while it runs. */
static void note_target(struct launch *launch, const struct prepared_link *link)
{
	auto_free char *key = xasprintf("target.%s", link->config->name);

	if (link->own && (*link->lease.v4 || *link->lease.v6))
		record_setf(&launch->state->more, key, "%s %s", *link->lease.v4 ? link->lease.v4 : "-",
			    *link->lease.v6 ? link->lease.v6 : "-");
}

/* What runs (NULL: a start) has no such link, or another one by that name. */
static bool is_to_come(const struct container_config *running, const struct network_config *network)
{
	const struct network_config *then = running ? config_network(running, network->name) : network;

	return !then || then->type != network->type || !text_alike(then->bridge, network->bridge) ||
	       !strings_same(&then->address, &network->address);
}

static int collect_ports(const struct container *c, const struct container_state *state, const struct container_config *running,
			 const struct network_config *network, struct published_list *ret, struct error *err)
{
	bool later = is_to_come(running, network);
	auto_free char *key = xasprintf("target.%s", network->name);
	auto_strings struct strings target = STRINGS_EMPTY;
	const char *value = record_get(&state->more, key), *v4, *v6;

	if (network->publish.n == 0)
		return 0;
	if (value)
		strings_split(&target, value, " ");
	if (target.n != 2 && later)
		return 0;
	if (target.n != 2) {
		fail_status(err, STATUS_STATE, "[network \"%s\"] publish: works on sysct's own bridge only",
			    network->name);
		return error_hint(err, "on another bridge the container is reached by its own address");
	}
	v4 = *target.items[0] == '-' ? "" : target.items[0];
	v6 = *target.items[1] == '-' ? "" : target.items[1];
	for (size_t i = 0; i < network->publish.n; i++) {
		struct publish what;

		if (publish_parse(network->publish.items[i], &what) && what.family &&
		    !*(what.family == AF_INET6 ? v6 : v4)) {
			if (later)
				continue;
			fail_status(err, STATUS_STATE, "[network \"%s\"] publish %s: the container has no %s address",
				    network->name, network->publish.items[i], what.family == AF_INET6 ? "IPv6" : "IPv4");
			return error_hint(err, "sysct info %s shows its addresses", c->name);
		}
		published_add(ret, c->uuid, c->name, network->publish.items[i], v4, v6);
	}
	return 0;
}

/* --- what a link is held to --- */

/* "10.3.4.7/24" -> "10.3.4.7"; auto, dhcp, none: not an address. */
static void add_static_addresses(const struct network_config *config, struct strings *ret)
{
	for (size_t i = 0; i < config->address.n; i++) {
		const char *text = config->address.items[i];
		size_t n = strcspn(text, "/");

		if (text[n])
			strings_add_take(ret, xstrndup(text, n));
	}
}

/* On a bridge of the administrator's nobody here knows what his DHCP server gives, nor what is set inside by hand. */
static bool knows_addresses(const struct prepared_link *link)
{
	return link->own || (!strings_has(&link->config->address, "dhcp") && !strings_has(&link->config->address, "none"));
}

static void add_once(struct strings *list, const char *text)
{
	if (*text && !strings_has(list, text))
		strings_add(list, text);
}

static void add_entry(const struct launch *launch, struct prepared_link *link, const struct guarded_list *before,
		      struct guarded_list *ret)
{
	const struct guarded *then = guarded_find(before, launch->container->uuid, link->config->name);
	struct guarded one = {
		.link = link->config->name,
		.bridge = link->own ? NULL : link->config->bridge,
		.open = !knows_addresses(link),
		.isolated = link->config->isolated,
		.host_access = link->config->host_access,
	};

	snprintf(one.uuid, sizeof(one.uuid), "%s", launch->container->uuid);
	if (link->kept && then) {
		/* it lives on with the addresses that it has */
		one.open = then->open;
		strings_copy(&one.addresses, &then->addresses);
		memcpy(link->lease.hwaddr, then->hwaddr, sizeof(then->hwaddr));
	} else {
		add_static_addresses(link->config, &one.addresses);
		add_once(&one.addresses, link->lease.v4);
		add_once(&one.addresses, link->lease.v6);
	}
	memcpy(one.hwaddr, link->lease.hwaddr, sizeof(one.hwaddr));
	guarded_add(ret, &one);
	strings_clear(&one.addresses);
}

int network_note_links(struct launch *launch, struct prepared_network *net, struct error *err)
{
	auto_guarded struct guarded_list before = GUARDED_EMPTY;
	const struct container *c = launch->container;
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	if (network_guarded(&host, c->uuid, &before, err) < 0)
		return -err->code;
	for (size_t i = 0; i < net->n; i++) {
		note_target(launch, &net->links[i]);
		if (net->links[i].config->type == NETWORK_VETH)
			add_entry(launch, &net->links[i], &before, &net->guarded);
	}
	for (size_t i = 0; i < launch->config->n_networks; i++)
		if (collect_ports(c, launch->state, NULL, &launch->config->networks[i], &net->ports, err) < 0)
			return -err->code;
	return 0;
}

int network_admit_links(const struct container *c, struct prepared_network *net, struct error *err)
{
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	if (network_admit(&host, c->uuid, &net->guarded, &net->ports, err) < 0)
		return -err->code;
	for (size_t i = 0; i < net->n; i++) {
		const struct guarded *one = guarded_find(&net->guarded, c->uuid, net->links[i].config->name);

		net->links[i].group = one ? one->group : 0;
	}
	return 0;
}

int network_port_guard(const char *link, const char *hwaddr, uint32_t group, bool isolated, struct port_guard *ret,
		       struct error *err)
{
	*ret = (struct port_guard){ .flags = { .isolated = isolated, .locked = true }, .group = group };
	if (hwaddr_parse(hwaddr, ret->hwaddr) < 0)
		return fail(err, 0, "[network \"%s\"] hwaddr: \"%s\" is no usable address", link, hwaddr);
	return 0;
}

/* --- while it runs --- */

/* The entry stays what it was made as; only what may change is taken from the configuration. */
static void change_entry(const struct guarded *then, const struct network_config *config, struct guarded_list *ret)
{
	struct guarded one = *then;

	if (config) {
		one.isolated = config->isolated;
		one.host_access = config->host_access;
	}
	guarded_add(ret, &one);
}

/* The flags of its port in the bridge. */
static int change_port(const struct container_state *state, const struct guarded *entry, struct netlink *netlink,
		       struct error *err)
{
	auto_free char *key = xasprintf("port.%s", entry->link);
	const char *name = record_get(&state->more, key);
	int index = name ? netlink_link_index(netlink, name) : 0;
	struct port_guard guard;

	if (!index)
		return 0;
	if (network_port_guard(entry->link, entry->hwaddr, entry->group, entry->isolated, &guard, err) < 0)
		return -err->code;
	return netlink_port_guard(netlink, index, &guard, err);
}

static int change_ports(const struct container_state *state, const struct guarded_list *entries, struct error *err)
{
	auto_netlink struct netlink *netlink = NULL;

	if (entries->n == 0)
		return 0;
	netlink = netlink_open(err);
	if (!netlink)
		return -err->code;
	for (size_t i = 0; i < entries->n; i++)
		if (change_port(state, &entries->items[i], netlink, err) < 0)
			return -err->code;
	return 0;
}

int network_change(const struct container *c, const struct container_state *state, const struct container_config *running,
		   const struct container_config *config, struct error *err)
{
	auto_guarded struct guarded_list before = GUARDED_EMPTY, own = GUARDED_EMPTY;
	auto_published struct published_list ports = PUBLISHED_EMPTY;
	struct error ignored = ERROR_NONE;
	struct network_host host;
	char suffix[16];
	int r;

	network_host_of(c, &host, suffix);
	for (size_t i = 0; i < config->n_networks; i++)
		if (collect_ports(c, state, running, &config->networks[i], &ports, err) < 0)
			return -err->code;
	if (network_guarded(&host, c->uuid, &before, err) < 0)
		return -err->code;
	for (size_t i = 0; i < before.n; i++)
		change_entry(&before.items[i], config_network(config, before.items[i].link), &own);
	r = change_ports(state, &own, err);
	if (r == 0)
		r = network_admit(&host, c->uuid, &own, &ports, err);
	if (r < 0)
		change_ports(state, &before, &ignored);
	return r;
}

int network_destroyed(const struct container *c, struct error *err)
{
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	return network_forget(&host, c->uuid, err);
}
