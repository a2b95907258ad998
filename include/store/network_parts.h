/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_NETWORK_PARTS_H
#define SYSCT_STORE_NETWORK_PARTS_H

/* network_parts - what the files of store/network share, and nobody else includes. */

#include "base/record.h"
#include "store/dns.h"
#include "store/firewall.h"
#include "store/foreign.h"
#include "store/network.h"

/* --- network_plan.c --- */

#define NETWORK_VERSION 1	/* of STATE_DIR/network */
#define NETWORK_MADE_VERSION 2	/* of RUN_DIR/.host/network; 2: the entries of links are beside it */
#define NETWORK_RECORD "network" /* the name of both records, in RUN_DIR/.host and in STATE_DIR */

/* The bridge's name with the suffix, or STATUS_USAGE. */
int network_bridge_name(const struct network_host *host, char name[LINK_NAME_ROOM],
			struct error *err);
/* Caller frees. */
char *network_bridge_alias(const struct network_host *host);
char *network_table_name(const struct network_host *host);

/* RUN_DIR/.host; made when create. A descriptor, or -errno with *err filled. */
int network_open_dir(const struct network_host *host, bool create, struct error *err);
int network_lock_in(int dirfd, struct error *err);

bool network_read_record(int dirfd, struct record *record);
int network_write_record(int dirfd, const struct record *record, bool durable, struct error *err);

/* Everything that is chosen once, into *ret and STATE_DIR/network. The lock is held. */
int network_plan_locked(const struct network_host *host, struct netlink *netlink,
			struct network_bridge *ret, struct error *err);
void network_fill_gateways(struct network_bridge *bridge);

/* --- network_bridge.c --- */

/* The bridge as planned: made, adopted, or refused. *created: it is new, and this call's to delete.
 */
int network_have_bridge(const struct network_host *host, struct netlink *netlink,
			struct network_bridge *bridge, bool *created, struct error *err);

/* How many links are on a bridge of ours that a start wants to change: those of what was stopped just now die a moment after it, and
 * are waited for, a second at most. */
int network_ports_left(struct netlink *netlink, int index, struct error *err);

/* A link that a start made for its bridge, and could not mark as ours any more since it was killed: known by its address, which was
 * chosen at random and written down before, and marked now. Anything else is left as it is. */
int network_claim_bridge(const struct network_host *host, struct netlink *netlink, struct link_info *info,
			 struct error *err);

/* Let the host forward, and note what it did before; put that back when no other bridge is left. Both remove
 * what was noted of network namespaces that are gone. */
int network_forwarding_on(const struct network_host *host, bool ipv6, struct error *err);
void network_restore_sysctls(const struct network_host *host, struct netlink *netlink);

/* --- network_rules.c --- */

/* A bridge's values as the rooms to the right of it want them: texts that live as long as this does. */
struct network_view {
	struct network_rules rules;
	struct dns_service dns;
	struct foreign foreign;
	struct published_list published;
	const struct network_host *host;
	struct guarded_list guarded;	/* of `guard` once network_view_guarded() was called */
	char *guard;			/* NULL: it was */
	char *table, *subnet4, *subnet6;
	char network4[INET_ADDRSTRLEN], netmask4[INET_ADDRSTRLEN];
};
void network_view_done(struct network_view *view);
#define auto_network_view __attribute__((cleanup(network_view_done)))

/* bridge NULL: sysct has none of its own, only boxes on others. */
int network_view_make(const struct network_host *host, int dirfd, const struct network_bridge *bridge,
		      struct network_view *view, struct error *err);
/* All links' entries, which grow with the containers: only who makes rules of them reads them. */
int network_view_guarded(struct network_view *view, struct error *err);
/* Whether the rules are in place as everything is recorded now. */
bool network_rules_are(int dirfd, struct network_view *view);

/* What was made in this boot, as it is asked for now. */
bool network_load_made(const struct network_host *host, int dirfd, struct network_bridge *bridge);
/* Whatever is asked for: what boxes use that run. */
bool network_load_old(int dirfd, struct network_bridge *bridge);
int network_save_made(const struct network_host *host, int dirfd, const struct network_bridge *bridge,
		      struct error *err);
/* Whether a bridge that was made is there no more. */
bool network_is_gone(const struct network_bridge *bridge);

int network_load_guarded(const struct network_host *host, struct guarded_list *ret, struct error *err);
/* Of one box; and as guarded_read(), guarded_parse_of() and guarded_write(). */
int network_parse_guarded(const struct network_host *host, const char *text, const char *uuid, struct guarded_list *ret,
			  struct error *err);
int network_load_guarded_of(const struct network_host *host, const char *uuid, struct guarded_list *ret, struct error *err);
int network_read_guarded(const struct network_host *host, char **ret, struct error *err);
int network_write_guarded(const struct network_host *host, const char *text, struct error *err);
int network_save_guarded(const struct network_host *host, const struct guarded_list *list, struct error *err);

/* The tables, with the ports and the guarded links as they are recorded. The lock is held, here and below. */
int network_apply_rules(int dirfd, const struct network_bridge *bridge, struct network_view *view,
			struct error *err);
bool network_loopback_route_is(const struct network_bridge *bridge, bool on);
/* What there is without a bridge of our own: rules for the links on others, or none. */
int network_shrink_rules(const struct network_host *host, int dirfd, struct error *err);
/* Rules as everything is recorded now. links: all entries as they are recorded, which it takes over; NULL: it reads them. */
int network_settle(const struct network_host *host, int dirfd, bool needs_bridge, struct guarded_list *links, struct error *err);

#endif
