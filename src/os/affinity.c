/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/affinity.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* How many of a list, as "0-3,8", sysfs(5) and cpuset(7); 0: none could be read. */
static int count_listed(const char *list)
{
	int n = 0;

	while (*list) {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (end == list)
			return 0;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		n += (int)(last - first) + 1;
		list = *end == ',' ? end + 1 : end + strlen(end);
	}
	return n;
}

static int ours_all;	/* 1: all that are online, -1: not all, 0: not looked yet */

void affinity_look(void)
{
	char online[512];
	cpu_set_t own;

	if (ours_all)
		return;
	ours_all = -1;
	if (sched_getaffinity(0, sizeof(own), &own) == 0 && CPU_COUNT(&own) > 1 &&
	    read_value_at(AT_FDCWD, "/sys/devices/system/cpu/online", online, sizeof(online)) >= 0 &&
	    count_listed(online) == CPU_COUNT(&own))
		ours_all = 1;
}

/* The one that we are on; -1: leave it to the kernel. */
static int ours(void)
{
	int cpu;

	affinity_look();
	cpu = ours_all > 0 ? sched_getcpu() : -1;
	return cpu < CPU_SETSIZE ? cpu : -1;
}

static void all(cpu_set_t *ret)
{
	memset(ret, 0xff, sizeof(*ret));
}

bool affinity_others(cpu_set_t *ret)
{
	int cpu = ours();

	if (cpu < 0)
		return false;
	all(ret);
	CPU_CLR(cpu, ret);
	return true;
}

void affinity_apart(pid_t child)
{
	cpu_set_t set;

	if (!ours_all || !affinity_others(&set) || sched_setaffinity(child, sizeof(set), &set) < 0)
		return;
	all(&set);
	sched_setaffinity(child, sizeof(set), &set);
}

void affinity_free(void)
{
	cpu_set_t set;

	if (ours_all <= 0)
		return;
	all(&set);
	sched_setaffinity(0, sizeof(set), &set);
}
