/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#ifndef SYSCT_DATADIR
#define SYSCT_DATADIR "/usr/share/sysct"
#endif
#ifndef SYSCT_LIBEXECDIR
#define SYSCT_LIBEXECDIR "/usr/libexec/sysct"
#endif

/* The option, else the environment, else the default: absolute, without slashes at the end and with no "." or ".."
 * in it, since the suffix is made of the text. */
static int choose(char **ret, const char *option, const char *what, const char *variable,
		  const char *fallback, struct error *err)
{
	const char *value = option, *from = what;
	auto_free char *path = NULL;
	size_t n;

	if (text_empty(value) && variable) {
		value = getenv(variable);
		from = variable;
	}
	if (option && !*option)
		return fail_status(err, STATUS_USAGE, "%s is empty: an absolute path is needed", what);
	if (text_empty(value))
		value = fallback;
	if (*value != '/') {
		fail_status(err, STATUS_USAGE, "%s \"%s\" is not an absolute path", from, value);
		return error_hint(err, "give it with its leading slash: %s/%s", "$PWD", value);
	}
	if (strstr(value, "/../") || text_ends(value, "/..") || strstr(value, "/./"))
		return fail_status(err, STATUS_USAGE, "%s \"%s\" must not hold \".\" or \"..\"", from, value);
	path = xstrdup(value);
	n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	if (n == 1)
		return fail_status(err, STATUS_USAGE, "%s must not be \"/\"", from);
	*ret = take_ptr(&path);
	return 0;
}

static void make_suffix(struct install *install)
{
	struct hash hash;

	install->suffix[0] = '\0';
	if (strcmp(install->state_dir, DEFAULT_STATE_DIR) == 0 &&
	    strcmp(install->run_dir, DEFAULT_RUN_DIR) == 0 &&
	    strcmp(install->cache_dir, DEFAULT_CACHE_DIR) == 0)
		return;
	hash_init(&hash);
	hash_add_text(&hash, install->state_dir);
	hash_add_text(&hash, install->run_dir);
	hash_add_text(&hash, install->cache_dir);
	snprintf(install->suffix, sizeof(install->suffix), "%06llx",
		 (unsigned long long)((hash.low ^ hash.high) & 0xffffff));
}

int install_init(struct install *install, const char *config, const char *state_dir,
		 const char *run_dir, const char *cache_dir, struct error *err)
{
	int r;

	*install = (struct install){ .config_given = config != NULL };
	r = choose(&install->config, config, "--config", NULL, DEFAULT_CONFIG, err);
	if (r == 0)
		r = choose(&install->state_dir, state_dir, "--state-dir", "SYSCT_STATE_DIR",
			   DEFAULT_STATE_DIR, err);
	if (r == 0)
		r = choose(&install->run_dir, run_dir, "--run-dir", "SYSCT_RUN_DIR", DEFAULT_RUN_DIR, err);
	if (r == 0)
		r = choose(&install->cache_dir, cache_dir, "--cache-dir", "SYSCT_CACHE_DIR",
			   DEFAULT_CACHE_DIR, err);
	/* These two are for running from a build tree. */
	if (r == 0)
		r = choose(&install->data_dir, NULL, "the data directory", "SYSCT_DATA_DIR",
			   SYSCT_DATADIR, err);
	if (r == 0)
		r = choose(&install->libexec_dir, NULL, "the libexec directory", "SYSCT_LIBEXEC_DIR",
			   SYSCT_LIBEXECDIR, err);
	if (r < 0) {
		install_done(install);
		return r;
	}
	make_suffix(install);
	return 0;
}

void install_done(struct install *install)
{
	free(install->config);
	free(install->state_dir);
	free(install->run_dir);
	free(install->cache_dir);
	free(install->data_dir);
	free(install->libexec_dir);
	*install = (struct install){ 0 };
}

/* A directory that is ours alone. made: it may be made, with its parents. */
static int make_dir(const char *path, struct error *err)
{
	struct stat st;
	int r;

	if (lstat(path, &st) < 0 && errno == ENOENT) {
		auto_free char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));

		r = *parent ? make_dirs(parent, 0755) : 0;
		if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
			r = -errno;
		if (r < 0) {
			fail(err, -r, "make the directory %s", path);
			if (r == -EROFS || r == -ENOSPC)
				error_hint(err, "sysct needs a place to write there; other places: "
						"--state-dir, --run-dir, --cache-dir");
			return r;
		}
	}
	if (lstat(path, &st) < 0)
		return fail(err, errno, "look at %s", path);
	if (!S_ISDIR(st.st_mode)) {
		fail(err, 0, "use %s: it is %s, not a directory", path,
		     S_ISLNK(st.st_mode) ? "a link" : "something else");
		return error_hint(err, "give the path it leads to, or move it away");
	}
	if (st.st_uid != geteuid()) {
		fail(err, 0, "use %s: it belongs to user %u, not to root", path, st.st_uid);
		return error_hint(err, "if nobody else uses it: chown root:root %s", path);
	}
	if (st.st_mode & 022) {
		fail(err, 0, "use %s: others may write to it (mode %04o)", path, st.st_mode & 07777);
		return error_hint(err, "look into it, then: chmod go-w %s", path);
	}
	return 0;
}

char *install_mounts_dir(const struct install *install)
{
	return xasprintf("%s/.host/mounts", install->run_dir);
}

int install_make_dirs(const struct install *install, struct error *err)
{
	static const struct {
		size_t base;
		const char *below;
	} dirs[] = {
		{ offsetof(struct install, state_dir), "" },
		{ offsetof(struct install, state_dir), "/containers" },
		{ offsetof(struct install, run_dir), "" },
		{ offsetof(struct install, run_dir), "/.host" },
		{ offsetof(struct install, run_dir), "/.host/lock" },
		{ offsetof(struct install, cache_dir), "" },
	};
	mode_t mask = umask(022);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		const char *base = *(char *const *)(const void *)((const char *)install + dirs[i].base);
		auto_free char *path = xasprintf("%s%s", base, dirs[i].below);

		r = make_dir(path, err);
	}
	umask(mask);
	return r;
}
