/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_LEFTOVERS_H
#define SYSCT_STORE_LEFTOVERS_H

/* leftovers - directories below containers/ that are on the way in or out (see store/create.h), and what a killed process had
 * not finished writing. */

#include "base/error.h"
#include "store/install.h"

#define UNFINISHED ".create-"
#define TRASH ".trash-"

/* An exclusive lock under which such directories appear: so that nobody takes one for left before its maker has locked
 * it. Returns a descriptor. */
int leftovers_lock(const struct install *install, struct error *err);

/* Lock the directory itself as its maker, by flock(2): a file in it would be removed with it, and be made anew by who looks
 * whether it is locked. Returns a descriptor, or -errno; -EAGAIN: somebody has it. */
int leftovers_claim(int dir_fd);

/* Remove the directory `name` below containers/, and the rootfs outside of it that its identity calls `made`. */
int leftovers_remove(int containers_fd, const char *name, struct error *err);

/* Remove those of the dead, one log line each; and what leftovers_tidy() does. */
void leftovers_collect(const struct install *install);

/* Remove files that a killed process was about to put in the place of others: those of the whole installation. What belongs
 * to one container is removed by who opens and locks it. They say nothing, being no loss: the old file is in its place. */
void leftovers_tidy(const struct install *install);

#endif
