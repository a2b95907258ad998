/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_MKFS_H
#define SYSCT_OS_MKFS_H

/* mkfs - an ext4 in a sparse file of zeros, by mke2fs(8), with blocks of 4096 bytes and nothing kept for root. The versions of
 * e2fsprogs before 1.47 refuse options of newer ones; then it is made without those. */

#include "base/error.h"

struct mkfs {
	const char *path;		/* the file is there, and as long as the file system shall be */
	int keep_fd;			/* a descriptor that path goes by (fd_path() of base/file.h); -1: none */
	const char *uuid, *label;	/* NULL: any, none */
	const char *features;		/* mke2fs -O, beyond those of mke2fs.conf(5) */
	const char *new_features;	/* those that 1.47 or later alone knows; NULL: none */
	const char *options;		/* mke2fs -E */
};

/* 1: mke2fs has refused, and *ret_said is its first line. Caller frees that. Errors as tool_run() of os/process.h. */
int mkfs_ext4(const struct mkfs *wish, char **ret_said, struct error *err);

#endif
