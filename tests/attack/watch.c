/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch END RESULT: attacks every process that comes into the container, from its first moment until it has executed what
 * it came for, and writes what it got to the file RESULT. Goes to the background, and ends when the file END is there, or
 * after 60 seconds; END.enough is there when it has seen some.
 *
 * What is attacked is what comes from outside: processes whose program is not a file of the container. One line of the
 * result is one kind of attack, "KIND NUMBER example"; "joiners" says how many were seen, so that a watch that saw nobody
 * proves nothing. */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif
#define SEALED (2 | 4 | 8)	/* F_SEAL_SHRINK, GROW, WRITE */

enum kind { JOINERS, WRITE_EXE, KEEP_EXE, DESCRIPTORS, DIRECTORIES, TRACE, MEMORY, GETFD, ENVIRON, N_KINDS };
static struct {
	const char *name;
	unsigned long n;
	char example[160];
} found[N_KINDS] = {
	[JOINERS] = { .name = "joiners" },	  [WRITE_EXE] = { .name = "write-exe" },
	[KEEP_EXE] = { .name = "keep-exe" },	  [DESCRIPTORS] = { .name = "descriptors" },
	[DIRECTORIES] = { .name = "directories" }, [TRACE] = { .name = "trace" },
	[MEMORY] = { .name = "memory" },	  [GETFD] = { .name = "getfd" },
	[ENVIRON] = { .name = "environ" },
};

static void note(enum kind kind, const char *text)
{
	if (found[kind].n++ == 0)
		snprintf(found[kind].example, sizeof(found[kind].example), "%.150s", text);
}

/* After so many, a file says that it was enough: what has no time to run sees few. */
#define ENOUGH 8
static char enough[128];

static int kept[64];	/* O_PATH descriptors of programs from outside */
static size_t n_kept;

/* A link of /proc that leads to what has no name here. */
static bool is_foreign(const char *link, char *target, size_t room)
{
	struct stat there, named;
	ssize_t n = readlink(link, target, room - 1);

	if (n < 0 || stat(link, &there) < 0)
		return false;
	target[n] = '\0';
	if (!S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode))
		return false;
	return stat(target, &named) < 0 || named.st_dev != there.st_dev || named.st_ino != there.st_ino;
}

/* Opened for writing, and nobody has made that useless. */
static bool writes(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals < 0 || (seals & SEALED) != SEALED;
}

static void attack_exe(const char *proc)
{
	char path[64], target[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/exe", proc);
	if (!is_foreign(path, target, sizeof(target)))
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (writes(fd))
			note(WRITE_EXE, target);
		close(fd);
	}
	/* it is busy as long as it runs: kept, and tried again when that is over */
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && n_kept < COUNT(kept))
		kept[n_kept++] = fd;
	else if (fd >= 0)
		close(fd);
}

static void attack_links(const char *proc)
{
	static const char *const links[] = { "cwd", "root" };
	char path[300], target[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	for (size_t i = 0; i < COUNT(links); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, links[i]);
		if (is_foreign(path, target, sizeof(target)))
			note(DIRECTORIES, path);
	}
	snprintf(path, sizeof(path), "%s/fd", proc);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/fd/%s", proc, e->d_name);
		if (is_foreign(path, target, sizeof(target)))
			note(DESCRIPTORS, target);
	}
	if (dir)
		closedir(dir);
}

static void attack_memory(pid_t pid, const char *proc)
{
	char path[64], data[8192], byte;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), got;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/environ", proc);
	n = -1;
	got = open(path, O_RDONLY | O_CLOEXEC);
	if (got >= 0) {
		n = read(got, data, sizeof(data) - 1);
		close(got);
	}
	for (char *p = data; n > 0 && p < data + n; p += strnlen(p, (size_t)(data + n - p)) + 1)
		if (strncmp(p, "ATTACK_SECRET=", 14) == 0)
			note(ENVIRON, p);
	for (int i = 0; i < 16 && fd >= 0; i++) {
		char target[PATH_MAX];

		got = (int)syscall(SYS_pidfd_getfd, fd, i, 0);
		if (got < 0)
			continue;
		/* its pipes come in anyway: files, directories and terminals of the host are meant */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", got);
		if (is_foreign(path, target, sizeof(target)) || isatty(got))
			note(GETFD, target);
		close(got);
	}
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "%s/mem", proc);
	got = open(path, O_RDWR | O_CLOEXEC);
	if (got >= 0) {
		note(MEMORY, path);
		close(got);
	}
	/* an address that is never mapped: EFAULT comes after the permission */
	struct iovec own = { &byte, 1 }, other = { (void *)16, 1 };
	if (process_vm_readv(pid, &own, 1, &other, 1, 0) >= 0 || errno == EFAULT)
		note(MEMORY, "process_vm_readv");
}

static void attack_trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return;
	note(TRACE, "PTRACE_SEIZE");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0) {
		int status;

		waitpid(pid, &status, __WALL);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

/* Whether it has not executed anything of ours yet: its program is none of ours, or is not for us to see. */
static bool is_joining(pid_t pid, const char *proc)
{
	char path[64], target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/exe", proc);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return errno == EACCES || errno == EPERM;
	(void)pid;
	return is_foreign(path, target, sizeof(target));
}

/* All attacks, again and again while it is what came in. Each is only counted while that is so before and after it: what
 * runs a program of the container's is the container's. */
static void attack(pid_t pid)
{
	unsigned long before[N_KINDS];
	char proc[32];
	bool seen = false;

	snprintf(proc, sizeof(proc), "/proc/%d", (int)pid);
	for (int i = 0; i < 200 && is_joining(pid, proc); i++) {
		seen = true;
		for (size_t k = 0; k < N_KINDS; k++)
			before[k] = found[k].n;
		attack_exe(proc);
		attack_links(proc);
		attack_memory(pid, proc);
		attack_trace(pid);
		if (!is_joining(pid, proc)) {
			for (size_t k = 0; k < N_KINDS; k++)
				if (k != WRITE_EXE)
					found[k].n = before[k];
			break;
		}
	}
	if (seen)
		note(JOINERS, proc);
	if (seen && found[JOINERS].n == ENOUGH)
		close(open(enough, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

/* A program is busy as long as anybody executes it, and those who enter do. */
static int open_when_idle(int fd)
{
	char path[64];
	int out = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int i = 0; i < 150; i++) {
		struct timespec pause = { .tv_nsec = 20000000 };

		out = open(path, O_WRONLY | O_CLOEXEC);
		if (out >= 0 || errno != ETXTBSY)
			break;
		nanosleep(&pause, NULL);
	}
	return out;
}

static void reopen_kept(void)
{
	/* they all are the same one */
	for (size_t i = 0; i < n_kept && i < 1; i++) {
		char path[64], target[PATH_MAX] = "";
		int fd = open_when_idle(kept[i]);

		if (fd < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", kept[i]);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		if (writes(fd))
			note(KEEP_EXE, target);
		close(fd);
	}
}

/* Go on without whoever has started us. Returns in the child, or in process 1, which stays. */
static void to_background(void)
{
	fflush(NULL);
	if (getpid() != 1 && fork() > 0)
		_exit(0);
	setsid();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	open("/dev/null", O_RDWR);
	dup(0);
	dup(0);
}

/* The whole file at once. */
static void write_result(const char *path, const char *text)
{
	char temporary[256];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0 || rename(temporary, path) < 0)
		_exit(1);
}

static pid_t newest(void)
{
	const char *text = slurp("/proc/sys/kernel/ns_last_pid");

	return text ? (pid_t)atoi(text) : 0;
}

int watch_main(int argc, char **argv)
{
	char text[4096] = "";
	struct timespec now;
	time_t end;
	pid_t last, own;

	if (argc < 3) {
		fprintf(stderr, "usage: inside watch END RESULT\n");
		return 2;
	}
	snprintf(enough, sizeof(enough), "%s.enough", argv[1]);
	unlink(argv[1]);
	unlink(argv[2]);
	unlink(enough);
	to_background();
	own = getpid();
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + 60;
	last = newest();
	while (now.tv_sec < end && access(argv[1], F_OK) < 0) {
		/* the next few numbers: a process can be attacked before a list shows it */
		for (int i = 0; i < 64; i++) {
			pid_t to = newest();

			for (pid_t pid = to < last ? 1 : last + 1; pid <= to; pid++)
				if (pid != own)
					attack(pid);
			last = to;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	reopen_kept();
	for (size_t k = 0; k < N_KINDS; k++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s %lu %s\n", found[k].name, found[k].n, found[k].example);
	}
	write_result(argv[2], text);
	return 0;
}

/* race PATH OTHER: swaps two names for ever; what looks twice finds two things. */
int race_main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: inside race PATH OTHER\n");
		return 2;
	}
	alarm(30);
	for (;;) {
		if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 2 /* RENAME_EXCHANGE */) < 0) {
			perror("race");
			return 1;
		}
	}
}

/* reopen FD: what interp.c holds, a program that was executing while it was taken. Goes to the background, and writes to
 * /attack/reopened where it lies and what happens to whoever opens it for writing: an errno, "sealed" or "WRITABLE". */
int reopen_main(int argc, char **argv)
{
	char text[200];
	struct stat st, own;
	int fd = argc > 1 ? atoi(argv[1]) : -1, out;

	if (fd < 0 || fstat(fd, &st) < 0 || stat("/", &own) < 0) {
		printf("nothing\n");
		return 1;
	}
	/* the three that closing makes free are not ours */
	fd = fcntl(fd, F_DUPFD, 10);
	to_background();
	out = open_when_idle(fd);
	snprintf(text, sizeof(text), "%s %u:%u %llu %s\n", st.st_dev == own.st_dev ? "inside" : "outside",
		 major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino,
		 out < 0 ? errno_name(errno) : writes(out) ? "WRITABLE" : "sealed");
	write_result("/attack/reopened", text);
	return 0;
}

/* push TEXT: types it into every terminal that can be reached. */
int push_main(int argc, char **argv)
{
	static const char *const paths[] = { "/dev/tty", "/dev/console", "/dev/stdin" };
	int n = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: inside push TEXT\n");
		return 2;
	}
	for (int i = 0; i < 3 + (int)COUNT(paths) + 64; i++) {
		char path[64];
		int fd;

		if (i < 3)
			snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		else if (i < 3 + (int)COUNT(paths))
			snprintf(path, sizeof(path), "%s", paths[i - 3]);
		else
			snprintf(path, sizeof(path), "/dev/pts/%d", i - 3 - (int)COUNT(paths));
		fd = i < 3 ? i : open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			continue;
		for (char *p = argv[1]; *p; p++)
			n += ioctl(fd, 0x5412 /* TIOCSTI */, p) == 0;
		if (i >= 3)
			close(fd);
	}
	printf("pushed %d\n", n);
	return 0;
}

/* notify SOCKET: gives the host's side descriptors that it has not asked for, more than it makes room for, and says that
 * the container has booted. */
int notify_main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	union {
		char bytes[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	char text[] = "READY=1\nSTATUS=\033]0;attack\007\nMAINPID=1\n";
	int n = 0;

	if (argc < 2 || fd < 0) {
		fprintf(stderr, "usage: inside notify SOCKET\n");
		return 2;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	for (int i = 0; i < 64; i++) {
		struct iovec iov = { text, sizeof(text) - 1 };
		struct msghdr message = { .msg_name = &address,
					  .msg_namelen = sizeof(address),
					  .msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = CMSG_SPACE((size_t)(i + 1) * sizeof(int)) };
		struct cmsghdr *h = CMSG_FIRSTHDR(&message);

		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN((size_t)(i + 1) * sizeof(int));
		for (int k = 0; k <= i; k++)
			memcpy(CMSG_DATA(h) + (size_t)k * sizeof(int), &fd, sizeof(int));
		n += sendmsg(fd, &message, MSG_DONTWAIT) > 0;
	}
	printf("sent %d\n", n);
	return 0;
}
