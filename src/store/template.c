/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

#define FACTS_BYTES 65536
#define SCRIPT_BYTES (4U << 20)

/* No dots: so that NAME.conf is never taken for a template, and a name is never a path. */
static bool valid_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 64 && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* --- find --- */

static char *shipped_dir(const struct install *install)
{
	return xasprintf("%s/templates", install->data_dir);
}

static bool roots_alone(const struct stat *st)
{
	return owned_alone(st, geteuid()) || owned_alone(st, 0);
}

/* 1: it may be executed, 0: there is no such file. */
static int check_program(const char *path, const char *dir, struct error *err)
{
	struct stat st, above;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(err, errno, "look at %s", path);
	if (stat(dir, &above) < 0)
		return fail(err, errno, "look at %s", dir);
	if (!S_ISREG(st.st_mode))
		return fail_status(err, STATUS_USAGE, "use the template %s: it is %s, not a regular file", path,
				   S_ISLNK(st.st_mode) ? "a link" : "a directory or device");
	if (!roots_alone(&st)) {
		fail_status(err, STATUS_USAGE, "use the template %s: it runs as root, but is not root's alone "
					       "(owner %u, mode %04o)", path, st.st_uid, st.st_mode & 07777);
		return error_hint(err, "read it, then: chown root:root %s; chmod go-w %s", path, path);
	}
	if (!roots_alone(&above)) {
		fail_status(err, STATUS_USAGE, "use the template %s: others may exchange it, %s is not root's alone",
			    path, dir);
		return error_hint(err, "chown root:root %s; chmod go-w %s", dir, dir);
	}
	if (!(st.st_mode & 0100)) {
		fail_status(err, STATUS_USAGE, "use the template %s: it is not executable", path);
		return error_hint(err, "chmod 755 %s", path);
	}
	return 1;
}

/* key=value lines; blanks around and lines that begin with # are left out. */
static int read_facts(const char *path, struct record *facts, struct error *err)
{
	auto_free char *file = xasprintf("%s.conf", path);
	auto_free char *text = NULL;
	auto_strings struct strings lines = STRINGS_EMPTY;
	int r = read_file_at(AT_FDCWD, file, FACTS_BYTES, &text, NULL);

	if (r == -ENOENT)
		return 0;	/* an administrator's own need not have any */
	if (r < 0)
		return fail(err, -r, "read %s", file);
	strings_split(&lines, text, "\r\n");
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.items[i] + strspn(lines.items[i], " \t"), *equals = strchr(line, '=');

		if (*line == '#' || !*line)
			continue;
		if (!equals || equals == line)
			return fail(err, 0, "%s: \"%s\" is not of the form key=value", file, line);
		*equals = '\0';
		record_add(facts, line, equals + 1);
	}
	return 0;
}

static int unknown(const struct install *install, const char *name, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_free char *shown = text_printable(name);
	auto_free char *all = NULL;
	struct error ignored = ERROR_NONE;
	const char *near;

	fail_status(err, STATUS_USAGE, "there is no template \"%s\"", shown);
	if (template_names(install, &names, &ignored) < 0 || !names.n)
		return error_hint(err, "none are installed in %s/templates", install->data_dir);
	near = nearest_of(name, (const char *const *)names.items, names.n);
	if (near)
		return error_hint(err, "did you mean \"%s\"?", near);
	all = strings_join(&names, ", ");
	return error_hint(err, "there are: %s", all);
}

static int use(const char *dir, const char *name, struct template *ret, struct error *err)
{
	struct template t = { .name = xstrdup(name), .dir = xstrdup(dir), .path = xasprintf("%s/%s", dir, name) };
	int r = check_program(t.path, dir, err);

	if (r == 1 && read_facts(t.path, &t.facts, err) < 0)
		r = -err->code;
	if (r != 1) {
		template_done(&t);
		return r;
	}
	*ret = t;
	return 1;
}

int template_find(const struct install *install, const char *name, struct template *ret, struct error *err)
{
	auto_free char *shipped = shipped_dir(install);
	int r;

	if (*name == '/') {
		const char *base = strrchr(name, '/') + 1;
		auto_free char *dir = xstrndup(name, base == name + 1 ? 1 : (size_t)(base - name - 1));

		if (!valid_name(base))
			return fail_status(err, STATUS_USAGE, "\"%s\" is no name of a template: lower case letters, digits, "
							      "\"-\" and \"_\"", base);
		r = use(dir, base, ret, err);
		if (r == 0)
			return fail_status(err, STATUS_USAGE, "there is no template %s", name);
		return r < 0 ? r : 0;
	}
	if (!valid_name(name))
		return unknown(install, name, err);
	r = use(TEMPLATES_OF_ADMIN, name, ret, err);
	if (r == 0)
		r = use(shipped, name, ret, err);
	if (r == 0)
		return unknown(install, name, err);
	return r < 0 ? r : 0;
}

void template_done(struct template *template)
{
	free(template->name);
	free(template->path);
	free(template->dir);
	record_clear(&template->facts);
	*template = (struct template)TEMPLATE_EMPTY;
}

static void add_names(const char *path, struct strings *ret)
{
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct stat st;

		if (valid_name(entry->d_name) && !strings_has(ret, entry->d_name) &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mode & 0100)
			strings_add(ret, entry->d_name);
	}
}

int template_names(const struct install *install, struct strings *ret, struct error *err)
{
	auto_free char *shipped = shipped_dir(install);

	(void)err;	/* a missing directory has no templates */
	strings_clear(ret);
	add_names(TEMPLATES_OF_ADMIN, ret);
	add_names(shipped, ret);
	strings_sort(ret);
	return 0;
}

/* --- facts --- */

const char *template_fact(const struct template *template, const char *key)
{
	return record_get(&template->facts, key);
}

bool template_offers(const struct template *template, const char *key, const char *word)
{
	auto_strings struct strings words = STRINGS_EMPTY;
	const char *value = template_fact(template, key);

	if (text_empty(value))
		return true;
	strings_split(&words, value, " \t");
	return strings_has(&words, "any") || strings_has(&words, word);
}

static int hash_file(const char *path, bool needed, struct hash *hash, struct error *err)
{
	auto_free char *text = NULL;
	size_t n;
	int r = read_file_at(AT_FDCWD, path, SCRIPT_BYTES, &text, &n);

	if (r == -ENOENT && !needed)
		return 0;
	if (r < 0)
		return fail(err, -r, "read %s", path);
	hash_add(hash, &n, sizeof(n));
	hash_add(hash, text, n);
	return 0;
}

int template_hash(const struct install *install, const struct template *template, struct hash *hash,
		  struct error *err)
{
	auto_free char *conf = xasprintf("%s.conf", template->path);
	auto_free char *lib = xasprintf("%s/templates/lib", install->data_dir);
	auto_closedir DIR *dir = opendir(lib);
	auto_strings struct strings files = STRINGS_EMPTY;
	struct dirent *entry;
	int r;

	hash_init(hash);
	r = hash_file(template->path, true, hash, err);
	if (r == 0)
		r = hash_file(conf, false, hash, err);
	while (dir && (entry = readdir(dir)))
		if (text_ends(entry->d_name, ".sh"))
			strings_add(&files, entry->d_name);
	strings_sort(&files);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		auto_free char *path = xasprintf("%s/%s", lib, files.items[i]);

		r = hash_file(path, false, hash, err);
	}
	return r;
}

/* --- progress --- */

void progress_tell(const struct progress *progress, enum progress_kind kind, int percent, const char *text)
{
	auto_free char *shown = text_printable(text);

	if (progress && progress->show)
		progress->show(progress->arg, kind, percent, shown);
	else if (kind == PROGRESS_NOTE)
		log_note("%s", shown);
	else
		log_debug("%s", shown);
}
