/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "command/command.h"
#include "runtime/attach.h"
#include "os/process.h"

enum { OPTION_CONFIG = 256, OPTION_STATE, OPTION_RUN, OPTION_CACHE, OPTION_VERSION };

static const struct option global_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "state-dir", required_argument, NULL, OPTION_STATE },
	{ "run-dir", required_argument, NULL, OPTION_RUN },
	{ "cache-dir", required_argument, NULL, OPTION_CACHE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct global {
	const char *config, *state_dir, *run_dir, *cache_dir;
	bool help, version;
};

static const struct command root = { .name = "sysct", .usage = "[GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGS]" };

static int read_globals(int argc, char **argv, struct global *global, struct error *err)
{
	int c;

	while ((c = command_option(&root, argc, argv, "+vqh", global_options, err)) >= 0) {
		switch (c) {
		case OPTION_CONFIG:
			global->config = optarg;
			break;
		case OPTION_STATE:
			global->state_dir = optarg;
			break;
		case OPTION_RUN:
			global->run_dir = optarg;
			break;
		case OPTION_CACHE:
			global->cache_dir = optarg;
			break;
		case 'v':
			log_set_level(LOG_VERBOSE);
			break;
		case 'q':
			log_set_level(LOG_QUIET);
			break;
		case 'h':
			global->help = true;
			break;
		case OPTION_VERSION:
			global->version = true;
			break;
		}
	}
	return c == -1 ? 0 : c;
}

/* 0, 1 and 2 are always open: a descriptor of ours must never become somebody's standard error. */
static void open_standard_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

/* The threads of a start need little, and what is forked from it later copies the maps of whatever each would have got for itself. */
static void share_memory(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
#endif
}

static int not_root(const struct command *command, struct error *err)
{
	fail_status(err, STATUS_FAILED, "it needs root");
	err->code = EPERM;
	return error_hint(err, "sudo sysct %s ...", command->name);
}

static int run_command(const struct global *global, struct context *context, int argc, char **argv,
		       struct error *err)
{
	const struct command *command = command_find(argv[0]);
	int r;

	if (!command)
		return command_unknown(argv[0], err);
	if (!command->no_root && geteuid() != 0)
		return not_root(command, err);
	if (install_init(&context->install, global->config, global->state_dir, global->run_dir, global->cache_dir,
			 err) < 0)
		return -err->code;
	command_mend(command, context);
	optind = 0;	/* begin anew with the command's own */
	r = command->run(context, argc, argv, err);
	install_done(&context->install);
	return r;
}

/* "start dev" for messages about one name, else the command alone. */
static char *who(const struct context *context, int argc, char **argv)
{
	const struct command *command = argc ? command_find(argv[0]) : NULL;
	const char *name = context->name;

	if (!command || command->internal)
		return xstrdup("");
	/* behind an option stands its value, perhaps, and behind the name a command for inside */
	if (!name && command->names_one && argc > 1 && name_valid(argv[1]))
		name = argv[1];
	return command_who(context->verb ? context->verb : command->name, name);
}

int main(int argc, char **argv)
{
	struct global global = { 0 };
	struct context context = { .verb = NULL };
	struct error err = ERROR_NONE;
	auto_free char *prefix = NULL;
	bool known = false;	/* argv begins with the command */
	int r;

	share_memory();
	open_standard_streams();
	umask(022);
	cloexec_from(3);	/* what the caller left open is nobody's business that we start */
	interrupt_install();
	r = read_globals(argc, argv, &global, &err);
	if (r == 0 && global.version) {
		printf("sysct %s\n", SYSCT_VERSION);
		return command_written(STATUS_OK);
	}
	if (r == 0 && (global.help || optind == argc)) {
		command_overview(global.help ? stdout : stderr);
		return global.help ? command_written(STATUS_OK) : STATUS_USAGE;
	}
	if (r == 0) {
		argc -= optind;
		argv += optind;
		known = true;
		r = run_command(&global, &context, argc, argv, &err);
	}
	if (r < 0) {
		prefix = who(&context, known ? argc : 0, argv);
		error_report(&err, prefix);
		r = text_starts(prefix, "attach") ? ATTACH_FAILED : error_exit_status(&err);
	}
	return command_written(r);
}
