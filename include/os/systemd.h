/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_SYSTEMD_H
#define SYSCT_OS_SYSTEMD_H

/* systemd - whether process 1 of this host is systemd, and what we say to it and to machined.
 *
 * It is said over the system bus by sysct-bus, a program of its own in the libexec directory (os/bus.h has the words), so a
 * host without systemd pays two access(2) and loads no library. Privilege: root. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

#define BUS_PROGRAM "sysct-bus"
#define SYSTEMD_ABSENT 3	/* its exit status: no bus, or nobody of that name on it */
#define SYSTEMD_START_MS 86400000	/* longer than any start, which is bounded by who asks for it */

/* systemd runs this host (sd_booted(3)), has cgroup2 alone, and there is a system bus and our program to speak with it. */
bool systemd_reachable(const char *libexec_dir);
/* machined is installed; it is started by the first word to it. */
bool systemd_has_machined(void);

/* Say something, and wait for the answer at most timeout_ms. -ENOTCONN: there is nobody to hear it. */
int systemd_say(const char *libexec_dir, const char *verb, const struct strings *words, int timeout_ms, struct error *err);

/* The same, not waited for: *ret_output is where it says what failed, readable to its end when it is done. Returns its pid,
 * a child. */
pid_t systemd_begin(const char *libexec_dir, const char *verb, const struct strings *words, int *ret_output,
		    struct error *err);
/* The answer of one that was begun: waits until it ends. Closes output. */
int systemd_finish(pid_t pid, int *output, struct error *err);

#endif
