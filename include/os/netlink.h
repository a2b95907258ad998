/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NETLINK_H
#define SYSCT_OS_NETLINK_H

/* netlink - links, addresses and routes, by messages to the kernel (rtnetlink(7)).
 *
 * The one module that knows libnl, in src/os/netlink.c alone. Only libnl-3 (sockets, messages, attributes) is used:
 * libnl-route-3 would add 0.1 to 0.3 ms of loading to every command, and its caches read every link
 * of the host. No cache is ever filled: each function asks for exactly what it needs, and a list of
 * changes is one sendmsg(2) with one acknowledgement.
 *
 * Privilege: CAP_NET_ADMIN over the network namespace for what changes something, none for reading.
 * Kernel: `locked` needs 5.18 and is passed over by older ones; the rest is older than 5.4.
 * Addresses are in network byte order: 4 or 16 bytes by family (AF_INET, AF_INET6). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LINK_NAME_ROOM 16 /* IFNAMSIZ: 15 letters and the end */
#define LINK_ALIAS_ROOM 256 /* IFALIASZ */
#define HWADDR_BYTES 6

struct netlink;

/* A route socket in the network namespace of the calling thread. NULL on failure. A socket keeps its namespace. */
struct netlink *netlink_open(struct error *err);
void netlink_close(struct netlink *netlink); /* NULL is fine */

static inline void cleanup_netlinkp(struct netlink **netlink)
{
	netlink_close(*netlink);
}
#define auto_netlink __attribute__((cleanup(cleanup_netlinkp)))

/* --- links --- */

struct link_info {
	int index, master; /* master 0: none */
	bool up; /* administratively */
	uint32_t mtu;
	uint8_t hwaddr[HWADDR_BYTES];
	char name[LINK_NAME_ROOM];
	char kind[16]; /* "bridge", "veth", ... or "" for hardware */
	char alias[LINK_ALIAS_ROOM]; /* ifalias, or "" */
};

/* The index of a link, 0 when there is none. No struct error, no lock in the kernel: 1 us. */
int netlink_link_index(struct netlink *netlink, const char *name);
/* 1: found and *ret filled, 0: no such link. */
int netlink_link_get(struct netlink *netlink, const char *name, struct link_info *ret,
		     struct error *err);
int netlink_link_get_index(struct netlink *netlink, int index, struct link_info *ret,
			   struct error *err);
/* Whether a link is administratively up: as cheap as its index. */
bool netlink_link_is_up(struct netlink *netlink, const char *name);
/* How many links there are of a kind ("bridge"). */
int netlink_kind_count(struct netlink *netlink, const char *kind, struct error *err);
/* How many links have this master. */
int netlink_port_count(struct netlink *netlink, int master, struct error *err);

int netlink_link_set_up(struct netlink *netlink, int index, bool up, struct error *err);
int netlink_link_set_mtu(struct netlink *netlink, int index, uint32_t mtu, struct error *err);
int netlink_link_set_alias(struct netlink *netlink, int index, const char *alias,
			   struct error *err);

/* Delete a link whose ifalias begins with alias_prefix ("sysct:"): 1 deleted, 0 there was none,
 * -EPERM it is somebody else's (both the name and the alias are in the message). */
int netlink_link_delete(struct netlink *netlink, const char *name, const char *alias_prefix,
			struct error *err);

/* The same for all links that have this master. Returns how many there were. */
int netlink_ports_delete(struct netlink *netlink, int master, const char *alias_prefix,
			 struct error *err);

/* A bridge without spanning tree, down. -EEXIST when the name is taken by anything. Returns its
 * index. */
int netlink_bridge_add(struct netlink *netlink, const char *name,
		       const uint8_t hwaddr[HWADDR_BYTES], uint32_t mtu, const char *alias,
		       struct error *err);

/* What a bridge lets a port do (bridge(8)); the kernel's defaults are learning and flooding, not isolated,
 * not locked. */
struct port_flags {
	bool learning; /* takes new addresses from what the port sends */
	bool flooding; /* gets what is sent to addresses that nobody knows */
	bool isolated; /* reaches ports that are not isolated only */
	bool locked; /* only addresses in the forwarding table may send */
};

/* All that one port is held to, of a link that is there: flags, group, and a permanent entry of the
 * bridge's forwarding table for the one address that it may send from, taken from any other port. */
struct port_guard {
	struct port_flags flags;
	uint32_t group; /* of links (ip-link(8)): how rules of nftables know it, whatever its name; 0: as it is */
	uint8_t hwaddr[HWADDR_BYTES];
};
int netlink_port_guard(struct netlink *netlink, int index, const struct port_guard *guard,
		       struct error *err);

/* A pair of links, both down: the host's end in the bridge, the peer in its own namespace. An end that is up while the other is
 * down makes the kernel wait for grace periods of RCU with its lock of all links held (net/core/link_watch.c,
 * dev_deactivate()). Two messages: the pair in one, then what the kernel does not take at
 * birth (alias, port flags). The host's end gets no IPv6 link-local address: a port needs none and
 * making it costs. All or nothing: what fails half-way deletes the pair. */
struct veth {
	const char *name; /* the host's end */
	const char *alias; /* of the host's end: "sysct:UUID" */
	int master; /* the bridge's index; 0: none */
	uint32_t mtu; /* of both ends; 0: 1500 */
	const char *peer_name; /* "eth0" */
	uint8_t peer_hwaddr[HWADDR_BYTES];
	int peer_netns; /* descriptor of the peer's namespace */
	const struct port_guard *port; /* NULL: the kernel's defaults, and held to nothing */
};
/* Returns 0. -EEXIST: either name is taken (the hint says which link command shows it). */
int netlink_veth_add(struct netlink *netlink, const struct veth *veth, struct error *err);

/* A link of its own on the wire of one of the host's: it reaches everybody there but the host. Born in a namespace,
 * down, in mode bridge, so that those on one parent reach each other. It dies with that namespace or the parent. */
struct macvlan {
	const char *name; /* "eth0" */
	int parent; /* index of the host's link */
	uint32_t mtu; /* 0: the parent's */
	uint8_t hwaddr[HWADDR_BYTES];
	int netns; /* descriptor of the namespace */
};
int netlink_macvlan_add(struct netlink *netlink, const struct macvlan *macvlan, struct error *err);

/* --- addresses and routes --- */

/* A new IPv6 address is usable at once: no duplicate address detection (IFA_F_NODAD). An address
 * that is there already is no error. */
int netlink_address_add(struct netlink *netlink, int index, int family, const void *address,
			unsigned int prefix, struct error *err);
/* Tell all others on the wire, by ARP and within two seconds, which link has an IPv4 address now: who knew another MAC for it would
 * go on sending to that for up to a minute (arp(7)). The link is up; it may get its carrier later. Addresses of link_setup are
 * announced with it. */
int netlink_address_announce(struct netlink *netlink, int index, const void *v4, struct error *err);
/* Replaces a default route through the same family. */
int netlink_default_route_set(struct netlink *netlink, int index, int family, const void *gateway,
			      struct error *err);

/* Everything a link inside a box needs, in one message: `lo` up, the link up, addresses, default
 * routes. */
struct link_setup {
	const char *name;
	const void *v4, *gateway4, *v6, *gateway6; /* NULL: none */
	unsigned int prefix4, prefix6;
	/* Its link-local address, where nobody else can have it: then the kernel neither makes one itself nor asks all neighbours
	 * whether it is free, and it is usable at once. A link that is set up again later makes one as usual. NULL: the
	 * kernel's matter. */
	const void *link_local;
};
int netlink_link_setup(struct netlink *netlink, const struct link_setup *setup, struct error *err);

struct route_info {
	int family;
	unsigned char destination[16];
	unsigned int prefix; /* 0: a default route */
	int index; /* the link, 0 where there is none or several */
};
/* Every route in every table, local and unreachable ones included. Caller frees *ret. Returns the
 * count. */
int netlink_routes(struct netlink *netlink, int family, struct route_info **ret, struct error *err);

struct address_info {
	int family;
	unsigned char address[16];
	unsigned int prefix;
};
/* The caller's namespace asks again where addresses on this link are. That it knew nothing of one is no error; a permanent entry, which
 * an administrator has made, stays. */
void netlink_neighbours_forget(struct netlink *netlink, int index, const struct address_info *addresses, size_t n);
/* The addresses of one link, both families. Caller frees *ret. Returns the count. */
int netlink_addresses(struct netlink *netlink, int index, struct address_info **ret,
		      struct error *err);

/* The link through which packets leave for the Internet, by the kernel's own decision for a public
 * address (policy routing counts). 1: *ret filled, 0: there is none. */
int netlink_uplink(struct netlink *netlink, int family, struct link_info *ret, struct error *err);

/* Whether an address is this namespace's own: a bind(2), no lock in the kernel. */
bool address_is_local(int family, const void *address);

/* --- nftables --- */

/* Whether an nftables table of a family ("inet", "bridge") exists in the caller's namespace: one message,
 * no nft process. 1, 0 (also: no nftables in this kernel), or negative. */
int netlink_nft_table_exists(const char *family, const char *table, struct error *err);

/* How often nftables' rules of the caller's namespace were changed, by anybody. -errno: this kernel does not say. */
int netlink_nft_generation(uint32_t *ret);

/* Elements that one set of nftables gets, or loses. keys: n of them, one after the other, each as the kernel compares it: the
 * fields of a concatenation begin at multiples of four bytes, numbers of the kernel's own (a link's group) are in the
 * order of bytes of this processor, what comes from packets is in theirs. */
struct nft_elements {
	bool add;
	const char *family, *table, *set;
	const uint8_t *keys;
	size_t key_bytes, n;
};

/* All of that in one transaction of the caller's namespace, or nothing; no nft process, which takes some milliseconds. Only while
 * the rules are of that generation: -ERESTART when somebody has changed any since. -E2BIG: more than fits, some 60
 * elements for each set; -ENOENT: no such set, or an element is not there. Privilege: CAP_NET_ADMIN. Source:
 * net/netfilter/nfnetlink.c, nf_tables_api.c. */
int netlink_nft_change(const struct nft_elements *changes, size_t n, uint32_t generation, struct error *err);

#endif
