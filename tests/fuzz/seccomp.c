/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile of system calls: it is read, or refused with its name and a line. And the same bytes as a file that holds a
 * compiled one: a filter whose lengths fit, or none. Built with -fsanitize=fuzzer, or with standalone/main.c to run files
 * of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/seccomp.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_close int fd = memfd_create("filter", MFD_CLOEXEC);
	struct error err = ERROR_NONE;
	struct seccomp_filter filter;
	char path[40];

	if (seccomp_check(text, "profile", &err) < 0 && strncmp(err.message, "profile:", 8) != 0) {
		fprintf(stderr, "no line: %s\n", err.message);
		abort();
	}
	if (fd < 0 || write_all(fd, data, size) < 0)
		return 0;
	if (seccomp_filter_read(fd_path(fd, path, sizeof(path)), NULL, &filter)) {
		if (filter.lengths[0] == 0)
			abort();
		seccomp_filter_done(&filter);
	}
	return 0;
}
