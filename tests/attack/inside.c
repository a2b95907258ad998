/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inside [--only ID,...] [--set KEY=VALUE]...: run the checks, and print "ID PASS|FAIL|SKIP text" for each.
 * --only takes patterns of fnmatch(3). See attack.h, and "list" for what each one is. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20	/* for one check; none of them waits for anything */

enum verdict { NONE, PASS, FAIL, SKIP };

static struct report {
	enum verdict verdict;
	char text[400];
} *report;	/* shared with the child */

static char *facts[32];
static size_t n_facts;

static void end(enum verdict verdict, const char *format, va_list args)
{
	vsnprintf(report->text, sizeof(report->text), format, args);
	for (char *p = report->text; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	report->verdict = verdict;
	_exit(0);
}

#define ENDING(name, verdict)                                                                      \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		end(verdict, format, args);                                                        \
		_exit(1);                                                                          \
	}
ENDING(pass, PASS)
ENDING(breach, FAIL)
ENDING(skip, SKIP)
ENDING(broken, FAIL)

const char *fact(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < n_facts; i++)
		if (strncmp(facts[i], key, n) == 0 && facts[i][n] == '=')
			return facts[i] + n + 1;
	return NULL;
}

bool fact_has(const char *key, unsigned long long number)
{
	const char *at = fact(key);

	while (at && *at) {
		char *rest;

		if (strtoull(at, &rest, 10) == number && rest != at)
			return true;
		at = *rest ? rest + 1 : rest;
	}
	return false;
}

const char *errno_name(int code)
{
	const char *name = code ? strerrorname_np(code) : "success";

	return name ? name : "an unknown error";
}

bool refused(int code)
{
	return code == EPERM || code == EACCES || code == ENOSYS;
}

int in_child(int (*run)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		broken("cannot fork: %s", errno_name(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run(arg));
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			broken("cannot wait: %s", errno_name(errno));
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

const char *slurp(const char *path)
{
	static char text[1 << 18];
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t r = 1;

	if (fd < 0)
		return NULL;
	while (r > 0 && n < sizeof(text) - 1) {
		r = read(fd, text + n, sizeof(text) - 1 - n);
		n += r > 0 ? (size_t)r : 0;
	}
	close(fd);
	text[n] = '\0';
	return text;
}

bool in_hosts_userns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st) < 0)
		broken("cannot look at the user namespace");
	/* the first one has a number of its own, as in include/uapi/linux/nsfs.h */
	return st.st_ino == 0xeffffffd || fact_has("namespaces", st.st_ino);
}

void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		broken("cannot make a mount namespace: %s", errno_name(errno));
}

const char *scratch(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/try-%d", access("/attack", W_OK) == 0 ? "/attack" : "/tmp", (int)getpid());
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		broken("cannot make %s: %s", path, errno_name(errno));
	return path;
}

static int sweep_below(const char *dir, bool (*allowed)(const char *path), char *text, size_t room, int depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int found = 0;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		char path[PATH_MAX];
		struct stat st;
		int fd;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path))
			continue;
		if (lstat(path, &st) < 0 || allowed(path))
			continue;
		if (S_ISDIR(st.st_mode) && depth < 24)
			found += sweep_below(path, allowed, text, room, depth + 1);
		/* root may open what nobody can write: it has no function for that */
		if (!S_ISREG(st.st_mode) || !(st.st_mode & 0222))
			continue;
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			continue;
		close(fd);
		found++;
		if (strlen(text) + strlen(path) + 2 < room)
			strcat(strcat(text, " "), path);
	}
	closedir(d);
	return found;
}

int sweep(const char *dir, bool (*allowed)(const char *path), char *text, size_t room)
{
	text[0] = '\0';
	return sweep_below(dir, allowed, text, room, 0);
}

/* --- all of them --- */

static const struct checks *const all[] = {
	&file_checks,	&namespace_checks, &caps_checks,  &device_checks, &kernel_checks,
	&cgroup_checks, &key_checks,	   &calls_checks, &tty_checks,	  &limit_checks,
};

static bool wanted(const char *id, const char *only)
{
	char *copy, *save, *word;
	bool found = false;

	if (!only)
		return true;
	copy = strdup(only);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save))
		found = found || fnmatch(word, id, 0) == 0;
	free(copy);
	return found;
}

static void run_one(const struct check *check)
{
	static const char *const words[] = { "FAIL", "PASS", "FAIL", "SKIP" };
	pid_t pid;
	int status;

	*report = (struct report){ NONE, "" };
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* a group of its own, which ends with it */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(SECONDS);
		check->run(check->arg);
		_exit(1);
	}
	if (pid < 0) {
		printf("%s FAIL cannot fork: %s\n", check->id, errno_name(errno));
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* all that it made, and that came to us with its end: the next one is to find room */
	kill(-pid, SIGKILL);
	while (waitpid(-pid, NULL, __WALL) > 0 || errno == EINTR)
		;
	while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
		;
	if (report->verdict == NONE && WIFSIGNALED(status))
		snprintf(report->text, sizeof(report->text), "killed by %s before it said anything",
			 sigabbrev_np(WTERMSIG(status)));
	else if (report->verdict == NONE)
		snprintf(report->text, sizeof(report->text), "said nothing");
	printf("%s %s %s\n", check->id, words[report->verdict], report->text);
}

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} programs[] = {
	{ "canary", canary_main }, { "watch", watch_main }, { "race", race_main },
	{ "reopen", reopen_main }, { "push", push_main },     { "capabilities", capabilities_main },
	{ "session", session_main }, { "notify", notify_main }, { "given", given_main },
	{ "hang", hang_main },
};

static void take_fact(char *text)
{
	if (!strchr(text, '=') || n_facts == COUNT(facts)) {
		fprintf(stderr, "inside: --set KEY=VALUE, not \"%s\"\n", text);
		exit(2);
	}
	facts[n_facts++] = text;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(programs) && argc > 1; i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].main(argc - 1, argv + 1);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			only = argv[++i];
		} else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
			take_fact(argv[++i]);
		} else {
			fprintf(stderr, "usage: inside [--only ID,...] [--set KEY=VALUE]...\n");
			return 2;
		}
	}
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("inside: mmap");
		return 1;
	}
	umask(022);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t k = 0; k < all[i]->n; k++) {
			if (!wanted(all[i]->items[k].id, only))
				continue;
			run_one(&all[i]->items[k]);
			n++;
		}
	if (n == 0) {
		fprintf(stderr, "inside: no check is called \"%s\"\n", only);
		return 2;
	}
	return 0;
}
