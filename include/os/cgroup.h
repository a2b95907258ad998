/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_CGROUP_H
#define SYSCT_OS_CGROUP_H

/* cgroup - a group of processes in every hierarchy of the host: cgroup2, v1, or both (cgroups(7),
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel).
 *
 * A group is a relative path such as "sysct/UUID". In cgroup2 it has the leaf "payload", which the
 * container's root owns and sees as its own root. In each v1 hierarchy it is one directory that belongs to the
 * host's root, "sysct-UUID" in that of "cpu". Freezing and killing always go through cgroup2,
 * whose core files are there whether or not a controller is; limits go to whichever hierarchy holds the controller.
 *
 * The root of everything is the root of the mounted hierarchies as the caller's cgroup namespace shows them. A
 * host without a mounted cgroup2 gets a private mount of it.
 * Privilege: write access to these trees. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Make the group everywhere and give cgroup2's payload leaf to owner:owner (0: keep). Directories that exist
 * already are used. */
int cgroup_create(const char *group, uid_t owner, struct error *err);

/* Give the group's directory in v1's hierarchy "name=systemd", which has no controller, to owner:owner: for an init that
 * knows no cgroup2. Where the host has not mounted it, it is mounted privately, and lives on by its groups. Before
 * cgroup_enter_v1(). */
int cgroup_delegate_systemd(const char *group, uid_t owner, struct error *err);

/* A group whose name ends in ".service" is that of a unit of systemd which was delegated to us (systemd.resource-control(5),
 * Delegate=; https://systemd.io/CGROUP_DELEGATION): then only what is below it is made, limited and removed here, and the unit
 * itself is limited by systemd (os/systemd.h). This is the one that we are in, or in a leaf of; NULL: none. Caller frees. */
char *cgroup_own_unit(void);
/* Go into the leaf "supervisor" of our own unit: with controllers for its leaves it may hold no process itself. */
int cgroup_enter_supervisor(const char *group, struct error *err);
/* Wait until systemd has removed the unit's group, as it does when the unit has ended. True at once for other groups. */
bool cgroup_wait_unit_gone(const char *group, int timeout_ms);

/* A descriptor of a leaf ("payload") for CLONE_INTO_CGROUP and cgroup_* below, or -errno. */
int cgroup_open(const char *group, const char *leaf, struct error *err);

/* At most so many cgroups below the group, and so many below each other (cgroup.max.descendants and .depth). */
int cgroup_bound(const char *group, unsigned int descendants, unsigned int depth, struct error *err);

/* The ways into a group that is there, by paths: whoever has them need not look for the hierarchies of the host. */
struct cgroup_ways {
	char *payload;		/* its directory in cgroup2 */
	char *pids;		/* the one with v1's limit of tasks; NULL: v1 has none */
	struct strings tasks;	/* a file in each hierarchy of v1; none on a host without */
};
#define CGROUP_WAYS_EMPTY { .tasks = STRINGS_EMPTY }
/* host_ids: the container's root has the host's ids, so files of the group may be its own; then the files of v1 are those of one
 * below the group, made here, for memory, pids and cpu, where that lifts no limit, and so it is where there is one already. */
int cgroup_ways(const char *group, bool host_ids, struct cgroup_ways *ret, struct error *err);
void cgroup_ways_done(struct cgroup_ways *ways);
/* Whether they are good outside this process: not where a hierarchy is mounted for it alone, nor anywhere but in /sys/fs/cgroup: in
 * another mount namespace such a path may be of a directory that others write to. */
bool cgroup_ways_last(const struct cgroup_ways *ways);

bool cgroup_ways_frozen(const struct cgroup_ways *ways);
/* Whether v1's limit of tasks is reached: who enters from outside does not notice (pids.rst of the kernel's documentation), only a
 * fork does. False with cgroup2, where who is born in a group does. */
bool cgroup_ways_full(const struct cgroup_ways *ways);

/* The leaf that processes which join later live in: cgroup2 allows none in a group whose children have
 * controllers. Made, and given to owner, when it is missing. Descriptor or -errno. */
int cgroup_ways_open(const struct cgroup_ways *ways, uid_t owner, struct error *err);

/* The files of v1, opened to be written later, when their paths lead elsewhere perhaps. On an error none is open. */
#define CGROUP_V1_MOST 32
struct cgroup_v1 {
	int fds[CGROUP_V1_MOST];
	const char *paths[CGROUP_V1_MOST];	/* of the ways */
	size_t n;
};
int cgroup_open_v1(const struct cgroup_ways *ways, struct cgroup_v1 *ret, struct error *err);
void cgroup_close_v1(struct cgroup_v1 *groups);

/* The calling thread alone enters them, or finds, opens, enters and closes: v1 knows threads, and what this one makes from then on is
 * born there; other threads of its process stay where they are. To move another process costs a wait for a
 * grace period of RCU, so whoever shall be in the group enters by itself, or is born there. */
int cgroup_enter_opened(const struct cgroup_v1 *groups, struct error *err);
int cgroup_enter_v1(const char *group, bool host_ids, struct error *err);

/* CGROUP_KEEP: not given, nothing is written. CGROUP_LIFT: no limit, the kernel's default weight. */
#define CGROUP_KEEP UINT64_MAX
#define CGROUP_LIFT (UINT64_MAX - 1)

struct cgroup_limits {
	uint64_t memory, swap;	/* bytes */
	uint64_t cpus;		/* thousandths of a CPU */
	uint64_t cpu_weight;	/* 1 to 10000, 100 is the kernel's default */
	const char *cpuset;	/* NULL: not given; "": all CPUs */
	uint64_t tasks;
	uint64_t io_read, io_write;	/* bytes a second on disk */
	uint64_t io_weight;	/* as cpu_weight */
	dev_t disk;		/* what io_read and io_write act on; 0: none */
};

#define CGROUP_LIMITS_NONE                                                                         \
	{ CGROUP_KEEP, CGROUP_KEEP, CGROUP_KEEP, CGROUP_KEEP, NULL, CGROUP_KEEP, CGROUP_KEEP,       \
	  CGROUP_KEEP, CGROUP_KEEP, 0 }

/* Apply what is given (src/os/cgroup_limits.c). A controller that is in no hierarchy refuses with a hint. */
int cgroup_set_limits(const char *group, const struct cgroup_limits *limits, struct error *err);

/* What this host does not do of these limits, for people; NULL: nothing. A constant. */
const char *cgroup_limits_note(const struct cgroup_limits *limits);

/* Deny all devices but the list ("c 1:3 rwm", "c 136:* rw"): by the v1 devices controller, or where no hierarchy has it by
 * a BPF program in cgroup2 (src/os/cgroup_devices.c). Returns 1 when neither is possible because we are in a user
 * namespace: then whoever made that one limits what is in it. */
int cgroup_set_devices(const char *group, const char *const *allow, struct error *err);

/* The list has grown: the whole of it. What was allowed stays allowed meanwhile. 1 as above. */
int cgroup_extend_devices(const char *group, const char *const *allow, struct error *err);

int cgroup_freeze(const char *group, bool freeze, int timeout_ms, struct error *err);
bool cgroup_frozen(const char *group);
/* SIGKILL to every process of the payload (cgroup.kill, Linux 5.14). A group that is gone is no error. */
int cgroup_kill(const char *group, struct error *err);
/* Wait until the payload has no process. -ETIMEDOUT. */
int cgroup_wait_empty(const char *group, int timeout_ms, struct error *err);

/* Remove the group with all that was made below it, waiting for dying processes at most timeout_ms. What is
 * not there is no error. */
int cgroup_remove(const char *group, int timeout_ms, struct error *err);
/* The directory of all groups, "sysct" of "sysct/UUID", where it has none: making it takes as long as making a group, so it stays
 * between starts. */
int cgroup_remove_empty(const char *dir, struct error *err);

/* The payload leaf alone, with what a former boot of the container made in it and in "name=systemd". */
int cgroup_remove_payload(const char *group, int timeout_ms, struct error *err);

/* Bytes of memory in use, 0 when unknown. */
uint64_t cgroup_memory_used(const char *group);
/* cgroup_memory_used() and cgroup_frozen() for list, which asks for many: where cgroups are mounted as usual (cgroup2 on
 * /sys/fs/cgroup, or on /sys/fs/cgroup/unified beside v1's memory) without reading the table of mounts. Not for threads. */
void cgroup_glance(const char *group, uint64_t *ret_memory, bool *ret_frozen);
/* The payload's directory in cgroup2 as the host sees it, for people. Caller frees; NULL when not mounted. */
char *cgroup_path(const char *group);

#endif
