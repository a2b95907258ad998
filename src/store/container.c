/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/lock.h"
#include "os/process.h"

#define LOCK_WAIT_MS 10000
#define FILES_NEEDED 64		/* a start has about half of it open at once */
#define IDENTITY_BYTES 65536

int container_names(const struct install *install, struct strings *ret, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers", install->state_dir);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	strings_clear(ret);
	if (!dir)
		return errno == ENOENT ? 0 : fail(err, errno, "read %s", path);
	while ((errno = 0, entry = readdir(dir))) {
		if (!name_valid(entry->d_name))
			continue;	/* leftovers, lost+found, a person's notes */
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		strings_add(ret, entry->d_name);
	}
	if (errno)
		return fail(err, errno, "read %s", path);
	strings_sort(ret);
	return 0;
}

int container_each_identity(const struct install *install, container_identity_fn *each, void *arg, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers", install->state_dir);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : fail(err, errno, "read %s", path);
	while ((errno = 0, entry = readdir(dir))) {
		auto_free char *file = xasprintf("%s/identity", entry->d_name), *text = NULL;
		auto_free char *where = xasprintf("%s/%s", path, entry->d_name);
		size_t n = 0;
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = read_file_at(dirfd(dir), file, IDENTITY_BYTES, &text, &n);
		if (r == -ENOENT || r == -ENOTDIR)	/* just made, or on its way out */
			continue;
		r = each(entry->d_name, where, r, text, n, arg, err);
		if (r != 0)
			return r;
	}
	return errno ? fail(err, errno, "read %s", path) : 0;
}

static int not_found(const struct install *install, const char *name, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_free char *shown = text_printable(name);
	const char *near = NULL;
	struct error ignored = ERROR_NONE;

	fail_status(err, STATUS_NOT_FOUND, "there is no container \"%s\"", shown);
	err->code = ENOENT;
	if (container_names(install, &names, &ignored) == 0)
		near = nearest_of(name, (const char *const *)names.items, names.n);
	if (near)
		error_hint(err, "did you mean \"%s\"?", near);
	else
		error_hint(err, "sysct list shows what there is, sysct create makes one");
	return -err->code;
}

int container_lock(const struct install *install, const char *name, int wait_ms, struct error *err)
{
	auto_free char *path = xasprintf("%s/.host/lock/%s", install->run_dir, name);
	auto_free char *what = xasprintf("container \"%s\"", name);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = path, .wait_ms = wait_ms,
					.what = what, .status = STATUS_STATE };
	int fd;

	if (process_need_files(FILES_NEEDED, err) < 0)
		return -err->code;
	fd = lock_take(&wish, err);
	if (fd == -ENOENT || fd == -ENOTDIR) {
		int r;

		*err = (struct error)ERROR_NONE;
		r = install_make_dirs(install, err);	/* /run is empty after a boot */
		if (r < 0)
			return r;
		fd = lock_take(&wish, err);
	}
	return fd;
}

/* The directory: root's, no link, nobody else may write to it. */
static int open_dir(struct container *c, struct error *err)
{
	struct stat st;

	c->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0 && errno == ENOENT)
		return not_found(c->install, c->name, err);
	if (c->dir_fd < 0 || fstat(c->dir_fd, &st) < 0)
		return fail(err, errno, "open %s", c->dir);
	if (!owned_alone(&st, geteuid())) {
		fail(err, 0, "use %s: it is not root's alone (owner %u, mode %04o)", c->dir, st.st_uid,
		     st.st_mode & 07777);
		return error_hint(err, "look into it, then: chown root:root %s; chmod go-w %s", c->dir, c->dir);
	}
	return 0;
}

static int load_identity(struct container *c, struct error *err)
{
	auto_free char *text = NULL, *path = NULL;
	const char *value;
	size_t n;
	int r;

	r = read_file_at(c->dir_fd, "identity", IDENTITY_BYTES, &text, &n);
	if (r < 0)
		return fail(err, -r, "read %s/identity", c->dir);
	if (record_parse(&c->identity, text, n) < 0)
		return fail(err, 0, "read %s/identity: it is damaged", c->dir);
	path = xasprintf("%s/identity", c->dir);
	if (record_check_version(&c->identity, "version", IDENTITY_VERSION, path, err) < 0)
		return -err->code;
	value = record_get(&c->identity, "uuid");
	if (!value || !uuid_valid(value))
		return fail(err, 0, "read %s/identity: it has no uuid", c->dir);
	memcpy(c->uuid, value, UUID_LEN + 1);
	value = record_get(&c->identity, "idmap");
	if (value) {
		r = idmap_parse(value, &c->idmap, err);
		if (r < 0)
			return error_prefix(err, "read %s/identity", c->dir);
	}
	return 0;
}

static int load_config(struct container *c, const struct container_defaults *defaults, struct error *err)
{
	auto_free char *path = xasprintf("%s/config", c->dir);
	int r;

	if (!defaults) {
		r = config_load_host(c->install->config, !c->install->config_given, &c->host, &c->config, err);
	} else if (defaults->result < 0) {
		*err = defaults->why;
		r = defaults->result;
	} else {
		host_config_copy(&c->host, &defaults->host);
		config_copy(&c->config, &defaults->config);
		c->config.source = defaults->config.source;
		r = 0;
	}
	if (r == 0 && defaults)
		return config_load_memo(c->dir_fd, "config", path, defaults->memo, &c->config, err);
	return r < 0 ? r : config_load(c->dir_fd, "config", path, &c->config, err);
}

/* Configuration and identity. What is broken is only noted when tolerant; of what a newer sysct made nobody knows how to
 * stop or destroy it. */
static int load(struct container *c, const struct container_defaults *defaults, bool tolerant, struct error *err)
{
	struct error why = ERROR_NONE;
	int r;

	r = load_identity(c, &why);
	if (r == 0)
		r = load_config(c, defaults, &why);
	if (r == 0)
		return 0;
	if (!tolerant || r == -EPROTO) {
		*err = why;
		return r;
	}
	config_done(&c->config);	/* half of it may have been read */
	config_init(&c->config);
	c->broken = xstrdup(why.message);
	return 0;
}

/* What somebody was writing when he was killed. */
static void tidy(const struct container *c)
{
	static const char *const files[] = { "config", "identity", "last_exit", NULL };

	remove_abandoned_at(c->dir_fd, ".", files);
}

static int open_locked(struct container *c, const struct container_defaults *defaults, bool lock, bool tolerant,
		       struct error *err)
{
	int r = open_dir(c, err);

	if (r == 0 && lock) {
		c->lock_fd = container_lock(c->install, c->name, LOCK_WAIT_MS, err);
		if (c->lock_fd < 0)
			return c->lock_fd;
		/* Whoever had it may have destroyed the container, and made another. */
		close_fd(&c->dir_fd);
		r = open_dir(c, err);
		c->untidy = r == 0;
	}
	if (r == 0)
		r = load(c, defaults, tolerant, err);
	if (r == 0 && c->config.security.privileged)
		r = idmap_identity(&c->idmap, err);
	return r;
}

static int open_by(const struct install *install, const struct container_defaults *defaults, const char *name, bool lock,
		   bool tolerant, struct container *ret, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	int r;

	if (!name_valid(name))	/* so it cannot be one, and is no path either */
		return not_found(install, name, err);
	c.install = install;
	c.name = xstrdup(name);
	c.dir = xasprintf("%s/containers/%s", install->state_dir, name);
	host_config_init(&c.host);
	if (!defaults)	/* else it is a copy of those */
		config_init(&c.config);
	r = open_locked(&c, defaults, lock, tolerant, err);
	if (r < 0) {
		container_close(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int container_open(const struct install *install, const char *name, bool lock, bool tolerant,
		   struct container *ret, struct error *err)
{
	return open_by(install, NULL, name, lock, tolerant, ret, err);
}

int container_look(const struct install *install, const struct container_defaults *defaults, const char *name,
		   struct container *ret, struct error *err)
{
	return open_by(install, defaults, name, false, true, ret, err);
}

void container_defaults_load(const struct install *install, struct container_defaults *ret)
{
	*ret = (struct container_defaults){ .why = ERROR_NONE, .memo = xcalloc(1, sizeof(*ret->memo)) };
	config_init(&ret->config);
	host_config_init(&ret->host);
	ret->result = config_load_host(install->config, !install->config_given, &ret->host, &ret->config, &ret->why);
}

void container_defaults_done(struct container_defaults *defaults)
{
	config_memo_done(defaults->memo);
	free(defaults->memo);
	config_done(&defaults->config);
	host_config_done(&defaults->host);
}

void container_drop_lock(struct container *container)
{
	container->untidy = false;
	close_fd(&container->lock_fd);
}

void container_unlock(struct container *container)
{
	if (container->untidy && container->lock_fd >= 0)
		tidy(container);
	container_drop_lock(container);
}

void container_close(struct container *container)
{
	if (container->name) {	/* an empty one has no configuration either */
		config_done(&container->config);
		host_config_done(&container->host);
	}
	record_clear(&container->identity);
	close_fd(&container->image_fd);
	container_unlock(container);
	close_fd(&container->dir_fd);
	free(container->name);
	free(container->dir);
	free(container->broken);
	*container = (struct container)CONTAINER_EMPTY;
}

const char *container_hostname(const struct container *container)
{
	return container->config.hostname ? container->config.hostname : container->name;
}

int container_save_identity(struct container *container, struct error *err)
{
	auto_free char *text = record_format(&container->identity);
	const char *slash = strrchr(container->dir, '/');
	/* An unfinished one (.create-UUID) does not outlive a power cut; its commit syncs once. */
	bool durable = !slash || slash[1] != '.';
	int r;

	r = replace_file_at(container->dir_fd, "identity", text, strlen(text), 0600, durable, err);
	return r < 0 ? error_prefix(err, "%s", container->dir) : 0;
}
