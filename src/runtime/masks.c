/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the root of a privileged or hardened container shall not see or change in proc and sys, though the ids of the one
 * would let it, and the other asked for it. The mounts are made by the host and locked: no root inside can lift them, nor
 * mount a new proc or sysfs, which a user namespace may only where it sees all of one already (mount_namespaces(7)). */
#include <stddef.h>

#include "base/cleanup.h"
#include "os/mount_lock.h"
#include "rows.h"
#include "runtime/launch.h"

static const struct mount_mask proc_masks[] = {
	{ MASK_HIDE, "acpi" },	       { MASK_HIDE, "asound" },	      { MASK_HIDE, "interrupts" },
	{ MASK_HIDE, "kallsyms" },     { MASK_HIDE, "kcore" },	      { MASK_HIDE, "keys" },
	{ MASK_HIDE, "key-users" },    { MASK_HIDE, "kmsg" },	      { MASK_HIDE, "kpagecgroup" },
	{ MASK_HIDE, "kpagecount" },   { MASK_HIDE, "kpageflags" },   { MASK_HIDE, "latency_stats" },
	{ MASK_HIDE, "sched_debug" },  { MASK_HIDE, "scsi" },	      { MASK_HIDE, "timer_list" },
	{ MASK_HIDE, "timer_stats" },  { MASK_READONLY, "bus" },      { MASK_READONLY, "driver" },
	{ MASK_READONLY, "fs" },       { MASK_READONLY, "irq" },      { MASK_READONLY, "mtrr" },
	{ MASK_READONLY, "sysrq-trigger" }, { MASK_READONLY, "sys" }, { MASK_WRITABLE, "sys/net" },
	{ MASK_END, NULL },
};

static const struct mount_mask sys_masks[] = {
	{ MASK_HIDE, "firmware" },
	{ MASK_HIDE, "devices/virtual/powercap" },
	{ MASK_HIDE, "devices/system/cpu/cpu[0-9]*/thermal_throttle" },
	{ MASK_HIDE, "fs/selinux" },
	{ MASK_HIDE, "kernel/config" },
	{ MASK_HIDE, "kernel/debug" },
	{ MASK_HIDE, "kernel/security" },
	{ MASK_HIDE, "kernel/slab" },
	{ MASK_HIDE, "kernel/tracing" },
	{ MASK_END, NULL },
};

/* Both at once; the second is sent by the next row. */
int host_mask_proc(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container), *at = xasprintf("%s/root", dir);
	struct mount_lock locks[] = { { .fd = -1, .masks = proc_masks }, { .fd = -1, .masks = sys_masks } };
	int r = mount_api_of(launch->pidfd, &locks[0].fd, &locks[1].fd, err);

	if (r == 0)
		r = mount_lock(locks, ARRAY_SIZE(locks), launch->userns, launch->container->idmap.outside,
			       launch->bare_mounts, at, err);
	launch->send_fd = locks[0].fd;
	launch->sys = locks[1].fd;
	return r;
}

int host_mask_sys(struct launch *launch, struct error *err)
{
	(void)err;
	launch->send_fd = take_fd(&launch->sys);
	return 0;
}

void payload_take_proc(struct launch *launch, int fd)
{
	launch->proc = fd;
}

void payload_take_sys(struct launch *launch, int fd)
{
	close_fd(&launch->sys);
	launch->sys = fd;
}
