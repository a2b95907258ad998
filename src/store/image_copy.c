/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image_copy - from the cache to a box: image_copy() of store/image.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "os/process.h"
#include "store/image.h"
#include "store/superblock.h"

#define CHUNK (4U << 20)	/* looked for ^C in between */
#define ROOM_LEFT (4ULL << 20)

static int no_room(uint64_t needed, struct error *err)
{
	char text[32];

	fail(err, ENOSPC, "copy the image (%s)", format_size(needed, text, sizeof(text)));
	return error_hint(err, "make room for it there, or use another --state-dir; sysct image prune removes "
			       "cached images that nobody uses");
}

/* f_bavail leaves out what the file system keeps for root: create never takes that. */
static int check_room(int to, uint64_t needed, struct error *err)
{
	struct statvfs vfs;

	if (fstatvfs(to, &vfs) < 0)
		return fail(err, errno, "look for free space");
	if ((uint64_t)vfs.f_bavail * vfs.f_frsize < needed + ROOM_LEFT)
		return no_room(needed, err);
	return 0;
}

/* Between file systems of kernels that cannot copy_file_range(2) there. */
static ssize_t copy_by_hand(int from, int to, off_t at, size_t n)
{
	auto_free char *buf = xmalloc(1U << 20);
	ssize_t got = pread(from, buf, n < (1U << 20) ? n : 1U << 20, at);

	return got <= 0 ? got : pwrite(to, buf, (size_t)got, at);
}

static int copy_extent(int from, int to, off_t at, off_t end, uint64_t needed, struct error *err)
{
	while (at < end) {
		off_t in = at, out = at;
		size_t n = (size_t)(end - at < (off_t)CHUNK ? end - at : (off_t)CHUNK);
		ssize_t done = copy_file_range(from, &in, to, &out, n, 0);

		if (done < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			done = copy_by_hand(from, to, at, n);
		if (interrupt_check(err) < 0)
			return -EINTR;
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == ENOSPC)
			return no_room(needed, err);
		if (done <= 0)
			return fail(err, done < 0 ? errno : EIO, "copy the image");
		/* All of it is written before the commit, and attaching it to a loop device waits for that: so let
		 * the disk begin. 580 MiB take 360 ms in all, without this 700 ms. */
		sync_file_range(to, at, done, SYNC_FILE_RANGE_WRITE);
		at += done;
	}
	return 0;
}

int image_copy_file(int from, int to, struct error *err)
{
	struct stat st;
	uint64_t needed;
	off_t data = 0;
	int r;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (fstat(from, &st) < 0)
		return fail(err, errno, "look at the cached image");
	needed = (uint64_t)st.st_blocks * 512;
	r = check_room(to, needed, err);
	if (r < 0)
		return r;
	if (ftruncate(to, st.st_size) < 0)
		return fail(err, errno, "set the size of the image");
	for (;;) {
		off_t hole;

		data = lseek(from, data, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return fail(err, errno, "look for data in the cached image");
		r = copy_extent(from, to, data, hole, needed, err);
		if (r < 0)
			return r;
		data = hole;
	}
}

static int run_on(int fd, const char *const *argv, char **ret_output, struct error *err)
{
	struct tool_run run = { .argv = argv, .ret_output = ret_output, .keep_fd = fd, .timeout_ms = 600000 };

	return tool_run(&run, err);
}

/* resize2fs wants a file system that was checked after its last mount. */
static int resize(int fd, uint64_t size, struct error *err)
{
	char name[32], blocks[32], text[32];
	const char *check[] = { "e2fsck", "-fp", fd_path(fd, name, sizeof(name)), NULL };
	const char *change[] = { "resize2fs", name, blocks, NULL };
	auto_free char *output = NULL, *why = NULL;
	int r;

	size -= size % 4096;
	snprintf(blocks, sizeof(blocks), "%lluK", (unsigned long long)(size / 1024));
	if (size > IMAGE_SIZE && ftruncate(fd, (off_t)size) < 0)
		return fail(err, errno, "grow the image to %s", format_size(size, text, sizeof(text)));
	r = run_on(fd, check, &output, err);
	if (r >= 4)
		return fail(err, 0, "check the copied image: e2fsck failed with status %d", r);
	if (r >= 0)
		r = run_on(fd, change, &why, err);
	if (r > 0) {
		fail(err, 0, "make the file system %s large: it has to hold its content", format_size(size, text,
									       sizeof(text)));
		error_status(err, STATUS_USAGE);
		return error_hint(err, "give a larger --size (rootfs.size); the default is 10G, of which only "
				       "what is used takes room");
	}
	if (r == 0 && size < IMAGE_SIZE && ftruncate(fd, (off_t)size) < 0)
		return fail(err, errno, "shorten the image");
	return r;
}

/* Old e2fsprogs made the cached image: the tool knows what has to be written anew. */
static int rename_by_tool(int fd, const char *uuid, const char *label, struct error *err)
{
	char name[32];
	const char *argv[] = { "tune2fs", "-U", uuid, "-L", label, fd_path(fd, name, sizeof(name)), NULL };
	auto_free char *output = NULL;
	int r = run_on(fd, argv, &output, err);

	return r > 0 ? fail(err, 0, "give the file system its UUID: tune2fs failed with status %d", r) : r;
}

static int copy_image(const struct image *image, int dirfd, const char *name, uint64_t size,
		      const char *uuid, struct error *err)
{
	auto_free char *path = xasprintf("%s/rootfs.img", image->dir);
	auto_close int from = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = -1;
	char label[17];
	int r;

	if (from < 0) {
		fail(err, errno, "open the cached image %s", path);
		return error_hint(err, "sysct image prune removes broken ones");
	}
	to = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail(err, errno, "create %s", name);
	r = image_copy_file(from, to, err);
	if (r == 0 && size / 4096 != IMAGE_SIZE / 4096)
		r = resize(to, size, err);
	if (r < 0)
		return r;
	/* Its own, or the host's /dev/disk/by-uuid would point anywhere. */
	snprintf(label, sizeof(label), "sysct-%.8s", uuid);
	r = superblock_rename(to, uuid, label);
	if (r == -EOPNOTSUPP)
		return rename_by_tool(to, uuid, label, err);
	return r < 0 ? fail(err, -r, "give the file system its UUID") : 0;
}

static int copy_directory(const struct image *image, int dirfd, const char *name, struct error *err)
{
	auto_free char *from = xasprintf("%s/rootfs/.", image->dir);
	auto_free char *output = NULL;
	auto_free char *to = NULL;
	auto_close int fd = -1;
	char path[32];
	const char *argv[] = { "cp", "-a", "--reflink=auto", "--sparse=auto", "--one-file-system", "--", from, NULL,
			       NULL };
	int r;

	if (mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "make the directory %s", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open %s", name);
	to = xasprintf("%s/", fd_path(fd, path, sizeof(path)));
	argv[7] = to;
	r = run_on(fd, argv, &output, err);
	if (r > 0) {
		output[strcspn(output, "\n")] = '\0';
		fail(err, 0, "copy the cached directory: %s", output);
		if (strstr(output, "No space")) {
			err->code = ENOSPC;
			error_hint(err, "make room there, or give another rootfs.directory");
		}
		return -err->code;
	}
	return r;
}

int image_copy(const struct image *image, int dirfd, const char *name, uint64_t size, const char *uuid,
	       struct error *err)
{
	struct error ignored = ERROR_NONE;
	int r;

	if (image->directory)	/* the caller made the directory's place, and takes it away */
		return copy_directory(image, dirfd, name, err);
	r = copy_image(image, dirfd, name, size, uuid, err);
	if (r < 0)
		remove_tree_at(dirfd, name, &ignored);
	return r;
}
