/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "command/command.h"
#include "command/look.h"
#include "runtime/init.h"
#include "runtime/reclaim.h"
#include "runtime/settle.h"
#include "store/create.h"
#include "store/linked.h"
#include "store/rootfs.h"

#define DEFAULT_TIMEOUT_USEC 120000000ULL
#define LOOK_EVERY_NSEC 20000000

enum { O_FOR = 256, O_ALL };

enum goal { GOAL_NONE, GOAL_RUNNING, GOAL_BOOTED, GOAL_STOPPED, GOAL_ADDRESS };

static const char *const goals[] = { "", "running", "booted", "stopped", "address" };

struct wish {
	enum goal goal;
	uint64_t timeout;	/* usec */
	uint64_t end;
};

/* --- wait --- */

static bool may_have_address(const struct container *c)
{
	for (size_t i = 0; i < c->config.n_networks; i++) {
		const struct network_config *network = &c->config.networks[i];

		if (network->type == NETWORK_VETH && !strings_has(&network->address, "none"))
			return true;
	}
	return false;
}

/* 1: it is so, 0: not yet. Opened anew each time: addresses may be given and settings changed meanwhile. */
static int reached(struct context *context, const char *name, enum goal goal, struct error *err)
{
	auto_look struct look look = LOOK_EMPTY;
	bool runs;

	if (look_at(&context->install, NULL, name, &look, err) < 0)
		return -err->code;
	/* not by the state in words: a configuration file that is broken meanwhile stops nothing */
	runs = look.settled && look.run.phase == PHASE_RUNNING;
	switch (goal) {
	case GOAL_STOPPED:
		return look.settled && look.run.phase == PHASE_STOPPED;
	case GOAL_ADDRESS:
		if (look.opened && !look.container.broken && !may_have_address(&look.container)) {
			fail_status(err, STATUS_STATE, "it has no network that gives it an address");
			return error_hint(err, "sysct config get %s network.eth0.type", name);
		}
		return runs && (look.ipv4.n || look.ipv6.n);
	default:
		return runs;
	}
}

static int timed_out(const char *name, const struct wish *wish, struct error *err)
{
	char buf[32];

	fail(err, 0, "it is not %s%s after %s", wish->goal == GOAL_ADDRESS ? "in possession of an " : "",
	     goals[wish->goal], format_duration(wish->timeout, buf, sizeof(buf)));
	error_status(err, STATUS_TIMEOUT);
	return error_hint(err, "it is left as it is: sysct info %s", name);
}

static int wait_booted(struct context *context, const char *name, const struct wish *wish, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	uint64_t now = now_usec();
	int r;

	if (container_open(&context->install, name, false, true, &c, err) < 0)
		return -err->code;
	r = init_wait_booted(&c, now < wish->end ? (int)((wish->end - now) / 1000) : 0, NULL, NULL, err);
	container_close(&c);
	return r < 0 && err->status == STATUS_TIMEOUT ? timed_out(name, wish, err) : r;
}

static int wait_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const struct wish *wish = arg;

	for (;;) {
		struct timespec pause = { .tv_nsec = LOOK_EVERY_NSEC };
		int r;

		container_adopt(&context->install, name);
		if (wish->goal == GOAL_STOPPED)
			container_bury(&context->install, name);
		r = reached(context, name, wish->goal, err);

		if (r < 0 || (r > 0 && wish->goal != GOAL_BOOTED))
			return r;
		if (r > 0)
			return wait_booted(context, name, wish, err);
		if (interrupt_check(err) < 0)
			return -err->code;
		if (now_usec() >= wish->end)
			return timed_out(name, wish, err);
		nanosleep(&pause, NULL);
	}
}

static int parse_goal(const struct command *self, const char *text, enum goal *ret, struct error *err)
{
	const char *near = nearest_of(text, goals + 1, ARRAY_SIZE(goals) - 1);

	for (size_t i = 1; i < ARRAY_SIZE(goals); i++) {
		if (strcmp(text, goals[i]) == 0) {
			*ret = (enum goal)i;
			return 0;
		}
	}
	return command_usage(self, err, "--for is running, booted, stopped or address, not \"%s\"%s%s%s", text,
			     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int command_wait(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, O_FOR }, { "timeout", required_argument, NULL, 't' },
		{ "all", no_argument, NULL, O_ALL },	   { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("wait");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct wish wish = { .timeout = DEFAULT_TIMEOUT_USEC };
	bool all = false;
	int c;

	while ((c = command_option(self, argc, argv, "ht:", options, err)) >= 0) {
		all |= c == O_ALL;
		if (c == O_FOR && parse_goal(self, optarg, &wish.goal, err) < 0)
			return -err->code;
		if (c == 't' && (parse_duration(optarg, &wish.timeout) < 0 || wish.timeout > 7 * 86400000000ULL))
			return command_usage(self, err, "--timeout %s is no duration up to 7d, such as 30s", optarg);
	}
	if (c != -1 || command_names(self, context, all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	if (wish.goal == GOAL_NONE)
		return command_usage(self, err, "--for what? running, booted, stopped or address");
	context->name = names.n == 1 ? argv[optind] : NULL;
	wish.end = now_usec() + wish.timeout;
	return command_each(self, context, &names, wait_one, &wish);
}

/* --- trim --- */

static int trim(struct container *c, const struct container_state *state, struct error *err)
{
	uint64_t ignored;

	return state->phase == PHASE_STOPPED ? store_trim(c, &ignored, err) : reclaim_running(c, state, 0, err);
}

/* What the file system says it gave counts what had been given before, too: the image tells more. */
static int trim_image(struct container *c, const struct container_state *state, struct error *err)
{
	uint64_t virtual, before, after;
	char gained[32], left[32];

	rootfs_usage(c, &virtual, &before);
	if (trim(c, state, err) < 0)
		return -err->code;
	rootfs_usage(c, &virtual, &after);
	printf("%s: %s given back, %s in use\n", c->name,
	       format_size(before > after ? before - after : 0, gained, sizeof(gained)),
	       format_size(after, left, sizeof(left)));
	return 0;
}

static int trim_one(struct context *context, const char *name, void *arg, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct container c = CONTAINER_EMPTY;
	int r;

	(void)arg;
	state_init(&state);
	if (container_open(&context->install, name, true, false, &c, err) < 0)
		return -err->code;
	r = container_settle(&c, &state, err);
	if (r == 0 && c.config.rootfs.directory)
		log_note("trim %s: it stands in a directory, whose space is the host's own", name);
	else if (r == 0 && state.phase != PHASE_STOPPED && linked_is(&c) && rootfs_discards(&c))
		log_note("trim %s: what is deleted in a linked one that runs is given back by itself", name);
	else if (r == 0)
		r = trim_image(&c, &state, err);
	container_close(&c);
	return r;
}

int command_trim(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, O_ALL },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("trim");
	auto_strings struct strings names = STRINGS_EMPTY;
	bool all = false;
	int c;

	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0)
		all |= c == O_ALL;
	if (c != -1 || command_names(self, context, all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	return command_each(self, context, &names, trim_one, NULL);
}
