/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that the container was not given: by nodes that it makes, nodes that somebody planted, and by the list that
 * says which ones it has. Nothing is read from them, and nothing written. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	mode_t type;
	unsigned int major, minor;
} wanted[] = {
	/* not all that there are: opening a watchdog, a tape or a serial line does something */
	{ "mem", S_IFCHR, 1, 1 },	    { "kmem", S_IFCHR, 1, 2 },	  { "port", S_IFCHR, 1, 4 },
	{ "kmsg", S_IFCHR, 1, 11 },	    { "tty0", S_IFCHR, 4, 0 },	  { "loop-control", S_IFCHR, 10, 237 },
	{ "fuse", S_IFCHR, 10, 229 },	    { "tun", S_IFCHR, 10, 200 },  { "kvm", S_IFCHR, 10, 232 },
	{ "autofs", S_IFCHR, 10, 235 },	    { "msr", S_IFCHR, 202, 0 },	  { "mapper", S_IFCHR, 10, 236 },
	{ "userfaultfd", S_IFCHR, 10, 126 }, { "loop0", S_IFBLK, 7, 0 },   { "sda", S_IFBLK, 8, 0 },
};

/* 0 or errno: of the open, when there is a node; ENXIO and ENODEV say that it was allowed and that there is none. */
static int open_node(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static bool opens(int code)
{
	return code != EACCES && code != EPERM && code != ENOENT;
}

/* Make each of them in a directory, and open it where that worked. */
static void make_nodes(const char *dir)
{
	unsigned int major_ = 0, minor_ = 0;

	for (size_t i = 0; i <= COUNT(wanted); i++) {
		bool own = i == COUNT(wanted);
		char path[200];
		int code;

		if (own && (!fact("disk") || sscanf(fact("disk"), "%u:%u", &major_, &minor_) != 2))
			break;
		snprintf(path, sizeof(path), "%s/node-%s", dir, own ? "disk" : wanted[i].name);
		unlink(path);
		if (mknod(path, (own ? S_IFBLK : wanted[i].type) | 0666,
			  own ? makedev(major_, minor_) : makedev(wanted[i].major, wanted[i].minor)) < 0)
			continue;
		code = open_node(path);
		unlink(path);
		if (opens(code))
			breach("%s opens in %s: %s", own ? "a disk of the host" : wanted[i].name, dir, errno_name(code));
	}
}

static void make_in_root(const void *arg)
{
	const char *dir = scratch();

	(void)arg;
	make_nodes(dir);
	rmdir(dir);
	make_nodes("/dev");
	pass("none of %zu devices, in / and /dev", COUNT(wanted));
}

/* On a file system of one's own, with dev as its option. */
static void make_in_tmpfs(const void *arg)
{
	(void)arg;
	own_mounts();
	if (mount("attack", "/mnt", "tmpfs", 0, "mode=0755") < 0)
		broken("cannot mount a tmpfs: %s", errno_name(errno));
	make_nodes("/mnt");
	pass("none of %zu devices", COUNT(wanted));
}

/* The kernel's own file system of nodes. */
static void mount_devtmpfs(const void *arg)
{
	(void)arg;
	own_mounts();
	if (mount("attack", "/mnt", "devtmpfs", 0, NULL) == 0)
		breach("devtmpfs can be mounted, with the nodes of the host in it");
	pass("%s", errno_name(errno));
}

/* --- nodes that were in the image before it started: the directory planted, made by the host --- */

#define PLANTED "/attack/planted"

static int open_planted(const char *dir, bool harmless_too, char *name, size_t room)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (!d)
		skip("nothing was planted in %s", dir);
	while ((e = readdir(d))) {
		char path[400];

		if (e->d_name[0] == '.' || (!harmless_too && strcmp(e->d_name, "zero") == 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n++;
		if (opens(open_node(path))) {
			snprintf(name, room, "%s", path);
			closedir(d);
			return -1;
		}
	}
	closedir(d);
	if (n < (harmless_too ? 3 : 2))
		broken("%s has only %d nodes", dir, n);
	return n;
}

static void planted(const void *arg)
{
	char name[400];

	(void)arg;
	if (open_planted(PLANTED, true, name, sizeof(name)) < 0)
		breach("%s opens", name);
	pass("no planted node opens");
}

/* With all that root inside can do to the mount. arg: also the one that every container may open by its own node, which is
 * about nodev alone; the list of devices keeps the others closed where nodev can be lifted. */
static void planted_remount(const void *arg)
{
	struct {
		unsigned long long set, clear, propagation, userns;
	} attr = { .clear = 4 /* MOUNT_ATTR_NODEV */ };
	bool harmless_too = arg != NULL;
	char name[400], path[100];
	int tree;

	own_mounts();
	/* this changes the file system, for all that see it: only where that is the container's own */
	if (fact("image"))
		mount(NULL, "/", NULL, MS_REMOUNT, NULL);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);
	if (open_planted(PLANTED, harmless_too, name, sizeof(name)) < 0)
		breach("%s opens after a remount", name);
	/* a copy of the mount */
	if (mount("/", "/mnt", NULL, MS_BIND, NULL) == 0) {
		mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_BIND, NULL);
		if (open_planted("/mnt" PLANTED, harmless_too, name, sizeof(name)) < 0)
			breach("%s opens in a copy of the mount", name);
		umount2("/mnt", MNT_DETACH);
	}
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */);
	if (tree >= 0) {
		syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
		snprintf(path, sizeof(path), "/proc/self/fd/%d" PLANTED, tree);
		if (open_planted(path, harmless_too, name, sizeof(name)) < 0)
			breach("%s opens in a detached copy", name);
	}
	pass("no planted node opens, whatever is remounted");
}

/* The same nodes through a file system of one's own, whose options are one's own too. */
static void planted_overlay(const void *arg)
{
	char name[400];

	(void)arg;
	own_mounts();
	if (access(PLANTED, F_OK) < 0)
		skip("nothing was planted in " PLANTED);
	if (mount("attack", "/mnt", "tmpfs", 0, NULL) < 0 || mkdir("/mnt/empty", 0755) < 0 || mkdir("/mnt/all", 0755) < 0)
		broken("cannot mount a tmpfs: %s", errno_name(errno));
	if (mount("attack", "/mnt/all", "overlay", 0, "lowerdir=" PLANTED ":/mnt/empty") < 0)
		pass("no overlay: %s", errno_name(errno));
	/* what the list of devices allows is not meant here: any overlay of root's own shows it */
	if (open_planted("/mnt/all", false, name, sizeof(name)) < 0)
		breach("%s opens through an overlay", name);
	pass("no planted node opens through an overlay");
}

static const struct check items[] = {
	{ "E1-mknod", make_in_root, NULL },
	{ "E1-tmpfs", make_in_tmpfs, NULL },
	{ "E1-devtmpfs", mount_devtmpfs, NULL },
	{ "E1-planted", planted, NULL },
	{ "E1-remount", planted_remount, NULL },
	{ "E1-nodev", planted_remount, "" },
	{ "E1-overlay", planted_overlay, NULL },
};
const struct checks device_checks = CHECKS(items);
