/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define TRIES 64

static int no_loop(struct error *err, const char *what)
{
	fail(err, errno, "%s", what);
	error_hint(err, "load the driver with: modprobe loop; or use a directory rootfs: --set "
			"rootfs.directory=/var/lib/NAME");
	return -err->code;
}

int loop_attach(int image_fd, bool readonly, struct loop *ret, struct error *err)
{
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)image_fd,
		.block_size = 0,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0),
	};

	if (control < 0)
		return no_loop(err, "open /dev/loop-control");
	for (int i = 0; i < TRIES; i++) {
		auto_close int fd = -1;
		struct loop loop;

		loop.number = ioctl(control, LOOP_CTL_GET_FREE);
		if (loop.number < 0)
			return no_loop(err, "find a free loop device");
		snprintf(loop.path, sizeof(loop.path), "/dev/loop%d", loop.number);
		fd = open(loop.path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT &&
		    mknod(loop.path, S_IFBLK | 0660, makedev(7, (unsigned int)loop.number)) == 0)
			fd = open(loop.path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (fd < 0)
			return no_loop(err, loop.path);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			loop.fd = take_fd(&fd);
			*ret = loop;
			return 0;
		}
		if (errno != EBUSY)	/* EBUSY: somebody else took it meanwhile */
			return fail(err, errno, "attach the image to %s", loop.path);
	}
	return fail(err, EBUSY, "find a free loop device in %d tries", TRIES);
}

/* What is open once stays as it is: a device clears itself with its last descriptor. */
static bool shares(int fd, const struct stat *st)
{
	const uint32_t flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
	struct loop_info64 info;

	return ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == st->st_dev && info.lo_inode == st->st_ino &&
	       (info.lo_flags & flags) == flags && !(info.lo_flags & LO_FLAGS_PARTSCAN) && !info.lo_offset &&
	       !info.lo_sizelimit;
}

int loop_share(int image_fd, int hint, struct loop *ret, struct error *err)
{
	struct loop loop = { .fd = -1, .number = hint };
	struct stat st;

	if (fstat(image_fd, &st) < 0)
		return fail(err, errno, "look at the image");
	snprintf(loop.path, sizeof(loop.path), "/dev/loop%d", hint);
	if (hint >= 0)
		loop.fd = open(loop.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (loop.fd >= 0 && shares(loop.fd, &st)) {
		*ret = loop;
		return 0;
	}
	close_fd(&loop.fd);
	return loop_attach(image_fd, true, ret, err);
}

int loop_wait_free(int number, unsigned long long device, unsigned long long inode, int timeout_ms)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	long pause_usec = 100;
	char path[32];

	snprintf(path, sizeof(path), "/dev/loop%d", number);
	for (;;) {
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
		struct loop_info64 info;
		struct timespec pause = { .tv_nsec = pause_usec * 1000 };

		if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
			return 0;
		if (info.lo_device != device || info.lo_inode != inode)
			return 0;
		if (now_usec() >= end)
			return -ETIMEDOUT;
		close_fd(&fd);	/* our own descriptor would keep it attached */
		nanosleep(&pause, NULL);
		if (pause_usec < 5000)
			pause_usec *= 2;
	}
}
