/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_HOST_USER_H
#define SYSCT_STORE_HOST_USER_H

/* host_user - a person who has an account on this host, and the keys that open his own one in a container.
 *
 * Keys are the lines of ~/.ssh/ *.pub and ~/.ssh/authorized_keys. They are read by a child that has become that user:
 * no link and no mount shows it what he could not read himself. Regular files of at most 64 KiB, 64 KiB of keys in
 * all, 10 seconds; what is no key is left out. Privilege: root. Single-threaded callers only. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct host_user {
	char *name, *group, *gecos, *shell;
	uid_t uid;
	gid_t gid;
	char *keys;		/* lines without comments and doubles, or "" */
	bool left_out;		/* a file was too large, or no file */
};
#define HOST_USER_EMPTY { .name = NULL }

/* STATUS_USAGE: there is none of that name, it is root, cannot log in here, or has a name that cannot be one inside. */
int host_user_find(const char *name, struct host_user *ret, struct error *err);
void host_user_done(struct host_user *user);
#define auto_host_user __attribute__((cleanup(host_user_done)))

/* What getent(1) says of the key in this database of the name service, *ret NULL: it has none; caller frees. Calls of the C library
 * load what nsswitch.conf(5) names into this program, which one without shared libraries cannot do. */
int host_user_ask(const char *database, const char *key, char **ret, struct error *err);

/* Add the keys of a text of lines that is not there yet; options: those of authorized_keys(5) may stand before a key.
 * A key that is there with or without options is not added again. */
void host_user_take_keys(const char *text, bool options, struct strings *keys);

#endif
