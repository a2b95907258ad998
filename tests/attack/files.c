/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways out of the root file system: the old root, mounts and what lies below them, descriptors, handles. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* --- what is mounted, as /proc/PID/mountinfo says --- */

struct mount {
	char id[16], root[PATH_MAX], point[PATH_MAX], type[40];
	unsigned int major, minor;
};

/* The next line; false at the end. */
static bool next_mount(const char **at, struct mount *ret)
{
	const char *dash;

	if (!**at)
		return false;
	if (sscanf(*at, "%15s %*s %u:%u %4095s %4095s", ret->id, &ret->major, &ret->minor, ret->root, ret->point) != 5)
		broken("a line of mountinfo is not to be understood: %.60s", *at);
	dash = strstr(*at, " - ");
	if (!dash || sscanf(dash + 3, "%39s", ret->type) != 1)
		broken("a line of mountinfo has no type");
	*at += strcspn(*at, "\n");
	*at += **at == '\n';
	return true;
}

static const char *mountinfo(void)
{
	static char copy[1 << 17];
	const char *text = slurp("/proc/self/mountinfo");

	if (!text || !*text)
		broken("cannot read /proc/self/mountinfo");
	snprintf(copy, sizeof(copy), "%s", text);
	return copy;
}

static bool is_mounted_here(dev_t device)
{
	const char *at = mountinfo();
	struct mount m;

	while (next_mount(&at, &m))
		if (makedev(m.major, m.minor) == device)
			return true;
	return false;
}

/* --- B7 --- */

/* A directory that is held while the root is put below it: ".." then leads on, to the root that the container was put
 * into by chroot(2). Where it was put there by pivot_root(2), that is its own. */
static void chroot_escape(const void *arg)
{
	struct stat root, reached;
	const char *dir = scratch();
	int above;

	(void)arg;
	if (stat("/", &root) < 0)
		broken("cannot look at /");
	above = open("/", O_PATH | O_DIRECTORY);
	if (above < 0 || chroot(dir) < 0 || fchdir(above) < 0)
		broken("cannot change the root: %s", errno_name(errno));
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	if (stat(".", &reached) < 0)
		broken("cannot look at what was reached");
	if (chroot(".") < 0)
		broken("cannot change the root again: %s", errno_name(errno));
	rmdir(dir);
	if (reached.st_dev != root.st_dev || reached.st_ino != root.st_ino)
		breach("device %u:%u, inode %llu is above /", major(reached.st_dev), minor(reached.st_dev),
		       (unsigned long long)reached.st_ino);
	pass("nothing is above /");
}

static const char *const kernel_types[] = { "proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2",
					    "securityfs", "debugfs", "tracefs", "bpf", "nsfs", "fusectl",
					    "configfs", "pstore", "efivarfs", "hugetlbfs", "binfmt_misc" };

static bool is_kernel_type(const char *type)
{
	for (size_t i = 0; i < COUNT(kernel_types); i++)
		if (strcmp(type, kernel_types[i]) == 0)
			return true;
	return false;
}

/* Where the root file system lies on the host, and what else of its disks is mounted, is nobody's business inside. */
static void host_mounts(const void *arg)
{
	const char *at = mountinfo();
	struct mount m;

	(void)arg;
	while (next_mount(&at, &m)) {
		if (is_kernel_type(m.type))
			continue;
		if (strcmp(m.root, "/") != 0 || strcmp(m.point, "/") != 0)
			breach("%s on %s is \"%s\" of a file system of type %s", m.id, m.point, m.root, m.type);
	}
	pass("one file system, whole, at /");
}

/* Unmount everything: below a mount of ours there must be nothing that was not ours. */
static void uncover(const void *arg)
{
	static char points[256][256];
	static dev_t devices[256];
	const char *at = mountinfo();
	struct stat root, now;
	struct mount m;
	size_t n = 0;

	(void)arg;
	for (; n < COUNT(points) && next_mount(&at, &m); n++) {
		snprintf(points[n], sizeof(points[n]), "%.255s", m.point);
		devices[n] = makedev(m.major, m.minor);
	}
	own_mounts();
	if (stat("/", &root) < 0)
		broken("cannot look at /");
	for (size_t i = n; i--;)	/* what is on top first */
		umount2(points[i], MNT_DETACH);
	for (int i = 0; i < 8 && umount2("/", MNT_DETACH) == 0; i++)
		;
	for (size_t i = 0; i < n; i++) {
		bool known = false;

		if (stat(points[i], &now) < 0)
			continue;
		for (size_t k = 0; k < n; k++)
			known = known || devices[k] == now.st_dev;
		if (!known || (strcmp(points[i], "/") == 0 && now.st_ino != root.st_ino))
			breach("below %s lies inode %llu of device %u:%u", points[i], (unsigned long long)now.st_ino,
			       major(now.st_dev), minor(now.st_dev));
	}
	pass("below the mounts there is nothing but what was mounted");
}

/* pivot_root(2) into a tmpfs of ours, and look at what was the old root. */
static void pivot_back(const void *arg)
{
	struct stat root, above;

	(void)arg;
	own_mounts();
	if (stat("/", &root) < 0 || mount("attack", "/mnt", "tmpfs", 0, NULL) < 0 || mkdir("/mnt/old", 0755) < 0)
		broken("cannot mount a tmpfs: %s", errno_name(errno));
	if (syscall(SYS_pivot_root, "/mnt", "/mnt/old") < 0)
		pass("%s", errno_name(errno));
	if (stat("/old", &above) < 0)
		broken("cannot look at the old root");
	if (above.st_dev != root.st_dev || above.st_ino != root.st_ino)
		breach("the old root is inode %llu of device %u:%u", (unsigned long long)above.st_ino,
		       major(above.st_dev), minor(above.st_dev));
	pass("the old root is the container's");
}

/* The root of every process that can be seen is ours too. */
static void other_roots(const void *arg)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	struct stat own, root;
	int n = 0;

	(void)arg;
	if (!proc || stat("/", &own) < 0)
		broken("cannot read /proc");
	while ((e = readdir(proc))) {
		char path[300];

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		n++;
		snprintf(path, sizeof(path), "/proc/%s/root/", e->d_name);
		if (stat(path, &root) < 0)
			continue;
		if (root.st_dev != own.st_dev || root.st_ino != own.st_ino)
			breach("the root of process %s is inode %llu of device %u:%u", e->d_name,
			       (unsigned long long)root.st_ino, major(root.st_dev), minor(root.st_dev));
	}
	pass("%d processes, one root", n);
}

/* --- A2: what processes hold --- */

static void look_at(const char *what, const char *pid)
{
	struct stat st;

	if (stat(what, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
		return;
	if (!is_mounted_here(st.st_dev)) {
		char target[256] = "";

		if (readlink(what, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		/* a memfd, a deleted file of a tmpfs that the kernel keeps for itself: no way to anything */
		if (strncmp(target, "/memfd:", 7) == 0)
			return;
		breach("%s of process %s leads to %s, on device %u:%u, which is not mounted here", strrchr(what, '/') + 1,
		       pid, target, major(st.st_dev), minor(st.st_dev));
	}
}

static void held(const void *arg)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	DIR *proc = opendir("/proc");
	struct dirent *e, *f;
	int n = 0;

	(void)arg;
	if (!proc)
		broken("cannot read /proc");
	while ((e = readdir(proc))) {
		char path[600];
		DIR *fds;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		for (size_t i = 0; i < COUNT(links); i++) {
			snprintf(path, sizeof(path), "/proc/%s/%s", e->d_name, links[i]);
			look_at(path, e->d_name);
		}
		snprintf(path, sizeof(path), "/proc/%s/fd", e->d_name);
		fds = opendir(path);
		while (fds && (f = readdir(fds))) {
			snprintf(path, sizeof(path), "/proc/%s/fd/%s", e->d_name, f->d_name);
			look_at(path, e->d_name);
			n++;
		}
		if (fds)
			closedir(fds);
	}
	pass("%d descriptors, all to what is mounted here", n);
}

/* given: what this program was given besides three standard streams. */
int given_main(int argc, char **argv)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *e;

	(void)argc;
	(void)argv;
	while (fds && (e = readdir(fds))) {
		int fd = atoi(e->d_name);
		char path[40], target[200] = "";

		if (e->d_name[0] == '.' || fd <= 2 || fd == dirfd(fds))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		printf("descriptor %d: %s\n", fd, target);
		return 1;
	}
	printf("%s\n", fds ? "three streams" : "no /proc/self/fd");
	return fds ? 0 : 2;
}

/* --- C5: handles. The numbers of inodes are guessed, so that no path is needed ("shocker") --- */

struct handle {
	unsigned int bytes;
	int type;
	union {
		unsigned int words[6];
		unsigned long long longs[3];
	};
};

/* The root of the disk below a directory: inode 2, whatever its generation. */
static void handle_of_disk(const void *arg)
{
	static const char *const points[] = { "/", "/dev/null", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname" };
	struct handle h = { .bytes = 8, .type = 1, .words = { 2, 0 } };
	struct stat root, st;

	(void)arg;
	if (stat("/", &root) < 0)
		broken("cannot look at /");
	for (size_t i = 0; i < COUNT(points); i++) {
		int mount = open(points[i], O_RDONLY | O_NONBLOCK), fd;

		if (mount < 0)
			continue;
		fd = (int)syscall(SYS_open_by_handle_at, mount, &h, O_RDONLY);
		if (fd >= 0 && fstat(fd, &st) == 0)
			breach("inode 2 of the disk below %s opens, device %u:%u", points[i], major(st.st_dev),
			       minor(st.st_dev));
		if (fd < 0 && !refused(errno) && errno != EOPNOTSUPP && errno != EINVAL)
			breach("a handle on %s was looked up: %s", points[i], errno_name(errno));
		close(mount);
	}
	pass("no handle is looked up");
}

#define FD_PIDFS (-10002)
#define FD_NSFS (-10003)
#define TYPE_NSFS 0xf1
#define TYPE_KERNFS 0xfe

/* Namespaces, by the numbers that the kernel gives them from 1 on: the host's are among the first. */
static void handle_of_namespace(const void *arg)
{
	int opened = 0;

	(void)arg;
	for (unsigned long long id = 1; id <= 4096; id++) {
		struct handle h = { .bytes = 16, .type = TYPE_NSFS, .longs = { id, 0 } };
		int fd = (int)syscall(SYS_open_by_handle_at, FD_NSFS, &h, O_RDONLY);
		struct stat st;

		if (fd < 0)
			continue;
		opened++;
		if (fstat(fd, &st) == 0 && fact_has("namespaces", st.st_ino))
			breach("namespace %llu of the host opens by its handle", (unsigned long long)st.st_ino);
		close(fd);
	}
	pass("%d of 4096 handles open, none of the host", opened);
}

/* Processes outside, by their numbers. */
static void handle_of_process(const void *arg)
{
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0), opened = 0;
	struct stat st;

	(void)arg;
	if (own < 0 || fstat(own, &st) < 0)
		broken("cannot open a pidfd: %s", errno_name(errno));
	for (unsigned long long i = 0; i < 8192 && i < st.st_ino; i++) {
		struct handle h = { .bytes = 8, .type = TYPE_KERNFS, .longs = { st.st_ino - i } };
		int fd = (int)syscall(SYS_open_by_handle_at, FD_PIDFS, &h, O_RDONLY);
		char path[64];
		const char *info, *pid;

		if (fd < 0)
			continue;
		opened++;
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		info = slurp(path);
		pid = info ? strstr(info, "\nPid:") : NULL;
		close(fd);
		if (pid && atoi(pid + 5) == 0)
			breach("process %llu, which is outside, opens by its handle", h.longs[0]);
	}
	pass("%d handles open, all of processes inside", opened);
}

/* --- the file system itself --- */

/* Frozen, its image could be neither copied nor unmounted by the host. Thawing asks for the same permission, and does
 * nothing to what is not frozen. */
static void freeze(const void *arg)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	(void)arg;
	if (fd < 0)
		broken("cannot open /");
	if (ioctl(fd, FITHAW, 0) == 0 || errno == EINVAL)
		breach("the root file system can be frozen");
	pass("%s", errno_name(errno));
}

/* Flags and sizes that only the owner of the disk may change: an impossible size, which is refused after the permission
 * was asked for. */
static void resize(const void *arg)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	unsigned long long blocks = 0;

	(void)arg;
	if (fd < 0)
		broken("cannot open /");
	if (ioctl(fd, _IOW('f', 16, unsigned long long), &blocks) == 0)
		breach("the root file system can be resized");
	if (errno == EPERM || errno == EACCES || errno == ENOTTY)
		pass("%s", errno_name(errno));
	breach("resizing was allowed, and failed: %s", errno_name(errno));
}

static const struct check items[] = {
	{ "B7-chroot", chroot_escape, NULL },
	{ "B7-mountinfo", host_mounts, NULL },
	{ "B7-uncover", uncover, NULL },
	{ "B7-pivot", pivot_back, NULL },
	{ "B7-roots", other_roots, NULL },
	{ "A2-held", held, NULL },
	{ "C5-disk", handle_of_disk, NULL },
	{ "C5-namespaces", handle_of_namespace, NULL },
	{ "C5-processes", handle_of_process, NULL },
	{ "H6-freeze", freeze, NULL },
	{ "H6-resize", resize, NULL },
};
const struct checks file_checks = CHECKS(items);
