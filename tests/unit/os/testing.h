/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_OS_TESTING_H
#define SYSCT_TESTS_OS_TESTING_H

/* testing - what tests of processes, descriptors and mounts share. Used by those of runtime too. */

#include "../testing.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* What a call returns, when it is no failure. `err` is the caller's. */
#define must(call)                                                                                 \
	({                                                                                         \
		int must_ = (call);                                                                \
		ck_assert_msg(must_ >= 0, "%s: %s", #call, err.message);                           \
		must_;                                                                             \
	})

#define EXIT_SKIPPED 77

/* For a program whose tests all need root: what main() returns without it, -1 when there is nothing to skip. */
static inline int skip_without_root(const char *what)
{
	if (geteuid() == 0)
		return -1;
	printf("1..0 # SKIP needs root for %s\n", what);
	return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : EXIT_SKIPPED;
}

/* For some tests of a program: whether they can run. SYSCT_TESTS_MUST_RUN makes it a failure. */
static inline bool can_run(bool condition, const char *what)
{
	if (condition)
		return true;
	ck_assert_msg(!getenv("SYSCT_TESTS_MUST_RUN"), "needs %s", what);
	fprintf(stderr, "# skipped: needs %s\n", what);
	return false;
}

/* The same in main(), where nothing can fail yet: the tests are added, and fail, when they must run. */
static inline bool add_root_tests(void)
{
	if (geteuid() == 0 || getenv("SYSCT_TESTS_MUST_RUN"))
		return true;
	fprintf(stderr, "# skipped: the tests that need root\n");
	return false;
}

static inline void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* Our open descriptors; the one that looks is not counted. */
static inline int count_fds(void)
{
	auto_closedir DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	return n - 1;
}

/* Run something in a process of its own; it returns what the process exits with. */
static inline int in_child(int (*run)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(run(arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static inline void no_child_is_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static char test_dir[64];

static inline void dir_setup(void)
{
	umask(022);
	snprintf(test_dir, sizeof(test_dir), "/tmp/sysct-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(test_dir));
}

static inline void dir_teardown(void)
{
	struct error err = ERROR_NONE;

	must(remove_tree_at(AT_FDCWD, test_dir, &err));
}

/* A path in the test's directory; the last eight stay good. */
static inline const char *in_dir(const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_dir, name);
	return path;
}

static inline int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "open %s: %m", path);
	return fd;
}

static inline void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* A kernel that numbers namespaces by CPU (Linux 6.18) may else refuse to bind those of mounts. */
static inline void stay_on_this_cpu(void)
{
	stay_on(sched_getcpu());
}

/* A mount namespace of the test's own, from which nothing is seen elsewhere; and a directory. */
static inline void mounts_setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	dir_setup();
	ck_assert_int_eq(mount("sysct-test", test_dir, "tmpfs", 0, NULL), 0);
}

static inline void mounts_teardown(void)
{
	ck_assert_int_eq(umount2(test_dir, MNT_DETACH), 0);
	ck_assert_int_eq(rmdir(test_dir), 0);
}

/* Whether a line of our mount table has this text. */
static inline bool in_mount_table(const char *text)
{
	auto_free char *table = NULL;

	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 24, &table, NULL), 0);
	return strstr(table, text) != NULL;
}

#endif
