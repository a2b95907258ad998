/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <ctype.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/interrupt.h"
#include "os/process.h"

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
}

/* --- identity --- */

START_TEST(an_id_is_read_as_it_was_written)
{
	static const struct process_id ids[] = {
		{ 1, 0 }, { 1, 1 }, { INT32_MAX, UINT64_MAX }, { 4242, 12345678901234 }, { 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct process_id again = { -1, 7 };
		char buf[48];

		ck_assert_int_eq(process_id_parse(process_id_format(&ids[i], buf, sizeof(buf)), &again), 0);
		ck_assert_int_eq(again.pid, ids[i].pid);
		ck_assert_uint_eq(again.start, ids[i].start);
	}
}
END_TEST

START_TEST(what_is_no_id_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"", ":", "1", "1:", ":1", "1:2:3", "-1:2", "1:-2", "+1:2", " 1:2", "1 :2", "1: 2", "1:2 ", "0x1:2",
		"1:2x", "2147483648:1", "4294967297:1", "1:18446744073709551616", "a:b", "1:2\n", "1.5:2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct process_id id = { 5, 6 };

		ck_assert_msg(process_id_parse(bad[i], &id) == -EINVAL, "\"%s\"", bad[i]);
		ck_assert(id.pid == 5 && id.start == 6);
	}
}
END_TEST

static pid_t fork_sleeper(void)
{
	pid_t parent = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	return pid;
}

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(a_living_process_is_opened_by_its_identity)
{
	pid_t pid = fork_sleeper();
	struct process_id id;
	int fd;

	ck_assert_int_eq(process_identify(pid, &id), 0);
	ck_assert_int_eq(id.pid, pid);
	ck_assert_uint_gt(id.start, 0);
	ck_assert(process_alive(&id));
	fd = process_open(&id);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(pidfd_wait(fd, 0), 0);
	ck_assert_int_eq(pidfd_signal(fd, SIGKILL), 0);
	ck_assert_int_eq(pidfd_wait(fd, 10000), 1);
	ck_assert(!process_alive(&id));		/* a zombie is no living process */
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(pidfd_wait(fd, 0), 1);
	ck_assert_int_eq(pidfd_signal(fd, SIGKILL), -ESRCH);
	ck_assert_int_eq(process_open(&id), -ESRCH);
	ck_assert_int_eq(process_identify(pid, &id), -ESRCH);
	close(fd);
}
END_TEST

START_TEST(a_pid_that_was_given_again_is_another_process)
{
	static const int64_t others[] = { -1, 1, 100, INT32_MAX };
	pid_t pid = fork_sleeper();
	struct process_id id;
	int before = count_fds();

	ck_assert_int_eq(process_identify(pid, &id), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct process_id other = { pid, id.start + (uint64_t)others[i] };

		ck_assert_int_eq(process_open(&other), -ESRCH);
		ck_assert(!process_alive(&other));
	}
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(kill(pid, 0), 0);
	kill_child(pid);
}
END_TEST

START_TEST(an_inode_tells_a_process_from_all_others)
{
	pid_t pid = fork_sleeper(), other = fork_sleeper();
	int fd = pidfd_of(pid), other_fd = pidfd_of(other), before;
	uint64_t inode = process_inode(fd);

	ck_assert_int_ge(fd, 0);
	before = count_fds();
	if (inode == 0) {	/* before Linux 6.9 */
		ck_assert_int_eq(process_has_inode(pid, 1), -EOPNOTSUPP);
	} else {
		ck_assert_uint_ne(inode, process_inode(other_fd));
		ck_assert_int_eq(process_has_inode(pid, inode), 1);
		ck_assert_int_eq(process_has_inode(other, inode), 0);
		ck_assert_int_eq(process_has_inode(pid, inode + 1), 0);
		ck_assert_int_eq(pidfd_signal(fd, SIGKILL), 0);
		ck_assert_int_eq(pidfd_wait(fd, 10000), 1);
		ck_assert_int_eq(process_has_inode(pid, inode), 0);	/* a zombie */
		waitpid(pid, NULL, 0);
		ck_assert_int_eq(process_has_inode(pid, inode), 0);
	}
	ck_assert_int_eq(process_has_inode(0, 1), 0);
	ck_assert_int_eq(process_has_inode(-1, 1), 0);
	ck_assert_int_eq(count_fds(), before);
	close(fd);
	close(other_fd);
	if (inode == 0)
		kill_child(pid);
	kill_child(other);
}
END_TEST

START_TEST(no_process_is_never_opened)
{
	static const pid_t pids[] = { 0, -1, INT32_MIN, INT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		struct process_id id = { pids[i], 0 };

		ck_assert_int_eq(process_open(&id), -ESRCH);
		ck_assert(!process_alive(&id));
	}
}
END_TEST

/* A name may look like the rest of the line. */
START_TEST(a_hostile_name_does_not_move_the_start_time)
{
	pid_t pid = fork_sleeper();
	struct process_id before, after;
	char path[40];
	int fd;

	ck_assert_int_eq(process_identify(pid, &before), 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* only a thread of the same process may write it */
	if (fd < 0 || write(fd, ") R 1 1 (", 9) < 0) {
		if (fd >= 0)
			close(fd);
		kill_child(pid);
		fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
		pid = getpid();
		ck_assert_int_eq(process_identify(pid, &before), 0);
		ck_assert_int_eq(write(fd, ") R 1 1 (", 9), 9);
	}
	close(fd);
	ck_assert_int_eq(process_identify(pid, &after), 0);
	ck_assert_uint_eq(after.start, before.start);
	if (pid != getpid())
		kill_child(pid);
}
END_TEST

START_TEST(the_boot_id_is_a_uuid)
{
	char id[UUID_LEN + 1], again[UUID_LEN + 1];

	ck_assert_int_eq(boot_id_read(id), 0);
	ck_assert_int_eq(boot_id_read(again), 0);
	ck_assert_uint_eq(strlen(id), UUID_LEN);
	ck_assert_str_eq(id, again);
}
END_TEST

/* --- signals --- */

START_TEST(signals_are_read_in_every_form)
{
	static const struct {
		const char *text;
		int signal;
	} good[] = {
		{ "TERM", 15 }, { "SIGTERM", 15 }, { "15", 15 }, { "term", 15 }, { "sigterm", 15 }, { "SigTerm", 15 },
		{ "1", 1 }, { "64", 64 }, { "HUP", 1 }, { "KILL", 9 }, { "USR1", 10 }, { "PWR", 30 },
		{ "WINCH", 28 }, { "RTMIN", 34 }, { "SIGRTMIN", 34 }, { "RTMIN+0", 34 }, { "RTMIN+3", 37 },
		{ "SIGRTMIN+4", 38 }, { "rtmin+4", 38 }, { "sigrtmin+30", 64 },
	};
	static const char *const bad[] = {
		"", "SIG", "0", "65", "-15", "+15", " 15", "15 ", "0xf", "TERMS", "SIGSIGTERM", "SIG15", "RTMIN+",
		"RTMIN+31", "RTMIN-1", "RTMIN +1", "RTMIN++1", "RTMIN+-1", "RTMIN1", "RTMIN+4294967295",
		"4294967311", "NONE", "SIGRTMIN+99999999999999999999", "KILL\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(signal_parse(good[i].text) == good[i].signal, "%s: %d", good[i].text,
			      signal_parse(good[i].text));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(signal_parse(bad[i]) == -EINVAL, "\"%s\": %d", bad[i], signal_parse(bad[i]));
}
END_TEST

START_TEST(every_signal_is_read_as_it_is_shown)
{
	char buf[16];

	for (int i = 1; i <= 64; i++) {
		if (i == 32 || i == 33)
			continue;	/* libc's own, nameless */
		signal_text(i, buf, sizeof(buf));
		ck_assert_msg(signal_parse(buf) == i, "%d is shown as %s", i, buf);
		if (i < 32)	/* as the C library calls it */
			ck_assert_str_eq(buf + strlen("SIG"), sigabbrev_np(i));
		ck_assert(text_starts(buf, "SIG"));
	}
	ck_assert_str_eq(signal_text(38, buf, sizeof(buf)), "SIGRTMIN+4");
	ck_assert_str_eq(signal_text(99999, buf, sizeof(buf)), "99999");
}
END_TEST

static void on_signal(int signal)
{
	(void)signal;
}

enum listener { DEAF, HANDLER, IGNORES, BLOCKS, WAITS };

/* A child that listens for SIGTERM in this way, and is there. */
static pid_t fork_listener(enum listener how)
{
	pid_t parent = getpid(), pid;
	int fds[2];
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct timespec forever = { .tv_sec = 3600 };
		sigset_t set;

		signals_reset();
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		if (how == HANDLER)
			signal(SIGTERM, on_signal);
		if (how == IGNORES)
			signal(SIGTERM, SIG_IGN);
		if (how == BLOCKS || how == WAITS)
			sigprocmask(SIG_BLOCK, &set, NULL);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		while (getppid() == parent) {
			if (how == WAITS)
				sigtimedwait(&set, NULL, &forever);
			else
				pause();
		}
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	return pid;
}

START_TEST(a_signal_is_taken_by_who_handles_blocks_or_waits_for_it)
{
	static const int taken[] = { [DEAF] = 0, [HANDLER] = 1, [IGNORES] = 0, [BLOCKS] = 1, [WAITS] = 1 };

	for (int how = DEAF; how <= WAITS; how++) {
		pid_t pid = fork_listener((enum listener)how);

		for (int i = 0; i < 20; i++) {	/* before, while and after it goes to sleep */
			ck_assert_msg(process_takes_signal(pid, SIGTERM) == taken[how], "kind %d, look %d", how, i);
			usleep(1000);
		}
		if (how != WAITS)	/* what it waits for cannot be seen */
			ck_assert_int_eq(process_takes_signal(pid, SIGUSR1), 0);
		ck_assert_int_eq(process_takes_signal(pid, 64), how == WAITS);
		kill_child(pid);
	}
}
END_TEST

START_TEST(who_is_gone_takes_no_signal)
{
	pid_t pid = fork_listener(HANDLER);

	kill_child(pid);
	ck_assert_int_le(process_takes_signal(pid, SIGTERM), 0);
}
END_TEST

static int has_clean_signals(void *arg)
{
	auto_free char *status = NULL;

	(void)arg;
	if (read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status, NULL) < 0)
		return 1;
	/* but for the two that libc keeps to itself */
	for (char *line = strtok(status, "\n"); line; line = strtok(NULL, "\n"))
		if ((text_starts(line, "SigBlk:") || text_starts(line, "SigIgn:") || text_starts(line, "SigCgt:")) &&
		    strtoull(line + 7, NULL, 16) & ~(3ULL << 31))
			return 2;
	return 0;
}

static int reset_signals(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 1; i <= 64; i++)
		signal(i, i % 2 ? SIG_IGN : on_signal);
	signals_reset();
	return has_clean_signals(arg);
}

START_TEST(reset_signals_are_neither_handled_nor_ignored_nor_blocked)
{
	ck_assert_int_eq(in_child(reset_signals, NULL), 0);
}
END_TEST

/* --- descriptors --- */

static int close_high(void *arg)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)arg;
	if (dup2(fd, 100) < 0 || dup2(fd, 1000) < 0 || dup2(fd, 99) < 0)
		return 1;
	cloexec_from(1000);
	if (fcntl(1000, F_GETFD) != FD_CLOEXEC || fcntl(100, F_GETFD) != 0)
		return 2;
	close_from(100);
	return fcntl(99, F_GETFD) == 0 && fcntl(100, F_GETFD) < 0 && fcntl(1000, F_GETFD) < 0 ? 0 : 3;
}

START_TEST(descriptors_from_a_number_on_are_closed_or_marked)
{
	ck_assert_int_eq(in_child(close_high, NULL), 0);
}
END_TEST

/* --- tools --- */

static int shell(const char *script, const char *input, char **ret_output, int timeout_ms)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct tool_run run = { .argv = argv, .input = input, .ret_output = ret_output, .keep_fd = -1,
				      .timeout_ms = timeout_ms };

	return tool_run(&run, &err);
}

START_TEST(a_missing_tool_is_named_with_its_package)
{
	static const char *const known[] = { "sysct-no-such-tool", "/usr/sbin/sysct-no-such-tool", "../sh" };
	const char *argv[] = { NULL, NULL };
	struct tool_run run = { .argv = argv, .keep_fd = -1 };
	int before = count_fds();

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		argv[0] = known[i];
		ck_assert_msg(tool_run(&run, &err) == -ENOENT, "%s", known[i]);
		ck_has(err.message, known[i]);
	}
	ck_assert_int_eq(count_fds(), before);
	ck_assert_ptr_null(tool_find("sysct-no-such-tool"));
	no_child_is_left();
}
END_TEST

/* In a mount namespace where the place of the tools is empty. */
START_TEST(a_tool_that_is_not_installed_tells_what_to_install)
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin" };
	static const char *const known[][2] = {
		{ "mke2fs", "e2fsprogs" }, { "resize2fs", "e2fsprogs" }, { "nft", "nftables" }, { "dnsmasq", "dnsmasq" },
	};

	mounts_setup();
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (access(dirs[i], F_OK) == 0)
			ck_assert_int_eq(mount("empty", dirs[i], "tmpfs", 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *const argv[] = { known[i][0], NULL };
		const struct tool_run run = { .argv = argv, .keep_fd = -1 };

		if (access("/sbin/mke2fs", X_OK) == 0)
			break;	/* a host whose /sbin is a directory of its own */
		ck_assert_int_eq(tool_run(&run, &err), -ENOENT);
		ck_has(err.hint, known[i][1]);
	}
	mounts_teardown();
}
END_TEST

START_TEST(output_and_error_are_collected_together)
{
	char *output = NULL;

	ck_assert_int_eq(must(shell("echo out; echo err >&2; echo more", NULL, &output, 0)), 0);
	ck_assert_str_eq(output, "out\nerr\nmore\n");
	free(output);
	ck_assert_int_eq(must(shell(":", NULL, &output, 0)), 0);
	ck_assert_str_eq(output, "");
	free(output);
}
END_TEST

START_TEST(output_without_end_is_bounded_and_waited_for)
{
	char *output = NULL;

	ck_assert_int_eq(must(shell("head -c 5000000 /dev/zero | tr '\\0' x; exit 3", NULL, &output, 60000)), 3);
	ck_assert_uint_ge(strlen(output), 1 << 20);
	ck_assert_uint_le(strlen(output), (1 << 20) + 65536);
	free(output);
}
END_TEST

START_TEST(the_exit_status_comes_back)
{
	ck_assert_int_eq(must(shell("exit 0", NULL, NULL, 0)), 0);
	ck_assert_int_eq(must(shell("exit 7", NULL, NULL, 0)), 7);
	ck_assert_int_eq(must(shell("exit 255", NULL, NULL, 0)), 255);
	ck_assert_int_eq(must(shell("kill -KILL $$", NULL, NULL, 0)), 128 + SIGKILL);
	ck_assert_int_eq(err.code, 0);
	no_child_is_left();
}
END_TEST

START_TEST(a_text_is_its_standard_input)
{
	auto_free char *large = xcalloc(1, 300001);
	char *output = NULL;

	ck_assert_int_eq(must(shell("cat", "line 1\nline 2", &output, 0)), 0);
	ck_assert_str_eq(output, "line 1\nline 2");
	free(output);
	memset(large, 'x', 300000);	/* more than a pipe holds */
	ck_assert_int_eq(must(shell("cat", large, &output, 0)), 0);
	ck_assert_str_eq(output, large);
	free(output);
	ck_assert_int_eq(must(shell("cat", NULL, &output, 0)), 0);	/* nothing, not ours */
	ck_assert_str_eq(output, "");
	free(output);
}
END_TEST

START_TEST(arguments_go_through_no_shell)
{
	const char *const argv[] = { "printf", "%s|", "$(touch /x)", "a b", "'", "", "--", NULL };
	char *output = NULL;
	const struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };

	ck_assert_int_eq(must(tool_run(&run, &err)), 0);
	ck_assert_str_eq(output, "$(touch /x)|a b|'||--|");
	free(output);
}
END_TEST

START_TEST(the_environment_is_a_fixed_one)
{
	const char *const argv[] = { "env", NULL };
	char *output = NULL;
	const struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };

	setenv("AWS_SECRET", "x", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("PATH", "/tmp", 1);
	ck_assert_int_eq(must(tool_run(&run, &err)), 0);
	ck_has(output, "PATH=/usr/sbin:");
	ck_has(output, "LC_ALL=C\n");
	ck_has_not(output, "AWS_SECRET");
	ck_has_not(output, "ASAN_OPTIONS");
	free(output);
}
END_TEST

static int open_fds_of_tool(int keep_fd, char **output)
{
	const char *const argv[] = { "ls", "-x", "/proc/self/fd", NULL };
	const struct tool_run run = { .argv = argv, .ret_output = output, .keep_fd = keep_fd };

	return tool_run(&run, &err);
}

START_TEST(no_descriptor_is_inherited_but_the_one_to_keep)
{
	char *output = NULL;
	int fd = open("/etc", O_RDONLY);	/* not close-on-exec */

	ck_assert_int_eq(dup2(fd, 40), 40);
	ck_assert_int_eq(dup2(fd, 900), 900);
	ck_assert_int_eq(must(open_fds_of_tool(-1, &output)), 0);
	ck_assert_str_eq(output, "0  1  2  3\n");	/* 3: the directory that ls looks at */
	free(output);
	ck_assert_int_eq(must(open_fds_of_tool(40, &output)), 0);
	ck_assert_str_eq(output, "0  1  2  3  40\n");
	free(output);
}
END_TEST

START_TEST(signals_of_ours_do_not_reach_a_tool)
{
	sigset_t all;
	char *output = NULL;

	sigfillset(&all);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &all, NULL);
	ck_assert_int_eq(must(shell("grep -E 'Sig(Blk|Ign):' /proc/self/status", NULL, &output, 0)), 0);
	ck_assert_str_eq(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	free(output);
	ck_assert_int_eq(must(shell("ps -o pgid= -p $$ | tr -d ' '; echo $$", NULL, &output, 0)), 0);
	ck_assert_msg(strlen(output) % 2 == 0 &&
			      strncmp(output, output + strlen(output) / 2, strlen(output) / 2) == 0,
		      "not a group of its own: %s", output);
	free(output);
}
END_TEST

/* Who holds the pipe lives. */
static void assert_all_dead(int reader, int *writer)
{
	struct timeval timeout = { .tv_sec = 10 };
	fd_set set;
	char byte;

	close_fd(writer);
	FD_ZERO(&set);
	FD_SET(reader, &set);
	ck_assert_msg(select(reader + 1, &set, NULL, NULL, &timeout) == 1, "somebody of the group lives");
	ck_assert_int_eq(read(reader, &byte, 1), 0);
}

START_TEST(a_timeout_kills_the_whole_group)
{
	const char *const argv[] = { "sh", "-c", "sleep 1000 & (sleep 1000 & sleep 1000) & sleep 1000", NULL };
	char *output = NULL;
	struct tool_run run = { .argv = argv, .ret_output = &output, .timeout_ms = 200 };
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	run.keep_fd = fds[1];
	ck_assert_int_eq(tool_run(&run, &err), -ETIMEDOUT);
	ck_has(err.message, "sh");
	ck_assert_ptr_null(output);
	assert_all_dead(fds[0], &fds[1]);
	close(fds[0]);
	no_child_is_left();
}
END_TEST

START_TEST(a_tool_that_closes_its_output_still_has_a_timeout)
{
	ck_assert_int_eq(shell("exec >/dev/null 2>&1; sleep 8", NULL, NULL, 300), -ETIMEDOUT);
	no_child_is_left();
}
END_TEST

START_TEST(an_interrupt_ends_a_tool_unless_it_is_held_off)
{
	pid_t us = getpid(), pid;

	interrupt_install();
	for (int held = 0; held < 2; held++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			usleep(100000);
			kill(us, SIGINT);
			_exit(0);
		}
		if (held)
			interrupt_hold(true);
		ck_assert_int_eq(shell(held ? "sleep 0.4" : "sleep 100", NULL, NULL, 50000), held ? 0 : -EINTR);
		if (!held)
			ck_assert_int_eq(error_exit_status(&err), STATUS_INTERRUPTED);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	interrupt_hold(false);
	/* who cleans up after one runs its tools whole */
	ck_assert_int_eq(shell("sleep 0.3; exit 7", NULL, NULL, 50000), 7);
	no_child_is_left();
}
END_TEST

START_TEST(a_timeout_names_the_tool_and_what_it_said)
{
	ck_assert_int_eq(shell("echo reading block 17; sleep 100", NULL, NULL, 300), -ETIMEDOUT);
	ck_assert_int_eq(error_exit_status(&err), STATUS_TIMEOUT);
	ck_has(err.message, "sh did not end in");
	ck_has(err.message, "reading block 17");
	no_child_is_left();
}
END_TEST

START_TEST(a_timeout_holds_when_a_signal_interrupts_the_wait)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval timer = { .it_value.tv_usec = 100000 };

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ck_assert_int_eq(shell("sleep 8", NULL, NULL, 400), -ETIMEDOUT);
	no_child_is_left();
}
END_TEST

static int run_and_be_killed(void *arg)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct tool_run run = { .argv = argv, .keep_fd = *(int *)arg };

	return tool_run(&run, &err);
}

START_TEST(a_tool_dies_with_us)
{
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(run_and_be_killed(&fds[1]));
	for (int i = 0; i < 5000; i++) {	/* until it has a child */
		auto_free char *children = NULL, *path = xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid);
		size_t n;

		if (read_file_at(AT_FDCWD, path, 4096, &children, &n) < 0 || n > 0)
			break;
		usleep(1000);
	}
	kill_child(pid);
	assert_all_dead(fds[0], &fds[1]);
	close(fds[0]);
}
END_TEST

START_TEST(no_descriptor_of_ours_is_lost)
{
	int before = count_fds();

	ck_assert_int_eq(must(shell("exit 3", "input", NULL, 0)), 3);
	ck_assert_int_eq(shell("sleep 100", NULL, NULL, 50), -ETIMEDOUT);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/process");
	TCase *ids = tcase_create("identity"), *signals = tcase_create("signals"), *tools = tcase_create("tools");

	tcase_add_test(ids, an_id_is_read_as_it_was_written);
	tcase_add_test(ids, what_is_no_id_is_refused_and_changes_nothing);
	tcase_add_test(ids, a_living_process_is_opened_by_its_identity);
	tcase_add_test(ids, a_pid_that_was_given_again_is_another_process);
	tcase_add_test(ids, an_inode_tells_a_process_from_all_others);
	tcase_add_test(ids, no_process_is_never_opened);
	tcase_add_test(ids, a_hostile_name_does_not_move_the_start_time);
	tcase_add_test(ids, the_boot_id_is_a_uuid);
	tcase_add_test(ids, descriptors_from_a_number_on_are_closed_or_marked);
	suite_add_tcase(suite, ids);
	tcase_add_test(signals, signals_are_read_in_every_form);
	tcase_add_test(signals, every_signal_is_read_as_it_is_shown);
	tcase_add_test(signals, a_signal_is_taken_by_who_handles_blocks_or_waits_for_it);
	tcase_add_test(signals, who_is_gone_takes_no_signal);
	tcase_add_test(signals, reset_signals_are_neither_handled_nor_ignored_nor_blocked);
	suite_add_tcase(suite, signals);
	tcase_add_checked_fixture(tools, setup, NULL);
	tcase_add_test(tools, a_missing_tool_is_named_with_its_package);
	if (add_root_tests())
		tcase_add_test(tools, a_tool_that_is_not_installed_tells_what_to_install);
	tcase_add_test(tools, output_and_error_are_collected_together);
	tcase_add_test(tools, output_without_end_is_bounded_and_waited_for);
	tcase_add_test(tools, the_exit_status_comes_back);
	tcase_add_test(tools, a_text_is_its_standard_input);
	tcase_add_test(tools, arguments_go_through_no_shell);
	tcase_add_test(tools, the_environment_is_a_fixed_one);
	tcase_add_test(tools, no_descriptor_is_inherited_but_the_one_to_keep);
	tcase_add_test(tools, signals_of_ours_do_not_reach_a_tool);
	tcase_add_test(tools, a_timeout_kills_the_whole_group);
	tcase_add_test(tools, a_tool_that_closes_its_output_still_has_a_timeout);
	tcase_add_test(tools, an_interrupt_ends_a_tool_unless_it_is_held_off);
	tcase_add_test(tools, a_timeout_names_the_tool_and_what_it_said);
	tcase_add_test(tools, a_timeout_holds_when_a_signal_interrupts_the_wait);
	tcase_add_test(tools, a_tool_dies_with_us);
	tcase_add_test(tools, no_descriptor_of_ours_is_lost);
	suite_add_tcase(suite, tools);
	return run_suite(suite);
}
