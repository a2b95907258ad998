/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/idmap.h"
#include "os/loop.h"
#include "os/mount.h"
#include "os/netlink.h"
#include "os/process.h"

/* <linux/fs.h> has it, which does not go together with <sys/mount.h> everywhere */
#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif

#define CGROUP1_MAGIC 0x27e0eb
#define IMAGE_BYTES (4 << 20)
#define TOOL_MS 4000
#define MODULES_MAX (16U << 20)

static int result(long r)
{
	return r < 0 ? -errno : 0;
}

int probe_namespaces(int flags)
{
	return result(unshare(flags));
}

int probe_pidfd(void)
{
	auto_close int fd = pidfd_of(getpid());
	int r = fd < 0 ? fd : pidfd_signal(fd, 0);

	if (r < 0)
		return r;
	/* our own namespace; what is older than that takes the descriptor for a file of /proc, and says EINVAL */
	if (setns(fd, CLONE_NEWUTS) < 0 && errno == EINVAL)
		return -ENOSYS;
	return 0;
}

int probe_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	auto_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd < 0 ? -errno : 0;
}

int probe_clone_into_cgroup(void)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = INT32_MAX };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 && errno == EBADF ? 0 : pid < 0 ? -errno : -EINVAL;
}

static int new_tmpfs(void)
{
	auto_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? -errno : mount;
}

int probe_mount_api(void)
{
	auto_close int mount = new_tmpfs();

	return mount < 0 ? mount : 0;
}

int probe_mount_setattr(void)
{
	auto_close int mount = new_tmpfs();
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV };

	if (mount < 0)
		return mount;
	return result(mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

int probe_seccomp(void)
{
	static const uint32_t actions[] = { SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS };

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]) < 0)
			return -errno;
	return 0;
}

int probe_device_program(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	auto_close int fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = ARRAY_SIZE(insns);
	attr.license = (uint64_t)(uintptr_t)"";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : 0;
}

/* --- mounts with mapped ids --- */

/* Any ids will do: no process gets them. In a container they have to be our own. */
static int some_userns(struct error *err)
{
	struct idmap map = { .inside = 0, .outside = 1000000000, .count = 65536 }, own;

	if (idmap_identity(&own, err) < 0)
		return -err->code;
	if (own.count <= map.outside + map.count)
		map.outside = own.count > 65536 ? own.count - 65536 : 0;
	if (map.outside == 0)
		return fail(err, 0, "this container has %u ids, too few to give some on", own.count);
	return userns_create(&map, err);
}

static int map_ids(int mount, struct error *err)
{
	auto_close int userns = some_userns(err);

	return userns < 0 ? userns : mount_idmap(mount, userns, err);
}

int probe_idmapped_tmpfs(struct error *err)
{
	auto_close int mount = mount_new("tmpfs", NULL, NULL, MOUNT_ATTR_NODEV, err);

	return mount < 0 ? mount : map_ids(mount, err);
}

static int make_image(struct error *err)
{
	auto_close int fd = memfd_create("image", MFD_CLOEXEC);
	auto_free char *output = NULL;
	char path[32];
	const char *argv[] = { "mke2fs", "-t", "ext4", "-q", "-F", "-m0", "-b", "4096", "-O", "metadata_csum,metadata_csum_seed",
			       path, NULL };
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = fd, .timeout_ms = TOOL_MS };
	int r;

	if (fd < 0 || ftruncate(fd, IMAGE_BYTES) < 0)
		return fail(err, errno, "make a file in memory");
	fd_path(fd, path, sizeof(path));
	r = tool_run(&run, err);
	if (r > 0)
		return fail(err, 0, "mke2fs: %.*s", (int)strcspn(output, "\n"), output);
	return r < 0 ? r : take_fd(&fd);
}

int probe_idmapped_image(struct error *err)
{
	auto_close int image = make_image(err), mount = -1;
	struct loop loop;
	int r;

	if (image < 0)
		return image;
	if (loop_attach(image, false, &loop, err) < 0)
		return -err->code;
	mount = mount_ext4(loop.path, false, true, err);
	r = mount < 0 ? mount : map_ids(mount, err);
	close(loop.fd);
	return r;
}

/* --- network --- */

int probe_links(struct error *err)
{
	static const uint8_t bridge_hwaddr[HWADDR_BYTES] = { 2, 0, 0, 0, 0, 1 };
	static const struct port_guard guard = { .flags = { .locked = true }, .hwaddr = { 2, 0, 0, 0, 0, 2 } };
	auto_close int netns = -1;
	auto_netlink struct netlink *netlink = NULL;
	struct veth veth = { .name = "sct1", .alias = "sysct:", .peer_name = "sct2", .peer_hwaddr = { 2, 0, 0, 0, 0, 2 },
			     .port = &guard };

	if (unshare(CLONE_NEWNET) < 0)
		return fail(err, errno, "make a network namespace");
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	netlink = netlink_open(err);
	if (!netlink)
		return -err->code;
	veth.master = netlink_bridge_add(netlink, "sct0", bridge_hwaddr, 1500, "sysct:", err);
	veth.peer_netns = netns;
	return veth.master < 0 ? veth.master : netlink_veth_add(netlink, &veth, err);
}

/* --- files --- */

int probe_reflink(const char *dir)
{
	auto_close int from = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	auto_close int to = from < 0 ? -1 : open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	static const char block[4096] = "sysct";

	if (from < 0 || to < 0)
		return -errno;
	if (write_all(from, block, sizeof(block)) < 0)
		return -EIO;
	return result(ioctl(to, FICLONE, from));
}

/* --- what the kernel says of itself --- */

static bool module_listed(const char *list, const char *name)
{
	struct utsname uts;
	auto_free char *path = NULL, *text = NULL, *file = xasprintf("/%s.ko", name);

	if (uname(&uts) < 0)
		return false;
	path = xasprintf("/lib/modules/%s/%s", uts.release, list);
	return read_file_at(AT_FDCWD, path, MODULES_MAX, &text, NULL) == 0 && strstr(text, file);
}

enum probe_module probe_module(const char *name)
{
	auto_free char *path = xasprintf("/sys/module/%s", name);

	for (char *c = path; *c; c++)
		if (*c == '-')
			*c = '_';
	if (access(path, F_OK) == 0 || module_listed("modules.builtin", name))
		return MODULE_THERE;
	if (module_listed("modules.dep", name))
		return MODULE_LOADABLE;
	return access("/proc/modules", F_OK) < 0 ? MODULE_THERE : MODULE_MISSING;
}

/* A line "install NAME /bin/false" or "blacklist NAME", which keeps the kernel from finding it by an alias. */
static bool keeps_out(const char *text, const char *name)
{
	auto_strings struct strings lines = STRINGS_EMPTY;

	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, lines.items[i], " \t");
		if (words.n < 2 || strcmp(words.items[1], name) != 0)
			continue;
		if (strcmp(words.items[0], "blacklist") == 0)
			return true;
		if (strcmp(words.items[0], "install") == 0 && words.n > 2 &&
		    (text_ends(words.items[2], "/false") || text_ends(words.items[2], "/true")))
			return true;
	}
	return false;
}

bool probe_module_kept_out(const char *name)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_closedir DIR *dir = opendir(dirs[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			auto_free char *text = NULL;

			if (text_ends(entry->d_name, ".conf") &&
			    read_file_at(dirfd(dir), entry->d_name, 1 << 20, &text, NULL) == 0 && keeps_out(text, name))
				return true;
		}
	}
	return false;
}

bool probe_filesystem(const char *type)
{
	auto_free char *text = NULL, *word = xasprintf("\t%s\n", type);

	return read_file_at(AT_FDCWD, "/proc/filesystems", 65536, &text, NULL) == 0 && strstr(text, word);
}

void probe_cgroups_done(struct probe_cgroups *cgroups)
{
	free(cgroups->v2);
	strings_clear(&cgroups->v2_controllers);
	strings_clear(&cgroups->v1_controllers);
	strings_clear(&cgroups->v1_paths);
	strings_clear(&cgroups->readonly);
	*cgroups = (struct probe_cgroups)PROBE_CGROUPS_EMPTY;
}

/* false: it is hidden by another mount. */
static bool note_v2(struct probe_cgroups *cgroups, const char *point)
{
	auto_free char *path = xasprintf("%s/cgroup.controllers", point), *text = NULL;

	if (read_file_at(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return false;
	if (!cgroups->v2) {
		cgroups->v2 = xstrdup(point);
		strings_split(&cgroups->v2_controllers, text, " \n");
	}
	return true;
}

static bool note_v1(struct probe_cgroups *cgroups, const char *point, const char *super)
{
	static const char *const known[] = { "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids",
					     "name=systemd" };
	auto_strings struct strings words = STRINGS_EMPTY;
	struct statfs fs;

	if (statfs(point, &fs) < 0 || fs.f_type != CGROUP1_MAGIC)
		return false;
	strings_split(&words, super, ",");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strings_has(&words, known[i]) || strings_has(&cgroups->v1_controllers, known[i]))
			continue;
		strings_add(&cgroups->v1_controllers, known[i]);
		strings_add(&cgroups->v1_paths, point);
	}
	return true;
}

/* "... ROOT POINT OPTIONS ... - TYPE SOURCE SUPER" (proc_pid_mountinfo(5)) */
static void note_mount(struct probe_cgroups *cgroups, char *line)
{
	char *dash = strstr(line, " - "), point[512], type[32], super[256];
	bool seen;

	if (!dash || sscanf(dash, " - %31s %*s %255s", type, super) != 2 || strncmp(type, "cgroup", 6) != 0 ||
	    sscanf(line, "%*s %*s %*s %*s %511s", point) != 1)
		return;
	if (strcmp(type, "cgroup2") == 0)
		seen = note_v2(cgroups, point);
	else
		seen = note_v1(cgroups, point, super);
	if (seen && faccessat(AT_FDCWD, point, W_OK, AT_EACCESS) < 0 && !strings_has(&cgroups->readonly, point))
		strings_add(&cgroups->readonly, point);
}

int probe_cgroups(struct probe_cgroups *ret)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	auto_free char *text = NULL;
	int r = read_file_at(AT_FDCWD, "/proc/self/mountinfo", 16U << 20, &text, NULL);

	if (r < 0)
		return r;
	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		note_mount(ret, lines.items[i]);
	return 0;
}
