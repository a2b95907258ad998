/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/caps.h"
#include "os/cgroup.h"
#include "os/fdpass.h"
#include "os/idmap.h"
#include "os/namespace.h"
#include "os/notify.h"
#include "os/sealed.h"
#include "os/session.h"
#include "rows.h"
#include "runtime/adopt.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"
#include "runtime/reclaim.h"
#include "runtime/started.h"
#include "runtime/steps.h"
#include "runtime/supervise.h"
#include "runtime/unit.h"
#include "start_parts.h"
#include "store/idpool.h"
#include "store/leftovers.h"
#include "store/rootfs.h"

#define START_TIMEOUT_MS 120000	/* beside an e2fsck */
#define KILL_TIMEOUT_MS 2000
#define ORPHAN_WAIT_MS 10000
#define GIVE_UP_MS 20000	/* a starter that is killed and does not end: in the kernel */

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

/* "client=CONTROL:STREAM:KIND": their descriptors go along. */
static void keep_clients(const char *const *clients)
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
	keep_clients(carried->clients);
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
	container_unlock(c);	/* the lock is the command's, which waits for us */
	if (chdir("/") < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		_exit(1);
	if (!wish->adopt && (wish->rootfs || rootfs_is_quick(c)) && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lend) < 0)
		_exit(1);
	pid = fork();
	if (pid < 0)
		_exit(1);
	if (pid == 0) {
		close(pair[0]);
		close_fd(&lend[0]);
		starter_main(c, state, verdict, pair[1], lend[1], wish);
	}
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

/* --- the command's side --- */

/* True when it is dead; false: it is not yet known, or hangs in the kernel. */
static bool kill_starter(const struct container *c)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	auto_close int pidfd = -1;

	state_init(&state);
	if (state_load(c->install->run_dir, c->name, &state, NULL, &ignored) < 0 || state.starter.pid == getpid())
		return false;
	pidfd = process_open(&state.starter);
	if (pidfd < 0)
		return pidfd == -ESRCH;
	pidfd_signal(pidfd, SIGKILL);
	return pidfd_wait(pidfd, 2000) == 1;
}

static int too_long(const struct container *c, int seconds, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;

	state_init(&state);
	if (state_load(c->install->run_dir, c->name, &state, NULL, &ignored) < 0 || !process_alive(&state.starter))
		return fail(err, ETIMEDOUT, "wait %d s until it was started", seconds);
	return fail(err, ETIMEDOUT, "wait %d s for process %d, which starts it", seconds, (int)state.starter.pid);
}

int start_timeout_ms(const struct container *c)
{
	return START_TIMEOUT_MS + rootfs_check_ms(c);
}

/* Wait for the verdict. On ^C and on a timeout the starter is killed; whoever still holds its end of the connection (a
 * payload that hangs in the kernel, say) is not waited for. */
int start_await_verdict(const struct container *c, int verdict, int timeout_ms, struct error *err)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000, given_up = 0;
	struct pollfd poll_fd = { .fd = verdict, .events = POLLIN };
	struct error why = ERROR_NONE;
	int fd, r;

	while (poll(&poll_fd, 1, why.code ? 20 : 1000) <= 0) {
		if (!why.code && interrupt_check(&why) >= 0 && now_usec() > end)
			too_long(c, timeout_ms / 1000, &why);
		if (!why.code)
			continue;
		if (!given_up)
			given_up = now_usec() + GIVE_UP_MS * 1000ULL;
		if ((kill_starter(c) || now_usec() > given_up) && poll(&poll_fd, 1, 0) <= 0)
			break;
	}
	if (poll_fd.revents) {
		r = handshake_await(verdict, 0, 1000, &fd, err);
		if (r == HANDSHAKE_DONE)
			return 0;
		if (r != HANDSHAKE_CLOSED)
			return r;
	}
	if (why.code)
		*err = why;
	else
		fail(err, 0, "the process that starts it was killed");
	return -err->code;
}

static int check_programs(const struct container *c, struct error *err)
{
	static const char *const programs[] = { HOLDER_PROGRAM, MONITOR_PROGRAM };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		auto_free char *path = xasprintf("%s/%s", c->install->libexec_dir, programs[i]);

		if (access(path, X_OK) < 0) {
			fail(err, errno, "find %s", path);
			return error_hint(err, "sysct is not installed whole: install it again");
		}
	}
	return 0;
}

/* What the configuration asks for, and the host may not have. */
static int ready(struct container *c, struct error *err)
{
	uint64_t mask;

	if (idpool_ensure(c, false, err) < 0 || rootfs_follow_ids(c, err) < 0 ||
	    caps_select(0, &c->config.security.keep_capabilities, &c->config.security.drop_capabilities, &mask,
			err) < 0)
		return -err->code;
	return 0;
}

/* What can be said before anything is touched. */
int start_prepare(struct container *c, struct container_state *state, struct error *err)
{
	auto_free char *dir = launch_run_dir(c);
	int r;

	if (container_settle(c, state, err) < 0)
		return -err->code;
	if (state->phase != PHASE_STOPPED) {
		fail_status(err, STATUS_STATE, "it is already %s", phase_name(state->phase));
		return error_hint(err, "sysct attach %s enters it, sysct restart %s boots it anew", c->name, c->name);
	}
	if (check_programs(c, err) < 0 || ready(c, err) < 0)
		return -err->code;
	state_done(state);
	memcpy(state->uuid, c->uuid, sizeof(state->uuid));
	state_set_install(state, c->install);
	r = boot_id_read(state->boot_id);
	if (r < 0)
		return fail(err, -r, "read the boot id");
	state->phase = PHASE_STARTING;
	r = process_identify(getpid(), &state->starter);
	if (r < 0)
		return fail(err, -r, "look at this process");
	r = make_dirs(dir, 0700);
	if (r < 0)
		return fail(err, -r, "create %s", dir);
	if (save(c, state, err) < 0) {	/* on a full disk, say: nothing is made yet but the directory */
		struct error ignored = ERROR_NONE;

		steps_undo(start_steps, 1, c, state, &ignored);
		return -err->code;
	}
	return 0;
}

static void read_timing(const struct container *c, struct text *timing)
{
	auto_free char *path = xasprintf("%s/%s/timing", c->install->run_dir, c->name);
	auto_free char *text = NULL;

	if (read_file_at(AT_FDCWD, path, 65536, &text, NULL) == 0)
		text_add(timing, "%s", text);
}

/* A terminal's ^Z, while the starter, which has left it, waits for what this process makes. */
static void hold_job_control(sigset_t *before)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigaddset(&stops, SIGTTIN);
	sigaddset(&stops, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stops, before);
}

static int run_starter(struct container *c, struct container_state *state, const struct wish *wish, struct error *err)
{
	int timeout_ms = start_timeout_ms(c), pair[2], lend[2] = { -1, -1 };
	struct wish whole = *wish;
	auto_close int verdict = -1, lender = -1;
	sigset_t signals;
	pid_t pid;

	if (handshake_pair(pair, err) < 0)
		return -err->code;
	verdict = pair[0];
	if (!wish->adopt && rootfs_is_quick(c)) {
		if (handshake_pair(lend, err) < 0) {
			close(pair[1]);
			return -err->code;
		}
		lender = lend[0];
		whole.rootfs = lend;
	}
	fflush(NULL);
	hold_job_control(&signals);
	pid = fork();
	if (pid < 0)
		fail(err, errno, "fork");
	if (pid == 0) {
		close(pair[0]);
		close_fd(&lender);
		start_hold(c, state, pair[1], &whole);
	}
	close(pair[1]);
	close_fd(&lend[1]);
	if (pid > 0 && lender >= 0)
		launch_lend_rootfs(c, lender);
	close_fd(&lender);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	if (pid < 0)
		return -err->code;
	return start_await_verdict(c, verdict, timeout_ms, err);
}

int container_mark_stopping(struct container *c, struct container_state *state, struct error *err)
{
	state->phase = PHASE_STOPPING;
	process_identify(getpid(), &state->starter);
	return save(c, state, err);
}

static void kill_both(const int pidfds[2], int signal)
{
	for (int i = 0; i < 2; i++)
		if (pidfds[i] >= 0)
			pidfd_signal(pidfds[i], signal);
}

void container_dismiss(const struct container_state *state)
{
	const struct process_id *both[2] = { &state->holder, &state->monitor };
	int pidfds[2];

	for (int i = 0; i < 2; i++) {
		bool own = both[i]->pid == getpid() || both[i]->pid == getppid();

		pidfds[i] = own ? -1 : process_open(both[i]);
	}
	/* each would replace the other: so neither may see the other's end */
	kill_both(pidfds, SIGSTOP);
	kill_both(pidfds, SIGKILL);
	for (int i = 0; i < 2; i++) {
		if (pidfds[i] >= 0)
			pidfd_wait(pidfds[i], 2000);
		close_fd(&pidfds[i]);
	}
}

static void retire(struct container *c, struct container_state *state)
{
	struct error ignored = ERROR_NONE;	/* a full /run must not keep us from cleaning up */

	container_mark_stopping(c, state, &ignored);
	container_dismiss(state);
}

/* The starter has no terminal: what a person should read it leaves in the state. */
static void show_note(const struct container *c, struct container_state *state)
{
	struct error ignored = ERROR_NONE;
	const char *note;

	if (state_load(c->install->run_dir, c->name, state, NULL, &ignored) < 0)
		return;
	note = record_get(&state->more, MORE_NOTE);
	if (note)
		log_note("%s: %s", c->name, note);
}

/* --- a privileged one: by a sealed copy of ourselves (os/sealed.h) --- */

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

static int start_sealed(struct container *c, struct text *timing, struct error *err)
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

/* The starter undoes its own failure. If it was killed, its last state tells what to undo. */
void start_clean_up(struct container *c, struct container_state *state)
{
	struct error undo = ERROR_NONE;

	if (state_load(c->install->run_dir, c->name, state, NULL, &undo) == 0 &&
	    (state->phase != PHASE_STOPPED || *state->uuid)) {
		retire(c, state);	/* a holder that has something to hold would go on */
		container_undo(c, state, &undo);
		leftovers_tidy(c->install);	/* what it was writing */
	}
}

typedef int run_fn(struct container *c, struct container_state *state, const struct wish *wish, struct error *err);

/* 1: not in this way. */
static int start_by(run_fn *run, struct container *c, struct text *timing, const struct wish *wish, struct error *err)
{
	auto_state struct container_state state = { 0 };
	int r;

	state_init(&state);
	if (start_prepare(c, &state, err) < 0)
		return -err->code;
	r = run(c, &state, wish, err);
	if (r != 0) {
		start_clean_up(c, &state);
		return r;
	}
	if (timing)
		read_timing(c, timing);
	show_note(c, &state);
	return 0;
}

int container_start_watched(struct container *c, struct text *timing, const int client[2], struct error *err)
{
	const struct wish wish = { .timed = timing != NULL, .client = client, .report = -1 };

	if (unit_reachable(c->install)) {
		int r = start_by(unit_start, c, timing, &wish, err);

		if (r != 1)
			return r;
	}
	if (c->config.security.privileged && !program_is_sealed())
		return client ? program_execute_sealed(NULL, err) : start_sealed(c, timing, err);
	return start_by(run_starter, c, timing, &wish, err);
}

int container_start(struct container *c, struct text *timing, struct error *err)
{
	return container_start_watched(c, timing, NULL, err);
}

/* --- state made true --- */

int container_undo(struct container *c, struct container_state *state, struct error *err)
{
	/* The first row's directory holds the state: it goes when all else has gone, else the next command could not
	 * know what is left. */
	int r;

	interrupt_hold(true);
	r = steps_undo(start_steps + 1, n_start_steps - 1, c, state, err);
	if (r >= 0)
		r = steps_undo(start_steps, 1, c, state, err);
	interrupt_hold(false);
	return r;
}

static size_t cgroup_row(void)
{
	size_t row = 0;

	while (start_steps[row].undo != host_remove_cgroup)
		row++;
	return row;
}

/* What stands below the cgroup's row: the pins, the payload, the image. */
struct upper {
	const struct container *container;
	const struct container_state *state;
	struct error err;
	int r;
};

static void *undo_upper(void *arg)
{
	struct upper *upper = arg;
	size_t first = cgroup_row() + 1;

	upper->r = steps_undo(start_steps + first, n_start_steps - first, upper->container, upper->state, &upper->err);
	return NULL;
}

int container_undo_beside(struct container *c, struct container_state *state, void (*meanwhile)(void *arg), void *arg,
			  struct error *err)
{
	struct upper upper = { .container = c, .state = state };
	struct error why = ERROR_NONE, ignored = ERROR_NONE;
	pthread_t thread;
	bool apart;
	int r;

	interrupt_hold(true);
	apart = pthread_create(&thread, NULL, undo_upper, &upper) == 0;
	meanwhile(arg);
	if (!apart) {
		interrupt_hold(false);
		return container_undo(c, state, err);
	}
	host_kill_payload(c, state, &ignored);	/* the thread's too, and it says what is wrong with it */
	r = steps_undo(start_steps + 1, cgroup_row(), c, state, &why);
	pthread_join(thread, NULL);
	if (upper.r < 0 || r < 0) {
		*err = upper.r < 0 ? upper.err : why;
		r = -err->code;
	} else {
		r = steps_undo(start_steps, 1, c, state, err);	/* as in container_undo() */
	}
	interrupt_hold(false);
	return r;
}

void container_note_exit(const struct container *c, const char *text)
{
	auto_free char *line = xasprintf("%s\n", text), *before = NULL;
	struct error ignored = ERROR_NONE;

	/* mostly it ends as it did the last time, and to replace a file of ext4 is to wait for its disk (mount option auto_da_alloc) */
	if (read_file_at(c->dir_fd, "last_exit", 256, &before, NULL) == 0 && strcmp(before, line) == 0)
		return;
	replace_file_at(c->dir_fd, "last_exit", line, strlen(line), 0600, false, &ignored);
}

enum finding { AS_IT_SAYS, LEFT_OVER };

static enum finding examine(const struct container_state *state)
{
	switch (state->phase) {
	case PHASE_STOPPED:
		return AS_IT_SAYS;
	case PHASE_STARTING:
	case PHASE_STOPPING:
		return process_alive(&state->starter) ? AS_IT_SAYS : LEFT_OVER;
	case PHASE_RUNNING:
		break;
	}
	/* With the lock held nobody else acts on it: if init is gone, its monitor may still be about to. */
	return process_alive(&state->init) ? AS_IT_SAYS : LEFT_OVER;
}

/* One look, and the cheapest: list does this for all containers. */
static bool init_is_alive(const struct container_state *state)
{
	uint64_t inode = record_get_u64(&state->more, MORE_INIT_INODE, 0);
	int r = inode && state->init.pid > 0 ? process_has_inode(state->init.pid, inode) : -EOPNOTSUPP;

	return r < 0 ? process_alive(&state->init) : r;
}

int container_peek(const struct container *c, struct container_state *ret, bool *ret_left_over,
		   struct error *err)
{
	bool stale;

	*ret_left_over = false;
	if (state_load(c->install->run_dir, c->name, ret, &stale, err) < 0)
		return -err->code;
	if (!stale && ret->phase == PHASE_RUNNING) {
		if (init_is_alive(ret))
			return 0;
		if (process_alive(&ret->monitor)) {
			ret->phase = PHASE_STARTING;	/* between two boots */
			return 0;
		}
	}
	/* of an earlier boot nothing exists but files: that is a stopped container */
	if (stale || examine(ret) == LEFT_OVER) {
		*ret_left_over = !stale;
		ret->phase = PHASE_STOPPED;
	}
	return 0;
}

/* The lock is ours, so the command that began a start has been killed; the process that does it lives on, and is done
 * soon. *ret is what it has come to; still STARTING when it was not done in time, or on ^C. */
static int await_orphan(const struct container *c, struct container_state *ret, bool *ret_stale, struct error *err)
{
	uint64_t end = now_usec() + ORPHAN_WAIT_MS * 1000ULL;

	for (;;) {
		auto_close int pidfd = -1;

		if (state_load(c->install->run_dir, c->name, ret, ret_stale, err) < 0)
			return -err->code;
		if (*ret_stale || ret->phase != PHASE_STARTING || now_usec() >= end || interrupt_pending())
			return 0;
		pidfd = process_open(&ret->starter);
		if (pidfd < 0)
			return 0;
		pidfd_wait(pidfd, 5);
	}
}

int container_await_start(const struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	bool stale;

	state_init(&state);
	return await_orphan(c, &state, &stale, err);
}

bool container_is_alone(const struct container_state *state)
{
	return state->phase == PHASE_RUNNING && !process_alive(&state->monitor) && !process_alive(&state->holder) &&
	       process_alive(&state->init);
}

bool container_is_ending(const struct container_state *state)
{
	const char *text = record_get(&state->more, MORE_STOPPER);
	struct process_id stopper;

	return state->phase == PHASE_RUNNING && text && process_id_parse(text, &stopper) == 0 && process_alive(&stopper);
}

/* Never an error of the command that found it so. */
static void adopt(struct container *c, struct container_state *state)
{
	const struct wish wish = { .adopt = true, .report = -1 };
	struct error err = ERROR_NONE;

	if (check_programs(c, &err) < 0 || run_starter(c, state, &wish, &err) < 0) {
		log_warning("%s: its monitor and its holder were killed, and there are no new ones: %s", c->name, err.message);
		return;
	}
	log_note("%s: its monitor and its holder were killed; it has new ones, and a new console", c->name);
	show_note(c, state);
}

/* Nobody is left who would notice: neither those that it consists of nor who worked on it. */
static bool is_dead(const struct container_state *state)
{
	return state->phase != PHASE_STOPPED && !process_alive(&state->init) && !process_alive(&state->monitor) &&
	       !process_alive(&state->holder) && !process_alive(&state->starter);
}

static void settle_if(bool (*in_need)(const struct container_state *state), const struct install *install, const char *name)
{
	struct container c = CONTAINER_EMPTY;
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	int lock;

	state_init(&state);
	if (state_load(install->run_dir, name, &state, NULL, &ignored) < 0 || !in_need(&state))
		return;
	lock = container_lock(install, name, 0, &ignored);
	if (lock < 0)
		return;	/* whoever has it sees to it */
	close_fd(&lock);
	if (container_open(install, name, true, true, &c, &ignored) == 0)
		container_settle(&c, &state, &ignored);
	container_close(&c);
}

void container_adopt(const struct install *install, const char *name)
{
	settle_if(container_is_alone, install, name);
}

void container_bury(const struct install *install, const char *name)
{
	settle_if(is_dead, install, name);
}

int container_settle(struct container *c, struct container_state *ret, struct error *err)
{
	bool stale;

	if (await_orphan(c, ret, &stale, err) < 0)
		return -err->code;
	if (!stale && state_check_install(ret, c->install, err) < 0)
		return -err->code;
	if (stale) {
		/* of an earlier boot: nothing of it exists but files */
		record_clear(&ret->more);
		ret->init = ret->monitor = ret->holder = (struct process_id){ 0 };
	} else if (ret->phase == PHASE_STOPPED) {
		/* whoever undid the last run may have been killed when the state was gone and its directory was not */
		return steps_undo(start_steps, 1, c, ret, err);
	} else if (examine(ret) == AS_IT_SAYS) {
		if (container_is_alone(ret))
			adopt(c, ret);
		return 0;
	}
	if (!stale && ret->phase == PHASE_RUNNING)
		container_note_exit(c, "unknown");
	log_note("%s: cleaned up what was left of %s", c->name,
		 stale ? "an earlier boot of the host" : ret->phase == PHASE_RUNNING ? "its last run" :
								      "an interrupted command");
	if (!stale)
		retire(c, ret);
	leftovers_tidy(c->install);
	if (container_undo(c, ret, err) < 0)
		return -err->code;
	state_done(ret);
	return 0;
}

/* --- what the monitor becomes us for --- */

/* Everything but the run directory, the control socket and the cgroup, which a reboot keeps. */
static int undo_boot(struct container *c, struct container_state *state, struct error *err)
{
	auto_free char *group = launch_group(c);
	size_t cgroup = cgroup_row();

	if (steps_undo(start_steps + cgroup + 1, n_start_steps - cgroup - 1, c, state, err) < 0 ||
	    steps_undo(start_steps + 1, cgroup - 1, c, state, err) < 0)
		return -err->code;
	return cgroup_remove_payload(group, 5000, err);
}

/* Tell whoever reads the console log why the container did not come back. */
static void log_failure(const struct container *c, const struct error *why)
{
	auto_close int fd = openat(c->dir_fd, "console.log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				   0600);
	auto_free char *line = xasprintf("\r\nsysct: %s: not started again: %s\r\n", c->name, why->message);

	if (fd >= 0)
		write_all(fd, line, strlen(line));
}

static int boot_again(struct container *c, struct container_state *state, const char *const *clients,
		      struct error *err)
{
	struct launch launch = LAUNCH_EMPTY;
	struct carried carried;

	/* the master of the last boot: its pty goes with the last boot's devpts */
	close(FD_CONSOLE);
	close(FD_NOTIFY);
	if (undo_boot(c, state, err) < 0 || ready(c, err) < 0)
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

static void quit_holder(void)
{
	const char quit = LINK_QUIT;

	fd_send(FD_LINK, &quit, 1, NULL, 0);
}

static int finish(struct container *c, struct container_state *state, struct error *err)
{
	int r;

	quit_holder();
	r = container_undo(c, state, err);
	if (r == 0)
		reclaim_stopped(c);
	return r;
}

/* What was handed to us goes along. */
static int seal_supervisor(const struct install *install, const char *name, const char *const *clients, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	bool needed = container_open(install, name, false, true, &c, err) == 0 && c.config.security.privileged &&
		      !program_is_sealed();

	container_close(&c);
	*err = (struct error)ERROR_NONE;
	if (!needed)
		return 0;
	for (int fd = FD_LINK; fd < FD_HOLDER; fd++)
		fcntl(fd, F_SETFD, 0);
	keep_clients(clients);
	return program_execute_sealed(NULL, err);
}

/* The lock may be a stop's, which then does all that is to be done and ends us; or that of a command which takes its
 * time. Nobody waits for us, so we do. */
static int open_patiently(const struct install *install, const char *name, bool tolerant, struct container *ret,
			  struct error *err)
{
	int r;

	do {
		*err = (struct error)ERROR_NONE;
		r = container_open(install, name, true, tolerant, ret, err);
	} while (r == -EBUSY);
	return r;
}

#define MOST_TRIES 3

/* What is ours to do, by the state: *ret_again is cleared when it must not be booted. False: nothing at all. Whoever was
 * starting or stopping it has died, or the lock would not be ours. */
static bool still_ours(struct container_state *state, bool *ret_again)
{
	uint64_t tries = state->phase == PHASE_STARTING ? record_get_u64(&state->more, "tries", 0) + 1 : 0;

	switch (state->phase) {
	case PHASE_STOPPED:
		quit_holder();
		return false;
	case PHASE_STOPPING:
		*ret_again = false;
		return true;
	case PHASE_STARTING:	/* we were killed on the way: not for ever */
		*ret_again &= tries < MOST_TRIES;
		record_setf(&state->more, "tries", "%llu", (unsigned long long)tries);
		return true;
	case PHASE_RUNNING:
		record_set(&state->more, "tries", NULL);
		break;
	}
	return state->monitor.pid == getpid() || !process_alive(&state->monitor);
}

int supervise_run(const struct install *install, int argc, char **argv, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	auto_state struct container_state state = { 0 };
	struct error why = ERROR_NONE;
	bool again;
	int r;

	if (argc < 3)
		return fail_status(err, STATUS_USAGE, "%s is for sysct's own use", SUPERVISE_COMMAND);
	if (strcmp(argv[0], SUPERVISE_RECLAIM) == 0)
		return reclaim_by_itself(install, argv[1], err);
	/* fails closed: what cannot be sealed is not booted again, but undone */
	if (seal_supervisor(install, argv[1], (const char *const *)argv + 3, &why) < 0)
		argv[0] = (char *)"finish";
	interrupt_hold(true);	/* nobody else would go on with it; SIGTERM is for the monitor that we shall be again */
	cloexec_from(FD_LINK);	/* none of the tools we run shall have them */
	session_shed_caller();	/* the monitor's out-of-memory score is not the container's */
	again = strcmp(argv[0], "finish") != 0;
	state_init(&state);
	r = open_patiently(install, argv[1], !again, &c, &why);
	if (r < 0 && open_patiently(install, argv[1], true, &c, err) < 0)
		return -err->code;
	if (state_load(install->run_dir, c.name, &state, NULL, err) < 0)
		return -err->code;
	if (!still_ours(&state, &again))
		_exit(0);	/* somebody else has dealt with it */
	container_note_exit(&c, argv[2]);
	if (again && r >= 0)
		r = boot_again(&c, &state, (const char *const *)argv + 3, &why);
	if (again)	/* we are still here */
		log_failure(&c, &why);
	r = finish(&c, &state, err);
	container_close(&c);
	_exit(r < 0 ? 1 : 0);
}
