/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups: out of one's own, above its limits, and to the program that the kernel starts when a group is empty. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define POINT "/mnt"

/* The hierarchies of /proc/self/cgroup: what to mount each with ("cpu,cpuacct", "none,name=systemd"); NULL at the end. */
static const char *hierarchy(size_t wanted)
{
	static char options[128];
	const char *at = slurp("/proc/self/cgroup");
	size_t n = 0;

	for (; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char controllers[100];

		if (sscanf(at, "%*d:%99[^:]:", controllers) != 1 || n++ != wanted)
			continue;
		snprintf(options, sizeof(options), "%s%s", strncmp(controllers, "name=", 5) == 0 ? "none," : "",
			 controllers);
		return options;
	}
	return NULL;
}

/* In none of them the container is at the root: there the kernel's own files are. */
static void not_at_the_root(const void *arg)
{
	const char *options;
	int n = 0;

	(void)arg;
	own_mounts();
	for (size_t i = 0; (options = hierarchy(i)); i++) {
		if (mount("attack", POINT, "cgroup", 0, options) < 0)
			continue;
		n++;
		if (access(POINT "/release_agent", F_OK) == 0)
			breach("release_agent of %s is there", options);
		umount2(POINT, MNT_DETACH);
	}
	pass("no release_agent in %d hierarchies that can be mounted", n);
}

/* A hierarchy of one's own, whose root is at its root. */
static void new_hierarchy(const void *arg)
{
	bool agent;

	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup", 0, "none,name=sysct-attack") < 0)
		pass("%s", errno_name(errno));
	agent = access(POINT "/release_agent", F_OK) == 0;
	umount2(POINT, MNT_DETACH);
	if (agent)
		breach("a hierarchy can be made, with a release_agent");
	pass("a hierarchy can be made, without a release_agent");
}

/* The list of devices, written as it stands: adding what is allowed already changes nothing. */
static void device_list(const void *arg)
{
	int fd;

	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup", 0, "devices") < 0)
		pass("it cannot be mounted: %s", errno_name(errno));
	fd = open(POINT "/devices.allow", O_WRONLY);
	if (fd < 0)
		pass("devices.allow: %s", errno_name(errno));
	/* a number that no device has */
	if (write(fd, "c 4095:1048575 r", 16) < 0)
		pass("devices.allow cannot be written: %s", errno_name(errno));
	fd = open(POINT "/devices.deny", O_WRONLY);
	if (fd < 0 || write(fd, "c 4095:1048575 r", 16) < 0)
		breach("devices.allow can be written, and not taken back");
	breach("devices can be added to the list");
}

/* --- limits --- */

/* A limit at the root of what the container sees, raised to what it is. */
static bool raises(const char *dir, const char *file)
{
	char path[400], value[200];
	const char *text;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	text = slurp(path);
	if (!text)
		return false;
	snprintf(value, sizeof(value), "%s", text);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	if (write(fd, value, strlen(value)) < 0) {
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

/* Is it a limit that is written there, and not none below one? */
static bool is_limit(const char *value)
{
	return strncmp(value, "max", 3) != 0 && strncmp(value, "-1", 2) != 0 && strncmp(value, "922337203685", 12) != 0;
}

static void limits_v2(const void *arg)
{
	static const char *const files[] = { "memory.max", "memory.swap.max", "pids.max", "cpu.max",
					     "cgroup.max.descendants", "cgroup.max.depth" };

	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup2", 0, NULL) < 0)
		pass("it cannot be mounted: %s", errno_name(errno));
	for (size_t i = 0; i < COUNT(files); i++)
		if (raises(POINT, files[i])) {
			const char *text;
			char path[100];

			snprintf(path, sizeof(path), POINT "/%s", files[i]);
			text = slurp(path);
			/* the limit is a directory further up when there is none here */
			if (text && is_limit(text))
				breach("%s can be written", files[i]);
		}
	pass("no limit can be lifted");
}

static void limits_v1(const void *arg)
{
	static const char *const files[][2] = { { "memory", "memory.limit_in_bytes" },
						{ "pids", "pids.max" },
						{ "cpu", "cpu.cfs_quota_us" } };
	int n = 0;

	(void)arg;
	own_mounts();
	for (size_t i = 0; i < COUNT(files); i++) {
		char path[100];
		const char *text;

		if (mount("attack", POINT, "cgroup", 0, files[i][0]) < 0)
			continue;
		n++;
		snprintf(path, sizeof(path), POINT "/%s", files[i][1]);
		text = slurp(path);
		if (text && is_limit(text) && raises(POINT, files[i][1]))
			breach("%s can be written", files[i][1]);
		umount2(POINT, MNT_DETACH);
	}
	pass("no limit can be lifted in %d hierarchies that can be mounted", n);
}

/* On which processors it runs: as it stands. */
static void processors(const void *arg)
{
	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup", 0, "cpuset") < 0)
		pass("it cannot be mounted: %s", errno_name(errno));
	if (raises(POINT, "cpuset.cpus"))
		breach("cpuset.cpus can be written");
	pass("cpuset.cpus cannot be written");
}

/* Into a group above one's own: by "..", and by every name that a mount shows. */
static void move_up(const void *arg)
{
	struct stat own, above;
	int up, root;

	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup2", 0, NULL) < 0)
		pass("it cannot be mounted: %s", errno_name(errno));
	root = open(POINT, O_PATH | O_DIRECTORY);
	up = openat(root, "..", O_PATH | O_DIRECTORY);
	if (root < 0 || fstat(root, &own) < 0 || up < 0 || fstat(up, &above) < 0)
		broken("cannot look at " POINT);
	if (above.st_dev == own.st_dev)
		breach("above the container's group there is another one");
	/* the root of all groups has no cgroup.events, and is nobody's own */
	if (access(POINT "/cgroup.events", F_OK) < 0)
		breach("the root of all groups is mounted");
	pass("nothing is above the container's group");
}

static void paths(const void *arg)
{
	const char *at = slurp("/proc/self/cgroup");

	(void)arg;
	if (!at)
		broken("cannot read /proc/self/cgroup");
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *path = strchr(at, ':') ? strchr(strchr(at, ':') + 1, ':') : NULL;

		if (path && strncmp(path, ":/..", 4) == 0)
			breach("a group is above the namespace's root: %.60s", at);
	}
	pass("all groups are below the namespace's root");
}

/* --- K5: how many groups --- */

#define DEPTH 64

static void depth(const void *arg)
{
	char path[DEPTH * 2 + 40] = POINT;
	int n = 0, code = 0;

	(void)arg;
	own_mounts();
	if (mount("attack", POINT, "cgroup2", 0, NULL) < 0)
		pass("it cannot be mounted: %s", errno_name(errno));
	for (; n < DEPTH && code == 0; n++) {
		strcat(path, "/a");
		code = mkdir(path, 0755) < 0 ? errno : 0;
	}
	for (int i = 0; i < n; i++) {
		rmdir(path);
		*strrchr(path, '/') = '\0';
	}
	if (code == 0)
		breach("groups can be nested %d deep, and deeper", DEPTH);
	pass("%s at %d", errno_name(code), n);
}

static const struct check items[] = {
	{ "E2-list", device_list, NULL },
	{ "E3-agent", not_at_the_root, NULL },
	{ "E3-hierarchy", new_hierarchy, NULL },
	{ "E4-limits", limits_v2, NULL },
	{ "E4-limits-v1", limits_v1, NULL },
	{ "E4-cpuset", processors, NULL },
	{ "E4-up", move_up, NULL },
	{ "E4-paths", paths, NULL },
	{ "K5-depth", depth, NULL },
};
const struct checks cgroup_checks = CHECKS(items);
