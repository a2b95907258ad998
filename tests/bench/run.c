/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run - run a command and say when, for scripts/bench.
 *
 *   run [--stay] [--pid PID]... [--loop NUMBER]... -- COMMAND...
 *
 * Prints "BEGIN END GONE STATUS", the times in nanoseconds of CLOCK_MONOTONIC: when the command was begun, when it had ended,
 * and when all of what was named had gone too: processes have ended, loop devices have no file. With --stay it prints BEGIN
 * and becomes the command. The command's input is /dev/null, its output is ours on descriptor 2. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 16
#define PATIENCE_NS 60000000000ULL

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_usec(long usec)
{
	struct timespec t = { .tv_nsec = usec * 1000 };

	nanosleep(&t, NULL);
}

/* 0: it has gone, 1: it has not in time. */
static int wait_process(int pidfd, uint64_t end)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	while (poll(&p, 1, 100) == 0)
		if (now() > end)
			return 1;
	return 0;
}

static int wait_path(const char *path, uint64_t end)
{
	while (access(path, F_OK) == 0) {
		if (now() > end)
			return 1;
		pause_usec(50);
	}
	return 0;
}

extern char **environ;

int main(int argc, char **argv)
{
	int pidfds[MOST], n_pidfds = 0, n_paths = 0, stay = 0, status = 0, i, late = 0;
	char paths[MOST][256];
	posix_spawn_file_actions_t actions;
	uint64_t begin, end, gone;
	pid_t pid;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--stay") == 0) {
			stay = 1;
		} else if (i + 1 < argc && strcmp(argv[i], "--pid") == 0 && n_pidfds < MOST) {
			pidfds[n_pidfds] = (int)syscall(SYS_pidfd_open, atoi(argv[++i]), 0);
			n_pidfds += pidfds[n_pidfds] >= 0;
		} else if (i + 1 < argc && strcmp(argv[i], "--loop") == 0 && n_paths < MOST) {
			snprintf(paths[n_paths++], sizeof(paths[0]), "/sys/block/loop%d/loop/backing_file",
				 atoi(argv[++i]));
		} else {
			fprintf(stderr, "run: what is \"%s\"?\n", argv[i]);
			return 2;
		}
	}
	if (++i >= argc)
		return 2;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	begin = now();
	if (stay) {
		printf("%llu\n", (unsigned long long)begin);
		fflush(stdout);
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(2, 1);
		execvp(argv[i], argv + i);
		return 127;
	}
	if (posix_spawnp(&pid, argv[i], &actions, NULL, argv + i, environ) != 0) {
		perror(argv[i]);
		return 127;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	gone = end = now();
	for (int p = 0; p < n_pidfds; p++)
		late |= wait_process(pidfds[p], end + PATIENCE_NS);
	for (int p = 0; p < n_paths; p++)
		late |= wait_path(paths[p], end + PATIENCE_NS);
	if (n_pidfds || n_paths)
		gone = now();
	if (late) {
		fprintf(stderr, "run: what the command should have ended is still there\n");
		return 124;
	}
	printf("%llu %llu %llu %d\n", (unsigned long long)begin, (unsigned long long)end, (unsigned long long)gone,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
