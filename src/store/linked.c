/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/linked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "os/bare_mounts.h"
#include "os/idmap.h"
#include "os/mkfs.h"
#include "os/mount.h"
#include "os/overlay.h"
#include "store/leftovers.h"
#include "store/state.h"
#include "store/superblock.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* Linux 6.3 */
#endif

#define NEW ".new-"
#define LOCK_WAIT_MS 10000
#define FREE_WAIT_MS 2000
#define SLICE_MS 20

bool linked_is(const struct container *c)
{
	return record_get(&c->identity, "base") && !c->config.rootfs.directory;
}

static char *bases_path(const struct install *install)
{
	return xasprintf("%s/bases", install->state_dir);
}

static char *image_path(const struct install *install, const char *base)
{
	return xasprintf("%s/bases/%s/rootfs.img", install->state_dir, base);
}

char *linked_path(const struct container *c)
{
	return linked_is(c) ? image_path(c->install, record_get(&c->identity, "base")) : NULL;
}

/* It becomes a name in a directory. */
static bool is_uuid(const char *text)
{
	return strlen(text) == UUID_LEN && strspn(text, "0123456789abcdef-") == UUID_LEN;
}

static int lock_base(const struct install *install, const char *base, struct error *err)
{
	auto_free char *path = xasprintf("%s/.host/lock/.base-%s", install->run_dir, base);
	int fd = lock_file_at(AT_FDCWD, path, true, LOCK_WAIT_MS);

	return fd < 0 ? fail(err, -fd, "lock %s", path) : fd;
}

/* --- who stands on it --- */

struct users {
	const char *base;
	struct strings *names;
};

/* One whose identity cannot be read may stand on any: what it is made of must still be there when somebody mends it. */
static int add_user(const char *name, const char *dir, int result, const char *text, size_t n, void *arg, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	const struct users *users = arg;
	const char *value;

	(void)dir;
	(void)err;
	if (result == 0)
		result = record_parse(&record, text, n);
	value = record_get(&record, "base");
	if (result < 0 || (value && strcmp(value, users->base) == 0))
		strings_add(users->names, name);
	return 0;
}

void linked_users(const struct install *install, const char *base, struct strings *ret)
{
	struct users users = { base, ret };
	struct error ignored = ERROR_NONE;

	container_each_identity(install, add_user, &users, &ignored);
	strings_sort(ret);
}

void linked_bases(const struct install *install, struct strings *ret)
{
	auto_free char *path = bases_path(install);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_uuid(entry->d_name))
			strings_add(ret, entry->d_name);
}

/* The last one takes the directory of all with it. */
static int remove_dir(const struct install *install, const char *name, struct error *err)
{
	auto_free char *path = bases_path(install);
	auto_close int bases = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (bases < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open %s", path);
	r = remove_tree_at(bases, name, err);
	if (r == 0)
		rmdir(path);	/* as long as there are others it is not empty */
	return r;
}

int linked_drop(const struct install *install, const char *base, struct error *err)
{
	auto_free char *image = image_path(install, base);
	auto_strings struct strings users = STRINGS_EMPTY;
	auto_close int lock = -1;

	if (!is_uuid(base))
		return 0;
	lock = lock_base(install, base, err);
	if (lock < 0)
		return lock;
	linked_users(install, base, &users);
	if (users.n)
		return 0;
	if (access(image, F_OK) == 0)
		log_debug("nobody stands on %s any more", image);
	return remove_dir(install, base, err) < 0 ? -err->code : 1;
}

void linked_collect(const struct install *install)
{
	auto_free char *path = bases_path(install);
	auto_closedir DIR *dir = opendir(path);
	auto_strings struct strings found = STRINGS_EMPTY;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		strings_add(&found, entry->d_name);
	for (size_t i = 0; i < found.n; i++) {
		const char *name = found.items[i];
		auto_free char *maker = text_starts(name, NEW) ? xasprintf("%s/containers/" UNFINISHED "%s", install->state_dir,
									   name + strlen(NEW)) :
								 NULL;
		struct error err = ERROR_NONE;
		int r = maker && access(maker, F_OK) < 0 ? remove_dir(install, name, &err) :
			is_uuid(name)			 ? linked_drop(install, name, &err) :
							   0;

		if (r < 0)
			log_warning("%s/%s is used by nobody, and cannot be removed: %s", path, name, err.message);
	}
}

/* --- making --- */

static int read_superblock(int fd, const char *path, struct superblock *ret, struct error *err)
{
	int r = superblock_read(fd, ret);

	if (r == -EINVAL)
		return fail(err, 0, "use %s: it holds no ext4 file system", path);
	if (r < 0)
		return fail(err, -r, "read %s", path);
	if (!ret->clean || ret->needs_recovery || ret->has_errors || !ret->checksum)
		return fail(err, 0, "use %s: it was mounted writable, and not cleanly unmounted", path);
	return 0;
}

/* A hard link where that can be; a copy where the cache is another file system. */
static int put_file(const char *from, int dir, const char *name, struct error *err)
{
	auto_close int source = -1, target = -1;

	if (linkat(AT_FDCWD, from, dir, name, 0) == 0)
		return 0;
	if (errno != EXDEV && errno != EMLINK && errno != EPERM)
		return fail(err, errno, "link %s", from);
	source = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (source < 0)
		return fail(err, errno, "open %s", from);
	target = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return fail(err, errno, "create a copy of %s", from);
	if (image_copy_file(source, target, err) < 0)
		return -err->code;
	return fsync(target) < 0 ? fail(err, errno, "write a copy of %s", from) : 0;
}

/* bases/.new-UUID, out of everybody's sight. *ret_name: caller frees. */
static int prepare(const struct container *c, const struct image *image, char **ret_name, struct error *err)
{
	static const char *const names[] = { "rootfs.img", "meta" };
	auto_free char *path = bases_path(c->install);
	auto_close int bases = -1, dir = -1;
	int r = 0;

	*ret_name = xasprintf(NEW "%s", c->uuid);
	do {	/* whoever drops the last base removes it under our feet */
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return fail(err, errno, "make the directory %s", path);
		close_fd(&bases);
		bases = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = bases < 0 || mkdirat(bases, *ret_name, 0700) < 0 ? -errno : 0;
	} while (r == -ENOENT);
	if (r < 0)
		return fail(err, -r, "make a directory in %s", path);
	dir = openat(bases, *ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fail(err, errno, "make a directory in %s", path);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		auto_free char *from = xasprintf("%s/%s", image->dir, names[i]);

		r = put_file(from, dir, names[i], err);
	}
	if (r == 0 && (fsync(dir) < 0 || fsync(bases) < 0))
		r = fail(err, errno, "write %s", path);
	return r;
}

/* Under the lock of the base. What is left of one whose removal was cut off makes way. */
static int give_name(const struct container *c, const char *name, const char *base, struct error *err)
{
	auto_free char *path = bases_path(c->install);
	auto_free char *image = image_path(c->install, base);
	auto_close int bases = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (bases < 0)
		return fail(err, errno, "open %s", path);
	if (access(image, F_OK) == 0)
		return remove_tree_at(bases, name, err);	/* another create was faster */
	if (remove_tree_at(bases, base, err) < 0)
		return -err->code;
	if (renameat(bases, name, bases, base) < 0)
		return fail(err, errno, "make the base %s", image);
	return fsync(bases) < 0 ? fail(err, errno, "write %s", path) : 0;
}

static bool is_there(const struct container *c, const char *base)
{
	auto_free char *path = image_path(c->install, base);

	return access(path, F_OK) == 0;
}

/* With the name in the identity nobody drops it. */
static int claim(struct container *c, const struct superblock *sb, struct error *err)
{
	record_set(&c->identity, "base", sb->uuid);
	record_setf(&c->identity, "base_checksum", "%08x", sb->checksum);
	return container_save_identity(c, err);
}

int linked_begin(struct container *c, const struct image *image, struct error *err)
{
	auto_free char *path = xasprintf("%s/rootfs.img", image->dir);
	auto_free char *name = NULL;
	auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), lock = -1;
	struct error ignored = ERROR_NONE;
	struct superblock sb;
	int r;

	if (fd < 0)
		return fail(err, errno, "open the cached image %s", path);
	if (read_superblock(fd, path, &sb, err) < 0)
		return error_hint(err, "have it built anew: --refresh");
	lock = lock_base(c->install, sb.uuid, err);
	if (lock < 0)
		return lock;
	if (is_there(c, sb.uuid))
		return claim(c, &sb, err);
	close_fd(&lock);	/* a copy may take its time */
	r = prepare(c, image, &name, err);
	if (r == 0)
		r = lock = lock_base(c->install, sb.uuid, err);
	if (r >= 0)
		r = give_name(c, name, sb.uuid, err);
	if (r < 0) {
		remove_dir(c->install, name, &ignored);
		return r;
	}
	return claim(c, &sb, err);
}

/* Nobody executes it; before Linux 6.3 there is no flag that says so. */
static int memory_file(void)
{
	int fd = memfd_create("rootfs.img", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create("rootfs.img", MFD_CLOEXEC) : fd;
}

int linked_make_upper(uint64_t size, const char *uuid, struct error *err)
{
	auto_close int fd = memory_file();
	auto_free char *said = NULL;
	char label[17], place[32], text[32];
	/* ^resize_inode: 4 MiB of zeros less to write; growing does without. ^orphan_file: 2 MiB less, which the mke2fs.conf of
	 * Debian 13 asks for; an image that gets its journal later has none either. The journal is made now, since nothing
	 * is copied from here. */
	const struct mkfs wish = { .path = fd_path(fd, place, sizeof(place)), .keep_fd = fd, .uuid = uuid, .label = label,
				   .features = "metadata_csum,metadata_csum_seed,^resize_inode", .new_features = "^orphan_file",
				   .options = "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0" };
	int r;

	snprintf(label, sizeof(label), "sysct-%.8s", uuid);
	size -= size % 4096;
	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)size) < 0)
		return fail(err, errno, "make an image of %s in memory", format_size(size, text, sizeof(text)));
	r = mkfs_ext4(&wish, &said, err);
	if (r > 0)
		return fail(err, 0, "make a file system of %s: mke2fs: %s", format_size(size, text, sizeof(text)), said);
	return r < 0 ? r : take_fd(&fd);
}

int linked_keep_upper(int fd, int dirfd, const char *name, struct error *err)
{
	auto_close int to = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return to < 0 ? fail(err, errno, "create %s", name) : image_copy_file(fd, to, err);
}

/* --- mounting --- */

static int changed(const struct container *c, const char *path, struct error *err)
{
	fail(err, 0, "use the base %s: it is not the one that \"%s\" was made on, or was written to since", path, c->name);
	err->code = ESTALE;
	return error_hint(err, "put the right file back from a copy; on another one the files of %s mean nothing", c->name);
}

static int open_base(const struct container *c, const char *path, struct stat *st, struct error *err)
{
	const char *checksum = record_get(&c->identity, "base_checksum");
	auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct superblock sb;
	char text[9];

	if (fd < 0) {
		fail(err, errno, "open the base %s", path);
		return error_hint(err, "what %s was made from lies there, and only what changed since is its own: put the file "
				       "back from a copy, or destroy %s", c->name, c->name);
	}
	if (fstat(fd, st) < 0)
		return fail(err, errno, "look at %s", path);
	if (!S_ISREG(st->st_mode) || !owned_alone(st, geteuid())) {
		fail(err, 0, "use the base %s: it is no file that root alone may write to", path);
		return error_hint(err, "if nobody else has changed it: chown root:root %s; chmod 0600 %s", path, path);
	}
	if (superblock_read(fd, &sb) < 0)
		return changed(c, path, err);
	snprintf(text, sizeof(text), "%08x", sb.checksum);
	if (strcmp(sb.uuid, record_get(&c->identity, "base")) != 0 || !checksum || strcmp(text, checksum) != 0 || !sb.clean ||
	    sb.has_errors || sb.needs_recovery || sb.bytes > (uint64_t)st->st_size)
		return changed(c, path, err);
	return take_fd(&fd);
}

static int read_number(int lock)
{
	char text[16];
	ssize_t n = pread(lock, text, sizeof(text) - 1, 0);
	int number;

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%d", &number) == 1 ? number : -1;
}

static int write_number(int lock, int number)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", number);

	return pwrite(lock, text, (size_t)n, 0) == n && ftruncate(lock, n) == 0 ? 0 : -EIO;
}

/* The base mounted, with ids as on disk. All mounts of one block device are of one super block, so what one container has
 * read is in memory for all. noload: there is nothing in its journal. */
static int mount_base(const struct container *c, struct rootfs *rootfs, struct error *err)
{
	static const char *const options[] = { "ro", "noload", NULL };
	const char *base = record_get(&c->identity, "base");
	auto_free char *path = linked_path(c);
	auto_close int lock = -1, fd = -1;
	struct stat st;
	int r, hint;

	if (!is_uuid(base))
		return fail(err, 0, "read %s/identity: its base is none", c->dir);
	lock = lock_base(c->install, base, err);
	if (lock < 0)
		return lock;
	fd = open_base(c, path, &st, err);
	if (fd < 0)
		return fd;
	hint = read_number(lock);
	if (loop_share(fd, hint, &rootfs->base, err) < 0)
		return -err->code;
	rootfs->base_device = st.st_dev;
	rootfs->base_inode = st.st_ino;
	if (rootfs->base.number != hint && write_number(lock, rootfs->base.number) < 0)
		return fail(err, EIO, "note the loop device of %s", path);
	r = mount_new("ext4", rootfs->base.path, options, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME, err);
	return r < 0 ? error_prefix(err, "base %s", path) : r;
}

/* The root of the overlay is that of the upper layer: it gets what the base's has. */
static int make_dirs_of(int upper, int lower, struct error *err)
{
	struct stat st;

	if (fstat(lower, &st) < 0)
		return fail(err, errno, "look at the base");
	if (mkdirat(upper, OVERLAY_UPPER, 0700) < 0 || mkdirat(upper, OVERLAY_WORK, 0700) < 0 ||
	    fchownat(upper, OVERLAY_UPPER, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(upper, OVERLAY_UPPER, st.st_mode & 07777, 0) < 0)
		return fail(err, errno, "make the directories of the image");
	return 0;
}

static int check_dirs(const struct container *c, int upper, struct error *err)
{
	struct stat st;

	if (fstatat(upper, OVERLAY_UPPER, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    fstatat(upper, OVERLAY_WORK, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 0;
	fail(err, 0, "use the image %s: it has no directories " OVERLAY_UPPER " and " OVERLAY_WORK ", which those of linked "
		     "containers have", c->config.rootfs.image);
	return error_hint(err, "set rootfs.image to the one that %s was made with", c->name);
}

static int map_ids(const struct container *c, int lower, int upper, struct error *err)
{
	auto_close int userns = -1;

	if (!c->idmap.outside)
		return 0;
	userns = userns_create(&c->idmap, err);
	if (userns < 0 || mount_idmap(lower, userns, err) < 0 || mount_idmap(upper, userns, err) < 0)
		return -err->code;
	return 0;
}

static int refused(const struct container *c, struct error *err)
{
	error_prefix(err, "put \"%s\" on its base", c->name);
	if (err->code == ENODEV)
		return error_hint(err, "load the driver with: modprobe overlay; without it containers are made without "
				       "--linked");
	if (err->code == ESTALE)
		return error_hint(err, "it was on another base so far, or its image is of another container");
	if (err->code == EINVAL)
		return error_hint(err, "it takes Linux 5.19, with user namespaces over an overlay; the kernel's own words: "
				       "dmesg | tail");
	return error_hint(err, "the kernel's own words: dmesg | tail");
}

int linked_assemble(const struct container *c, bool readonly, bool fresh, struct rootfs *rootfs, struct error *err)
{
	auto_close int lower = mount_base(c, rootfs, err), mounts = -1;
	auto_free char *mounts_dir = install_mounts_dir(c->install);
	struct overlay overlay = { .lower_fd = lower, .upper_fd = rootfs->mount_fd, .readonly = readonly,
				   .owner = c->idmap.outside, .at = c->install->run_dir };
	int r;

	if (lower < 0)
		return lower;
	r = fresh ? make_dirs_of(rootfs->mount_fd, lower, err) : check_dirs(c, rootfs->mount_fd, err);
	if (r < 0)
		return r;
	r = map_ids(c, lower, rootfs->mount_fd, err);
	overlay.mounts_fd = mounts = bare_mounts_open(mounts_dir);
	if (r == 0)
		r = overlay_mount(&overlay, err);
	if (r < 0)
		return refused(c, err);
	close_fd(&rootfs->mount_fd);
	rootfs->mount_fd = r;
	rootfs->shifted = true;
	return 0;
}

/* --- unmounting --- */

/* Does another container that runs, starts or stops have this loop device? */
static bool others_have(const struct container *c, int number)
{
	auto_free char *own = xasprintf("%d ", number);
	auto_closedir DIR *dir = opendir(c->install->run_dir);
	struct dirent *entry;
	bool found = false;

	while (!found && dir && (entry = readdir(dir))) {
		auto_state struct container_state state = { 0 };
		struct error ignored = ERROR_NONE;
		const char *text;

		if (*entry->d_name == '.' || strcmp(entry->d_name, c->name) == 0)
			continue;
		state_init(&state);
		if (state_load(c->install->run_dir, entry->d_name, &state, NULL, &ignored) < 0)
			continue;
		text = record_get(&state.more, "base");
		found = state.phase != PHASE_STOPPED && text && text_starts(text, own);
	}
	return found;
}

void linked_wait_base(const struct container *c, int number, unsigned long long device, unsigned long long inode)
{
	uint64_t end = now_usec() + FREE_WAIT_MS * 1000ULL;

	while (!others_have(c, number) && loop_wait_free(number, device, inode, SLICE_MS) < 0 && now_usec() < end)
		;
}
