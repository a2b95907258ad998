/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_GUEST_H
#define SYSCT_STORE_GUEST_H

/* guest - files of a root file system, written by whoever is root in it: for the configure phase (store/configure.h).
 *
 * root_fd is its "/"; paths begin without a slash and are resolved inside it. What is there is not trusted: files are
 * never written through (unlink, then O_EXCL), only regular ones are read, and of those at most GUEST_BYTES. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define GUEST_BYTES (1U << 20)

/* A directory; one directly below the root is made when it is missing. A descriptor or -errno. */
int guest_dir(int root_fd, const char *path);
/* mkdir -p, 0755. -errno. */
int guest_make_dirs(int root_fd, const char *path);

/* Whatever has that name goes; a directory stays and is an error. What is not there is none. */
int guest_put_file(int root_fd, const char *dir, const char *name, mode_t mode, const char *text, struct error *err);
int guest_put_link(int root_fd, const char *dir, const char *name, const char *target, struct error *err);
int guest_drop(int root_fd, const char *dir, const char *name, struct error *err);

/* Another text for a file; mode and owner stay those that it has. */
int guest_rewrite(int root_fd, const char *dir, const char *name, const char *text, struct error *err);

/* Caller frees. -errno; -EINVAL: it is no regular file, or not text. */
int guest_read(int root_fd, const char *path, char **ret);

bool guest_exists(int root_fd, const char *path);
/* Is it a program? */
bool guest_can_run(int root_fd, const char *path);
/* Does it say itself what systemd is to mount on /tmp, by /etc/fstab or a unit in place of the distribution's? */
bool guest_has_own_tmp(int root_fd);

#endif
