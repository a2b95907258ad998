/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group in a unit of systemd, which was delegated to us. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

#define UNIT_SUFFIX ".service"
#define SUPERVISOR "supervisor"

bool cgroup_is_unit(const char *group)
{
	return text_ends(group, UNIT_SUFFIX);
}

char *cgroup_own_unit(void)
{
	auto_free char *text = NULL;
	char *save, *line;

	if (read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &text, NULL) < 0)
		return NULL;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end = strstr(line, UNIT_SUFFIX "/");

		if (!text_starts(line, "0::/"))
			continue;
		if (end)	/* in one of its leaves, ours or systemd's own */
			end[strlen(UNIT_SUFFIX)] = '\0';
		return cgroup_is_unit(line) ? xstrdup(line + strlen("0::/")) : NULL;
	}
	return NULL;
}

int cgroup_enter_supervisor(const char *group, struct error *err)
{
	const struct cgroup_layout *layout = cgroup_layout(err);
	auto_free char *path = xasprintf("%s/" SUPERVISOR, group), *procs = xasprintf("%s/cgroup.procs", path);
	int r;

	if (!layout)
		return -err->code;
	if (mkdirat(layout->root, path, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "create the cgroup %s", path);
	r = write_value_at(layout->root, procs, "0");
	return r < 0 ? fail(err, -r, "enter the cgroup %s", path) : 0;
}

bool cgroup_wait_unit_gone(const char *group, int timeout_ms)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	struct error ignored = ERROR_NONE;
	const struct cgroup_layout *layout;
	long pause_usec = 500;

	if (!cgroup_is_unit(group))
		return true;
	layout = cgroup_layout(&ignored);
	if (!layout)
		return true;
	while (faccessat(layout->root, group, F_OK, 0) == 0) {
		struct timespec pause = { .tv_nsec = pause_usec * 1000 };

		if (now_usec() >= end)
			return false;
		nanosleep(&pause, NULL);
		if (pause_usec < 10000)
			pause_usec *= 2;
	}
	return true;
}
const char *cgroup_shares_leaf(const char *group)
{
	return cgroup_is_unit(group) ? "payload" : ".";
}
