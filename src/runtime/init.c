/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "runtime/client.h"
#include "runtime/control.h"
#include "runtime/start.h"

static const char *const names[] = { "unknown", "systemd", "busybox", "openrc", "sysvinit", "runit", "s6" };

const char *init_kind_name(enum init_kind kind)
{
	return names[kind];
}

/* A file of the container, as init sees it. Descriptor or -errno; regular files only. */
static int open_inside(pid_t pid, const char *path)
{
	char proc_root[40];
	auto_close int root = -1, fd = -1;
	struct stat st;

	snprintf(proc_root, sizeof(proc_root), "/proc/%d/root", (int)pid);
	root = open(proc_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	return take_fd(&fd);
}

static bool exists_inside(pid_t pid, const char *path)
{
	auto_close int fd = open_inside(pid, path);

	return fd >= 0;
}

/* busybox is init, sleep and sh, by the name it is called. */
static bool is_named(pid_t pid, const char *name)
{
	auto_free char *comm = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (read_file_at(AT_FDCWD, path, 64, &comm, NULL) < 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

enum init_kind init_kind_of(pid_t pid)
{
	static const struct {
		const char *program;
		enum init_kind kind;
	} programs[] = {
		{ "systemd", INIT_SYSTEMD }, { "busybox", INIT_BUSYBOX }, { "openrc-init", INIT_OPENRC },
		{ "runit", INIT_RUNIT },     { "runit-init", INIT_RUNIT }, { "s6-svscan", INIT_S6 },
		{ "busybox.static", INIT_BUSYBOX },
	};
	char path[40], exe[512];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return INIT_UNKNOWN;
	exe[n] = '\0';
	if (text_ends(exe, " (deleted)"))	/* upgraded inside meanwhile */
		exe[n - (ssize_t)strlen(" (deleted)")] = '\0';
	base = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (strcmp(base, programs[i].program) == 0)
			return programs[i].kind == INIT_BUSYBOX && !is_named(pid, "init") ? INIT_UNKNOWN :
											    programs[i].kind;
	if (strcmp(base, "init") == 0 && exists_inside(pid, "/etc/inittab"))
		return INIT_SYSVINIT;
	return INIT_UNKNOWN;
}

/* Signals of glibc's numbering (init-contract of each init: systemd(1), busybox init, openrc-init(8), s6-svscan). */
int init_stop_signal(enum init_kind kind)
{
	switch (kind) {
	case INIT_SYSTEMD:
		return 34 + 4;	/* SIGRTMIN+4: poweroff.target */
	case INIT_BUSYBOX:
	case INIT_S6:
		return kind == INIT_BUSYBOX ? SIGUSR2 : SIGUSR1;
	case INIT_OPENRC:
	case INIT_UNKNOWN:
		return SIGTERM;
	case INIT_SYSVINIT:
		return 34 + 4;	/* since 3.10; before that SIGPWR by inittab */
	case INIT_RUNIT:
		return SIGCONT;
	}
	return SIGTERM;
}

static bool uses_openrc(enum init_kind kind, pid_t pid)
{
	return kind == INIT_OPENRC || (kind == INIT_BUSYBOX && (exists_inside(pid, "/run/openrc/softlevel") ||
							      exists_inside(pid, "/etc/init.d/bootmisc")));
}

/* Does the process have a child of that name? */
static bool has_child(pid_t pid, const char *name)
{
	auto_free char *children = NULL;
	char path[64], *save;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (read_file_at(AT_FDCWD, path, 1 << 20, &children, NULL) < 0)
		return false;
	for (char *word = strtok_r(children, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (is_named((pid_t)atoi(word), name))
			return true;
	}
	return false;
}

static int openrc_booted(pid_t pid)
{
	auto_close int fd = open_inside(pid, "/run/openrc/softlevel");
	auto_free char *level = NULL;

	if (fd < 0 || read_fd(fd, 256, &level, NULL) < 0)
		return 0;
	level[strcspn(level, "\n")] = '\0';
	/* the level is named before its services are started, so ask for the program that starts them too */
	return strcmp(level, "default") == 0 && !exists_inside(pid, "/run/openrc/rc.starting") &&
	       !has_child(pid, "openrc");
}

int init_booted(enum init_kind kind, pid_t pid, int from_notify)
{
	if (kind == INIT_SYSTEMD || from_notify == 1)
		return from_notify == 1;
	if (uses_openrc(kind, pid))
		return openrc_booted(pid);
	return -1;
}

bool init_seems_up(enum init_kind kind, pid_t pid)
{
	/* a plain program may never handle anything: that it runs is all there is to know */
	return kind == INIT_UNKNOWN || process_takes_signal(pid, init_stop_signal(kind)) == 1;
}

/* --- waiting --- */

static int ended(const struct container *c, struct error *err)
{
	fail(err, 0, "it ended before it had booted");
	return error_hint(err, "sysct logs %s shows what it printed", c->name);
}

static int look(const struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	enum init_kind kind;
	bool left_over;
	int booted;

	state_init(&state);
	if (container_peek(c, &state, &left_over, err) < 0)
		return -err->code;
	if (state.phase == PHASE_STOPPED)
		return ended(c, err);
	kind = init_kind_of(state.init.pid);
	booted = init_booted(kind, state.init.pid, state.booted);
	return booted >= 0 ? booted : init_seems_up(kind, state.init.pid);
}

struct progress_of {
	void (*call)(const char *text, void *arg);
	void *arg;
};

/* Hear the monitor for at most wait_ms; its status lines are progress. */
static void listen_for(int *socket, int wait_ms, const struct progress_of *progress)
{
	struct control_packet packet;
	struct timespec pause = { .tv_nsec = wait_ms * 1000000L };
	int r;

	if (*socket < 0) {
		nanosleep(&pause, NULL);
		return;
	}
	r = control_receive(*socket, &packet, NULL, wait_ms);
	if (r == 1 && packet.type == CONTROL_STATUS && progress->call && packet.text_len)
		progress->call(packet.text, progress->arg);
	if (r == 0 || (r < 0 && r != -ETIMEDOUT && r != -EINTR))
		close_fd(socket);	/* the monitor went: look at the files alone */
}

int init_wait_booted(const struct container *c, int timeout_ms, void (*progress)(const char *text, void *arg),
		     void *arg, struct error *err)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	const struct progress_of call = { progress, arg };
	auto_close int socket = client_connect(c);

	if (socket >= 0)
		control_send(socket, CONTROL_SUBSCRIBE, 0, NULL, -1);
	for (;;) {
		int r = look(c, err);

		if (r != 0)
			return r < 0 ? r : 0;
		if (interrupt_check(err) < 0)
			return -err->code;
		if (now_usec() >= end) {
			fail(err, ETIMEDOUT, "wait %d s until it has booted", timeout_ms / 1000);
			error_status(err, STATUS_TIMEOUT);
			return error_hint(err, "it runs on: sysct console %s shows what it does", c->name);
		}
		listen_for(&socket, 20, &call);
	}
}
