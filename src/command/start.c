/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start, stop, restart, freeze, thaw, kill: one container after another. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/command.h"
#include "os/process.h"
#include "runtime/kept.h"
#include "runtime/attach.h"
#include "runtime/foreground.h"
#include "runtime/init.h"
#include "runtime/relay.h"
#include "runtime/settle.h"
#include "runtime/start.h"
#include "runtime/stop.h"
#include "runtime/supervise.h"
#include "runtime/unit.h"

#define BOOT_TIMEOUT_USEC 120000000ULL

enum { O_ALL = 256, O_WAIT, O_TIMING, O_NOW, O_CONSOLE, O_FOREGROUND, O_FORGET };

struct start_wish {
	bool all, wait, timing, console, foreground;
	uint64_t wait_usec;
	const char *escape;	/* NULL: ^a */
};

/* What follows takes an error that is set for its own. */
static int forgive(int r, struct error *err)
{
	if (r < 0)
		*err = (struct error)ERROR_NONE;
	return r < 0 ? 0 : r;
}

/* Refused since there is nothing to do: who says --all wants those for which there is, not another installation's. */
static bool is_already(const struct container *c, enum phase phase, const struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct error ignored = ERROR_NONE;
	bool left_over;

	state_init(&state);
	return error_exit_status(err) == STATUS_STATE && err->code != EBUSY &&
	       container_peek(c, &state, &left_over, &ignored) == 0 && !left_over && state.phase == phase &&
	       state_check_install(&state, c->install, &ignored) == 0;
}

static void show_boot_progress(const char *text, void *arg)
{
	auto_free char *clean = text_printable(text);

	(void)arg;
	if (isatty(2) && log_level() > LOG_QUIET)
		fprintf(stderr, "\r\033[K%s", clean);
}

static int wait_booted(const struct container *c, const struct start_wish *wish, struct error *err)
{
	int r = init_wait_booted(c, (int)(wish->wait_usec / 1000), show_boot_progress, NULL, err);

	if (isatty(2) && log_level() > LOG_QUIET)
		fprintf(stderr, "\r\033[K");
	return r;
}

static int start_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const struct start_wish *wish = arg;
	auto_text struct text timing = TEXT_EMPTY;
	struct container c = CONTAINER_EMPTY;
	int r;

	if (container_open(&context->install, name, true, false, &c, err) < 0)
		return -err->code;
	r = container_start(&c, wish->timing ? &timing : NULL, err);
	container_unlock(&c);	/* waiting needs no lock, and others may want it */
	if (r < 0 && wish->all && is_already(&c, PHASE_RUNNING, err))
		r = forgive(r, err);
	if (r == 0 && timing.data)
		fputs(timing.data, stderr);
	if (r == 0 && wish->wait)
		r = wait_booted(&c, wish, err);
	container_close(&c);
	return r;
}

/* The exit status is the container's. */
static int start_foreground(struct context *context, const char *name, const struct start_wish *wish, struct error *err)
{
	auto_text struct text timing = TEXT_EMPTY;
	struct container c = CONTAINER_EMPTY;
	struct foreground foreground = FOREGROUND;
	int r;

	if (container_open(&context->install, name, true, false, &c, err) < 0)
		return -err->code;
	foreground.container = &c;
	foreground.wait = wish->wait;
	foreground.wait_usec = wish->wait_usec;
	if (wish->escape)
		foreground.escape = (unsigned char)escape_parse(wish->escape);
	r = foreground_start(&foreground, wish->timing ? &timing : NULL, err);
	container_unlock(&c);
	if (r == 0 && timing.data)
		fputs(timing.data, stderr);
	if (r == 0)
		r = foreground_stay(&foreground, err);
	container_close(&c);
	return r;
}

static int start_console(struct context *context, const char *name, const struct start_wish *wish, struct error *err)
{
	char *const again[] = { (char *)"console", (char *)name, (char *)"--escape",
				(char *)(wish->escape ? wish->escape : "^a"), NULL };

	optind = 0;
	return command_console(context, 4, (char **)again, err);
}

static int check_start(const struct command *self, const struct start_wish *wish, bool all, int n, struct error *err)
{
	const char *watcher = wish->foreground ? "--foreground" : "--console";

	if (wish->console && wish->foreground)
		return command_usage(self, err, "either --console or --foreground");
	if ((wish->console || wish->foreground) && (all || n != 1))
		return command_usage(self, err, "%s takes one name", watcher);
	if (wish->escape && !wish->console && !wish->foreground)
		return command_usage(self, err, "--escape is for --console and --foreground");
	if (wish->escape && escape_parse(wish->escape) < 0)
		return command_usage(self, err, "--escape %s is no key of the form ^a", wish->escape);
	return 0;
}

int command_start(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, O_ALL },
		{ "wait", optional_argument, NULL, O_WAIT },
		{ "timing", no_argument, NULL, O_TIMING },
		{ "console", no_argument, NULL, O_CONSOLE },
		{ "foreground", no_argument, NULL, O_FOREGROUND },
		{ "escape", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("start");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct start_wish wish = { .wait_usec = BOOT_TIMEOUT_USEC };
	int c;

	while ((c = command_option(self, argc, argv, "he:", options, err)) >= 0) {
		wish.all |= c == O_ALL;
		wish.timing |= c == O_TIMING;
		wish.console |= c == O_CONSOLE;
		wish.foreground |= c == O_FOREGROUND;
		if (c == 'e')
			wish.escape = optarg;
		if (c == O_WAIT) {
			wish.wait = true;
			if (optarg && (parse_duration(optarg, &wish.wait_usec) < 0 || wish.wait_usec > 86400000000ULL))
				return command_usage(self, err, "--wait=%s is no duration up to a day, such as 30s", optarg);
		}
	}
	if (c != -1 || command_names(self, context, wish.all, argc - optind, argv + optind, &names, err) < 0 ||
	    check_start(self, &wish, wish.all, argc - optind, err) < 0)
		return -err->code;
	if (wish.foreground) {
		context->name = argv[optind];
		return start_foreground(context, names.items[0], &wish, err);
	}
	c = command_each(self, context, &names, start_one, &wish);
	return c == 0 && wish.console ? start_console(context, names.items[0], &wish, err) : c;
}

/* --- stop, restart --- */

struct stop_wish {
	struct stop_options options;
	bool all, timeout_given, restart, forget;
};

static int stop_opened(struct container *c, const struct stop_wish *wish, struct error *err)
{
	struct stop_options options = wish->options;

	if (!wish->timeout_given)
		options.timeout = c->config.stop_timeout;
	options.for_a_moment = wish->restart;
	return container_stop(c, &options, err);
}

/* What is kept goes too; of one that does not run that is all there is to do. */
static int forget(struct container *c, const struct stop_wish *wish, int r, struct error *err)
{
	struct error why = ERROR_NONE;
	int dropped;

	if (!wish->forget || (r < 0 && error_exit_status(err) != STATUS_STATE))
		return r;
	if (r < 0) {
		auto_state struct container_state state = { 0 };
		bool left_over;

		state_init(&state);
		if (container_peek(c, &state, &left_over, &why) < 0 || state.phase != PHASE_STOPPED)
			return r;
	}
	dropped = kept_drop(c, &why);
	if (dropped < 0) {
		*err = why;
		return dropped;
	}
	return dropped == 1 ? forgive(r, err) : r;
}

static int stop_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const struct stop_wish *wish = arg;
	bool hastened = wish->options.now && container_hasten(&context->install, name);
	struct container c = CONTAINER_EMPTY;
	bool skipped;
	int r;

	/* what runs must be stoppable with a broken configuration too; to start again it must be whole */
	if (container_open(&context->install, name, true, !wish->restart, &c, err) < 0)
		return -err->code;
	r = stop_opened(&c, wish, err);
	if (hastened && error_exit_status(err) == STATUS_STATE)	/* somebody else did the rest */
		r = forgive(r, err);
	skipped = r < 0 && wish->all && is_already(&c, PHASE_STOPPED, err);
	r = forget(&c, wish, r, err);
	if (skipped && error_exit_status(err) == STATUS_STATE)
		r = forgive(r, err);
	if (r >= 0 && wish->restart && !skipped)
		r = container_start(&c, NULL, err);
	container_close(&c);
	return r;
}

static int stop_or_restart(struct context *context, int argc, char **argv, bool restart, struct error *err)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, O_ALL },
		{ "timeout", required_argument, NULL, 't' },
		{ "now", no_argument, NULL, O_NOW },
		{ "forget", no_argument, NULL, O_FORGET },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find(restart ? "restart" : "stop");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct stop_wish wish = { .restart = restart };
	int c;

	while ((c = command_option(self, argc, argv, "ht:", options, err)) >= 0) {
		wish.all |= c == O_ALL;
		wish.options.now |= c == O_NOW;
		wish.forget |= c == O_FORGET;
		if (c == 't') {
			wish.timeout_given = true;
			if (parse_duration(optarg, &wish.options.timeout) < 0)
				return command_usage(self, err, "--timeout %s is no duration, such as 30s", optarg);
		}
	}
	if (c != -1 || command_names(self, context, wish.all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	return command_each(self, context, &names, stop_one, &wish);
}

int command_stop(struct context *context, int argc, char **argv, struct error *err)
{
	return stop_or_restart(context, argc, argv, false, err);
}

int command_restart(struct context *context, int argc, char **argv, struct error *err)
{
	return stop_or_restart(context, argc, argv, true, err);
}

/* --- freeze, thaw, kill --- */

struct touch {
	enum { FREEZE, THAW, KILL } what;
	int signal;
	bool all;
};

static int touch_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const struct touch *touch = arg;
	struct container c = CONTAINER_EMPTY;
	int r;

	/* a kill reaches also what somebody else waits for */
	if (container_open(&context->install, name, touch->what != KILL, true, &c, err) < 0)
		return -err->code;
	if (touch->what == KILL)
		r = container_kill(&c, touch->signal, err);
	else
		r = container_freeze(&c, touch->what == FREEZE, err);
	if (r < 0 && touch->all && (is_already(&c, PHASE_STOPPED, err) ||
				    (touch->what != KILL && is_already(&c, PHASE_RUNNING, err))))
		r = forgive(r, err);
	container_close(&c);
	return r;
}

static int touch_many(struct context *context, int argc, char **argv, struct touch *touch, struct error *err)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, O_ALL },
		{ "signal", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find(argv[0]);
	auto_strings struct strings names = STRINGS_EMPTY;
	int c;

	while ((c = command_option(self, argc, argv, touch->what == KILL ? "hs:" : "h", options, err)) >= 0) {
		touch->all |= c == O_ALL;
		if (c == 's' && touch->what != KILL)
			return command_usage(self, err, "there is no option --signal");
		if (c == 's') {
			touch->signal = signal_parse(optarg);
			if (touch->signal < 0)
				return command_usage(self, err, "\"%s\" is no signal: a name such as TERM or RTMIN+4, or 1 to 64",
						     optarg);
		}
	}
	if (c != -1 || command_names(self, context, touch->all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	return command_each(self, context, &names, touch_one, touch);
}

int command_freeze(struct context *context, int argc, char **argv, struct error *err)
{
	struct touch touch = { .what = FREEZE };

	return touch_many(context, argc, argv, &touch, err);
}

int command_thaw(struct context *context, int argc, char **argv, struct error *err)
{
	struct touch touch = { .what = THAW };

	return touch_many(context, argc, argv, &touch, err);
}

int command_kill(struct context *context, int argc, char **argv, struct error *err)
{
	struct touch touch = { .what = KILL, .signal = SIGKILL };

	return touch_many(context, argc, argv, &touch, err);
}

int command_supervise(struct context *context, int argc, char **argv, struct error *err)
{
	return supervise_run(&context->install, argc - 1, argv + 1, err);
}

/* What a unit of systemd runs: see runtime/unit.h. */
int command_unit(struct context *context, int argc, char **argv, struct error *err)
{
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return unit_run(&context->install, argv[2]);
	if (argc == 3 && strcmp(argv[1], "stop") == 0)
		return unit_stop(&context->install, argv[2]);
	return fail_status(err, STATUS_USAGE, ".unit is for systemd's own use");
}
