/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that starts a container, and boots it again: it walks the table of the start and becomes the monitor; its parent
 * becomes the holder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/affinity.h"
#include "os/fdpass.h"
#include "os/idmap.h"
#include "os/namespace.h"
#include "os/notify.h"
#include "os/sealed.h"
#include "os/session.h"
#include "rows.h"
#include "runtime/adopt.h"
#include "runtime/handshake.h"
#include "runtime/entry.h"
#include "runtime/launch.h"
#include "runtime/started.h"
#include "runtime/steps.h"
#include "runtime/supervise.h"
#include "runtime/undo.h"
#include "runtime/unit.h"
#include "start_parts.h"
#include "store/rootfs.h"

#define KILL_TIMEOUT_MS 2000

/* --- becoming the monitor --- */

struct carried {
	int link, control, console, notify;
	const char *const *clients;	/* "client=..." arguments, NULL-terminated */
};

static void fill_arguments(const struct container *c, char **argv, size_t *n, char *program)
{
	const struct install *i = c->install;

	argv[(*n)++] = program;
	argv[(*n)++] = c->name;
	argv[(*n)++] = i->run_dir;
	argv[(*n)++] = i->state_dir;
	argv[(*n)++] = i->cache_dir;
	argv[(*n)++] = i->config_given ? i->config : "";
	argv[(*n)++] = program_path();	/* not freed: what follows is an execution */
}

/* A clean environment, but where our own parts are. environment has room for ENVIRONMENT. */
#define ENVIRONMENT 5

static void fill_environment(char **environment)
{
	static const char *const kept[] = { "SYSCT_LIBEXEC_DIR", "SYSCT_DATA_DIR", UNIT_NOTIFY };
	size_t n = 0;

	environment[n++] = (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			environment[n++] = xasprintf("%s=%s", kept[i], getenv(kept[i]));
	environment[n] = NULL;
}

/* Put descriptors at their agreed numbers; none may be in another's place meanwhile. */
static int place_fds(const int *fds, size_t n, int first)
{
	int high[8];

	for (size_t i = 0; i < n; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++)
		if (dup2(high[i], first + (int)i) < 0)
			return -errno;
	return 0;
}

static void quiet_stdio(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

void start_keep_clients(const char *const *clients)
{
	for (; clients && *clients; clients++) {
		int fds[2];

		if (sscanf(*clients, "client=%d:%d", &fds[0], &fds[1]) != 2)
			continue;
		for (int i = 0; i < 2; i++)
			if (fds[i] >= FD_FREE)
				fcntl(fds[i], F_SETFD, 0);
	}
}

static int become_monitor(const struct container *c, const struct carried *carried, struct error *err)
{
	auto_free char *path = xasprintf("%s/" MONITOR_PROGRAM, c->install->libexec_dir);
	const int fds[] = { carried->link, carried->control, carried->console, carried->notify };
	char *argv[64], *environment[ENVIRONMENT];
	size_t n = 0;
	int r;

	fill_environment(environment);
	fill_arguments(c, argv, &n, path);
	for (size_t i = 0; carried->clients && carried->clients[i] && n < ARRAY_SIZE(argv) - 1; i++)
		argv[n++] = (char *)carried->clients[i];
	argv[n] = NULL;
	r = place_fds(fds, ARRAY_SIZE(fds), FD_LINK);
	if (r < 0)
		return fail(err, -r, "arrange descriptors");
	start_keep_clients(carried->clients);
	execve(path, argv, environment);
	fail(err, errno, "execute %s", path);
	return error_hint(err, "sysct is not installed whole: install it again");
}

/* --- the start itself, in the process that is going to be the monitor --- */

static int save(const struct container *c, const struct container_state *state, struct error *err)
{
	return state_save(c->install->run_dir, c->name, state, err);
}

static void note_policies(const struct container *c, struct container_state *state)
{
	static const char *const policies[] = { "no", "on-failure", "always" };

	record_setf(&state->more, MORE_LOG_SIZE, "%llu", (unsigned long long)c->config.console_log_size);
	auto_free char *persist = strings_join(&c->config.namespaces.persist, " ");

	record_set(&state->more, MORE_PERSIST, *persist ? persist : NULL);
	record_set(&state->more, MORE_RESTART, policies[c->config.restart]);
	record_set(&state->more, MORE_UNIT_NOTIFY, getenv(UNIT_NOTIFY));
}

/* What the walk needed. The payload alone holds the file system then; the image's lock lives on with the loop device, which has
 * the same open file. */
static void let_go(struct launch *launch)
{
	rootfs_close(&launch->rootfs);
	close_fd(&launch->netns);
	close_fd(&launch->bare_mounts);
	close_fd(&launch->cgroup);
	if (launch->helper)
		ns_reap_helper(launch->helper);
	userns_reap();
	launch->helper = 0;
}

/* Walk the table and say in the state that it runs. On failure everything is undone. */
static int boot(struct container *c, struct container_state *state, struct launch *launch, int link,
		struct error *err)
{
	struct error undo = ERROR_NONE;

	process_identify(getpid(), &state->starter);
	process_identify_parent(link, &state->holder);
	state->phase = PHASE_STARTING;
	note_policies(c, state);
	launch->container = c;
	launch->config = &c->config;
	launch->state = state;
	started_note(c, state);
	if (save(c, state, err) == 0 &&
	    steps_run(start_steps, n_start_steps, HOST, launch, err) == 0) {
		state->phase = PHASE_RUNNING;
		state->monitor = state->starter;
		state->started_at = (int64_t)time(NULL);
		entry_note(c, state);
		if (save(c, state, err) == 0) {
			let_go(launch);
			return 0;
		}
	}
	launch_settle_lender(launch);
	let_go(launch);	/* our own hold on the loop device would be waited for */
	if (launch->pid > 0) {
		kill(launch->pid, SIGKILL);	/* our child, not reaped yet: the pid is its own */
		child_wait(launch->pid, KILL_TIMEOUT_MS, NULL);
	}
	container_undo(c, state, &undo);
	return -err->code;
}

static int hold(int link, const struct launch *launch, struct error *err)
{
	const int fds[] = { launch->control, launch->console, launch->notify };
	const char keep = LINK_KEEP;
	int r = fd_send(link, &keep, 1, fds, ARRAY_SIZE(fds));

	return r < 0 ? fail(err, -r, "hand descriptors to the holder") : 0;
}

static void save_timing(const struct container *c, const struct text *timing)
{
	auto_free char *path = xasprintf("%s/%s/timing", c->install->run_dir, c->name);
	struct error ignored = ERROR_NONE;

	if (timing->data)
		replace_file_at(AT_FDCWD, path, timing->data, timing->len, 0600, false, &ignored);
}

/* What a start leaves behind for the monitor, made anew for a container that runs. */
static int take_up(struct container *c, struct container_state *state, struct launch *launch, int link, struct error *err)
{
	int bound;

	launch->container = c;
	launch->config = &c->config;
	launch->state = state;
	if (adopt_open(&state->init, &launch->console, &launch->notify, &bound, err) < 0 || host_open_control(launch, err) < 0)
		return -err->code;
	record_set(&state->more, MORE_NOTE, NULL);	/* what the start had to say is said */
	if (bound < 0)
		record_setf(&state->more, MORE_NOTE, "nobody hears any more what its init tells of itself (/run/host/notify): %s",
			    strerror(-bound));
	process_identify(getpid(), &state->monitor);
	process_identify_parent(link, &state->holder);
	return save(c, state, err);
}

/* The starter: its parent is the holder. Ends in the monitor, or with the error told. */
__attribute__((noreturn)) static void starter_main(struct container *c, struct container_state *state, int verdict,
						   int link, int lender, const struct wish *wish)
{
	auto_free char *client = wish->client ? xasprintf("client=%d:%d:0", wish->client[0], wish->client[1]) : NULL;
	const char *const clients[] = { client, NULL };
	struct launch launch = LAUNCH_EMPTY;
	struct text timing = TEXT_EMPTY;
	struct error err = ERROR_NONE;
	struct carried carried;

	launch.lender = wish->rootfs ? wish->rootfs[1] : lender;
	launch.cgroup_lender = wish->rootfs ? lender : -1;
	if (wish->timed)
		launch.timing = &timing;
	if ((wish->adopt ? take_up(c, state, &launch, link, &err) : boot(c, state, &launch, link, &err)) < 0) {
		if (wish->report >= 0)
			dprintf(wish->report, "sysct: start %s: %s\n%s%s%s", c->name, err.message, *err.hint ? "hint: " : "",
				err.hint, *err.hint ? "\n" : "");
		handshake_report(verdict, 0, &err, -1);
		_exit(3);
	}
	if (wish->timed)
		save_timing(c, &timing);
	hold(link, &launch, &err);
	handshake_report(verdict, 0, NULL, -1);
	if (wish->adopt)
		unit_tell_main(state->holder.pid);
	else
		notify_send_to(getenv(UNIT_NOTIFY), "READY=1");
	carried = (struct carried){ link, launch.control, launch.console, launch.notify, clients };
	become_monitor(c, &carried, &err);
	_exit(4);	/* the holder starts a monitor */
}

/* --- becoming the holder --- */

/* The starter's word, or its end: whatever it is, it waits for the holder. Until then the processors are the starter's. */
static void await_word(int link, pid_t starter)
{
	auto_close int pidfd = pidfd_of(starter);
	struct pollfd fds[] = { { .fd = link, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

	if (pidfd >= 0)
		poll(fds, ARRAY_SIZE(fds), -1);
}

void start_hold(struct container *c, struct container_state *state, int verdict, const struct wish *wish)
{
	auto_free char *path = xasprintf("%s/" HOLDER_PROGRAM, c->install->libexec_dir);
	auto_free char *monitor = xasprintf("%s/" MONITOR_PROGRAM, c->install->libexec_dir);
	char *argv[16], *environment[ENVIRONMENT];
	char child[16];
	size_t n = 0;
	int pair[2], lend[2] = { -1, -1 }, fds[5];
	pid_t pid;

	setsid();
	signals_reset();
	session_shed_caller();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	quiet_stdio();
	if (wish->adopt)
		unit_enter_again(c, state);
	container_drop_lock(c);	/* the lock is the command's, which waits for us */
	if (chdir("/") < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		_exit(1);
	if (!wish->adopt && (wish->rootfs || rootfs_is_quick(c)) && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lend) < 0)
		_exit(1);
	affinity_look();	/* else the starter would, perhaps while we have it moved, and leave init as it is then */
	pid = fork();
	if (pid < 0)
		_exit(1);
	if (pid == 0) {
		close(pair[0]);
		close_fd(&lend[0]);
		starter_main(c, state, verdict, pair[1], lend[1], wish);
	}
	affinity_apart(pid);
	close_fd(&lend[1]);
	if (wish->rootfs)
		close(wish->rootfs[1]);
	if (wish->rootfs)
		launch_lend_cgroup(c, lend[0]);
	else if (lend[0] >= 0)
		launch_lend_rootfs(c, lend[0]);
	close_fd(&lend[0]);
	snprintf(child, sizeof(child), "%d", (int)pid);
	fill_environment(environment);
	argv[n++] = HOLDER_PROGRAM;
	argv[n++] = child;
	fill_arguments(c, argv, &n, monitor);
	argv[n] = NULL;
	/* link, and three places that the starter fills later; then our own end */
	fds[0] = pair[1];
	fds[1] = fds[2] = fds[3] = 0;
	fds[4] = pair[0];
	await_word(pair[0], pid);
	if (place_fds(fds, 5, FD_LINK) == 0) {
		cloexec_from(FD_FREE);
		execve(path, argv, environment);
	}
	kill(pid, SIGKILL);
	_exit(1);
}

/* --- once more, in the process that was the monitor --- */

int start_boot_again(struct container *c, struct container_state *state, const char *const *clients,
		     struct error *err)
{
	struct launch launch = LAUNCH_EMPTY;
	struct carried carried;

	/* the master of the last boot: its pty goes with the last boot's devpts */
	close(FD_CONSOLE);
	close(FD_NOTIFY);
	if (container_undo_boot(c, state, err) < 0 || start_ready(c, err) < 0)
		return -err->code;
	record_set(&state->more, "link", NULL);
	record_set(&state->more, "loop", NULL);
	record_set(&state->more, "base", NULL);
	record_set(&state->more, "netns", NULL);
	record_set(&state->more, MORE_ENDED, NULL);
	state->booted = -1;
	state->init = (struct process_id){ 0 };
	launch.control = FD_CONTROL;
	/* numbers that are spoken for must not be given to anything new */
	if (boot(c, state, &launch, FD_LINK, err) < 0)
		return -err->code;
	hold(FD_LINK, &launch, err);
	carried = (struct carried){ FD_LINK, launch.control, launch.console, launch.notify, clients };
	return become_monitor(c, &carried, err);
}
