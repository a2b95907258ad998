/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_SESSION_H
#define SYSCT_OS_SESSION_H

/* session - what a process inside must not inherit from whoever started it outside. Used by start and attach
 * alike, so that both give the same. */

#include "base/text.h"

/* The limits the kernel gives a host's first process, cut to what we may set (setrlimit(2)). */
void session_set_rlimits(void);

/* On the host's side, while we are still allowed to: the same limits, and an ordinary process's nice value, scheduler,
 * processors, I/O class, personality and out-of-memory score. Best effort. */
void session_shed_caller(void);

/* The two parts of that. Limits: all but the score, without any path. Score: set, returns the one before (proc_pid_oom_score_adj(5)). */
void session_shed_limits(void);
int session_set_oom_score(int score);

/* A new session keyring (keyrings(7)). Best effort: what the kernel refuses is not there to be inherited either. */
void session_forget_caller(void);

/* Put "NAME=value" into a list, replacing an earlier NAME. */
void session_set_env(struct strings *env, const char *assignment);

#endif
