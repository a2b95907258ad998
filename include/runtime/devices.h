/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_DEVICES_H
#define SYSCT_RUNTIME_DEVICES_H

/* devices - the nodes that [device] names, and those that nesting brings. */

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"

struct device {
	char *name;		/* below /dev */
	char *rights;		/* of "rwm" */
	mode_t mode;		/* type and permissions inside */
	dev_t number;
};

struct devices {
	struct device *items;
	size_t n;
};
#define DEVICES_EMPTY { .items = NULL }
void devices_done(struct devices *devices);
#define auto_devices __attribute__((cleanup(devices_done)))

/* What the configuration names, looked up on the host. One that the host has not is refused; of those that come with
 * nesting it is left out. */
int devices_find(const struct container_config *config, struct devices *ret, struct error *err);
/* The same by words, without the host's word on it: "net/tun" where a key names it, or "/dev/kmsg r". */
void devices_wanted(const struct container_config *config, struct strings *ret);
/* One of these, added to ret. */
int device_find(const char *wanted, struct devices *ret, struct error *err);
/* What the cgroup allows: these, and those that every container has ("c 10:229 rwm"). */
void devices_rules(const struct devices *devices, struct strings *ret);
/* Make a node below a directory of ours, parents too, and give what is made to owner:owner; -errno. */
int device_make(int dir, const struct device *device, uid_t owner);

#endif
