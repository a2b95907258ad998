/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

const struct library library_json = { "libjson-c.so.5", "libjson-c5", "show JSON" };
const struct library library_smartcols = { "libsmartcols.so.1", "libsmartcols1", "show a table" };

/* It is never unloaded; a second time costs nothing. */
static void *open_library(const struct library *library)
{
	return dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
}

const char *library_problem(const struct library *library)
{
	return open_library(library) ? NULL : dlerror();
}

static void missing(const struct library *library)
{
	fflush(stdout);
	fprintf(stderr, "sysct: %s: %s\nhint: apt-get install %s\n", library->use, dlerror(), library->package);
	exit(STATUS_FAILED);
}

void library_load(const struct library *library, const char *const *names, size_t n, void *ret)
{
	void *handle = open_library(library);

	for (size_t i = 0; handle && i < n; i++) {
		void *call = dlsym(handle, names[i]);

		if (!call)
			missing(library);
		memcpy((char *)ret + i * sizeof(call), &call, sizeof(call));	/* POSIX: a pointer is a pointer */
	}
	if (!handle)
		missing(library);
}
