/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fdpass.h"
#include "os/bare_mounts.h"
#include "os/mount.h"

/* Whatever the kernel's own defaults are:
 *
 *     redirect_dir  a directory of the layer below can be renamed. Without it rename(2) says EXDEV, which dpkg and others
 *                   do not expect inside of one file system.
 *     index         a hard link of the layer below stays one when it is written to; and an upper layer is known by the
 *                   layer below that it was made on, and refused on another.
 *     xino          st_dev is one and the same, and st_ino stays when a file is copied up: find -xdev, du -x, tar and rsync
 *                   look at these. (A 32-bit program without large files cannot stat(2) such numbers.)
 *     metacopy      off: what was changed is whole in the upper layer, data and all.
 *     nfs_export    off: handles of files could be opened past the mount. */
static const char *const writable[] = {
	"lowerdir=lower", "upperdir=disk/" OVERLAY_UPPER, "workdir=disk/" OVERLAY_WORK, "redirect_dir=on",
	"index=on", "xino=on", "metacopy=off", "nfs_export=off", NULL,
};

/* An upper layer must be writable: so it becomes one more below. */
static const char *const readonly[] = {
	"lowerdir=disk/" OVERLAY_UPPER ":lower", "redirect_dir=follow", "index=off", "xino=on", "metacopy=off",
	"nfs_export=off", NULL,
};

/* What the helper, a process of its own, says; the mount comes with it. */
struct answer {
	struct error err;
	int r;
};

static int place(int mount_fd, const char *name, struct error *err)
{
	auto_close int target = -1;

	if (mkdir(name, 0700) < 0)
		return fail(err, errno, "make a place for a layer");
	target = open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return fail(err, errno, "open the place of a layer");
	return mount_attach(mount_fd, target, err);
}

/* The kernel works in the upper layer with the credentials of whoever mounts, where they are not the caller's: root of the
 * host has no id in a mount that is mapped, and could make nothing there. The capabilities stay. */
static int take_id(uid_t owner, struct error *err)
{
	if (!owner)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 || syscall(SYS_setresgid, -1, owner, -1) < 0 ||
	    syscall(SYS_setresuid, -1, owner, -1) < 0)
		return fail(err, errno, "become user %u", owner);
	return 0;
}

/* In the helper. The layers have to be in the mount namespace of whoever mounts (before Linux 6.15 no detached mount will
 * do), and are named from the working directory: no character of a path can be taken for an option. */
static int assemble(const struct overlay *overlay, struct error *err)
{
	static const char *const options[] = { "mode=0700", "size=64k", NULL };
	unsigned int attributes = MOUNT_ATTR_NODEV | (overlay->readonly ? MOUNT_ATTR_RDONLY : 0);
	const char *place_at = overlay->mounts_fd < 0 ? overlay->at : BARE_MOUNTS_ROOT;
	auto_close int stage = -1, at = -1;

	if (overlay->mounts_fd < 0 && unshare(CLONE_NEWNS) < 0)
		return fail(err, errno, "unshare the mount namespace");
	if (bare_mounts_enter(overlay->mounts_fd, err) < 0)
		return -err->code;
	stage = mount_new("tmpfs", "stage", options, MOUNT_ATTR_NODEV, err);
	if (stage < 0)
		return stage;
	at = open(place_at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail(err, errno, "open %s", place_at);
	if (mount_attach(stage, at, err) < 0)
		return -err->code;
	if (chdir(place_at) < 0)
		return fail(err, errno, "change to %s", place_at);
	if (place(overlay->lower_fd, "lower", err) < 0 || place(overlay->upper_fd, "disk", err) < 0 ||
	    take_id(overlay->owner, err) < 0)
		return -err->code;
	return mount_new("overlay", "overlay", overlay->readonly ? readonly : writable, attributes, err);
}

/* Where the kernel cannot make what it needs in the upper layer, it says so in its log and mounts read-only. */
static int check_writable(int fd, struct error *err)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) < 0)
		return fail(err, errno, "look at the overlay");
	return vfs.f_flag & ST_RDONLY ? fail(err, EROFS, "mount the overlay: it came out read-only") : 0;
}

__attribute__((noreturn)) static void help(const struct overlay *overlay, int socket)
{
	struct answer answer = { .err = ERROR_NONE };
	int fd = assemble(overlay, &answer.err);

	answer.r = fd < 0 ? fd : 0;
	fd_send(socket, &answer, sizeof(answer), fd < 0 ? NULL : &fd, fd >= 0);
	_exit(0);
}

static int take(int socket, struct error *err)
{
	struct answer answer;
	size_t n_fds = 1;
	int fd = -1;
	ssize_t n = fd_receive(socket, &answer, sizeof(answer), &fd, &n_fds);

	if (n != (ssize_t)sizeof(answer) || (answer.r >= 0 && fd < 0))
		return fail(err, EIO, "mount the overlay: the helper was killed");
	if (answer.r < 0)
		*err = answer.err;
	return answer.r < 0 ? answer.r : fd;
}

int overlay_mount(const struct overlay *overlay, struct error *err)
{
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(err, errno, "make a socket pair");
	/* not clone(2), whose child would have the locks of the C library as another thread holds them at that moment */
	pid = fork();
	if (pid == 0)
		help(overlay, pair[1]);
	close(pair[1]);
	r = pid < 0 ? fail(err, errno, "fork") : take(pair[0], err);
	close(pair[0]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (r >= 0 && !overlay->readonly && check_writable(r, err) < 0) {
		close(r);
		return -err->code;
	}
	return r;
}
