/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "runtime/launch.h"
#include "runtime/unit.h"

#define LOOP_MAJOR 7

/* Each cgroup costs the host memory that is counted nowhere; a whole systemd has about a hundred, eight deep. */
#define MOST_CGROUPS 5000
#define MOST_CGROUP_DEPTH 32

/* An eighth of what the host has. */
static uint64_t default_tasks(void)
{
	auto_free char *text = NULL;
	uint64_t most;

	if (read_file_at(AT_FDCWD, "/proc/sys/kernel/pid_max", 32, &text, NULL) < 0)
		return 4096;
	text[strcspn(text, "\n")] = '\0';
	if (parse_u64(text, &most) < 0)
		return 4096;
	return most / 8 < 16384 ? most / 8 : 16384;
}

static dev_t disk_of(const struct container_state *state)
{
	const char *loop = state ? record_get(&state->more, "loop") : NULL;
	unsigned int number;

	return loop && sscanf(loop, "%u", &number) == 1 ? makedev(LOOP_MAJOR, number) : 0;
}

/* What stands in the configuration; what is automatic is not a part of it. */
static uint64_t given(uint64_t value)
{
	return value == CONFIG_UNSET ? CGROUP_KEEP : value == CONFIG_NONE ? CGROUP_LIFT : value;
}

void limits_of(const struct container_config *config, const struct container_state *state, struct cgroup_limits *ret)
{
	*ret = (struct cgroup_limits){
		.memory = given(config->limits.memory),
		.swap = given(config->limits.swap),
		.cpus = config->limits.cpus,
		.cpu_weight = config->limits.cpu_weight,
		.cpuset = text_empty(config->limits.cpuset) ? NULL : config->limits.cpuset,
		.tasks = given(config->limits.tasks),
		.io_read = config->limits.io_read,
		.io_write = config->limits.io_write,
		.io_weight = config->limits.io_weight,
		.disk = disk_of(state),
	};
}

bool limits_has_disk(const struct container_config *config)
{
	return config->limits.io_read != CONFIG_UNSET || config->limits.io_write != CONFIG_UNSET;
}

/* Four fifths of the host's, in whole pages. Asked once: the kernel counts the pages of all block devices for the answer, sysinfo(2). */
static uint64_t default_memory(void)
{
	static long pages;
	long size = sysconf(_SC_PAGESIZE);

	if (!pages)
		pages = sysconf(_SC_PHYS_PAGES);
	return pages > 0 && size > 0 ? (uint64_t)pages / 5 * 4 * (uint64_t)size : CGROUP_KEEP;
}

void limits_defaults(const struct container_config *config, struct cgroup_limits *ret)
{
	uint64_t memory = config->limits.memory == CONFIG_UNSET ? default_memory() : config->limits.memory;

	*ret = (struct cgroup_limits)CGROUP_LIMITS_NONE;
	if (config->limits.tasks == CONFIG_UNSET)
		ret->tasks = default_tasks();
	if (config->limits.memory == CONFIG_UNSET)
		ret->memory = memory;
	if (config->limits.swap == CONFIG_UNSET && memory != CONFIG_NONE)
		ret->swap = memory / 2;
}

/* Defaults, not wishes: a host without the controller, or one that does not count swap, starts all the same. */
static void set_defaults(const char *group, const struct container_config *config)
{
	struct cgroup_limits all, one = CGROUP_LIMITS_NONE;
	struct error ignored = ERROR_NONE;

	limits_defaults(config, &all);
	one.tasks = all.tasks;
	cgroup_set_limits(group, &one, &ignored);
	one = (struct cgroup_limits)CGROUP_LIMITS_NONE;
	/* swap may be counted on top of memory, so the two go together; where it is not counted the other one is written first */
	one.memory = all.memory == CGROUP_KEEP && all.swap != CGROUP_KEEP ? given(config->limits.memory) : all.memory;
	one.swap = all.swap;
	cgroup_set_limits(group, &one, &ignored);
}

int limits_begin(const struct container *container, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits limits;

	limits_of(&container->config, NULL, &limits);
	limits.io_read = limits.io_write = CGROUP_KEEP;
	/* in a new group nothing is to be lifted */
	uint64_t *const liftable[] = { &limits.memory, &limits.swap, &limits.tasks };
	for (size_t i = 0; i < ARRAY_SIZE(liftable); i++)
		if (*liftable[i] == CGROUP_LIFT)
			*liftable[i] = CGROUP_KEEP;
	if (cgroup_bound(group, MOST_CGROUPS, MOST_CGROUP_DEPTH, err) < 0 ||
	    cgroup_set_limits(group, &limits, err) < 0)
		return -err->code;
	set_defaults(group, &container->config);
	return 0;
}

int limits_begin_disk(const struct container *container, const struct container_state *state, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits all, limits = CGROUP_LIMITS_NONE;

	limits_of(&container->config, state, &all);
	limits.io_read = all.io_read;
	limits.io_write = all.io_write;
	limits.disk = all.disk;
	if (cgroup_set_limits(group, &limits, err) < 0)
		return -err->code;
	return unit_set_limits(container, &limits, err);
}

/* automatic: what it goes back to when it is not given any more. */
static uint64_t changed(uint64_t before, uint64_t after, uint64_t automatic, bool *any)
{
	if (before == after)
		return after;	/* again: one that could not be applied earlier gets its chance */
	*any = true;
	return after != CGROUP_KEEP ? after : automatic != CGROUP_KEEP ? automatic : CGROUP_LIFT;
}

int limits_change(const struct container *container, const struct container_state *state,
		  const struct container_config *before, const struct container_config *after, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits old, new, automatic, wish = CGROUP_LIMITS_NONE;
	bool any = false;

	limits_of(before, state, &old);
	limits_of(after, state, &new);
	limits_defaults(after, &automatic);
	wish.memory = changed(old.memory, new.memory, automatic.memory, &any);
	wish.swap = changed(old.swap, new.swap, automatic.swap, &any);
	wish.cpus = changed(old.cpus, new.cpus, CGROUP_KEEP, &any);
	wish.cpu_weight = changed(old.cpu_weight, new.cpu_weight, CGROUP_KEEP, &any);
	wish.tasks = changed(old.tasks, new.tasks, automatic.tasks, &any);
	wish.io_read = changed(old.io_read, new.io_read, CGROUP_KEEP, &any);
	wish.io_write = changed(old.io_write, new.io_write, CGROUP_KEEP, &any);
	wish.io_weight = changed(old.io_weight, new.io_weight, CGROUP_KEEP, &any);
	wish.disk = new.disk;
	/* swap may be counted on top of memory, so the two go together */
	if (wish.swap != CGROUP_KEEP && wish.memory == CGROUP_KEEP)
		wish.memory = automatic.memory;
	else if (wish.memory != CGROUP_KEEP && wish.swap == CGROUP_KEEP)
		wish.swap = wish.memory == CGROUP_LIFT ? CGROUP_LIFT : automatic.swap;
	if (!text_alike(before->limits.cpuset, after->limits.cpuset)) {
		wish.cpuset = after->limits.cpuset ? after->limits.cpuset : "";
		any = true;
	}
	if (any && cgroup_set_limits(group, &wish, err) < 0)
		return -err->code;
	return any ? unit_set_limits(container, &wish, err) : 0;
}
