/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_SHIFT_H
#define SYSCT_STORE_SHIFT_H

/* shift - give the files of a tree to other ids, once and on disk: for a container in a directory whose file system
 * knows no id maps, or that we may not map, as in a container.
 *
 * Owners, ids in access control lists and those in file capabilities move, setuid and setgid bits stay. What was cut off
 * is ended by doing it again: the ranges do not overlap, what lies in the new one has moved, and the top directory moves
 * last. What is mounted below is left out. Nobody else may change the tree meanwhile; links are not followed. It may be of
 * any depth.
 * Privilege: CAP_CHOWN, CAP_FOWNER and CAP_SETFCAP over all ids. */

#include <stdint.h>

#include "base/error.h"

#define SHIFT_NOBODY 65534U

struct shift {
	uint32_t from, to, count;	/* [from, from + count) becomes [to, to + count) */
};

/* The new id: of one in neither range, that of nobody. */
uint32_t shift_id(const struct shift *shift, uint32_t id);

/* dirfd: the top directory; O_PATH does. */
int shift_tree(int dirfd, const struct shift *shift, struct error *err);

#endif
