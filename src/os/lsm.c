/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

bool lsm_given(const struct lsm_label *label)
{
	return !text_empty(label->apparmor) || !text_empty(label->selinux);
}

static bool is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int lsm_open_proc(struct error *err)
{
	auto_close int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open /proc");
	return is_proc(fd) ? take_fd(&fd) : fail(err, 0, "/proc is no proc file system");
}

/* Descriptor or -errno. */
static int open_file(int proc, const char *path, int flags)
{
	auto_close int fd = open_beneath(proc, path, flags, 0);

	if (fd < 0)
		return fd;
	return is_proc(fd) ? take_fd(&fd) : -EXDEV;
}

/* A file of our own thread's attr directory (proc_pid_attr(5)). proc knows us by the pid that we have where it was
 * mounted. */
static int open_attr(int proc, const char *name, int flags)
{
	char self[64];
	ssize_t n = readlinkat(proc, "thread-self", self, sizeof(self) - 1);
	auto_free char *path = NULL;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	path = xasprintf("%s/attr/%s", self, name);
	return open_file(proc, path, flags);
}

static int write_attr(int proc, const char *name, const char *value)
{
	auto_close int fd = open_attr(proc, name, O_WRONLY);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, value, len);	/* whole or not at all */
	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

/* --- AppArmor --- */

/* Compiled in and not active, the files are there and cannot be read. */
static bool has_apparmor(int proc)
{
	auto_close int fd = open_attr(proc, "apparmor/current", O_RDONLY);
	char byte;

	return fd >= 0 && read(fd, &byte, 1) == 1;
}

static int set_apparmor(const char *profile, int proc, struct error *err)
{
	auto_free char *words = xasprintf("exec %s", profile);
	int r;

	if (!has_apparmor(proc)) {
		fail(err, 0, "apply the AppArmor profile \"%s\": AppArmor is not active in this kernel", profile);
		return error_hint(err, "boot with apparmor=1 security=apparmor, or unset security.apparmor");
	}
	r = write_attr(proc, "apparmor/exec", words);
	if (r == -ENOENT) {
		fail(err, 0, "apply the AppArmor profile \"%s\": it is not loaded", profile);
		return error_hint(err, "load the file that has it: apparmor_parser -r FILE; aa-status lists what is loaded");
	}
	if (r < 0)
		fail(err, -r, "apply the AppArmor profile \"%s\"", profile);
	if (r == -EACCES || r == -EPERM)
		return error_hint(err, "the profile that sysct itself runs under does not let it: see the kernel's log");
	return r;
}

/* --- SELinux --- */

/* As libselinux finds out: its file system is known only to a kernel where it is active. */
static bool has_selinux(int proc)
{
	auto_close int fd = open_file(proc, "filesystems", O_RDONLY);
	auto_free char *list = NULL;
	size_t n;

	return fd >= 0 && read_fd(fd, 65536, &list, &n) == 0 && strstr(list, "\tselinuxfs\n");
}

static int set_selinux(const char *context, int proc, struct error *err)
{
	int r;

	if (!has_selinux(proc)) {
		fail(err, 0, "apply the SELinux context \"%s\": SELinux is not active in this kernel", context);
		return error_hint(err, "boot with selinux=1 security=selinux, or unset security.selinux");
	}
	r = write_attr(proc, "exec", context);
	if (r < 0)
		fail(err, -r, "apply the SELinux context \"%s\"", context);
	if (r == -EINVAL)
		return error_hint(err, "the policy that is loaded has no such context");
	if (r == -EACCES || r == -EPERM)
		return error_hint(err, "the policy does not let sysct choose it: see the audit log");
	return r;
}

int lsm_set_exec(const struct lsm_label *label, int proc, struct error *err)
{
	if (!text_empty(label->apparmor) && set_apparmor(label->apparmor, proc, err) < 0)
		return -err->code;
	if (!text_empty(label->selinux) && set_selinux(label->selinux, proc, err) < 0)
		return -err->code;
	return 0;
}
