/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group has and uses. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

bool cgroup_read_number(int dirfd, const char *path, uint64_t *ret)
{
	char text[64];

	if (read_value_at(dirfd, path, text, sizeof(text)) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, ret) == 0;
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
	return cgroup_read_number(h ? AT_FDCWD : layout->root, path, &used) ? used : 0;
}

char *cgroup_path(const char *group)
{
	struct error ignored = ERROR_NONE;
	const struct cgroup_layout *layout = cgroup_layout(&ignored);

	if (!layout || !layout->path)
		return NULL;
	return xasprintf("%s/%s/payload", layout->path, group);
}
