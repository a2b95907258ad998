/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

int notify_send(const char *text)
{
	return notify_send_to(getenv("NOTIFY_SOCKET"), text);
}

int notify_send_to(const char *path, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	auto_close int fd = -1;

	if (n == 0)
		return 0;
	if ((*path != '/' && *path != '@') || n >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, n);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return -errno;
	return 1;
}

void notify_parse(char *data, size_t n, struct notify_news *ret)
{
	static const char status[] = "STATUS=";
	char *save;

	*ret = (struct notify_news){ .ready = false };
	data[n] = '\0';
	for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		ret->ready |= strcmp(line, "READY=1") == 0;
		if (strncmp(line, status, strlen(status)) == 0)
			ret->status = line + strlen(status);
	}
}
