/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inject - run a command, and have a fault at the n-th of its system calls that change something.
 *
 *     faults-inject [--at N] [--fault WHAT] [--calls KIND,...] [--report FILE] [--helpers] -- COMMAND...
 *
 * Traced are the command itself and all processes that come of it, as long as they run sysct's own programs: its forks, the holder,
 * the monitor, the first process of a container until it executes init. With --helpers also what they execute (nft, e2fsck,
 * templates). Each call of the wanted kinds is counted, whoever makes it; at the N-th
 *
 *     kill          whoever makes it gets SIGKILL before the call is made
 *     kill-after    ... when it has been made
 *     tree          all that is traced gets SIGKILL, before the call is made
 *     int           the command's process group gets SIGINT, as by ^C; the call is made
 *     error         the call is not made and fails, with an errno that suits it; or one by name: ENOSPC, EIO ...
 *
 * When the command has ended and nobody of the rest has done anything for a moment, the rest is let go. FILE then has one
 * object of JSON: how many calls there were, whether N was reached, which call it was and whose. The exit status is the
 * command's, 128+n for a signal; 124: it did not end in time (SYSCT_TEST_PATIENCE times 60 s), and was killed.
 *
 * It needs CAP_SYS_PTRACE. ptrace(2) has what is relied on here: PTRACE_SEIZE changes nothing that a tracee could see, and
 * what is let go, or left by a tracer that dies, runs on. A filter of seccomp would be faster, and stay with the container. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "inject.h"

#define QUIET_MS 60		/* nobody has done anything for so long: what is left waits */
#define MOST_MS 60000
#define MOST_TRACEES 256

enum fault { FAULT_NONE, FAULT_KILL, FAULT_KILL_AFTER, FAULT_TREE, FAULT_INT, FAULT_ERROR };

struct tracee {
	pid_t pid;
	int depth;		/* forks from the command */
	bool announced;		/* its parent's fork was seen: it may be forgotten */
	bool ended;		/* before that was */
	bool fails, dies;	/* at the end of the call it is in */
	int error;
};

struct run {
	pid_t root;
	bool ended, hung, helpers;
	int status;
	unsigned long at, calls;
	unsigned int kinds;
	enum fault fault;
	int error;		/* 0: one that suits the call */
	struct tracee tracees[MOST_TRACEES];
	size_t n;
	/* what was hit */
	bool hit;
	struct call call;
	char program[64];
	int depth;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("faults-inject: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(125);
}

/* --- who is traced --- */

static struct tracee *find(struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->tracees[i].pid == pid)
			return &run->tracees[i];
	return NULL;
}

/* A child may be seen before its parent's fork is: then its depth is corrected later. */
static struct tracee *have(struct run *run, pid_t pid, int depth)
{
	struct tracee *t = find(run, pid);

	if (t) {
		if (depth > t->depth)
			t->depth = depth;
		return t;
	}
	if (run->n == MOST_TRACEES)
		die("more than %d processes", MOST_TRACEES);
	t = &run->tracees[run->n++];
	*t = (struct tracee){ .pid = pid, .depth = depth };
	return t;
}

static void forget(struct run *run, pid_t pid)
{
	struct tracee *t = find(run, pid);

	if (t)
		*t = run->tracees[--run->n];
}

/* It is not traced any more. Its parent's fork may still be to be seen, which would have it again, for good. */
static void leave(struct run *run, pid_t pid)
{
	struct tracee *t = find(run, pid);

	if (t && !t->announced)
		t->ended = true;
	else
		forget(run, pid);
}

static void on_fork(struct run *run, pid_t child, int depth)
{
	struct tracee *t = have(run, child, depth);

	if (t->ended)
		forget(run, child);
	else
		t->announced = true;
}

static void program_of(pid_t pid, char *buf, size_t room)
{
	char path[64], target[256];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	base = strrchr(target, '/');
	snprintf(buf, room, "%.40s", base ? base + 1 : target);
}

/* Our own programs, or the sealed copy of one (include/os/sealed.h). */
static bool is_ours(pid_t pid)
{
	char name[64];

	program_of(pid, name, sizeof(name));
	return strncmp(name, "sysct", 5) == 0 || strncmp(name, "memfd:", 6) == 0;
}

/* --- what is done to them --- */

/* The call that is about to be made is not made, and returns -ENOSYS until set_result() says otherwise. */
static void skip_call(pid_t pid)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0) {
		regs.orig_rax = (unsigned long)-1;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
#elif defined(__aarch64__)
	int none = -1;
	struct iovec iov = { .iov_base = &none, .iov_len = sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &iov);
#else
#error "no way to skip a system call here"
#endif
}

static void set_result(pid_t pid, long value)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0) {
		regs.rax = (unsigned long)value;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
#elif defined(__aarch64__)
	struct user_pt_regs regs;
	struct iovec iov = { .iov_base = &regs, .iov_len = sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov) == 0) {
		regs.regs[0] = (unsigned long)value;
		ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &iov);
	}
#endif
}

static void strike(struct run *run, struct tracee *t)
{
	switch (run->fault) {
	case FAULT_NONE:
		break;
	case FAULT_KILL:
		skip_call(t->pid);
		kill(t->pid, SIGKILL);
		break;
	case FAULT_KILL_AFTER:
		t->dies = true;
		break;
	case FAULT_TREE:
		skip_call(t->pid);
		for (size_t i = 0; i < run->n; i++)
			if (!run->tracees[i].ended)
				kill(run->tracees[i].pid, SIGKILL);
		break;
	case FAULT_INT:
		kill(-run->root, SIGINT);
		break;
	case FAULT_ERROR:
		skip_call(t->pid);
		t->fails = true;
		t->error = run->error ? run->error : run->call.error;
		break;
	}
}

static void on_entry(struct run *run, struct tracee *t, const struct ptrace_syscall_info *info)
{
	uint64_t args[6];
	struct call call;

	for (int i = 0; i < 6; i++)
		args[i] = info->entry.args[i];
	if (!call_look(t->pid, info->entry.nr, args, run->kinds, &call))
		return;
	run->calls++;
	if (run->calls != run->at)
		return;
	run->hit = true;
	run->call = call;
	run->depth = t->depth;
	program_of(t->pid, run->program, sizeof(run->program));
	strike(run, t);
}

static void on_exit_of_call(struct tracee *t)
{
	if (t->fails)
		set_result(t->pid, -t->error);
	if (t->dies)
		kill(t->pid, SIGKILL);
	t->fails = t->dies = false;
}

static void on_call(struct run *run, struct tracee *t)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(run, t, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		on_exit_of_call(t);
}

/* --- stops --- */

static void go_on(pid_t pid, int signal)
{
	ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal);
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void on_event(struct run *run, struct tracee *t, int event, int signal)
{
	unsigned long message = 0;
	pid_t pid = t->pid;

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0 && message)
			on_fork(run, (pid_t)message, t->depth + 1);
		break;
	case PTRACE_EVENT_EXEC:
		if (!run->helpers && pid != run->root && !is_ours(pid)) {
			leave(run, pid);
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			return;
		}
		break;
	case PTRACE_EVENT_STOP:
		if (is_stop_signal(signal)) {
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
			return;
		}
		break;
	}
	go_on(pid, 0);
}

static void on_status(struct run *run, pid_t pid, int status)
{
	struct tracee *t;

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (pid == run->root) {
			run->ended = true;
			run->status = status;
		}
		leave(run, pid);
		return;
	}
	t = have(run, pid, 0);
	if (status >> 16)
		on_event(run, t, status >> 16, WSTOPSIG(status));
	else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
		on_call(run, t);
		go_on(pid, 0);
	} else {
		go_on(pid, WSTOPSIG(status));
	}
}

/* Whoever is left is stopped, to be let go; a death meanwhile is as good. */
static void let_go(struct run *run)
{
	while (run->n) {
		pid_t pid = run->tracees[0].pid;
		int status;

		if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0 && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
		    waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
			int signal = status >> 16 || WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);

			ptrace(PTRACE_DETACH, pid, NULL, (long)signal);
		}
		forget(run, pid);
	}
}

static void follow(struct run *run, const sigset_t *child_signal, uint64_t most)
{
	uint64_t begin = now_ms(), last = begin;
	unsigned long calls = 0;

	while (run->n || !run->ended) {
		const struct timespec pause = { .tv_nsec = 10000000 };
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);

		if (pid > 0) {
			on_status(run, pid, status);
			if (calls != run->calls || !run->ended)
				last = now_ms();
			calls = run->calls;
			continue;
		}
		if (pid < 0 && errno == ECHILD)
			break;
		if (run->ended && now_ms() - last >= QUIET_MS)
			break;
		if (now_ms() - begin > most) {
			run->hung = true;
			kill(run->root, SIGKILL);
			while (waitpid(run->root, &status, __WALL) == run->root && WIFSTOPPED(status))
				;
			forget(run, run->root);
			break;
		}
		sigtimedwait(child_signal, NULL, &pause);
	}
	let_go(run);
}

/* --- the command --- */

static pid_t begin(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC;
	int gate[2];
	pid_t pid;
	char go;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		sigset_t none;

		setpgid(0, 0);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		close(gate[1]);
		if (read(gate[0], &go, 1) == 1)
			execvp(argv[0], argv);
		fprintf(stderr, "faults-inject: execute %s: %s\n", argv[0], strerror(errno));
		_exit(125);
	}
	setpgid(pid, pid);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0)
		die("trace: %s", strerror(errno));
	if (write(gate[1], "", 1) != 1)
		die("begin: %s", strerror(errno));
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static void put_json(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c >= 127)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void report(const struct run *run, const char *path)
{
	FILE *out = fopen(path, "we");
	int error = run->error ? run->error : run->call.error;

	if (!out)
		die("write %s: %s", path, strerror(errno));
	fprintf(out, "{\"calls\":%lu,\"hit\":%s,\"hung\":%s", run->calls, run->hit ? "true" : "false",
		run->hung ? "true" : "false");
	if (run->hit) {
		const char *name = call_error_name(error);

		fprintf(out, ",\"call\":\"%s\",\"path\":", run->call.name);
		put_json(out, run->call.path);
		fputs(",\"program\":", out);
		put_json(out, run->program);
		fprintf(out, ",\"depth\":%d", run->depth);
		if (run->fault == FAULT_ERROR)
			fprintf(out, ",\"error\":\"%s\"", name ? name : "?");
	}
	fputs("}\n", out);
	if (fclose(out) != 0)
		die("write %s: %s", path, strerror(errno));
}

static void parse_fault(struct run *run, const char *word)
{
	static const struct {
		const char *word;
		enum fault fault;
	} faults[] = { { "kill", FAULT_KILL }, { "kill-after", FAULT_KILL_AFTER }, { "tree", FAULT_TREE },
		       { "int", FAULT_INT },   { "error", FAULT_ERROR } };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(word, faults[i].word) == 0) {
			run->fault = faults[i].fault;
			return;
		}
	}
	run->fault = FAULT_ERROR;
	run->error = call_error_code(word);
	if (!run->error)
		die("\"%s\" is no fault", word);
}

static unsigned int parse_kinds(char *words)
{
	unsigned int kinds = 0;

	for (char *word = strtok(words, ","); word; word = strtok(NULL, ",")) {
		if (strcmp(word, "change") == 0)
			kinds |= KIND_CHANGE;
		else if (strcmp(word, "take") == 0)
			kinds |= KIND_TAKE;
		else if (strcmp(word, "read") == 0)
			kinds |= KIND_READ;
		else
			die("\"%s\" is no kind of calls: change, take, read", word);
	}
	return kinds;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "at", required_argument, NULL, 'n' },	    { "fault", required_argument, NULL, 'f' },
		{ "calls", required_argument, NULL, 'c' },  { "report", required_argument, NULL, 'r' },
		{ "helpers", no_argument, NULL, 'h' },	    { NULL, 0, NULL, 0 },
	};
	static struct run run = { .kinds = KIND_CHANGE };
	const char *path = NULL, *patience = getenv("SYSCT_TEST_PATIENCE");
	unsigned long times = patience ? strtoul(patience, NULL, 10) : 1;
	sigset_t child_signal;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			run.at = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			parse_fault(&run, optarg);
			break;
		case 'c':
			run.kinds = parse_kinds(optarg);
			break;
		case 'r':
			path = optarg;
			break;
		case 'h':
			run.helpers = true;
			break;
		default:
			return 125;
		}
	}
	if (optind == argc)
		die("no command");
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, NULL);
	run.root = begin(argv + optind);
	have(&run, run.root, 0)->announced = true;
	follow(&run, &child_signal, MOST_MS * (times ? times : 1));
	if (path)
		report(&run, path);
	if (run.hung)
		return 124;
	return WIFEXITED(run.status) ? WEXITSTATUS(run.status) : 128 + WTERMSIG(run.status);
}
