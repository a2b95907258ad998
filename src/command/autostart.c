/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* autostart - start, or stop, what is marked for it, in its order. For whatever runs when the host boots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "command/command.h"
#include "runtime/settle.h"
#include "runtime/start.h"
#include "runtime/stop.h"

enum { O_ALL = 256, O_STOP };

struct wish {
	bool stop, all, timeout_given;
	uint64_t timeout;
	uint64_t rest;		/* usec to wait before the next start */
};

struct entry {
	char *name;
	uint64_t priority;
};

struct entries {
	struct entry *items;
	size_t n;
};

static void entries_done(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		free(entries->items[i].name);
	free(entries->items);
}

/* --- who, and in which order --- */

/* The highest priority first, those of the same by name. */
static int in_order(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority > right->priority ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* One whose configuration is broken may be meant: that is said, and counts as a failure. A stop takes it along when it
 * takes all. */
static int consider(struct context *context, const char *name, const struct wish *wish, struct entries *ret,
		    struct error *err)
{
	struct container c = CONTAINER_EMPTY;

	if (container_open(&context->install, name, false, wish->stop && wish->all, &c, err) < 0)
		return err->status == STATUS_NOT_FOUND ? 0 : -err->code;	/* gone meanwhile */
	if (c.config.autostart || wish->all) {
		ret->items = xrealloc(ret->items, (ret->n + 1) * sizeof(*ret->items));
		ret->items[ret->n++] = (struct entry){ xstrdup(name), c.config.autostart_priority };
	}
	container_close(&c);
	return 0;
}

/* Returns the worst status, or -errno. */
static int collect(const struct command *self, struct context *context, const struct wish *wish, struct entries *ret,
		   struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	int worst = 0;

	if (container_names(&context->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *who = xasprintf("%s %s", self->name, names.items[i]);
		struct error why = ERROR_NONE;

		if (consider(context, names.items[i], wish, ret, &why) >= 0)
			continue;
		error_report(&why, who);
		if (error_exit_status(&why) > worst)
			worst = error_exit_status(&why);
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), in_order);
	return worst;
}

/* --- what is done with each --- */

static int pause_before(struct wish *wish, struct error *err)
{
	uint64_t end = now_usec() + wish->rest;

	for (uint64_t now = now_usec(); now < end; now = now_usec()) {
		uint64_t left = end - now > 1000000 ? 1000000 : end - now;
		struct timespec pause = { .tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000 };

		if (interrupt_check(err) < 0)
			return -err->code;
		nanosleep(&pause, NULL);
	}
	wish->rest = 0;
	return 0;
}

/* One that runs is as it should be. */
static int start_opened(struct container *c, struct wish *wish, struct error *err)
{
	auto_state struct container_state state = { 0 };

	state_init(&state);
	if (container_settle(c, &state, err) < 0)
		return -err->code;
	if (state.phase == PHASE_RUNNING)
		return 0;
	if (container_start(c, NULL, err) < 0)
		return -err->code;
	wish->rest = c->config.autostart_delay;
	return 0;
}

static int start_one(struct context *context, const char *name, void *arg, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	struct wish *wish = arg;
	int r;

	if (pause_before(wish, err) < 0 || container_open(&context->install, name, true, false, &c, err) < 0)
		return -err->code;
	r = start_opened(&c, wish, err);
	container_close(&c);
	return r;
}

static int stop_one(struct context *context, const char *name, void *arg, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct container c = CONTAINER_EMPTY;
	const struct wish *wish = arg;
	bool left_over;
	int r;

	state_init(&state);
	if (container_open(&context->install, name, true, true, &c, err) < 0)
		return -err->code;
	r = container_peek(&c, &state, &left_over, err);
	if (r == 0 && left_over) {
		r = container_settle(&c, &state, err);
	} else if (r == 0 && state.phase != PHASE_STOPPED) {
		const struct stop_options options = { .timeout = wish->timeout_given ? wish->timeout :
									 c.config.stop_timeout };

		r = container_stop(&c, &options, err);
	}
	container_close(&c);
	return r;
}

/* --- the command --- */

static int run(const struct command *self, struct context *context, struct wish *wish, struct error *err)
{
	__attribute__((cleanup(entries_done))) struct entries entries = { .items = NULL };
	auto_strings struct strings names = STRINGS_EMPTY;
	int before, r;

	before = collect(self, context, wish, &entries, err);
	if (before < 0)
		return before;
	for (size_t i = 0; i < entries.n; i++)
		strings_add(&names, entries.items[wish->stop ? entries.n - 1 - i : i].name);
	r = command_each(self, context, &names, wish->stop ? stop_one : start_one, wish);
	return r > before ? r : before;
}

int command_autostart(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "stop", no_argument, NULL, O_STOP },
		{ "all", no_argument, NULL, O_ALL },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("autostart");
	struct wish wish = { .stop = false };
	int c;

	while ((c = command_option(self, argc, argv, "ht:", options, err)) >= 0) {
		wish.stop |= c == O_STOP;
		wish.all |= c == O_ALL;
		if (c == 't') {
			wish.timeout_given = true;
			if (parse_duration(optarg, &wish.timeout) < 0)
				return command_usage(self, err, "--timeout %s is no duration, such as 30s", optarg);
		}
	}
	if (c != -1)
		return c;
	if (optind < argc)
		return command_usage(self, err, "it takes no names: container.autostart says which");
	if (!wish.stop && (wish.all || wish.timeout_given))
		return command_usage(self, err, "--all and --timeout are for --stop");
	return run(self, context, &wish, err);
}
