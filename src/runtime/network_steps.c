/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network rows of the start table: what is shared by all containers is store/network.h's; here one
 * container gets its links, its addresses and its name. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "network_links.h"
#include "os/mount.h"
#include "os/netlink.h"
#include "rows.h"
#include "runtime/hosts.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"
#include "store/network.h"

void network_host_of(const struct container *c, struct network_host *ret, char suffix[16])
{
	snprintf(suffix, 16, "%s%s", *c->install->suffix ? "-" : "", c->install->suffix);
	*ret = (struct network_host){ c->install->run_dir, c->install->state_dir, suffix, &c->host,
				      c->install->libexec_dir };
}

static bool wants_auto(const struct network_config *network)
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

/* --- leases --- */

#define IDENTITY_BYTES 65536

/* What the text of an identity says about IPv4 addresses: "ipv4.LINK", given by us, and "static4.LINK", from the configuration. A
 * first start reads those of all containers, and wants no more of them. False: it is damaged. */
static bool addresses_in(const char *text, size_t n, const char *except, struct strings *ret)
{
	const char *all = text + n, *end;

	for (; text < all; text = end + 1) {
		const char *equals;

		end = memchr(text, '\n', (size_t)(all - text));
		equals = end ? memchr(text, '=', (size_t)(end - text)) : NULL;
		if (!equals)
			return false;
		if ((text_starts(text, "ipv4.") || text_starts(text, "static4.")) &&
		    (strlen(except) != (size_t)(equals - text) || strncmp(text, except, strlen(except)) != 0)) {
			auto_free char *value = xstrndup(equals + 1, (size_t)(end - equals - 1));

			strings_split(ret, value, " ");
		}
	}
	return n > 0;
}

/* Of one that cannot be read the addresses are unknown, and it may run. */
static int read_addresses(const struct container *c, const char *name, const char *except, struct strings *ret, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers/%s/identity", c->install->state_dir, name), *text = NULL;
	size_t n;
	int r = read_file_at(AT_FDCWD, path, IDENTITY_BYTES, &text, &n);

	if (r == -ENOENT || r == -ENOTDIR)	/* just destroyed */
		return 0;
	if (r < 0) {
		fail(err, -r, "read %s", path);
		return error_hint(err, "addresses are given out when it can be read: it tells which ones that container has");
	}
	if (addresses_in(text, n, except, ret))
		return 0;
	fail(err, 0, "read %s: it is damaged", path);
	return error_hint(err, "mend it, or let go of that container: sysct destroy --force %s", name);
}

/* Whose an address is; *ret_owner NULL: nobody's. Caller frees. settled: it is ours since an earlier start, so a
 * container that cannot be read has another one; or it is one that nobody notes. */
static int find_owner(const struct container *c, const char *address, bool settled, char **ret_owner, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	*ret_owner = NULL;
	if (container_names(c->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n && !*ret_owner; i++) {
		auto_strings struct strings addresses = STRINGS_EMPTY;
		struct error why = ERROR_NONE;

		if (strcmp(names.items[i], c->name) == 0)
			continue;
		if (read_addresses(c, names.items[i], "", &addresses, &why) < 0 && !settled) {
			*err = why;
			return -err->code;
		}
		if (strings_has(&addresses, address))
			*ret_owner = xstrdup(names.items[i]);
	}
	return 0;
}

/* The IPv4 addresses of every other container, and of this one's other links. */
static int taken_addresses(const struct container *c, const char *own_key, struct strings *taken,
			   struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (container_names(c->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++)
		if (read_addresses(c, names.items[i], strcmp(names.items[i], c->name) == 0 ? own_key : "", taken, err) < 0)
			return -err->code;
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
	/* a second link is another neighbour on the same wire: not the MAC of the first */
	auto_free char *seed = strcmp(name, c->config.networks[0].name) == 0 ? xstrdup(c->uuid) :
										xasprintf("%s/%s", c->uuid, name);
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
	    network_lease(bridge, seed, &taken, lease, err) < 0)
		return -err->code;
	store(c, "hwaddr", name, lease->hwaddr);
	store(c, "ipv4", name, lease->v4);
	store(c, "ipv6", name, lease->v6);
	return container_save_identity(c, err);
}

/* --- addresses of the configuration --- */

/* "10.3.4.7/24" -> "10.3.4.7" into buf of INET6_ADDRSTRLEN; false: auto, dhcp, none. */
static bool bare_address(const char *text, char *buf)
{
	size_t n = strcspn(text, "/");

	if (!text[n] || n >= INET6_ADDRSTRLEN)
		return false;
	snprintf(buf, INET6_ADDRSTRLEN, "%.*s", (int)n, text);
	return true;
}

static int refuse_address(const struct prepared_link *link, const char *address, const char *whose, struct error *err)
{
	fail_status(err, STATUS_STATE, "[network \"%s\"] address: %s is that of %s", link->config->name, address, whose);
	err->code = EADDRINUSE;
	return error_hint(err, "give another one, or address = auto");
}

/* Two with one address would both be unreachable by turns. */
static int check_address_free(const struct container *c, const struct network_bridge *bridge,
			      const struct prepared_link *link, const char *address, bool settled, struct error *err)
{
	auto_free char *owner = NULL, *whose = NULL;

	if (strcmp(address, bridge->gateway4) == 0 || strcmp(address, bridge->gateway6) == 0)
		return refuse_address(link, address, "the host", err);
	if (find_owner(c, address, settled, &owner, err) < 0)
		return -err->code;
	if (!owner)
		return 0;
	whose = xasprintf("container \"%s\"", owner);
	return refuse_address(link, address, whose, err);
}

/* Addresses on our own bridge that stand in the configuration: noted, so that nobody else is given them. The first of
 * each family is what names and published ports lead to, unless there is one that we gave. */
static int claim_static(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
			struct prepared_link *link, struct error *err)
{
	const struct network_config *config = link->config;
	auto_free char *key = xasprintf("static4.%s", config->name), *claimed = NULL;
	auto_strings struct strings claims = STRINGS_EMPTY, held = STRINGS_EMPTY;
	const char *before = record_get(&c->identity, key);
	auto_close int lock = -1;

	strings_split(&held, before ? before : "", " ");
	for (size_t i = 0; i < config->address.n; i++) {
		char address[INET6_ADDRSTRLEN];
		bool settled;

		if (!bare_address(config->address.items[i], address))
			continue;
		/* ours already; or not in our subnet, and so noted by nobody */
		settled = strings_has(&held, address) || !subnet4_number(&bridge->subnet4, address);
		if (lock < 0)
			lock = network_lock(host, err);
		if (lock < 0 || check_address_free(c, bridge, link, address, settled, err) < 0)
			return -err->code;
		if (strchr(address, ':')) {
			if (!*link->lease.v6)
				snprintf(link->lease.v6, sizeof(link->lease.v6), "%s", address);
			continue;
		}
		if (subnet4_number(&bridge->subnet4, address))
			strings_add(&claims, address);
		if (!*link->lease.v4 && strlen(address) < sizeof(link->lease.v4))
			memcpy(link->lease.v4, address, strlen(address) + 1);
	}
	claimed = strings_join(&claims, " ");
	if (strcmp(before ? before : "", claims.n ? claimed : "") == 0)
		return 0;
	record_set(&c->identity, key, claims.n ? claimed : NULL);
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
	if (link->own && (wants_auto(config) || wants_dhcp(config) || wants_none(config)) &&
	    lease_link(c, host, &net->bridge, link, err) < 0)
		return -err->code;
	/* who asks by DHCP is told no IPv6 address */
	if (!wants_auto(config))
		link->lease.v6[0] = '\0';
	return link->own ? claim_static(c, host, &net->bridge, link, err) : 0;
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

/* Where packets leave by default: by the link that names a gateway of that family, else by the first that our own
 * bridge gives one. */
static bool in_subnet(const struct network_bridge *bridge, const char *address)
{
	auto_free char *net6 = bridge->subnet6.prefix ? subnet6_text(&bridge->subnet6) : NULL;
	struct ip one, net;

	if (!strchr(address, ':'))
		return subnet4_number(&bridge->subnet4, address) > 0;
	return net6 && ip_parse(address, false, &one) && ip_parse(net6, true, &net) && ip_in_net(&one, &net);
}

static bool names_gateway(const struct prepared_link *link, bool v6)
{
	return link->config->gateway && !strchr(link->config->gateway, ':') == !v6;
}

static void choose_routes(struct prepared_network *net)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct prepared_link *chosen = NULL;

		for (size_t i = 0; i < net->n && !chosen; i++)
			if (names_gateway(&net->links[i], v6))
				chosen = &net->links[i];
		for (size_t i = 0; i < net->n && !chosen; i++) {
			struct prepared_link *link = &net->links[i];
			const char *address = v6 ? link->lease.v6 : link->lease.v4;

			/* a DHCP client finds its own way */
			if (link->own && *address && !wants_none(link->config) &&
			    (wants_auto(link->config) || !wants_dhcp(link->config)) && in_subnet(&net->bridge, address))
				chosen = link;
		}
		if (chosen)
			*(v6 ? &chosen->route6 : &chosen->route4) = true;
	}
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

/* --- a namespace of somebody else's --- */

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

static int enter_netns(int netns, int *ret_back, struct error *err)
{
	*ret_back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*ret_back < 0)
		return fail(err, errno, "open the own network namespace");
	if (setns(netns, CLONE_NEWNET) == 0)
		return 0;
	fail(err, errno, "enter the network namespace");
	close_fd(ret_back);
	return -err->code;
}

int network_enter(struct launch *launch, int *ret_back, struct error *err)
{
	int join = launch->network->join;

	*ret_back = -1;
	if (join < 0)
		return 0;
	if (enter_netns(join, ret_back, err) < 0)
		return -err->code;
	/* The namespace is not the container's own, whose root may not mount its sysfs: it gets one from here, with
	 * the links of that namespace, whose files it cannot write. */
	if (launch->userns >= 0)
		launch->sys = mount_new("sysfs", "sysfs", NULL,
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (launch->userns >= 0 && launch->sys < 0) {
		network_return(ret_back);
		return -err->code;
	}
	return 0;
}

/* To go on in somebody else's namespace would do the host's work there: never. */
void network_return(int *back)
{
	if (*back >= 0 && setns(*back, CLONE_NEWNET) < 0)
		end_here("return to the host's network namespace");
	close_fd(back);
}

/* Its name leads to the first link on our own bridge; the server there gives each link that asks its own address. */
static int register_links(const struct network_host *host, const struct container *c, const struct prepared_network *net,
			  struct error *err)
{
	bool named = false;
	int r = 0;

	for (size_t i = 0; i < net->n && r == 0; i++) {
		const struct prepared_link *link = &net->links[i];

		if (!link->own || !*link->lease.v4)
			continue;
		r = named ? network_register_link(host, c->uuid, &link->lease, err) :
			    network_register(host, c->name, c->uuid, &link->lease, err);
		named = true;
	}
	return r;
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
	if (!net->bridge.dns && register_links(&host, c, net, err) < 0)
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

/* An init may ask the server for its address at once. */
static bool asks_the_server(const struct prepared_network *net)
{
	for (size_t i = 0; i < net->n; i++)
		if (net->links[i].own && !wants_auto(net->links[i].config))
			return true;
	return false;
}

static const struct prepared_link *named_link(const struct prepared_network *net)
{
	for (size_t i = 0; i < net->n; i++)
		if (net->links[i].own && *net->links[i].lease.v4)
			return &net->links[i];
	return NULL;
}

int host_admit_links(struct launch *launch, struct error *err)
{
	const struct container *c = launch->container;
	struct prepared_network *net = launch->network;
	const struct prepared_link *named = named_link(net);
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	if (net->bridge.dns && named && (asks_the_server(net) ? register_links(&host, c, net, err) :
				 network_claim(&host, c->name, c->uuid, named->lease.v4, err)) < 0)
		return -err->code;
	return network_admit_links(c, net, err);
}

/* As late as can be: the server reads the names of all containers anew, on a processor that others want. Init runs by now, and goes
 * on without a name. */
int host_register_names(struct launch *launch, struct error *err)
{
	const struct container *c = launch->container;
	struct prepared_network *net = launch->network;
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	if (!net->bridge.dns || asks_the_server(net) || register_links(&host, c, net, err) == 0)
		return 0;
	record_setf(&launch->state->more, MORE_NOTE, "its name is not known to others: %s", err->message);
	*err = (struct error)ERROR_NONE;
	return 0;
}

int host_release_network(const struct container *container, const struct container_state *state,
			 struct error *err)
{
	const char *names = record_get(&state->more, "names");
	struct network_host host;
	char suffix[16];
	int r;

	network_host_of(container, &host, suffix);
	r = network_leave(&host, container->uuid, err);
	if (r == 0)
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

struct static_address {
	int family;
	unsigned char bytes[16];
	uint32_t prefix;
};

static bool parse_static(const char *text, struct static_address *ret)
{
	auto_free char *copy = xstrdup(text);
	char *slash = strchr(copy, '/');

	ret->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	if (slash)
		*slash++ = '\0';
	return slash && parse_u32(slash, &ret->prefix) == 0 && inet_pton(ret->family, copy, ret->bytes) == 1;
}

static int add_static(struct netlink *inside, int index, const char *text, struct error *err)
{
	struct static_address address;

	if (!parse_static(text, &address))
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
	if (names_gateway(link, v6))
		return link->config->gateway;
	return v6 ? net->bridge.gateway6 : net->bridge.gateway4;
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
	for (int v6 = 0; v6 < 2; v6++) {
		gateway = gateway_of(launch->network, link, v6);
		if (gateway && set_gateway(inside, index, gateway, err) < 0)
			return error_prefix(err, "[network \"%s\"] gateway", config->name);
	}
	return 0;
}

/* A socket belongs to the namespace that it was made in, whoever sends by it later. */
static struct netlink *open_inside(const struct launch *launch, struct error *err)
{
	struct netlink *inside;
	int back;

	if (enter_netns(launch->netns, &back, err) < 0)
		return NULL;
	inside = netlink_open(err);
	network_return(&back);
	return inside;
}

int host_configure_network(struct launch *launch, struct error *err)
{
	auto_netlink struct netlink *inside = open_netns(launch, err) < 0 ? NULL : open_inside(launch, err);
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

/* An address may have been another container's a moment ago, whose MAC the host still knows. Of a bridge that is not ours, the
 * host's table of neighbours is not ours either: there the announcement has to do. */
static void forget_neighbours(const struct prepared_network *net, const struct prepared_link *link)
{
	const struct strings *given = &link->config->address;
	const char *lease[] = { link->lease.v4, link->lease.v6 };
	struct static_address address;

	for (int v6 = 0; v6 < 2; v6++)
		if (inet_pton(v6 ? AF_INET6 : AF_INET, lease[v6], address.bytes) == 1)
			netlink_neighbour_forget(net->netlink, net->bridge.index, v6 ? AF_INET6 : AF_INET, address.bytes);
	for (size_t i = 0; i < given->n; i++)
		if (parse_static(given->items[i], &address))
			netlink_neighbour_forget(net->netlink, net->bridge.index, address.family, address.bytes);
}

/* The ends on the host. Until now there was no carrier, so nothing was sent: what each neighbour gets of a new link (reports of its
 * multicast groups, say) would keep the processors from the start itself. */
int host_raise_links(struct launch *launch, struct error *err)
{
	const struct prepared_network *net = launch->network;

	for (size_t i = 0; i < net->n; i++) {
		const char *name = net->links[i].link;	/* a macvlan has none */
		int index = *name ? netlink_link_index(net->netlink, name) : 0;

		if (*name && !index)
			return fail(err, ENODEV, "find link \"%s\", which somebody has deleted meanwhile", name);
		if (net->links[i].own)
			forget_neighbours(net, &net->links[i]);
		if (*name && netlink_link_set_up(net->netlink, index, true, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Nobody on our own bridge is a router that could answer: the routes are set. */
void network_ask_no_router(const struct launch *launch, int root)
{
	for (size_t i = 0; i < launch->network->n; i++) {
		const struct prepared_link *link = &launch->network->links[i];
		auto_free char *path = xasprintf("proc/sys/net/ipv6/conf/%s/router_solicitations", link->config->name);

		if (link->own && wants_auto(link->config) && *link->lease.v6)
			write_value_at(root, path, "0");
	}
}

int host_configure_network_alone(struct launch *launch, struct error *err)
{
	return host_configure_network(launch, err);
}
