/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the kernel: /proc, /sys, and file systems that show more of it. Files are opened for writing, and nothing
 * is written. */
#include "attack.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As they are, what is masked or read-only counts. "anew" is what root inside makes of it: in a mount namespace of its own,
 * by remounting, and by mounting anew. */
static void make_writable(const char *dir, const char *type)
{
	own_mounts();
	mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND, NULL);
	mount("attack", dir, type, 0, NULL);
}

/* --- C1: sysctls --- */

/* Those that belong to a namespace: of the network, of users, of IPC. */
static bool is_namespaced(const char *path)
{
	static const char *const patterns[] = { "/proc/sys/net", "/proc/sys/net/*", "/proc/sys/user", "/proc/sys/user/*",
						"/proc/sys/fs/mqueue*", "/proc/sys/kernel/msg*",
						"/proc/sys/kernel/shm*", "/proc/sys/kernel/sem*",
						"/proc/sys/kernel/auto_msgmni", "/proc/sys/kernel/ns_last_pid",
						"/proc/sys/kernel/pid_max" };

	for (size_t i = 0; i < COUNT(patterns); i++)
		if (strncmp(path, "/proc/sys/", 10) == 0 && fnmatch(patterns[i], path, 0) == 0)
			return true;
	return false;
}

static void sysctls(const void *arg)
{
	char text[300];
	int n;

	if (arg)
		make_writable("/proc", "proc");
	n = sweep("/proc/sys", is_namespaced, text, sizeof(text));
	if (n)
		breach("%d sysctls of the host can be written:%s", n, text);
	pass("only those of its own namespaces can be written");
}

/* The ones by which the kernel starts a program as root of the host. */
static void helpers(const void *arg)
{
	static const char *const files[] = { "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
					     "/proc/sys/kernel/hotplug", "/sys/kernel/uevent_helper",
					     "/proc/sys/kernel/usermodehelper/bset", "/proc/sys/vm/drop_caches" };

	if (arg) {
		make_writable("/proc", "proc");
		mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
	}
	for (size_t i = 0; i < COUNT(files); i++) {
		int fd = open(files[i], O_WRONLY);

		if (fd >= 0)
			breach("%s can be written", files[i]);
	}
	pass("none of them can be written");
}

/* --- C2: single files --- */

static void not_writable(const void *arg)
{
	int fd = open(arg, O_WRONLY | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0)
		breach("%s opens for writing", (const char *)arg);
	pass("%s", errno_name(errno));
}

static void not_readable(const void *arg)
{
	int fd = open(arg, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) != 0)
		breach("%s opens", (const char *)arg);
	pass("%s", fd >= 0 ? "it is empty" : errno_name(errno));
}

/* Addresses of the kernel: all zeros, or no file. */
static void addresses(const void *arg)
{
	const char *text;

	(void)arg;
	text = slurp("/proc/kallsyms");
	for (size_t i = 0; text && *text && i < 100; i++) {
		size_t n = strspn(text, "0");

		if (isxdigit((unsigned char)text[n]))
			breach("addresses of the kernel: %.40s", text);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	pass("no addresses");
}

/* --- C3: everything else of /proc and /sys --- */

static bool of_a_process(const char *path)
{
	return isdigit((unsigned char)path[strlen("/proc/")]) || strncmp(path, "/proc/sys/", 10) == 0 ||
	       strcmp(path, "/proc/sys") == 0 || strncmp(path, "/proc/net", 9) == 0 ||
	       strncmp(path, "/proc/self", 10) == 0 || strncmp(path, "/proc/thread-self", 17) == 0 ||
	       /* everybody may ask to be told of a pressure: what is written is the question */
	       strncmp(path, "/proc/pressure/", 15) == 0;
}

static void proc_files(const void *arg)
{
	char text[300];
	int n;

	if (arg)
		make_writable("/proc", "proc");
	n = sweep("/proc", of_a_process, text, sizeof(text));
	if (n)
		breach("%d files open for writing:%s", n, text);
	pass("no file opens for writing");
}

/* The queues and links of the container's own network are its own. */
static bool of_own_network(const char *path)
{
	return strncmp(path, "/sys/fs/cgroup", 14) == 0 || strstr(path, "/net/") != NULL ||
	       strncmp(path, "/sys/class/net", 14) == 0 || strncmp(path, "/sys/kernel/debug", 17) == 0 ||
	       strncmp(path, "/sys/kernel/tracing", 19) == 0;
}

static void sys_files(const void *arg)
{
	char text[300];
	int n;

	if (arg) {
		own_mounts();
		mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
	}
	n = sweep("/sys", of_own_network, text, sizeof(text));
	if (n)
		breach("%d files open for writing:%s", n, text);
	pass("no file opens for writing");
}

/* A sysfs of one's own. */
static void sys_anew(const void *arg)
{
	char text[300];
	int n;

	(void)arg;
	own_mounts();
	if (mount("attack", "/mnt", "sysfs", 0, NULL) < 0)
		pass("no new sysfs: %s", errno_name(errno));
	n = sweep("/mnt/kernel", of_own_network, text, sizeof(text)) +
	    sweep("/mnt/power", of_own_network, text, sizeof(text));
	if (n)
		breach("%d files of a new sysfs open for writing:%s", n, text);
	pass("no file of a new sysfs opens for writing");
}

/* --- what hides them --- */

static const char *const hidden[] = { "/proc/kcore", "/proc/kmsg", "/proc/kpagecount", "/proc/timer_list", "/proc/sysrq-trigger" };

/* 0: nothing of it, else the number of what was found. */
static int look_below(char *text, size_t room)
{
	int n = sweep("/proc/sys", is_namespaced, text, room);

	for (size_t i = 0; i < COUNT(hidden); i++) {
		bool trigger = i == COUNT(hidden) - 1;
		int fd = open(hidden[i], trigger ? O_WRONLY : O_RDONLY | O_NONBLOCK);

		if (fd < 0)
			continue;
		if (trigger || lseek(fd, 0, SEEK_END) != 0) {
			n++;
			if (strlen(text) + strlen(hidden[i]) + 2 < room)
				strcat(strcat(text, " "), hidden[i]);
		}
		close(fd);
	}
	return n;
}

/* Each mount below /proc and /sys taken away, from the last to the first, and what is left of them made writable. */
static void take_masks_away(void)
{
	static char points[256][200];
	const char *at = slurp("/proc/self/mountinfo");
	size_t n = 0;

	for (; at && *at && n < COUNT(points); at += strcspn(at, "\n"), at += *at == '\n') {
		char point[200];

		if (sscanf(at, "%*s %*s %*s %*s %199s", point) == 1 &&
		    (strncmp(point, "/proc/", 6) == 0 || strncmp(point, "/sys/", 5) == 0))
			strcpy(points[n++], point);
	}
	while (n--) {
		mount(NULL, points[n], NULL, MS_REMOUNT | MS_BIND, NULL);
		umount2(points[n], MNT_DETACH);
	}
	mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL);
}

static void unmask(const void *arg)
{
	char text[300];
	int n;

	(void)arg;
	own_mounts();
	take_masks_away();
	n = look_below(text, sizeof(text));
	if (n)
		breach("below what hides them:%s", text);
	pass("nothing is below what hides them");
}

static int as_new_root(void *arg)
{
	char text[300];
	int r;

	(void)arg;
	own_mounts();
	take_masks_away();
	r = look_below(text, sizeof(text));
	/* a /proc of the new namespaces, where nothing hides anything yet */
	if (r == 0 && mount("attack", "/proc", "proc", 0, NULL) == 0)
		r = look_below(text, sizeof(text));
	return r ? 10 : 0;
}

static int in_new_userns(void *arg)
{
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0)
		return 1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	if (fd < 0 || write(fd, "0 0 1\n", 6) < 0)
		return 2;
	close(fd);
	return in_child(as_new_root, NULL);
}

/* As root of new namespaces, who may mount a /proc of their own. */
static void unmask_userns(const void *arg)
{
	int r = in_child(in_new_userns, NULL);

	(void)arg;
	if (r == 10)
		breach("root of a new user namespace sees what is hidden");
	if (r == 1)
		pass("no user namespaces inside");
	if (r != 0)
		broken("the attempt ended with %d", r);
	pass("nothing is below what hides them, nor in a new /proc");
}

/* File systems that are one for the whole host. */
static void mount_type(const void *arg)
{
	own_mounts();
	if (mount("attack", "/mnt", arg, 0, NULL) == 0)
		breach("%s can be mounted", (const char *)arg);
	pass("%s", errno_name(errno));
}

/* The kernel starts what is registered here for programs everywhere; since 6.7 a user namespace has its own. */
static void binfmt(const void *arg)
{
	int fd;

	(void)arg;
	own_mounts();
	if (mount("attack", "/mnt", "binfmt_misc", 0, NULL) < 0)
		pass("cannot be mounted: %s", errno_name(errno));
	fd = open("/mnt/register", O_WRONLY);
	if (fd < 0)
		pass("nothing can be registered: %s", errno_name(errno));
	if (in_hosts_userns())
		breach("interpreters can be registered for the whole host");
	pass("it is the user namespace's own");
}

static const char anew[] = "anew";

static const struct check items[] = {
	{ "C1-sysctl", sysctls, NULL },
	{ "C1-sysctl-anew", sysctls, anew },
	{ "C1-helpers", helpers, NULL },
	{ "C1-helpers-anew", helpers, anew },
	{ "C1-binfmt", binfmt, NULL },
	{ "C2-sysrq", not_writable, "/proc/sysrq-trigger" },
	{ "C2-kcore", not_readable, "/proc/kcore" },
	{ "C2-mem", not_readable, "/dev/mem" },
	{ "C2-port", not_readable, "/dev/port" },
	{ "C2-kmsg", not_readable, "/dev/kmsg" },
	{ "C2-proc-kmsg", not_readable, "/proc/kmsg" },
	{ "C2-kpagecount", not_readable, "/proc/kpagecount" },
	{ "C2-timer_list", not_readable, "/proc/timer_list" },
	{ "C2-kallsyms", addresses, NULL },
	{ "C3-proc", proc_files, NULL },
	{ "C3-proc-anew", proc_files, anew },
	{ "C3-sys", sys_files, NULL },
	{ "C3-sys-remount", sys_files, anew },
	{ "C3-sys-anew", sys_anew, NULL },
	{ "C3-unmask", unmask, NULL },
	{ "C3-unmask-userns", unmask_userns, NULL },
	{ "C3-debugfs", mount_type, "debugfs" },
	{ "C3-tracefs", mount_type, "tracefs" },
	{ "C3-securityfs", mount_type, "securityfs" },
	{ "C3-configfs", mount_type, "configfs" },
	{ "C3-pstore", mount_type, "pstore" },
};
const struct checks kernel_checks = CHECKS(items);
