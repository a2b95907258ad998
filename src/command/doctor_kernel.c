/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel must do, and may do. It is tried, not concluded from a version, wherever a trial leaves nothing behind: a
 * module that is not loaded yet is not loaded by a look. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/doctor.h"
#include "os/namespace.h"
#include "os/probe.h"

#define NEWER "use a kernel of 5.14 or later"

static void look_version(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct utsname uts;
	unsigned int major = 0, minor = 0;

	(void)exam, (void)check;
	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 14))
		found(ret, VERDICT_FAIL, NEWER, "Linux %s; containers need 5.14", uts.release);
	else if (strcmp(uts.machine, "x86_64") != 0)
		found(ret, VERDICT_WARN, NULL, "Linux %s on %s, where sysct is untried", uts.release, uts.machine);
	else
		found(ret, VERDICT_OK, NULL, "Linux %s on %s", uts.release, uts.machine);
}

/* One call of the kernel; arg. */
struct call {
	int (*probe)(void);
	const char *has, *lacks;	/* what works, what does not */
	enum verdict verdict;
};

static void look_call(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct call *call = check->arg;
	int r = call->probe();

	(void)exam;
	if (r == 0)
		found(ret, VERDICT_OK, NULL, "%s", call->has);
	else if (r == -ENOSYS)
		found(ret, call->verdict, NEWER ", and no filter of system calls around sysct", "%s: the kernel does not have the call",
		      call->lacks);
	else
		found(ret, call->verdict, NEWER, "%s: %s", call->lacks, strerror(-r));
}

#define CALL(name, probe_, has_, lacks_, verdict_)                                                 \
	static const struct call name = { .probe = probe_, .has = has_, .lacks = lacks_, .verdict = verdict_ }

CALL(pidfd, probe_pidfd, "signals hit the process that is meant, and attach enters all namespaces at once",
     "no pidfds, by which processes are signalled and entered", VERDICT_FAIL);
CALL(openat2_, probe_openat2, "paths can be held inside a root", "paths cannot be held inside a container's root", VERDICT_FAIL);
CALL(clone3_, probe_clone_into_cgroup, "a process can be born in its cgroup", "no process can be born in its cgroup",
     VERDICT_FAIL);
CALL(mounts, probe_mount_api, "mounts can be made that no mount table shows", "no mounts by descriptor", VERDICT_FAIL);
CALL(setattr, probe_mount_setattr, "attributes of mounts can be changed by descriptor", "attributes of mounts cannot be changed",
     VERDICT_FAIL);
CALL(filters, probe_seccomp, "system calls can be filtered",
     "no filters of system calls; containers start only with security.seccomp = none", VERDICT_FAIL);

static void look_namespaces(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const enum ns_kind kinds[] = { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_UTS };
	auto_text struct text missing = TEXT_EMPTY;
	int r, first = 0;

	(void)exam, (void)check;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		r = probe_namespaces(ns_flag(kinds[i]));
		if (r == 0)
			continue;
		first = first ? first : r;
		text_add(&missing, "%s%s", missing.len ? ", " : "", ns_name(kinds[i]));
	}
	if (!missing.len)
		found(ret, VERDICT_OK, NULL, "cgroup, ipc, mount, net, pid and uts");
	else
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_NAMESPACES and all below it; raise user.max_*_namespaces",
		      "none of the kinds %s can be made: %s", missing.data, strerror(-first));
}

static void look_user_namespace(const struct exam *exam, const struct check *check, struct finding *ret)
{
	int r = probe_namespaces(CLONE_NEWUSER);

	(void)exam, (void)check;
	if (r == 0)
		found(ret, VERDICT_OK, NULL, "one was made");
	else if (r == -ENOSPC)
		found(ret, VERDICT_FAIL, "sysctl -w user.max_user_namespaces=16384",
		      "none can be made: user.max_user_namespaces is used up; all containers but privileged ones need one");
	else if (r == -EPERM)
		found(ret, VERDICT_FAIL, "sysctl -w kernel.unprivileged_userns_clone=1; no chroot around sysct",
		      "none can be made: %s", strerror(-r));
	else
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_USER_NS", "none can be made: %s", strerror(-r));
}

static void look_time_namespace(const struct exam *exam, const struct check *check, struct finding *ret)
{
	int r = probe_namespaces(ns_flag(NS_TIME));

	(void)exam, (void)check;
	if (r == 0)
		found(ret, VERDICT_OK, NULL, "one was made");
	else
		found(ret, VERDICT_WARN, "a kernel with CONFIG_TIME_NS (5.6)", "none can be made (%s): namespaces.time = new is refused",
		      strerror(-r));
}

/* Only a group below the root has the file. */
static bool has_cgroup_kill(const char *root)
{
	auto_closedir DIR *dir = opendir(root);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		auto_free char *path = xasprintf("%s/%s/cgroup.kill", root, entry->d_name);

		if (entry->d_name[0] != '.' && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void look_cgroup_kill(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_probe_cgroups struct probe_cgroups cgroups = PROBE_CGROUPS_EMPTY;
	struct utsname uts;
	unsigned int major = 0, minor = 0;

	(void)exam, (void)check;
	if (probe_cgroups(&cgroups) == 0 && cgroups.v2 && has_cgroup_kill(cgroups.v2)) {
		found(ret, VERDICT_OK, NULL, "all processes of a group can be killed at once");
		return;
	}
	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	if (major > 5 || (major == 5 && minor >= 14))
		found(ret, VERDICT_OK, NULL, "Linux %s has it; there is no group to see it at", uts.release);
	else
		found(ret, VERDICT_FAIL, NEWER, "no cgroup.kill in cgroup2 of Linux %s: a stop cannot end all processes at once",
		      uts.release);
}

static void look_devices(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_probe_cgroups struct probe_cgroups cgroups = PROBE_CGROUPS_EMPTY;
	int r;

	(void)check;
	probe_cgroups(&cgroups);
	if (strings_has(&cgroups.v1_controllers, "devices")) {
		found(ret, VERDICT_OK, NULL, "by the devices controller of cgroup v1");
		return;
	}
	r = probe_device_program();
	if (r == 0)
		found(ret, VERDICT_OK, NULL, "by a BPF program in cgroup2");
	else if (exam->nested)
		found(ret, VERDICT_OK, NULL, "by the list of the container that sysct runs in; sysct itself may load none (%s)",
		      strerror(-r));
	else
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF, or mount the v1 controller devices",
		      "the devices of a container cannot be limited: no devices controller, and no BPF program can be loaded (%s)",
		      strerror(-r));
}

bool found_loadable(const char *const *modules, struct finding *ret)
{
	for (size_t i = 0; modules[i]; i++) {
		if (probe_module(modules[i]) != MODULE_LOADABLE)
			continue;
		found(ret, VERDICT_OK, NULL, "not tried: the module %s is there and will be loaded when it is needed first", modules[i]);
		return true;
	}
	return false;
}

static void look_filesystems(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const char *const types[] = { "cgroup2", "devpts", "mqueue", "proc", "sysfs", "tmpfs", NULL };
	auto_text struct text missing = TEXT_EMPTY;

	(void)exam, (void)check;
	for (size_t i = 0; types[i]; i++)
		if (!probe_filesystem(types[i]))
			text_add(&missing, "%s%s", missing.len ? ", " : "", types[i]);
	if (missing.len)
		found(ret, VERDICT_FAIL, "a kernel that has them", "missing from /proc/filesystems: %s", missing.data);
	else
		found(ret, VERDICT_OK, NULL, "cgroup2, devpts, mqueue, proc, sysfs, tmpfs");
}

static void look_image(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const char *const modules[] = { "loop", "ext4", NULL };
	struct error err = ERROR_NONE;

	(void)check;
	if (exam->nested) {
		found(ret, VERDICT_OK, NULL, "in a container no image can be mounted: those of sysct get a directory each");
		return;
	}
	if (found_loadable(modules, ret))
		return;
	if (probe_idmapped_image(&err) < 0)
		found(ret, VERDICT_FAIL, *err.hint ? err.hint : "a kernel with CONFIG_BLK_DEV_LOOP and CONFIG_EXT4_FS, 5.12 or later",
		      "%s; directories work: rootfs.directory", err.message);
	else
		found(ret, VERDICT_OK, NULL, "one of 4 MB in memory was made, mounted with mapped ids, and dropped");
}

static void look_tmpfs(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct error err = ERROR_NONE;

	(void)check;
	if (exam->nested)
		found(ret, VERDICT_OK, NULL, "not in a container");
	else if (probe_idmapped_tmpfs(&err) < 0)
		found(ret, VERDICT_WARN, "give a [mount] of a tmpfs options = noidmap, or use a kernel of 6.3 or later", "%s", err.message);
	else
		found(ret, VERDICT_OK, NULL, "a tmpfs was mounted with mapped ids");
}

static void look_overlay(const struct exam *exam, const struct check *check, struct finding *ret)
{
	(void)exam, (void)check;
	if (probe_filesystem("overlay"))
		found(ret, VERDICT_OK, NULL, "podman and docker find it inside");
	else if (probe_module("overlay") == MODULE_LOADABLE)
		found(ret, VERDICT_WARN, "modprobe overlay; and a line overlay in /etc/modules-load.d/sysct.conf",
		      "the module is there and not loaded; a container cannot load it, so podman and docker inside do without");
	else
		found(ret, VERDICT_WARN, "a kernel with CONFIG_OVERLAY_FS",
		      "the kernel has none: podman and docker inside a container are slow, or do not work");
}

/* Families of sockets that know no namespace: our filter holds 64-bit programs from them, and not 32-bit ones, whose calls go
 * through socketcall(2). /proc/net/protocols shows those that are loaded; the others are loaded for whoever asks. */
static void look_families(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const struct {
		const char *protocol, *module;
	} families[] = { { "ALG", "af_alg" }, { "RXRPC", "rxrpc" }, { "AF_VSOCK", "vsock" } };
	auto_text struct text there = TEXT_EMPTY;
	auto_free char *protocols = NULL;

	(void)exam, (void)check;
	if (read_file_at(AT_FDCWD, "/proc/net/protocols", 1 << 20, &protocols, NULL) < 0) {
		found(ret, VERDICT_UNKNOWN, NULL, "/proc/net/protocols cannot be read");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		auto_free char *line = xasprintf("\n%s ", families[i].protocol);

		if (strstr(protocols, line) || (probe_module(families[i].module) == MODULE_LOADABLE &&
						!probe_module_kept_out(families[i].module)))
			text_add(&there, "%s%s", there.len ? ", " : "", families[i].module);
	}
	if (there.len)
		found(ret, VERDICT_WARN, "security.hardened = yes for containers that are not trusted; or keep the modules out: "
					 "a line install NAME /bin/false for each in /etc/modprobe.d",
		      "32-bit programs inside reach families of sockets that have no namespace, or load them: %s", there.data);
	else
		found(ret, VERDICT_OK, NULL, "AF_ALG, AF_RXRPC and AF_VSOCK are neither loaded nor will they be");
}

const struct check kernel_checks[] = {
	{ "kernel.version", "kernel", look_version, NULL, false },
	{ "kernel.namespaces", "namespaces", look_namespaces, NULL, true },
	{ "kernel.user-namespace", "user namespaces", look_user_namespace, NULL, false },
	{ "kernel.time-namespace", "time namespaces", look_time_namespace, NULL, true },
	{ "kernel.pidfd", "pidfds", look_call, &pidfd, false },
	{ "kernel.openat2", "openat2", look_call, &openat2_, false },
	{ "kernel.clone3", "clone3", look_call, &clone3_, false },
	{ "kernel.mount-api", "detached mounts", look_call, &mounts, true },
	{ "kernel.mount-setattr", "mount_setattr", look_call, &setattr, true },
	{ "kernel.cgroup-kill", "cgroup.kill", look_cgroup_kill, NULL, false },
	{ "kernel.seccomp", "filters of system calls", look_call, &filters, false },
	{ "kernel.devices", "lists of devices", look_devices, NULL, true },
	{ "kernel.filesystems", "file systems", look_filesystems, NULL, false },
	{ "kernel.image", "images", look_image, NULL, true },
	{ "kernel.idmapped-tmpfs", "mapped ids of a tmpfs", look_tmpfs, NULL, true },
	{ "kernel.overlay", "overlay", look_overlay, NULL, false },
	{ "kernel.socket-families", "families of sockets", look_families, NULL, false },
};
const size_t n_kernel_checks = ARRAY_SIZE(kernel_checks);
