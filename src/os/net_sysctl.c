/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/net_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

int net_sysctl_get(const char *name, char *buf, size_t room)
{
	auto_free char *path = xasprintf("/proc/sys/net/%s", name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, room - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int net_sysctl_set(const char *name, const char *value)
{
	auto_free char *path = xasprintf("/proc/sys/net/%s", name);
	char now[64];
	int r = net_sysctl_get(name, now, sizeof(now));

	if (r < 0 || strcmp(now, value) == 0)
		return r;
	return write_value_at(AT_FDCWD, path, value);
}
