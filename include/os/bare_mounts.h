/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_BARE_MOUNTS_H
#define SYSCT_OS_BARE_MOUNTS_H

/* bare_mounts - a mount namespace with next to nothing in it, kept between starts.
 *
 * A new mount namespace is a copy of the one that its maker is in (mount_namespaces(7)), and takes the longer the more is
 * mounted there: on a host with 200 containers that is some 2,000 mounts, to be copied and to be taken down again. In this one
 * are a small read-only tmpfs, the host's proc and sysfs (a user namespace may mount those only where it sees them whole)
 * and an empty directory. Nobody's process lives in it, and nobody changes it: a start makes its own copy.
 *
 * It is bound to DIR/mnt, as ns_pin() of os/namespace.h does it, so it lasts until bare_mounts_drop() or the end of the host.
 * Whoever has a descriptor of it is not touched by its going. Privilege: CAP_SYS_ADMIN, CAP_SYS_CHROOT. */

#include "base/error.h"

/* The empty directory in it. */
#define BARE_MOUNTS_ROOT "/root"

/* A descriptor of the one that is kept in dir, -ENOENT: there is none. */
int bare_mounts_open(const char *dir);

/* In a process that was cloned for it, with CLONE_NEWNS when mounts_fd is -1: have a mount namespace of one's own, which nothing of the
 * host's reaches or sees. A copy of the bare one, or of the present one. */
int bare_mounts_enter(int mounts_fd, struct error *err);

/* Make it; what is left of a making that was cut off is replaced. Returns a descriptor. The caller sees to it that nobody else does
 * the same. Fails with EINVAL where the kernel lets no mount namespace be bound, see ns_pin_mounts(). */
int bare_mounts_make(const char *dir, struct error *err);

/* Take it away, dir too. What is not there is no error. */
int bare_mounts_drop(const char *dir, struct error *err);

#endif
