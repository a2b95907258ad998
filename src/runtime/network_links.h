/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_NETWORK_LINKS_H
#define SYSCT_RUNTIME_NETWORK_LINKS_H

/* network_links - what the network's sources share of the links of one start; private to src/runtime. */

#include <stdbool.h>

#include "config/config.h"
#include "os/netlink.h"
#include "runtime/launch.h"
#include "store/guard.h"
#include "store/network.h"
#include "store/publish.h"

struct prepared_link {
	const struct network_config *config;
	char link[LINK_NAME_ROOM];	/* the host's end; "": a macvlan has none */
	bool own;			/* on sysct's own bridge */
	int master;			/* the bridge, or a macvlan's parent */
	uint32_t mtu;			/* 0: the parent's */
	struct network_lease lease;	/* its addresses as far as they are known; empty strings: not */
	bool fresh;			/* the lease was given by this start: the addresses may have been another's */
	bool kept;			/* it lives in a kept net namespace, whole */
	bool route4, route6;		/* the default route leaves by it */
	uint32_t group;			/* how the rules know it: "admit the links" */
};

struct prepared_network {
	struct netlink *netlink;
	struct network_bridge bridge;	/* sysct's own; index 0: not used */
	struct prepared_link *links;
	size_t n;
	int join;			/* namespace to join, -1: a new one */
	struct guarded_list guarded;	/* what the links are to be held to */
	struct published_list ports;	/* and the ports that lead to them */
};

/* --- network_prepare.c --- */

void network_host_of(const struct container *c, struct network_host *ret, char suffix[16]);
bool network_wants_auto(const struct network_config *network);
/* Whether its configuration has a gateway of that family. */
bool network_names_gateway(const struct prepared_link *link, bool v6);

/* --- network_addresses.c --- */

/* The lease of a link: what was given at its first start, as long as it fits the bridge's subnet. */
int network_lease_link(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
		       struct prepared_link *link, struct error *err);
/* Addresses on our own bridge that stand in the configuration: noted, so that nobody else is given them. The first of
 * each family is what names and published ports lead to, unless there is one that we gave. */
int network_claim_static(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
			 struct prepared_link *link, struct error *err);

/* --- network_names.c --- */

/* Its name leads to the first link on our own bridge; the server there gives each link that asks its own address. */
int network_register_links(const struct network_host *host, const struct container *c, const struct prepared_network *net,
			   struct error *err);

/* --- network_links.c --- */

/* To the neighbours on our own bridge, which may know another MAC for an IPv6 address that was another container's: as far as this
 * start can have changed what they know. Best effort: they find out by themselves within half a minute. */
void network_announce6(const struct prepared_network *net);

/* --- network_netns.c --- */

/* A socket belongs to the namespace that it was made in, whoever sends by it later. */
struct netlink *network_open_inside(const struct launch *launch, struct error *err);

/* --- network_guard.c --- */

/* What the links are to be held to and the ports that lead to them; the state learns where those lead. */
int network_note_links(struct launch *launch, struct prepared_network *net, struct error *err);
/* Let the rules have them; each link gets its group. */
int network_admit_links(const struct container *c, struct prepared_network *net, struct error *err);
/* What the kernel's bridge holds a link to. Fails when its MAC is none. */
int network_port_guard(const char *link, const char *hwaddr, uint32_t group, bool isolated, struct port_guard *ret,
		       struct error *err);

#endif
