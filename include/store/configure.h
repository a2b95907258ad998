/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_CONFIGURE_H
#define SYSCT_STORE_CONFIGURE_H

/* configure - what makes a copied root file system this container's own.
 *
 * /etc/hostname, /etc/hosts (with a block "# sysct begin" ... "# sysct end" for the names of other containers),
 * /etc/resolv.conf (a link to what the host provides, unless the guest has its own service), machine ids, ssh host keys
 * (removed: the guest makes them when it first boots), a person's account (store/guest_user.h), and a look whether there
 * is an init.
 *
 * All of it happens in a child that is root of the container's user namespace, in a mount namespace of its own, with
 * the file system as its root: whatever links and special files lie in there, they lead nowhere else. Files are never
 * written through: unlink, then O_EXCL. Bounded in time.
 * Privilege: CAP_SYS_ADMIN over the present user namespace. */

#include <stdbool.h>

#include "base/error.h"
#include "os/idmap.h"
#include "store/guest_user.h"

#define HOSTS_BEGIN "# sysct begin"
#define HOSTS_END "# sysct end"

struct configure {
	const char *name;
	const char *hostname;	/* NULL: the name */
	const char *uuid;
	const char *init;	/* [container] init: program and arguments */
	const struct guest_user *user;	/* NULL: none */
	struct guest_user_made *ret_made;	/* with a user */
	int timeout_ms;		/* 0: 30 s */
};

/* mount_fd: detached and writable, with ids as on disk; it gets the container's ids here when map has any. idmapped: it
 * has them already, or needs none. ret_kind: as rootfs_detect_init(). */
int configure_rootfs(int mount_fd, const struct idmap *map, bool idmapped, const struct configure *what,
		     char ret_kind[16], struct error *err);

/* The host name is another one than before, which was written last: init takes it from /etc/hostname, and sudo looks for it in
 * /etc/hosts, whose line is changed while it is as we wrote it. before NULL: not known; then that /etc/hostname has the
 * container's name tells that nobody inside has chosen another. perhaps: names with blanks between them, which may stand there
 * too, since whoever began to write them was cut off; NULL: none. As root of the container, with root_fd as its "/". */
int configure_rename(int root_fd, const char *before, const char *perhaps, const struct configure *what, struct error *err);

/* The part that runs inside, with root_fd as "/"; for tests on a directory. */
int configure_root(int root_fd, const struct configure *what, char ret_kind[16], struct error *err);

#endif
