/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/affinity.h"
#include "os/process.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"

#define ROW_TIMEOUT_MS 60000	/* of the payload, in each row */
#define HOST_TIMEOUT_MS 120000	/* of all that the payload waits for at once; a host that gives up ends the connection */

#define PF_EXITING 0x4
#define PF_FORKNOEXEC 0x40

/* Is a child of ours, not reaped yet, on its way out without having executed anything? The kernel sets the first flag
 * (field 9 of /proc/PID/stat, proc(5)) before it closes a dying process's files, so after the end of a connection it cannot
 * be missed; that the process has ended is told only later. It takes the second one away in execve(2): an init that ends at
 * once was started. */
static bool died_before_exec(pid_t pid)
{
	const unsigned long both = PF_EXITING | PF_FORKNOEXEC;
	auto_free char *stat = NULL;
	char path[40], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file_at(AT_FDCWD, path, 65536, &stat, NULL) < 0)
		return true;
	p = strrchr(stat, ')');
	for (int field = 2; p && field < 9; field++)
		p = strchr(p + 1, ' ');
	return !p || (strtoul(p + 1, NULL, 10) & both) == both;
}

/* After the row that executes, the end of the connection is success, unless the payload was killed in that very
 * instant. */
static int after_exec(const struct launch *launch, struct error *err)
{
	if (launch->pid > 0 && died_before_exec(launch->pid))
		return fail(err, 0, "the container's first process was killed");
	return 0;
}

/* One walk. What is below the lock is shared by HOST and BESIDE. */
struct walk {
	const struct step *steps;
	size_t n, clone;
	enum side side;
	struct launch *launch;
	uint64_t began, began_payload;	/* microseconds; the second of HOST and after the first */
	size_t awaited;		/* rows of the other process above this one are known to be done */
	size_t heard;		/* it has told that all of its rows above this one are */

	pthread_t thread;
	bool has_thread, had_thread;	/* one for the whole walk */
	bool placed;		/* on a processor that is not the other one's */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t reached[2];	/* by HOST and BESIDE: all of their rows above this one are done */
	bool failed[2];
	struct error beside_error;
};

static bool applies(const struct walk *walk, size_t i)
{
	return !walk->steps[i].when || walk->steps[i].when(walk->launch->config);
}

static int name_row(const struct walk *walk, size_t i, struct error *err)
{
	return error_prefix(err, "step %zu of %zu, \"%s\"", i + 1, walk->n, walk->steps[i].name);
}

/* --- the two threads --- */

static void tell_thread(struct walk *walk, enum side side, size_t reached, bool failed)
{
	pthread_mutex_lock(&walk->lock);
	walk->reached[side] = reached;
	walk->failed[side] |= failed;
	pthread_mutex_unlock(&walk->lock);
	pthread_cond_signal(&walk->moved);	/* the other one, who would only wait again for the lock if it were still held */
}

/* False: it has failed. */
static bool await_thread(struct walk *walk, enum side other, size_t row)
{
	bool failed;

	pthread_mutex_lock(&walk->lock);
	while (walk->reached[other] < row && !walk->failed[other])
		pthread_cond_wait(&walk->moved, &walk->lock);
	failed = walk->failed[other];
	pthread_mutex_unlock(&walk->lock);
	return !failed;
}

static void note_time(struct walk *walk, size_t i, uint64_t from, uint64_t took)
{
	static const char *const names[] = { [HOST] = "host", [BESIDE] = "beside", [PAYLOAD] = "payload" };

	if (!walk->launch->timing)
		return;
	pthread_mutex_lock(&walk->lock);
	text_add(walk->launch->timing, "%8.3f ms  +%7.3f  %-7s  %s\n", (double)from / 1000, (double)took / 1000,
		 names[walk->steps[i].side], walk->steps[i].name);
	pthread_mutex_unlock(&walk->lock);
}

/* Whether the other process waits for a row of one process: to take what it sends, or in a row that joins before the next one is done,
 * which says the same of this one. Each packet wakes whoever waits for a later one. */
static bool is_told(const struct walk *walk, size_t i)
{
	enum side own = walk->steps[i].side;

	if (walk->steps[i].take || walk->launch->tells_all)
		return true;
	for (size_t k = i + 1; k < walk->n; k++) {
		if (!applies(walk, k) || walk->steps[k].side == BESIDE)
			continue;
		if (walk->steps[k].side == own)
			return false;
		if (walk->steps[k].joins)
			return true;
	}
	return false;
}

static int run_own(struct walk *walk, size_t i, struct error *err)
{
	const struct step *step = &walk->steps[i];
	struct launch *launch = walk->launch;
	uint64_t before = now_usec();
	/* one of them tells the clone, which hears the rows in their order */
	int peer = step->side == BESIDE ? -1 : launch->peer;
	struct row_time time;
	int told = 0, r;

	if (step->side != BESIDE)
		launch->send_fd = -1;
	if (step->side == PAYLOAD && launch->payload_at)
		*launch->payload_at = (uint32_t)i;
	r = step->run(launch, err);
	time = (struct row_time){ (uint32_t)(before - walk->began), (uint32_t)(now_usec() - before) };
	if (peer >= 0 && (r < 0 || is_told(walk, i)))
		told = handshake_report_timed(peer, i, r < 0 ? err : NULL, launch->send_fd, &time);
	/* it would wait for that; one that is gone has said why */
	if (r >= 0 && told < 0 && told != -EPIPE && told != -ECONNRESET)
		r = fail(err, -told, "tell the other side");
	if (step->side == HOST)
		close_fd(&launch->send_fd);
	if (r < 0)
		return name_row(walk, i, err);
	if (step->clones)
		walk->began_payload = now_usec() - walk->began;
	if (walk->side == HOST)
		note_time(walk, i, time.from, time.took);
	return 0;
}

static void walk_beside(struct walk *walk)
{
	for (size_t i = 0; i < walk->n; i++) {
		if (walk->steps[i].side != BESIDE || !applies(walk, i))
			continue;
		tell_thread(walk, BESIDE, i, false);
		if (walk->steps[i].joins && !await_thread(walk, HOST, i))
			return;
		if (run_own(walk, i, &walk->beside_error) < 0) {
			tell_thread(walk, BESIDE, i, true);
			return;
		}
	}
	tell_thread(walk, BESIDE, walk->n, false);
}

static void *beside_main(void *arg)
{
	struct walk *walk = arg;

	if (walk->placed)
		affinity_free();
	walk_beside(walk);
	return NULL;
}

static int have_thread(struct walk *walk, struct error *err)
{
	pthread_attr_t attr;
	cpu_set_t others;
	int r;

	if (walk->had_thread)
		return 0;
	pthread_attr_init(&attr);
	walk->placed = affinity_others(&others) && pthread_attr_setaffinity_np(&attr, sizeof(others), &others) == 0;
	r = pthread_create(&walk->thread, &attr, beside_main, walk);
	pthread_attr_destroy(&attr);
	/* a filter of system calls forbids to place it (SystemCallFilter=~@resources, systemd.exec(5)), or a cpuset has changed */
	if (r != 0 && walk->placed) {
		walk->placed = false;
		r = pthread_create(&walk->thread, NULL, beside_main, walk);
	}
	if (r != 0)
		return fail(err, r, "make a thread");
	walk->has_thread = walk->had_thread = true;
	return 0;
}

static void end_thread(struct walk *walk)
{
	if (walk->has_thread)
		pthread_join(walk->thread, NULL);
	walk->has_thread = false;
}

/* HOST: the thread's rows above this one. */
static int join_thread(struct walk *walk, size_t row, struct error *err)
{
	if (!walk->has_thread)
		return 0;
	if (!await_thread(walk, BESIDE, row)) {
		*err = walk->beside_error;
		return -err->code;
	}
	if (walk->reached[BESIDE] == walk->n)	/* by nobody else any more */
		end_thread(walk);
	return 0;
}

/* --- the two processes --- */

static bool is_other(const struct walk *walk, size_t i)
{
	return walk->steps[i].side == (walk->side == HOST ? PAYLOAD : HOST) && applies(walk, i);
}

/* The row that the other one tells next, of those from `i` on; the last one, which executes, where it tells no more. */
static size_t next_told(const struct walk *walk, size_t i)
{
	size_t last = i;

	for (; i < walk->n; i++) {
		if (!is_other(walk, i))
			continue;
		if (is_told(walk, i))
			return i;
		last = i;
	}
	return last;
}

/* Where the payload was that says no more, at `i` or below; else what was wanted of it. It is its own word, which tells nothing but a
 * name. */
static size_t payload_at(const struct walk *walk, size_t i, size_t wanted)
{
	size_t at;

	if (walk->side != HOST || !walk->launch->payload_at)
		return wanted;
	at = *walk->launch->payload_at;
	return at > i && at < walk->n && is_other(walk, at) ? at : i;
}

/* The next packet, which says that all rows before its own are done. *row: one that is not known to be done; the one that this is
 * about, HANDSHAKE_NOTHING when there was none. */
static int hear_packet(struct walk *walk, size_t *row, int timeout_ms, struct error *err)
{
	struct launch *launch = walk->launch;
	size_t i = *row, wanted = next_told(walk, i);
	struct row_time time;
	int fd, r;

	*row = wanted;
	r = handshake_await_timed(launch->peer, row, timeout_ms, &fd, &time, err);
	if (*row == HANDSHAKE_NOTHING)
		return r;
	if (*row >= walk->n || !is_other(walk, *row))
		*row = wanted;
	if (r == HANDSHAKE_CLOSED)
		*row = payload_at(walk, i, wanted);
	if (r != HANDSHAKE_DONE)
		return r;
	walk->heard = *row + 1;
	if (fd >= 0 && walk->steps[*row].take)
		walk->steps[*row].take(launch, fd);
	else
		close_fd(&fd);
	note_time(walk, *row, walk->began_payload + time.from, time.took);
	return r;
}

static int await_packet(struct walk *walk, size_t first, struct error *err)
{
	size_t row, at, before;
	int r;

	do {
		before = payload_at(walk, first, first);
		row = first;
		*err = (struct error)ERROR_NONE;
		r = hear_packet(walk, &row, walk->side == HOST ? ROW_TIMEOUT_MS : HOST_TIMEOUT_MS, err);
		at = payload_at(walk, first, first);
	} while (row == HANDSHAKE_NOTHING && at != before);
	if (row == HANDSHAKE_NOTHING)
		row = at;
	if (r == HANDSHAKE_CLOSED) {
		walk->heard = walk->n;
		r = walk->steps[row].execs ? after_exec(walk->launch, err) : fail(err, 0, "the other side of the start is gone");
	}
	return r < 0 ? name_row(walk, row, err) : 0;
}

/* The other process's rows above this one. */
static int join_process(struct walk *walk, size_t row, struct error *err)
{
	for (; walk->awaited < row; walk->awaited++)
		if (walk->awaited >= walk->heard && is_other(walk, walk->awaited) &&
		    await_packet(walk, walk->awaited, err) < 0)
			return -err->code;
	return 0;
}

/* HOST has failed, perhaps at what it wanted of a payload that had ended by then: what that said first is the reason. */
static void prefer_payload_error(struct walk *walk, struct error *err)
{
	struct pollfd said = { .fd = walk->launch->peer, .events = POLLIN };

	for (; walk->awaited < walk->n && said.fd >= 0; walk->awaited++) {
		struct error why = ERROR_NONE;
		size_t row = walk->awaited;
		int r;

		if (row < walk->heard || !is_other(walk, row))
			continue;
		if (poll(&said, 1, 0) <= 0)
			return;
		r = hear_packet(walk, &row, 0, &why);
		if (r == HANDSHAKE_DONE)
			continue;
		if (r < 0 && row != HANDSHAKE_NOTHING) {
			name_row(walk, row, &why);
			*err = why;
		}
		return;
	}
}

static size_t clone_row(const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].clones)
			return i;
	return 0;
}

static size_t row_named(const struct walk *walk, const char *name)
{
	size_t i = 0;

	while (i < walk->n && strcmp(walk->steps[i].name, name) != 0)
		i++;
	return i;
}

/* One row, on HOST or PAYLOAD. */
static int pass_row(struct walk *walk, size_t i, struct error *err)
{
	const struct step *step = &walk->steps[i];

	if (step->side == BESIDE)
		return walk->side == HOST ? have_thread(walk, err) : 0;
	if (step->side != walk->side)
		return step->take ? join_process(walk, i + 1, err) : 0;
	if (walk->side == HOST)
		tell_thread(walk, HOST, i, false);
	/* whoever hears of this row takes what the thread had to do before it for done */
	if ((step->joins || (walk->side == HOST && i > walk->clone)) && join_thread(walk, i, err) < 0)
		return -err->code;
	if (step->follows && join_thread(walk, row_named(walk, step->follows) + 1, err) < 0)
		return -err->code;
	if (step->joins && join_process(walk, i, err) < 0)
		return -err->code;
	return run_own(walk, i, err);
}

/* For the name of a row in which it ends without a word. */
static void watch_payload(struct launch *launch)
{
	void *memory = mmap(NULL, sizeof(*launch->payload_at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	launch->payload_at = memory == MAP_FAILED ? NULL : memory;
	launch->tells_all = launch->timing != NULL;
}

static void unwatch_payload(struct launch *launch)
{
	if (launch->payload_at)
		munmap((void *)launch->payload_at, sizeof(*launch->payload_at));
	launch->payload_at = NULL;
}

int steps_run(const struct step *steps, size_t n, enum side side, struct launch *launch,
	      struct error *err)
{
	size_t clone = clone_row(steps, n);
	struct walk walk = {
		.steps = steps, .n = n, .clone = clone, .side = side, .launch = launch, .began = now_usec(), .awaited = clone + 1,
		.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER,
	};
	int r = 0;

	if (side == HOST)
		watch_payload(launch);
	for (size_t i = side == HOST ? 0 : clone + 1; i < n && r >= 0; i++)
		if (applies(&walk, i))
			r = pass_row(&walk, i, err);
	tell_thread(&walk, HOST, n, r < 0);
	if (r >= 0)
		r = join_thread(&walk, n, err);
	end_thread(&walk);
	if (side != HOST)
		return r < 0 ? -err->code : 0;
	if (r >= 0)
		r = join_process(&walk, n, err);
	else
		prefer_payload_error(&walk, err);
	unwatch_payload(launch);
	return r < 0 ? -err->code : 0;
}

int steps_undo(const struct step *steps, size_t n, const struct container *container,
	       const struct container_state *state, struct error *err)
{
	struct error first = ERROR_NONE;

	for (size_t i = n; i-- > 0;) {
		struct error one = ERROR_NONE;

		if (!steps[i].undo || steps[i].undo(container, state, &one) >= 0 || first.code)
			continue;
		error_prefix(&one, "undo \"%s\"", steps[i].name);
		first = one;
	}
	if (!first.code)
		return 0;
	*err = first;
	return -first.code;
}
