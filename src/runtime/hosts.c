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

char *hosts_with_block(const char *text, const char *block)
{
	struct text out = TEXT_EMPTY;
	const char *begin = strstr(text, HOSTS_BEGIN "\n");
	const char *end = begin ? strstr(begin, HOSTS_END "\n") : NULL;
	const char *rest = end ? end + strlen(HOSTS_END "\n") : "";
	size_t head = begin && end ? (size_t)(begin - text) : strlen(text);

	text_append(&out, text, head);
	if (head && text[head - 1] != '\n')
		text_add(&out, "\n");
	if (*block)
		text_add(&out, HOSTS_BEGIN "\n%s" HOSTS_END "\n", block);
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

__attribute__((noreturn)) static void write_inside(int pidfd, int flags, const char *block)
{
	struct error ignored = ERROR_NONE;
	int root;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	if (setns(pidfd, flags) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		_exit(1);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_exit(root >= 0 && hosts_write_block(root, block, &ignored) == 0 ? 0 : 1);
}

static void tell_one(const struct process_id *init, const char *block)
{
	auto_close int pidfd = process_open(init), child_fd = -1;
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
	child_fd = pidfd_of(child);
	if (child_fd < 0 || pidfd_wait(child_fd, ENTER_TIMEOUT_MS) != 1)
		kill(child, SIGKILL);	/* its file system hangs, or it is frozen */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
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
