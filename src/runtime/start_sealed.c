/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start of a privileged container, which a sealed copy of ourselves does (os/sealed.h): make it, and say what it says. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/sealed.h"
#include "start_parts.h"

__attribute__((noreturn)) static void start_sealed_child(const struct container *c, int output, bool timed)
{
	const struct install *i = c->install;
	struct error err = ERROR_NONE;
	const char *argv[16];
	size_t n = 0;

	argv[n++] = "sysct";
	if (i->config_given) {
		argv[n++] = "--config";
		argv[n++] = i->config;
	}
	const char *const dirs[] = { "--state-dir", i->state_dir, "--run-dir", i->run_dir,
				     "--cache-dir", i->cache_dir };
	for (size_t k = 0; k < ARRAY_SIZE(dirs); k++)
		argv[n++] = dirs[k];
	argv[n++] = "start";
	if (timed)
		argv[n++] = "--timing";
	argv[n++] = c->name;
	argv[n] = NULL;
	if (dup2(output, 2) >= 0)
		program_execute_sealed((char *const *)argv, &err);
	dprintf(output, "sysct: start %s: %s\n", c->name, err.message);
	_exit(STATUS_FAILED);
}

/* The lines of a start that somebody else has done, as if we had: an error and its hint, or the timing, or a note. */
static void take_lines(const struct container *c, char *text, struct text *timing, struct error *err)
{
	auto_free char *prefix = xasprintf("sysct: start %s: ", c->name);
	char *next;

	for (char *line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (text_starts(line, prefix))
			fail(err, 0, "%s", line + strlen(prefix));
		else if (text_starts(line, "hint: "))
			error_hint(err, "%s", line + strlen("hint: "));
		else if (text_starts(line, "sysct: "))
			log_note("%s", line + strlen("sysct: "));
		else if (timing)
			text_add(timing, "%s\n", line);
	}
}

/* What it says until it ends. ^C at a terminal comes to both, a signal to us alone is passed on; it cleans up and ends. */
static void hear_copy(int fd, pid_t pid, struct text *ret)
{
	int mark = interrupt_mark();

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		char buf[4096];
		ssize_t n;

		if (interrupt_since(mark)) {
			mark = interrupt_mark();
			kill(pid, SIGINT);	/* our child, not reaped yet */
		}
		if (poll(&poll_fd, 1, 200) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (ret->len < 1U << 20)
			text_append(ret, buf, (size_t)n);
	}
}

int start_sealed(struct container *c, struct text *timing, struct error *err)
{
	auto_close int reader = -1, writer = -1;
	auto_text struct text text = TEXT_EMPTY;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	reader = fds[0];
	writer = fds[1];
	container_unlock(c);	/* the lock is the copy's, which looks at everything anew */
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "fork");
	if (pid == 0)
		start_sealed_child(c, writer, timing != NULL);
	close_fd(&writer);
	hear_copy(reader, pid, &text);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	text_append(&text, "", 0);
	take_lines(c, text.data, timing, err);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!err->code)
		fail(err, 0, "the copy of sysct that starts it was killed");
	return error_status(err, WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED);
}
