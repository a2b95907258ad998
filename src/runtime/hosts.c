/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "store/configure.h"

#define HOSTS_BYTES (1 << 20)

char *hosts_with_block(const char *text, const char *block)
{
	struct text out = TEXT_EMPTY;
	const char *begin = strstr(text, HOSTS_BEGIN "\n");
	const char *end = begin ? strstr(begin, HOSTS_END "\n") : NULL;
	const char *rest = end ? end + strlen(HOSTS_END "\n") : "";
	size_t head = begin && end ? (size_t)(begin - text) : strlen(text);

	text_append(&out, text, head);
	if (head && text[head - 1] != '\n')
		text_add(&out, "\n");
	if (*block)
		text_add(&out, HOSTS_BEGIN "\n%s" HOSTS_END "\n", block);
	text_add(&out, "%s", rest);
	return out.data;
}

int hosts_write_block(int root_fd, const char *block, struct error *err)
{
	auto_close int etc = open_beneath(root_fd, "etc", O_RDONLY | O_DIRECTORY, 0);
	auto_close int fd = -1;
	auto_free char *text = NULL, *wanted = NULL;
	struct stat st;

	if (etc < 0)
		return 0;	/* a rootfs without /etc has no names to know */
	fd = open_beneath(etc, "hosts", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_fd(fd, HOSTS_BYTES, &text, NULL) < 0)
		return 0;	/* missing, or the container's own idea of one: left alone */
	wanted = hosts_with_block(text, block);
	if (strcmp(wanted, text) == 0)
		return 0;
	return replace_file_at(etc, "hosts", wanted, strlen(wanted), 0644, false, err);
}
