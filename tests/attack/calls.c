/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that nobody inside needs, by all numbers that this machine knows: a filter that names only those of
 * x86-64 leaves the same call open under its number of i386 or of x32. */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOTHING "/sysct-no-such-file"
#define NO_CALL (-1)

/* --- by number --- */

enum abi { ABI_OWN, ABI_I386, ABI_X32, N_ABI };
static const char *const abi_names[N_ABI] = { "own", "i386", "x32" };
#define X32_BIT 0x40000000L

/* What a call came to: an errno, 0, or the signal that ended it. */
struct result {
	int code;
	int signal;
};

static long call_own(long number, const long *a)
{
	long r = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 ? -errno : r;
}

#ifdef __x86_64__
static long call_i386(long number, const long *a)
{
	long r;

	/* the kernel takes 32 bits of each: what they point to lies below 4 GiB, since this program is static */
	__asm__ volatile("pushq %%rbp\n\tmovq %7, %%rbp\n\tint $0x80\n\tpopq %%rbp"
			 : "=a"(r)
			 : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), "r"(a[5])
			 : "memory", "r8", "r9", "r10", "r11", "cc");
	return (int)r;
}
#else
static long call_i386(long number, const long *a)
{
	(void)number;
	(void)a;
	return -ENOSYS;
}
#endif

static struct result try_call(enum abi abi, long number, const long *args)
{
	int *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct result result = { 0 };
	pid_t pid;
	int status;

	if (shared == MAP_FAILED)
		broken("cannot map memory");
	*shared = -1;
	pid = fork();
	if (pid < 0)
		broken("cannot fork: %s", errno_name(errno));
	if (pid == 0) {
		long r = abi == ABI_I386 ? call_i386(number, args) : call_own(number, args);

		*shared = r < 0 ? (int)-r : 0;
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	result.code = *shared;
	result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	munmap(shared, sizeof(*shared));
	return result;
}

/* A kernel without the 32-bit entry ends whoever takes it. */
bool has_i386(void)
{
#ifdef __x86_64__
	static const long none[6];
	struct result r = try_call(ABI_I386, 20 /* getpid */, none);

	return r.signal == 0 && r.code != ENOSYS;
#else
	return false;
#endif
}

/* --- C7: the table --- */

/* Where the arguments point to: below 4 GiB. */
static char path[] = NOTHING, empty[] = "", word_user[] = "user", word_attack[] = "sysct-attack", buffer[4096];
static union bpf_attr bpf_map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
static struct perf_event_attr perf = { .type = PERF_TYPE_SOFTWARE,
				       .size = PERF_ATTR_SIZE_VER0,
				       .config = PERF_COUNT_SW_TASK_CLOCK,
				       .disabled = 1,
				       .exclude_kernel = 1,
				       .exclude_hv = 1 };
static struct io_uring_params ring;
/* An impossible tick, which is looked at after the permission (the modes are first in either layout). */
static struct timex impossible = { .modes = ADJ_TICK };
static struct {
	unsigned int bytes;
	int type;
	unsigned char data[8];
} handle = { 8, 1, { 0 } };
static unsigned int no_sockets[6];

#define P(thing) ((long)(thing))

struct row {
	const char *name;
	long own, i386;		/* NO_CALL: not there */
	long args[6];
	/* What else shows that it was refused: the permission is asked for with other arguments. */
	bool (*also)(int code);
};

/* A filter answers before the kernel looks at the pointer. Else the kernel would ask the same hook as here. */
static bool clock_is_locked(int code)
{
	return code == EFAULT && syscall(SYS_settimeofday, NULL, NULL) < 0 && errno == EPERM;
}

static bool has_none(int code)
{
	return code == ENOSYS;
}

#ifdef __x86_64__
#define I386(n) n
#define OLD(n) n
#else
#define I386(n) NO_CALL
#define OLD(n) NO_CALL
#endif

/* also, name, number, number of i386, arguments */
#define ROW(also, word, own, i386, ...)                                                            \
	static const struct row row_##word = { #word, own, i386, { __VA_ARGS__ }, also }
ROW(NULL, add_key, SYS_add_key, I386(286), P(word_user), P(word_attack), P(buffer), 1, KEY_SPEC_PROCESS_KEYRING);
ROW(NULL, request_key, SYS_request_key, I386(287), P(word_user), P(word_attack), 0, 0);
ROW(NULL, keyctl, SYS_keyctl, I386(288), KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
ROW(NULL, bpf, SYS_bpf, I386(357), BPF_MAP_CREATE, P(&bpf_map), sizeof(bpf_map));
ROW(NULL, perf_event_open, SYS_perf_event_open, I386(336), P(&perf), 0, -1, -1, 0);
ROW(NULL, userfaultfd, SYS_userfaultfd, I386(374), 1 /* UFFD_USER_MODE_ONLY */);
ROW(NULL, io_uring_setup, SYS_io_uring_setup, I386(425), 1, P(&ring));
ROW(NULL, io_uring_enter, SYS_io_uring_enter, I386(426), -1, 0, 0, 0, 0, 0);
ROW(NULL, io_uring_register, SYS_io_uring_register, I386(427), -1, 0, 0, 0);
ROW(NULL, kexec_load, SYS_kexec_load, I386(283), 0, 0, 0, 0xfff0);
ROW(NULL, kexec_file_load, SYS_kexec_file_load, NO_CALL, -1, -1, 0, 0, 0xfff0);
ROW(NULL, init_module, SYS_init_module, I386(128), P(buffer), 0, P(empty));
ROW(NULL, finit_module, SYS_finit_module, I386(350), -1, P(empty), 0xfff0);
ROW(NULL, delete_module, SYS_delete_module, I386(129), P(word_attack), O_NONBLOCK);
ROW(NULL, open_by_handle_at, SYS_open_by_handle_at, I386(342), AT_FDCWD, P(&handle), O_RDONLY);
ROW(NULL, iopl, OLD(SYS_iopl), I386(110), 3);
ROW(NULL, ioperm, OLD(SYS_ioperm), I386(101), 0x3ff, 1, 1);
ROW(NULL, swapon, SYS_swapon, I386(87), P(path), 0);
ROW(NULL, swapoff, SYS_swapoff, I386(115), P(path));
ROW(NULL, acct, SYS_acct, I386(51), P(path));
ROW(NULL, quotactl, SYS_quotactl, I386(131), (long)0x80000500 /* Q_GETINFO, users */, P(path), 0, P(buffer));
ROW(NULL, quotactl_fd, SYS_quotactl_fd, I386(443), -1, (long)0x80000500, 0, P(buffer));
ROW(NULL, settimeofday, SYS_settimeofday, I386(79), 0, 0);
ROW(clock_is_locked, stime, NO_CALL, I386(25), 0);
ROW(clock_is_locked, clock_settime, SYS_clock_settime, I386(264), CLOCK_REALTIME, 0);
ROW(clock_is_locked, clock_settime64, NO_CALL, I386(404), CLOCK_REALTIME, 0);
ROW(NULL, adjtimex, SYS_adjtimex, I386(124), P(&impossible));
ROW(NULL, clock_adjtime, SYS_clock_adjtime, I386(343), CLOCK_REALTIME, P(&impossible));
ROW(NULL, syslog, SYS_syslog, I386(103), 9 /* SYSLOG_ACTION_SIZE_UNREAD */, P(buffer), 0);
ROW(has_none, nfsservctl, OLD(180), I386(169), 0, P(buffer), P(buffer));
ROW(has_none, lookup_dcookie, OLD(212), I386(253), 0, P(buffer), 0);
ROW(NULL, uselib, OLD(134), I386(86), P(path));
ROW(NULL, ustat, OLD(136), I386(62), 0, P(buffer));
ROW(NULL, sysfs, OLD(139), I386(135), 3);
ROW(has_none, _sysctl, OLD(156), I386(149), P(buffer));
ROW(NULL, vm86, NO_CALL, I386(166), 0, 0);
ROW(NULL, vm86old, NO_CALL, I386(113), 0);
ROW(has_none, bdflush, NO_CALL, I386(134), 0, 0);
ROW(has_none, create_module, OLD(174), I386(127), P(word_attack), 0);
ROW(has_none, query_module, OLD(178), I386(167), 0, 0, 0, 0, 0);
ROW(has_none, get_kernel_syms, OLD(177), I386(130), 0);

static void call_is_refused(const void *arg)
{
	const struct row *row = arg;
	char text[200] = "";
	bool i386 = has_i386();

	for (enum abi abi = ABI_OWN; abi < N_ABI; abi++) {
		long number = abi == ABI_I386 ? row->i386 : row->own;
		struct result r;

		if (number == NO_CALL || (abi == ABI_I386 && !i386))
			continue;
#ifndef __x86_64__
		if (abi == ABI_X32)
			continue;
#endif
		r = try_call(abi, abi == ABI_X32 ? number | X32_BIT : number, row->args);
		/* the filter of a number that belongs to no known architecture may end the process */
		if (r.signal && !(abi == ABI_X32 && r.signal == SIGSYS))
			broken("%s of %s: killed by %s", row->name, abi_names[abi], sigabbrev_np(r.signal));
		if (!r.signal && r.code != EPERM && r.code != ENOSYS && !(row->also && row->also(r.code)))
			breach("%s by its %s number: %s", row->name, abi_names[abi], errno_name(r.code));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s: %s", abi_names[abi],
			 r.signal ? "killed" : errno_name(r.code));
	}
	if (!*text)
		pass("this machine has no %s", row->name);
	pass("%s", text + 1);
}

/* --- C7: unmounting by force --- */

static void umount_force(const void *arg)
{
	(void)arg;
	own_mounts();
	if (mount("attack", "/tmp", "tmpfs", 0, NULL) < 0)
		broken("cannot mount a tmpfs: %s", errno_name(errno));
	if (umount2("/tmp", MNT_FORCE) == 0)
		breach("umount2(MNT_FORCE) works");
	if (!refused(errno))
		breach("umount2(MNT_FORCE): %s", errno_name(errno));
	pass("%s", errno_name(errno));
}

/* --- C8: families of sockets --- */

#define FAMILIES 46

static bool may_have(int family)
{
	return family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK || family == AF_PACKET;
}

/* The type is one that nobody has, so that nothing is made; a family that is not there is known before that. */
static void families(const void *arg)
{
	const enum abi abi = *(const enum abi *)arg;
	char text[300] = "";
	int open_ones = 0;

	if (abi == ABI_I386 && !has_i386())
		pass("no 32-bit calls on this machine");
	for (int family = 0; family < FAMILIES; family++) {
		const long args[6] = { family, SOCK_RAW, 0 };
		const long own = SYS_socket, old = I386(359);
		struct result r;

		if (may_have(family))
			continue;
		r = try_call(abi, abi == ABI_I386 ? old : own, args);
		if (r.signal || r.code == EAFNOSUPPORT || r.code == ENOSYS || r.code == EPERM || r.code == EINVAL)
			continue;
		open_ones++;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d (%s)", family, errno_name(r.code));
	}
	if (open_ones)
		breach("families that can be reached:%s", text);
	pass("none but UNIX, INET, INET6, NETLINK and PACKET");
}

/* The old way of 32-bit programs, whose arguments no filter sees. */
static void socketcall(const void *arg)
{
	char text[300] = "";
	int open_ones = 0;

	(void)arg;
	if (!has_i386())
		pass("no 32-bit calls on this machine");
	for (unsigned int family = 0; family < FAMILIES; family++) {
		const long args[6] = { 1 /* SYS_SOCKET */, P(no_sockets) };
		struct result r;

		if (may_have((int)family))
			continue;
		no_sockets[0] = family;
		no_sockets[1] = SOCK_RAW;
		r = try_call(ABI_I386, 102, args);
		if (r.code == EAFNOSUPPORT || r.code == ENOSYS || r.code == EPERM || r.code == EINVAL)
			continue;
		open_ones++;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u (%s)", family, errno_name(r.code));
	}
	if (open_ones)
		breach("families that can be reached by socketcall:%s", text);
	pass("no family by socketcall");
}

static void one_family(const void *arg)
{
	int family = *(const int *)arg, fd = socket(family, SOCK_STREAM, 0);

	if (fd >= 0 || (errno != EAFNOSUPPORT && !refused(errno)))
		breach("socket(%d): %s", family, errno_name(fd >= 0 ? 0 : errno));
	pass("%s", errno_name(errno));
}

static void audit_socket(const void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, 9 /* NETLINK_AUDIT */);

	(void)arg;
	if (fd >= 0)
		breach("a socket to the kernel's audit system");
	pass("%s", errno_name(errno));
}

/* --- C11: the filter --- */

static const char *status_of(const char *file, const char *key)
{
	static char value[64];
	const char *status = slurp(file), *at = status ? strstr(status, key) : NULL;

	if (!at || sscanf(at + strlen(key), "%63s", value) != 1)
		return NULL;
	return value;
}

static void filter_is_on(const void *arg)
{
	const char *value = status_of(arg, "\nSeccomp:");

	if (!value)
		broken("cannot read %s", (const char *)arg);
	if (strcmp(value, "2") != 0)
		breach("Seccomp: %s in %s", value, (const char *)arg);
	pass("Seccomp: 2");
}

/* A call that is newer than the filter: with one of these numbers, no kernel knows it either. Together with the check
 * above, and the one below, this says what the filter does. */
static void unknown_number(const void *arg)
{
	static const long none[6];
	static const long numbers[] = { 1000, 0xffff, 0x3fffffff };

	(void)arg;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct result r = try_call(ABI_OWN, numbers[i], none);

		if (r.signal || r.code != ENOSYS)
			breach("system call %ld: %s", numbers[i], r.signal ? "killed" : errno_name(r.code));
	}
	pass("ENOSYS");
}

/* All numbers of x32 at once: those that take no argument do no harm. */
static void x32_numbers(const void *arg)
{
	static const long none[6];
	/* getpid, getuid, getppid, and the 512s that only x32 has: rt_sigpending, timer_create without arguments */
	static const long numbers[] = { 39, 102, 110, 522, 526 };

	(void)arg;
#ifdef __x86_64__
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct result r = try_call(ABI_X32, numbers[i] | X32_BIT, none);

		if (!r.signal && r.code != ENOSYS && r.code != EPERM)
			breach("x32 call %ld: %s", numbers[i], errno_name(r.code));
	}
#else
	(void)numbers;
	(void)none;
#endif
	pass("no x32 calls");
}

static const enum abi own = ABI_OWN, i386 = ABI_I386;
static const int vsock = AF_VSOCK, alg = AF_ALG;

#define C7(word) { "C7-" #word, call_is_refused, &row_##word }

static const struct check items[] = {
	{ "C5-call", call_is_refused, &row_open_by_handle_at },
	{ "C6-add_key", call_is_refused, &row_add_key },
	{ "C6-request_key", call_is_refused, &row_request_key },
	{ "C6-keyctl", call_is_refused, &row_keyctl },
	{ "C4-kexec_load", call_is_refused, &row_kexec_load },
	{ "C4-kexec_file_load", call_is_refused, &row_kexec_file_load },
	{ "C4-init_module", call_is_refused, &row_init_module },
	{ "C4-finit_module", call_is_refused, &row_finit_module },
	{ "C4-delete_module", call_is_refused, &row_delete_module },
	{ "C4-create_module", call_is_refused, &row_create_module },
	{ "C4-query_module", call_is_refused, &row_query_module },
	{ "C4-get_kernel_syms", call_is_refused, &row_get_kernel_syms },
	C7(bpf),
	C7(perf_event_open),
	C7(userfaultfd),
	C7(iopl),
	C7(ioperm),
	C7(swapon),
	C7(swapoff),
	C7(acct),
	C7(quotactl),
	C7(quotactl_fd),
	C7(settimeofday),
	C7(stime),
	C7(clock_settime),
	C7(clock_settime64),
	C7(adjtimex),
	C7(clock_adjtime),
	C7(syslog),
	C7(nfsservctl),
	C7(lookup_dcookie),
	C7(uselib),
	C7(ustat),
	C7(sysfs),
	C7(_sysctl),
	C7(vm86),
	C7(vm86old),
	C7(bdflush),
	{ "C7-umount_force", umount_force, NULL },
	{ "C8-families", families, &own },
	{ "C8-families-i386", families, &i386 },
	{ "C8-socketcall", socketcall, NULL },
	{ "C8-vsock", one_family, &vsock },
	{ "C8-alg", one_family, &alg },
	{ "C8-audit", audit_socket, NULL },
	{ "C9-setup", call_is_refused, &row_io_uring_setup },
	{ "C9-enter", call_is_refused, &row_io_uring_enter },
	{ "C9-register", call_is_refused, &row_io_uring_register },
	{ "C11-init", filter_is_on, "/proc/1/status" },
	{ "C11-attached", filter_is_on, "/proc/self/status" },
	{ "C11-unknown", unknown_number, NULL },
	{ "C11-x32", x32_numbers, NULL },
};
const struct checks calls_checks = CHECKS(items);
