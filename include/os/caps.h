/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_CAPS_H
#define SYSCT_OS_CAPS_H

/* caps - capability sets (capabilities(7)); the only place that knows libcap. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* A set as a mask: bit n is capability n. */

/* The number of "CAP_NET_ADMIN", "cap_net_admin" or "net_admin"; -EINVAL: there is none of that name. */
int caps_parse(const char *name);
/* "net_admin"; buf of >= 32 bytes. */
const char *caps_name(int capability, char *buf, unsigned long room);

/* "did you mean": without the prefix, or NULL. */
const char *caps_nearest(const char *name);

/* What a container keeps by default (28 capabilities; 26 when privileged, where fewer are namespaced). */
uint64_t caps_default(bool privileged);
/* All there are: for one with containers of its own in a user namespace, where the others have no effect but are asked
 * for (docker run --privileged). */
uint64_t caps_all(void);

/* defaults plus `keep` minus `drop`. Unknown names: an error that names the nearest. */
int caps_select(uint64_t defaults, const struct strings *keep, const struct strings *drop, uint64_t *ret,
		struct error *err);

/* Give this process exactly `mask` (cut to what its bounding set has): bounding, permitted and effective; the
 * inheritable and ambient sets become empty. Privilege: CAP_SETPCAP. */
int caps_apply(uint64_t mask, struct error *err);

#endif
