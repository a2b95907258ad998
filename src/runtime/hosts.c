/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/namespace.h"
#include "os/process.h"
#include "store/configure.h"
#include "store/container.h"
#include "store/state.h"

#define HOSTS_BYTES (1 << 20)

/* Is the line that begins at `at` this marker? Returns the length of the line with its end, 0: no. */
static size_t marker_line(const char *at, const char *marker)
{
	size_t n = strlen(marker);

	if (strncmp(at, marker, n) != 0 || (at[n] != '\n' && at[n] != '\0'))
		return 0;
	return n + (at[n] == '\n');
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

/* Find our block: a begin marker whose next marker is an end. A half one is the container's own text. */
static bool find_block(const char *text, const char **ret_begin, const char **ret_rest)
{
	const char *begin = NULL;

	for (const char *at = text; *at; at = next_line(at)) {
		size_t n = marker_line(at, HOSTS_END);

		if (n && begin) {
			*ret_begin = begin;
			*ret_rest = at + n;
			return true;
		}
		if (n)
			begin = NULL;
		if (marker_line(at, HOSTS_BEGIN))
			begin = at;
	}
	return false;
}

char *hosts_with_block(const char *text, const char *block)
{
	struct text out = TEXT_EMPTY;
	const char *begin, *rest = "";

	if (!find_block(text, &begin, &rest)) {
		if (!*block)
			return xstrdup(text);
		begin = text + strlen(text);
	}
	text_append(&out, text, (size_t)(begin - text));
	if (*block) {
		if (out.len && out.data[out.len - 1] != '\n')
			text_add(&out, "\n");
		text_add(&out, HOSTS_BEGIN "\n%s" HOSTS_END "\n", block);
	}
	text_add(&out, "%s", rest);
	return out.data;
}

int hosts_write_block(int root_fd, const char *block, struct error *err)
{
	auto_close int etc = open_beneath(root_fd, "etc", O_RDONLY | O_DIRECTORY, 0);
	auto_close int fd = -1;
	auto_free char *text = NULL, *wanted = NULL;
	struct stat st;

	if (etc < 0)
		return 0;	/* a rootfs without /etc has no names to know */
	fd = open_beneath(etc, "hosts", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_fd(fd, HOSTS_BYTES, &text, NULL) < 0)
		return 0;	/* missing, or the container's own idea of one: left alone */
	wanted = hosts_with_block(text, block);
	if (strcmp(wanted, text) == 0)
		return 0;
	return replace_file_at(etc, "hosts", wanted, strlen(wanted), 0644, false, err);
}

#define ENTER_TIMEOUT_MS 2000
#define KILL_TIMEOUT_MS 1000

__attribute__((noreturn)) static void write_inside(int pidfd, int flags, const char *block)
{
	struct error ignored = ERROR_NONE;
	int root;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	/* locks above all: where the container lets us hang, nobody else shall wait for them */
	close_others(&pidfd, 1);
	if (setns(pidfd, flags) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		_exit(1);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_exit(root >= 0 && hosts_write_block(root, block, &ignored) == 0 ? 0 : 1);
}

static void tell_one(const struct process_id *init, const char *block)
{
	auto_close int pidfd = process_open(init);
	int flags = CLONE_NEWNS;
	char theirs[40];
	pid_t child;

	if (pidfd < 0)
		return;
	snprintf(theirs, sizeof(theirs), "/proc/%d/ns/user", (int)init->pid);
	if (ns_inode(theirs) != ns_inode("/proc/self/ns/user"))
		flags |= CLONE_NEWUSER;
	child = fork();
	if (child == 0)
		write_inside(pidfd, flags, block);
	if (child < 0)
		return;
	if (!child_wait(child, ENTER_TIMEOUT_MS, NULL)) {
		kill(child, SIGKILL);	/* its file system hangs, or it is frozen */
		child_wait(child, KILL_TIMEOUT_MS, NULL);
	}
}

void hosts_tell_others(const struct install *install, const char *except, const char *block)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;

	if (container_names(install, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		auto_state struct container_state state = { 0 };

		state_init(&state);
		if (strcmp(names.items[i], except) != 0 &&
		    state_load(install->run_dir, names.items[i], &state, NULL, &ignored) == 0 &&
		    state.phase == PHASE_RUNNING)
			tell_one(&state.init, block);
	}
}
