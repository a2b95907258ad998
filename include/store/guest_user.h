/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_GUEST_USER_H
#define SYSCT_STORE_GUEST_USER_H

/* guest_user - a person's account in a root file system that nobody runs yet: for the configure phase
 * (store/configure.h), by files alone, so that no program of the guest is needed or run.
 *
 * Lines in /etc/passwd, group, shadow and gshadow (the last two where they are), no password; a home below /home with
 * what /etc/skel has; ~/.ssh/authorized_keys; sudo and doas without password, as far as they are installed; the ssh
 * server is enabled where it is installed and is not.
 *
 * Ids: those that are wanted. A group of that name is taken as it is. An id that another name has, or that the container
 * has not, becomes the next free one from 1000 on. An account of that name is adopted with its ids, home, shell and
 * password, unless it is one of the system's (below 1000, and not what was wanted): that is an error. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct guest_user {
	const char *name, *group;	/* of the primary group */
	uint32_t uid, gid;
	const char *gecos, *shell;	/* the shell when it is there, else bash or sh */
	const char *keys;		/* lines for authorized_keys, or NULL */
	uint32_t ids;			/* ids that the container has, from 0 on; 0: all */
};

struct guest_user_made {
	bool ssh;		/* there is an ssh server */
	char notes[1536];	/* lines that a person should read, or "" */
};

/* kind: as of rootfs_detect_init(). */
int guest_user_make(int root_fd, const struct guest_user *what, const char *kind, struct guest_user_made *ret,
		    struct error *err);

#endif
