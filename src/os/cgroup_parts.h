/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_CGROUP_PARTS_H
#define SYSCT_OS_CGROUP_PARTS_H

/* cgroup_parts - what cgroup.c, cgroup_limits.c and cgroup_devices.c share; private to src/os and its tests. */

#include "os/cgroup.h"

/* Where the v1 hierarchy with this controller is mounted, NULL: none has it. */
const char *cgroup_v1_path(const char *controller);

/* Where, below the group, a share is written that counts among containers; a unit's own directory is systemd's to write. */
const char *cgroup_shares_leaf(const char *group);

/* What a line of mountinfo (proc_pid_mountinfo(5)) says of a mount: "... ROOT POINT OPTIONS ... - TYPE SOURCE SUPER". */
struct mount_line {
	const char *type, *super, *point;	/* within the line, which is changed */
};
bool cgroup_mount_line(char *line, struct mount_line *ret);

/* Where cgroup_glance() looks from now on: this directory in place of /sys/fs/cgroup. false: it has not what is usual there, and
 * the table of mounts says where else to look. */
bool cgroup_glance_from(const char *usual);

/* Where limits are written. Tests give directories of their own. */
struct limits_place {
	int v2;				/* the payload's directory in cgroup2, -1: none */
	int v2_shares;			/* the one above, for weights */
	const char *(*v1)(const char *controller);	/* the hierarchy's path */
	const char *group;		/* below it */
};

int cgroup_limits_write(const struct limits_place *place, const struct cgroup_limits *limits, struct error *err);

/* Deny all devices but the list to a directory of cgroup2 and all below it, instead of the list that was given before.
 * 1: not possible in this user namespace. */
int cgroup_devices_write(int dir, const char *const *allow, struct error *err);

#endif
