/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/mkfs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/process.h"

/* assume_storage_prezeroed: the file is sparse, the kernel must not write zeros to its inode tables later. */
#define NEW_OPTIONS "assume_storage_prezeroed=1,"

static int run(const struct mkfs *wish, bool new, char **ret_said, struct error *err)
{
	bool more = new && wish->new_features;
	auto_free char *features = xasprintf("%s%s%s", wish->features, more ? "," : "", more ? wish->new_features : "");
	auto_free char *options = xasprintf("%s%s", new ? NEW_OPTIONS : "", wish->options);
	const char *argv[24] = { "mke2fs", "-t", "ext4", "-q", "-F", "-m0", "-b", "4096", "-I", "256",
				 "-O", features, "-E", options };
	struct tool_run tool = { .argv = argv, .ret_output = ret_said, .keep_fd = wish->keep_fd };
	size_t n = 14;

	if (wish->uuid) {
		argv[n++] = "-U";
		argv[n++] = wish->uuid;
	}
	if (wish->label) {
		argv[n++] = "-L";
		argv[n++] = wish->label;
	}
	argv[n] = wish->path;
	return tool_run(&tool, err);
}

int mkfs_ext4(const struct mkfs *wish, char **ret_said, struct error *err)
{
	int r;

	*ret_said = NULL;
	r = run(wish, true, ret_said, err);
	if (r == 1) {
		free(take_ptr(ret_said));
		r = run(wish, false, ret_said, err);
	}
	if (r <= 0)
		return r;
	(*ret_said)[strcspn(*ret_said, "\n")] = '\0';
	return 1;
}
