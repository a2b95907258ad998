/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/rootfs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "os/idmap.h"
#include "os/mount.h"
#include "os/process.h"
#include "store/linked.h"
#include "store/shift.h"
#include "store/superblock.h"

/* The kernel frees a loop device, and with it our lock, a moment after the last user is gone. */
#define LOCK_WAIT_MS 1000
#define FSCK_TIMEOUT_MS 1800000

/* The back ends by table. What is not named in a row does not exist for it. */
struct backend {
	const char *name;
	int (*open)(const struct container *container, bool readonly, bool fresh, struct rootfs *rootfs,
		    struct error *err);
	void (*usage)(const struct container *container, uint64_t *ret_size, uint64_t *ret_used);
};

char *rootfs_path(const struct container *container)
{
	const char *path = container->config.rootfs.directory;

	if (!path)
		path = container->config.rootfs.image;
	return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", container->dir, path);
}

/* Ours alone? Whoever else can write to it is root inside, and outside by a planted file. */
static int check_owner(const struct stat *st, uid_t owner, const char *path, struct error *err)
{
	if (st->st_uid != owner) {
		fail(err, 0, "use %s: it belongs to user %u, not to root", path, st->st_uid);
		return error_hint(err, "if nobody else shall use it: chown root:root %s", path);
	}
	if (st->st_mode & 022) {
		fail(err, 0, "use %s: others may write to it (mode %04o)", path, st->st_mode & 07777);
		return error_hint(err, "chmod go-w %s", path);
	}
	return 0;
}

/* --- image --- */

/* The lock is of the open file description, which the loop device shares: it lasts exactly as long as the image is
 * attached, whoever lives or dies. */
static int lock_image(int fd, const char *path, int wait_ms, struct error *err)
{
	uint64_t end = now_usec() + (uint64_t)wait_ms * 1000;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return fail(err, errno, "lock %s", path);
		if (now_usec() >= end) {
			fail_status(err, STATUS_STATE, "the image %s is in use", path);
			err->code = EBUSY;
			return error_hint(err, "it is mounted once only: is another container's rootfs.image "
					       "the same file? losetup -j %s", path);
		}
		usleep(2000);
	}
	return 0;
}

/* mode: O_RDONLY or O_RDWR. What is read leaves no time behind: a loop device writes the image's inode to the disk, where it has
 * changed, before it takes it, and waits for that. */
static int open_file(const struct container *c, int mode)
{
	int flags = mode | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(c->dir_fd, c->config.rootfs.image, flags | O_NOATIME);

	/* somebody else's, without CAP_FOWNER: open(2) */
	return fd < 0 && errno == EPERM ? openat(c->dir_fd, c->config.rootfs.image, flags) : fd;
}

/* The lock is of an open file description, so one in memory is opened anew too. */
static int open_to_lock(const struct container *c)
{
	char text[32];

	return c->image_fd >= 0 ? open(fd_path(c->image_fd, text, sizeof(text)), O_RDWR | O_CLOEXEC) : open_file(c, O_RDWR);
}

static int open_image(const struct container *c, const char *path, struct stat *st, struct error *err)
{
	auto_close int fd = open_to_lock(c);
	int r;

	if (fd < 0) {
		fail(err, errno, "open the image %s", path);
		if (errno == ELOOP)
			return error_hint(err, "it is a link; set rootfs.image to the path it leads to");
		if (errno == ENOENT)
			return error_hint(err, "put it back, or destroy %s and create it anew", c->name);
		return -err->code;
	}
	if (fstat(fd, st) < 0)
		return fail(err, errno, "look at %s", path);
	if (!S_ISREG(st->st_mode)) {
		fail(err, 0, "use %s: it is no regular file", path);
		return error_hint(err, "rootfs.image names a file with an ext4 file system; a directory is "
				       "named by rootfs.directory");
	}
	r = check_owner(st, geteuid(), path, err);
	if (r < 0)
		return r;
	return take_fd(&fd);
}

static int repair(int fd, const char *path, struct error *err)
{
	char name[32];
	const char *argv[] = { "e2fsck", "-p", fd_path(fd, name, sizeof(name)), NULL };
	auto_free char *output = NULL;
	struct tool_run run = {
		.argv = argv, .ret_output = &output, .keep_fd = fd, .timeout_ms = FSCK_TIMEOUT_MS,
	};
	int r;

	log_debug("%s was not cleanly unmounted: e2fsck -p", path);
	r = tool_run(&run, err);
	if (r < 0)
		return error_prefix(err, "check the file system of %s", path);
	if (r < 4)	/* 0: clean, 1: mended; 2 asks for a reboot, which is about a mounted one */
		return 0;
	fail(err, 0, "check the file system of %s: it is damaged, and e2fsck -p does not mend that by itself "
		     "(status %d)", path, r);
	err->code = EUCLEAN;
	return error_hint(err, "save a copy if the data matter, then: e2fsck -f %s", path);
}

static bool is_clean(const struct superblock *sb)
{
	return sb->clean && !sb->needs_recovery && !sb->has_errors;
}

/* Never hand the kernel what does not look right: the mount would fail with fewer words, or succeed and
 * run into the end of the file. */
static int check_image(int fd, const struct stat *st, const char *path, struct error *err)
{
	struct superblock sb;
	int r = superblock_read(fd, &sb);

	if (r == -EINVAL) {
		fail(err, 0, "mount %s: it holds no ext4 file system", path);
		return error_hint(err, "restore it from a copy; if it was one: e2fsck -b 32768 %s", path);
	}
	if (r < 0)
		return fail(err, -r, "read %s", path);
	if (sb.bytes > (uint64_t)st->st_size) {
		char has[32], needs[32];

		fail(err, 0, "mount %s: the file has %s, its file system %s: it was cut off", path,
		     format_size((uint64_t)st->st_size, has, sizeof(has)),
		     format_size(sb.bytes, needs, sizeof(needs)));
		return error_hint(err, "restore it from a copy; or lengthen it with zeros and see what is left: "
				       "truncate -s %llu %s; e2fsck -f %s",
				  (unsigned long long)sb.bytes, path, path);
	}
	if (is_clean(&sb))
		return 0;
	return repair(fd, path, err);
}

int rootfs_check_ms(const struct container *c)
{
	auto_close int fd = c->config.rootfs.directory ? -1 : open_file(c, O_RDONLY);
	struct superblock sb;

	return fd >= 0 && superblock_read(fd, &sb) == 0 && !is_clean(&sb) ? FSCK_TIMEOUT_MS : 0;
}

static int image_open(const struct container *c, bool readonly, bool fresh, struct rootfs *rootfs, struct error *err)
{
	(void)fresh;
	auto_free char *path = rootfs_path(c);
	struct stat st;
	int r;

	rootfs->lock_fd = open_image(c, path, &st, err);
	if (rootfs->lock_fd < 0)
		return rootfs->lock_fd;
	r = lock_image(rootfs->lock_fd, path, LOCK_WAIT_MS, err);
	if (r == 0)
		r = check_image(rootfs->lock_fd, &st, path, err);
	if (r == 0)
		r = loop_attach(rootfs->lock_fd, readonly, &rootfs->loop, err);
	if (r < 0)
		return r;
	rootfs->device = st.st_dev;
	rootfs->inode = st.st_ino;
	r = mount_ext4(rootfs->loop.path, readonly, rootfs_discards(c), err);
	if (r < 0) {
		error_prefix(err, "image %s", path);
		if (!err->hint[0])
			error_hint(err, "look at it with: e2fsck -fn %s; the kernel's own words: dmesg | tail", path);
		return r;
	}
	rootfs->mount_fd = r;
	return 0;
}

static int linked_open(const struct container *c, bool readonly, bool fresh, struct rootfs *rootfs, struct error *err)
{
	int r = image_open(c, readonly, fresh, rootfs, err);

	return r < 0 ? r : linked_assemble(c, readonly, fresh, rootfs, err);
}

static void image_usage(const struct container *c, uint64_t *ret_size, uint64_t *ret_used)
{
	struct stat st;

	if (fstatat(c->dir_fd, c->config.rootfs.image, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	*ret_size = (uint64_t)st.st_size;
	*ret_used = (uint64_t)st.st_blocks * 512;
}

int rootfs_in_use(const struct container *container, struct error *err)
{
	auto_close int fd = -1;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (container->config.rootfs.directory)
		return 0;
	fd = open_file(container, O_RDWR);
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return fail(err, errno, "look for locks of the image");
	return lock.l_type != F_UNLCK;
}

/* --- directory --- */

/* Nobody but root may write to anything above it, or he could exchange it. A sticky directory is fine: /tmp/x
 * of root's stays root's. */
static int check_above(const char *path, struct error *err)
{
	auto_free char *above = xstrdup(path);
	char *slash;

	while ((slash = strrchr(above, '/')) && slash != above) {
		struct stat st;

		*slash = '\0';
		if (stat(above, &st) < 0)
			return fail(err, errno, "look at %s", above);
		if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
		    (st.st_mode & 022 && !(st.st_mode & S_ISVTX))) {
			fail(err, 0, "use %s: users other than root may exchange it, by %s", path, above);
			return error_hint(err, "move it to a place that is root's alone, or: chown root:root %s; "
					       "chmod go-w %s", above, above);
		}
	}
	return 0;
}

static int directory_open(const struct container *c, bool readonly, bool fresh, struct rootfs *rootfs,
			  struct error *err)
{
	(void)fresh;
	auto_free char *path = rootfs_path(c);
	auto_close int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	unsigned int flags = MOUNT_ATTR_NODEV | (readonly ? MOUNT_ATTR_RDONLY : 0);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fail(err, errno, "open the directory %s", path);
		return error_hint(err, "rootfs.directory names a directory, not a link to one");
	}
	rootfs->shifted = record_get(&c->identity, "shifted") && c->idmap.outside && st.st_uid == c->idmap.outside;
	r = check_owner(&st, rootfs->shifted ? c->idmap.outside : geteuid(), path, err);
	if (r == 0)
		r = check_above(path, err);
	if (r == 0)
		r = mount_clone(fd, "", false, err);
	if (r < 0)
		return r;
	rootfs->mount_fd = r;
	rootfs->device = st.st_dev;
	rootfs->inode = st.st_ino;
	return mount_set(rootfs->mount_fd, flags, false, err);
}

static void directory_usage(const struct container *c, uint64_t *ret_size, uint64_t *ret_used)
{
	/* Walking the tree would cost seconds: `list` never waits. */
	(void)c;
	(void)ret_size;
	(void)ret_used;
}

/* 1: its file system maps ids for us, 0: it does not. */
static int can_map(int dirfd, const struct idmap *map, struct error *err)
{
	auto_close int mount_fd = mount_clone(dirfd, "", false, err), userns = -1;
	struct error why = ERROR_NONE;

	if (mount_fd < 0)
		return mount_fd;
	userns = userns_create(map, err);
	if (userns < 0)
		return userns;
	if (mount_idmap(mount_fd, userns, &why) == 0)
		return 1;
	if (why.code == EPERM || why.code == EINVAL)
		return 0;
	*err = why;
	return -err->code;
}

static int open_directory(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open the directory %s", path) : fd;
}

static void note_shifted(struct container *c)
{
	char text[40];

	record_set(&c->identity, "shifted", c->idmap.outside ? idmap_format(&c->idmap, text, sizeof(text)) : NULL);
}

int rootfs_begin_ids(struct container *c, struct error *err)
{
	auto_free char *path = rootfs_path(c);
	struct shift shift = { .to = c->idmap.outside, .count = c->idmap.count };
	auto_close int fd = -1;
	int r;

	if (!c->config.rootfs.directory || !c->idmap.outside)
		return 0;
	fd = open_directory(path, err);
	r = fd < 0 ? fd : can_map(fd, &c->idmap, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (shift.count > shift.to)
		shift.count = shift.to;
	r = shift_tree(fd, &shift, err);
	if (r == 0)
		note_shifted(c);
	return r;
}

/* Since the identity was written the container got other ids; the pool saw to it that they do not overlap. */
static int move_ids(struct container *c, const struct idmap *old, struct error *err)
{
	auto_free char *path = rootfs_path(c);
	struct shift shift = { old->outside, c->idmap.outside, old->count };
	auto_close int fd = -1;

	if (c->idmap.count && c->idmap.count < shift.count)
		shift.count = c->idmap.count;
	fd = open_directory(path, err);
	return fd < 0 ? fd : shift_tree(fd, &shift, err);
}

int rootfs_follow_ids(struct container *c, struct error *err)
{
	const char *text = record_get(&c->identity, "shifted");
	bool had = text != NULL;
	struct idmap old = { 0 };
	int r = 0;

	if (!c->config.rootfs.directory)
		return 0;
	if (text && idmap_parse(text, &old, err) < 0)
		return error_prefix(err, "read %s/identity", c->dir);
	if (had && old.outside == c->idmap.outside && old.count == c->idmap.count)
		return 0;
	/* without a note it was privileged so far, perhaps, or the file system maps ids; another's directory is not ours */
	if (had && old.outside != c->idmap.outside)
		r = move_ids(c, &old, err);
	else if (!had && *c->config.rootfs.directory != '/')
		r = rootfs_begin_ids(c, err);
	if (r < 0)
		return r;
	if (had)
		note_shifted(c);
	return had || record_get(&c->identity, "shifted") ? container_save_identity(c, err) : 0;
}

/* --- all --- */

static const struct backend backends[] = {
	{ "image", image_open, image_usage },
	{ "directory", directory_open, directory_usage },
	{ "linked", linked_open, image_usage },
};

static const struct backend *backend_of(const struct container *c)
{
	return &backends[c->config.rootfs.directory ? 1 : linked_is(c) ? 2 : 0];
}

static int open_by(const struct backend *backend, const struct container *container, bool readonly, bool fresh,
		   struct rootfs *ret, struct error *err)
{
	struct rootfs rootfs = ROOTFS_EMPTY;
	int r = backend->open(container, readonly, fresh, &rootfs, err);

	if (r < 0) {
		rootfs_close(&rootfs);
		return r;
	}
	*ret = rootfs;
	return 0;
}

bool rootfs_is_quick(const struct container *container)
{
	return backend_of(container) == &backends[0] && rootfs_check_ms(container) == 0;
}

int rootfs_open(const struct container *container, bool readonly, struct rootfs *ret, struct error *err)
{
	return open_by(backend_of(container), container, readonly, false, ret, err);
}

int rootfs_open_new(const struct container *container, struct rootfs *ret, struct error *err)
{
	return open_by(backend_of(container), container, false, true, ret, err);
}

int rootfs_open_image(const struct container *container, struct rootfs *ret, struct error *err)
{
	return open_by(&backends[0], container, false, false, ret, err);
}

void rootfs_close(struct rootfs *rootfs)
{
	close_fd(&rootfs->mount_fd);
	close_fd(&rootfs->base.fd);
	close_fd(&rootfs->loop.fd);
	close_fd(&rootfs->lock_fd);
}

void rootfs_usage(const struct container *container, uint64_t *ret_size, uint64_t *ret_used)
{
	*ret_size = *ret_used = 0;
	backend_of(container)->usage(container, ret_size, ret_used);
}

/* auto: no mount option. Measured on Linux 6.18, ext4 on a loop device on ext4:
 *
 *                                                       discard     nodiscard
 *     rm of 10,000 files (0.3 GB) and sync                290 ms      306 ms
 *     writes of 16 KiB, each with fsync (sysbench)    39.7 MiB/s  42.4 MiB/s, one file system by turns
 *     the same in a container, beside the host's 39.5       34.6        42.7
 *     FITRIM of it all                                       -      7 to 8 ms, more where there is much to give
 *
 * With the option each commit of the journal wakes a worker for what was freed, also when nothing was. So what is
 * deleted goes back now and then, when there is enough of it (runtime/reclaim.h). The upper file system of a linked one
 * cannot be reached while it runs, and has the option. */
bool rootfs_discards(const struct container *container)
{
	int mode = container->config.rootfs.discard;

	return mode == DISCARD_YES || (mode == DISCARD_AUTO && linked_is(container));
}

uint64_t rootfs_to_give(const struct container *container, int fd)
{
	auto_close int image = container->config.rootfs.directory ? -1 :
			       open_file(container, O_RDONLY);
	struct superblock sb;
	struct statfs now;
	struct stat st;
	uint64_t needed, has;

	if (image < 0 || fstat(image, &st) < 0 || superblock_read(image, &sb) < 0)
		return 0;
	if (fd >= 0 && fstatfs(fd, &now) == 0)
		sb.free = (uint64_t)now.f_bfree * (uint64_t)now.f_bsize;
	else if (fd >= 0 || !is_clean(&sb))
		return 0;
	has = (uint64_t)st.st_blocks * 512;
	needed = sb.bytes - (sb.free < sb.bytes ? sb.free : sb.bytes);
	needed -= sb.inode_tables < needed ? sb.inode_tables : needed;
	return has > needed ? has - needed : 0;
}

int rootfs_trim(int fd, uint64_t *ret_bytes, struct error *err)
{
	auto_close int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fstrim_range range = { .len = UINT64_MAX };

	*ret_bytes = 0;
	if (dir < 0)
		return fail(err, errno, "open the root of the file system");
	if (ioctl(dir, FITRIM, &range) == 0) {
		*ret_bytes = range.len;
		return 0;
	}
	/* A loop device over a file system that cannot punch holes, or one mounted read-only. */
	if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EROFS)
		return 0;
	return fail(err, errno, "give free space back to the host");
}

/* --- init --- */

static bool has(int root_fd, const char *path)
{
	auto_close int fd = open_in_root(root_fd, path, O_PATH, 0);

	return fd >= 0;
}

/* Programs by which an init is known. Compared by inode, since init is a link or a hard link to one of them; and there is
 * no /proc yet where this runs. */
static const struct {
	const char *kind, *program;
} programs[] = {
	{ "systemd", "usr/lib/systemd/systemd" },
	{ "systemd", "lib/systemd/systemd" },
	{ "runit", "sbin/runit-init" },
	{ "runit", "usr/bin/runit-init" },
	{ "runit", "sbin/runit" },
	{ "s6", "bin/s6-svscan" },
	{ "s6", "usr/bin/s6-svscan" },
	{ "openrc", "sbin/openrc-init" },
	{ "openrc", "usr/sbin/openrc-init" },
	{ "busybox", "bin/busybox" },
	{ "busybox", "usr/bin/busybox" },
	{ "busybox", "bin/busybox.static" },
	{ "busybox", "bin/bbsuid" },
};

static bool same_file(int root_fd, const char *path, const struct stat *st)
{
	auto_close int fd = open_in_root(root_fd, path, O_PATH, 0);
	struct stat other;

	return fd >= 0 && fstat(fd, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

static const char *kind_of(int root_fd, const struct stat *init)
{
	const char *kind = NULL;

	for (size_t i = 0; !kind && i < ARRAY_SIZE(programs); i++)
		if (same_file(root_fd, programs[i].program, init))
			kind = programs[i].kind;
	if (kind && strcmp(kind, "busybox") != 0)
		return kind;
	/* OpenRC is run from inittab by busybox (Alpine) or sysvinit (Gentoo, Devuan). */
	if (has(root_fd, "etc/inittab") && (has(root_fd, "sbin/openrc") || has(root_fd, "usr/sbin/openrc")))
		return "openrc";
	if (kind)
		return kind;
	if (has(root_fd, "etc/s6-linux-init"))	/* its init is a script */
		return "s6";
	if (has(root_fd, "etc/inittab") && (has(root_fd, "sbin/telinit") || has(root_fd, "sbin/runlevel")))
		return "sysvinit";
	return "unknown";
}

int rootfs_detect_init(int root_fd, char buf[16])
{
	static const char *const inits[] = { "sbin/init", "usr/sbin/init", "init", "bin/init" };

	strcpy(buf, "unknown");
	for (size_t i = 0; i < ARRAY_SIZE(inits); i++) {
		auto_close int fd = open_in_root(root_fd, inits[i], O_PATH, 0);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0) {
			strcpy(buf, kind_of(root_fd, &st));
			break;
		}
	}
	return 0;
}
