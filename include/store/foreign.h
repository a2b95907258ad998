/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_FOREIGN_H
#define SYSCT_STORE_FOREIGN_H

/* foreign - other firewalls of this host that drop what a bridge of ours forwards.
 *
 * A packet passes every base chain of its hook: one that another firewall drops cannot be saved by a table of ours. So
 * the bridge is let through where it counts, by rules that carry our mark as their comment: in the chain DOCKER-USER
 * where there is one (Docker keeps its hands off it), else at the head of each base chain of the hooks forward and
 * input, of nftables (also what iptables-nft and ufw make there) and of the old iptables in the kernel; with firewalld,
 * by its own command, in the zone "trusted". A table that cannot drop is left alone, and so is one that names the
 * bridge itself: there an administrator has decided.
 *
 * Looking is cheap: nothing is listed as long as nftables' generation, which every change counts up, is that of the last
 * look. dirfd: the directory RUN_DIR/.host; the record is "foreign" in it. Privilege: CAP_NET_ADMIN. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct foreign {
	const char *bridge;
	const char *mark;	/* the comment of our rules: "sysct" and the installation's suffix */
	const char *own_table;	/* its rules are not foreign */
};

/* 1: looked at already, and nothing has changed since. */
int foreign_current(int dirfd, const struct foreign *foreign);
/* Rules of our own table were changed just now; before: the generation until then. That is no reason to look again. */
int foreign_carry(int dirfd, const struct foreign *foreign, uint32_t before, struct error *err);
/* Only look: 1 when another firewall drops what the bridge forwards and has no rule of ours yet, else 0. */
int foreign_pending(const struct foreign *foreign, struct error *err);
/* Let the bridge through. 1: rules were put somewhere, 0: nothing had to be done. */
int foreign_let_through(int dirfd, const struct foreign *foreign, struct error *err);
/* Take all of it away; nothing there is no error. */
int foreign_remove(int dirfd, const struct foreign *foreign, struct error *err);

/* The decisions, for tests. listing: of `nft -a list ruleset`; returns input for nft, or NULL when nothing is to be
 * done. want: rules are to be there, else they are to go. Caller frees. */
char *foreign_plan_nft(const char *listing, const struct foreign *foreign, bool want);
/* listing: of `iptables-save -t filter`; the result is for `iptables-restore --noflush`. */
char *foreign_plan_iptables(const char *listing, const struct foreign *foreign, bool want);

#endif
