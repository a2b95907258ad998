/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_CLEANUP_H
#define SYSCT_BASE_CLEANUP_H

/* cleanup - what a scope owns, it gives back. -1 is "no descriptor", NULL "no memory". */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define auto_free __attribute__((cleanup(cleanup_freep)))
#define auto_close __attribute__((cleanup(cleanup_closep)))
#define auto_fclose __attribute__((cleanup(cleanup_fclosep)))
#define auto_closedir __attribute__((cleanup(cleanup_closedirp)))

/* Hand over: the variable no longer owns what is returned. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define take_ptr(p)                                                                                \
	({                                                                                         \
		__auto_type taken_ = *(p);                                                         \
		*(p) = NULL;                                                                       \
		taken_;                                                                            \
	})

/* Close and forget; safe twice. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
