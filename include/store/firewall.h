/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_FIREWALL_H
#define SYSCT_STORE_FIREWALL_H

/* firewall - the two nftables tables that sysct owns, always as a whole: one for what the host itself sends, takes and
 * routes (family inet), one for what passes its bridges (family bridge, store/guard.h).
 *
 * The rules are a text made from struct network_rules; it is given to nft(8) in one transaction,
 * and only when the text differs from the one applied last (kept in a file) or a table has gone
 * (one netlink message each). What belongs to one link stands in sets: where the texts differ in elements of sets
 * alone, the kernel is told those by store/elements.h, without nft and its milliseconds. That is done while
 * nftables' generation, which every change counts up, is the one that our last change made; when anybody else has
 * changed anything, or the kernel refuses, nft makes both tables anew. Privilege: CAP_NET_ADMIN. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/guard.h"
#include "store/publish.h"

struct network_rules {
	const char *table; /* "sysct" and the installation's suffix */
	const char *bridge; /* sysct's own; NULL: there is none, only boxes on others */
	const char *subnet4; /* "10.3.4.0/24" */
	const char *subnet6; /* NULL: no IPv6 */
	const struct published_list *published; /* store/publish.h; NULL: none */
	const struct guarded_list *guarded;
	uint64_t made_of;	/* a hash of all that the text is made of; 0: not known */
};

/* The whole transaction as text: the table made anew. Caller frees. */
char *network_ruleset(const struct network_rules *rules);

/* Commands in nft's language, for store/elements.h, that lead from one such text to another: elements of sets that go and
 * come. NULL: something else is different too, or nothing is. Caller frees. */
char *firewall_changes(const char *before, const char *after);

/* Make it so. dirfd: the directory of the file "nft" that holds what was applied. Returns 1 when
 * rules were changed, 0 when nothing had to be done but to note by what they are known. firewall_current() only looks: 1
 * when all is in place, else 0; firewall_current_of() makes no text for that, and none of it has to be read: by rules.made_of. */
int firewall_apply(int dirfd, const struct network_rules *rules, struct error *err);
int firewall_current(int dirfd, const struct network_rules *rules);
int firewall_current_of(int dirfd, const char *table, uint64_t made_of);

/* Whether this installation has put rules in place since the host booted, be they there or not. */
bool firewall_applied(int dirfd);

/* Whether those are of this table, or of none that is known. An installation has its own directories, but somebody may give a
 * command the run directory of one with the cache or the containers of another. */
bool firewall_is_of(int dirfd, const char *table);

/* Remove the tables; no table is no error, neither is no nft when there is no table. */
int firewall_remove(int dirfd, const char *table, struct error *err);

#endif
