/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "../../../src/os/seccomp_parts.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

static char *shipped(const char *name)
{
	const char *dir = getenv("SYSCT_SOURCE_DIR");
	auto_free char *path = xasprintf("%s/config/seccomp/%s.profile", dir ? dir : ".", name);
	char *text = NULL;

	ck_assert_int_eq(read_file_at(AT_FDCWD, path, 1 << 18, &text, NULL), 0);
	return text;
}

/* The errno that a call ends with under a filter, 0 for success, 1000 + N when signal N ended the process. */
static int under(const char *profile, long (*call)(void))
{
	struct seccomp_filter filter;
	struct error err = ERROR_NONE;
	int status;
	pid_t pid;

	ck_assert_msg(seccomp_compile(profile, "test", &filter, &err) == 0, "%s", err.message);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_filter_load(&filter, &err) < 0)
			_exit(255);
		errno = 0;
		/* by number: whatever else a libc or a sanitizer does at an end may be refused */
		syscall(SYS_exit_group, call() == -1 ? errno : 0);
	}
	seccomp_filter_done(&filter);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define CALL(name, ...)                                                                            \
	static long name(void)                                                                     \
	{                                                                                          \
		return syscall(__VA_ARGS__);                                                       \
	}
CALL(call_getpid, SYS_getpid)
CALL(call_unknown, 1000)
CALL(call_kexec, SYS_kexec_load, 0, 0, 0, 0xffff0000UL)
CALL(call_bpf, SYS_bpf, -1, 0, 0)
CALL(call_keyctl, SYS_keyctl, 0, 0, 0)
CALL(call_unix, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALL(call_alg, SYS_socket, 38, SOCK_SEQPACKET, 0)
CALL(call_vsock_hidden, SYS_socket, 40L | 1L << 32, SOCK_STREAM, 0)
CALL(call_axnet_hidden, SYS_socket, 3L | 1L << 32, SOCK_STREAM, 0)
CALL(call_audit, SYS_socket, AF_NETLINK, SOCK_RAW, 9)
CALL(call_route, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
CALL(call_tiocsti, SYS_ioctl, -1, 0x5412, "x")
CALL(call_tiocsti_hidden, SYS_ioctl, -1, 0x5412UL | 1UL << 32, "x")
CALL(call_tiocgwinsz, SYS_ioctl, -1, 0x5413, "x")
CALL(call_umount_force, SYS_umount2, "/nowhere/at/all", 1)
CALL(call_umount, SYS_umount2, "/nowhere/at/all", 0)
CALL(call_unshare_user, SYS_unshare, 0x10000000)
CALL(call_unshare_mixed, SYS_unshare, 0x10000000 | 0x04000000)
CALL(call_clone3, SYS_clone3, NULL, 0)
#ifdef __x86_64__
CALL(call_x32, 0x40000000 + 39)

/* A call by the 32-bit gate, from a 64-bit program. */
static long int80(unsigned int number, unsigned int a, unsigned int b)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(number), "b"(a), "c"(b), "d"(0), "S"(0), "D"(0) : "memory",
			 "r8", "r9", "r10", "r11");
	r = (int)r;
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
}
static long call_getpid32(void)
{
	return int80(20, 0, 0);
}
static long call_kexec32(void)
{
	return int80(283, 0, 0);
}
static long call_unknown32(void)
{
	return int80(1500, 0, 0);
}
static long call_tiocsti32(void)
{
	return int80(54, 0xffffffffU, 0x5412);
}
#endif

START_TEST(the_shipped_profile_answers_as_it_says)
{
	auto_free char *text = shipped("default");
	const struct {
		long (*call)(void);
		int want;
	} table[] = {
		{ call_getpid, 0 },
		{ call_unknown, ENOSYS },
		{ call_kexec, ENOSYS },
		{ call_bpf, EPERM },
		{ call_keyctl, ENOSYS },
		{ call_unix, 0 },
		{ call_alg, EAFNOSUPPORT },
		{ call_vsock_hidden, EAFNOSUPPORT },
		{ call_axnet_hidden, EAFNOSUPPORT },
		{ call_audit, EAFNOSUPPORT },
		{ call_route, 0 },
		{ call_tiocsti, EPERM },
		{ call_tiocsti_hidden, EPERM },
		{ call_tiocgwinsz, EBADF },
		{ call_umount_force, EPERM },
		{ call_umount, ENOENT },
		{ call_unshare_user, 0 },
		{ call_clone3, EINVAL },
#ifdef __x86_64__
		{ call_x32, ENOSYS },
		{ call_getpid32, 0 },
		{ call_kexec32, ENOSYS },
		{ call_unknown32, ENOSYS },
		{ call_tiocsti32, EPERM },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		ck_assert_msg(under(text, table[i].call) == table[i].want, "call %zu: %d instead of %d", i,
			      under(text, table[i].call), table[i].want);
}
END_TEST

START_TEST(hardened_takes_more)
{
	auto_free char *first = shipped("default"), *second = shipped("hardened");
	auto_free char *text = xasprintf("%s\n%s", first, second);

	ck_assert_int_eq(under(text, call_getpid), 0);
	ck_assert_int_eq(under(text, call_unshare_user), EPERM);
	ck_assert_int_eq(under(text, call_unshare_mixed), EPERM);
	ck_assert_int_eq(under(text, call_clone3), ENOSYS);
	ck_assert_int_eq(under(text, call_alg), EAFNOSUPPORT);
#ifdef __x86_64__
	ck_assert_int_eq(under(text, call_getpid32), ENOSYS);
	ck_assert_int_eq(under(text, call_x32), ENOSYS);
#endif
}
END_TEST

START_TEST(the_last_line_about_a_call_counts)
{
	ck_assert_int_eq(under("default allow\nEPERM keyctl\nENOENT keyctl\n", call_keyctl), ENOENT);
	ck_assert_int_eq(under("default allow\nEPERM *\nallow exit_group\n", call_keyctl), EPERM);
	ck_assert_int_eq(under("default ENOENT\nallow exit_group\n", call_unknown), ENOENT);
	ck_assert_int_eq(under("default allow\nkill keyctl # why not\n", call_keyctl), 1000 + SIGSYS);
}
END_TEST

START_TEST(conditions_hold_together)
{
	static const char profile[] = "default allow\nEPERM socket when arg0 = AF_UNIX and arg1 & 0x3\n"
				      "ENOENT socket when arg0 = 2 and arg2 not in 0 6\n";

	ck_assert_int_eq(under(profile, call_unix), EPERM);
	ck_assert_int_eq(under(profile, call_route), 0);
	ck_assert_int_eq(under("default allow\nEPERM socket when arg0 not in 0 1\n", call_unix), 0);
	ck_assert_int_eq(under("default allow\nEPERM socket when arg0 not in 0 2\n", call_unix), EPERM);
	ck_assert_int_eq(under("default allow\nEPERM socket when arg0 not in 1 0\n", call_route), EPERM);
}
END_TEST

static const struct {
	const char *text, *message, *hint;
} refused[] = {
	{ "", "p:0: the profile says nothing", "" },
	{ "allow read\n", "p:1: the first line must be the default action", "" },
	{ "default ENOSYS\n\nallow opeen\n", "p:3: there is no system call \"opeen\"", "did you mean \"open\"?" },
	{ "default ENOSYS\nEPRM read\n", "p:2: \"EPRM\" is no action", "" },
	{ "default\n", "p:1: default takes one action", "" },
	{ "default ENOSYS\nallow\n", "p:2: the names of calls are missing", "" },
	{ "default ENOSYS\nallow socket when arg0 = 1\n", "p:2: a condition can refuse, not allow", "" },
	{ "default allow\nEPERM socket when\n", "p:2: the condition is missing", "" },
	{ "default allow\nEPERM socket when arg6 = 1\n", "p:2: a condition is arg0 to arg5", "" },
	{ "default allow\nEPERM socket when arg0 < 1\n", "p:2: \"<\" is no comparison", "" },
	{ "default allow\nEPERM socket when arg0 = AF_FOO\n", "p:2: \"AF_FOO\" is no number", "" },
	{ "default allow\nEPERM socket when arg0 = 0x100000000\n", "p:2: \"0x100000000\" is no number from 0", "" },
	{ "default allow\nEPERM socket when arg0 = 1 or arg1 = 1\n", "p:2: \"or\" instead of \"and\"", "" },
	{ "default allow\nEPERM socket when arg0 = 1 and\n", "p:2: a condition is arg0 to arg5", "" },
	{ "default allow\nEPERM socket when arg0 = 1 and arg0 & 2\n", "p:2: arg0 stands twice", "" },
	{ "default allow\nEPERM socket when arg0 & 0\n", "p:2: no number has one of the bits of 0", "" },
	{ "default allow\nEPERM socket when arg0 not in\n", "p:2: \"not in\" needs at least one number", "" },
	{ "default allow\nEPERM socket when arg0 not in 64\n", "p:2: \"not in\" takes numbers below 64", "" },
	{ "default allow\narchitectures arm\n", "p:2: architectures is all", "" },
};

START_TEST(what_is_wrong_is_named_with_its_line)
{
	struct seccomp_filter filter;
	struct error err = ERROR_NONE;

	ck_assert_int_lt(seccomp_compile(refused[_i].text, "p", &filter, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_msg(strstr(err.message, refused[_i].message) == err.message, "%s", err.message);
	ck_assert_msg(strstr(err.hint, refused[_i].hint), "%s", err.hint);
	ck_assert_uint_eq(filter.lengths[0], 0);
}
END_TEST

START_TEST(a_call_of_another_library_may_be_named_with_a_question_mark)
{
	ck_assert_int_eq(under("default allow\nEPERM ?call_of_tomorrow keyctl\n", call_keyctl), EPERM);
}
END_TEST

/* --- shorter programs --- */

static uint32_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* A chain of tests, as a compiler of rules makes them: by architecture first, then by number, each with an answer. */
static uint16_t make_chain(struct sock_filter *program)
{
	static const uint16_t tests[] = { BPF_JEQ, BPF_JGE, BPF_JGT };
	static const uint32_t archs[] = { 0xc000003e, 0x40000003, 0, UINT32_MAX, 0x40000028 };
	uint16_t n = 0;

	for (uint32_t arch = any(4); arch < ARRAY_SIZE(archs); arch++) {
		uint16_t first;

		program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4);
		program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, archs[arch], 1, 0);
		first = n;
		program[n++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
		program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
		for (uint32_t i = any(120); i > 0; i--) {
			uint32_t k = any(10) ? any(500) : any(2) ? UINT32_MAX - any(2) : 0x40000000 + any(3);

			program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | tests[any(3)] | BPF_K, k, 0, 1);
			program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | any(3));
		}
		program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		program[first].k = n - first - 1U;
	}
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	return n;
}

/* _i: which chain */
START_TEST(a_shorter_program_has_the_same_answers)
{
	static struct sock_filter chain[2048];
	struct sock_filter *program;
	uint16_t length, was;

	seed = (uint32_t)_i * 7919;
	was = length = make_chain(chain);
	program = xmalloc(length * sizeof(*program));
	memcpy(program, chain, length * sizeof(*program));
	bpf_shorten(&program, &length);
	ck_assert_uint_le(length, was);
	for (int i = 0; i < 20000; i++) {
		uint32_t arch = any(3) ? chain[1].k + any(3) - 1 : any(UINT32_MAX), one = 1, other = 2;
		uint32_t number = any(3) ? any(510) : any(2) ? UINT32_MAX - any(4) : 0x40000000 + any(6) - 2;

		if (any(2) && was > 1)	/* one that the chain names */
			arch = chain[any(was)].k;
		ck_assert(bpf_answer(chain, was, arch, number, &one));
		ck_assert(bpf_answer(program, length, arch, number, &other));
		ck_assert_msg(one == other, "arch %#x, number %#x: %#x became %#x", arch, number, one, other);
	}
	free(program);
}
END_TEST

/* What the kernel makes of two: the stricter one, and of equally strict ones the first. */
static uint32_t stricter(uint32_t one, uint32_t other)
{
	return (int32_t)(other & SECCOMP_RET_ACTION_FULL) < (int32_t)(one & SECCOMP_RET_ACTION_FULL) ? other : one;
}

/* _i: which pair of chains. The first one allows nothing that is not named for some architectures, so both kinds of answers meet. */
START_TEST(a_joined_program_has_the_stricter_answers)
{
	static struct sock_filter first[2048], second[2048];
	struct sock_filter *program;
	uint16_t first_length, second_length, length;
	uint32_t kinds[2] = { 0 };

	seed = (uint32_t)_i * 104729 + 1;
	length = first_length = make_chain(first);
	second_length = make_chain(second);
	second[second_length - 1].k = SECCOMP_RET_ALLOW;	/* instead of its end's KILL_PROCESS */
	program = xmalloc(length * sizeof(*program));
	memcpy(program, first, length * sizeof(*program));
	ck_assert(bpf_join(&program, &length, second, second_length));
	ck_assert_uint_eq(length, first_length + second_length);
	for (int i = 0; i < 5000; i++) {
		uint32_t arch = first[any(2) ? 1 : any(first_length)].k, one = 1, other = 2, both = 3;
		uint32_t number = any(3) ? any(510) : second[any(second_length)].k;

		ck_assert(bpf_answer(first, first_length, arch, number, &one));
		ck_assert(bpf_answer(second, second_length, arch, number, &other));
		ck_assert(bpf_answer(program, length, arch, number, &both));
		ck_assert_msg(both == stricter(one, other), "arch %#x, number %#x: %#x and %#x became %#x", arch, number, one, other,
			      both);
		kinds[one == SECCOMP_RET_ALLOW]++;
	}
	ck_assert_uint_gt(kinds[0], 0);
	ck_assert_uint_gt(kinds[1], 0);
	free(program);
}
END_TEST

/* Where the second may be stricter than what the first forbids with, and where there is no room. */
START_TEST(what_would_answer_otherwise_is_not_joined)
{
	static struct sock_filter many[BPF_MAXINSNS];
	const struct sock_filter one[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG) };
	const struct sock_filter other[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1) };
	const struct sock_filter odd[] = { BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter *program = xmalloc(sizeof(one));
	uint16_t length = 1;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	memcpy(program, one, sizeof(one));
	ck_assert(!bpf_join(&program, &length, other, 1));
	ck_assert(!bpf_join(&program, &length, odd, 1));
	ck_assert(!bpf_join(&program, &length, many, BPF_MAXINSNS));
	ck_assert_uint_eq(length, 1);
	ck_assert_mem_eq(program, one, sizeof(one));
	ck_assert(bpf_join(&program, &length, many, BPF_MAXINSNS - 1));
	free(program);
}
END_TEST

START_TEST(a_filter_is_one_program_unless_that_would_change_it)
{
	const struct {
		const char *text;
		bool one;
	} profiles[] = { { "default allow\nEPERM socket when arg0 = AF_NETLINK\n", true },
			 { "default allow\nlog keyctl\nEPERM socket when arg0 = AF_NETLINK\n", false },
			 { "default ENOSYS\nallow *\nkill socket when arg0 = AF_NETLINK\n", false } };

	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		struct seccomp_filter filter;
		struct error err = ERROR_NONE;

		ck_assert_msg(seccomp_compile(profiles[i].text, "p", &filter, &err) == 0, "%s", err.message);
		ck_assert_uint_gt(filter.lengths[0], 0);
		ck_assert_int_eq(filter.lengths[1] == 0, profiles[i].one);
		seccomp_filter_done(&filter);
	}
}
END_TEST

START_TEST(the_shipped_profile_is_shortened_and_one_that_cannot_be_stays)
{
	const struct sock_filter looks_at_arguments[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	auto_free char *profile = shipped("default");
	struct sock_filter *program = xmalloc(sizeof(looks_at_arguments));
	uint16_t length = ARRAY_SIZE(looks_at_arguments);
	struct seccomp_filter filter;
	struct error err = ERROR_NONE;
	uint32_t answer;

	memcpy(program, looks_at_arguments, sizeof(looks_at_arguments));
	bpf_shorten(&program, &length);
	ck_assert_uint_eq(length, ARRAY_SIZE(looks_at_arguments));
	ck_assert_mem_eq(program, looks_at_arguments, sizeof(looks_at_arguments));
	free(program);
	ck_assert_int_eq(seccomp_compile(profile, "p", &filter, &err), 0);
	/* some 450 calls of each architecture, in ranges */
	ck_assert_uint_lt(filter.lengths[0], 450);
	ck_assert_uint_eq(filter.lengths[1], 0);
	ck_assert(bpf_answer(filter.programs[0], filter.lengths[0], 0, 0, &answer));
	seccomp_filter_done(&filter);
}
END_TEST

START_TEST(a_file_is_read_only_for_what_it_was_made_of)
{
	char dir[] = "/tmp/test-seccomp-XXXXXX";
	auto_free char *path = NULL, *library = seccomp_library(), *data = NULL;
	struct seccomp_filter filter, again;
	struct error err = ERROR_NONE;
	size_t n;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/f", dir);
	ck_assert(seccomp_library_is(library));
	ck_assert_int_eq(seccomp_compile("default allow\nEPERM bpf\n", "p", &filter, &err), 0);
	ck_assert_int_eq(seccomp_filter_save(path, &filter, "made", library, &err), 0);
	ck_assert_int_eq(seccomp_filter_read(path, "made", &again), 1);
	ck_assert_uint_eq(again.lengths[0], filter.lengths[0]);
	ck_assert_mem_eq(again.programs[0], filter.programs[0], filter.lengths[0] * sizeof(struct sock_filter));
	seccomp_filter_done(&again);
	ck_assert_int_eq(seccomp_filter_read(path, "made otherwise", &again), 0);
	ck_assert_int_eq(seccomp_filter_save(path, &filter, "made", "/bin/sh 1 2 3 4.0", &err), 0);
	ck_assert_int_eq(seccomp_filter_read(path, "made", &again), 0);
	ck_assert_int_eq(seccomp_filter_read(path, NULL, &again), 1);
	seccomp_filter_done(&again);
	/* cut anywhere, it is none */
	ck_assert_int_eq(read_file_at(AT_FDCWD, path, 1 << 20, &data, &n), 0);
	for (size_t cut = 0; cut < n; cut += 7) {
		ck_assert_int_eq(replace_file_at(AT_FDCWD, path, data, cut, 0600, false, &err), 0);
		ck_assert_int_eq(seccomp_filter_read(path, NULL, &again), 0);
	}
	seccomp_filter_done(&filter);
	unlink(path);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/seccomp");
	TCase *tcase = tcase_create("profiles");

	tcase_add_test(tcase, the_shipped_profile_answers_as_it_says);
	tcase_add_test(tcase, hardened_takes_more);
	tcase_add_test(tcase, the_last_line_about_a_call_counts);
	tcase_add_test(tcase, conditions_hold_together);
	tcase_add_loop_test(tcase, what_is_wrong_is_named_with_its_line, 0, (int)ARRAY_SIZE(refused));
	tcase_add_test(tcase, a_call_of_another_library_may_be_named_with_a_question_mark);
	tcase_add_loop_test(tcase, a_shorter_program_has_the_same_answers, 0, 60);
	tcase_add_loop_test(tcase, a_joined_program_has_the_stricter_answers, 0, 25);
	tcase_add_test(tcase, what_would_answer_otherwise_is_not_joined);
	tcase_add_test(tcase, a_filter_is_one_program_unless_that_would_change_it);
	tcase_add_test(tcase, the_shipped_profile_is_shortened_and_one_that_cannot_be_stays);
	tcase_add_test(tcase, a_file_is_read_only_for_what_it_was_made_of);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
