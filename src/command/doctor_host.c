/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the host gives: cgroups, ids, directories and their disk, settings of its kernel, security modules. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/doctor.h"
#include "os/probe.h"
#include "store/container.h"
#include "store/idpool.h"
#include "store/superblock.h"

/* --- where we are --- */

static void look_init(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *comm = NULL;

	(void)exam, (void)check;
	if (access("/run/systemd/system", F_OK) == 0) {
		found(ret, VERDICT_OK, NULL, "systemd");
		return;
	}
	if (read_file_at(AT_FDCWD, "/proc/1/comm", 64, &comm, NULL) < 0)
		comm = xstrdup("unknown");
	found(ret, VERDICT_OK, NULL, "%.*s; nothing of sysct needs systemd, and containers may have it", (int)strcspn(comm, "\n"), comm);
}

static void look_container(const struct exam *exam, const struct check *check, struct finding *ret)
{
	(void)check;
	if (exam->nested)
		found(ret, VERDICT_OK, NULL, "sysct runs in a container: no images, directories instead; ids, cgroups and devices are of "
					     "those that the container was given");
	else
		found(ret, VERDICT_OK, NULL, "all ids of the machine are there: this is no container with a user namespace");
}

static void look_clock(const struct exam *exam, const struct check *check, struct finding *ret)
{
	char now[32];

	(void)exam, (void)check;
	format_time(time(NULL), now, sizeof(now));
	if (time(NULL) < 1735689600)	/* 2025 */
		found(ret, VERDICT_WARN, "date -s, or a time service", "the clock says %s: certificates and signatures are not valid yet, so "
									 "nothing can be downloaded",
		      now);
	else
		found(ret, VERDICT_OK, NULL, "%s", now);
}

static void look_config(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct host_config host;
	struct container_config defaults;
	struct error err = ERROR_NONE;
	const char *path = exam->install->config;

	(void)check;
	host_config_init(&host);
	config_init(&defaults);
	if (config_load_host(path, !exam->install->config_given, &host, &defaults, &err) < 0)
		found(ret, err.code == EACCES ? VERDICT_UNKNOWN : VERDICT_FAIL, "sysct config check", "%.*s",
		      (int)strcspn(err.message, "\n"), err.message);
	else if (access(path, F_OK) == 0)
		found(ret, VERDICT_OK, NULL, "%s has no error", path);
	else
		found(ret, VERDICT_OK, NULL, "%s is not there: the built-in defaults count", path);
	host_config_done(&host);
	config_done(&defaults);
}

/* --- cgroups --- */

static void look_layout(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_probe_cgroups struct probe_cgroups cgroups = PROBE_CGROUPS_EMPTY;
	auto_free char *v1 = NULL, *v2 = NULL;

	(void)exam, (void)check;
	probe_cgroups(&cgroups);
	v1 = strings_join(&cgroups.v1_controllers, ", ");
	v2 = strings_join(&cgroups.v2_controllers, ", ");
	if (cgroups.v2 && !cgroups.v1_controllers.n)
		found(ret, VERDICT_OK, NULL, "cgroup2 at %s with %s", cgroups.v2, v2);
	else if (cgroups.v2)
		found(ret, VERDICT_OK, NULL, "hybrid: cgroup2 at %s with %s; v1 with %s", cgroups.v2, *v2 ? v2 : "no controller", v1);
	else if (cgroups.v1_controllers.n)
		found(ret, VERDICT_OK, NULL, "v1 with %s; sysct has a cgroup2 of its own, which no mount table shows", v1);
	else
		found(ret, VERDICT_WARN, "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
		      "no hierarchy can be seen; sysct has a cgroup2 of its own, which no mount table shows");
}

static void look_writable(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_probe_cgroups struct probe_cgroups cgroups = PROBE_CGROUPS_EMPTY;
	auto_free char *list = NULL;

	(void)check;
	probe_cgroups(&cgroups);
	list = strings_join(&cgroups.readonly, ", ");
	if (!cgroups.readonly.n)
		found(ret, VERDICT_OK, NULL, "groups can be made in each hierarchy");
	else
		found(ret, VERDICT_FAIL,
		      exam->nested ? "on the host of this container: sysct config set NAME security.nesting=yes, and restart it" :
				     "mount -o remount,rw each of them",
		      "no group can be made in %s", list);
}

struct controller {
	const char *v1, *v2, *lost, *fix;
};

static void look_controller(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_probe_cgroups struct probe_cgroups cgroups = PROBE_CGROUPS_EMPTY;
	const struct controller *c = check->arg;

	probe_cgroups(&cgroups);
	for (size_t i = 0; i < cgroups.v1_controllers.n; i++) {
		if (strcmp(cgroups.v1_controllers.items[i], c->v1) != 0)
			continue;
		found(ret, VERDICT_OK, NULL, "cgroup v1 at %s", cgroups.v1_paths.items[i]);
		return;
	}
	if (strings_has(&cgroups.v2_controllers, c->v2))
		found(ret, VERDICT_OK, NULL, "cgroup2 at %s", cgroups.v2);
	else
		found(ret, VERDICT_WARN,
		      exam->nested ? "on the host of this container: sysct config set NAME security.nesting=yes, and restart it" : c->fix,
		      "no hierarchy has the controller %s: %s cannot be set", c->v2, c->lost);
}

static const struct controller memory = { "memory", "memory", "limits.memory and limits.swap",
					  "cgroup_enable=memory on the kernel's command line" };
static const struct controller cpu = { "cpu", "cpu", "limits.cpus and limits.cpu_weight", "a kernel with CONFIG_CFS_BANDWIDTH" };
static const struct controller cpuset = { "cpuset", "cpuset", "limits.cpuset", "a kernel with CONFIG_CPUSETS" };
static const struct controller pids = { "pids", "pids", "limits.tasks", "a kernel with CONFIG_CGROUP_PIDS" };
static const struct controller io = { "blkio", "io", "limits.io_read, io_write and io_weight", "a kernel with CONFIG_BLK_CGROUP" };

/* --- ids --- */

static void look_subid(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
	bool has[2] = { false, false };

	(void)check;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_id_ranges struct id_ranges mine = ID_RANGES_EMPTY, others = ID_RANGES_EMPTY;
		auto_free char *text = NULL;

		if (read_file_at(AT_FDCWD, files[i], 4U << 20, &text, NULL) < 0)
			continue;
		idpool_read_subid(text, &mine, &others);
		has[i] = mine.n > 0;
	}
	if (exam->nested)
		found(ret, VERDICT_OK, NULL, "they do not count in a container: its own map does");
	else if (has[0] != has[1])
		found(ret, VERDICT_WARN, "have the same line root:FIRST:COUNT in both, or in none",
		      "%s has a line for root and %s has none: neither counts, but [host] id_pool", files[!has[0]], files[has[0]]);
	else if (has[0])
		found(ret, VERDICT_OK, NULL, "root's lines in /etc/subuid and /etc/subgid are the pool");
	else
		found(ret, VERDICT_OK, NULL, "none for root: [host] id_pool is the pool");
}

static void look_pool(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct error err = ERROR_NONE;
	struct idpool_left left;

	(void)check;
	if (idpool_left(exam->install, exam->host, &left, &err) < 0)
		found(ret, VERDICT_FAIL, *err.hint ? err.hint : NULL, "%s", err.message);
	else if (left.containers == 0)
		found(ret, VERDICT_FAIL, left.hint, "%s has no %u ids in a row left, and each container needs so many", left.source,
		      IDPOOL_COUNT);
	else if (left.containers < 8)
		found(ret, VERDICT_WARN, left.hint, "%s has ids for %u more containers", left.source, left.containers);
	else
		found(ret, VERDICT_OK, NULL, "%s has ids for %u more containers", left.source, left.containers);
}

/* --- directories --- */

struct place {
	size_t offset;		/* in struct install */
	bool large;		/* images lie there */
	bool own;		/* nobody else's: as install_make_dirs() wants it */
};

static const struct place state_place = { offsetof(struct install, state_dir), true, true };
static const struct place cache_place = { offsetof(struct install, cache_dir), true, true };
static const struct place run_place = { offsetof(struct install, run_dir), false, true };

static const char *path_of(const struct exam *exam, const struct place *place)
{
	return *(char *const *)(const void *)((const char *)exam->install + place->offset);
}

/* The directory, or what of its path there is already. Caller frees. */
static char *there(const char *path)
{
	char *at = xstrdup(path);

	while (at[1] && access(at, F_OK) < 0 && errno == ENOENT) {
		char *slash = strrchr(at, '/');

		slash[slash == at] = '\0';
	}
	return at;
}

static const char *network_type(unsigned long type)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} types[] = { { 0x6969, "NFS" },       { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" },	 { 0x01021997, "9p" },
		      { 0x65735546, "FUSE" },  { 0x00c36400, "Ceph" }, { 0x5346414f, "AFS" } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].magic == type)
			return types[i].name;
	return NULL;
}

static bool not_ours(const char *path, struct finding *ret)
{
	char fix[256];
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	snprintf(fix, sizeof(fix), "look into it; then, if nobody else uses it: chown root:root %s; chmod go-w %s", path, path);
	if (!S_ISDIR(st.st_mode))
		found(ret, VERDICT_FAIL, "give the path that it leads to, or move it away", "%s is %s, no directory", path,
		      S_ISLNK(st.st_mode) ? "a link" : "something else");
	else if (st.st_uid != 0)
		found(ret, VERDICT_FAIL, fix, "%s belongs to user %u, not to root", path, st.st_uid);
	else if (st.st_mode & 022)
		found(ret, VERDICT_FAIL, fix, "others may write to %s (mode %04o)", path, st.st_mode & 07777);
	else
		return false;
	return true;
}

static void look_place(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct place *place = check->arg;
	const char *path = path_of(exam, place), *network;
	auto_free char *at = there(path);
	struct statvfs vfs;
	struct statfs fs;
	char fix[320];

	if (not_ours(path, ret))
		return;
	if (statvfs(at, &vfs) < 0 || statfs(at, &fs) < 0) {
		found(ret, VERDICT_FAIL, NULL, "%s: %s", at, strerror(errno));
		return;
	}
	network = network_type((unsigned long)fs.f_type);
	snprintf(fix, sizeof(fix), "mount -o remount,%s the file system of %s", vfs.f_flag & ST_RDONLY ? "rw" : "exec", at);
	if (vfs.f_flag & ST_RDONLY)
		found(ret, VERDICT_FAIL, fix, "%s is read-only", at);
	else if (place->large && network)
		found(ret, VERDICT_WARN, "use a local file system: --state-dir, --cache-dir, or a mount of one there",
		      "%s is on %s: images on it are slow, and hang with the network", at, network);
	else if (place->large && (vfs.f_flag & ST_NOEXEC))
		found(ret, VERDICT_WARN, fix, "%s is noexec: no program runs in a container that has a directory there; images are not concerned",
		      at);
	else
		found(ret, VERDICT_OK, NULL, "%s%s", path, strcmp(at, path) == 0 ? "" : " is not there yet");
}

#define SPACE_WARN (2ULL << 30)
#define SPACE_FAIL (128ULL << 20)

static void look_space(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const char *path = path_of(exam, check->arg);
	auto_free char *at = there(path);
	struct statvfs vfs;
	uint64_t left;
	char size[32];

	if (statvfs(at, &vfs) < 0) {
		found(ret, VERDICT_FAIL, NULL, "%s: %s", at, strerror(errno));
		return;
	}
	left = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	format_size(left, size, sizeof(size));
	if (left < SPACE_FAIL || (vfs.f_files && vfs.f_favail < 16))
		found(ret, VERDICT_FAIL, "sysct image prune; sysct trim --all; or make room", "%s has %s and %" PRIu64 " files left", at, size,
		      (uint64_t)vfs.f_favail);
	else if (left < SPACE_WARN || (vfs.f_files && vfs.f_favail < 1024))
		found(ret, VERDICT_WARN, "sysct image prune; sysct trim --all; or make room",
		      "%s has %s and %" PRIu64 " files left; images are sparse, and fail to grow when it is full", at, size,
		      (uint64_t)vfs.f_favail);
	else
		found(ret, VERDICT_OK, NULL, "%s has %s left", at, size);
}

static void look_reflink(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *state = there(exam->install->state_dir), *cache = there(exam->install->cache_dir);
	struct stat a, b;
	int r = probe_reflink(state);

	(void)check;
	if (r == 0 && stat(state, &a) == 0 && stat(cache, &b) == 0 && a.st_dev != b.st_dev)
		found(ret, VERDICT_OK, NULL, "%s can share blocks, but %s is another file system: a create copies data", state, cache);
	else if (r == 0)
		found(ret, VERDICT_OK, NULL, "%s can share blocks: a create copies nothing", state);
	else
		found(ret, VERDICT_OK, NULL, "%s shares no blocks (%s): a create copies data; XFS and btrfs would share", state, strerror(-r));
}

static void look_loop(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	auto_closedir DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	unsigned int used = 0;

	(void)check;
	while (dir && (entry = readdir(dir))) {
		auto_free char *path = xasprintf("/sys/block/%s/loop/backing_file", entry->d_name);

		used += access(path, F_OK) == 0;
	}
	if (control >= 0)
		found(ret, VERDICT_OK, NULL, "%u in use; the kernel makes more as they are needed", used);
	else if (exam->nested)
		found(ret, VERDICT_OK, NULL, "none in a container, and none is needed there");
	else
		found(ret, VERDICT_FAIL, "modprobe loop; or directories instead of images: rootfs.directory", "/dev/loop-control: %s",
		      strerror(errno));
}

/* What the kernel wrote into the images when it met errors. */
static void look_images(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_text struct text bad = TEXT_EMPTY;
	struct error err = ERROR_NONE;
	char fix[320] = "";

	(void)check;
	if (container_names(exam->install, &names, &err) < 0) {
		found(ret, VERDICT_UNKNOWN, NULL, "%s", err.message);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf("%s/containers/%s/rootfs.img", exam->install->state_dir, names.items[i]);
		auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		struct superblock super;

		if (fd < 0 || superblock_read(fd, &super) < 0 || !super.has_errors)
			continue;
		if (!bad.len)
			snprintf(fix, sizeof(fix), "sysct stop %s; e2fsck -f %s", names.items[i], path);
		text_add(&bad, "%s%s", bad.len ? ", " : "", names.items[i]);
	}
	if (bad.len)
		found(ret, VERDICT_WARN, fix, "the kernel has met errors in the file system of %s", bad.data);
	else
		found(ret, VERDICT_OK, NULL, "no errors were noted in those of %zu containers", names.n);
}

/* --- devices that containers may be given --- */

struct node {
	const char *path, *key, *fix;
};

static const struct node fuse = { "/dev/fuse", "device.fuse, and fuse of security.nesting", "modprobe fuse" };
static const struct node tun = { "/dev/net/tun", "device.tun, and tun of security.nesting", "modprobe tun" };
static const struct node kvm = { "/dev/kvm", "device.kvm", "modprobe kvm_intel or kvm_amd; or allow nested virtualization" };

static void look_node(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct node *node = check->arg;

	(void)exam;
	if (access(node->path, F_OK) == 0)
		found(ret, VERDICT_OK, NULL, "%s is there", node->path);
	else
		found(ret, VERDICT_WARN, node->fix, "there is no %s: %s cannot be given", node->path, node->key);
}

/* --- settings of the kernel --- */

struct knob {
	uint64_t least, most;
	uint64_t wanted;	/* what the fix sets */
	const char *why;	/* what another value means */
};

#define KNOB(name, least_, most_, wanted_, why_)                                                   \
	static const struct knob name = { .least = least_, .most = most_, .wanted = wanted_, .why = why_ }

KNOB(symlinks, 1, 9, 1, "links in directories such as /tmp are followed for others, in containers too");
KNOB(hardlinks, 1, 9, 1, "hard links to files of others can be made, in containers too");
KNOB(fifos, 1, 9, 1, "programs open for writing what others have put into directories such as /tmp as a FIFO");
KNOB(regular, 1, 9, 2, "programs open for writing what others have put into directories such as /tmp");
KNOB(tiocsti, 0, 0, 0, "a program can type into the terminal that it was started from, for whoever comes next");
KNOB(dmesg, 1, 9, 1, "everybody reads the kernel's log and the addresses in it, in containers too");
KNOB(kptr, 1, 9, 1, "everybody sees the kernel's addresses in /proc, in containers too");
KNOB(bpf, 1, 9, 1, "everybody on the host may load BPF programs; containers may not, their filter holds them");
KNOB(userfaultfd, 0, 0, 0, "everybody on the host may hold the kernel in a page fault; containers may not");
KNOB(perf, 2, 9, 2, "everybody on the host may watch the kernel by perf events; containers may not");
KNOB(userns_max, 1024, UINT64_MAX, 16384, "each container is one, and programs inside make more");
KNOB(userns_clone, 1, 9, 1, "programs inside that are not root can make no user namespace: no rootless podman, no sandboxes of browsers");
KNOB(userns_apparmor, 0, 0, 0,
     "programs inside that are not root can make no useful user namespace: no rootless podman, no sandboxes of browsers");
KNOB(inotify_instances, 128, UINT64_MAX, 1024, "systemd inside needs some 60, and each container has its own count");
KNOB(inotify_watches, 8192, UINT64_MAX, 1048576, "programs inside that watch trees of files run out of watches");
KNOB(keys, 200, UINT64_MAX, 2000, "keyrings are counted by id, and a few programs use them up");
KNOB(pid_max, 65536, UINT64_MAX, 4194304, "all containers share that many process ids, and each may take an eighth of them");
KNOB(neigh4, 1024, UINT64_MAX, 8192, "the table of neighbours overflows with some hundred containers");
KNOB(neigh6, 1024, UINT64_MAX, 8192, "the table of neighbours overflows with some hundred containers");

/* "sysctl.fs.protected_symlinks": its name is that of the setting. */
static char *knob_path(const struct check *check)
{
	char *path = xasprintf("/proc/sys/%s", strchr(check->id, '.') + 1);

	for (char *c = path; *c; c++)
		if (*c == '.')
			*c = '/';
	return path;
}

static void knob_fix(const struct exam *exam, const char *name, uint64_t wanted, char *buf, size_t room)
{
	snprintf(buf, room, "%ssysctl -w %s=%" PRIu64 "; to keep it: %s = %" PRIu64 " in /etc/sysctl.d/60-sysct.conf",
		 exam->nested ? "on the host of this container: " : "", name, wanted, name, wanted);
}

static bool read_number(const char *path, uint64_t *ret)
{
	auto_free char *text = NULL;

	if (read_file_at(AT_FDCWD, path, 64, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n\t ")] = '\0';
	return parse_u64(text, ret) == 0;
}

static void look_knob(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct knob *knob = check->arg;
	const char *name = strchr(check->id, '.') + 1;
	auto_free char *path = knob_path(check);
	char fix[320];
	uint64_t value;

	if (access(path, F_OK) < 0) {
		found(ret, VERDICT_OK, NULL, "this kernel does not have it");
		return;
	}
	if (!read_number(path, &value)) {
		/* -1, "everybody may": of perf_event_paranoid */
		auto_free char *text = NULL;

		if (read_file_at(AT_FDCWD, path, 64, &text, NULL) < 0) {
			found(ret, VERDICT_UNKNOWN, "sudo sysct doctor", "%s cannot be read: %s", path, strerror(errno));
			return;
		}
		value = 0;
	}
	knob_fix(exam, name, knob->wanted, fix, sizeof(fix));
	if (value < knob->least || value > knob->most)
		found(ret, VERDICT_WARN, fix, "it is %" PRIu64 ": %s", value, knob->why);
	else
		found(ret, VERDICT_OK, NULL, "%" PRIu64, value);
}

/* What is used up as one goes, all containers together: the count beside the limit. */
struct gauge {
	const char *count;	/* below /proc/sys */
	uint64_t least, wanted;
	const char *why;
};

static const struct gauge ptys = { "/proc/sys/kernel/pty/nr", 4096, 16384,
				   "all containers share them, and one may take 1024 with each /dev/pts that it mounts" };
static const struct gauge conntrack = { "/proc/sys/net/netfilter/nf_conntrack_count", 65536, 262144,
					"connections of all containers are in one table, and the next ones are dropped when it is full" };

static void look_gauge(const struct exam *exam, const struct check *check, struct finding *ret)
{
	const struct gauge *gauge = check->arg;
	const char *name = strchr(check->id, '.') + 1;
	auto_free char *path = knob_path(check);
	uint64_t max, count = 0;
	char fix[320];

	if (!read_number(path, &max)) {
		found(ret, VERDICT_OK, NULL, "not there: what it limits is not loaded");
		return;
	}
	read_number(gauge->count, &count);
	knob_fix(exam, name, max < gauge->wanted ? gauge->wanted : max * 2, fix, sizeof(fix));
	if (max < gauge->least || count > max / 4 * 3)
		found(ret, VERDICT_WARN, fix, "%" PRIu64 " of %" PRIu64 " in use: %s", count, max, gauge->why);
	else
		found(ret, VERDICT_OK, NULL, "%" PRIu64 " of %" PRIu64 " in use", count, max);
}

/* --- security modules --- */

static void look_lsm(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *list = NULL, *enforce = NULL;

	(void)exam, (void)check;
	if (read_file_at(AT_FDCWD, "/sys/fs/selinux/enforce", 16, &enforce, NULL) == 0 && *enforce == '1') {
		found(ret, VERDICT_WARN, "if starts are denied: a policy that lets sysct, or setenforce 0 to see whether it is that",
		      "SELinux enforces its policy, under which sysct is untried; containers get a context by security.selinux");
		return;
	}
	if (read_file_at(AT_FDCWD, "/sys/kernel/security/lsm", 512, &list, NULL) == 0) {
		list[strcspn(list, "\n")] = '\0';
		found(ret, VERDICT_OK, NULL, "%s; a container gets a profile or context when its configuration names one", list);
	} else {
		found(ret, VERDICT_OK, NULL, "none is seen; user namespaces, capabilities and filters do not need one");
	}
}

const struct check host_checks[] = {
	{ "host.init", "process 1", look_init, NULL, false },
	{ "host.container", "this is", look_container, NULL, false },
	{ "host.clock", "clock", look_clock, NULL, false },
	{ "host.config", "sysct.conf", look_config, NULL, false },
	{ "host.security", "security modules", look_lsm, NULL, false },
	{ "cgroup.layout", "cgroups", look_layout, NULL, false },
	{ "cgroup.writable", "new cgroups", look_writable, NULL, true },
	{ "cgroup.memory", "limits of memory", look_controller, &memory, false },
	{ "cgroup.cpu", "limits of CPU", look_controller, &cpu, false },
	{ "cgroup.cpuset", "sets of CPUs", look_controller, &cpuset, false },
	{ "cgroup.pids", "limits of tasks", look_controller, &pids, false },
	{ "cgroup.io", "limits of disk I/O", look_controller, &io, false },
	{ "ids.files", "subordinate ids", look_subid, NULL, false },
	{ "ids.pool", "ids left", look_pool, NULL, true },
	{ "storage.state", "state directory", look_place, &state_place, false },
	{ "storage.cache", "cache directory", look_place, &cache_place, false },
	{ "storage.run", "run directory", look_place, &run_place, false },
	{ "storage.state-space", "room for containers", look_space, &state_place, false },
	{ "storage.cache-space", "room for the cache", look_space, &cache_place, false },
	{ "storage.reflink", "copies of images", look_reflink, NULL, true },
	{ "storage.loop", "loop devices", look_loop, NULL, true },
	{ "storage.images", "file systems", look_images, NULL, true },
	{ "device.fuse", "/dev/fuse", look_node, &fuse, false },
	{ "device.tun", "/dev/net/tun", look_node, &tun, false },
	{ "device.kvm", "/dev/kvm", look_node, &kvm, false },
	{ "sysctl.user.max_user_namespaces", "user namespaces", look_knob, &userns_max, false },
	{ "sysctl.kernel.unprivileged_userns_clone", "user namespaces inside", look_knob, &userns_clone, false },
	{ "sysctl.kernel.apparmor_restrict_unprivileged_userns", "user namespaces inside", look_knob, &userns_apparmor, false },
	{ "sysctl.kernel.pid_max", "process ids", look_knob, &pid_max, false },
	{ "sysctl.kernel.pty.max", "terminals", look_gauge, &ptys, false },
	{ "sysctl.kernel.keys.maxkeys", "keys", look_knob, &keys, false },
	{ "sysctl.fs.inotify.max_user_instances", "inotify instances", look_knob, &inotify_instances, false },
	{ "sysctl.fs.inotify.max_user_watches", "inotify watches", look_knob, &inotify_watches, false },
	{ "sysctl.net.netfilter.nf_conntrack_max", "connections", look_gauge, &conntrack, false },
	{ "sysctl.net.ipv4.neigh.default.gc_thresh3", "neighbours, IPv4", look_knob, &neigh4, false },
	{ "sysctl.net.ipv6.neigh.default.gc_thresh3", "neighbours, IPv6", look_knob, &neigh6, false },
	{ "sysctl.fs.protected_symlinks", "links", look_knob, &symlinks, false },
	{ "sysctl.fs.protected_hardlinks", "hard links", look_knob, &hardlinks, false },
	{ "sysctl.fs.protected_fifos", "FIFOs", look_knob, &fifos, false },
	{ "sysctl.fs.protected_regular", "files", look_knob, &regular, false },
	{ "sysctl.dev.tty.legacy_tiocsti", "typing into terminals", look_knob, &tiocsti, false },
	{ "sysctl.kernel.dmesg_restrict", "kernel's log", look_knob, &dmesg, false },
	{ "sysctl.kernel.kptr_restrict", "kernel's addresses", look_knob, &kptr, false },
	{ "sysctl.kernel.unprivileged_bpf_disabled", "BPF for everybody", look_knob, &bpf, false },
	{ "sysctl.vm.unprivileged_userfaultfd", "userfaultfd", look_knob, &userfaultfd, false },
	{ "sysctl.kernel.perf_event_paranoid", "perf events", look_knob, &perf, false },
};
const size_t n_host_checks = ARRAY_SIZE(host_checks);
