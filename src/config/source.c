/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/parse.h"

void config_source_add(struct hash *source, const char *text, size_t len)
{
	if (!source->high && !source->low) {
		hash_init(source);
		hash_add_text(source, SYSCT_VERSION);
	}
	hash_add(source, &len, sizeof(len));
	hash_add(source, text, len);
}

/* Who may write the file decides what root does: so it must be somebody who is root anyway. */
static int check_owner(int fd, const char *shown_path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at %s", shown_path);
	if (!S_ISREG(st.st_mode))
		return fail_status(err, STATUS_USAGE, "%s: not a regular file", shown_path);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		fail_status(err, STATUS_USAGE, "%s: belongs to user %u and not to root", shown_path,
			    (unsigned int)st.st_uid);
		return error_hint(err, "chown root %s", shown_path);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		fail_status(err, STATUS_USAGE,
			    "%s: may be written by others than its owner (mode %04o)", shown_path,
			    st.st_mode & 07777);
		return error_hint(err, "chmod go-w %s", shown_path);
	}
	if (st.st_size > (off_t)CONFIG_BYTES)
		return fail_status(err, STATUS_USAGE, "%s: larger than 1 MiB", shown_path);
	return 0;
}

/* A FIFO must not block us, and a link must not lead to a file that somebody else chose. */
int config_read(int dirfd, const char *name, const char *shown_path, char **ret, size_t *ret_len, struct error *err)
{
	auto_close int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ELOOP) {
		fail_status(err, STATUS_USAGE, "%s: a symbolic link, not a regular file",
			    shown_path);
		return error_hint(err, "put the file itself there");
	}
	if (fd < 0)
		return fail(err, errno, "read %s", shown_path);
	r = check_owner(fd, shown_path, err);
	if (r < 0)
		return r;
	r = read_fd(fd, CONFIG_BYTES, ret, ret_len);
	if (r == -EFBIG)
		return fail_status(err, STATUS_USAGE, "%s: larger than 1 MiB", shown_path);
	if (r < 0)
		return fail(err, -r, "read %s", shown_path);
	return 0;
}

int config_read_optional(int dirfd, const char *name, char **ret, size_t *ret_len, struct error *err)
{
	struct error why = ERROR_NONE;
	int r = config_read(dirfd, name, name, ret, ret_len, &why);

	if (r == -ENOENT)
		return 1;
	if (r < 0)
		*err = why;
	return r;
}

static int add_file(int dirfd, const char *name, bool optional, struct hash *source, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int r = optional ? config_read_optional(dirfd, name, &text, &len, err) : config_read(dirfd, name, name, &text, &len, err);

	if (r == 0)
		config_source_add(source, text, len);
	return r < 0 ? r : 0;
}

int config_source(const char *host_path, bool optional, int dirfd, const char *name, struct hash *ret, struct error *err)
{
	*ret = (struct hash){ 0 };
	if (add_file(AT_FDCWD, host_path, optional, ret, err) < 0)
		return -err->code;
	return add_file(dirfd, name, false, ret, err);
}
