/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_MOUNT_OPTIONS_H
#define SYSCT_CONFIG_MOUNT_OPTIONS_H

/* mount_options - what `options` of a [mount] may say, and what `allow` of [device]. */

#include <stdbool.h>

#include "base/text.h"

struct mount_options {
	unsigned int set, clear;	/* MOUNT_ATTR_*; nodev and nosuid are set unless suid is asked for */
	bool single;		/* norbind: without what is mounted below */
	bool noidmap;		/* files keep the ids of the host */
	bool of_bind, of_tmpfs;	/* a word was there that only this type knows */
	struct strings data;	/* of tmpfs: "size=10%" */
};
#define MOUNT_OPTIONS_EMPTY { .data = STRINGS_EMPTY }

/* text may be NULL. false: *ret_word is the word that is unknown (static or within text's copy in ret->data). */
bool mount_options_parse(const char *text, struct mount_options *ret);
void mount_options_done(struct mount_options *options);
#define auto_mount_options __attribute__((cleanup(mount_options_done)))

/* "/dev/NODE rwm": the path below /dev, and the rights ("rwm" when none are given). Both are the caller's. */
bool device_allow_parse(const char *text, char **ret_name, char **ret_rights);

#endif
