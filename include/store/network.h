/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_NETWORK_H
#define SYSCT_STORE_NETWORK_H

/* network - the host's side of the network that boxes share: a bridge with an IPv4 subnet and an
 * IPv6 ULA, forwarding and NAT, names and DHCP.
 *
 * Everything is made when the first box needs it and removed with the last one. What is there is
 * found there in well under a millisecond and without any lock of the kernel's; when something is
 * missing (a `nft flush ruleset`, a killed dnsmasq, a new boot) just that is made again, under a
 * lock.
 *
 *   STATE_DIR/network           subnet, ULA, MAC of the bridge: kept over reboots, so boxes keep their addresses
 *   RUN_DIR/.host/network       what was made in this boot
 *   RUN_DIR/.host/network.lock  never removed
 *   RUN_DIR/.host/guard         what each link is held to, see store/guard.h
 *   RUN_DIR/.host/nft           the ruleset applied last
 *   RUN_DIR/.host/{names,dnsmasq,dnsmasq.pid}   see store/dns.h
 *   /run/sysct-sysctls-COOKIE   what forwarding was before: of all installations in one network
 * namespace together, gone with the last of their bridges; where the namespace went first, with the next bridge that is
 * made or removed on this host
 *
 * Privilege: root. The netlink socket is one of the host's namespace, and so is the calling thread.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "os/netlink.h"
#include "store/guard.h"
#include "store/publish.h"
#include "store/subnet.h"

#define NETWORK_ALIAS "sysct:" /* begins the ifalias of every link that sysct made */

struct network_host {
	const char *run_dir, *state_dir;
	const char *suffix; /* "" or at most 8 bytes [a-z0-9-], such as "-a1b2": ends every name on
			       the host */
	const struct host_config *config;
	const char *libexec_dir; /* of the program that speaks with systemd (os/systemd.h) */
};

/* The shared network as it is now. Plain values. */
struct network_bridge {
	char name[LINK_NAME_ROOM];
	int index; /* 0: only planned */
	uint32_t mtu;
	struct subnet4 subnet4;
	struct subnet6 subnet6; /* prefix 0: no IPv6 */
	char gateway4[INET_ADDRSTRLEN];
	char gateway6[INET6_ADDRSTRLEN]; /* "": no IPv6 */
	uint8_t hwaddr[HWADDR_BYTES];
	bool dns; /* dnsmasq serves on the gateway's addresses */
	char note[256]; /* why there is no dnsmasq though it is installed, or "" */
};

/* Have all of it: before each start, and after a host's firewall was reloaded. Returns 1 when
 * something had to be made, 0 when all was there. A failure leaves nothing that this call made.
 * dnsmasq is the exception that never fails a start: without it ret->dns is false and the boxes use
 * the host's resolvers. */
int network_ensure(const struct network_host *host, struct netlink *netlink,
		   struct network_bridge *ret, struct error *err);

/* Where boxes run: make again what is missing of it, such as a killed dnsmasq. For commands that do not start anything;
 * less than a millisecond when all is there. What another installation made in this run directory is left to it, and what
 * fewer than `least` boxes have a name in is left as it is. Returns 1 when something had to be made. */
int network_mend(const struct network_host *host, int least, struct error *err);

/* Remove all of it and put sysctls back: when the last box is destroyed. Returns 1 when it is gone
 * (or was not there), 0 when it stays, since the bridge has ports or a box is still registered. A port is there until
 * its namespace has died; one that a connection without an end keeps alive is deleted when impatient. */
int network_remove(const struct network_host *host, struct netlink *netlink, bool impatient, struct error *err);

/* The same while there are containers, none of which runs: their subnet and addresses stay theirs, and the next start makes the
 * rest again. For a host that sysct leaves. */
int network_down(const struct network_host *host, struct netlink *netlink, bool impatient, struct error *err);

/* --- one box --- */

struct network_lease {
	char hwaddr[HWADDR_TEXT];
	char v4[INET_ADDRSTRLEN];
	char v6[INET6_ADDRSTRLEN]; /* "": no IPv6 */
};

/* Give a box its addresses. *lease is what it had (empty strings: nothing) and what it has: kept
 * while it is in the subnet and free. taken: IPv4 addresses of all other boxes. The caller holds
 * network_lock() from before it reads the others' records until it has written this one's. */
int network_lease(const struct network_bridge *bridge, const char *uuid,
		  const struct strings *taken, struct network_lease *lease, struct error *err);
/* A descriptor that is the lock; close it. network_ensure() and network_remove() take it themselves:
 * not to be held then. */
int network_lock(const struct network_host *host, struct error *err);

/* The host's end of a box's link: another one at each start, so that no start waits until the link
 * of the last one has died (15 ms). start: any number that differs from start to start. */
const char *network_link_name(const struct network_host *host, const char *uuid, uint64_t start,
			      char buf[LINK_NAME_ROOM]);
/* Its alias, "sysct:UUID"; caller frees. */
char *network_link_alias(const char *uuid);

/* What the link inside a box gets: its addresses, not the default route. inside: a socket of the box's namespace. */
int network_setup_inside(struct netlink *inside, const struct network_bridge *bridge,
			 const char *link, const struct network_lease *lease, struct error *err);

/* Before it has links: whoever wants to take the bridge away finds that somebody uses it. */
int network_claim(const struct network_host *host, const char *name, const char *uuid, const char *v4, struct error *err);
/* Names and DHCP of a running box. */
int network_register(const struct network_host *host, const char *name, const char *uuid,
		     const struct network_lease *lease, struct error *err);
/* A further link of a box that is registered: an address for it by DHCP. */
int network_register_link(const struct network_host *host, const char *uuid, const struct network_lease *lease,
			  struct error *err);
int network_unregister(const struct network_host *host, const char *uuid, struct error *err);
/* Before a box has a link, and when what it may do is changed: what its links are held to (store/guard.h) and the ports
 * of the host that lead into it become these. The rules are in place when this returns 0; a failure leaves what was.
 * guarded: gets the groups of its links; for one on our own bridge network_ensure() was called. Refused (STATUS_STATE) when a port is in use. */
int network_admit(const struct network_host *host, const char *uuid, struct guarded_list *guarded,
		  const struct published_list *ports, struct error *err);
/* What its links are held to. */
int network_guarded(const struct network_host *host, const char *uuid, struct guarded_list *ret, struct error *err);
/* A box has stopped: no port leads into it. */
int network_leave(const struct network_host *host, const char *uuid, struct error *err);
/* A box is destroyed: nothing is held for it any more. */
int network_forget(const struct network_host *host, const char *uuid, struct error *err);
/* "ADDRESS NAME.sysct NAME" lines of all registered boxes, for hosts files where there is no
 * dnsmasq. */
char *network_hosts_block(const struct network_host *host);

/* The resolv.conf of a box, by its first network: its own dns keys, else the gateway where dnsmasq
 * serves, else the host's upstream resolvers; the host's own file for type host. bridge NULL: none.
 * Caller frees. */
char *network_resolv_conf(const struct network_bridge *bridge, const struct network_config *config);

#endif
