/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysct-seccomp - compiles a profile of system calls, so that sysct itself does not load libseccomp each time.
 *
 *	sysct-seccomp OUTPUT SOURCE MADE-OF		the profile on standard input
 *
 * OUTPUT is the file to write, SOURCE the profile's name in messages. MADE-OF goes into the file in front of the profile:
 * what else the result depends on. A failure is a line on standard error, and one with a hint where there is one. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/seccomp.h"

#define PROFILE_MAX (1U << 18)

static int compile(char **argv, struct error *err)
{
	auto_free char *profile = NULL, *made_of = NULL, *library = seccomp_library();
	struct seccomp_filter filter;
	size_t n;
	int r = read_fd(0, PROFILE_MAX, &profile, &n);

	if (r < 0)
		return fail(err, -r, "read the profile");
	made_of = xasprintf("%s\n%s", argv[3], profile);
	if (seccomp_compile(profile, argv[2], &filter, err) < 0)
		return -err->code;
	r = seccomp_filter_save(argv[1], &filter, made_of, library, err);
	seccomp_filter_done(&filter);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_NONE;

	if (argc != 4) {
		fprintf(stderr, "sysct-seccomp is for sysct's own use\n");
		return 2;
	}
	if (compile(argv, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.message);
	if (err.hint[0])
		fprintf(stderr, "%s\n", err.hint);
	return err.status == STATUS_USAGE ? 2 : 1;
}
