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
#include <utmp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "os/namespace.h"
#include "runtime/client.h"
#include "runtime/control.h"
#include "runtime/settle.h"

static int open_root(pid_t pid)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Descriptor or -errno; regular files only. */
static int open_regular(int root, const char *path)
{
	auto_close int fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	return take_fd(&fd);
}

/* A file of the container, as init sees it; to read. */
static int open_inside(pid_t pid, const char *path)
{
	auto_close int root = open_root(pid);

	return root < 0 ? root : open_regular(root, path);
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

#define CHANGE_TIMEOUT_MS 2000

/* What is changed: by its name, 0 or -errno. */
typedef int change_fn(int root);

static int change(int root, void *arg, struct error *err)
{
	change_fn *const *what = arg;
	int r = (*what)(root);

	return r < 0 ? fail(err, -r, "change a file of the container") : 0;
}

/* Change a file of the container as its root, with no more rights: a link may lead to where a file of the host is mounted, which
 * that root may see and not change. */
static int change_inside(const struct process_id *init, change_fn *what)
{
	struct error why = ERROR_NONE;

	return ns_visit(&(struct ns_visit){ .process = init, .timeout_ms = CHANGE_TIMEOUT_MS, .work = change, .arg = &what }, &why);
}

/* --- OpenRC, below busybox, sysvinit or its own init --- */

static bool uses_openrc(pid_t pid)
{
	return exists_inside(pid, "/run/openrc/softlevel") || exists_inside(pid, "/etc/init.d/bootmisc");
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

static int busybox_booted(pid_t pid)
{
	return uses_openrc(pid) ? openrc_booted(pid) : -1;
}

/* --- sysvinit --- */

#define SYSV_POWEROFF (34 + 4)	/* since 3.10; an older one is asked through its pipe */

/* One that others may write to as well, in init(8)'s own format (initreq.h). */
struct init_request {
	int32_t magic, command, runlevel, sleep;
	char data[368];
};

static int sysvinit_write_request(int root)
{
	static const char *const pipes[] = { "/run/initctl", "/dev/initctl" };
	const struct init_request request = { .magic = 0x03091969, .command = 1, .runlevel = '0' };

	for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
		auto_close int fd = open_in_root(root, pipes[i], O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
			return write(fd, &request, sizeof(request)) == sizeof(request) ? 0 : -errno;
	}
	return -EAGAIN;	/* made early in its boot, with init as its reader */
}

static int sysvinit_ask(const struct process_id *init, int *signal)
{
	if (process_takes_signal(init->pid, SYSV_POWEROFF) == 1)
		return 0;
	*signal = 0;
	return change_inside(init, sysvinit_write_request);
}

/* The last runlevel of utmp(5), which init writes before it runs the level's scripts. 0: none. */
static char sysvinit_runlevel(pid_t pid)
{
	auto_close int fd = open_inside(pid, "/run/utmp");
	struct utmp entry;
	char level = '\0';

	for (int i = 0; fd >= 0 && i < 4096 && read(fd, &entry, sizeof(entry)) == sizeof(entry); i++)
		if (entry.ut_type == RUN_LVL)
			level = (char)(entry.ut_pid & 0xff);
	return level;
}

static int sysvinit_booted(pid_t pid)
{
	if (exists_inside(pid, "/run/openrc/softlevel"))
		return openrc_booted(pid);
	return sysvinit_runlevel(pid) >= '2' && sysvinit_runlevel(pid) <= '5' && !has_child(pid, "rc") &&
	       !has_child(pid, "openrc");
}

/* --- runit --- */

/* The file whose x bit says what SIGCONT means: where runit has it, and where Debian's has it. */
static int runit_set(int root, const char *name, mode_t mode)
{
	static const char *const dirs[] = { "/etc/runit/", "/run/runit." };
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && r == -ENOENT; i++) {
		auto_free char *path = xasprintf("%s%s", dirs[i], name);
		auto_close int fd = open_regular(root, path);

		r = fd < 0 ? fd : fchmod(fd, mode) < 0 ? -errno : 0;
	}
	return r;
}

static int runit_want_poweroff(int root)
{
	int r = runit_set(root, "reboot", 0);

	if (r < 0 && r != -ENOENT)
		return r;
	return runit_set(root, "stopit", 0100);
}

static int runit_ask(const struct process_id *init, int *signal)
{
	(void)signal;
	if (!has_child(init->pid, "runsvdir"))
		return -EAGAIN;	/* stage 1 makes the files anew, and takes no signal */
	return change_inside(init, runit_want_poweroff);
}

static int runit_booted(pid_t pid)
{
	return has_child(pid, "runsvdir");
}

/* --- s6 --- */

/* s6-linux-init gives the supervisor a script for each signal. */
static bool s6_has_script(pid_t pid)
{
	char path[40];
	auto_close int scandir = -1, script = -1;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	scandir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (scandir >= 0)
		script = open_beneath(scandir, ".s6-svscan/SIGUSR1", O_PATH, 0);
	return script >= 0;
}

/* In a bare s6-svscan SIGTERM is what ends it. */
static int s6_ask(const struct process_id *init, int *signal)
{
	if (!is_named(init->pid, "s6-svscan"))
		return -EAGAIN;	/* still on its way there */
	if (!s6_has_script(init->pid))
		*signal = SIGTERM;
	return 0;
}

/* Of s6-linux-init stage 2 is a child, by these names while it lasts, those of the programs that become it included; a bare
 * s6-svscan has none. */
static int s6_booted(pid_t pid)
{
	static const char *const stages[] = { "s6-linux-init", "execlineb", "background", "s6-setsid", "rc.init", "runlevel",
					      "s6-rc" };

	if (!s6_has_script(pid))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (has_child(pid, stages[i]))
			return 0;
	return 1;
}

/* --- systemd, by its program --- */

#define MOST_PROGRAM_BYTES (8 << 20)
#define FIRST_WITH_CGROUP2 230	/* what nspawn takes, too */

/* "systemd 219", a string of its own: what --version prints. Since 231 it is in a library. */
bool init_text_wants_cgroup_v1(const char *text, size_t n)
{
	static const char name[] = "\0systemd ";
	const size_t len = sizeof(name) - 1;

	for (const char *end = text + n; (text = memmem(text, (size_t)(end - text), name, len)); text += len) {
		size_t left = (size_t)(end - text) - len;
		auto_free char *word = xstrndup(text + len, left < 8 ? left : 8);
		uint64_t version;

		if (strlen(word) < left && parse_u64(word, &version) == 0)
			return version < FIRST_WITH_CGROUP2;
	}
	return false;
}

bool init_wants_cgroup_v1(int root_fd)
{
	static const char *const programs[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		auto_close int fd = open_in_root(root_fd, programs[i], O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		auto_free char *text = NULL;
		struct stat st;
		size_t n;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    read_fd(fd, MOST_PROGRAM_BYTES, &text, &n) == 0)
			return init_text_wants_cgroup_v1(text, n);
	}
	return false;
}

/* --- the table --- */

/* Signals of glibc's numbering (of each init: systemd(1), busybox init, openrc-init(8), init(8), runit(8), s6-svscan). */
static const struct {
	const char *name;
	const char *programs[4];	/* what /proc/PID/exe ends in */
	const char *called, *mark;	/* its name must be this, this file must be there; NULL: no matter */
	int ready;	/* once it takes this, it can be asked to stop */
	int signal;
	int (*ask)(const struct process_id *init, int *signal);	/* what the signal alone does not say; it may change it, 0: none */
	int (*booted)(pid_t pid);	/* NULL: it cannot say */
} kinds[] = {
	[INIT_UNKNOWN] = { .name = "unknown", .ready = SIGTERM, .signal = SIGTERM },
	/* SIGRTMIN+4: poweroff.target */
	[INIT_SYSTEMD] = { .name = "systemd", .programs = { "systemd" }, .ready = 34 + 4, .signal = 34 + 4 },
	[INIT_BUSYBOX] = { .name = "busybox", .programs = { "busybox", "busybox.static" }, .called = "init",
			   .ready = SIGUSR2, .signal = SIGUSR2, .booted = busybox_booted },
	[INIT_OPENRC] = { .name = "openrc", .programs = { "openrc-init" }, .ready = SIGTERM, .signal = SIGTERM,
			  .booted = openrc_booted },
	[INIT_SYSVINIT] = { .name = "sysvinit", .programs = { "init" }, .mark = "/etc/inittab", .ready = SIGINT,
			    .signal = SYSV_POWEROFF, .ask = sysvinit_ask, .booted = sysvinit_booted },
	[INIT_RUNIT] = { .name = "runit", .programs = { "runit", "runit-init" }, .ready = SIGCONT, .signal = SIGCONT,
			 .ask = runit_ask, .booted = runit_booted },
	/* the two that it begins as always become the first */
	[INIT_S6] = { .name = "s6", .programs = { "s6-svscan", "s6-linux-init", "execlineb" }, .ready = SIGTERM,
		      .signal = SIGUSR1, .ask = s6_ask, .booted = s6_booted },
};

const char *init_kind_name(enum init_kind kind)
{
	return kinds[kind].name;
}

static bool is_kind(enum init_kind kind, pid_t pid, const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds[kind].programs) && kinds[kind].programs[i]; i++)
		if (strcmp(program, kinds[kind].programs[i]) == 0)
			return (!kinds[kind].called || is_named(pid, kinds[kind].called)) &&
			       (!kinds[kind].mark || exists_inside(pid, kinds[kind].mark));
	return false;
}

/* What runs as it now; "" when that cannot be told. */
static void program_of(pid_t pid, char *exe, size_t room)
{
	char path[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, room - 1);
	exe[n > 0 ? n : 0] = '\0';
}

enum init_kind init_kind_of(pid_t pid)
{
	char exe[512];
	const char *base;

	program_of(pid, exe, sizeof(exe));
	if (text_ends(exe, " (deleted)"))	/* upgraded inside meanwhile */
		exe[strlen(exe) - strlen(" (deleted)")] = '\0';
	base = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	for (enum init_kind kind = INIT_SYSTEMD; kind <= INIT_S6; kind++)
		if (is_kind(kind, pid, base))
			return kind;
	return INIT_UNKNOWN;
}

int init_ready_signal(enum init_kind kind)
{
	return kinds[kind].ready;
}

int init_ask_stop(enum init_kind kind, const struct process_id *init, int *ret_signal)
{
	*ret_signal = kinds[kind].signal;
	return kinds[kind].ask ? kinds[kind].ask(init, ret_signal) : 0;
}

int init_booted(enum init_kind kind, pid_t pid, int from_notify)
{
	if (kind == INIT_SYSTEMD || from_notify == 1)
		return from_notify == 1;
	return kinds[kind].booted ? kinds[kind].booted(pid) : -1;
}

bool init_seems_up(enum init_kind kind, pid_t pid)
{
	/* a plain program may never handle anything: that it runs is all there is to know */
	return kind == INIT_UNKNOWN || process_takes_signal(pid, kinds[kind].ready) == 1;
}

#define SAME_USEC 200000

bool init_settled(enum init_kind kind, pid_t pid, struct init_program *program)
{
	char exe[sizeof(program->exe)];

	if (kind != INIT_UNKNOWN)
		return true;
	program_of(pid, exe, sizeof(exe));
	if (!program->since || strcmp(exe, program->exe) != 0) {
		memcpy(program->exe, exe, sizeof(exe));
		program->since = now_usec();
	}
	return now_usec() - program->since >= SAME_USEC;
}

bool init_is_program(const char *init, pid_t pid)
{
	auto_free char *root_path = xasprintf("/proc/%d/root", (int)pid), *exe = xasprintf("/proc/%d/exe", (int)pid);
	auto_free char *program = xstrndup(init, strcspn(init, " \t"));
	auto_close int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int file = root < 0 ? -1 : open_in_root(root, program, O_PATH, 0);
	struct stat named, running;

	return file >= 0 && fstat(file, &named) == 0 && stat(exe, &running) == 0 && named.st_dev == running.st_dev &&
	       named.st_ino == running.st_ino && process_has_handlers(pid);
}

/* --- waiting --- */

static int ended(const struct container *c, struct error *err)
{
	fail(err, 0, "it ended before it had booted");
	return error_hint(err, "sysct logs %s shows what it printed", c->name);
}

static int look(const struct container *c, struct init_program *program, struct error *err)
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
	if (booted < 0 && !init_settled(kind, state.init.pid, program))
		return 0;
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
	struct init_program program = { .since = 0 };

	if (socket >= 0)
		control_send(socket, CONTROL_SUBSCRIBE, 0, NULL, -1);
	for (;;) {
		int r = look(c, &program, err);

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
