/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_SUPERVISE_H
#define SYSCT_RUNTIME_SUPERVISE_H

/* supervise - the two small processes of a running container, and how they and sysct find each other.
 *
 *     holder   child subreaper, no libc. Keeps duplicates of the console's master, of the listening control socket and
 *              of the notify socket; starts the monitor again when it dies; reaps init when the monitor is gone, and
 *              tells the next monitor how it ended.
 *     monitor  libc alone. Parent of init; console, log, control socket; decides what follows init's end.
 *
 * sysct itself starts a container and then becomes the monitor by execve(2), so that init stays the child
 * of the same process; for what needs libraries (reboot, undo) the monitor becomes sysct again, and back. Should the
 * holder die, the monitor's process turns into a new holder and a fork of it into a new monitor.
 *
 * Should both die at once, init becomes the child of whoever reaps on the host, and the next command makes new ones
 * (runtime/adopt.h). How it ends is told to its parent and to its tracer alone (wait(2), ptrace(2)); so the new holder traces
 * it, which changes nothing for it but that it cannot be traced from inside.
 *
 * Arguments of the monitor (the holder's are the pid of the monitor, then the same):
 *     sysct-monitor NAME RUN_DIR STATE_DIR CACHE_DIR CONFIG SYSCT [adopt] [client=CONTROL:STREAM:KIND]...
 * CONFIG is "" when none was given; SYSCT is the program to become. Of sysct, when the monitor becomes it:
 *     sysct [--config C] --state-dir D --run-dir D --cache-dir D .supervise ACTION NAME STATUS [client=...]...
 * ACTION is reboot, restart or finish; STATUS is init's wait status, or "unknown". A process of its own, beside the monitor, is
 * sysct with the action reclaim (runtime/reclaim.h). */

/* Descriptors that every one of them finds open at these numbers. */
enum supervise_fd {
	FD_LINK = 3,	/* monitor's end of the socket to the holder */
	FD_CONTROL = 4,
	FD_CONSOLE = 5,
	FD_NOTIFY = 6,
	FD_HOLDER = 7,	/* the holder's own end; the holder alone */
	FD_FREE = 8,	/* from here on: clients */
};

/* One byte that begins each packet between monitor and holder. */
#define LINK_KEEP 'K'	/* monitor: hold these three: control, console, notify; the old ones are closed */
#define LINK_QUIT 'Q'	/* monitor: the container has ended; go when I go */
#define LINK_TRACE 'T'	/* monitor: int32 pid follows: init is no child of ours, so trace it to learn how it ends */
#define LINK_REAPED 'X'	/* holder: int32 pid, int32 wait status follow (native order) */

#define ADOPT "adopt"	/* last argument: take over a container that runs; no other argument begins with its letter: the
			 * one before it is SYSCT, an absolute path */
#define MONITOR_PROGRAM "sysct-monitor"
#define HOLDER_PROGRAM "sysct-holder"
#define SUPERVISE_COMMAND ".supervise"
#define SUPERVISE_RECLAIM "reclaim"

/* Keys of container_state.more that the monitor reads. */
#define MORE_LOG_SIZE "log_size"	/* bytes */
#define MORE_INIT_INODE "init_inode"	/* process_inode() of init, 0: not known */
#define MORE_RESTART "restart"		/* no, on-failure, always */
#define MORE_STOPPER "stopper"	/* the process that has asked init to end and waits for that */
#define MORE_NOTE "note"		/* what the person who started it should read */
#define MORE_RESTARTS "restarts"	/* how often in a row, to slow down a crash loop */
#define MORE_RECLAIM "reclaim"		/* seconds from one reclaim to the next; absent: there is none */
#define MORE_LOG_FROM "log_from"	/* where in the console's log this run begins: "INODE OFFSET" */
#define MORE_ENDED "ended"		/* init's wait status, for the next monitor should we be killed before we act */

struct install;
struct error;

/* What the monitor becomes sysct for. Does not return on success. */
int supervise_run(const struct install *install, int argc, char **argv, struct error *err);

#endif
