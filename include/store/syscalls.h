/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_SYSCALLS_H
#define SYSCT_STORE_SYSCALLS_H

/* syscalls - the filter of system calls that a container's configuration asks for.
 *
 * Compiled by the program sysct-seccomp when it is first needed, and kept in CACHE_DIR/seccomp. A kept one is used only
 * for the very same text of the profile, release of the kernel, version of sysct and file of the library. */

#include "base/error.h"
#include "os/seccomp.h"
#include "store/container.h"

/* The filter for [security] seccomp and hardened; empty for "none". The caller releases it. */
int syscalls_filter(const struct container *container, struct seccomp_filter *ret, struct error *err);

/* A profile of the administrator's own is there and right: what is wrong with it is better said before it is needed. The
 * rest of the configuration costs nothing here. */
int syscalls_check(const struct install *install, const struct container_config *config, struct error *err);

#endif
