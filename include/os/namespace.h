/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NAMESPACE_H
#define SYSCT_OS_NAMESPACE_H

/* namespace - make the first process of a set of namespaces, pin namespaces, join them.
 *
 * Other threads of the caller must be waiting, and hold no lock of the C library. Privilege: CAP_SYS_ADMIN over the present
 * user namespace. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "os/process.h"

/* The namespaces of namespaces(7), in the order in which they are listed everywhere. */
enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS, NS_KINDS };

/* "cgroup", "ipc", ... as in /proc/PID/ns. */
const char *ns_name(enum ns_kind kind);
/* CLONE_NEW... of a kind. */
int ns_flag(enum ns_kind kind);

struct ns_launch {
	int flags;		/* CLONE_NEW* of the namespaces to make; CLONE_NEWNS always is */
	int userns_fd;		/* the user namespace that owns them, -1: the present one */
	uid_t owner;		/* host id of its root: effective user while entering it */
	int cgroup_fd;		/* cgroup2 directory to be born in, -1: the present one */
	int mounts_fd;		/* mount namespace to begin with a copy of, as of os/bare_mounts.h; -1: the present one */
	int rootfs_fd;		/* detached mount, -1: none; the new process's working directory */
	const char *rootfs_at;	/* existing directory there where rootfs_fd is attached first */
	const int *join, *join_flags;	/* namespaces to enter instead, and what they are; owned by userns_fd */
	size_t n_join;
	bool new_time;		/* a time namespace too, whose clocks begin now */
	void (*child)(void *arg);	/* what the new process does; must not return */
	void *arg;
	pid_t *ret_helper;	/* NULL: ns_launch() waits for the helper's end; else, on success, its pid, for the caller
				 * to reap by ns_reap_helper(): its copy of the mounts takes a while to go */
	pid_t ret_pid;
	int ret_pidfd;
};

/* Make a process in new namespaces; it is our child and a member of launch->cgroup_fd.
 *
 * Two steps, so that what the host mounts stays as the host mounted it: a short-lived helper takes a private copy of the
 * host's mounts, or of those of mounts_fd, attaches the rootfs there and then makes the new process from within the user
 * namespace. The copy of a mount that crosses into another user namespace is locked (mount_namespaces(7)): the
 * container's root can lift neither nodev nor read-only. The helper gives the new process to us with CLONE_PARENT. */
int ns_launch(struct ns_launch *launch, struct error *err);
void ns_reap_helper(pid_t pid);

/* Become root of the user namespace that we are in, in no other group. Whoever is inside may not look at us with what we have of the
 * host's, so we are not dumpable afterwards (ptrace(2), "Ptrace access mode checking"). */
int ns_become_root(struct error *err);

struct ns_visit {
	const struct process_id *process;	/* whose mount namespace it is, and whose user namespace, if that is not ours */
	const int *keep;	/* descriptors that the work needs: it has no others */
	size_t n_keep;
	int timeout_ms;		/* for all of it; killed after that */
	int (*work)(int root, void *arg, struct error *err);	/* there, as root, with their root directory: 0 or -errno */
	void *arg;		/* what the work changes of it is not seen by the caller */
};

/* Do something in a process's namespaces, by a child of ours. Its error, or why it did not come to its end. Where that was the time,
 * what it has begun may be done later all the same: see child_wait(). */
int ns_visit(const struct ns_visit *visit, struct error *err);

/* Bind /proc/PID/ns/KIND to DIR/KIND for every kind; DIR is made a private tmpfs first, since a mount namespace
 * cannot be bound where the mount would propagate into it. ns_unpin takes all of it away; what is not there is
 * no error. */
int ns_pin(pid_t pid, const char *dir, struct error *err);
int ns_unpin(const char *dir, struct error *err);
/* The same for the mount namespace alone. Fails with EINVAL where it cannot be bound: only one whose number is smaller than its own
 * may do that, which outside of the host's first one is a matter of luck. */
int ns_pin_mounts(pid_t pid, const char *dir, struct error *err);

/* Bind a net namespace to /run/netns/NAME as ip-netns(8) does. Returns 1 when that name is taken by another
 * and nothing was done. */
int ns_pin_netns(const char *source, const char *name, struct error *err);
/* Remove the entry if it is the namespace with this inode. */
int ns_unpin_netns(const char *name, unsigned long long inode);

/* Inode of a namespace file, 0: none. It is the namespace's identity. */
unsigned long long ns_inode(const char *path);

#endif
