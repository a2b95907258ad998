/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_INIT_H
#define SYSCT_RUNTIME_INIT_H

/* init - which init a container runs, how to ask it to stop, and whether it has booted.
 *
 * Looked at from outside: /proc/PID of init, and files of the container opened below /proc/PID/root with
 * no link followed out of it. What is changed there is changed by a child that has become the container's root. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/container.h"
#include "store/state.h"

enum init_kind { INIT_UNKNOWN, INIT_SYSTEMD, INIT_BUSYBOX, INIT_OPENRC, INIT_SYSVINIT, INIT_RUNIT, INIT_S6 };

const char *init_kind_name(enum init_kind kind);

/* By the program that runs as pid 1 now. */
enum init_kind init_kind_of(pid_t pid);

/* Once it takes this signal it can be asked to stop; SIGTERM for a plain program. */
int init_ready_signal(enum init_kind kind);

/* Whether the systemd of a root file system, by the text of its own program, knows no cgroup2: it is of before version
 * 230. root_fd: a directory that no path leads out of. */
bool init_wants_cgroup_v1(int root_fd);
bool init_text_wants_cgroup_v1(const char *text, size_t n);

/* Prepare a power off in the way of this kind, files or a pipe of its own; *ret_signal is what it is then to be sent, 0:
 * nothing more. -EAGAIN: it cannot be asked yet. Other failures: the signal is worth a try. */
int init_ask_stop(enum init_kind kind, const struct process_id *init, int *ret_signal);

/* 1 booted, 0 not yet, -1 this init cannot say. from_notify: what the monitor heard (-1: nothing yet). OpenRC has booted
 * when it has reached its default runlevel, sysvinit when the scripts of its runlevel have ended, runit in its stage 2,
 * s6-linux-init when its stage 2 has ended. */
int init_booted(enum init_kind kind, pid_t pid, int from_notify);

/* A script may be on its way to the init that it becomes, and block signals for moments: so a program that nothing is known
 * of must stay the same for a while. A known kind is what it is. */
struct init_program {
	char exe[512];
	uint64_t since;		/* 0: not looked at yet */
};
bool init_settled(enum init_kind kind, pid_t pid, struct init_program *program);

/* Whether pid runs the very file that the configuration names (init: with arguments), and handles some signal: no script, whose
 * interpreter that would be, nor a program on its way to another. */
bool init_is_program(const char *init, pid_t pid);

/* For an init that cannot say: it handles its stop signal; a plain program: it runs. */
bool init_seems_up(enum init_kind kind, pid_t pid);

/* Wait until it has booted. progress(text, arg) is called with systemd's status lines, may be NULL. STATUS_TIMEOUT
 * leaves the container running; an end of the container meanwhile is an error. Bounded by timeout_ms. */
int init_wait_booted(const struct container *container, int timeout_ms,
		     void (*progress)(const char *text, void *arg), void *arg, struct error *err);

#endif
