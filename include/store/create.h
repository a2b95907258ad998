/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_CREATE_H
#define SYSCT_STORE_CREATE_H

/* create - make a container, take one away.
 *
 * Both have one moment in which they happen, a rename in STATE_DIR/containers: `.create-UUID` becomes NAME, NAME becomes
 * `.trash-UUID`. Their maker holds a lock on the directory (flock(2)); such directories without one are left of the
 * dead, and the next create or destroy removes them. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "store/container.h"
#include "store/install.h"
#include "store/template.h"

struct create_request {
	const char *name;		/* NULL: the template's, or that with -2, -3, ... */
	const char *template;
	const char *release, *arch, *variant, *mirror, *guest_mirror, *keyring;	/* NULL: the template decides */
	const char *source;		/* file or directory; relative to the working directory is fine */
	const char *size;		/* "10G"; NULL: rootfs.size of the configuration */
	const char *user;		/* of the host, who gets an account inside; NULL: nobody */
	struct strings packages;
	struct strings settings;	/* "section.key=value"; a list key given again appends */
	bool no_verify, offline, refresh;
	bool linked;			/* on the image itself, with other containers: store/linked.h */
	const struct progress *progress;
	bool ret_ssh;			/* the user's keys open an ssh server inside */
};

/* Build from the cache or anew, configure, commit. *ret_name: caller frees. On any failure, ^C included, nothing is left.
 * Calls interrupt_install() (base/interrupt.h); single-threaded. */
int store_create(const struct install *install, struct create_request *request, char **ret_name,
		 struct error *err);

/* Take the container away with all that create made; the container is stopped and locked, and stays open (but for its
 * directory). STATUS_STATE when its image is in use. Outside of its directory only a rootfs that create made goes. */
int store_destroy(struct container *container, struct error *err);

/* Give free space of a stopped container's image back to the host. */
int store_trim(struct container *container, uint64_t *ret_bytes, struct error *err);

/* Remove what dead creates and destroys left. Called by create and destroy; cheap when there is nothing. */
void store_collect(const struct install *install);

#endif
