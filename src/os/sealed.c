/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/mount.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U	/* Linux 6.3 */
#endif

#define SELF "/proc/self/exe"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MEMORY_NAME "/memfd:"

extern char **environ;

bool program_is_sealed(void)
{
	auto_close int self = open(SELF, O_RDONLY | O_CLOEXEC);
	struct statvfs fs;

	if (self < 0)
		return false;
	if (fcntl(self, F_GET_SEALS) >= 0)
		return (fcntl(self, F_GET_SEALS) & SEALS) == SEALS;
	return fstatvfs(self, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

char *program_path(void)
{
	const char *was = getenv(SEALED_PROGRAM);
	char self[4096];
	ssize_t n = readlink(SELF, self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (was && *was == '/' && (text_starts(self, MEMORY_NAME) || program_is_sealed()))
		return xstrdup(was);
	if (text_ends(self, " (deleted)"))	/* replaced by a newer one, which is there under the same name */
		self[strlen(self) - strlen(" (deleted)")] = '\0';
	return xstrdup(self);
}

static int copy_to_memory(int self, size_t size)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	auto_close int fd = memfd_create("sysct", flags | MFD_EXEC);
	size_t done = 0;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("sysct", flags);	/* a kernel that knows no such flag */
	if (fd < 0 || fchmod(fd, 0500) < 0)
		return -errno;
	while (done < size) {
		ssize_t n = sendfile(fd, self, NULL, size - done);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return take_fd(&fd);
}

int program_seal(struct error *err)
{
	auto_close int self = open(SELF, O_RDONLY | O_CLOEXEC), mount = -1;
	struct stat st;
	int r;

	if (self < 0 || fstat(self, &st) < 0)
		return fail(err, errno, "open the own program");
	r = copy_to_memory(self, (size_t)st.st_size);
	if (r >= 0)
		return r;
	mount = mount_clone(self, "", false, err);
	if (mount < 0 || mount_set(mount, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, false, err) < 0)
		return error_prefix(err, "make a copy of the own program that nobody can write to");
	return take_fd(&mount);
}

static char **own_arguments(void)
{
	auto_free char *text = NULL;
	char **argv = NULL;
	size_t len, n = 0;

	if (read_file_at(AT_FDCWD, "/proc/self/cmdline", 1U << 22, &text, &len) < 0)
		return NULL;
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		argv = xrealloc(argv, (n + 2) * sizeof(*argv));
		argv[n++] = xstrdup(p);
		argv[n] = NULL;
	}
	return argv;
}

int program_execute_sealed(char *const *argv, struct error *err)
{
	auto_free char *path = program_path();
	auto_close int fd = program_seal(err);

	if (fd < 0)
		return fd;
	if (!argv)
		argv = own_arguments();
	if (!argv)
		return fail(err, EIO, "read the own arguments");
	setenv(SEALED_PROGRAM, path, 1);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return fail(err, errno, "execute the copy of the own program");
}
