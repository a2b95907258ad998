/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/fdpass.h"
#include "os/notify.h"
#include "os/sealed.h"
#include "os/systemd.h"
#include "runtime/handshake.h"
#include "runtime/launch.h"
#include "runtime/limits.h"
#include "runtime/settle.h"
#include "runtime/stop.h"
#include "runtime/supervise.h"
#include "runtime/undo.h"
#include "rows.h"
#include "start_parts.h"

#define STARTER "starter"	/* the socket of a command that waits */
#define GROUP "group"
#define SAY_MS 15000
#define GONE_MS 5000
#define LOCK_MS 100
#define STOP_MORE_USEC 90000000ULL	/* beyond the time that init has: to kill, unmount and tell others */
#define HELLO_MS 10000

char *unit_name(const struct container *container)
{
	const char *suffix = container->install->suffix;

	return xasprintf("sysct%s%s@%s.service", *suffix ? "-" : "", suffix, container->name);
}

bool unit_reachable(const struct install *install)
{
	return systemd_reachable(install->libexec_dir);
}

char *unit_group(const struct container *container)
{
	auto_free char *path = xasprintf("%s/%s/" GROUP, container->install->run_dir, container->name);
	char target[512];
	ssize_t n = readlink(path, target, sizeof(target));

	return n > 0 && (size_t)n < sizeof(target) ? xstrndup(target, (size_t)n) : NULL;
}

/* --- limits, in systemd's words --- */

static void add_number(struct strings *ret, const char *name, uint64_t value, uint64_t factor)
{
	if (value == CGROUP_LIFT)
		strings_add_take(ret, xasprintf("+%s=infinity", name));
	else if (value != CGROUP_KEEP)
		strings_add_take(ret, xasprintf("+%s=%llu", name, (unsigned long long)(value * factor)));
}

/* The rule of a boot before names another loop device: all of them go. */
static void add_disk(struct strings *ret, const char *name, uint64_t value, dev_t disk)
{
	if (value == CGROUP_KEEP)
		return;
	strings_add_take(ret, xasprintf("+%s=", name));
	if (value != CGROUP_LIFT && disk)
		strings_add_take(ret, xasprintf("+%s=/dev/loop%u %llu", name, minor(disk), (unsigned long long)value));
}

static void add_limits(struct strings *ret, const struct cgroup_limits *limits)
{
	add_number(ret, "MemoryMax", limits->memory, 1);
	add_number(ret, "MemorySwapMax", limits->swap, 1);
	add_number(ret, "CPUQuotaPerSecUSec", limits->cpus, 1000);
	add_number(ret, "CPUWeight", limits->cpu_weight, 1);
	add_number(ret, "TasksMax", limits->tasks, 1);
	add_number(ret, "IOWeight", limits->io_weight, 1);
	add_disk(ret, "IOReadBandwidthMax", limits->io_read, limits->disk);
	add_disk(ret, "IOWriteBandwidthMax", limits->io_write, limits->disk);
	if (limits->cpuset)
		strings_add_take(ret, xasprintf("+AllowedCPUs=%s", limits->cpuset));
}

/* A unit that a file describes keeps what was said last until the next boot, in a drop-in of this name. */
static bool was_said(const struct container *c, const char *property)
{
	auto_free char *unit = unit_name(c), *path = NULL;

	path = xasprintf("/run/systemd/system.control/%s.d/50-%s.conf", unit,
			 strcmp(property, "CPUQuotaPerSecUSec") == 0 ? "CPUQuota" : property);
	return access(path, F_OK) == 0;
}

/* Of a start: what is given, what is automatic, and the end of what was said at an earlier one. */
static void add_all_limits(struct strings *ret, const struct container *c)
{
	struct cgroup_limits limits, automatic;

	limits_of(&c->config, NULL, &limits);
	limits_defaults(&c->config, &automatic);
	const struct {
		const char *property;
		uint64_t *value, automatic;
	} all[] = {
		{ "MemoryMax", &limits.memory, automatic.memory },
		{ "MemorySwapMax", &limits.swap, automatic.swap },
		{ "TasksMax", &limits.tasks, automatic.tasks },
		{ "CPUQuotaPerSecUSec", &limits.cpus, automatic.cpus },
		{ "CPUWeight", &limits.cpu_weight, automatic.cpu_weight },
		{ "IOWeight", &limits.io_weight, automatic.io_weight },
		{ "IOReadBandwidthMax", &limits.io_read, CGROUP_KEEP },
		{ "IOWriteBandwidthMax", &limits.io_write, CGROUP_KEEP },
	};
	/* these are said when the disk is known */
	limits.io_read = limits.io_write = CGROUP_KEEP;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (*all[i].value == CGROUP_KEEP)
			*all[i].value = all[i].automatic;
		if (*all[i].value == CGROUP_KEEP && was_said(c, all[i].property))
			*all[i].value = CGROUP_LIFT;
	}
	if (!limits.cpuset && was_said(c, "AllowedCPUs"))
		limits.cpuset = "";
	add_limits(ret, &limits);
}

static int say_limits(const struct container *c, const struct strings *properties, struct error *err)
{
	auto_strings struct strings words = STRINGS_EMPTY;

	strings_add_take(&words, unit_name(c));
	for (size_t i = 0; i < properties->n; i++)
		strings_add(&words, properties->items[i] + 1);	/* without its '+' */
	if (systemd_say(c->install->libexec_dir, "set", &words, SAY_MS, err) < 0)
		return error_prefix(err, "limit the unit %s", words.items[0]);
	return 0;
}

int unit_set_limits(const struct container *container, const struct cgroup_limits *limits, struct error *err)
{
	auto_free char *group = unit_group(container);
	auto_strings struct strings properties = STRINGS_EMPTY;

	add_limits(&properties, limits);
	return group && properties.n ? say_limits(container, &properties, err) : 0;
}

int unit_begin_limits(const struct container *container, struct error *err)
{
	auto_free char *group = unit_group(container);
	auto_strings struct strings properties = STRINGS_EMPTY;

	add_all_limits(&properties, container);
	return group ? say_limits(container, &properties, err) : 0;
}

/* --- machined --- */

#define MACHINE "machine"	/* in the state: how machined knows it */
#define MACHINE_MOST 64		/* machine_name_is_valid() of systemd */
#define HEAR_MS 3000

/* NULL: longer than machined takes. */
static char *machine_name(const struct container *c)
{
	const char *suffix = c->install->suffix;
	auto_free char *name = xasprintf("%s%s%s", c->name, *suffix ? "-" : "", suffix);

	return strlen(name) <= MACHINE_MOST ? take_ptr(&name) : NULL;
}

/* Only one in a unit of its own: machined takes the leader's unit for the machine, and ends the one with the other. */
int host_tell_machined(struct launch *launch, struct error *err)
{
	const struct container *c = launch->container;
	auto_free char *group = unit_group(c), *name = group && systemd_has_machined() ? machine_name(c) : NULL;
	auto_strings struct strings words = STRINGS_EMPTY;
	const struct record *more = &launch->state->more;
	struct error ignored = ERROR_NONE;

	if (!name)
		return 0;
	record_set(&launch->state->more, MACHINE, name);
	if (state_save(c->install->run_dir, c->name, launch->state, err) < 0)
		return -err->code;
	strings_add(&words, name);
	strings_add(&words, c->uuid);
	strings_add_take(&words, xasprintf("%d", (int)launch->pid));
	for (size_t i = 0; i < more->keys.n; i++) {
		unsigned int link = strcmp(more->keys.items[i], "link") == 0 ? if_nametoindex(more->values.items[i]) : 0;

		if (link)
			strings_add_take(&words, xasprintf("%u", link));
	}
	launch->machine = systemd_begin(c->install->libexec_dir, "register", &words, &launch->machine_output, &ignored);
	if (launch->machine < 0)
		launch->machine = 0;
	return 0;
}

/* A convenience: that a container is not known there is no reason not to start it. */
int host_hear_machined(struct launch *launch, struct error *err)
{
	struct pollfd poll_fd = { .fd = launch->machine_output, .events = POLLIN };
	struct error why = ERROR_NONE;

	(void)err;
	if (!launch->machine)
		return 0;
	if (poll(&poll_fd, 1, HEAR_MS) == 0)
		kill(launch->machine, SIGKILL);	/* our child, not reaped yet */
	if (systemd_finish(launch->machine, &launch->machine_output, &why) < 0 && why.code != ENOTCONN)
		record_setf(&launch->state->more, MORE_NOTE, "machined does not know it: %.200s", why.message);
	launch->machine = 0;
	return 0;
}

int host_forget_machined(const struct container *container, const struct container_state *state, struct error *err)
{
	const char *name = record_get(&state->more, MACHINE);
	auto_strings struct strings words = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;

	(void)err;
	if (!name || !unit_reachable(container->install))
		return 0;
	strings_add(&words, name);
	/* machined forgets it anyway when the unit has ended */
	systemd_say(container->install->libexec_dir, "unregister", &words, HEAR_MS, &ignored);
	return 0;
}

/* --- the unit, as the command that starts it sees it --- */

/* sysct, its global options, and what it is to do. */
static char *command_line(const struct container *c, const char *verb)
{
	const struct install *i = c->install;
	auto_strings struct strings words = STRINGS_EMPTY;

	strings_add_take(&words, program_path());
	if (i->config_given) {
		strings_add(&words, "--config");
		strings_add(&words, i->config);
	}
	const char *const dirs[] = { "--state-dir", i->state_dir, "--run-dir", i->run_dir, "--cache-dir", i->cache_dir };
	for (size_t k = 0; k < ARRAY_SIZE(dirs); k++)
		strings_add(&words, dirs[k]);
	strings_add(&words, ".unit");
	strings_add(&words, verb);
	strings_add(&words, c->name);
	return strings_join(&words, "\x1f");
}

/* The same as config/systemd/sysct@.service says, for which only the limits count. */
static void describe(struct strings *ret, const struct container *c)
{
	static const char *const fixed[] = {
		"Type=notify", "NotifyAccess=all", "ExitType=cgroup", "Delegate=yes", "Slice=machine.slice", "KillMode=mixed",
		"CollectMode=inactive-or-failed", "OOMPolicy=continue", "SuccessExitStatus=9", "After=network.target",
		"After=dbus.service", "After=systemd-machined.service", "Before=sysct.service",
	};
	static const char *const kept[] = { "SYSCT_LIBEXEC_DIR", "SYSCT_DATA_DIR" };
	auto_free char *run = command_line(c, "run"), *stop = command_line(c, "stop");
	const char *suffix = c->install->suffix;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strings_add(ret, fixed[i]);
	strings_add_take(ret, xasprintf("After=sysct-dns%s%s.scope", *suffix ? "-" : "", suffix));
	strings_add_take(ret, xasprintf("Description=sysct container %s", c->name));
	strings_add_take(ret, xasprintf("ExecStart=%s", run));
	strings_add_take(ret, xasprintf("ExecStop=%s", stop));
	strings_add(ret, "TimeoutStartUSec=infinity");
	strings_add_take(ret, xasprintf("TimeoutStopUSec=%llu", STOP_MORE_USEC));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strings_add_take(ret, xasprintf("Environment=%s=%s", kept[i], getenv(kept[i])));
	add_all_limits(ret, c);
}

static int listen_at(const struct container *c, struct error *err)
{
	auto_free char *path = launch_run_dir(c);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -errno : unix_listen(dir, STARTER);

	return fd < 0 ? fail(err, -fd, "listen on %s/" STARTER, path) : fd;
}

static void unlink_starter(const struct container *c)
{
	auto_free char *path = launch_run_dir(c), *name = xasprintf("%s/" STARTER, path);

	unlink(name);
}

/* Wait until the process in the unit comes. Its connection; 0: sysct-bus has ended first. */
static int await_process(int listener, int output, struct error *err)
{
	struct pollfd fds[2] = { { .fd = listener, .events = POLLIN }, { .fd = output, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, 1000) > 0) {
			int fd;

			if (!fds[0].revents)
				return 0;
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			return fd < 0 ? fail(err, errno, "accept") : fd;
		}
		if (interrupt_check(err) < 0)
			return -err->code;
	}
}

static int greet(int connection, const struct wish *wish, struct error *err)
{
	const char hello = wish->timed ? 't' : 'n';
	int r = fd_send(connection, &hello, 1, wish->client, wish->client ? 2 : 0);

	return r < 0 ? fail(err, -r, "speak with the process in the unit") : 0;
}

static int judge_absence(const struct container *c, const char *unit, int r, struct error *err)
{
	if (r == -ENOTCONN) {
		log_debug("%s: no unit: %s", c->name, err->message);
		*err = (struct error)ERROR_NONE;
		return 1;
	}
	if (r == 0)
		fail(err, 0, "its unit %s is active, and the container is not", unit);
	return error_hint(err, "systemctl status %s tells more; systemctl stop %s ends what is left", unit, unit);
}

/* Have systemd start the unit. Returns the connection of the process in it, 0 when that was not executed: then *ret_result is
 * what sysct-bus said. Else it still runs. */
static int begin_unit(const struct container *c, const struct strings *words, int listener, pid_t *ret_pid, int *ret_output,
		      int *ret_result, struct error *err)
{
	int r;

	*ret_pid = systemd_begin(c->install->libexec_dir, "start", words, ret_output, err);
	if (*ret_pid < 0)
		return *ret_pid;
	r = await_process(listener, *ret_output, err);
	if (r == 0)
		*ret_result = systemd_finish(*ret_pid, ret_output, err);
	return r;
}

/* systemd hears a little later than we that the last process of a run has ended: until then the unit is active, and
 * to start it is to do nothing. */
static int begin_patiently(const struct container *c, const struct strings *words, int listener, pid_t *ret_pid,
			   int *ret_output, int *ret_result, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t end = now_usec() + GONE_MS * 1000;

	for (;;) {
		int r = begin_unit(c, words, listener, ret_pid, ret_output, ret_result, err);

		if (r != 0 || *ret_result != 0 || now_usec() > end)
			return r;
		nanosleep(&pause, NULL);
		if (interrupt_check(err) < 0)
			return -err->code;
	}
}

int unit_start(struct container *c, struct container_state *state, const struct wish *wish, struct error *err)
{
	auto_free char *unit = unit_name(c);
	auto_strings struct strings words = STRINGS_EMPTY;
	auto_close int listener = listen_at(c, err), connection = -1;
	struct error ignored = ERROR_NONE;
	int output = -1, result = 0, r;
	pid_t pid;

	(void)state;
	if (listener < 0)
		return listener;
	strings_add(&words, unit);
	describe(&words, c);
	connection = begin_patiently(c, &words, listener, &pid, &output, &result, err);
	if (connection == 0) {
		connection = -1;
		return judge_absence(c, unit, result, err);
	}
	close_fd(&listener);
	unlink_starter(c);
	r = connection < 0 ? connection : greet(connection, wish, err);
	if (r == 0)
		r = start_await_verdict(c, connection, start_timeout_ms(c), err);
	if (output < 0)
		return r;
	if (r < 0)
		kill(pid, SIGKILL);	/* our child, not reaped yet */
	/* until systemd says that it is active; whether it still is then is not ours to judge */
	systemd_finish(pid, &output, &ignored);
	return r;
}

void unit_enter_again(const struct container *container, const struct container_state *state)
{
	auto_free char *group = unit_group(container);
	const char *socket = record_get(&state->more, MORE_UNIT_NOTIFY);
	struct error err = ERROR_NONE;

	if (!group || !socket)
		return;
	if (cgroup_enter_supervisor(group, &err) < 0) {
		log_debug("%s: %s", container->name, err.message);
		return;
	}
	setenv(UNIT_NOTIFY, socket, 1);
}

void unit_tell_main(pid_t holder)
{
	auto_free char *text = xasprintf("MAINPID=%d", (int)holder);

	notify_send_to(getenv(UNIT_NOTIFY), text);
}

void unit_wait_gone(const char *group)
{
	auto_free char *own = cgroup_own_unit();

	if (own && strcmp(own, group) == 0)
		return;
	if (!cgroup_wait_unit_gone(group, GONE_MS))
		log_debug("systemd still has %s", group);
}

/* --- in the unit --- */

static int note_group(const struct container *c, const char *group, struct error *err)
{
	auto_free char *dir = launch_run_dir(c), *path = xasprintf("%s/" GROUP, dir);

	unlink(path);
	return symlink(group, path) < 0 ? fail(err, errno, "make %s", path) : 0;
}

/* The command that waits, if one does: its connection, else -1. */
static int find_command(const struct install *install, const char *name, bool *timed, int client[2])
{
	auto_free char *path = xasprintf("%s/%s", install->run_dir, name);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int connection = dir < 0 ? -1 : unix_connect(dir, STARTER);
	struct pollfd poll_fd = { .fd = connection, .events = POLLIN };
	size_t n = 2;
	char hello;

	if (connection < 0 || poll(&poll_fd, 1, HELLO_MS) <= 0 ||
	    fd_receive(connection, &hello, 1, client, &n) != 1)
		return -1;
	if (n != 2)
		client[0] = client[1] = -1;
	*timed = hello == 't';
	return take_fd(&connection);
}

/* A fork of us that does what the command does which waits for a start. It has the lock. */
static void watch_start(struct container *c, struct container_state *state, int verdict)
{
	struct error err = ERROR_NONE;

	if (start_await_verdict(c, verdict, start_timeout_ms(c), &err) < 0)
		start_clean_up(c, state);
	_exit(0);
}

static int start_alone(struct container *c, struct container_state *state, const char *group, struct error *err)
{
	struct wish wish = { .report = fcntl(2, F_DUPFD_CLOEXEC, 64) };
	struct error ignored = ERROR_NONE;
	int pair[2];
	pid_t pid;

	if (start_prepare(c, state, err) < 0)
		return -err->code;
	if (note_group(c, group, err) < 0 || unit_begin_limits(c, err) < 0 || handshake_pair(pair, err) < 0) {
		container_undo(c, state, &ignored);
		return -err->code;
	}
	pid = fork();
	if (pid < 0) {
		fail(err, errno, "fork");
		close(pair[0]);
		close(pair[1]);
		container_undo(c, state, &ignored);
		return -err->code;
	}
	if (pid == 0) {
		close(pair[1]);
		watch_start(c, state, pair[0]);
	}
	close(pair[0]);
	start_hold(c, state, pair[1], &wish);
}

static int start_for_command(struct container *c, struct container_state *state, const char *group, int verdict, bool timed,
			     const int client[2], struct error *err)
{
	const struct wish wish = { .timed = timed, .client = client[0] >= 0 ? client : NULL,
				   .report = fcntl(2, F_DUPFD_CLOEXEC, 64) };

	if (container_open(c->install, c->name, false, false, c, err) < 0 ||
	    state_load(c->install->run_dir, c->name, state, NULL, err) < 0 || note_group(c, group, err) < 0) {
		handshake_report(verdict, 0, err, -1);
		return -err->code;
	}
	start_hold(c, state, verdict, &wish);
}

/* Either somebody waits for us, who has the lock, or it is ours to take. */
static int begin(const struct install *install, const char *name, const char *group, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct container c = CONTAINER_EMPTY;
	int client[2] = { -1, -1 };
	bool timed;

	state_init(&state);
	for (uint64_t end = now_usec() + 60000000;;) {
		int verdict = find_command(install, name, &timed, client), lock;

		if (verdict >= 0) {
			c.install = install;
			c.name = (char *)name;
			return start_for_command(&c, &state, group, verdict, timed, client, err);
		}
		lock = container_lock(install, name, LOCK_MS, err);
		if (lock >= 0) {
			if (container_open(install, name, false, false, &c, err) < 0)
				return -err->code;
			c.lock_fd = lock;
			return start_alone(&c, &state, group, err);
		}
		if (lock != -EBUSY || now_usec() > end)
			return lock;
		*err = (struct error)ERROR_NONE;
	}
}

static int seal(const struct install *install, const char *name, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	bool needed;

	if (container_open(install, name, false, false, &c, err) < 0)
		return -err->code;
	needed = c.config.security.privileged && !program_is_sealed();
	container_close(&c);
	return needed ? program_execute_sealed(NULL, err) : 0;
}

static int run(const struct install *install, const char *name, struct error *err)
{
	const struct container c = { .install = install, .name = (char *)name };
	auto_free char *group = cgroup_own_unit(), *unit = unit_name(&c);
	const char *socket = getenv("NOTIFY_SOCKET");

	if (!group || !text_ends(group, unit) || !socket) {
		fail_status(err, STATUS_USAGE, "this is what systemd runs in %s", unit);
		return error_hint(err, "sysct start %s starts it there", name);
	}
	if (seal(install, name, err) < 0 || cgroup_enter_supervisor(group, err) < 0)
		return -err->code;
	setenv(UNIT_NOTIFY, socket, 1);
	return begin(install, name, group, err);
}

static int report(struct error *err, const char *what, const char *name)
{
	auto_free char *who = xasprintf("%s %s", what, name);

	error_report(err, who);
	return error_exit_status(err);
}

int unit_run(const struct install *install, const char *name)
{
	struct error err = ERROR_NONE;

	run(install, name, &err);
	return report(&err, "start", name);
}

/* --- ExecStop= --- */

/* 1: there is nothing to stop, or somebody else is about to be done with it. */
static int look(const struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_free char *group = unit_group(c), *own = cgroup_own_unit();
	bool left_over;

	state_init(&state);
	if (container_peek(c, &state, &left_over, err) < 0)
		return -err->code;
	if (state.phase == PHASE_STOPPED || !group || !own || strcmp(group, own) != 0)
		return 1;
	return process_alive(&state.holder) || process_alive(&state.init) ? 0 : 1;
}

/* The command that has the lock may be one that stops it, and then waits for the unit's end, for which we must end: so we
 * look, and wait for no lock. */
static int stop(const struct install *install, const char *name, struct error *err)
{
	static bool told;

	for (;;) {
		struct container c = CONTAINER_EMPTY;
		int r, lock;

		if (container_open(install, name, false, true, &c, err) < 0)
			return err->status == STATUS_NOT_FOUND ? 0 : -err->code;
		if (!told) {
			auto_free char *more = xasprintf("EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)c.config.stop_timeout +
								 STOP_MORE_USEC);

			notify_send(more);
			told = true;
		}
		r = look(&c, err);
		lock = r == 0 ? container_lock(install, name, LOCK_MS, err) : -1;
		if (lock >= 0) {
			const struct stop_options options = { .timeout = c.config.stop_timeout };

			c.lock_fd = lock;
			r = container_stop(&c, &options, err);
			if (r < 0 && err->status == STATUS_STATE && err->code != EBUSY)
				r = 0;	/* it has ended meanwhile */
		} else if (r == 0 && lock == -EBUSY) {
			r = -EBUSY;
		}
		container_close(&c);
		if (r != -EBUSY)
			return r < 0 ? r : 0;
		*err = (struct error)ERROR_NONE;
	}
}

int unit_stop(const struct install *install, const char *name)
{
	struct error err = ERROR_NONE;

	return stop(install, name, &err) < 0 ? report(&err, "stop", name) : 0;
}
