/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/seccomp.h"

#define MAGIC "sysct-filter-1\n"
#define FILE_MAX (1U << 20)
#define PROGRAM_MAX BPF_MAXINSNS	/* as the kernel takes them */

/* A file: this, then made_of and library with their NUL bytes, then the programs. */
struct header {
	char magic[16];
	uint32_t made_of, library;	/* bytes, the NUL among them */
	uint32_t lengths[SECCOMP_PROGRAMS];
};

void seccomp_filter_done(struct seccomp_filter *filter)
{
	for (int i = 0; i < SECCOMP_PROGRAMS; i++)
		free(filter->programs[i]);
	*filter = (struct seccomp_filter)SECCOMP_FILTER_NONE;
}

char *seccomp_library_at(const char *path)
{
	struct stat st;

	if (strchr(path, ' ') || stat(path, &st) < 0)
		return NULL;
	return xasprintf("%s %llu %llu %llu %lld.%09ld", path, (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

int seccomp_library_is(const char *line)
{
	auto_free char *path = xstrndup(line, strcspn(line, " ")), *now = seccomp_library_at(path);

	return now && strcmp(now, line) == 0;
}

int seccomp_filter_save(const char *path, const struct seccomp_filter *filter, const char *made_of,
			const char *library, struct error *err)
{
	struct header header = { .magic = MAGIC,
				 .made_of = (uint32_t)strlen(made_of) + 1,
				 .library = (uint32_t)strlen(library) + 1 };
	auto_text struct text text = TEXT_EMPTY;

	for (int i = 0; i < SECCOMP_PROGRAMS; i++)
		header.lengths[i] = filter->lengths[i];
	text_append(&text, &header, sizeof(header));
	text_append(&text, made_of, header.made_of);
	text_append(&text, library, header.library);
	for (int i = 0; i < SECCOMP_PROGRAMS; i++)
		text_append(&text, filter->programs[i], filter->lengths[i] * sizeof(struct sock_filter));
	return replace_file_at(AT_FDCWD, path, text.data, text.len, 0600, false, err);
}

/* The bytes behind the texts, when all lengths fit: NULL otherwise. */
static const char *find_programs(const char *data, size_t n, struct header *ret, const char **made_of,
				 const char **library)
{
	size_t rest = n;

	if (n < sizeof(*ret))
		return NULL;
	memcpy(ret, data, sizeof(*ret));
	rest -= sizeof(*ret);
	if (memcmp(ret->magic, MAGIC, sizeof(ret->magic)) != 0 || ret->made_of == 0 || ret->library == 0 ||
	    ret->made_of > rest || ret->library > rest - ret->made_of)
		return NULL;
	rest -= ret->made_of + ret->library;
	for (int i = 0; i < SECCOMP_PROGRAMS; i++) {
		if (ret->lengths[i] > PROGRAM_MAX || ret->lengths[i] * sizeof(struct sock_filter) > rest)
			return NULL;
		rest -= ret->lengths[i] * sizeof(struct sock_filter);
	}
	*made_of = data + sizeof(*ret);
	*library = *made_of + ret->made_of;
	if (rest != 0 || (*made_of)[ret->made_of - 1] || (*library)[ret->library - 1] || ret->lengths[0] == 0)
		return NULL;
	return *library + ret->library;
}

int seccomp_filter_read(const char *path, const char *made_of, struct seccomp_filter *ret)
{
	auto_free char *data = NULL;
	const char *has = NULL, *library = NULL, *at;
	struct header header;
	size_t n;

	*ret = (struct seccomp_filter)SECCOMP_FILTER_NONE;
	if (read_file_at(AT_FDCWD, path, FILE_MAX, &data, &n) < 0)
		return 0;
	at = find_programs(data, n, &header, &has, &library);
	if (!at || (made_of && (strcmp(has, made_of) != 0 || !seccomp_library_is(library))))
		return 0;
	for (int i = 0; i < SECCOMP_PROGRAMS; i++) {
		size_t bytes = header.lengths[i] * sizeof(struct sock_filter);

		if (!bytes)
			continue;
		ret->programs[i] = xmalloc(bytes);
		memcpy(ret->programs[i], at, bytes);
		ret->lengths[i] = (uint16_t)header.lengths[i];
		at += bytes;
	}
	return 1;
}

int seccomp_filter_load(const struct seccomp_filter *filter, struct error *err)
{
	/* the conditions first: once the numbers are filtered, this very call may be refused */
	for (int i = SECCOMP_PROGRAMS - 1; i >= 0; i--) {
		struct sock_fprog program = { filter->lengths[i], filter->programs[i] };

		if (!program.len)
			continue;
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
			continue;
		fail(err, errno, "load the filter of system calls");
		return error_hint(err, "the kernel needs CONFIG_SECCOMP_FILTER; without a filter: sysct config set NAME "
				       "security.seccomp=none");
	}
	return 0;
}
