/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_NETWORK_PARTS_H
#define SYSCT_STORE_NETWORK_PARTS_H

/* network_parts - what the files of store/network share, and nobody else includes. */

#include "base/record.h"
#include "store/network.h"

/* --- network_plan.c --- */

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

/* Let the host forward, and note what it did before; put that back when no other bridge is left. */
int network_forwarding_on(bool ipv6, struct error *err);
void network_restore_sysctls(struct netlink *netlink);

#endif
