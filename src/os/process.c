/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"

#define PIDFS_MAGIC 0x50494446	/* linux/magic.h of 6.9 */
#define TOOL_TIMEOUT_MS 120000
#define KILL_TIMEOUT_MS 2000

int process_stat_field(const char *stat, int wanted, uint64_t *ret)
{
	const char *p = strrchr(stat, ')');	/* the name may hold blanks and parentheses */

	for (int field = 2; p && field < wanted; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -ESRCH;
	*ret = strtoull(p + 1, NULL, 10);
	return 0;
}

/* A number of /proc/PID/stat; fields are counted as in proc_pid_stat(5), from 4 on. With its state. */
static int read_stat(pid_t pid, int wanted, uint64_t *ret, char *ret_state)
{
	char path[40], stat[2048], *p;	/* 52 numbers and a name of 64 bytes at most (proc_task_name()) */
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = read_value_at(AT_FDCWD, path, stat, sizeof(stat));
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	p = strrchr(stat, ')');
	if (!p || p[1] != ' ')
		return -ESRCH;
	*ret_state = p[2];
	return process_stat_field(stat, wanted, ret);
}

static int identify(pid_t pid, struct process_id *ret, char *ret_state)
{
	uint64_t start;
	int r = read_stat(pid, 22, &start, ret_state);

	if (r < 0)
		return r;
	*ret = (struct process_id){ pid, start };
	return 0;
}

int process_identify(pid_t pid, struct process_id *ret)
{
	char state;

	return identify(pid, ret, &state);
}

pid_t process_parent(pid_t pid)
{
	uint64_t parent;
	char state;

	return read_stat(pid, 4, &parent, &state) < 0 ? 0 : (pid_t)parent;
}

void process_identify_parent(int link, struct process_id *ret)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);

	*ret = (struct process_id){ 0 };
	if (getsockopt(link, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0 || peer.pid != getppid())
		return;
	if (process_identify(peer.pid, ret) < 0 || peer.pid != getppid())	/* gone meanwhile */
		*ret = (struct process_id){ 0 };
}

const char *process_id_format(const struct process_id *id, char *buf, size_t room)
{
	snprintf(buf, room, "%d:%llu", (int)id->pid, (unsigned long long)id->start);
	return buf;
}

int process_id_parse(const char *text, struct process_id *ret)
{
	auto_free char *copy = xstrdup(text);
	char *colon = strchr(copy, ':');
	uint32_t pid;
	uint64_t start;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (parse_u32(copy, &pid) < 0 || pid > INT32_MAX || parse_u64(colon + 1, &start) < 0)
		return -EINVAL;
	*ret = (struct process_id){ (pid_t)pid, start };
	return 0;
}

int pidfd_of(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int process_open(const struct process_id *id)
{
	struct process_id now;
	int fd, r;

	if (id->pid <= 0)
		return -ESRCH;
	fd = pidfd_of(id->pid);
	if (fd < 0)
		return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;	/* a thread's by now */
	/* After the open: the pid cannot pass to another process while we hold the pidfd. */
	r = process_identify(id->pid, &now);
	if (r < 0 || now.start != id->start) {
		close(fd);
		return r < 0 ? r : -ESRCH;
	}
	return fd;
}

bool process_alive(const struct process_id *id)
{
	auto_close int fd = -1;
	struct process_id now;
	char state;
	int r = id->pid <= 0 ? -ESRCH : identify(id->pid, &now, &state);

	/* who cannot look, for want of a descriptor, must not take it for dead */
	if (r < 0)
		return r != -ESRCH;
	if (now.start != id->start)
		return false;
	if (state != 'Z' && state != 'X')
		return true;
	fd = process_open(id);	/* its first thread has ended; others may go on */
	return fd == -ESRCH ? false : fd < 0 || pidfd_wait(fd, 0) == 0;
}

/* Before pidfs all pidfds had the one inode of anonymous files. */
uint64_t process_inode(int pidfd)
{
	static unsigned int type;
	struct statfs fs;
	struct stat st;

	if (!type)
		type = fstatfs(pidfd, &fs) < 0 ? 0 : (unsigned int)fs.f_type;
	if (type != PIDFS_MAGIC || sizeof(st.st_ino) < 8 || fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

int process_has_inode(pid_t pid, uint64_t inode)
{
	auto_close int fd = pidfd_of(pid);
	uint64_t now;
	int r;

	if (fd < 0)
		return fd == -ESRCH || fd == -EINVAL || fd == -ENOENT ? 0 : fd;
	now = process_inode(fd);
	if (!now)
		return -EOPNOTSUPP;
	if (now != inode)
		return 0;
	r = pidfd_wait(fd, 0);
	return r < 0 ? r : r == 0;
}

int process_open_inode(const struct process_id *id, uint64_t inode)
{
	auto_close int fd = inode && id->pid > 0 ? pidfd_of(id->pid) : -1;
	uint64_t now = fd < 0 ? 0 : process_inode(fd);

	if (!now)
		return process_open(id);
	return now == inode ? take_fd(&fd) : -ESRCH;
}

int pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_wait(int pidfd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	uint64_t end = now_usec() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000;

	for (;;) {
		int left = -1, r;

		if (timeout_ms >= 0) {
			uint64_t now = now_usec();

			left = now >= end ? 0 : (int)((end - now + 999) / 1000);
		}
		r = poll(&poll_fd, 1, left);
		if (r >= 0)
			return r > 0;
		if (errno != EINTR)
			return -errno;
	}
}

bool child_wait(pid_t pid, int timeout_ms, int *ret_status)
{
	auto_close int pidfd = pidfd_of(pid);
	pid_t r;

	if (pidfd >= 0 && pidfd_wait(pidfd, timeout_ms) == 0)
		return false;
	do {
		r = waitpid(pid, ret_status, 0);
	} while (r < 0 && errno == EINTR);
	return true;
}

/* While a process sits in sigtimedwait(2), SigBlk does not show what it blocks and waits for. */
static bool waits_for_signals(pid_t pid)
{
	auto_free char *call = NULL, *where = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	if (read_file_at(AT_FDCWD, path, 4096, &call, NULL) == 0 && atoi(call) == SYS_rt_sigtimedwait)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);	/* a program of the other word size */
	return read_file_at(AT_FDCWD, path, 256, &where, NULL) == 0 && strstr(where, "sigtimedwait");
}

static int signal_masks(pid_t pid, unsigned long long *ret_blocked, unsigned long long *ret_caught)
{
	auto_free char *status = NULL;
	char path[40];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	r = read_file_at(AT_FDCWD, path, 65536, &status, NULL);
	*ret_blocked = *ret_caught = 0;
	for (char *line = r < 0 ? NULL : strtok(status, "\n"); line; line = strtok(NULL, "\n")) {
		if (text_starts(line, "SigBlk:"))
			*ret_blocked = strtoull(line + 7, NULL, 16);
		if (text_starts(line, "SigCgt:"))
			*ret_caught = strtoull(line + 7, NULL, 16);
	}
	return r < 0 ? r : 0;
}

int process_takes_signal(pid_t pid, int signal)
{
	unsigned long long blocked, caught;
	int r = signal_masks(pid, &blocked, &caught);

	return r < 0 ? r : (((blocked | caught) >> (signal - 1)) & 1) || waits_for_signals(pid);
}

bool process_has_handlers(pid_t pid)
{
	unsigned long long blocked, caught;

	return signal_masks(pid, &blocked, &caught) == 0 && caught != 0;
}

/* Read once: no process lives longer than its boot. */
int boot_id_read(char *buf)
{
	static char known[UUID_LEN + 1];

	if (!known[0]) {
		auto_free char *text = NULL;
		size_t n;
		int r = read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &n);

		if (r < 0)
			return r;
		if (n < UUID_LEN)
			return -EINVAL;
		memcpy(known, text, UUID_LEN);
	}
	memcpy(buf, known, sizeof(known));
	return 0;
}

void close_from(int from)
{
	if (syscall(SYS_close_range, (unsigned int)from, ~0U, 0) < 0)
		for (int fd = from; fd < 4096; fd++)
			close(fd);
}

static void close_between(unsigned int first, unsigned int last)
{
	if (first <= last && syscall(SYS_close_range, first, last, 0) < 0)
		for (unsigned int fd = first; fd <= last && fd < 4096; fd++)
			close((int)fd);
}

void close_others(const int *keep, size_t n)
{
	unsigned int first = 3;

	for (;;) {
		unsigned int next = ~0U;	/* the lowest one to keep */

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= first && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next == ~0U)
			break;
		if (next > first)
			close_between(first, next - 1);
		first = next + 1;
	}
	close_between(first, ~0U);
}

void cloexec_from(int from)
{
	/* CLOSE_RANGE_CLOEXEC, since Linux 5.11 */
	if (syscall(SYS_close_range, (unsigned int)from, ~0U, 4) < 0)
		for (int fd = from; fd < 4096; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* By system call: a C library keeps two or three of them for itself, which a caller may have ignored nevertheless. */
void signals_reset(void)
{
	static const unsigned char by_default[128];	/* the kernel's struct sigaction: SIG_DFL, no flags, an empty mask */
	sigset_t none;

	for (int i = 1; i < _NSIG; i++)
		syscall(SYS_rt_sigaction, i, by_default, NULL, _NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- tools --- */

static const char *const tool_dirs[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin",
					 "/usr/local/sbin", "/usr/local/bin" };

static const struct {
	const char *tool, *package;
} tool_packages[] = {
	{ "mke2fs", "e2fsprogs" },    { "e2fsck", "e2fsprogs" },  { "resize2fs", "e2fsprogs" },
	{ "tune2fs", "e2fsprogs" },   { "nft", "nftables" },	  { "dnsmasq", "dnsmasq-base" },
	{ "debootstrap", "debootstrap" }, { "getent", "libc-bin" },
};

char *tool_find(const char *name)
{
	if (*name == '/')
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tool_dirs); i++) {
		auto_free char *path = xasprintf("%s/%s", tool_dirs[i], name);

		if (access(path, X_OK) == 0)
			return take_ptr(&path);
	}
	return NULL;
}

static const char *const tool_environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", "LC_ALL=C", "HOME=/", NULL
};

__attribute__((noreturn)) static void tool_child(const struct tool_run *run, const char *path, int in, int out,
						 pid_t parent)
{
	signals_reset();
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	cloexec_from(3);
	if (run->keep_fd >= 0)
		fcntl(run->keep_fd, F_SETFD, 0);
	execve(path, (char *const *)run->argv, (char *const *)tool_environment);
	_exit(127);
}

#define SLICE_MS 200	/* a signal may come just before the wait */

/* Read what the tool prints until it closes its output. 0, -ETIMEDOUT or -EINTR. */
static int collect(int fd, struct text *output, uint64_t end, int mark)
{
	char buf[4096];

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		uint64_t now = now_usec();
		ssize_t n;
		int r;

		if (now >= end)
			return -ETIMEDOUT;
		if (interrupt_since(mark))
			return -EINTR;
		r = poll(&poll_fd, 1, end - now > SLICE_MS * 1000 ? SLICE_MS : (int)((end - now + 999) / 1000));
		if (r == 0 || (r < 0 && errno == EINTR))
			continue;
		if (r < 0)
			return -errno;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (output->len < (1U << 20))
			text_append(output, buf, (size_t)n);
	}
}

/* A tool may close its output and go on. */
static int await_end(pid_t pid, uint64_t end, int mark)
{
	auto_close int pidfd = pidfd_of(pid);

	while (pidfd >= 0 && pidfd_wait(pidfd, SLICE_MS) == 0) {
		if (interrupt_since(mark))
			return -EINTR;
		if (now_usec() >= end)
			return -ETIMEDOUT;
	}
	return 0;
}

/* It has been killed with its children, and may hang in the kernel all the same. */
static int tool_cut_off(const struct tool_run *run, pid_t pid, int r, const struct text *output, struct error *err)
{
	unsigned int seconds = (unsigned int)(run->timeout_ms ? run->timeout_ms : TOOL_TIMEOUT_MS) / 1000;
	auto_free char *words = output->data ? text_printable(output->data) : NULL;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	child_wait(pid, KILL_TIMEOUT_MS, NULL);
	if (r == -EINTR && interrupt_check(err) < 0)
		return -EINTR;
	if (r != -ETIMEDOUT)
		return fail(err, -r, "wait for %s", run->argv[0]);
	fail_status(err, STATUS_TIMEOUT, "%s did not end in %u s, and was killed%s%.200s", run->argv[0], seconds,
		    text_empty(words) ? "" : "; it said: ", text_empty(words) ? "" : words);
	err->code = ETIMEDOUT;
	return error_hint(err, "see whether it answers by itself: %s --version; and what the kernel says: dmesg | tail",
			  run->argv[0]);
}

static int tool_input(const char *input)
{
	auto_close int fd = -1;

	if (!input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, input, strlen(input)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return take_fd(&fd);
}

int tool_run(const struct tool_run *run, struct error *err)
{
	auto_free char *path = tool_find(run->argv[0]);
	auto_text struct text output = TEXT_EMPTY;
	auto_close int in = -1, reader = -1, writer = -1;
	uint64_t end = now_usec() + (uint64_t)(run->timeout_ms ? run->timeout_ms : TOOL_TIMEOUT_MS) * 1000;
	pid_t self = getpid(), pid;
	int fds[2], r, status, mark = interrupt_mark();

	if (!path) {
		fail(err, ENOENT, "run %s", run->argv[0]);
		for (size_t i = 0; i < ARRAY_SIZE(tool_packages); i++)
			if (strcmp(tool_packages[i].tool, run->argv[0]) == 0)
				error_hint(err, "install it: apt-get install %s", tool_packages[i].package);
		return -ENOENT;
	}
	in = tool_input(run->input);
	if (in < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe to %s", run->argv[0]);
	reader = fds[0];
	writer = fds[1];
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "fork for %s", run->argv[0]);
	if (pid == 0)
		tool_child(run, path, in, writer, self);
	close_fd(&writer);
	r = collect(reader, &output, end, mark);
	if (r == 0)
		r = await_end(pid, end, mark);
	text_append(&output, "", 0);
	if (r < 0)
		return tool_cut_off(run, pid, r, &output, err);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (run->ret_output) {
		*run->ret_output = take_ptr(&output.data);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_need_files(unsigned int n, struct error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= n)
		return 0;
	if (limit.rlim_max >= n) {
		limit.rlim_cur = n;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return 0;
	}
	fail(err, 0, "begin with at most %llu open files: it may need %u", (unsigned long long)limit.rlim_max, n);
	err->code = EMFILE;
	return error_hint(err, "allow more: ulimit -n 1024, or LimitNOFILE= of the service that runs it");
}
