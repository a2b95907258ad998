/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walker over fake rows, with a real process on each side, and a real thread beside the one. */
#include "../os/testing.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "os/process.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"
#include "runtime/steps.h"

enum { MOUNT, GROUP, NETWORK, ENTER, CLONE, LINKS, ADDRESS, ROOT, NEVER_PAYLOAD, NEVER_HOST, CONSOLE, PIN, HOSTNAME, LIMITS, EXEC, ROWS };

#define NONE SIZE_MAX

/* What a walk is to meet; the clone takes a copy along. */
static struct {
	size_t fail_at;		/* the row fails */
	size_t die_at;		/* its process is killed there */
	size_t kill_peer_at;	/* a host row kills the payload and waits for its end */
	bool exec_late;		/* the execs row kills itself in place of executing */
	bool exec_short;	/* what it executes ends at once, and until then holds the connection */
	size_t send_at;		/* the row sends a descriptor */
	size_t lie_at;		/* the payload's packet is of another row */
	size_t meet[2];		/* each of these rows is not done before both are begun */
	size_t slow_at;		/* the row takes a while */
	size_t late_at;		/* a host row that fails once the payload has ended */
	size_t listen_at;	/* a host row that looks whether the payload tells of the next one, "host name" */
} plan;

/* What both sides did, in memory that both see. */
struct seen {
	atomic_size_t n;
	char rows[64][5];
	atomic_bool begun[2], slow_done, told;
	int payload_result;
	struct error payload_error;
};
static struct seen *seen;
static int stay[2] = { -1, -1 };	/* what is executed lives until the test closes its end */
static int sent[2] = { -1, -1 };

static bool never(const struct container_config *config)
{
	return config->security.privileged;
}

static void note(char side, size_t row)
{
	size_t i = atomic_fetch_add(&seen->n, 1);

	snprintf(seen->rows[i], sizeof(seen->rows[i]), "%c%zu", side, row);
}

static int threads(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static bool wait_until(const atomic_bool *flag)
{
	for (int i = 0; i < 20000 && !*flag; i++)
		usleep(500);
	return *flag;
}

static int meet(size_t row, struct error *err)
{
	for (int i = 0; i < 2; i++) {
		if (plan.meet[i] != row)
			continue;
		seen->begun[i] = true;
		if (!wait_until(&seen->begun[!i]))
			return fail(err, EDEADLK, "meet row %zu in row %zu", plan.meet[!i], row);
	}
	return 0;
}

static int run(size_t row, struct launch *launch, struct error *err)
{
	note(launch->pid < 0 && launch->peer >= 0 ? 'p' : 'h', row);
	if (meet(row, err) < 0)
		return -err->code;
	if (plan.late_at == row) {
		pidfd_wait(launch->pidfd, 5000);
		return fail(err, ENOENT, "open what is of the payload");
	}
	if (plan.slow_at == row) {
		usleep(50000);
		seen->slow_done = true;
	}
	if (plan.listen_at == row) {
		char byte;

		usleep(100000);
		seen->told = recv(launch->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
	}
	if (plan.die_at == row)
		raise(SIGKILL);
	if (plan.kill_peer_at == row) {
		pidfd_signal(launch->pidfd, SIGKILL);
		pidfd_wait(launch->pidfd, -1);
	}
	if (plan.send_at == row)
		launch->send_fd = sent[1];
	if (plan.lie_at == row)
		handshake_report(launch->peer, row + 1, NULL, -1);
	if (plan.fail_at == row) {
		fail(err, ENOSPC, "do thing %zu", row);
		error_hint(err, "free thing %zu", row);
		return error_status(err, STATUS_TIMEOUT);
	}
	return 0;
}

#define RUN_ROW(row)                                                   \
	static int run_##row(struct launch *launch, struct error *err) \
	{                                                              \
		return run(row, launch, err);                          \
	}
RUN_ROW(MOUNT)
RUN_ROW(GROUP)
RUN_ROW(NETWORK)
RUN_ROW(ENTER)
RUN_ROW(LINKS)
RUN_ROW(ADDRESS)
RUN_ROW(ROOT)
RUN_ROW(NEVER_PAYLOAD)
RUN_ROW(NEVER_HOST)
RUN_ROW(CONSOLE)
RUN_ROW(PIN)
RUN_ROW(HOSTNAME)
RUN_ROW(LIMITS)

static const struct step rows[];

static int run_clone(struct launch *launch, struct error *err)
{
	int pair[2];

	if (run(CLONE, launch, err) < 0 || handshake_pair(pair, err) < 0)
		return -err->code;
	launch->pid = fork();
	if (launch->pid < 0)
		return fail(err, errno, "fork");
	if (launch->pid == 0) {
		close(pair[0]);
		close_fd(&stay[1]);
		launch->peer = pair[1];
		launch->pid = -1;
		launch->timing = NULL;
		seen->payload_result = steps_run(rows, ROWS, PAYLOAD, launch, &seen->payload_error);
		_exit(1);
	}
	close(pair[1]);
	launch->peer = pair[0];
	launch->pidfd = pidfd_of(launch->pid);
	return 0;
}

static int run_exec(struct launch *launch, struct error *err)
{
	if (run(EXEC, launch, err) < 0)
		return -err->code;
	if (plan.exec_late)
		raise(SIGKILL);
	if (plan.exec_short) {
		fcntl(launch->peer, F_SETFD, 0);
		execl("/bin/true", "true", NULL);
	}
	dup2(stay[0], 0);
	execl("/bin/cat", "cat", NULL);
	return fail(err, errno, "execute cat");
}

static void take(struct launch *launch, int fd)
{
	launch->console = fd;
}

static const struct step rows[] = {
	[MOUNT] = { HOST, "mount", .run = run_MOUNT },
	[GROUP] = { BESIDE, "group", .run = run_GROUP },
	[NETWORK] = { HOST, "network", .run = run_NETWORK, .joins = true },
	[ENTER] = { BESIDE, "enter", .run = run_ENTER },
	[CLONE] = { BESIDE, "clone", .run = run_clone, .joins = true, .clones = true },
	[LINKS] = { HOST, "links", .run = run_LINKS, .joins = true },
	[ADDRESS] = { BESIDE, "address", .run = run_ADDRESS },
	[ROOT] = { PAYLOAD, "become root", .run = run_ROOT },
	[NEVER_PAYLOAD] = { PAYLOAD, "never, payload", .when = never, .run = run_NEVER_PAYLOAD },
	[NEVER_HOST] = { HOST, "never, host", .when = never, .run = run_NEVER_HOST },
	[CONSOLE] = { PAYLOAD, "console", .run = run_CONSOLE, .take = take },
	[PIN] = { HOST, "pin", .run = run_PIN, .joins = true },
	[HOSTNAME] = { PAYLOAD, "host name", .run = run_HOSTNAME },
	[LIMITS] = { PAYLOAD, "limits", .run = run_LIMITS, .joins = true },
	[EXEC] = { PAYLOAD, "execute", .run = run_exec, .execs = true },
};

static struct container_config config;
static struct launch launch;
static struct error err;

static bool is_walked(size_t row)
{
	return row != NEVER_PAYLOAD && row != NEVER_HOST;
}

static void setup(void)
{
	seen = shared_memory(sizeof(*seen));
	seen->payload_result = 1;
	config = (struct container_config){ 0 };
	launch = (struct launch)LAUNCH_EMPTY;
	launch.config = &config;
	err = (struct error)ERROR_NONE;
	plan.fail_at = plan.die_at = plan.kill_peer_at = plan.send_at = plan.lie_at = plan.slow_at = plan.late_at = plan.listen_at = NONE;
	plan.meet[0] = plan.meet[1] = NONE;
	plan.exec_late = plan.exec_short = false;
	ck_assert_int_eq(pipe2(stay, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(sent, O_CLOEXEC), 0);
}

/* Let go of everything and see the payload's end. */
static int finish(void)
{
	int status = 0;

	close_fd(&launch.peer);
	close_fd(&launch.pidfd);
	close_fd(&launch.console);
	close_fd(&stay[0]);
	close_fd(&stay[1]);
	close_fd(&sent[0]);
	close_fd(&sent[1]);
	if (launch.pid > 0)
		ck_assert_int_eq(waitpid(launch.pid, &status, 0), launch.pid);
	return status;
}

static int walk(void)
{
	return steps_run(rows, ROWS, HOST, &launch, &err);
}

/* Where the note of a row stands, -1: nowhere. */
static int at_of(char side, size_t row)
{
	char wanted[5];

	snprintf(wanted, sizeof(wanted), "%c%zu", side, row);
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->rows[i], wanted) == 0)
			return (int)i;
	return -1;
}

static int begun_at(size_t row)
{
	return at_of(rows[row].side == PAYLOAD ? 'p' : 'h', row);
}

/* Each row once, by its own side, and none before one that it must wait for. */
static void ck_walked(size_t wanted)
{
	ck_assert_uint_eq(seen->n, wanted);
	for (size_t i = 0; i < ROWS; i++) {
		if (begun_at(i) < 0)
			continue;
		for (size_t j = 0; j < i; j++)
			if (begun_at(j) >= 0 && (rows[i].joins || rows[i].side == rows[j].side))
				ck_assert_msg(begun_at(j) < begun_at(i), "\"%s\" before \"%s\"", rows[i].name, rows[j].name);
	}
}

START_TEST(each_side_walks_its_rows_in_the_order_of_the_table)
{
	config.security.privileged = true;
	must(walk());
	ck_walked(ROWS);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(rows_that_do_not_apply_are_skipped_by_all)
{
	must(walk());
	ck_walked(ROWS - 2);
	ck_assert_int_eq(begun_at(NEVER_HOST), -1);
	ck_assert_int_eq(begun_at(NEVER_PAYLOAD), -1);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

static const size_t together[][2] = { { NETWORK, ENTER }, { LINKS, ROOT }, { ADDRESS, CONSOLE }, { PIN, HOSTNAME } };

/* _i: which two */
START_TEST(rows_of_different_sides_run_at_the_same_time)
{
	memcpy(plan.meet, together[_i], sizeof(plan.meet));
	ck_assert_msg(walk() == 0, "%s", err.message);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

static const size_t one_after_another[][2] = { { GROUP, NETWORK }, { NETWORK, CLONE }, { CLONE, LINKS }, { ROOT, PIN }, { PIN, LIMITS }, { ADDRESS, LIMITS } };

/* _i: which two: the second joins. It begins when the first is done, not only begun. */
START_TEST(a_row_that_joins_waits_until_what_is_above_it_is_done)
{
	const size_t *pair = one_after_another[_i];

	plan.slow_at = pair[0];
	plan.fail_at = pair[1];
	ck_assert_int_lt(walk(), 0);
	ck_assert(seen->slow_done);
	ck_has(err.message, rows[pair[1]].name);
	finish();
	ck_assert_int_ge(begun_at(pair[1]), 0);
}
END_TEST

static const struct step following[] = {
	{ BESIDE, "group", .run = run_GROUP },
	{ BESIDE, "enter", .run = run_ENTER },
	{ HOST, "network", .run = run_NETWORK, .follows = "group" },
	{ HOST, "links", .run = run_LINKS, .joins = true },
	{ BESIDE, "clone", .run = run_clone, .joins = true, .clones = true },
	{ PAYLOAD, "execute", .run = run_exec, .execs = true },
};

START_TEST(a_row_that_follows_another_one_waits_until_that_is_done)
{
	plan.slow_at = GROUP;
	plan.fail_at = NETWORK;
	ck_assert_int_lt(steps_run(following, ARRAY_SIZE(following), HOST, &launch, &err), 0);
	ck_assert(seen->slow_done);
	ck_has(err.message, "step 3 of 6, \"network\"");
	finish();
}
END_TEST

START_TEST(a_row_that_follows_another_one_waits_for_no_other)
{
	plan.meet[0] = ENTER;
	plan.meet[1] = NETWORK;
	plan.fail_at = LINKS;
	ck_assert_int_lt(steps_run(following, ARRAY_SIZE(following), HOST, &launch, &err), 0);
	ck_has(err.message, "step 4 of 6, \"links\": do thing");
	finish();
}
END_TEST

START_TEST(a_row_that_follows_one_that_fails_is_not_run)
{
	plan.fail_at = GROUP;
	ck_assert_int_lt(steps_run(following, ARRAY_SIZE(following), HOST, &launch, &err), 0);
	ck_has(err.message, "step 1 of 6, \"group\"");
	ck_assert_int_eq(at_of('h', NETWORK), -1);
	finish();
}
END_TEST

/* _i: the row that fails; what runs at that time is waited for, and what waits is not left waiting. */
START_TEST(the_thread_has_ended_when_the_walk_has)
{
	int before = threads();

	plan.fail_at = (size_t)_i;
	plan.slow_at = _i == MOUNT ? GROUP : MOUNT;
	if (!is_walked(plan.fail_at))
		return;
	ck_assert_int_lt(walk(), 0);
	/* one that has been joined is in /proc for a moment more */
	for (int i = 0; i < 20000 && threads() != before; i++)
		usleep(500);
	ck_assert_int_eq(threads(), before);
	finish();
}
END_TEST

/* _i: the row */
START_TEST(a_failure_stops_both_sides_with_its_own_reason_and_the_name_of_the_row)
{
	auto_free char *wanted = NULL;
	size_t row = (size_t)_i;

	if (!is_walked(row))
		return;
	plan.fail_at = row;
	wanted = xasprintf("step %zu of %d, \"%s\": do thing %zu: No space left on device", row + 1, ROWS,
			   rows[row].name, row);
	ck_assert_int_eq(walk(), -ENOSPC);
	ck_assert_str_eq(err.message, wanted);
	ck_assert_int_eq(err.code, ENOSPC);
	ck_assert_int_eq(err.status, STATUS_TIMEOUT);
	ck_has(err.hint, "free thing");
	finish();
	for (size_t i = row + 1; i < ROWS; i++)	/* nobody went on who waits for it, or is of its side */
		ck_assert_msg(begun_at(i) < 0 || (!rows[i].joins && rows[i].side != rows[row].side), "%s", rows[i].name);
	if (row <= CLONE) {
		ck_assert_int_eq(launch.pid, -1);
		return;
	}
	ck_assert_int_lt(seen->payload_result, 0);
	if (rows[row].side == PAYLOAD)	/* what the host said last may be lost with what it did not hear (unix(7)) */
		ck_assert_str_eq(seen->payload_error.message, wanted);
}
END_TEST

START_TEST(what_the_payload_said_is_the_reason_of_what_fails_after_its_end)
{
	plan.fail_at = ROOT;
	plan.late_at = LINKS;
	ck_assert_int_eq(walk(), -ENOSPC);
	ck_has(err.message, "\"become root\": do thing");
	finish();
}
END_TEST

START_TEST(what_fails_after_the_end_of_a_payload_that_said_nothing_is_told)
{
	plan.die_at = ROOT;
	plan.late_at = LINKS;
	ck_assert_int_eq(walk(), -ENOENT);
	ck_has(err.message, "\"links\": open what is of the payload");
	finish();
}
END_TEST

START_TEST(a_payload_that_dies_in_a_row_is_an_error_there)
{
	auto_free char *wanted = NULL;
	size_t row = (size_t)_i;

	if (!is_walked(row) || rows[row].side != PAYLOAD || rows[row].execs)
		return;
	plan.die_at = row;
	wanted = xasprintf("step %zu of %d, \"%s\": the other side", row + 1, ROWS, rows[row].name);
	ck_assert_int_lt(walk(), 0);
	ck_has(err.message, wanted);
	ck_assert_int_eq(WTERMSIG(finish()), SIGKILL);
}
END_TEST

START_TEST(a_payload_that_dies_while_the_host_works_is_noticed)
{
	plan.kill_peer_at = PIN;
	ck_assert_int_lt(walk(), 0);
	ck_has(err.message, ": the other side");
	finish();
}
END_TEST

/* The last host row before the execs row: no packet comes between. */
START_TEST(a_payload_that_was_dead_before_it_could_execute_is_no_success)
{
	static const struct step few[] = {
		{ BESIDE, "clone", .run = run_clone, .joins = true, .clones = true },
		{ HOST, "kill", .run = run_LINKS, .joins = true },
		{ PAYLOAD, "execute", .run = run_exec, .execs = true },
	};

	plan.kill_peer_at = LINKS;
	ck_assert_int_lt(steps_run(few, ARRAY_SIZE(few), HOST, &launch, &err), 0);
	ck_has(err.message, "step 3 of 3, \"execute\"");
	finish();
}
END_TEST

/* The connection ends before the pidfd tells: whoever asks once, at once, is told of a living process. */
START_TEST(a_payload_killed_instead_of_executing_is_an_error_each_time)
{
	int missed = 0;
	const int times = 300;

	finish();
	for (int i = 0; i < times; i++) {
		setup();
		plan.exec_late = true;
		missed += walk() >= 0;
		finish();
		munmap(seen, sizeof(*seen));
	}
	ck_assert_msg(missed == 0, "%d of %d killed payloads passed for started ones", missed, times);
}
END_TEST

START_TEST(an_executed_payload_that_ends_at_once_is_no_error)
{
	plan.exec_short = true;
	must(walk());
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(an_executed_payload_is_alive_and_no_error)
{
	must(walk());
	ck_assert_int_eq(pidfd_wait(launch.pidfd, 0), 0);
	ck_assert_int_eq(launch.console, -1);
	finish();
}
END_TEST

static int host_that_dies(void *arg)
{
	(void)arg;
	walk();
	return 1;
}

/* _i: the row */
START_TEST(a_host_that_dies_in_a_row_ends_the_payload)
{
	size_t row = (size_t)_i;
	pid_t pid;
	int status;

	if (row <= CLONE || !is_walked(row) || rows[row].side != HOST)
		return;
	plan.die_at = row;
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	if (pid == 0)
		_exit(host_that_dies(NULL));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_gt(waitpid(-1, &status, 0), 0);	/* the payload, ours now */
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_int_lt(seen->payload_result, 0);
	ck_has(seen->payload_error.message, ": the other side");
	finish();
}
END_TEST

START_TEST(a_descriptor_travels_with_the_packet_of_its_row)
{
	char byte = 0;

	plan.send_at = CONSOLE;
	must(walk());
	ck_assert_int_ge(launch.console, 0);
	ck_assert_int_ne(launch.console, sent[1]);
	ck_assert_int_eq(fcntl(launch.console, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(launch.console, "x", 1), 1);
	ck_assert_int_eq(read(sent[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	finish();
}
END_TEST

START_TEST(a_descriptor_that_no_row_takes_is_closed)
{
	int before = count_fds(), after;

	plan.send_at = HOSTNAME;
	must(walk());
	after = count_fds();
	ck_assert_int_eq(after, before + 2);	/* peer and pidfd */
	finish();
}
END_TEST

START_TEST(a_descriptor_of_a_failed_row_is_closed)
{
	int before = count_fds();

	plan.send_at = plan.fail_at = CONSOLE;
	ck_assert_int_lt(walk(), 0);
	ck_assert_int_eq(launch.console, -1);
	ck_assert_int_eq(count_fds(), before + 2);
	finish();
}
END_TEST

/* What cannot be told is a failure: the other side would wait a minute for it, and then say so. _i: 0, the payload's; 1, the host's. */
START_TEST(a_row_that_cannot_be_told_is_an_error_on_both_sides)
{
	int kept = sent[1];

	plan.send_at = _i ? PIN : CONSOLE;
	sent[1] = 4095;		/* no descriptor of anybody: EBADF */
	ck_assert_int_lt(walk(), 0);
	sent[1] = kept;
	ck_has(err.message, _i ? "tell the other side: Bad file descriptor" : "the other side of the start is gone");
	finish();
}
END_TEST

START_TEST(a_thread_that_may_not_be_placed_runs_anyway)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
	must(walk());
	finish();
}
END_TEST

START_TEST(a_packet_of_another_row_is_refused)
{
	plan.lie_at = CONSOLE;
	ck_assert_int_eq(walk(), -EPROTO);
	ck_has(err.message, "\"console\": ");
	finish();
}
END_TEST

/* _i: 1: each row's time is wanted */
START_TEST(of_a_row_that_nobody_waits_for_there_is_no_packet)
{
	auto_text struct text timing = TEXT_EMPTY;

	plan.listen_at = PIN;
	launch.timing = _i ? &timing : NULL;
	must(walk());
	ck_assert_int_eq(seen->told, _i);
	finish();
}
END_TEST

START_TEST(each_row_that_was_walked_has_a_line_of_timing)
{
	auto_text struct text timing = TEXT_EMPTY;
	const char *at;

	launch.timing = &timing;
	must(walk());
	for (size_t i = 0; i < ROWS; i++) {
		auto_free char *line = xasprintf("  %s\n", rows[i].name);

		if (!is_walked(i) || rows[i].execs) {
			ck_has_not(timing.data, line);
			continue;
		}
		at = strstr(timing.data, line);
		ck_assert_msg(at && !strstr(at + 1, line), "not one line: %s", rows[i].name);
	}
	finish();
}
END_TEST

/* --- undo --- */

static const struct container *undone_container;
static const struct container_state *undone_state;
static struct text undone = TEXT_EMPTY;
static unsigned int broken;	/* bit n: undoing row n fails */

static int undo_row(int row, const struct container *container, const struct container_state *state,
		    struct error *error)
{
	undone_container = container;
	undone_state = state;
	text_add(&undone, "%d", row);
	return broken & (1U << row) ? fail(error, EBUSY, "undo thing %d", row) : 0;
}

#define UNDO(n)                                                                                    \
	static int undo_##n(const struct container *container, const struct container_state *state, \
			    struct error *error)                                                   \
	{                                                                                          \
		return undo_row(n, container, state, error);                                       \
	}
UNDO(0)
UNDO(1)
UNDO(3)
UNDO(4)

static const struct step undo_rows[] = {
	{ HOST, "zero", .run = run_MOUNT, .undo = undo_0 },
	{ HOST, "one", .when = never, .run = run_MOUNT, .undo = undo_1 },
	{ PAYLOAD, "two", .run = run_ROOT },
	{ HOST, "three", .run = run_MOUNT, .undo = undo_3 },
	{ HOST, "four", .run = run_MOUNT, .undo = undo_4 },
};

static int undo(void)
{
	static const struct container container = CONTAINER_EMPTY;
	static const struct container_state state;
	int r = steps_undo(undo_rows, ARRAY_SIZE(undo_rows), &container, &state, &err);

	ck_assert_ptr_eq(undone_container, &container);
	ck_assert_ptr_eq(undone_state, &state);
	return r;
}

START_TEST(undo_runs_backwards_over_every_row_done_or_not)
{
	must(undo());
	ck_assert_str_eq(undone.data, "4310");
	ck_assert_int_eq(err.code, 0);
	text_done(&undone);
	finish();
}
END_TEST

/* _i: which rows are broken */
START_TEST(undo_goes_on_past_failures_and_tells_the_first)
{
	static const char *const names[] = { "zero", "one", "two", "three", "four" };
	int r, first = -1;

	broken = (unsigned int)_i;
	for (int row = 4; row >= 0 && first < 0; row--)
		if ((broken & (1U << row)) && row != 2)
			first = row;
	r = undo();
	ck_assert_str_eq(undone.data, "4310");
	if (first < 0) {
		ck_assert_int_eq(r, 0);
	} else {
		auto_free char *wanted = xasprintf("undo \"%s\": undo thing %d: ", names[first], first);

		ck_assert_int_eq(r, -EBUSY);
		ck_has(err.message, wanted);
	}
	text_done(&undone);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/steps");
	TCase *tests = tcase_create("steps");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, each_side_walks_its_rows_in_the_order_of_the_table);
	tcase_add_test(tests, rows_that_do_not_apply_are_skipped_by_all);
	tcase_add_loop_test(tests, rows_of_different_sides_run_at_the_same_time, 0, (int)ARRAY_SIZE(together));
	tcase_add_loop_test(tests, a_row_that_joins_waits_until_what_is_above_it_is_done, 0, (int)ARRAY_SIZE(one_after_another));
	tcase_add_test(tests, a_row_that_follows_another_one_waits_until_that_is_done);
	tcase_add_test(tests, a_row_that_follows_another_one_waits_for_no_other);
	tcase_add_test(tests, a_row_that_follows_one_that_fails_is_not_run);
	tcase_add_loop_test(tests, the_thread_has_ended_when_the_walk_has, 0, ROWS);
	tcase_add_loop_test(tests, a_failure_stops_both_sides_with_its_own_reason_and_the_name_of_the_row, 0,
			    ROWS);
	tcase_add_test(tests, what_the_payload_said_is_the_reason_of_what_fails_after_its_end);
	tcase_add_test(tests, what_fails_after_the_end_of_a_payload_that_said_nothing_is_told);
	tcase_add_loop_test(tests, a_payload_that_dies_in_a_row_is_an_error_there, 0, ROWS);
	tcase_add_test(tests, a_payload_that_dies_while_the_host_works_is_noticed);
	tcase_add_test(tests, a_payload_that_was_dead_before_it_could_execute_is_no_success);
	tcase_add_test(tests, a_payload_killed_instead_of_executing_is_an_error_each_time);
	tcase_add_test(tests, an_executed_payload_that_ends_at_once_is_no_error);
	tcase_add_test(tests, an_executed_payload_is_alive_and_no_error);
	tcase_add_loop_test(tests, a_host_that_dies_in_a_row_ends_the_payload, 0, ROWS);
	tcase_add_test(tests, a_descriptor_travels_with_the_packet_of_its_row);
	tcase_add_test(tests, a_descriptor_that_no_row_takes_is_closed);
	tcase_add_test(tests, a_descriptor_of_a_failed_row_is_closed);
	tcase_add_loop_test(tests, a_row_that_cannot_be_told_is_an_error_on_both_sides, 0, 2);
	tcase_add_test(tests, a_thread_that_may_not_be_placed_runs_anyway);
	tcase_add_test(tests, a_packet_of_another_row_is_refused);
	tcase_add_loop_test(tests, of_a_row_that_nobody_waits_for_there_is_no_packet, 0, 2);
	tcase_add_test(tests, each_row_that_was_walked_has_a_line_of_timing);
	tcase_add_test(tests, undo_runs_backwards_over_every_row_done_or_not);
	tcase_add_loop_test(tests, undo_goes_on_past_failures_and_tells_the_first, 0, 32);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
