/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/questions.h"
#include "monitor.h"
#include "runtime/supervise.h"

/* --- the log: two files of at most half the size each, so that the older half goes at once --- */

void log_open(struct monitor *m)
{
	struct stat st;

	m->log = openat(m->dir, "console.log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	m->log_size = m->log >= 0 && fstat(m->log, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void log_write(struct monitor *m, const char *data, size_t n)
{
	ssize_t written;

	if (m->log < 0 || m->log_most == 0)
		return;
	if (m->log_size + n > m->log_most / 2) {
		if (renameat(m->dir, "console.log", m->dir, "console.log.1") < 0)
			return;
		close(m->log);
		log_open(m);
		if (m->log < 0)
			return;
	}
	/* a full disk costs log lines, never the console */
	written = write(m->log, data, n);
	if (written > 0)
		m->log_size += (uint64_t)written;
}

/* --- scroll-back --- */

static void scroll_add(struct monitor *m, const char *data, size_t n)
{
	while (n) {
		size_t part = SCROLL_BYTES - m->scroll_at;

		if (part > n)
			part = n;
		memcpy(m->scroll + m->scroll_at, data, part);
		m->scroll_at += part;
		data += part;
		n -= part;
		if (m->scroll_at == SCROLL_BYTES) {
			m->scroll_at = 0;
			m->scroll_full = true;
		}
	}
}

/* The end of a file of the log; if it is the one in which the run began, from there on. */
static void recall_file(struct monitor *m, const char *name, ino_t of, off_t from)
{
	int fd = openat(m->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char buf[4096];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close_fd(&fd);
		return;
	}
	if (st.st_ino != of)
		from = 0;	/* begun since: all of it */
	if (st.st_size - from > SCROLL_BYTES)
		from = st.st_size - SCROLL_BYTES;
	while (from < st.st_size && (n = pread(fd, buf, sizeof(buf), from)) > 0) {
		scroll_add(m, buf, (size_t)n);
		from += n;
	}
	close_fd(&fd);
}

/* The first monitor of a run notes where that begins. The run's part of the log may have been rotated away since. */
void console_recall(struct monitor *m)
{
	const char *text = record_get(&m->state.more, MORE_LOG_FROM);
	unsigned long long inode = 0, offset = 0;
	struct stat st;

	if (m->log < 0 || fstat(m->log, &st) < 0)
		return;
	if (!text || sscanf(text, "%llu %llu", &inode, &offset) != 2 || offset > INT64_MAX) {
		record_setf(&m->state.more, MORE_LOG_FROM, "%llu %llu", (unsigned long long)st.st_ino,
			    (unsigned long long)st.st_size);
		return;
	}
	if (st.st_ino != inode)
		recall_file(m, "console.log.1", inode, (off_t)offset);
	recall_file(m, "console.log", inode, (off_t)offset);
}

/* --- clients: what does not fit into a socket at once is lost for that client, and it is told --- */

static void stream_send(struct client *client, const char *data, size_t n)
{
	ssize_t w;

	if (client->lost) {
		char note[80];
		int len = snprintf(note, sizeof(note), "\r\n[sysct: %llu bytes not shown]\r\n",
				   (unsigned long long)client->lost);

		if (send(client->stream, note, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) != len) {
			client->lost += n;
			return;
		}
		client->lost = 0;
	}
	w = send(client->stream, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (w < 0)
		w = 0;
	client->lost += n - (size_t)w;
}

static bool watches(const struct client *client)
{
	return client->control >= 0 && client->stream >= 0;
}

/* Who watches beside those two. */
static struct client *find_watcher(struct monitor *m, const struct client *but, const struct client *nor)
{
	struct client *found = NULL;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &m->clients[i];

		if (watches(client) && client != but && client != nor && (!found || (client->terminal && !found->terminal)))
			found = client;
	}
	return found;
}

/* One terminal answers what is asked: that of who typed last, or the first one. What has no terminal takes no other's place. */
void console_prefer(struct monitor *m, struct client *client)
{
	const struct client *now = m->asked_next ? m->asked_next : m->asked;

	if (m->asked == client)
		m->asked_next = NULL;
	else if (client->terminal || !now || !now->terminal)
		m->asked_next = client;
}

/* Between two sequences, so that everybody sees whole ones. */
static void choose_asked(struct monitor *m)
{
	if ((m->asked && !m->asked_next) || !questions_at_rest(&m->questions))
		return;
	m->asked = m->asked_next ? m->asked_next : find_watcher(m, NULL, NULL);
	m->asked_next = NULL;
}

static void show(struct monitor *m, const char *data, size_t n)
{
	char some[4096 + QUESTIONS_HELD];
	size_t left = 0;

	choose_asked(m);
	if (find_watcher(m, m->asked, NULL))
		left = questions_leave_out(&m->questions, data, n, some);
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (!watches(&m->clients[i]))
			continue;
		if (&m->clients[i] == m->asked)
			stream_send(m->asked, data, n);
		else if (left)
			stream_send(&m->clients[i], some, left);
	}
}

static void replay(struct questions *questions, struct client *client, const char *data, size_t n)
{
	char buf[4096 + QUESTIONS_HELD];

	while (n) {
		size_t part = n < 4096 ? n : 4096, left = questions_leave_out(questions, data, part, buf);

		if (left)
			stream_send(client, buf, left);
		data += part;
		n -= part;
	}
}

/* Who asked the terminal something has had his answer, or has given up: another one would be typed into what runs now. */
void console_replay(struct monitor *m, struct client *client)
{
	struct questions questions = { .n_held = 0 };
	char rest[QUESTIONS_HELD];
	size_t n;

	if (m->scroll_full)
		replay(&questions, client, m->scroll + m->scroll_at, SCROLL_BYTES - m->scroll_at);
	replay(&questions, client, m->scroll, m->scroll_at);
	/* the first of those who do not see all brings what they are to go on with */
	if (!find_watcher(m, client, m->asked))
		m->questions = questions;
	if (find_watcher(m, client, NULL))
		return;
	m->asked = client;
	n = questions_rest(&questions, rest);
	if (n)
		stream_send(client, rest, n);
}

/* Edge triggered: read until there is no more. EIO only says that nothing inside has the console open right
 * now; the next one that does gives a new edge. Bounded, so that a flood leaves time for everybody else. */
void console_output(struct monitor *m)
{
	char buf[4096];

	for (int i = 0; i < 64; i++) {
		ssize_t n = read(FD_CONSOLE, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		log_write(m, buf, (size_t)n);
		scroll_add(m, buf, (size_t)n);
		show(m, buf, (size_t)n);
	}
	/* there may be more: ask for the edge again */
	watch(m, FD_CONSOLE, SOURCE_CONSOLE, 0, 0);
}

static bool flush_one(struct client *client)
{
	ssize_t n;

	if (!client->n_input)
		return true;
	n = write(FD_CONSOLE, client->input, client->n_input);
	if (n <= 0)
		return false;
	client->n_input -= (size_t)n;
	memmove(client->input, client->input + n, client->n_input);
	return client->n_input == 0;
}

void console_flush_input(struct monitor *m)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &m->clients[i];

		if (!watches(client) || !client->n_input)
			continue;
		if (flush_one(client))
			client_watch(m, client);
	}
}

/* The last one who looked at the console may have stopped its output by ^S: then the container would wait for ever in
 * its next write. ^Q is no input where ^S is none. */
void console_release(struct monitor *m)
{
	struct termios termios;

	if (find_watcher(m, NULL, NULL) || tcgetattr(FD_CONSOLE, &termios) < 0 || !(termios.c_iflag & IXON))
		return;
	if (write(FD_CONSOLE, &termios.c_cc[VSTART], 1) < 0)
		return;	/* its input is full: whoever reads that will see to it */
}

void console_input(struct monitor *m, struct client *client)
{
	ssize_t n;

	if (client->n_input) {	/* not asked for: it has hung up, and what it typed last nobody takes */
		client_drop(m, client);
		return;
	}
	n = recv(client->stream, client->input, INPUT_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_drop(m, client);
		return;
	}
	client->n_input = (size_t)n;
	console_prefer(m, client);
	if (!flush_one(client))
		client_watch(m, client);	/* not read again until the console has taken it */
}
