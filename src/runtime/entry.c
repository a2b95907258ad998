/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into a container, the two sides of it:
 *
 *     caller                                             command (pid inside)
 *       |-- enters the namespaces that show from inside what they hold
 *       |   (mount, net; pid for its children)
 *       |-- clone3 into the container's cgroup ----------->|
 *       |-- goes back to its own                           |-- enters the v1 hierarchies
 *       |                                                  |-- drops what it has of the caller's, then setns,
 *       |                                                  |   the user namespace with all others
 *       |<-- the master of a pty of the container's, when there is a terminal
 *       |<-- an error, or the end of the connection: it has executed
 *       |   relays until it ends                                                          */
#include "runtime/entry.h"

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
#include "os/session.h"
#include "runtime/account.h"
#include "runtime/confine.h"
#include "runtime/handshake.h"
#include "runtime/relay.h"
#include "runtime/supervise.h"

extern char **environ;

/* Indexes of the packets, in their order. */
enum packet { TERMINAL, EXEC };

struct join {
	const struct entry *entry;
	const struct attach_options *options;
	struct confinement confinement;
	bool tty;
	struct winsize size;	/* of the caller's terminal; 0 rows: unknown */
	int pidfd;		/* of the container's init */
	int flags;		/* CLONE_NEW* of the namespaces to enter */
	int shown;		/* those of them that the caller enters for the clone */
	int cgroup;
	struct cgroup_v1 v1;
	int peer;		/* handshake: ours or the caller's end */
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
		int saved = errno;
		auto_free char *shown = text_printable(account->name);

		fail(err, saved, "become user %s (%u)", shown, account->uid);
		if (err->code == EINVAL)
			error_hint(err, "the id is not in the container's id map");
		return -err->code;
	}
	return 0;
}

/* What a login would set: where the user's service manager listens, if he has one now (pam_systemd(8), loginctl enable-linger). */
static void name_runtime_dir(const struct account *account, struct strings *env)
{
	auto_free char *set = xasprintf("XDG_RUNTIME_DIR=/run/user/%u", account->uid);
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int dir = root < 0 ? -errno : open_in_root(root, strchr(set, '/'), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat st;

	if (dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == account->uid)
		session_set_env(env, set);
}

static void make_environment(const struct join *join, const struct account *account, struct strings *env)
{
	const struct entry *entry = join->entry;
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
				   { "container", entry->environment_id } };
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		auto_free char *set = xasprintf("%s=%s", pairs[i][0], pairs[i][1]);

		session_set_env(env, set);
	}
	name_runtime_dir(account, env);
	for (size_t i = 0; i < entry->environment.n; i++)
		session_set_env(env, entry->environment.items[i]);
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

/* A file that begins with nothing that a kernel knows is the shell's, as for execvp(3) of glibc. Returns on failure alone. */
static void execute_file(const char *path, char *const *argv)
{
	auto_free char **words = NULL;
	size_t n = 0;

	execve(path, argv, environ);
	if (errno != ENOEXEC)
		return;
	while (argv[n])
		n++;
	words = xcalloc(n + 2, sizeof(*words));
	words[0] = (char *)"/bin/sh";
	words[1] = (char *)path;
	for (size_t i = 1; i < n; i++)
		words[i + 1] = argv[i];
	execve(words[0], words, environ);
}

/* In the next directory there may be one nevertheless: what network file systems say of a server that is gone counts, too, as for
 * execvp(3) of glibc, and a path that is too long. */
static bool may_be_elsewhere(int code)
{
	return code == EACCES || code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG || code == ESTALE || code == ENODEV ||
	       code == ETIMEDOUT;
}

/* execvp(3), which is not the same in every C library. */
static void execute(const char *program, char *const *argv)
{
	const char *path = getenv("PATH");
	bool denied = false;

	if (strchr(program, '/') || !*program || !path) {
		execute_file(program, argv);
		return;
	}
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		auto_free char *file = NULL;

		end = path + strcspn(path, ":");
		file = xasprintf("%.*s%s%s", (int)(end - path), path, end > path ? "/" : "", program);
		execute_file(file, argv);
		denied = denied || errno == EACCES;
		if (!may_be_elsewhere(errno))
			return;
	}
	if (denied)
		errno = EACCES;
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
	auto_free char *shown = text_printable(program);

	cloexec_from(3);
	environ = env->items;
	if (argv)
		execute(program, argv);
	else
		execv(program, shell_argv);
	fail(err, errno, "execute %s", shown);	/* its name may be of the container's /etc/passwd */
	if (!argv)
		error_hint(err, "it is the user's login shell there; sysct attach %s -- /bin/sh enters without it",
			   join->entry->name);
	return -err->code;
}

/* Entered in two parts. The first, by the caller itself for the moment of the clone: what /proc/PID of the command shows of them,
 * without a question for rights, is the container's own from its first instruction on (mountinfo, net). The rest by the command. What
 * else shows there of the caller's until the command has seen to it: the path of its groups of cgroup v1, seen from the container's
 * (/proc/PID/cgroup), and its limits. */
#define SHOWN (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)

/* That of time is entered where it is not the caller's own, which another caller's may be: nobody can note that before. */
static int time_of(const struct entry *entry)
{
	return entry->time && entry->time != ns_inode("/proc/self/ns/time") ? CLONE_NEWTIME : 0;
}

static int enter(const struct join *join, int flags, struct error *err)
{
	if (setns(join->pidfd, flags) == 0)
		return 0;
	fail(err, errno, "enter the namespaces");
	if (err->code == ESRCH)
		error_hint(err, "it has just stopped");
	return -err->code;
}

/* Of the caller's the command has its rights, and copies of its descriptors, until here. Nobody inside may look at it meanwhile: its
 * user namespace is the caller's, and it cannot be dumped (ptrace(2), "Ptrace access mode checking"). */
static int enter_rest(struct join *join, struct error *err)
{
	const int keep[] = { join->peer, join->pidfd, join->confinement.proc, join->pipes.inside[0], join->pipes.inside[1],
			     join->pipes.inside[2] };

	session_shed_limits();
	if (cgroup_enter_opened(&join->v1, err) < 0)
		return -err->code;
	close_others(keep, join->tty ? 3 : ARRAY_SIZE(keep));
	if (enter(join, join->flags & ~join->shown, err) < 0)
		return -err->code;
	return ns_become_root(err);
}

__attribute__((noreturn)) static void command_main(struct join *join)
{
	auto_strings struct strings env = STRINGS_EMPTY;
	struct account account;
	struct error err = ERROR_NONE;
	const char *user = join->options->user ? join->options->user : join->entry->user;

	umask(022);
	signals_reset();
	if (enter_rest(join, &err) == 0) {
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

/* --- outside: the caller --- */

static int fork_failed(int code, struct error *err)
{
	fail(err, code, "fork into the container");
	if (code == EAGAIN)
		error_hint(err, "the container has no free process left: raise limits.tasks, or stop some of its "
				"processes");
	if (code == ENOMEM)	/* of a pid namespace whose init has ended (pid_namespaces(7)) */
		error_hint(err, "it has just stopped, or memory is short");
	return -code;
}

static int prepare(struct join *join, struct error *err)
{
	const struct entry *entry = join->entry;

	if (cgroup_ways_frozen(&entry->ways)) {
		fail_status(err, STATUS_STATE, "it is frozen");
		return error_hint(err, "sysct thaw %s", entry->name);
	}
	if (cgroup_ways_full(&entry->ways))
		return fork_failed(EAGAIN, err);
	join->pidfd = process_open_inode(&entry->state->init, record_get_u64(&entry->state->more, MORE_INIT_INODE, 0));
	if (join->pidfd < 0)
		return fail(err, -join->pidfd, "open its init");
	join->flags = entry->namespaces | time_of(entry);
	if (confinement_of(entry->run_dir, entry->name, entry->state, join->pidfd, &join->confinement, err) < 0)
		return -err->code;
	join->cgroup = cgroup_ways_open(&entry->ways, entry->root, err);
	if (join->cgroup < 0)
		return join->cgroup;
	return cgroup_open_v1(&entry->ways, &join->v1, err);
}

/* What SHOWN consists of. */
static const struct {
	int flag;
	const char *path;
} shown[] = { { CLONE_NEWNS, "/proc/self/ns/mnt" }, { CLONE_NEWNET, "/proc/self/ns/net" }, { CLONE_NEWPID, "/proc/self/ns/pid" } };

/* Where we are, to come back to. */
struct place {
	int ns[ARRAY_SIZE(shown)];
	int root, cwd;	/* cwd -1: it may not be opened, as on a FUSE file system of somebody else's; "/" serves as well then */
	int dumpable;
};

static int note_place(struct place *place, struct join *join, struct error *err)
{
	*place = (struct place){ .ns = { -1, -1, -1 }, .root = -1, .cwd = -1 };
	join->shown = join->flags & SHOWN;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		if (!(join->shown & shown[i].flag))
			continue;
		place->ns[i] = open(shown[i].path, O_RDONLY | O_CLOEXEC);
		if (place->ns[i] < 0)
			return fail(err, errno, "open %s", shown[i].path);
		/* In a container with the network of its host nobody could go back to it: then the command alone goes. */
		if (shown[i].flag == CLONE_NEWNET && setns(place->ns[i], CLONE_NEWNET) < 0) {
			close_fd(&place->ns[i]);
			join->shown &= ~CLONE_NEWNET;
		}
	}
	place->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	place->dumpable = prctl(PR_GET_DUMPABLE);
	place->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->root < 0 ? fail(err, errno, "open /") : 0;
}

/* That of pids counts for children, of which there will be no more: where the caller's is that of a host around it, it may not be
 * entered. */
static int go_back(const struct place *place, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(place->ns); i++)
		if (place->ns[i] >= 0 && setns(place->ns[i], shown[i].flag) < 0 && shown[i].flag != CLONE_NEWPID)
			return fail(err, errno, "go back to the namespaces of the host");
	if (fchdir(place->root) < 0 || chroot(".") < 0)
		return fail(err, errno, "go back to the root directory");
	if (place->cwd >= 0 && fchdir(place->cwd) < 0 && fchdir(place->root) < 0)
		return fail(err, errno, "go back to the working directory");
	return prctl(PR_SET_DUMPABLE, place->dumpable == 1) < 0 ? fail(err, errno, "be as before") : 0;
}

static void leave_place(struct place *place)
{
	for (size_t i = 0; i < ARRAY_SIZE(place->ns); i++)
		close_fd(&place->ns[i]);
	close_fd(&place->root);
	close_fd(&place->cwd);
}

/* The command's pid, which is a child of ours: nobody else can reap it, so the pid stays its own. Between the two changes of
 * namespaces no path is used. */
static pid_t clone_inside(struct join *join, const struct place *place, struct error *err)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)(unsigned int)join->cgroup };
	int saved;
	pid_t pid;

	prctl(PR_SET_DUMPABLE, 0);	/* what is cloned is seen inside from its first instruction on */
	if (enter(join, join->shown, err) < 0) {
		prctl(PR_SET_DUMPABLE, place->dumpable == 1);
		return -err->code;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		command_main(join);
	saved = errno;
	if (go_back(place, err) < 0) {	/* nothing more is to be done in there */
		auto_free char *who = xasprintf("attach %s", join->entry->name);

		if (pid > 0)
			kill(pid, SIGKILL);
		error_report(err, who);
		_exit(ATTACH_FAILED);
	}
	return pid < 0 ? fork_failed(saved, err) : pid;
}

static int clone_command(struct join *join, struct error *err)
{
	struct place place;
	int pair[2];
	int adjusted;

	if (handshake_pair(pair, err) < 0)
		return -err->code;
	fflush(NULL);
	adjusted = session_set_oom_score(0);
	join->peer = pair[1];
	join->pid = note_place(&place, join, err) < 0 ? -err->code : clone_inside(join, &place, err);
	leave_place(&place);
	if (adjusted != 0)
		session_set_oom_score(adjusted);
	cgroup_close_v1(&join->v1);
	close_fd(&join->cgroup);
	close_fd(&join->pidfd);
	close(pair[1]);
	join->peer = pair[0];
	return join->pid < 0 ? join->pid : 0;
}

/* Start the command; on success join->pid is our child and has executed. Returns the exit status to give when only the
 * execution failed (126, 127), 0, or -errno. */
static int launch_command(struct join *join, int *ret_master, struct error *err)
{
	int fd, r = clone_command(join, err);

	if (r < 0) {
		join->pid = 0;
		return r;
	}
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
	if (r == -ETIMEDOUT)	/* frozen or starved: its cgroup is the container's */
		return fail(err, ETIMEDOUT, "wait %d s until the command runs", PACKET_TIMEOUT_MS / 1000);
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
		auto_free char *who = xasprintf("attach %s", join->entry->name);

		error_report(err, who);
	}
	return r;
}

int entry_attach(const struct entry *entry, const struct attach_options *options, bool *ret_begun, struct error *err)
{
	struct join join = { .entry = entry,
			     .options = options,
			     .confinement = CONFINEMENT_NONE,
			     .pidfd = -1,
			     .cgroup = -1,
			     .peer = -1,
			     .pipes = PIPES_EMPTY };
	int r;

	for (int fd = 0; fd < 3 && !join.size.ws_row; fd++)
		ioctl(fd, TIOCGWINSZ, &join.size);
	join.tty = options->tty == TTY_YES || (options->tty == TTY_AUTO && isatty(0) && isatty(1));
	r = prepare(&join, err);
	*ret_begun = r == 0;
	if (r == 0)
		r = run(&join, err);
	confinement_done(&join.confinement);
	cgroup_close_v1(&join.v1);
	close_fd(&join.pidfd);
	close_fd(&join.cgroup);
	return r;
}
