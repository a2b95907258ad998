/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NET_SYSCTL_H
#define SYSCT_OS_NET_SYSCTL_H

/* net_sysctl - settings of the network (Documentation/networking/ip-sysctl.rst of the kernel). Privilege: CAP_NET_ADMIN over the
 * network namespace to change one. */

#include <stddef.h>

/* /proc/sys/net/NAME in the caller's namespace: "ipv4/ip_forward", "ipv6/conf/sysct0/accept_ra".
 * -errno. Setting what is set already writes nothing. buf of >= 2 bytes gets the value without
 * newline. */
int net_sysctl_get(const char *name, char *buf, size_t room);
int net_sysctl_set(const char *name, const char *value);

#endif
