/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/syscalls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "os/process.h"

#define COMPILER "sysct-seccomp"
#define COMPILE_TIMEOUT_MS 20000
#define PROFILE_MAX (1U << 18)
#define SUFFIX ".filter"

/* A profile of the administrator's decides what a container may do: nobody else may have a hand in it. */
static int read_own(const char *path, char **ret, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t n;
	int r;

	if (fd < 0) {
		fail(err, errno, "open the profile %s", path);
		return error_hint(err, "write one, beginning with a copy of the default one; see sysct-seccomp(5)");
	}
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at %s", path);
	if (!S_ISREG(st.st_mode) || !owned_alone(&st, geteuid())) {
		fail(err, 0, "use the profile %s: it must be a regular file that belongs to root and that nobody else may "
			     "write to", path);
		return error_hint(err, "chown root:root %s; chmod go-w %s", path, path);
	}
	r = read_fd(fd, PROFILE_MAX, ret, &n);
	if (r == 0 && strlen(*ret) != n)
		r = -EILSEQ;
	return r < 0 ? fail(err, -r, "read the profile %s", path) : 0;
}

static int read_shipped(const struct install *install, const char *name, char **ret, struct error *err)
{
	auto_free char *path = xasprintf("%s/seccomp/%s.profile", install->data_dir, name);

	/* a build tree has them elsewhere */
	if (access(path, R_OK) < 0) {
		free(path);
		path = xasprintf("%s/config/seccomp/%s.profile", install->data_dir, name);
	}
	int r = read_file_at(AT_FDCWD, path, PROFILE_MAX, ret, NULL);

	if (r == 0)
		return 0;
	fail(err, -r, "read the profile %s", path);
	return error_hint(err, "sysct is not installed whole: install it again");
}

/* The text of the whole profile, and what to call it in messages. */
static int read_profile(const struct install *install, const struct container_config *config, char **ret,
			const char **ret_source, struct error *err)
{
	const char *wish = config->security.seccomp;
	auto_free char *text = NULL, *more = NULL;
	int r;

	*ret_source = wish;
	r = *wish == '/' ? read_own(wish, &text, err) : read_shipped(install, wish, &text, err);
	if (r == 0 && config->security.hardened)
		r = read_shipped(install, "hardened", &more, err);
	if (r < 0)
		return -err->code;
	*ret = more ? xasprintf("%s\n%s", text, more) : take_ptr(&text);
	return 0;
}

/* Filters for other kernels, or of other versions of ours, are never used again. */
static void prune(const char *dir, const char *header)
{
	auto_closedir DIR *list = opendir(dir);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		auto_free char *data = NULL;
		size_t n;

		if (!text_ends(entry->d_name, SUFFIX) ||
		    read_file_at(dirfd(list), entry->d_name, 1U << 20, &data, &n) < 0)
			continue;
		if (!memmem(data, n < 400 ? n : 400, header, strlen(header)))
			unlinkat(dirfd(list), entry->d_name, 0);
	}
}

static int compile(const struct install *install, const char *path, const char *source, const char *header,
		   const char *text, struct error *err)
{
	auto_free char *compiler = xasprintf("%s/" COMPILER, install->libexec_dir), *output = NULL;
	const char *argv[] = { compiler, path, source, header, NULL };
	struct tool_run run = { .argv = argv,
				.input = text,
				.ret_output = &output,
				.keep_fd = -1,
				.timeout_ms = COMPILE_TIMEOUT_MS };
	char *hint;
	int r = tool_run(&run, err);

	if (r == -ENOENT)
		return error_hint(err, "sysct is not installed whole: install it again");
	if (r <= 0)
		return r;
	hint = output + strcspn(output, "\n");
	if (*hint)
		*hint++ = '\0';
	hint[strcspn(hint, "\n")] = '\0';
	fail_status(err, r == 2 ? STATUS_USAGE : STATUS_FAILED, "%s",
		    *output ? output : "the compiler of system call filters failed");
	return *hint ? error_hint(err, "%s", hint) :
		       error_hint(err, "see sysct-seccomp(5) for the form of a profile, and try the default one");
}

static int filter_for(const struct install *install, const struct container_config *config, struct seccomp_filter *ret,
		      struct error *err)
{
	auto_free char *text = NULL, *header = NULL, *made_of = NULL, *dir = NULL, *path = NULL;
	char name[HASH_TEXT];
	const char *source;
	struct utsname kernel;
	struct hash hash;
	int r;

	if (read_profile(install, config, &text, &source, err) < 0)
		return -err->code;
	uname(&kernel);
	header = xasprintf("# sysct %s on Linux %s %s, by ranges, joined", SYSCT_VERSION, kernel.release, kernel.machine);
	made_of = xasprintf("%s\n%s", header, text);
	hash_init(&hash);
	hash_add_text(&hash, made_of);
	dir = xasprintf("%s/seccomp", install->cache_dir);
	path = xasprintf("%s/%s" SUFFIX, dir, hash_format(&hash, name));
	if (seccomp_filter_read(path, made_of, ret))
		return 0;
	r = make_dirs(dir, 0700);
	if (r < 0)
		return fail(err, -r, "create %s", dir);
	if (compile(install, path, source, header, text, err) < 0)
		return -err->code;
	prune(dir, header);
	/* just made, so whatever it says of the library is true */
	if (!seccomp_filter_read(path, NULL, ret))
		return fail(err, EIO, "read the filter of system calls %s", path);
	return 0;
}

int syscalls_filter(const struct container *container, struct seccomp_filter *ret, struct error *err)
{
	*ret = (struct seccomp_filter)SECCOMP_FILTER_NONE;
	if (strcmp(container->config.security.seccomp, "none") == 0)
		return 0;
	return filter_for(container->install, &container->config, ret, err);
}

int syscalls_check(const struct install *install, const struct container_config *config, struct error *err)
{
	struct seccomp_filter filter;

	if (*config->security.seccomp != '/')
		return 0;
	if (filter_for(install, config, &filter, err) < 0)
		return error_status(err, STATUS_USAGE);
	seccomp_filter_done(&filter);
	return 0;
}
