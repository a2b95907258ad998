/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program `sysct` itself: attach, when nothing is in its way, and for all else the large program sysct-main.
 *
 * A command inside is what people wait for most often, and most of an attach was the start of a large program with a large C library:
 * glibc asks the processor some seventy questions before main(), each an exit to the hypervisor in a virtual machine. This one is small
 * and of a C library that asks nothing (musl), and it parses no configuration: a start has noted in the state what an attach takes of
 * it (runtime/entry.h), with the hash of the files. Where it does not see at once how to go on, where something is wrong, changed or
 * unknown, and for all errors up to the moment in which something of ours is inside, it executes sysct-main with the same words, which
 * begins anew and says what there is to be said. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "command/attach_options.h"
#include "config/source.h"
#include "os/process.h"
#include "os/relro.h"
#include "runtime/entry.h"
#include "runtime/settle.h"
#include "store/install.h"

#define MAIN "sysct-main"

static bool is_attach(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "attach") == 0;
}

/* --- the large program --- */

/* Where it was not installed, in the directory that it was built in: beside us. */
static void execute_beside(char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(MAIN));
	char *slash = NULL;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return;
	memcpy(slash + 1, MAIN, sizeof(MAIN));
	execv(path, argv);
}

__attribute__((noreturn)) static void execute_main(int argc, char **argv)
{
	const char *given = getenv("SYSCT_LIBEXEC_DIR"), *dir = given && *given == '/' ? given : SYSCT_LIBEXECDIR;
	struct error err = ERROR_NONE;
	char path[PATH_MAX];
	int code;

	snprintf(path, sizeof(path), "%s/" MAIN, dir);
	execv(path, argv);
	code = errno;
	execute_beside(argv);
	fail(&err, code, "execute %s", path);
	error_hint(&err, "sysct is not installed whole: install it again");
	error_report(&err, NULL);
	_exit(is_attach(argc, argv) ? ATTACH_FAILED : STATUS_FAILED);
}

/* --- attach --- */

/* Options up to the first other word; optind is its index. False: sysct-main knows what to say. */
static bool take_options(int argc, char **argv, struct attach_options *wish)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ATTACH_SHORT_OPTIONS, attach_long_options, NULL)) != -1)
		if (c == '?' || c == 'h' || attach_take_option(c, wish) < 0)
			return false;
	return true;
}

/* attach [OPTIONS] NAME [OPTIONS] [--] [COMMAND ...] */
static bool parse(int argc, char **argv, const char **ret_name, struct attach_options *wish)
{
	if (!take_options(argc, argv, wish))
		return false;
	argc -= optind;
	argv += optind;
	if (argc == 0 || !name_valid(argv[0]))
		return false;
	*ret_name = argv[0];
	if (!take_options(argc, argv, wish))
		return false;
	if (optind < argc)
		wish->argv = argv + optind;
	return true;
}

static bool streams_are_open(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return false;
	return true;
}

/* The container's directory, where it is as it must be (container_open()). */
static int open_own(const struct install *install, const char *name)
{
	auto_free char *path = xasprintf("%s/containers/%s", install->state_dir, name);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return dir >= 0 && fstat(dir, &st) == 0 && owned_alone(&st, geteuid()) ? take_fd(&dir) : -1;
}

static bool find_entry(const struct install *install, const char *name, struct container_state *state, struct entry *ret,
		       struct error *err)
{
	auto_close int dir = open_own(install, name);
	struct hash source;
	bool left_over;

	return dir >= 0 && run_peek(install, name, state, &left_over, err) == 0 && state->phase == PHASE_RUNNING &&
	       state_check_install(state, install, err) == 0 && !container_is_alone(state) &&
	       config_source(install->config, !install->config_given, dir, "config", &source, err) == 0 &&
	       entry_noted(install, name, state, &source, ret);
}

/* The exit status, or -1: it is sysct-main's to do. */
static int attach(int argc, char **argv)
{
	auto_entry struct entry entry = ENTRY_EMPTY;
	auto_state struct container_state state;
	struct attach_options wish = { .tty = TTY_AUTO };
	struct install install;
	struct error err = ERROR_NONE;
	const char *name;
	bool begun = false;
	int r;

	relro_protect();
	state_init(&state);
	if (geteuid() != 0 || !streams_are_open() || !parse(argc, argv, &name, &wish) ||
	    install_init(&install, NULL, NULL, NULL, NULL, &err) < 0 || !find_entry(&install, name, &state, &entry, &err))
		return -1;
	umask(022);
	cloexec_from(3);	/* what the caller left open is nobody's business inside */
	interrupt_install();
	r = entry_attach(&entry, &wish, &begun, &err);
	if (r < 0 && begun) {
		auto_free char *who = xasprintf("attach %s", name);

		error_report(&err, who);
		return ATTACH_FAILED;
	}
	return r;
}

int main(int argc, char **argv)
{
	int r = is_attach(argc, argv) ? attach(argc - 1, argv + 1) : -1;

	if (r < 0)
		execute_main(argc, argv);
	return r;
}
