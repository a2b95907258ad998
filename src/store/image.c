/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/lock.h"
#include "os/loop.h"
#include "os/mkfs.h"
#include "os/mount.h"
#include "os/process.h"
#include "store/idpool.h"
#include "store/rootfs.h"

#define LOCK_WAIT_MS (40 * 60 * 1000)	/* more than a build may take */
#define ROOM_FOR_BUILD (32ULL << 20)	/* less, and no template gets anywhere */
#define JOURNAL_MB 64

/* One build: the request with everything filled in. */
struct making {
	const struct image_request *request;
	struct image *image;
	char host_arch[65];
	const char *arch, *mirror;
	char *partial;		/* CACHE_DIR/images/KEY.partial-PID */
	char *log;
};

/* --- what is wanted --- */

static const char *mirror_of(const struct image_request *request)
{
	size_t n = strlen(request->template->name);

	if (!text_empty(request->mirror))
		return request->mirror;
	for (size_t i = 0; request->host && i < request->host->mirror.n; i++) {
		const char *line = request->host->mirror.items[i];

		if (strncmp(line, request->template->name, n) == 0 && line[n] == ' ')
			return line + n + 1;
	}
	return NULL;
}

static int check_word(const struct template *template, const char *key, const char *what, const char *word,
		      struct error *err)
{
	auto_free char *shown = NULL;

	if (text_empty(word) || template_offers(template, key, word))
		return 0;
	shown = text_printable(word);
	fail_status(err, STATUS_USAGE, "template \"%s\" has no %s \"%s\"", template->name, what, shown);
	return error_hint(err, "it has: %s", template_fact(template, key));
}

static int check_request(struct making *m, struct error *err)
{
	const struct image_request *q = m->request;
	const char *source = template_fact(q->template, "source");
	int r = 0;

	if (strcmp(m->arch, m->host_arch) != 0 || !template_offers(q->template, "architectures", "host"))
		r = check_word(q->template, "architectures", "architecture", m->arch, err);
	if (r == 0)
		r = check_word(q->template, "variants", "variant", q->variant, err);
	if (r < 0)
		return r;
	if (source && strcmp(source, "required") == 0 && text_empty(q->source)) {
		fail_status(err, STATUS_USAGE, "template \"%s\" needs to know what to take", q->template->name);
		return error_hint(err, "give --source FILE or DIRECTORY");
	}
	if (!source && !text_empty(q->source)) {
		fail_status(err, STATUS_USAGE, "template \"%s\" takes no --source", q->template->name);
		return error_hint(err, "a root file system of your own: --template tarball --source %s", q->source);
	}
	return 0;
}

/* A changed file is another one. For a directory that is all we can cheaply see; its content may differ, so
 * the time of the call makes it unique. */
static int hash_source(const char *source, struct hash *hash, struct error *err)
{
	struct stat st;
	int64_t parts[5];

	hash_add_text(hash, source);
	if (text_empty(source))
		return 0;
	if (stat(source, &st) < 0) {
		fail(err, errno, "open the source %s", source);
		return error_status(err, STATUS_USAGE);
	}
	parts[0] = (int64_t)st.st_ino;
	parts[1] = st.st_size;
	parts[2] = st.st_mtim.tv_sec;
	parts[3] = st.st_mtim.tv_nsec;
	parts[4] = S_ISDIR(st.st_mode) ? (int64_t)now_usec() : 0;
	hash_add(hash, parts, sizeof(parts));
	return 0;
}

static int make_key(struct making *m, struct error *err)
{
	const struct image_request *q = m->request;
	struct hash hash;
	int r = template_hash(q->install, q->template, &hash, err);

	if (r < 0)
		return r;
	hash_add_text(&hash, "sysct-image-1");
	hash_add_text(&hash, q->directory ? "directory" : "image");
	/* the administrator's own may depend on what lies beside it */
	hash_add_text(&hash, text_starts(q->template->path, q->install->data_dir) ? q->template->name : q->template->path);
	hash_add_text(&hash, q->release);
	hash_add_text(&hash, m->arch);
	hash_add_text(&hash, q->variant);
	hash_add_text(&hash, q->packages);
	hash_add_text(&hash, m->mirror);
	hash_add_text(&hash, q->guest_mirror);
	hash_add_text(&hash, q->keyring);
	hash_add_text(&hash, q->no_verify ? "no-verify" : "");
	r = hash_source(q->source, &hash, err);
	hash_format(&hash, m->image->key);
	return r;
}

/* --- the pieces of a build --- */

static int run_tool(const char *const *argv, char **ret_output, struct error *err)
{
	auto_free char *output = NULL;
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1 };
	int r = tool_run(&run, err);

	if (r < 0)
		return r;
	if (ret_output)
		*ret_output = take_ptr(&output);
	return r;
}

/* No journal while building: nothing of a build that dies is kept, and it would be copied into every box. */
static int make_ext4(const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	const struct mkfs wish = { .path = path, .keep_fd = -1, .features = "metadata_csum,metadata_csum_seed,^has_journal",
				   .options = "lazy_itable_init=1,nodiscard,root_owner=0:0" };
	auto_free char *said = NULL;
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)IMAGE_SIZE) < 0)
		return fail(err, errno, "create %s", path);
	r = mkfs_ext4(&wish, &said, err);
	return r > 0 ? fail(err, 0, "make a file system in %s: mke2fs: %s", path, said) : r;
}

int image_punch_unwritten(int fd, struct error *err)
{
	enum { EXTENTS = 64 };
	auto_free struct fiemap *map = xcalloc(1, sizeof(*map) + EXTENTS * sizeof(struct fiemap_extent));
	uint64_t at = 0;

	for (;;) {
		const struct fiemap_extent *e = map->fm_extents;

		map->fm_start = at;
		map->fm_length = FIEMAP_MAX_OFFSET - at;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, map) < 0)
			return errno == EOPNOTSUPP || errno == ENOTTY ? 0 : fail(err, errno, "look at the extents of the image");
		for (uint32_t i = 0; i < map->fm_mapped_extents; i++, e++) {
			at = e->fe_logical + e->fe_length;
			if (e->fe_flags & FIEMAP_EXTENT_UNWRITTEN &&
			    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)e->fe_logical,
				      (off_t)e->fe_length) < 0 && errno != EOPNOTSUPP)
				return fail(err, errno, "give back what the image does not use");
			if (e->fe_flags & FIEMAP_EXTENT_LAST)
				return 0;
		}
		if (!map->fm_mapped_extents)
			return 0;
	}
}

static int punch(const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open %s", path) : image_punch_unwritten(fd, err);
}

/* The journal is made at the end; tune2fs leaves its blocks unwritten, and we make them holes, so that a copy leaves them
 * out. */
static int finish_ext4(const char *path, struct error *err)
{
	char size[32];
	const char *tune[] = { "tune2fs", "-O", "has_journal", "-J", size, path, NULL };
	const char *check[] = { "e2fsck", "-fn", path, NULL };
	auto_free char *output = NULL;
	int r;

	snprintf(size, sizeof(size), "size=%d", JOURNAL_MB);
	r = run_tool(tune, NULL, err);
	if (r > 0)
		return fail(err, 0, "add a journal to %s: tune2fs failed with status %d", path, r);
	if (r == 0)
		r = punch(path, err);
	if (r == 0)
		r = run_tool(check, &output, err);
	if (r > 0) {
		fail(err, 0, "check the built image %s: e2fsck failed with status %d", path, r);
		return error_hint(err, "the disk or its free space may be at fault: dmesg | tail");
	}
	return r;
}

/* Run the template on a mounted, empty root file system. */
static int fill(struct making *m, int mount_fd, struct record *facts, struct error *err)
{
	const struct image_request *q = m->request;
	auto_close int mount = mount_fd, userns = -1, kept = -1;
	auto_free char *scratch = xasprintf("%s/tmp", m->partial);
	const char *wants = template_fact(q->template, "userns");
	struct template_build build = {
		.install = q->install, .template = q->template, .userns_fd = -1, .scratch = scratch,
		.log = m->log, .arch = m->arch, .release = q->release, .variant = q->variant,
		.packages = q->packages, .mirror = m->mirror, .guest_mirror = q->guest_mirror,
		.source = q->source, .keyring = q->keyring, .verify = !q->no_verify, .offline = q->offline,
		.progress = q->progress, .ret_facts = facts,
	};
	uint64_t freed;
	int r;

	if (mkdir(scratch, 0700) < 0)
		return fail(err, errno, "make the directory %s", scratch);
	build.nested = idpool_nested();
	if (wants && strcmp(wants, "yes") == 0 && q->map.count && !build.nested) {
		userns = userns_create(&q->map, err);
		if (userns < 0)
			return userns;
		r = mount_idmap(mount, userns, err);
		if (r < 0)
			return r;
		build.map = q->map;
		build.userns_fd = userns;
	}
	kept = fcntl(mount, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return fail(err, errno, "keep the mount");
	build.mount_fd = take_fd(&mount);
	r = template_run_build(&build, err);
	if (r < 0)
		return r;
	/* What the build deleted, downloads above all, need not be copied into every box. */
	return q->directory ? 0 : rootfs_trim(kept, &freed, err);
}

static int build_image(struct making *m, struct record *facts, struct error *err)
{
	static const char *const options[] = { "errors=remount-ro", NULL };
	auto_free char *path = xasprintf("%s/rootfs.img", m->partial);
	auto_close int fd = -1;
	struct loop loop = { .fd = -1 };
	struct stat st;
	int r;

	r = make_ext4(path, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open %s", path);
	r = loop_attach(fd, false, &loop, err);
	if (r < 0)
		return r;
	r = mount_new("ext4", loop.path, options, MOUNT_ATTR_NOATIME, err);	/* not nodev: package scripts make nodes */
	if (r >= 0)
		r = fill(m, r, facts, err);
	close_fd(&loop.fd);
	if (r < 0)
		return r;
	r = loop_wait_free(loop.number, st.st_dev, st.st_ino, 30000);
	if (r < 0)
		return fail(err, -r, "wait until %s is free", loop.path);
	r = finish_ext4(path, err);
	if (r < 0)
		return r;
	if (fsync(fd) < 0)
		return fail(err, errno, "write %s", path);
	return 0;
}

static int build_directory(struct making *m, struct record *facts, struct error *err)
{
	auto_free char *path = xasprintf("%s/rootfs", m->partial);
	int r;

	if (mkdir(path, 0755) < 0)
		return fail(err, errno, "make the directory %s", path);
	r = mount_clone(AT_FDCWD, path, false, err);
	if (r < 0)
		return r;
	return fill(m, r, facts, err);
}

/* --- meta and manifest --- */

#define META_API 1

static void copy_manifest(const struct making *m, struct record *facts)
{
	auto_free char *scratch = xasprintf("%s/tmp", m->partial);
	auto_free char *text = NULL;
	auto_close int dir = -1, fd = -1;
	const char *name = record_get(facts, "manifest");
	struct error ignored = ERROR_NONE;
	size_t n;

	if (name) {
		dir = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = dir < 0 ? -1 : open_beneath(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (fd >= 0 && read_fd(fd, 4U << 20, &text, &n) == 0) {
			auto_free char *path = xasprintf("%s/manifest", m->partial);

			replace_file_at(AT_FDCWD, path, text, n, 0600, false, &ignored);
		}
	}
	record_set(facts, "manifest", NULL);
}

static void add_fact(struct record *meta, const char *key, const char *value)
{
	if (!text_empty(value))
		record_add(meta, key, value);
}

static int write_meta(const struct making *m, struct record *facts, struct error *err)
{
	static const char *const from_template[] = { "distro", "release", "version", "arch", "init", "init_kind",
						     "stop_signal", "reboot_signal", "console", "min_cgroup",
						     "message", "source", "source_sha256", "variant" };
	const struct image_request *q = m->request;
	auto_record struct record meta = RECORD_EMPTY;
	auto_free char *path = xasprintf("%s/meta", m->partial);
	auto_free char *text = NULL;

	record_setf(&meta, "api", "%d", META_API);
	record_setf(&meta, "built_at", "%lld", (long long)time(NULL));
	record_add(&meta, "template", q->template->name);
	record_add(&meta, "kind", q->directory ? "directory" : "image");
	for (size_t i = 0; i < ARRAY_SIZE(from_template); i++)
		add_fact(&meta, from_template[i], record_get(facts, from_template[i]));
	if (!record_get(&meta, "arch"))
		add_fact(&meta, "arch", m->arch);
	if (!record_get(&meta, "release"))
		add_fact(&meta, "release", q->release);
	if (!text_empty(q->source))	/* the template knows it by another path */
		record_set(&meta, "source", q->source);
	if (!record_get(&meta, "variant"))
		add_fact(&meta, "variant", text_empty(q->variant) ? "default" : q->variant);
	add_fact(&meta, "packages", q->packages);
	add_fact(&meta, "mirror", m->mirror);
	if (q->no_verify)
		record_add(&meta, "verified", "no");
	text = record_format(&meta);
	return replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, true, err);
}

/* --- the whole --- */

static int images_dir(const struct image_request *q, struct error *err)
{
	static const char *const names[] = { "images", "lock", "log", "download" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = xasprintf("%s/%s", q->install->cache_dir, names[i]);
		int r = make_dirs(path, 0700);

		if (r < 0)
			return fail(err, -r, "make the directory %s", path);
	}
	return 0;
}

/* We hold the lock of the key, so whoever made these is dead. */
static void remove_partials(const struct image_request *q, const char *key)
{
	auto_free char *path = xasprintf("%s/images", q->install->cache_dir);
	auto_free char *prefix = xasprintf("%s.partial-", key);
	auto_closedir DIR *dir = opendir(path);
	struct error ignored = ERROR_NONE;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (text_starts(entry->d_name, prefix) && remove_tree_at(dirfd(dir), entry->d_name, &ignored) == 0)
			log_note("removed %s/%s, left by a build that was cut off", path, entry->d_name);
}

static int commit(const struct making *m, struct error *err)
{
	auto_free char *images = xasprintf("%s/images", m->request->install->cache_dir);
	auto_free char *scratch = xasprintf("%s/tmp", m->partial);
	auto_close int dir = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error ignored = ERROR_NONE;

	remove_tree_at(AT_FDCWD, scratch, &ignored);
	/* An old one of the same key changes places with the new one, and goes with the partial name. */
	if (renameat2(AT_FDCWD, m->partial, AT_FDCWD, m->image->dir, RENAME_NOREPLACE) < 0 &&
	    (errno != EEXIST ||
	     renameat2(AT_FDCWD, m->partial, AT_FDCWD, m->image->dir, RENAME_EXCHANGE) < 0))
		return fail(err, errno, "put the image into the cache as %s", m->image->dir);
	if (dir < 0 || fsync(dir) < 0)
		return fail(err, errno, "sync %s", images);
	return 0;
}

static int check_room(const struct making *m, struct error *err)
{
	struct statvfs vfs;

	if (statvfs(m->request->install->cache_dir, &vfs) < 0 ||
	    (uint64_t)vfs.f_bavail * vfs.f_frsize >= ROOM_FOR_BUILD)
		return 0;
	fail(err, ENOSPC, "build the image in %s", m->request->install->cache_dir);
	return error_hint(err, "make room there (sysct image prune), or use another --cache-dir");
}

static int build(struct making *m, struct error *err)
{
	auto_record struct record facts = RECORD_EMPTY;
	struct error ignored = ERROR_NONE;
	int r;

	remove_partials(m->request, m->image->key);
	r = check_room(m, err);
	if (r < 0)
		return r;
	if (mkdir(m->partial, 0700) < 0)
		return fail(err, errno, "make the directory %s", m->partial);
	r = m->request->directory ? build_directory(m, &facts, err) : build_image(m, &facts, err);
	if (r == 0) {
		copy_manifest(m, &facts);
		r = write_meta(m, &facts, err);
	}
	if (r == 0)
		r = interrupt_check(err);
	if (r == 0)
		r = commit(m, err);
	remove_tree_at(AT_FDCWD, m->partial, &ignored);	/* ours that failed, or the old one */
	if (r < 0 && err->code == ENOSPC && !err->hint[0])
		error_hint(err, "make room in %s (sysct image prune), or use another --cache-dir",
			   m->request->install->cache_dir);
	if (r == 0)
		m->image->built = true;
	return r;
}

/* 1: there is one in the cache; *ret_age in microseconds. 0: there is none. */
static int look(const struct making *m, uint64_t *ret_age)
{
	auto_free char *path = xasprintf("%s/meta", m->image->dir);
	auto_free char *text = NULL;
	int64_t built_at, now = time(NULL);
	size_t n;

	if (read_file_at(AT_FDCWD, path, 65536, &text, &n) < 0 || record_parse(&m->image->meta, text, n) < 0)
		return 0;
	built_at = (int64_t)record_get_u64(&m->image->meta, "built_at", 0);
	*ret_age = now > built_at ? (uint64_t)(now - built_at) * 1000000 : 0;
	return 1;
}

/* Of a newer sysct's image we do not know what it is, and it is not ours to replace. */
static int check_api(struct making *m, struct error *err)
{
	auto_free char *path = xasprintf("%s/meta", m->image->dir);
	uint64_t age;

	return look(m, &age) && record_check_version(&m->image->meta, "api", META_API, path, err) < 0 ? -err->code : 0;
}

/* Wait for a builder as long as a build may take; the lock falls when it dies. Several may have it one after another. */
static void tell_wait(const char *who, void *arg)
{
	const struct making *m = arg;
	auto_free char *text = xasprintf("waiting for the same image, which %s makes or copies", who);

	progress_tell(m->request->progress, PROGRESS_STEP, -1, text);
}

static int lock_key(struct making *m, bool exclusive, struct error *err)
{
	auto_free char *path = xasprintf("%s/lock/%s", m->request->install->cache_dir, m->image->key);
	auto_free char *what = xasprintf("the cached image of template \"%s\"", m->request->template->name);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = path, .wait_ms = LOCK_WAIT_MS, .what = what,
					.status = STATUS_TIMEOUT, .shared = !exclusive, .tell = tell_wait, .arg = m };

	return lock_take_turn(&wish, err);
}

static bool fresh(const struct making *m)
{
	const struct image_request *q = m->request;
	uint64_t age, limit = q->host ? q->host->cache_age : 0;

	return look(m, &age) && !q->refresh && (q->offline || !limit || age < limit);
}

/* Build, or fall back on an old one whose mirror is out of reach. */
static int renew(struct making *m, struct error *err)
{
	uint64_t age;
	char text[32];
	int r = build(m, err);

	if (r >= 0 || err->code != EHOSTUNREACH || m->request->refresh || !look(m, &age))
		return r;
	log_note("the mirror cannot be reached; using the image of template \"%s\" built %s ago",
		 m->request->template->name, format_duration(age / 1000000 * 1000000, text, sizeof(text)));
	*err = (struct error)ERROR_NONE;
	return 0;
}

static int get(struct making *m, struct error *err)
{
	uint64_t age;
	int r;

	m->image->lock_fd = lock_key(m, false, err);
	if (m->image->lock_fd < 0)
		return m->image->lock_fd;
	if (check_api(m, err) < 0)
		return -err->code;
	if (fresh(m))
		return 0;
	close_fd(&m->image->lock_fd);
	m->image->lock_fd = lock_key(m, true, err);
	if (m->image->lock_fd < 0)
		return m->image->lock_fd;
	if (!fresh(m)) {	/* nobody else made it meanwhile */
		r = renew(m, err);
		if (r < 0)
			return r;
	}
	/* From a writer to a reader without letting go. */
	fcntl(m->image->lock_fd, F_OFD_SETLK, &(struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET });
	if (!look(m, &age))
		return fail(err, EIO, "read %s/meta", m->image->dir);
	return 0;
}

int image_get(const struct image_request *request, struct image *ret, struct error *err)
{
	struct image image = IMAGE_EMPTY;
	struct making m = { .request = request, .image = &image };
	struct utsname host;
	int r;

	uname(&host);
	snprintf(m.host_arch, sizeof(m.host_arch), "%s", host.machine);
	m.arch = text_empty(request->arch) ? m.host_arch : request->arch;
	m.mirror = mirror_of(request);
	image.directory = request->directory;
	r = check_request(&m, err);
	if (r == 0)
		r = make_key(&m, err);
	if (r == 0)
		r = images_dir(request, err);
	if (r == 0) {
		image.dir = xasprintf("%s/images/%s", request->install->cache_dir, image.key);
		m.partial = xasprintf("%s.partial-%d", image.dir, (int)getpid());
		m.log = xasprintf("%s/log/%s-%.8s.log", request->install->cache_dir, request->template->name,
				  image.key);
		r = get(&m, err);
	}
	free(m.partial);
	free(m.log);
	if (r < 0) {
		image_close(&image);
		return r;
	}
	*ret = image;
	return 0;
}

void image_close(struct image *image)
{
	free(image->dir);
	record_clear(&image->meta);
	close_fd(&image->lock_fd);
	*image = (struct image)IMAGE_EMPTY;
}
