/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysct-monitor - see include/runtime/supervise.h for its place and its arguments. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "monitor.h"
#include "os/fdpass.h"
#include "os/notify.h"
#include "os/relro.h"
#include "runtime/supervise.h"

#define SOURCE_SHIFT 32

void watch(struct monitor *m, int fd, enum source source, unsigned int index, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)source << SOURCE_SHIFT | index };

	if (source == SOURCE_CONSOLE)
		event.events = EPOLLIN | EPOLLOUT | EPOLLET;
	if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* --- notify socket (sd_notify(3)): only init's own words count --- */

static void take_news(struct monitor *m, const struct notify_news *news)
{
	bool booted = news->ready && m->state.booted != 1;

	if (booted) {
		m->state.booted = 1;
		save_state(m);
	}
	if (news->status)
		snprintf(m->progress, sizeof(m->progress), "%s", news->status);
	if (booted || news->status)
		tell_status(m);
}

static void read_notify(struct monitor *m)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char data[4096];
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) - 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(FD_NOTIFY, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	bool from_init = false;
	struct notify_news news;

	if (n < 0)
		return;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
		if (h->cmsg_level != SOL_SOCKET)
			continue;
		if (h->cmsg_type == SCM_CREDENTIALS) {
			struct ucred sender;

			memcpy(&sender, CMSG_DATA(h), sizeof(sender));
			from_init = sender.pid == m->state.init.pid;
		} else if (h->cmsg_type == SCM_RIGHTS) {
			/* nobody asked for descriptors */
			for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
				close(fd);
			}
		}
	}
	if (!from_init)
		return;
	notify_parse(data, (size_t)n, &news);
	take_news(m, &news);
}

/* --- the holder's messages --- */

static void read_link(struct monitor *m)
{
	char data[64];
	size_t n_fds = 0;
	ssize_t n = fd_receive(FD_LINK, data, sizeof(data), NULL, &n_fds);
	int32_t pid, status;

	if (n == 0 || n == -ECONNRESET) {
		replace_holder(m);
		return;
	}
	if (n != 9 || data[0] != LINK_REAPED)
		return;
	memcpy(&pid, data + 1, sizeof(pid));
	memcpy(&status, data + 5, sizeof(status));
	reaped_elsewhere(m, pid, status);
}

/* --- SIGTERM --- */

/* Blocked, so that it is kept while we are sysct, which gives it back to us. */
void signals_open(struct monitor *m)
{
	sigset_t set;

	close_fd(&m->signals);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals >= 0)
		watch(m, m->signals, SOURCE_SIGNAL, 0, EPOLLIN);
}

static void read_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	if (m->signals >= 0 && read(m->signals, &info, sizeof(info)) == sizeof(info))
		spawn_stop(m);
}

/* --- begin --- */

static void restore_clients(struct monitor *m)
{
	size_t n = 0;

	for (int i = 7; i < m->argc && n < MAX_CLIENTS; i++) {
		int control, stream, subscribed;

		if (sscanf(m->argv[i], "client=%d:%d:%d", &control, &stream, &subscribed) != 3)
			continue;
		fcntl(control, F_SETFD, FD_CLOEXEC);
		if (stream >= 0)
			fcntl(stream, F_SETFD, FD_CLOEXEC);
		m->clients[n] = (struct client){ .control = control, .stream = stream, .subscribed = subscribed, .input = m->inputs[n] };
		client_watch(m, &m->clients[n]);
		n++;
	}
}

/* We come after one that was killed on its way, as sysct: what it had begun is to be finished. Or a command has begun to
 * end the container, which then ends us too. */
__attribute__((noreturn)) static void go_on(struct monitor *m)
{
	if (m->state.phase == PHASE_STOPPED || process_alive(&m->state.starter))
		finish_holder();
	if (m->state.phase == PHASE_STARTING) {
		m->status = SIGHUP;	/* only a reboot is started with us there */
		m->status_known = true;
		become_sysct(m, "reboot");
	}
	become_sysct(m, "finish");
	_exit(0);	/* it is being replaced, perhaps: the holder tries again */
}

static void begin(struct monitor *m)
{
	struct error ignored = ERROR_NONE;
	auto_free char *dir = xasprintf("%s/containers/%s", m->state_dir, m->name);

	if (state_load(m->run_dir, m->name, &m->state, NULL, &ignored) < 0)
		_exit(0);	/* the holder tries again in a while */
	if (m->state.phase != PHASE_RUNNING)
		go_on(m);
	for (int fd = FD_LINK; fd <= FD_NOTIFY; fd++)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	m->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->log = -1;
	m->log_most = record_get_u64(&m->state.more, MORE_LOG_SIZE, 8 << 20);
	if (m->dir >= 0)
		log_open(m);
	console_recall(m);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	signals_open(m);
	process_identify(getpid(), &m->state.monitor);
	process_identify_parent(FD_LINK, &m->state.holder);
	save_state(m);
	watch(m, FD_LINK, SOURCE_LINK, 0, EPOLLIN);
	watch(m, FD_CONTROL, SOURCE_CONTROL, 0, EPOLLIN);
	watch(m, FD_CONSOLE, SOURCE_CONSOLE, 0, 0);
	watch(m, FD_NOTIFY, SOURCE_NOTIFY, 0, EPOLLIN);
	restore_clients(m);
	spawn_reclaim(m);
	m->pidfd = process_open(&m->state.init);
	if (m->pidfd >= 0) {
		watch(m, m->pidfd, SOURCE_INIT, 0, EPOLLIN);
		trace_foreign(m);
	} else {
		recall_end(m);
		init_ended(m);
	}
}

static void handle(struct monitor *m, const struct epoll_event *event)
{
	struct client *client = &m->clients[event->data.u64 & (MAX_CLIENTS - 1)];

	switch ((enum source)(event->data.u64 >> SOURCE_SHIFT)) {
	case SOURCE_LINK:
		read_link(m);
		break;
	case SOURCE_CONTROL:
		serve_accept(m);
		break;
	case SOURCE_CONSOLE:
		console_output(m);
		console_flush_input(m);
		break;
	case SOURCE_NOTIFY:
		read_notify(m);
		break;
	case SOURCE_INIT:
		init_ended(m);
		break;
	case SOURCE_CLIENT:
		if (client->control >= 0)
			serve_client(m, client);
		break;
	case SOURCE_STREAM:
		if (client->stream >= 0)
			console_input(m, client);
		break;
	case SOURCE_SIGNAL:
		break;
	}
}

/* What of a program or library is read from its file, and can be read again. */
static int give_back_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size, (void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t begin = (info->dlpi_addr + part->p_vaddr) / page * page;
		uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz) / page * page;

		if (part->p_type == PT_LOAD && !(part->p_flags & PF_W) && end > begin)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

/* A container sleeps for days, and so do we: what was touched on the way here, and what the last thing to do has touched, are no
 * pages of ours meanwhile. Whatever is needed is there again within microseconds. */
static void give_back_pages(void)
{
	dl_iterate_phdr(give_back_object, NULL);
}

#define QUIET_MS 100

/* From here on nothing may exit but by the container's end. */
__attribute__((noreturn)) static void run(struct monitor *m)
{
	bool quiet = false, busy;

	for (;;) {
		struct epoll_event events[16];
		uint64_t now = now_usec(), next = m->decide_at;
		int timeout = quiet ? -1 : QUIET_MS, n;

		if (m->holder_at && (!next || m->holder_at < next))
			next = m->holder_at;
		if (m->stop_at && (!next || m->stop_at < next))
			next = m->stop_at;
		busy = next != 0;
		if (m->reclaim_at && (busy || quiet) && (!next || m->reclaim_at < next))
			next = m->reclaim_at;
		if (next)
			timeout = next > now ? (int)((next - now) / 1000) + 1 : 0;
		n = epoll_wait(m->epoll, events, (int)ARRAY_SIZE(events), timeout);
		if (n == 0 && !busy)
			give_back_pages();
		quiet = n == 0 && !busy;
		read_signals(m);	/* first: the holder was asked to end too, perhaps, and is then replaced */
		for (int i = 0; i < n; i++)
			handle(m, &events[i]);
		if (m->holder_at && now_usec() >= m->holder_at)
			replace_holder(m);
		if (m->stop_at && now_usec() >= m->stop_at)
			spawn_stop(m);
		if (m->decide_at && now_usec() >= m->decide_at && !find_stopper(m))
			decide(m);
		if (m->reclaim_at && now_usec() >= m->reclaim_at) {
			spawn_reclaim(m);
			quiet = false;
		}
	}
}

int main(int argc, char **argv)
{
	static struct monitor m;	/* zeroes, so that pages of its buffers which nobody touches are none */
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGTTOU, SIGTTIN };

	relro_protect();
	if (argc < 7)
		return 2;
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", "-900");	/* where we may */
	m.pidfd = m.signals = -1;
	m.argv = argv;
	m.argc = argc;
	m.name = argv[1];
	m.run_dir = argv[2];
	m.state_dir = argv[3];
	m.cache_dir = argv[4];
	m.config = argv[5];
	m.sysct = argv[6];
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		m.clients[i].control = m.clients[i].stream = -1;
		m.clients[i].input = m.inputs[i];
	}
	begin(&m);
	run(&m);
}
