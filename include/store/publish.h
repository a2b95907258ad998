/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_PUBLISH_H
#define SYSCT_STORE_PUBLISH_H

/* publish - which ports of the host lead into which box.
 *
 * Every running box that publishes something has a record RUN_DIR/.host/ports/UUID: its name, and for each port where it
 * leads. The rules of the firewall are made of all of them (store/firewall.h), so whoever makes the table anew makes it
 * whole. dirfd is always the directory RUN_DIR/.host; whoever changes something holds the lock of the network. */

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "config/checks.h"

struct published {
	char uuid[UUID_LEN + 1];
	char *box;		/* its name, for people */
	struct publish what;
	char v4[16], v6[46];	/* where it leads; "": not reached by this family */
};

struct published_list {
	struct published *items;
	size_t n;
};
void published_clear(struct published_list *list);
#define auto_published __attribute__((cleanup(published_clear)))
#define PUBLISHED_EMPTY { .items = NULL }

/* One more port of a box. text: as in the configuration, valid. */
void published_add(struct published_list *list, const char *uuid, const char *box, const char *text, const char *v4,
		   const char *v6);

/* Those of all boxes, in the order of their UUIDs; a record that cannot be read is left out. */
void published_load(int dirfd, struct published_list *ret);
/* The ports of one box become these: none removes its record. 1: changed, 0: as before. */
int published_save(int dirfd, const char *uuid, const struct published_list *own, struct error *err);

/* Is each of own free? Refused (STATUS_STATE) when another box of all has it, or a process of the host: that is found
 * by binding, so what own has already published is no hindrance. The message says who. */
int published_check(const struct published_list *own, const struct published_list *all, struct error *err);

/* The rules of a chain for each box, and of the chain "published" that goes through them all. */
void published_rules(const struct published_list *list, struct text *ret);

#endif
