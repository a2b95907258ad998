/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/session.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define MIB (1024UL * 1024)

static const struct {
	int resource;
	rlim_t soft, hard;
} limits[] = {
	{ RLIMIT_NOFILE, 1024, 524288 },
	{ RLIMIT_CORE, 0, RLIM_INFINITY },
	{ RLIMIT_STACK, 8 * MIB, RLIM_INFINITY },
	{ RLIMIT_MEMLOCK, 8 * MIB, 8 * MIB },
	{ RLIMIT_MSGQUEUE, 819200, 819200 },
	{ RLIMIT_NICE, 0, 0 },
	{ RLIMIT_RTPRIO, 0, 0 },
	{ RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY },	/* the cgroup's limit of tasks counts */
	{ RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY },
	{ RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY },
	{ RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY },
	{ RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY },
};

void session_set_rlimits(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit want = { limits[i].soft, limits[i].hard }, have;

		if (getrlimit(limits[i].resource, &have) < 0)
			continue;
		if (setrlimit(limits[i].resource, &want) == 0)
			continue;
		/* without CAP_SYS_RESOURCE a hard limit can only go down */
		want.rlim_max = want.rlim_max < have.rlim_max ? want.rlim_max : have.rlim_max;
		want.rlim_cur = want.rlim_cur < want.rlim_max ? want.rlim_cur : want.rlim_max;
		setrlimit(limits[i].resource, &want);
	}
}

void session_shed_limits(void)
{
	static const struct sched_param ordinary = { .sched_priority = 0 };
	cpu_set_t all;

	session_set_rlimits();
	syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary);	/* musl's own refuses */
	setpriority(PRIO_PROCESS, 0, 0);
	syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, 0);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	personality(PER_LINUX);
}

int session_set_oom_score(int score)
{
	static const char path[] = "/proc/self/oom_score_adj";
	auto_free char *text = NULL;
	char number[16];
	int before;

	if (read_file_at(AT_FDCWD, path, sizeof(number), &text, NULL) < 0)
		return 0;
	before = atoi(text);
	snprintf(number, sizeof(number), "%d", score);
	if (before != score)
		write_value_at(AT_FDCWD, path, number);
	return before;
}

void session_shed_caller(void)
{
	session_shed_limits();
	session_set_oom_score(0);
}

void session_forget_caller(void)
{
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

void session_set_env(struct strings *env, const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->items[i], assignment, n) != 0)
			continue;
		free(env->items[i]);
		env->items[i] = xstrdup(assignment);
		return;
	}
	strings_add(env, assignment);
}
