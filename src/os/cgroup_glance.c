/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup_parts.h"

#define GROUP_ROOM 512

/* Where nearly all hosts have what is read here. The table of mounts, which says it for every host, has a line for each
 * namespace that a container has pinned. */
#define USUAL "/sys/fs/cgroup"

static struct {
	bool known;
	int v2;			/* -1: this host is another one */
	int memory;		/* of cgroup v1; -1: cgroup2 has the controller */
} places = { .v2 = -1, .memory = -1 };

static int open_of_type(int dirfd, const char *path, unsigned int magic)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || (unsigned int)fs.f_type != magic)
		return -1;
	return take_fd(&fd);
}

static bool has_controller(int group, const char *controller)
{
	char text[512];
	auto_strings struct strings words = STRINGS_EMPTY;

	if (read_value_at(group, "cgroup.controllers", text, sizeof(text)) < 0)
		return false;
	strings_split(&words, text, " \n");
	return strings_has(&words, controller);
}

/* A hierarchy of cgroup v1 does not say which one it is, but no other one has this file. */
static int open_v1_memory(int top)
{
	auto_close int fd = open_of_type(top, "memory", CGROUP_SUPER_MAGIC);

	return fd >= 0 && faccessat(fd, "memory.usage_in_bytes", R_OK, 0) == 0 ? take_fd(&fd) : -1;
}

bool cgroup_glance_from(const char *usual)
{
	auto_close int top = -1, v2 = -1, memory = -1;

	close_fd(&places.v2);
	close_fd(&places.memory);
	places.known = true;
	v2 = open_of_type(AT_FDCWD, usual, CGROUP2_SUPER_MAGIC);
	if (v2 >= 0) {
		if (has_controller(v2, "memory"))	/* so it is in no other hierarchy (cgroups(7)) */
			places.v2 = take_fd(&v2);
		return places.v2 >= 0;
	}
	top = open(usual, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return false;
	v2 = open_of_type(top, "unified", CGROUP2_SUPER_MAGIC);
	memory = open_v1_memory(top);
	if (v2 < 0 || memory < 0)
		return false;
	places.v2 = take_fd(&v2);
	places.memory = take_fd(&memory);
	return true;
}

static uint64_t read_memory(const char *group)
{
	bool v1 = places.memory >= 0;
	char path[GROUP_ROOM + 64], text[32];
	uint64_t used;

	snprintf(path, sizeof(path), v1 ? "%s/memory.usage_in_bytes" : "%s/payload/memory.current", group);
	if (read_value_at(v1 ? places.memory : places.v2, path, text, sizeof(text)) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, &used) == 0 ? used : 0;
}

static bool read_frozen(const char *group)
{
	char path[GROUP_ROOM + 64], text[16];

	snprintf(path, sizeof(path), "%s/payload/cgroup.freeze", group);
	return read_value_at(places.v2, path, text, sizeof(text)) > 0 && text[0] == '1';
}

void cgroup_glance(const char *group, uint64_t *ret_memory, bool *ret_frozen)
{
	if (!places.known)
		cgroup_glance_from(USUAL);
	if (places.v2 < 0 || strlen(group) >= GROUP_ROOM) {
		*ret_memory = cgroup_memory_used(group);
		*ret_frozen = cgroup_frozen(group);
		return;
	}
	*ret_memory = read_memory(group);
	*ret_frozen = read_frozen(group);
}
