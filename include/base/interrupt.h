/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_INTERRUPT_H
#define SYSCT_BASE_INTERRUPT_H

/* interrupt - ^C and its relatives as a flag: waits return EINTR, and whoever waits asks here. */

#include <stdbool.h>

#include "base/error.h"

/* Catch SIGINT, SIGTERM and SIGHUP (without SA_RESTART) and ignore SIGPIPE; have SIGCHLD at its default, whatever the
 * caller handed down. */
void interrupt_install(void);
/* The signal that came, 0: none. */
int interrupt_pending(void);
/* Forget it, and hear the three again: for a child of a process that has them blocked. */
void interrupt_reset(void);
/* For a wait that ^C cuts short: a mark is taken before it, and asked for in between. One that came before the mark does not
 * count, since whoever cleans up after it has to wait too; nor does any while somebody holds them off, because what he does
 * must be done whole. Holds add up. */
int interrupt_mark(void);
bool interrupt_since(int mark);
void interrupt_hold(bool hold);
/* STATUS_INTERRUPTED error "interrupted" when a signal came, else 0. */
int interrupt_check(struct error *err);

#endif
