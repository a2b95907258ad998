/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_LEFTOVERS_H
#define SYSCT_STORE_LEFTOVERS_H

/* leftovers - directories below containers/ that are on the way in or out. See store/create.h. */

#include "base/error.h"
#include "store/install.h"

#define UNFINISHED ".create-"
#define TRASH ".trash-"
#define MAKER ".maker"

/* An exclusive lock under which such directories appear: so that nobody takes one for left before its maker has locked
 * it. Returns a descriptor. */
int leftovers_lock(const struct install *install, struct error *err);

/* Lock the directory as its maker. Returns a descriptor, or -errno. */
int leftovers_claim(int dir_fd);

/* Remove the directory `name` below containers/, and the rootfs outside of it that its identity calls `made`. */
int leftovers_remove(int containers_fd, const char *name, struct error *err);

/* Remove those of the dead, one log line each. */
void leftovers_collect(const struct install *install);

#endif
