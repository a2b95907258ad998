/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/process.h"

#define CGROUP2_MAGIC 0x63677270

bool systemd_reachable(const char *libexec_dir)
{
	auto_free char *program = NULL;
	struct statfs fs;

	if (access("/run/systemd/system", F_OK) < 0 || access("/run/dbus/system_bus_socket", F_OK) < 0)
		return false;
	program = xasprintf("%s/" BUS_PROGRAM, libexec_dir);
	return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_MAGIC && access(program, X_OK) == 0;
}

bool systemd_has_machined(void)
{
	static const char *const dirs[] = { "/usr/share", "/usr/local/share", "/etc" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_free char *path = xasprintf("%s/dbus-1/system-services/org.freedesktop.machine1.service", dirs[i]);

		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static const char **arguments(char *program, const char *verb, const struct strings *words)
{
	const char **argv = xmalloc((words->n + 3) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = program;
	argv[n++] = verb;
	for (size_t i = 0; i < words->n; i++)
		argv[n++] = words->items[i];
	argv[n] = NULL;
	return argv;
}

static int judge(int status, char *output, struct error *err)
{
	if (status == 0)
		return 0;
	output[strcspn(output, "\n")] = '\0';
	fail(err, 0, "%s", *output ? output : BUS_PROGRAM " failed");
	/* 127: its library is not installed */
	err->code = status == SYSTEMD_ABSENT || status == 127 ? ENOTCONN : EIO;
	return -err->code;
}

int systemd_say(const char *libexec_dir, const char *verb, const struct strings *words, int timeout_ms, struct error *err)
{
	auto_free char *program = xasprintf("%s/" BUS_PROGRAM, libexec_dir), *output = NULL;
	auto_free const char **argv = arguments(program, verb, words);
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1, .timeout_ms = timeout_ms };
	int r = tool_run(&run, err);

	return r < 0 ? r : judge(r, output, err);
}

pid_t systemd_begin(const char *libexec_dir, const char *verb, const struct strings *words, int *ret_output,
		    struct error *err)
{
	static char *const environment[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	auto_free char *program = xasprintf("%s/" BUS_PROGRAM, libexec_dir);
	auto_free const char **argv = arguments(program, verb, words);
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return fail(err, errno, "fork");
	}
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);	/* a ^C is its parent's business */
		dup2(null, 0);
		dup2(null, 1);
		dup2(fds[1], 2);
		cloexec_from(3);
		signals_reset();
		execve(program, (char *const *)argv, environment);
		_exit(127);
	}
	close(fds[1]);
	*ret_output = fds[0];
	return pid;
}

int systemd_finish(pid_t pid, int *output, struct error *err)
{
	auto_free char *text = NULL;
	size_t n;
	int status = 0;

	while (read_fd(*output, 65536, &text, &n) == -EINTR)
		;
	close_fd(output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return judge(WIFEXITED(status) ? WEXITSTATUS(status) : 1, text ? text : (char[]){ "" }, err);
}
