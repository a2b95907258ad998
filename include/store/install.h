/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_INSTALL_H
#define SYSCT_STORE_INSTALL_H

/* install - where one installation of sysct keeps its things, and what its host-global names carry.
 *
 * Two installations with other directories live side by side: every name that the whole host sees (bridge,
 * nft table, cgroup, /run/netns entry) ends in the installation's suffix unless it is the default one. */

#include "base/error.h"

#define DEFAULT_CONFIG "/etc/sysct/sysct.conf"
#define DEFAULT_STATE_DIR "/var/lib/sysct"
#define DEFAULT_RUN_DIR "/run/sysct"
#define DEFAULT_CACHE_DIR "/var/cache/sysct"

struct install {
	char *config;		/* sysct.conf; may be missing when it is the default */
	char *state_dir, *run_dir, *cache_dir;	/* absolute, no slash at the end */
	char *data_dir;		/* templates and such: /usr/share/sysct */
	char *libexec_dir;	/* holder and monitor: /usr/libexec/sysct */
	char suffix[9];		/* "" for the default, else 6 hex digits of a hash of the directories */
	int config_given;	/* --config was used: the file must exist */
};

/* Fill in from options (NULL: not given), then SYSCT_* environment, then the defaults. Relative paths are
 * refused (STATUS_USAGE). */
int install_init(struct install *install, const char *config, const char *state_dir,
		 const char *run_dir, const char *cache_dir, struct error *err);
void install_done(struct install *install);

/* RUN_DIR/.host/mounts: where the mount namespace that starts begin with is kept (os/bare_mounts.h). Caller frees. */
char *install_mounts_dir(const struct install *install);

/* Make state, run and cache directories (0700, root) and RUN_DIR/.host/lock. Refuses a run or state
 * directory that is a link, not root's, or writable by others. */
int install_make_dirs(const struct install *install, struct error *err);

#endif
