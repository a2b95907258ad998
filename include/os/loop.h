/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_LOOP_H
#define SYSCT_OS_LOOP_H

/* loop - loop devices (loop(4)), always with LO_FLAGS_AUTOCLEAR: a device is free again when its last user,
 * a descriptor or a mount, is gone. Nobody has to be alive for that.
 * Privilege: CAP_SYS_ADMIN over the initial user namespace. */

#include <stdbool.h>

#include "base/error.h"

struct loop {
	int fd;			/* of /dev/loopN; the device lives at least as long */
	int number;		/* N */
	char path[32];		/* /dev/loopN */
};

/* Attach an open image (LOOP_CTL_GET_FREE and LOOP_CONFIGURE, retried when somebody is faster). */
int loop_attach(int image_fd, bool readonly, struct loop *ret, struct error *err);

/* The loop device that many share for an image nobody writes to: device number `hint` if it has this very file behind it,
 * whole, read-only and with autoclear, else a new one. *ret may be closed like any; hint -1: there is none. The caller keeps
 * two from attaching it at the same time. image_fd: for reading. */
int loop_share(int image_fd, int hint, struct loop *ret, struct error *err);

/* Wait until loop device `number` no longer has the file (device, inode) behind it. 0 or -ETIMEDOUT. */
int loop_wait_free(int number, unsigned long long device, unsigned long long inode, int timeout_ms);

#endif
