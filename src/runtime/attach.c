/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach, its two sides:
 *
 *     caller            joiner (host pid)                       command (pid inside)
 *       |-- clone3 into the container's cgroup -->|
 *       |                                         |-- enters the v1 hierarchies
 *       |                                         |-- setns, all namespaces at once
 *       |                                         |-- clone with CLONE_PARENT --------->|
 *       |<-- its pid -----------------------------|                                     |
 *       |   (reaps it)                          exits                                   |
 *       |<-- the master of a pty of the container's, when there is a terminal ----------|
 *       |<-- an error, or the end of the connection: it has executed -------------------|
 *       |   relays until it ends                                                        */
#include "runtime/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/cgroup.h"
#include "os/fdpass.h"
#include "os/namespace.h"
#include "os/process.h"
#include "os/pty.h"
#include "os/sealed.h"
#include "os/session.h"
#include "runtime/account.h"
#include "runtime/confine.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"
#include "runtime/relay.h"
#include "runtime/start.h"
#include "runtime/started.h"

extern char **environ;

/* Indexes of the packets, in their order. */
enum packet { PID, TERMINAL, EXEC };

struct join {
	struct container *container;
	const struct attach_options *options;
	struct container_state state;
	struct confinement confinement;
	bool tty;
	struct winsize size;	/* of the caller's terminal; 0 rows: unknown */
	int pidfd;		/* of the container's init */
	int cgroup;
	int peer;		/* handshake: ours or the caller's end */
	int pid_pipe[2];	/* the joiner tells the command's pid: not on the handshake, where the command itself may
				 * speak first */
	struct pipes pipes;	/* without a terminal */
	pid_t pid;		/* the command's, once it is there */
};

#define PACKET_TIMEOUT_MS 10000
#define KILL_TIMEOUT_MS 2000

/* --- inside: the command --- */

static int become_account(const struct account *account, struct error *err)
{
	if (syscall(SYS_setgroups, account->n_groups, account->groups) < 0 ||
	    syscall(SYS_setresgid, account->gid, account->gid, account->gid) < 0 ||
	    syscall(SYS_setresuid, account->uid, account->uid, account->uid) < 0) {
		fail(err, errno, "become user %s (%u)", account->name, account->uid);
		if (err->code == EINVAL)
			error_hint(err, "the id is not in the container's id map");
		return -err->code;
	}
	return 0;
}

static void make_environment(const struct join *join, const struct account *account, struct strings *env)
{
	const struct container_config *config = &join->container->config;
	const char *term = getenv("TERM");

	for (char **e = environ; join->options->keep_env && *e; e++)
		session_set_env(env, *e);
	session_set_env(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (join->tty) {
		auto_free char *set = xasprintf("TERM=%s", term && *term ? term : "xterm-256color");

		session_set_env(env, set);
	}
	const char *pairs[][2] = { { "HOME", account->home },
				   { "USER", account->name },
				   { "LOGNAME", account->name },
				   { "SHELL", account->shell },
				   { "container", config->environment_id } };
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		auto_free char *set = xasprintf("%s=%s", pairs[i][0], pairs[i][1]);

		session_set_env(env, set);
	}
	for (size_t i = 0; i < config->environment.n; i++)
		session_set_env(env, config->environment.items[i]);
	for (size_t i = 0; i < join->options->env.n; i++)
		session_set_env(env, join->options->env.items[i]);
}

static int open_terminal(struct join *join, struct error *err)
{
	auto_close int pts = open("/dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int slave = -1, master = -1;
	int number, r;

	if (pts < 0)
		return fail(err, errno, "open /dev/pts in the container");
	master = pty_open(pts, &slave, &number, err);
	if (master < 0)
		return master;
	/* now: what runs next may ask for it at once */
	if (join->size.ws_row)
		ioctl(slave, TIOCSWINSZ, &join->size);
	r = handshake_report(join->peer, TERMINAL, NULL, master);
	if (r < 0)
		return fail(err, -r, "hand out the terminal");
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		return fail(err, errno, "make the terminal ours");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return fail(err, errno, "open the terminal");
	return 0;
}

static int give_terminal(const struct join *join, const struct account *account, struct error *err)
{
	if (join->tty && fchown(0, account->uid, 5) < 0)
		return fail(err, errno, "give the terminal to user %u", account->uid);
	return 0;
}

static int use_pipes(struct join *join, struct error *err)
{
	setsid();
	for (int fd = 0; fd < 3; fd++)
		if (dup2(join->pipes.inside[fd], fd) < 0)
			return fail(err, errno, "open the pipes");
	return 0;
}

/* Through no magic link of /proc: one of them might lead to a directory that is none of the container's. */
static int change_to(const char *path)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int dir = root < 0 ? -errno : open_in_root(root, path, O_PATH | O_DIRECTORY, 0);

	if (dir < 0)
		return dir;
	return fchdir(dir) < 0 ? -errno : 0;
}

static int enter_workdir(const struct join *join, const struct account *account, struct error *err)
{
	int r;

	if (join->options->workdir) {
		r = change_to(join->options->workdir);
		if (r == 0)
			return 0;
		fail(err, -r, "change to %s", join->options->workdir);
		return error_hint(err, "it must be a directory in the container");
	}
	if (change_to(account->home) < 0 && chdir("/") < 0)
		return fail(err, errno, "change to /");
	return 0;
}

/* Descriptors of the host's and of the caller's, as long as they are there, are a way out for whatever the container makes
 * us open: /proc/self/fd. So they go, and standard input and output become its own, before any of its paths is used. */
static int leave_descriptors(struct join *join, struct error *err)
{
	const int keep[] = { join->peer, join->pipes.inside[0], join->pipes.inside[1], join->pipes.inside[2] };

	close_others(keep, join->tty ? 1 : ARRAY_SIZE(keep));
	return join->tty ? open_terminal(join, err) : use_pipes(join, err);
}

/* Does not return on success. */
static int run_command(const struct join *join, const struct account *account, struct strings *env,
		       struct error *err)
{
	const char *base = strrchr(account->shell, '/');
	auto_free char *login = xasprintf("-%s", base ? base + 1 : account->shell);
	char *shell_argv[] = { login, NULL };
	char *const *argv = join->options->argv;
	const char *program = argv ? argv[0] : account->shell;

	cloexec_from(3);
	environ = env->items;
	if (argv)
		execvp(program, argv);
	else
		execv(program, shell_argv);
	return fail(err, errno, "execute %s", program);
}

__attribute__((noreturn)) static void command_main(struct join *join)
{
	auto_strings struct strings env = STRINGS_EMPTY;
	struct account account;
	struct error err = ERROR_NONE;
	const struct container_config *config = &join->container->config;
	const char *user = join->options->user ? join->options->user : config->user;

	prctl(PR_SET_DUMPABLE, 0);
	umask(022);
	signals_reset();
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0) {
		fail(&err, errno, "become root in the container");
	} else {
		prctl(PR_SET_DUMPABLE, 0);	/* the change of ids has set it anew */
		session_forget_caller();
		if (confine_label(&join->confinement, &err) == 0 && leave_descriptors(join, &err) == 0 &&
		    account_find(user, &account, &err) == 0 && give_terminal(join, &account, &err) == 0 &&
		    confine(&join->confinement, &err) == 0 && become_account(&account, &err) == 0 &&
		    enter_workdir(join, &account, &err) == 0) {
			make_environment(join, &account, &env);
			run_command(join, &account, &env, &err);
		}
	}
	handshake_report(join->peer, EXEC, &err, -1);
	_exit(ATTACH_FAILED);
}

/* --- between: the joiner --- */

static int join_flags(const struct join *join)
{
	const struct container_config *config = &join->container->config;
	char theirs[40];
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

	if (join->container->idmap.count)
		flags |= CLONE_NEWUSER;
	snprintf(theirs, sizeof(theirs), "/proc/%d/ns/time", (int)join->state.init.pid);
	if (ns_inode(theirs) && ns_inode(theirs) != ns_inode("/proc/self/ns/time"))
		flags |= CLONE_NEWTIME;
	if (!config->n_networks || config->networks[0].type != NETWORK_HOST)
		flags |= CLONE_NEWNET;
	return flags;
}

static int fork_failed(const char *what, struct error *err)
{
	fail(err, errno, "%s", what);
	if (err->code == EAGAIN)
		error_hint(err, "the container has no free process left: raise limits.tasks, or stop some of its "
				"processes");
	return -err->code;
}

__attribute__((noreturn)) static void joiner_main(struct join *join)
{
	struct error err = ERROR_NONE;
	struct clone_args args = { .flags = CLONE_PARENT };
	auto_free char *group = launch_group(join->container);
	pid_t pid;

	session_shed_caller();
	prctl(PR_SET_DUMPABLE, 0);
	if (cgroup_enter_v1(group, !join->container->idmap.outside, &err) < 0) {
		handshake_report(join->peer, PID, &err, -1);
		_exit(1);
	}
	if (setns(join->pidfd, join_flags(join)) < 0) {
		fail(&err, errno, "enter the namespaces");
		if (err.code == ESRCH)
			error_hint(&err, "it has just stopped");
		handshake_report(join->peer, PID, &err, -1);
		_exit(1);
	}
	/* What is cloned is seen inside from its first instruction on. Where root inside is the host's by its number, the
	 * change of user namespaces has left it as it was; elsewhere it is set anew, to what fs.suid_dumpable says. */
	prctl(PR_SET_DUMPABLE, 0);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		command_main(join);
	} else if (pid < 0) {
		fork_failed("fork inside", &err);
		handshake_report(join->peer, PID, &err, -1);
	} else {
		write_all(join->pid_pipe[1], &pid, sizeof(pid));
	}
	_exit(0);
}

/* --- outside: the caller --- */

static int prepare(struct join *join, struct error *err)
{
	struct container *c = join->container;
	auto_free char *group = launch_group(c);
	bool left_over;

	container_adopt(c->install, c->name);
	if (container_peek(c, &join->state, &left_over, err) < 0)
		return -err->code;
	if (join->state.phase != PHASE_RUNNING) {
		fail_status(err, STATUS_STATE, "it is not running");
		return error_hint(err, "start it: sysct start %s", c->name);
	}
	if (started_load(c, &join->state, err) < 0)
		return -err->code;
	if (c->config.security.privileged && !program_is_sealed())
		return program_execute_sealed(NULL, err);	/* begins anew */
	if (cgroup_frozen(group)) {
		fail_status(err, STATUS_STATE, "it is frozen");
		return error_hint(err, "sysct thaw %s", c->name);
	}
	join->pidfd = process_open(&join->state.init);
	if (join->pidfd < 0)
		return fail(err, -join->pidfd, "open its init");
	if (confinement_of(c, &join->state, join->pidfd, &join->confinement, err) < 0)
		return -err->code;
	join->cgroup = cgroup_open_attach(group, c->idmap.outside, err);
	return join->cgroup < 0 ? join->cgroup : 0;
}

static pid_t clone_joiner(struct join *join, struct error *err)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)(unsigned int)join->cgroup };
	int pair[2];
	pid_t pid;

	if (handshake_pair(pair, err) < 0)
		return -1;
	if (pipe2(join->pid_pipe, O_CLOEXEC) < 0) {
		close(pair[0]);
		close(pair[1]);
		fail(err, errno, "make a pipe");
		return -1;
	}
	fflush(NULL);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		close(pair[0]);
		close(join->pid_pipe[0]);
		join->peer = pair[1];
		joiner_main(join);
	}
	close(pair[1]);
	close_fd(&join->pid_pipe[1]);
	join->peer = pair[0];
	return pid < 0 ? fork_failed("fork into the container's cgroup", err) : pid;
}

/* The pid of the command, which is our own child: nobody else can reap it, so the pid stays its own. Without one
 * the joiner has told why. */
static int receive_pid(struct join *join, struct error *err)
{
	struct pollfd poll_fd = { .fd = join->pid_pipe[0], .events = POLLIN };
	ssize_t n;
	int fd, r;

	do {
		r = poll(&poll_fd, 1, PACKET_TIMEOUT_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)	/* frozen or starved: its cgroup is the container's */
		return fail(err, ETIMEDOUT, "wait %d s until a process has entered", PACKET_TIMEOUT_MS / 1000);
	do {
		n = read(join->pid_pipe[0], &join->pid, sizeof(join->pid));
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(join->pid))
		return 0;
	join->pid = 0;
	r = handshake_await(join->peer, PID, PACKET_TIMEOUT_MS, &fd, err);
	return r < 0 ? r : fail(err, 0, "the joining process was killed");
}

/* Start the command; on success join->pid is our child and has executed. Returns the exit status to give when only the
 * execution failed (126, 127), 0, or -errno. */
static int launch_command(struct join *join, int *ret_master, struct error *err)
{
	pid_t joiner = clone_joiner(join, err);
	int fd, r;

	if (joiner < 0)
		return -err->code;
	r = receive_pid(join, err);
	if (r < 0)
		kill(joiner, SIGKILL);	/* our child, not reaped yet; where it is frozen it would never end */
	if (!child_wait(joiner, KILL_TIMEOUT_MS, NULL)) {	/* frozen with the container, after its last word */
		kill(joiner, SIGKILL);
		child_wait(joiner, KILL_TIMEOUT_MS, NULL);
	}
	if (r < 0)
		return r;
	for (int i = 0; i < 3 && !join->tty; i++)
		close_fd(&join->pipes.inside[i]);
	if (join->tty) {
		r = handshake_await(join->peer, TERMINAL, PACKET_TIMEOUT_MS, ret_master, err);
		if (r == HANDSHAKE_CLOSED)
			return fail(err, 0, "the command was killed before it ran");
		if (r < 0)
			return r;
	}
	r = handshake_await(join->peer, EXEC, PACKET_TIMEOUT_MS, &fd, err);
	if (r == HANDSHAKE_CLOSED)
		return 0;
	if (r == -ENOENT && text_starts(err->message, "execute "))
		return 127;
	if (text_starts(err->message, "execute "))
		return 126;
	return r;
}

static int exit_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ATTACH_FAILED;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(struct join *join, struct error *err)
{
	int master = -1, r;

	if (!join->tty && pipes_make(&join->pipes, err) < 0)
		return -err->code;
	r = launch_command(join, &master, err);
	close_fd(&join->peer);
	if (r == 0)
		r = join->tty ? relay_terminal(join->pid, master, err) : relay_pipes(join->pid, &join->pipes, err);
	else if (join->pid > 0)
		kill(join->pid, SIGKILL);
	close_fd(&master);
	pipes_close(&join->pipes);
	if (join->pid > 0 && r == 0)
		return exit_status(join->pid);
	if (join->pid > 0)
		child_wait(join->pid, KILL_TIMEOUT_MS, NULL);
	if (r > 0) {
		auto_free char *who = xasprintf("attach %s", join->container->name);

		error_report(err, who);
	}
	return r;
}

int container_attach(struct container *container, const struct attach_options *options, struct error *err)
{
	struct join join = { .container = container,
			     .options = options,
			     .confinement = CONFINEMENT_NONE,
			     .pidfd = -1,
			     .cgroup = -1,
			     .peer = -1,
			     .pid_pipe = { -1, -1 },
			     .pipes = PIPES_EMPTY };
	int r;

	state_init(&join.state);
	for (int fd = 0; fd < 3 && !join.size.ws_row; fd++)
		ioctl(fd, TIOCGWINSZ, &join.size);
	join.tty = options->tty == TTY_YES || (options->tty == TTY_AUTO && isatty(0) && isatty(1));
	r = prepare(&join, err);
	if (r == 0)
		r = run(&join, err);
	confinement_done(&join.confinement);
	close_fd(&join.pid_pipe[0]);
	close_fd(&join.pidfd);
	close_fd(&join.cgroup);
	state_done(&join.state);
	return r;
}
