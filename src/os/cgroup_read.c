/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group has and uses. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

static bool read_number(int dirfd, const char *path, uint64_t *ret)
{
	auto_free char *text = NULL;

	if (read_file_at(dirfd, path, 64, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, ret) == 0;
}

bool cgroup_full_v1(const char *group)
{
	auto_free char *dir = cgroup_path_v1("pids", group);
	auto_free char *max_path = dir ? xasprintf("%s/pids.max", dir) : NULL;
	auto_free char *current_path = dir ? xasprintf("%s/pids.current", dir) : NULL;
	uint64_t current, max;

	/* "max" is no number */
	return dir && read_number(AT_FDCWD, max_path, &max) && read_number(AT_FDCWD, current_path, &current) && current >= max;
}

uint64_t cgroup_memory_used(const char *group)
{
	auto_free char *path = NULL;
	struct error ignored = ERROR_NONE;
	const struct cgroup_layout *layout = cgroup_layout(&ignored);
	const struct hierarchy *h;
	uint64_t used = 0;

	if (!layout)
		return 0;
	h = cgroup_find_v1("memory");	/* a controller is in one hierarchy alone */
	path = h ? xasprintf("%s/%s/memory.usage_in_bytes", h->path, group) :
		   xasprintf("%s/payload/memory.current", group);
	return read_number(h ? AT_FDCWD : layout->root, path, &used) ? used : 0;
}

char *cgroup_path(const char *group)
{
	struct error ignored = ERROR_NONE;
	const struct cgroup_layout *layout = cgroup_layout(&ignored);

	if (!layout || !layout->path)
		return NULL;
	return xasprintf("%s/%s/payload", layout->path, group);
}
