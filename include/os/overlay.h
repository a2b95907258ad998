/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_OVERLAY_H
#define SYSCT_OS_OVERLAY_H

/* overlay - one file system on top of another (Linux: Documentation/filesystems/overlayfs.rst).
 *
 * The layers are detached mounts, with the ids that they shall have: the overlay itself maps none, but honours those of
 * its layers (Linux 5.19). Marks of the overlay are trusted.overlay.* attributes, which no root of a user namespace can
 * set or see.
 *
 * Privilege: CAP_SYS_ADMIN over the initial user namespace. Single-threaded callers only. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Directories of the file system on top: what was changed, and the kernel's own place for it. */
#define OVERLAY_UPPER "upper"
#define OVERLAY_WORK "work"

struct overlay {
	int lower_fd;		/* root of the layer below */
	int upper_fd;		/* root of the file system with OVERLAY_UPPER and OVERLAY_WORK */
	bool readonly;		/* nothing is written; upper_fd may be read-only then */
	uid_t owner;		/* whose files the kernel's own in the upper layer are: an id that its mount maps, if it maps any */
	int mounts_fd;		/* of os/bare_mounts.h, -1: none */
	const char *at;		/* without one: an existing directory, used in a copy of the present mount namespace */
};

/* Returns a detached mount: nodev, and read-only where that is asked for. Both layers stay the caller's, who may close
 * them; the overlay has copies of its own, which nobody reaches but by it. -ENODEV: the kernel has no overlay. -EINVAL: it
 * is older than 5.19, and a layer has mapped ids; or the upper file system will not do. -ESTALE: the layer below is not the
 * one that the upper one was first mounted on. -EROFS: the kernel could make nothing in the upper layer; its log says why. */
int overlay_mount(const struct overlay *overlay, struct error *err);

#endif
