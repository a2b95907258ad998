/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "config/config.h"
#include "config/options.h"
#include "store/configure.h"
#include "store/host_user.h"
#include "store/idpool.h"
#include "store/image.h"
#include "store/leftovers.h"
#include "store/linked.h"
#include "store/rootfs.h"

#define NAME_WAIT_MS 10000
#define NAME_TRIES 1000

/* One create. c is the unfinished container: its dir is containers/.create-UUID, its name the final one. */
struct creation {
	const struct install *install;
	struct create_request *request;
	struct host_user user;		/* name NULL: none is wanted */
	struct template template;
	struct container c;
	struct container_config defaults;
	char *source;			/* absolute */
	char *config_text;
	int containers_fd, maker_fd;
	struct image image;
};

/* --- configuration --- */

/* A list key may be repeated as in a file: the first replaces, the others append. */
static int apply_setting(struct creation *n, size_t i, struct error *err)
{
	const struct strings *settings = &n->request->settings;
	const char *setting = settings->items[i], *equals = strchr(setting, '=');
	auto_free char *key = NULL, *append = NULL;

	if (!equals) {
		fail_status(err, STATUS_USAGE, "--set \"%s\": it has no value", setting);
		return error_hint(err, "write section.key=value");
	}
	key = xstrndup(setting, (size_t)(equals - setting));
	for (size_t j = 0; j < i; j++) {
		auto_free char *earlier = xstrndup(settings->items[j], strcspn(settings->items[j], "="));
		int r = option_key_again(key, earlier, err);

		if (r < 0)
			return r;
		if (r > 0 && !append && !text_ends(key, "+"))
			append = xasprintf("%s+", key);
	}
	return config_set_option(&n->c.config, append ? append : key, equals + 1, err);
}

static int check_linked(const struct creation *n, struct error *err)
{
	if (idpool_nested()) {
		fail_status(err, STATUS_USAGE, "--linked: in a container no image can be mounted, and so none be shared");
		return error_hint(err, "leave --linked away: the root file system is a directory then");
	}
	if (n->c.config.rootfs.directory) {
		fail_status(err, STATUS_USAGE, "--linked: the root file system is to be the directory %s, and only images stand "
					       "on others", n->c.config.rootfs.directory);
		return error_hint(err, "leave either --linked or rootfs.directory away");
	}
	return 0;
}

/* In a container no image can be mounted, whatever loop devices there are. */
static int choose_backend(struct creation *n, struct error *err)
{
	struct container_config *config = &n->c.config;

	if (n->request->linked)
		return check_linked(n, err);
	if (config->rootfs.directory || !idpool_nested())
		return 0;
	if (!option_is_default(option_find("rootfs", "image"), config)) {
		fail_status(err, STATUS_USAGE, "use the image %s: in a container none can be mounted",
			    config->rootfs.image);
		return error_hint(err, "leave rootfs.image away: the root file system is a directory then");
	}
	config->rootfs.directory = xstrdup("rootfs");
	log_note("in a container no image can be mounted: the root file system is a directory%s",
		 n->request->size ? ", which has no size of its own" : "");
	return 0;
}

static int load_config(struct creation *n, struct error *err)
{
	const struct create_request *q = n->request;
	const struct install *install = n->install;
	int r;

	r = config_load_host(install->config, !install->config_given, &n->c.host, &n->defaults, err);
	if (r < 0)
		return r;
	config_copy(&n->c.config, &n->defaults);
	if (n->user.name)
		r = config_set_option(&n->c.config, "container.user", n->user.name, err);
	for (size_t i = 0; r == 0 && i < q->settings.n; i++)
		r = apply_setting(n, i, err);
	if (r == 0 && q->size)
		r = config_set_option(&n->c.config, "rootfs.size", q->size, err);
	if (r == 0)
		r = choose_backend(n, err);
	if (r < 0)
		return r;
	return config_validate(&n->c.config, err);
}

/* [template] says what it was made of. */
static int describe(struct creation *n, struct error *err)
{
	static const struct {
		const char *key, *fact;
	} rows[] = { { "template.name", "template" }, { "template.release", "release" },
		     { "template.arch", "arch" },     { "template.variant", "variant" },
		     { "template.source", "source" }, { "template.checksum", "source_sha256" } };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(rows); i++) {
		const char *value = record_get(&n->image.meta, rows[i].fact);

		if (!text_empty(value) && !strpbrk(value, ";#"))
			r = config_set_option(&n->c.config, rows[i].key, value, err);
	}
	return r < 0 ? error_prefix(err, "what the template says") : 0;
}

static int write_config(struct creation *n, struct error *err)
{
	auto_free char *body = config_format(&n->c.config, &n->defaults);
	auto_free char *text = xasprintf("# Container \"%s\". See sysct-container.conf(5); `sysct config edit %s` checks what "
					 "you write.\n\n%s", n->c.name, n->c.name, body);

	return replace_file_at(n->c.dir_fd, "config", text, strlen(text), 0600, false, err);
}

/* --- name --- */

static bool exists(const struct creation *n, const char *name)
{
	struct stat st;

	return fstatat(n->containers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int taken(const char *name, struct error *err)
{
	fail_status(err, STATUS_STATE, "there is a container \"%s\" already", name);
	err->code = EEXIST;
	return error_hint(err, "give another name, or destroy that one first: sysct destroy %s", name);
}

static int given_name(struct creation *n, const char *name, struct error *err)
{
	if (!name_valid(name)) {
		auto_free char *shown = text_printable(name);

		fail_status(err, STATUS_USAGE, "\"%s\" is no name for a container", shown);
		return error_hint(err, "1 to 63 of a-z, 0-9 and \"-\", not at the beginning or end: it becomes a "
				       "hostname");
	}
	if (exists(n, name))
		return taken(name, err);
	n->c.lock_fd = container_lock(n->install, name, NAME_WAIT_MS, err);
	if (n->c.lock_fd < 0)
		return n->c.lock_fd;
	if (exists(n, name))
		return taken(name, err);
	n->c.name = xstrdup(name);
	return 0;
}

static int free_name(struct creation *n, struct error *err)
{
	auto_free char *base = xstrdup(n->template.name);

	for (char *p = base; *p; p++)
		if (*p == '_')
			*p = '-';
	for (int i = 1; i <= NAME_TRIES; i++) {
		auto_free char *name = i == 1 ? xstrdup(base) : xasprintf("%.58s-%d", base, i);
		struct error busy = ERROR_NONE;

		if (!name_valid(name))
			break;
		if (exists(n, name))
			continue;
		n->c.lock_fd = container_lock(n->install, name, 0, &busy);
		if (n->c.lock_fd < 0 && busy.code != EBUSY) {
			*err = busy;
			return -err->code;
		}
		if (n->c.lock_fd >= 0 && !exists(n, name)) {
			n->c.name = take_ptr(&name);
			return 0;
		}
		close_fd(&n->c.lock_fd);	/* another create was faster with that one */
	}
	fail_status(err, STATUS_USAGE, "find a name like \"%s\"", base);
	return error_hint(err, "give one: sysct create NAME --template %s", n->template.name);
}

/* --- the unfinished directory --- */

static int open_containers(struct creation *n, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers", n->install->state_dir);

	n->containers_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return n->containers_fd < 0 ? fail(err, errno, "open %s", path) : 0;
}

static int no_room(const char *what, struct error *err)
{
	fail(err, errno, "%s", what);
	if (err->code == ENOSPC)
		error_hint(err, "make room there, or use another --state-dir");
	return -err->code;
}

static int make_dir(struct creation *n, struct error *err)
{
	auto_close int lock = -1;
	auto_free char *name = NULL;

	uuid_make(n->c.uuid);
	name = xasprintf(UNFINISHED "%s", n->c.uuid);
	n->c.dir = xasprintf("%s/containers/%s", n->install->state_dir, name);
	lock = leftovers_lock(n->install, err);
	if (lock < 0)
		return lock;
	if (mkdirat(n->containers_fd, name, 0700) < 0)
		return no_room("make a directory for the container", err);
	n->c.dir_fd = openat(n->containers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	n->maker_fd = n->c.dir_fd < 0 ? -errno : leftovers_claim(n->c.dir_fd);
	if (n->maker_fd < 0) {
		errno = -n->maker_fd;
		return no_room("make a directory for the container", err);
	}
	record_setf(&n->c.identity, "version", "%d", IDENTITY_VERSION);
	record_set(&n->c.identity, "uuid", n->c.uuid);
	record_setf(&n->c.identity, "created_at", "%lld", (long long)time(NULL));
	return idpool_ensure(&n->c, true, err);
}

/* --- rootfs --- */

/* What was asked for, and what a user needs: one list, so that all containers with a user are of one image. */
static char *packages_of(const struct creation *n)
{
	const char *needed = template_fact(&n->template, "user_packages");
	auto_strings struct strings all = STRINGS_EMPTY, more = STRINGS_EMPTY;

	strings_copy(&all, &n->request->packages);
	strings_split(&more, n->user.name && needed ? needed : "", " ");
	for (size_t i = 0; i < more.n; i++)
		if (!strings_has(&all, more.items[i]))
			strings_add(&all, more.items[i]);
	return strings_join(&all, " ");
}

static int get_image(struct creation *n, struct error *err)
{
	const struct create_request *q = n->request;
	auto_free char *packages = packages_of(n);
	struct image_request request = {
		.install = n->install, .host = &n->c.host, .template = &n->template, .arch = q->arch,
		.release = q->release, .variant = q->variant, .packages = packages, .mirror = q->mirror,
		.guest_mirror = q->guest_mirror, .keyring = q->keyring, .source = n->source,
		.no_verify = q->no_verify, .offline = q->offline, .refresh = q->refresh,
		.directory = n->c.config.rootfs.directory != NULL, .map = n->c.idmap,
		.progress = q->progress,
	};
	int r = image_get(&request, &n->image, err);

	if (r < 0)
		return r;
	if (n->c.config.security.privileged) {	/* the ids were for the build alone */
		record_set(&n->c.identity, "build_idmap", NULL);
		if (idmap_identity(&n->c.idmap, err) < 0)
			return -err->code;
	}
	record_set(&n->c.identity, "image_key", n->image.key);
	if (q->linked)
		return linked_begin(&n->c, &n->image, err);
	/* Before the image's lock goes: whoever prunes sees it. */
	return container_save_identity(&n->c, err);
}

/* Where the directory is while the container is unfinished; NULL: outside of it, at its own place. */
static char *directory_inside(const struct creation *n)
{
	auto_free char *final = xasprintf("%s/containers/%s/", n->install->state_dir, n->c.name);
	const char *path = n->c.config.rootfs.directory;

	if (*path != '/')
		return xasprintf("%s/%s", n->c.dir, path);
	return text_starts(path, final) ? xasprintf("%s/%s", n->c.dir, path + strlen(final)) : NULL;
}

/* Outside: it must not be there, or be empty; and it is noted first, so that it goes if we do not get to the end. */
static int place_outside(struct creation *n, const char *path, struct error *err)
{
	if (rmdir(path) < 0 && errno != ENOENT) {
		fail(err, errno, "use %s for the root file system", path);
		return error_hint(err, "it is neither empty nor absent; to make a container of what is in it: --template "
				       "tarball --source %s, and another rootfs place", path);
	}
	record_set(&n->c.identity, "made", path);
	return container_save_identity(&n->c, err);
}

static int copy_rootfs(struct creation *n, struct error *err)
{
	auto_free char *path = NULL;
	const char *image = n->c.config.rootfs.image;
	int r = 0;

	if (!n->c.config.rootfs.directory) {
		if (*image == '/')
			r = place_outside(n, image, err);
		if (r == 0 && n->request->linked)
			r = n->c.image_fd = linked_make_upper(n->c.config.rootfs.size, n->c.uuid, err);
		else if (r == 0)
			r = image_copy(&n->image, n->c.dir_fd, image, n->c.config.rootfs.size, n->c.uuid, err);
		return r < 0 ? r : 0;
	}
	path = directory_inside(n);
	if (!path) {
		path = xstrdup(n->c.config.rootfs.directory);
		r = place_outside(n, path, err);
	}
	if (r == 0 && make_dirs(path, 0755) < 0)
		r = no_room("make the directory of the root file system", err);
	if (r == 0)
		r = image_copy(&n->image, AT_FDCWD, path, 0, n->c.uuid, err);
	free(n->c.config.rootfs.directory);	/* from here on we work there; the text is written already */
	n->c.config.rootfs.directory = take_ptr(&path);
	return r < 0 ? r : rootfs_begin_ids(&n->c, err);
}

static void tell_user(const struct creation *n, const struct guest_user_made *made)
{
	auto_strings struct strings notes = STRINGS_EMPTY;

	strings_split(&notes, made->notes, "\n");
	if (made->ssh && !*n->user.keys)
		strings_add_take(&notes, xasprintf("%s has no ssh key on this host (~/.ssh/*.pub, authorized_keys): sysct "
						   "attach alone enters the container", n->user.name));
	if (n->user.left_out)
		strings_add_take(&notes, xasprintf("not all files with ssh keys of %s were taken: some are too large, or "
						   "no files, or cannot be read by him", n->user.name));
	for (size_t i = 0; i < notes.n; i++)
		progress_tell(n->request->progress, PROGRESS_NOTE, -1, notes.items[i]);
	n->request->ret_ssh = made->ssh && *n->user.keys;
}

static int configure(struct creation *n, struct error *err)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	const struct guest_user user = {
		.name = n->user.name, .group = n->user.group, .uid = n->user.uid, .gid = n->user.gid,
		.gecos = n->user.gecos, .shell = n->user.shell, .keys = n->user.keys, .ids = n->c.idmap.count,
	};
	struct guest_user_made made;
	struct configure what = {
		.name = n->c.name, .hostname = n->c.config.hostname, .uuid = n->c.uuid, .init = n->c.config.init,
		.user = n->user.name ? &user : NULL, .ret_made = &made,
	};
	char kind[16];
	int r = rootfs_open_new(&n->c, &rootfs, err);

	if (r == 0)
		r = configure_rootfs(rootfs.mount_fd, &n->c.idmap, rootfs.shifted, &what, kind, err);
	if (r == 0)
		record_set(&n->c.identity, "init_kind", kind);
	if (r == 0)
		record_set(&n->c.identity, IDENTITY_HOSTNAME, container_hostname(&n->c));
	if (r == 0 && n->user.name)
		tell_user(n, &made);
	rootfs_close(&rootfs);
	if (r == 0 && rootfs.loop.number >= 0 && !n->c.config.rootfs.directory &&
	    loop_wait_free(rootfs.loop.number, rootfs.device, rootfs.inode, 30000) < 0)
		return fail(err, ETIMEDOUT, "wait until %s is free", rootfs.loop.path);
	return r;
}

/* Of a linked one; all others are made where they lie. */
static int keep_image(struct creation *n, struct error *err)
{
	int r;

	if (n->c.image_fd < 0)
		return 0;
	r = linked_keep_upper(n->c.image_fd, n->c.dir_fd, n->c.config.rootfs.image, err);
	close_fd(&n->c.image_fd);
	return r;
}

/* --- commit --- */

/* The data must be on disk before the name is: after a power cut there is either all of it or nothing. */
static int sync_rootfs(struct creation *n, struct error *err)
{
	auto_close int fd = -1;

	if (n->c.config.rootfs.directory) {
		fd = open(n->c.config.rootfs.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 || syncfs(fd) < 0 ? no_room("write the root file system", err) : 0;
	}
	fd = openat(n->c.dir_fd, n->c.config.rootfs.image, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || fdatasync(fd) < 0 ? no_room("write the image", err) : 0;
}

static int sync_files(struct creation *n, struct error *err)
{
	static const char *const names[] = { "config", "identity", "." };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_close int fd = openat(n->c.dir_fd, names[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fsync(fd) < 0)
			return no_room("write the container's files", err);
	}
	return 0;
}

static int commit(struct creation *n, struct error *err)
{
	auto_free char *unfinished = xasprintf(UNFINISHED "%s", n->c.uuid);
	auto_close int lock = -1;	/* whoever reads all claims meanwhile would see it under neither name, and give its ids again */
	int r = interrupt_check(err);

	if (r == 0)
		r = container_save_identity(&n->c, err);
	if (r == 0)
		r = sync_rootfs(n, err);
	if (r == 0)
		r = sync_files(n, err);
	if (r < 0)
		return r;
	lock = idpool_lock(n->c.install, err);
	if (lock < 0)
		return lock;
	if (renameat2(n->containers_fd, unfinished, n->containers_fd, n->c.name, RENAME_NOREPLACE) < 0)
		return errno == EEXIST ? taken(n->c.name, err) : fail(err, errno, "give the container its name");
	close_fd(&lock);
	fsync(n->containers_fd);
	return 0;
}

/* --- the whole --- */

static int make_absolute(struct creation *n, struct error *err)
{
	if (text_empty(n->request->source))
		return 0;
	n->source = realpath(n->request->source, NULL);
	if (n->source)
		return 0;
	fail(err, errno, "open the source %s", n->request->source);
	error_status(err, STATUS_USAGE);
	return error_hint(err, "--source names a file or a directory of this host");
}

static int fill(struct creation *n, struct error *err)
{
	static int (*const steps[])(struct creation *n, struct error *err) = {
		make_dir, get_image, describe, write_config, copy_rootfs, configure, keep_image, commit,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = interrupt_check(err);

		if (r == 0)
			r = steps[i](n, err);
		if (r < 0) {
			struct error why = ERROR_NONE;

			/* ^C comes to children too, whose end is no reason of its own */
			if (interrupt_check(&why) < 0)
				*err = why;
			return -err->code;
		}
	}
	return 0;
}

static int create(struct creation *n, struct error *err)
{
	auto_free char *unfinished = NULL;
	struct error ignored = ERROR_NONE;
	int r;

	r = n->request->user ? host_user_find(n->request->user, &n->user, err) : 0;
	if (r == 0)
		r = install_make_dirs(n->install, err);
	if (r == 0) {
		store_collect(n->install);
		r = template_find(n->install, n->request->template, &n->template, err);
	}
	if (r == 0)
		r = make_absolute(n, err);
	if (r == 0)
		r = load_config(n, err);
	if (r == 0)
		r = open_containers(n, err);
	if (r == 0)
		r = n->request->name ? given_name(n, n->request->name, err) : free_name(n, err);
	if (r < 0)
		return r;
	r = fill(n, err);
	if (r < 0 && n->c.uuid[0]) {
		unfinished = xasprintf(UNFINISHED "%s", n->c.uuid);
		leftovers_remove(n->containers_fd, unfinished, &ignored);
		if (record_get(&n->c.identity, "base"))
			linked_drop(n->install, record_get(&n->c.identity, "base"), &ignored);
	}
	return r;
}

int store_create(const struct install *install, struct create_request *request, char **ret_name,
		 struct error *err)
{
	struct creation n = { .install = install, .request = request, .c = CONTAINER_EMPTY,
			      .containers_fd = -1, .maker_fd = -1, .image = IMAGE_EMPTY, .user = HOST_USER_EMPTY };
	mode_t mask = umask(022);
	int r;

	n.c.install = install;
	config_init(&n.c.config);
	config_init(&n.defaults);
	host_config_init(&n.c.host);
	interrupt_install();
	r = create(&n, err);
	umask(mask);
	if (r < 0 && (err->code == ENOSPC || err->code == EDQUOT) && !err->hint[0]) {
		/* by its own name nobody knows the directory of an unfinished container */
		error_prefix(err, "the disk of %s is full", install->state_dir);
		error_hint(err, "make room: df -h %s %s; sysct image prune removes images that no container uses",
			   install->state_dir, install->cache_dir);
	}
	if (r == 0)
		*ret_name = xstrdup(n.c.name);
	image_close(&n.image);
	close_fd(&n.maker_fd);
	close_fd(&n.containers_fd);
	free(n.source);
	config_done(&n.defaults);
	template_done(&n.template);
	host_user_done(&n.user);
	if (!n.c.name)
		n.c.name = xstrdup("");	/* so that close frees the configuration */
	container_close(&n.c);
	return r;
}

void store_collect(const struct install *install)
{
	leftovers_collect(install);
}
