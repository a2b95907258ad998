/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_CGROUP_PARTS_H
#define SYSCT_OS_CGROUP_PARTS_H

/* cgroup_parts - what the files of cgroup share; private to src/os and its tests. cgroup_layout.c knows the hierarchies, cgroup.c
 * makes groups and opens them, cgroup_unit.c has those in a unit of systemd, cgroup_enter.c goes into those of v1,
 * cgroup_limits.c and cgroup_devices.c limit them, cgroup_processes.c freezes and kills what is in them, cgroup_read.c and
 * cgroup_glance.c read them, cgroup_remove.c removes them. */

#include "os/cgroup.h"

/* One v1 hierarchy. */
struct hierarchy {
	char *options;	/* "cpu,cpuacct" or "name=systemd", with a comma on both ends */
	char *path;
};

/* What this host has; read once, it does not change under us. */
struct cgroup_layout {
	int root;		/* cgroup2, -1: none */
	char *path;		/* where it is mounted, NULL: privately by us */
	struct hierarchy *v1;
	size_t n_v1;
};

/* NULL: no cgroup2 is to be had. Nobody frees it. */
const struct cgroup_layout *cgroup_layout(struct error *err);

/* A directory below root, which is one of cgroup2, with all files that delegation gives away: owner's. */
int cgroup_delegate(int root, const char *path, uid_t owner, struct error *err);
/* Pressure is not counted for a group (psi.rst of the kernel's documentation): each switch of tasks pays for it. */
void cgroup_count_no_pressure(int root, const char *group);

/* A file with one number; "max" is none. */
bool cgroup_read_number(int dirfd, const char *path, uint64_t *ret);

bool cgroup_has_controller(const struct hierarchy *h, const char *controller);
/* The v1 hierarchy with this controller, NULL: none has it. */
const struct hierarchy *cgroup_find_v1(const char *controller);
/* The group's directory below a hierarchy of v1: "sysct/UUID", but "sysct-UUID" where "cpu" is, since each level there makes every
 * switch of tasks 28 ns longer, of some 1,300. Earlier sysct had the former there too, and what was started by such a one stays
 * where it is. Caller frees. */
char *cgroup_name_v1(const struct hierarchy *h, const char *group);
/* The same with the hierarchy's own path; NULL: none has the controller. */
char *cgroup_path_v1(const char *controller, const char *group);

#define CGROUP_ROOT "/sys/fs/cgroup"	/* where everybody mounts them */

/* A hierarchy without a controller, and a private mount of it, which is part of the layout from then on: its descriptor. */
#define CGROUP_SYSTEMD "name=systemd"
int cgroup_mount_systemd(struct error *err);
#define CGROUP_OWN_MOUNT "/proc/self/fd/"
/* One that only we have mounted lasts as long as there is a group in it. */
bool cgroup_is_own_mount(const struct hierarchy *h);

/* What is above our own leaves is systemd's, and so are the limits of the unit itself. */
bool cgroup_is_unit(const char *group);
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
	char *(*v1)(const char *controller, const char *group);	/* its directory, NULL: no hierarchy of v1 has the controller */
	const char *group;
};

int cgroup_limits_write(const struct limits_place *place, const struct cgroup_limits *limits, struct error *err);

/* Deny all devices but the list to a directory of cgroup2 and all below it, instead of the list that was given before.
 * 1: not possible in this user namespace. */
int cgroup_devices_write(int dir, const char *const *allow, struct error *err);

#endif
