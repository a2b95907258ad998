/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_SUPERBLOCK_H
#define SYSCT_STORE_SUPERBLOCK_H

/* superblock - the few fields of ext4's first superblock that decide about a mount (Linux:
 * Documentation/filesystems/ext4/super.rst). Reading never trusts what it reads. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct superblock {
	uint64_t bytes;		/* what the file system says it has */
	uint64_t free;		/* bytes of it that nothing uses, as of the last unmount */
	uint64_t inode_tables;	/* bytes of those, used or not: a sparse image has holes there */
	bool clean;		/* s_state: cleanly unmounted */
	bool has_errors;	/* s_state: the kernel found errors */
	bool needs_recovery;	/* the journal has to be replayed */
	char uuid[37];		/* as text, in small letters */
	uint32_t checksum;	/* of this superblock, which every writable mount changes; 0: it has none */
};

/* -EINVAL: no ext4 there; -errno. */
int superblock_read(int fd, struct superblock *ret);

/* Give it a UUID (16 bytes) and a label (at most 16), as tune2fs -U -L would; without a process, which would cost
 * 8 to 10 ms. Only for a clean one with metadata_csum_seed, else -EOPNOTSUPP: all checksums hang on the
 * UUID then. */
int superblock_rename(int fd, const char *uuid, const char *label);

#endif
