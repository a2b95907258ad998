/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_GUARD_H
#define SYSCT_STORE_GUARD_H

/* guard - what the link of a box may send into the bridge that it is on.
 *
 * Every link of a box has an entry in RUN_DIR/.host/guard: its MAC, its addresses, what it may reach. The rules are made of
 * all of them and change only when an entry does. They know a link by its group (ip-link(8)), a number that is given
 * once and set at the link's birth, and not by its name, which is another one at each start: so a start of a box that
 * has been started before changes no rule. Entries stay when a box stops; they go when it is destroyed, and where
 * /run is in memory with the host's boot, which takes the rules along. There, since to replace a file of ext4 waits for its disk.
 *
 * Three layers hold a link to its MAC: the bridge (a locked port with one entry in its forwarding table, os/netlink.h),
 * the rules for what it sends to others, and those for what it sends to the host, which know it by that MAC.
 *
 * dirfd is always that of the file; whoever changes something holds the lock of the network. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "store/subnet.h"

struct guarded {
	char uuid[UUID_LEN + 1];
	char *link;		/* inside, "eth0" */
	char *bridge;		/* NULL: sysct's own */
	uint32_t group;		/* 0: not given yet */
	char hwaddr[HWADDR_TEXT];
	struct strings addresses;	/* of both families: those it may use */
	bool open;		/* or any others: nobody here knows them */
	bool isolated, host_access;
};

struct guarded_list {
	struct guarded *items;
	size_t n;
};
void guarded_clear(struct guarded_list *list);
#define auto_guarded __attribute__((cleanup(guarded_clear)))
#define GUARDED_EMPTY { .items = NULL }

/* Copies. */
void guarded_add(struct guarded_list *list, const struct guarded *one);
/* NULL: none. */
struct guarded *guarded_find(const struct guarded_list *list, const char *uuid, const char *link);
/* The entries of one box become these; a link that stays keeps its group, a new one is given one in both lists.
 * true: something is different now. */
bool guarded_replace(struct guarded_list *all, const char *uuid, struct guarded_list *own);

/* One that cannot be read is an error, since without it a link would not be held to anything. */
/* The file as it is, "" when there is none, which the caller frees: 1 or 0. To write "" takes it away. */
int guarded_read(int dirfd, char **ret, struct error *err);
bool guarded_exists(int dirfd);
int guarded_write(int dirfd, const char *text, struct error *err);
/* The same from and to text. uuid: of that box alone, for a start that has nothing new to say; NULL: of all. -EINVAL. */
int guarded_parse_of(const char *text, const char *uuid, struct guarded_list *ret);
char *guarded_format(const struct guarded_list *list);

/* What stands in the table of the bridges. */
void guard_rules(const struct guarded_list *list, struct text *ret);
/* What stands in the table of the host: sets and the chain "host" for what is addressed to it, and the rules that lead
 * there and cut off isolated links. bridge: sysct's own, NULL when there is none. */
void guard_host_rules(const struct guarded_list *list, const char *bridge, struct text *ret);
void guard_input_rules(const char *bridge, struct text *ret);
void guard_forward_rules(const char *bridge, struct text *ret);

#endif
