/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ADOPT_H
#define SYSCT_RUNTIME_ADOPT_H

/* adopt - what a monitor needs of a container that runs already, when the ones that it had went with its holder and its
 * monitor: a console and a notify socket.
 *
 * A child of ours enters the container's mount namespace and works there as the container's root; it sees nothing of the
 * host's, and is waited for 10 s at most. Privilege: root of the host. */

#include "base/error.h"
#include "os/process.h"

/* The master of a new pty, to which /dev/console leads from now on if it is still the link that a start has made, and a
 * socket bound to /run/host/notify. Where the container has changed /run too much for that, or is too short of space, it is
 * one that nobody reaches: *ret_bound is 0, or the negative errno of that. Both are the caller's. */
int adopt_open(const struct process_id *init, int *ret_console, int *ret_notify, int *ret_bound, struct error *err);

#endif
