/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_PROCESS_H
#define SYSCT_OS_PROCESS_H

/* process - pids that cannot be mistaken, signals by name, children and tools.
 *
 * A pid alone is never trusted: struct process_id also holds the start time (field 22 of
 * /proc/PID/stat, proc(5)), and signals go through a pidfd that was opened and then checked. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct process_id {
	pid_t pid;		/* 0: none */
	uint64_t start;		/* clock ticks after boot */
};

/* Fill in the start time of a live process. -ESRCH: there is none; another one: it cannot be looked at. */
int process_identify(pid_t pid, struct process_id *ret);
/* The parent of a process, 0: not known. */
pid_t process_parent(pid_t pid);
/* Our parent, if it is the process that made the socket pair of which `link` is an end; else pid 0: the parent that a
 * process gets when its own has died is somebody else's. */
void process_identify_parent(int link, struct process_id *ret);

/* A number in the text of a /proc/PID/stat, by the count of proc(5), from 4 on. -ESRCH: it has none there. */
int process_stat_field(const char *stat, int wanted, uint64_t *ret);

/* "PID:START", the form in state files; buf of >= 48 bytes. process_id_parse: -EINVAL. */
const char *process_id_format(const struct process_id *id, char *buf, size_t room);
int process_id_parse(const char *text, struct process_id *ret);

/* A pidfd of exactly that process, or -ESRCH when it is gone or the pid is another's now; another errno (-EMFILE, say) when
 * that is not known. process_alive() then says true: what might be alive is not to be cleaned up after. */
int process_open(const struct process_id *id);
bool process_alive(const struct process_id *id);

/* The number of the inode that this pidfd, as all of its process, has, and that no other process of this boot gets: since Linux 6.9
 * pidfds are files of pidfs (fs/pidfs.c; pidfd_open(2)), on 64 bits. 0: not known. To compare it takes a quarter of reading the
 * start time. */
uint64_t process_inode(int pidfd);
/* 1: the process with that number is there, 0: it has ended, or the pid is another's; or -errno: not known. */
int process_has_inode(pid_t pid, uint64_t inode);
/* As process_open(), by that number where it is known. */
int process_open_inode(const struct process_id *id, uint64_t inode);

/* See to it that this process and its children may have `n` open files: RLIMIT_NOFILE is raised as far as its hard limit
 * goes. Whoever has begun with fewer could neither finish nor undo. Error with a hint. */
int process_need_files(unsigned int n, struct error *err);

/* pidfd_send_signal(2) and pidfd_open(2); -errno. */
int pidfd_signal(int pidfd, int signal);
int pidfd_of(pid_t pid);
/* 1: the process has ended, 0: still there after timeout_ms (-1: for ever), or -errno. */
int pidfd_wait(int pidfd, int timeout_ms);

/* Wait for a child of ours at most timeout_ms. True: it has ended, *ret_status (may be NULL) is as waitpid(2) gives it. False:
 * it has been killed perhaps, and hangs in the kernel all the same, as in a file system that the container serves itself;
 * it ends with that, and is left to init. */
bool child_wait(pid_t pid, int timeout_ms, int *ret_status);

/* Whether init has a handler for the signal, or blocks it to fetch it later: only then is a signal
 * not lost on the first process of a pid namespace (pid_namespaces(7)). 1, 0 or -errno. */
int process_takes_signal(pid_t pid, int signal);
/* Whether it has a handler for any signal. */
bool process_has_handlers(pid_t pid);

/* "TERM", "SIGTERM", "15", "RTMIN+4", "SIGRTMIN+4" to a number. SIGRTMIN is 34, as glibc counts, whatever
 * libc we are linked to. -EINVAL. */
int signal_parse(const char *text);
/* "SIGTERM", "SIGRTMIN+4", "33", as signal_parse() takes it; buf of >= 16 bytes. */
const char *signal_text(int signal, char *buf, size_t room);

/* The host's boot id (/proc/sys/kernel/random/boot_id) without newline; buf of 37 bytes. -errno. */
int boot_id_read(char *buf);

/* Close every descriptor from `from` on, or mark it close-on-exec. */
void close_from(int from);
/* Close all from 3 on but these; -1 among them is none. */
void close_others(const int *keep, size_t n);
void cloexec_from(int from);

/* All signals to their default action, none blocked. */
void signals_reset(void);

/* --- tools: mke2fs, nft, ... --- */

struct tool_run {
	const char *const *argv;	/* argv[0]: a program looked up in the fixed PATH, or absolute */
	const char *input;		/* text on its standard input; NULL: /dev/null */
	char **ret_output;		/* its standard output and error together; NULL: not wanted */
	int keep_fd;			/* -1, or a descriptor that stays open in it */
	int timeout_ms;			/* killed after that; 0: 120 s */
};

/* Run a tool without a shell, with a clean environment, in a process group of its own that dies with
 * us. Returns its exit status (0 to 255), or -errno: -ENOENT is "not installed" with a hint that names the
 * package where it is known, -ETIMEDOUT (STATUS_TIMEOUT, with what it has said), -EINTR ("interrupted": ^C came while it ran,
 * and nobody holds it off). In both cases it has been killed. A non-zero exit is not an error of this function. */
int tool_run(const struct tool_run *run, struct error *err);

/* The absolute path of a tool in the fixed PATH; caller frees; NULL when it is not installed. */
char *tool_find(const char *name);

#endif
