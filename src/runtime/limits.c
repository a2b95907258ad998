/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "runtime/launch.h"

#define LOOP_MAJOR 7

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

void limits_of(const struct container_config *config, const struct container_state *state, struct cgroup_limits *ret)
{
	*ret = (struct cgroup_limits){
		.memory = config->limits.memory,
		.swap = config->limits.swap,
		.cpus = config->limits.cpus,
		.cpu_weight = config->limits.cpu_weight,
		.cpuset = text_empty(config->limits.cpuset) ? NULL : config->limits.cpuset,
		.tasks = config->limits.tasks,
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

int limits_begin(const struct container *container, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits limits;

	limits_of(&container->config, NULL, &limits);
	limits.io_read = limits.io_write = CGROUP_KEEP;
	if (limits.tasks == CGROUP_KEEP) {
		struct cgroup_limits own = CGROUP_LIMITS_NONE;
		struct error ignored = ERROR_NONE;

		/* a default, not a wish: a host without the controller starts all the same */
		own.tasks = default_tasks();
		cgroup_set_limits(group, &own, &ignored);
	}
	return cgroup_set_limits(group, &limits, err);
}

int limits_begin_disk(const struct container *container, const struct container_state *state, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits all, limits = CGROUP_LIMITS_NONE;

	limits_of(&container->config, state, &all);
	limits.io_read = all.io_read;
	limits.io_write = all.io_write;
	limits.disk = all.disk;
	return cgroup_set_limits(group, &limits, err);
}

static uint64_t changed(uint64_t before, uint64_t after, bool *any)
{
	if (before == after)
		return after;	/* again: one that could not be applied earlier gets its chance */
	*any = true;
	return after == CONFIG_UNSET ? CGROUP_LIFT : after;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

int limits_change(const struct container *container, const struct container_state *state,
		  const struct container_config *before, const struct container_config *after, struct error *err)
{
	auto_free char *group = launch_group(container);
	struct cgroup_limits old, new, wish = CGROUP_LIMITS_NONE;
	bool any = false;

	limits_of(before, state, &old);
	limits_of(after, state, &new);
	wish.memory = changed(old.memory, new.memory, &any);
	wish.swap = changed(old.swap, new.swap, &any);
	wish.cpus = changed(old.cpus, new.cpus, &any);
	wish.cpu_weight = changed(old.cpu_weight, new.cpu_weight, &any);
	wish.tasks = changed(old.tasks, new.tasks, &any);
	wish.io_read = changed(old.io_read, new.io_read, &any);
	wish.io_write = changed(old.io_write, new.io_write, &any);
	wish.io_weight = changed(old.io_weight, new.io_weight, &any);
	wish.disk = new.disk;
	if (wish.tasks == CGROUP_LIFT)
		wish.tasks = default_tasks();
	/* swap may be counted on top of memory, so the two go together */
	if (wish.swap != CGROUP_KEEP && wish.memory == CGROUP_KEEP)
		wish.memory = new.memory == CONFIG_UNSET ? CGROUP_LIFT : new.memory;
	else if (wish.memory != CGROUP_KEEP && wish.swap == CGROUP_KEEP)
		wish.swap = new.swap;
	if (!same_text(before->limits.cpuset, after->limits.cpuset)) {
		wish.cpuset = after->limits.cpuset ? after->limits.cpuset : "";
		any = true;
	}
	return any ? cgroup_set_limits(group, &wish, err) : 0;
}
