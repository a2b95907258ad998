/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_PROBE_H
#define SYSCT_OS_PROBE_H

/* probe - what this kernel does when it is asked for it, and what it says of itself.
 *
 * What is tried is tried for real, in the process that calls: some leave it in other namespaces, so each belongs into a child
 * that ends afterwards, and takes with it all that was made. All but probe_module() and probe_cgroups() return 0, or the
 * kernel's -errno: -ENOSYS where it, or a filter of system calls, does not have the call. Privilege: as the facility that is
 * tried; -EPERM without it. */

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/* unshare(2) with CLONE_NEW* flags. The caller is in new namespaces afterwards. */
int probe_namespaces(int flags);
/* pidfd_open(2) on ourselves, pidfd_send_signal(2) with signal 0, and setns(2) with it. */
int probe_pidfd(void);
/* openat2(2) with RESOLVE_IN_ROOT. */
int probe_openat2(void);
/* clone3(2) with CLONE_INTO_CGROUP, into no cgroup: what knows the flag says that the descriptor is bad. */
int probe_clone_into_cgroup(void);
/* fsopen(2) and fsmount(2) of a tmpfs that stays in no mount table. */
int probe_mount_api(void);
/* mount_setattr(2) on such a one. */
int probe_mount_setattr(void);
/* Filters of system calls: seccomp(2) has the actions that ours use. */
int probe_seccomp(void);
/* A program that lets all devices through is loaded and dropped (BPF_PROG_TYPE_CGROUP_DEVICE). */
int probe_device_program(void);
/* A tmpfs whose ids are mapped. */
int probe_idmapped_tmpfs(struct error *err);
/* A whole ext4 of 4 MB in memory: mke2fs, a loop device, a mount that stays in no mount table, ids mapped. The loop device
 * frees itself. */
int probe_idmapped_image(struct error *err);
/* A bridge with a veth pair in it, whose port is held to one address. The caller is in a new network namespace afterwards. */
int probe_links(struct error *err);
/* Two files without a name in dir, one a clone of the other's blocks (ioctl_ficlone(2)): -EOPNOTSUPP or -EINVAL: it cannot. */
int probe_reflink(const char *dir);

enum probe_module { MODULE_MISSING, MODULE_LOADABLE, MODULE_THERE };
/* A part of the kernel that may be a module, by its file's name without ".ko": loaded or built in, or loaded when it is needed
 * first, or neither as far as /sys/module, modules.builtin and modules.dep tell. MODULE_THERE as well on a kernel without
 * modules, whose parts cannot be told. */
enum probe_module probe_module(const char *name);

/* Does modprobe.d(5) keep it from being loaded when somebody asks for what it offers? */
bool probe_module_kept_out(const char *name);

/* Is a file system type in /proc/filesystems? */
bool probe_filesystem(const char *type);

struct probe_cgroups {
	char *v2;	/* where cgroup2 is mounted, NULL: nowhere */
	struct strings v2_controllers;	/* of its root as we see it */
	struct strings v1_controllers;	/* "memory", "name=systemd", ... */
	struct strings v1_paths;	/* where each is mounted: as many */
	struct strings readonly;	/* mounted, and we may not write there */
};
#define PROBE_CGROUPS_EMPTY { .v2 = NULL }
/* 0, or -errno: there is no /proc. */
int probe_cgroups(struct probe_cgroups *ret);
void probe_cgroups_done(struct probe_cgroups *cgroups);
#define auto_probe_cgroups __attribute__((cleanup(probe_cgroups_done)))

#endif
