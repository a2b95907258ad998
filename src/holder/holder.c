/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysct-holder - the process that a running container cannot do without, as small as it can be.
 *
 * See include/runtime/supervise.h for what it does. It is built without libc (14 KiB of memory instead of 360):
 * system calls by hand, no heap, no formatting. It is a child subreaper: what the monitor leaves behind when it
 * dies becomes our child, init first of all.
 *
 * Nothing here may fail for good: what cannot be done now is tried again at the next event. */
#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/supervise.h"

/* --- system calls --- */

static long call(long nr, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
#else
#error "sysct-holder: add the system call convention of this architecture"
#endif
}

/* The entry point: the stack holds argc and argv. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall holder\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29,#0\n\tmov x0,sp\n\tand sp,x0,#-16\n\tbl holder\n");
#endif

static long sys_close(int fd)
{
	return call(__NR_close, fd, 0, 0, 0, 0);
}

__attribute__((noreturn)) static void sys_exit(int status)
{
	for (;;)
		call(__NR_exit_group, status, 0, 0, 0, 0);
}

/* --- what the compiler may ask for --- */

void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int byte, size_t n)
{
	for (volatile unsigned char *p = to; n; n--)
		*p++ = (unsigned char)byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	volatile unsigned char *p = to;

	for (const unsigned char *q = from; n; n--)
		*p++ = *q++;
	return to;
}

/* --- messages with descriptors; the structures of socket.h, which needs libc --- */

struct iovec_ {
	void *base;
	size_t len;
};

struct msghdr_ {
	void *name;
	int name_len;
	struct iovec_ *iov;
	size_t iov_len;
	void *control;
	size_t control_len;
	unsigned int flags;
};

struct cmsghdr_ {
	size_t len;
	int level, type;
};

#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_DONTWAIT_ 0x40
#define MSG_NOSIGNAL_ 0x4000
#define MSG_CMSG_CLOEXEC_ 0x40000000

/* Of linux/ptrace.h */
#define PTRACE_CONT_ 7
#define PTRACE_SEIZE_ 0x4206
#define PTRACE_LISTEN_ 0x4208
#define PTRACE_EVENT_STOP_ 128

#define KEPT 3	/* control, console, notify */

static int kept[KEPT] = { -1, -1, -1 };
static int have_kept, quitting;

static void keep(const int *fds)
{
	for (int i = 0; i < KEPT; i++) {
		if (kept[i] >= 0)
			sys_close(kept[i]);
		kept[i] = fds[i];
	}
	have_kept = 1;
}

/* One packet of the monitor. Returns 0 when there is none. */
static int read_link(void)
{
	union {
		struct cmsghdr_ header;
		unsigned char bytes[sizeof(struct cmsghdr_) + KEPT * sizeof(int) + 16];
	} control;
	unsigned char data[16] = { 0 };
	struct iovec_ iov = { data, sizeof(data) };
	struct msghdr_ message = { 0, 0, &iov, 1, &control, sizeof(control), 0 };
	long n = call(__NR_recvmsg, FD_HOLDER, (long)&message, MSG_DONTWAIT_ | MSG_CMSG_CLOEXEC_, 0, 0);

	if (n <= 0)
		return 0;
	if (data[0] == LINK_QUIT)
		quitting = 1;
	if (data[0] == LINK_TRACE && n == 5) {
		int pid;

		memcpy(&pid, data + 1, sizeof(pid));
		call(__NR_ptrace, PTRACE_SEIZE_, pid, 0, 0, 0);
	}
	if (data[0] == LINK_KEEP && message.control_len >= sizeof(control.header) + KEPT * sizeof(int) &&
	    control.header.level == SOL_SOCKET_ && control.header.type == SCM_RIGHTS_ &&
	    control.header.len == sizeof(control.header) + KEPT * sizeof(int))
		keep((const int *)(control.bytes + sizeof(control.header)));
	return 1;
}

static void tell_reaped(int pid, int status)
{
	unsigned char data[9] = { LINK_REAPED };
	struct iovec_ iov = { data, sizeof(data) };
	struct msghdr_ message = { 0, 0, &iov, 1, 0, 0, 0 };

	memcpy(data + 1, &pid, sizeof(pid));
	memcpy(data + 5, &status, sizeof(status));
	call(__NR_sendmsg, FD_HOLDER, (long)&message, MSG_DONTWAIT_ | MSG_NOSIGNAL_, 0, 0);
}

/* --- the monitor --- */

static int monitor = -1;
static char *monitor_argv[24];
static char **environment;

static void reset_signals(void)
{
	uint64_t none = 0;

	call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof(none), 0);
}

static void start_monitor(void)
{
	long pid = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
	int high[KEPT];

	if (pid != 0) {
		monitor = pid > 0 ? (int)pid : -1;
		return;
	}
	/* FD_LINK is in its place already: we hold the monitor's end too, so that nothing sent to it is
	 * lost while there is none. What we keep may stand at these very numbers, close-on-exec and in another
	 * order: so by way of higher ones. */
	for (int i = 0; i < KEPT; i++)
		high[i] = (int)call(__NR_fcntl, kept[i], 1030 /* F_DUPFD_CLOEXEC */, 64, 0, 0);
	for (int i = 0; i < KEPT; i++)
		call(__NR_dup3, high[i], FD_CONTROL + i, 0, 0, 0);
	reset_signals();
	call(__NR_execve, (long)monitor_argv[0], (long)monitor_argv, (long)environment, 0, 0);
	sys_exit(127);
}

/* Whom we trace stops for each signal that it gets, and is to get it; or is one of those that a stop signal has stopped, and
 * then stays so until it is told to go on (ptrace(2)). */
static void go_on(long pid, int status)
{
	int signal = status >> 8 & 0xff, event = status >> 16;
	int group_stop = event == PTRACE_EVENT_STOP_ &&
			 (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU);

	call(__NR_ptrace, group_stop ? PTRACE_LISTEN_ : PTRACE_CONT_, pid, 0, event ? 0 : signal, 0);
}

/* Reap whoever has ended. Returns nonzero when the monitor is gone and nothing is left to hold. */
static int reap(int *restarts)
{
	for (;;) {
		int status;
		long pid = call(__NR_wait4, -1, (long)&status, WNOHANG, 0, 0);

		if (pid <= 0)
			return 0;
		if ((status & 0xff) == 0x7f) {
			go_on(pid, status);
			continue;
		}
		if (pid != monitor) {
			tell_reaped((int)pid, status);
			continue;
		}
		while (read_link())
			;
		monitor = -1;
		if (quitting || !have_kept)
			return 1;
		(*restarts)++;
	}
}

struct pollfd_ {
	int fd;
	short events, revents;
};

struct timespec_ {
	long sec, nsec;
};

static int number(const char *s)
{
	int n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + *s++ - '0';
	return n;
}

void holder(long *stack);

/* A crash loop of the monitor, or a host that has no process left for one, must not eat a CPU: after eight restarts each next one
 * waits a second. */
#define FREE_RESTARTS 8

void holder(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	uint64_t child = 1ULL << (SIGCHLD - 1);
	struct pollfd_ fds[2] = { { FD_HOLDER, 1, 0 }, { -1, 1, 0 } };
	int restarts = 0, n = 0;

	if (argc < 3)
		sys_exit(2);
	environment = argv + argc + 1;
	monitor = number(argv[1]);
	for (long i = 2; i < argc && n < 22; i++)
		monitor_argv[n++] = argv[i];
	if (argv[argc - 1][0] == ADOPT[0]) {
		/* a monitor whose holder died has executed us; the three are in their places */
		for (int i = 0; i < KEPT; i++)
			kept[i] = FD_CONTROL + i;
		have_kept = 1;
	} else {
		monitor_argv[n++] = ADOPT;
	}
	call(__NR_prctl, 36 /* PR_SET_CHILD_SUBREAPER */, 1, 0, 0, 0);
	call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&child, 0, sizeof(child), 0);
	call(__NR_fcntl, FD_HOLDER, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */, 0, 0);
	fds[1].fd = (int)call(__NR_signalfd4, -1, (long)&child, sizeof(child), 02000000 | 04000, 0);
	for (;;) {
		struct timespec_ second = { 1, 0 };
		unsigned char drop[128];

		while (read_link())
			;
		while (call(__NR_read, fds[1].fd, (long)drop, sizeof(drop), 0, 0) > 0)
			;
		if (reap(&restarts))
			sys_exit(0);
		if (monitor < 0) {
			if (restarts > FREE_RESTARTS)
				call(__NR_nanosleep, (long)&second, 0, 0, 0, 0);
			start_monitor();
			restarts += monitor < 0;	/* no process is to be had: that counts, and is tried again */
			continue;
		}
		call(__NR_ppoll, (long)fds, 2, 0, 0, 0);
	}
}
