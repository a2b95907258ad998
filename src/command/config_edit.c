/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config edit, on a copy that becomes the file only when it is right; config check. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "command/settings.h"
#include "config_verbs.h"
#include "os/process.h"

/* --- edit --- */

struct draft {
	char dir[32];
	char *path;		/* the copy */
	char *before;		/* the file as it was */
};

static char *choose_editor(void)
{
	static const char *const variables[] = { "VISUAL", "EDITOR" };
	static const char *const programs[] = { "vi", "nano" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (!text_empty(getenv(variables[i])))
			return xstrdup(getenv(variables[i]));
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		auto_free char *path = tool_find(programs[i]);

		if (path)
			return take_ptr(&path);
	}
	return NULL;
}

/* The editor may be a command with options. ^C is the editor's meanwhile. */
static int run_editor(const char *editor, const char *path, struct error *err)
{
	auto_free char *command = xasprintf("exec %s \"$1\"", editor);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, quit;
	int status = 0;
	pid_t pid;

	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	pid = fork();
	if (pid == 0) {
		signals_reset();
		execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	if (pid < 0)
		return fail(err, errno, "run the editor");
	if (status == 0)
		return 0;
	fail(err, 0, "the editor \"%s\" failed: nothing is changed", editor);
	return error_hint(err, "VISUAL or EDITOR names another one");
}

/* Still the file that the copy was made of? Then it may be replaced. */
static int commit_draft(struct context *context, const char *name, const struct draft *draft, const char *text,
			struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	auto_free char *now = NULL;
	mode_t mode;
	int r;

	if (container_open(&context->install, name, true, true, &c, err) < 0)
		return -err->code;
	r = settings_read(&c, &now, &mode, err);
	if (r == 0 && strcmp(now, draft->before) != 0) {
		fail_status(err, STATUS_STATE, "the configuration was changed by somebody else meanwhile");
		err->code = ESTALE;
		r = -ESTALE;
	}
	if (r == 0)
		r = settings_replace(&c, text, mode, err);
	container_close(&c);
	return r;
}

static bool wants_again(const struct error *why)
{
	char answer[16];

	fprintf(stderr, "%s\nopen the editor again? [Y/n] ", why->message);
	if (interrupt_pending() || !fgets(answer, sizeof(answer), stdin))
		return false;
	return *answer == '\n' || *answer == 'y' || *answer == 'Y';
}

static int edit_draft(struct context *context, const char *name, const struct draft *draft, struct error *err)
{
	auto_free char *editor = choose_editor();

	if (!editor) {
		fail(err, 0, "there is no editor: neither VISUAL nor EDITOR, vi or nano");
		return error_hint(err, "sysct config set %s KEY=VALUE needs none", name);
	}
	for (;;) {
		auto_free char *text = NULL;
		size_t len;
		int r;

		if (run_editor(editor, draft->path, err) < 0)
			return -err->code;
		r = read_file_at(AT_FDCWD, draft->path, 1 << 20, &text, &len);
		if (r < 0)
			return fail(err, -r, "read %s", draft->path);
		if (strcmp(text, draft->before) == 0) {
			log_note("%s: nothing is changed", name);
			return 0;
		}
		r = strlen(text) == len ? commit_draft(context, name, draft, text, err) :
					  fail_status(err, STATUS_USAGE, "the text holds a byte 0");
		if (r >= 0 || err->status != STATUS_USAGE || !isatty(0) || !wants_again(err))
			return r;
	}
}

static int make_draft(struct context *context, const char *name, struct draft *draft, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	mode_t mode;
	int r;

	if (container_open(&context->install, name, false, true, &c, err) < 0)
		return -err->code;
	r = settings_read(&c, &draft->before, &mode, err);
	container_close(&c);
	if (r < 0)
		return r;
	strcpy(draft->dir, "/tmp/sysct-XXXXXX");	/* 0700: nobody else reads or changes it */
	if (!mkdtemp(draft->dir))
		return fail(err, errno, "make a directory in /tmp");
	draft->path = xasprintf("%s/%s.conf", draft->dir, name);
	r = replace_file_at(AT_FDCWD, draft->path, draft->before, strlen(draft->before), 0600, false, err);
	if (r < 0)
		rmdir(draft->dir);
	return r;
}

int config_edit(const struct command *self, struct context *context, int argc, char **argv, struct error *err)
{
	struct draft draft = { .path = NULL };
	struct error ignored = ERROR_NONE;
	auto_free char *after = NULL;
	const char *name;
	int r;

	if (config_no_options(self, context, argc, argv, &name, err) < 0)
		return -err->code;
	if (optind < argc)
		return command_usage(self, err, "one name, please");
	if (make_draft(context, name, &draft, err) < 0) {
		free(draft.before);
		free(draft.path);
		return -err->code;
	}
	r = edit_draft(context, name, &draft, err);
	/* what a person typed is never thrown away for an error */
	if (r < 0 && read_file_at(AT_FDCWD, draft.path, 1 << 20, &after, NULL) == 0 &&
	    strcmp(after, draft.before) != 0)
		error_hint(err, "your text is kept in %s", draft.path);
	else
		remove_tree_at(AT_FDCWD, draft.dir, &ignored);
	free(draft.before);
	free(draft.path);
	return r;
}

/* --- check --- */

static int check_host(const struct install *install, const char *path, bool optional, struct error *err)
{
	struct container_config defaults;
	struct host_config host;
	int r;

	config_init(&defaults);
	host_config_init(&host);
	r = config_load_host(path, optional, &host, &defaults, err);
	host_config_done(&host);
	config_done(&defaults);
	if (r != -ENOENT)
		return r;
	error_status(err, STATUS_USAGE);
	return error_hint(err, strcmp(path, install->config) == 0 && install->config_given ?
				       "--config names it, and no container starts without it" :
				       "without it the defaults hold");
}

/* As config_load() reads it, owner and mode included, but "-". */
static int check_file(const struct install *install, const char *path, struct error *err)
{
	auto_free char *text = NULL;
	struct container_config config;
	size_t len;
	int r;

	config_init(&config);
	if (strcmp(path, "-") == 0) {
		r = read_fd(0, 1 << 20, &text, &len);
		if (r < 0)
			fail(err, -r, "read standard input");
		else
			r = settings_check(install, text, "standard input", &config, err);
	} else {
		r = config_load(AT_FDCWD, path, path, &config, err);
		if (r == 0 && read_file_at(AT_FDCWD, path, 1 << 20, &text, &len) == 0) {
			config_done(&config);
			config_init(&config);
			r = settings_check(install, text, path, &config, err);
		}
	}
	config_done(&config);
	return r;
}

static int check_container(const struct install *install, const char *name, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers/%s/config", install->state_dir, name), *text = NULL;
	struct container c = CONTAINER_EMPTY;
	struct container_config config;
	mode_t mode;
	int r;

	if (command_name(name, err) < 0 || container_open(install, name, false, false, &c, err) < 0)
		return -err->code;
	config_init(&config);
	r = settings_read(&c, &text, &mode, err);
	if (r == 0)
		r = settings_check(install, text, path, &config, err);
	config_done(&config);
	container_close(&c);
	return r;
}

/* A path has a slash or is "-"; sysct.conf has its own rules. */
static int check_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const struct install *install = &context->install;
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	bool is_path = strchr(name, '/') || strchr(name, '.') || strcmp(name, "-") == 0;
	bool *several = arg;
	int r;

	if (strcmp(name, install->config) == 0 || (is_path && strcmp(base, "sysct.conf") == 0))
		r = check_host(install, name, *several && !install->config_given, err);
	else if (is_path)
		r = check_file(install, name, err);
	else
		r = check_container(install, name, err);
	if (r == 0)
		printf("%s: ok\n", name);
	return r;
}

int config_check(const struct command *self, struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	auto_strings struct strings what = STRINGS_EMPTY;
	bool all;
	int c;

	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0)
		;
	if (c != -1)
		return c;
	all = optind >= argc;
	if (all && container_names(&context->install, &what, err) < 0)
		return -err->code;
	/* a default one that is not there is no error */
	if (all && (context->install.config_given || access(context->install.config, F_OK) == 0))
		strings_add(&what, context->install.config);
	for (; optind < argc; optind++)
		strings_add(&what, argv[optind]);
	return command_each(self, context, &what, check_one, &all);
}
