/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_LSM_H
#define SYSCT_OS_LSM_H

/* lsm - the AppArmor profile or SELinux context that a process gets when it next executes a program.
 *
 * Privilege: none of Linux's own; AppArmor or the SELinux policy must let us change to it. */

#include <stdbool.h>

#include "base/error.h"

/* NULL or "": as it is. */
struct lsm_label {
	const char *apparmor, *selinux;
};

bool lsm_given(const struct lsm_label *label);

/* The host's proc, to be opened before a container's is entered: what is mounted on a container's own /proc is its root's
 * to choose. A descriptor. */
int lsm_open_proc(struct error *err);

/* For the calling thread; anywhere, proc is as above. A kernel without the security module, a profile that is not loaded
 * and a context that the policy does not have are refused with a hint. */
int lsm_set_exec(const struct lsm_label *label, int proc, struct error *err);

#endif
