/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_MONITOR_MONITOR_H
#define SYSCT_MONITOR_MONITOR_H

/* The monitor's one object. libc alone; everything is non-blocking, and no client can hold up another or the
 * container. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/questions.h"
#include "store/state.h"

#define MAX_CLIENTS 64
#define SCROLL_BYTES 65536
#define INPUT_BYTES 512

struct client {
	int control;		/* -1: this place is free */
	int stream;		/* console bytes both ways, -1: none */
	bool subscribed;
	bool stopper;		/* undoes the start itself */
	bool terminal;		/* it has told of its window */
	uint64_t lost;		/* bytes that it was too slow for */
	char *input;		/* INPUT_BYTES: typed, not yet taken by the console */
	size_t n_input;
};

struct monitor {
	char **argv;		/* our own: NAME RUN_DIR STATE_DIR CACHE_DIR CONFIG SYSCT */
	int argc;
	const char *name, *run_dir, *state_dir, *cache_dir, *config, *sysct;
	struct container_state state;
	int epoll;
	int dir;		/* the container's, -1: none */
	int pidfd;		/* init's; -1: it has ended */
	int signals;		/* signalfd: SIGTERM */
	bool ended;
	bool status_known;
	int status;		/* wait status of init */
	uint64_t decide_at;	/* usec; 0: nothing waits */
	uint64_t holder_at;	/* usec, when a holder is tried again; 0: there is one */
	uint64_t reclaim_at;	/* usec, when space is given back next; 0: never */
	uint64_t stop_at;	/* usec, when the stop that SIGTERM asked for is tried again; 0: none is owed */
	char progress[256];	/* systemd's STATUS= */
	int log;
	uint64_t log_size, log_most;
	char scroll[SCROLL_BYTES];
	size_t scroll_at;
	bool scroll_full;
	struct client *asked;		/* whose terminal answers: the others do not see what asks; NULL: nobody's just now */
	struct client *asked_next;	/* who is to, once no sequence is under way; NULL: it stays as it is */
	struct questions questions;	/* between all and what the others see, while there are any */
	struct client clients[MAX_CLIENTS];
	char inputs[MAX_CLIENTS][INPUT_BYTES];	/* apart from those, which are looked at without a client too */
};

/* What an event is about: the high half of epoll's data; the low half is a client's index. */
enum source { SOURCE_LINK = 1, SOURCE_CONTROL, SOURCE_CONSOLE, SOURCE_NOTIFY, SOURCE_INIT, SOURCE_CLIENT, SOURCE_STREAM, SOURCE_SIGNAL };

/* main.c */
void signals_open(struct monitor *m);		/* for this process: after a fork again */
void watch(struct monitor *m, int fd, enum source source, unsigned int index, uint32_t events);

/* console.c */
void log_open(struct monitor *m);
void console_output(struct monitor *m);		/* the container printed */
void console_input(struct monitor *m, struct client *client);	/* a client typed */
void console_flush_input(struct monitor *m);	/* the console takes more */
void console_release(struct monitor *m);		/* nobody looks any more */
void console_replay(struct monitor *m, struct client *client);
void console_prefer(struct monitor *m, struct client *client);	/* its terminal is to answer, unless another's is the better one */
void console_recall(struct monitor *m);		/* scroll-back of the monitor before us, by the log */

/* serve.c */
void serve_accept(struct monitor *m);
void serve_client(struct monitor *m, struct client *client);
void client_drop(struct monitor *m, struct client *client);
void client_watch(struct monitor *m, struct client *client);
void tell_status(struct monitor *m);
void tell_exit(struct monitor *m);
struct client *find_stopper(struct monitor *m);

/* end.c */
void init_ended(struct monitor *m);
void recall_end(struct monitor *m);		/* what the monitor before us knew of it */
void reaped_elsewhere(struct monitor *m, int32_t pid, int32_t status);
void decide(struct monitor *m);
void replace_holder(struct monitor *m);
void trace_foreign(struct monitor *m);		/* an init that is neither ours nor the holder's */
void become_sysct(struct monitor *m, const char *action);	/* reboot, restart or finish; returns if it cannot */
void spawn_stop(struct monitor *m);	/* sysct stop, as a process of its own */
void spawn_reclaim(struct monitor *m);	/* likewise, see runtime/reclaim.h; and set when it is due next */
void save_state(struct monitor *m);
__attribute__((noreturn)) void finish_holder(void);	/* it goes, and so do we */

#endif
