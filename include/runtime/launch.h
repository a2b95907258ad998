/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_LAUNCH_H
#define SYSCT_RUNTIME_LAUNCH_H

/* launch - one start in one process: what the rows hand to each other. Both sides have their own copy from the
 * clone row on. Each field says which row fills it. */

#include <sys/types.h>

#include "base/text.h"
#include "config/config.h"
#include "runtime/confine.h"
#include "runtime/kept.h"
#include "runtime/mounts.h"
#include "store/container.h"
#include "store/rootfs.h"
#include "store/state.h"

struct launch {
	struct container *container;
	const struct container_config *config;
	struct container_state *state;
	struct text *timing;		/* NULL, or where the time of each row is noted */

	int peer;			/* handshake socket, -1 before the clone row */
	int send_fd;			/* descriptor that the present row sends with its packet */
	bool tells_all;			/* of each row its time is wanted */
	volatile uint32_t *payload_at;	/* memory of both sides: the row that the payload is at, 0 before its first; NULL: not known */

	int lender;			/* where launch_lend_rootfs() sends it from, until "mount the rootfs"; -1: nobody does */
	int cgroup_lender;		/* where launch_lend_cgroup() tells of it, until "create the cgroup"; -1: nobody does */
	struct rootfs rootfs;		/* "mount the rootfs" */
	int userns;			/* "make the namespaces"; -1: none */
	int netns;			/* likewise, owned by that, until it is configured; -1: the clone makes one, or none is wanted */
	int bare_mounts;		/* "open the bare mounts"; -1: none */
	int dev;			/* "prepare /dev": a detached tmpfs; -1: the payload binds the nodes */
	struct kept kept;		/* "open what is kept" */
	struct confinement confinement;	/* "prepare the confinement" */
	struct mount_items mounts;	/* "open what is to be mounted" */
	int proc;			/* "mask proc"; -1: the payload's own */
	int sys;			/* "clone the payload": sysfs of a joined namespace, or "mask sys"; -1: the
					 * payload's own */
	int cgroup;			/* "create the cgroup": the payload leaf */
	bool cgroup_v1;			/* "mount the rootfs": init wants a tree of it */
	bool *renamed;			/* "announce the host name": memory of both sides, true when it is written; NULL: it need not be */
	struct prepared_network *network;	/* "prepare the network" */
	char *resolv_conf;		/* likewise; NULL: the host's own */
	char *hosts_block;		/* likewise; lines for /etc/hosts, NULL: none wanted */
	pid_t pid;			/* "clone the payload"; -1 on the payload side */
	int pidfd;			/* likewise */
	pid_t helper;			/* likewise: to be reaped when the start has ended; 0: none */
	int control;			/* "open the control socket": listening */
	int console;			/* "open the console": master, from the payload */
	int notify;			/* "open the notify socket": from the payload */
	pid_t machine;			/* "tell machined": who says it, 0: nobody */
	int machine_output;		/* likewise */
	int handshake[2];		/* "clone the payload": both ends, until each side has its own in peer */
};

#define LAUNCH_EMPTY                                                                               \
	{ .peer = -1, .send_fd = -1, .lender = -1, .cgroup_lender = -1, .rootfs = ROOTFS_EMPTY, .userns = -1, .netns = -1, .bare_mounts = -1, .dev = -1, .proc = -1, .sys = -1, .cgroup = -1,  \
	  .kept = KEPT_EMPTY, \
	  .confinement = CONFINEMENT_NONE,                                                         \
	  .machine_output = -1, .pid = -1, .pidfd = -1, .control = -1, .console = -1, .notify = -1 }

/* Names that a start uses, from what is fixed. Callers free. */
char *launch_run_dir(const struct container *container);	/* RUN_DIR/NAME */
char *launch_group(const struct container *container);		/* sysct/UUID */

/* Open the rootfs for the starter, beside it, in a process that would only wait meanwhile: the command, or the one that becomes the
 * holder. Whatever comes of it goes to the socket (the other end is launch.lender), and nothing of it stays here. */
void launch_lend_rootfs(const struct container *container, int socket);

/* Make the container's cgroups for the starter, likewise. What comes of it is told on the socket (the other end is
 * launch.cgroup_lender); where nobody hears it, they are removed again. */
void launch_lend_cgroup(const struct container *container, int socket);

/* When a start has failed before it took these: take them, for the caller to close and to undo, and let the state say so. Waits for
 * the lenders, who may be at it still. */
void launch_settle_lender(struct launch *launch);

/* Take away what starts have in common, when there is no container any more: the mount namespace that they begin with
 * (os/bare_mounts.h), and the directory of their cgroups. What can go goes; the first error. */
int launch_drop_shared(const struct install *install, struct error *err);

#endif
