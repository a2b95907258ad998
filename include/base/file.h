/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_FILE_H
#define SYSCT_BASE_FILE_H

/* file - whole files, descriptors, paths that never leave a root.
 *
 * Every descriptor is O_CLOEXEC from birth. dirfd may be AT_FDCWD where not said otherwise. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

/* All of buf; -errno on failure (no struct error: used in loops that relay). */
int write_all(int fd, const void *buf, size_t n);

/* A whole file of at most max bytes; *ret is NUL-terminated, the caller frees it. -EFBIG when larger.
 * Works for /proc and /sys files. No message is made: -errno only (the caller knows the words). */
int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
int read_fd(int fd, size_t max, char **ret, size_t *ret_len);

/* A small file of /proc, /sys or a cgroup, by a single read(2): the kernel gives such a file whole to a buffer that holds it.
 * buf is NUL-terminated. Returns the number of bytes, or -errno; -EFBIG when it has room bytes or more. */
int read_value_at(int dirfd, const char *path, char *buf, size_t room);

/* Write a file that exists, such as one of /proc or /sys, in a single write(2). -errno. */
int write_value_at(int dirfd, const char *path, const char *value);

/* Replace a file whole or not at all: a temporary name beside it, fsync when durable, rename, fsync of
 * the directory when durable. */
int replace_file_at(int dirfd, const char *path, const void *data, size_t n, mode_t mode, bool durable,
		    struct error *err);
/* The same with a temporary name that begins with `beside`: where somebody watches the directory of `path`. */
int replace_file_by_at(int dirfd, const char *beside, const char *path, const void *data, size_t n, mode_t mode,
		       bool durable, struct error *err);
/* The temporary name holds the process id of its writer. Remove from directory `path` those whose writer has ended (it
 * was killed in between): of files of these names (the list ends in NULL), or of all for NULL. Returns how many; none
 * where that directory cannot be read. */
unsigned int remove_abandoned_at(int dirfd, const char *path, const char *const *names);

/* mkdir -p on the host, mode for what is created. -errno. */
int make_dirs(const char *path, mode_t mode);

/* unlinkat(2); one that is not there is no error. */
int remove_file_at(int dirfd, const char *path, struct error *err);

/* Remove a tree below dirfd without following links; what is not there is no error. */
int remove_tree_at(int dirfd, const char *name, struct error *err);

/* Open a path as it is seen from root_fd as "/": openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
 * so that no link leads out. mode is used with O_CREAT. Returns a descriptor or -errno. */
int open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* Open below dirfd, refusing links and whatever leads out by ".." or an absolute path: openat2(2) with RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. What is mounted on the way is walked into. Returns a descriptor or -errno. */
int open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/* Make a file of mode 0644 with this text, opened like that; one that is there is refused. An error names it as seen from dirfd. */
int put_file_beneath(int dirfd, const char *path, const char *text, struct error *err);

/* Whether it is this user's, and nobody else may write to it. A link says nothing of what it leads to. */
bool owned_alone(const struct stat *st, uid_t owner);

/* "/proc/self/fd/N" for tools that want a path; buf of >= 32 bytes. */
const char *fd_path(int fd, char *buf, size_t room);

/* Open-file-description lock (fcntl(2) F_OFD_SETLK) on a file that is created when missing and never
 * unlinked. wait_ms 0: try once; -EAGAIN when somebody else holds it after wait_ms, -EINTR when ^C (base/interrupt.h)
 * comes meanwhile; one that came before does not count. Returns a descriptor; the lock goes with it. */
int lock_file_at(int dirfd, const char *path, bool exclusive, int wait_ms);

/* Monotonic and boot time, microseconds. */
uint64_t now_usec(void);

#endif
