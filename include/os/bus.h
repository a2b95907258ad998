/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_BUS_H
#define SYSCT_OS_BUS_H

/* bus - what sysct says to systemd and to machined over the system bus (org.freedesktop.systemd1(5),
 * org.freedesktop.machine1(5)). Linked into sysct-bus alone, since libdbus is slow to load; everybody else goes by
 * os/systemd.h.
 *
 * Properties are text, NAME=VALUE, by the names that org.freedesktop.systemd1(5) has: numbers are decimal or "infinity", truths
 * yes or no, the words of a command are separated by BUS_WORD, AllowedCPUs is a list such as 0-3,7, and a limit of a disk
 * is "PATH BYTES", or empty to take back all of them.
 *
 * Privilege: root. */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define BUS_WORD "\x1f"

struct bus;

/* Connect. -ENOTCONN: there is no bus. */
int bus_open(struct bus **ret, struct error *err);
void bus_close(struct bus *bus);

/* Start a unit and wait until its job is done, at most timeout_ms. Where no file describes the unit, it is
 * a transient one (StartTransientUnit) that is made of all of them; else those that begin with '+' are set until the next boot (SetUnitProperties) and
 * the unit is started as its file says. One of that name that is just ending is waited for. */
int bus_start_unit(struct bus *bus, const char *unit, const char *const *properties, int timeout_ms, struct error *err);

/* Change what may be changed of a unit while it runs; until the next boot, or the unit's end. */
int bus_set_properties(struct bus *bus, const char *unit, const char *const *properties, struct error *err);

/* Tell machined of a machine: its leader's unit must be its own. One of that name that "sysct" registered is replaced.
 * -ENOTCONN: there is no machined. id: 16 bytes. */
int bus_register_machine(struct bus *bus, const char *name, const uint8_t *id, pid_t leader, const int32_t *links,
			 int n_links, struct error *err);
/* No machined, and no such machine, are no errors. */
int bus_unregister_machine(struct bus *bus, const char *name, struct error *err);

#endif
