/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_AFFINITY_H
#define SYSCT_OS_AFFINITY_H

/* affinity - on which processor a child begins (sched_setaffinity(2)).
 *
 * Of two processes that both have work to do the kernel may leave the new one behind its parent, on the same processor, beside one that
 * sleeps: it takes that for busy in a virtual machine, whose host has taken it away meanwhile (available_idle_cpu() in
 * kernel/sched/sched.h asks vcpu_is_preempted()), and what would mend it is done at a tick, milliseconds later.
 *
 * An affinity that is set stays with a process and its children beside what a cpuset allows (cpuset(7)): what was only read from a
 * cpuset must not become one. So nothing is done here where any processor that is online is not ours to use, and what is set is taken
 * back at once, to all that there can be. Best effort; needs to be the child's user, or CAP_SYS_NICE. */

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* Look which processors are ours to use: once, for this process and those that it makes later. */
void affinity_look(void);

/* A child, process or thread, that was made this moment begins on another processor than ours, unless it has begun already. Only one
 * that was made after a look: it must know that what it may find meanwhile is taken back, or what it makes in that moment keeps it. */
void affinity_apart(pid_t child);

/* The processors but ours, for pthread_attr_setaffinity_np(3) of a thread that calls affinity_free() as the first thing it does; looks
 * where that was not done. False: leave it to the kernel. */
bool affinity_others(cpu_set_t *ret);

/* Run on all of them. Also where somebody was killed between what affinity_apart() does and takes back. */
void affinity_free(void);

#endif
