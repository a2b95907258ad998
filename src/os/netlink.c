/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets, messages and their answers: what knows libnl. */
#include "netlink_parts.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define REPLY_ROOM 32768 /* the kernel never makes a larger part of a dump */
#define REPLY_SECONDS 20 /* a hung kernel must not hang a command for ever */

struct netlink {
	struct nl_sock *socket;
	uint32_t sequence;
};

/* --- sockets --- */

struct netlink *netlink_open_protocol(int protocol, struct error *err)
{
	struct netlink *netlink = xcalloc(1, sizeof(*netlink));
	struct timeval limit = { .tv_sec = REPLY_SECONDS };
	int one = 1, r;

	netlink->socket = nl_socket_alloc();
	if (!netlink->socket) {
		free(netlink);
		fail(err, ENOMEM, "make a netlink socket");
		return NULL;
	}
	r = nl_connect(netlink->socket, protocol);
	if (r < 0) {
		fail(err, errno ? errno : EIO, "open a netlink socket: %s", nl_geterror(r));
		netlink_close(netlink);
		return NULL;
	}
	/* Messages of the kernel that say which attribute was wrong; without them the errno
	 * remains. */
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_CAP_ACK, &one,
		   sizeof(one));
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &limit,
		   sizeof(limit));
	return netlink;
}

struct netlink *netlink_open(struct error *err)
{
	return netlink_open_protocol(NETLINK_ROUTE, err);
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	nl_socket_free(netlink->socket);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return nl_socket_get_fd(netlink->socket);
}

/* --- batches: messages that leave in one sendmsg, and their answers --- */

#define BATCH_MAX 32
#define MESSAGE_ROOM 4096
#define WHAT_ROOM 160

struct message {
	struct nl_msg *libnl;
	char what[WHAT_ROOM]; /* for the error: "add address 10.1.2.3 to eth0" */
	int tolerated; /* an errno that is no failure, or 0 */
};

struct batch {
	struct message messages[BATCH_MAX];
	size_t n;
	bool transaction; /* of nftables: the first and the last message only enclose the others, and all are done or none */
};

struct batch *batch_new(void)
{
	return xcalloc(1, sizeof(struct batch));
}

struct batch *batch_new_transaction(void)
{
	struct batch *batch = batch_new();

	batch->transaction = true;
	return batch;
}

void batch_freep(struct batch **batch)
{
	for (size_t i = 0; i < (*batch)->n; i++)
		nlmsg_free((*batch)->messages[i].libnl);
	free(*batch);
}

bool batch_has_room(const struct batch *batch, size_t bytes)
{
	return batch->n + 1 < BATCH_MAX && bytes <= MESSAGE_ROOM;
}

/* Attributes never overflow: a message has a page, and names and addresses are bounded; out of
 * memory ends the program as everywhere. */
static void must(int r)
{
	if (r < 0)
		out_of_memory();
}

struct message *batch_add(struct batch *batch, int type, int flags, const void *header,
			  size_t header_len, const char *what, ...)
{
	struct nl_msg *libnl = nlmsg_alloc_size(MESSAGE_ROOM);
	struct message *message;
	va_list args;

	if (batch->n == BATCH_MAX)
		end_here("more messages of netlink than one batch has room for");
	if (!libnl)
		out_of_memory();
	if (!nlmsg_put(libnl, 0, 0, type, 0, NLM_F_REQUEST | flags))
		out_of_memory();
	message = &batch->messages[batch->n++];
	message->libnl = libnl;
	message_put_header(message, header, header_len);
	va_start(args, what);
	vsnprintf(message->what, WHAT_ROOM, what, args);
	va_end(args);
	return message;
}

void message_tolerate(struct message *message, int code)
{
	message->tolerated = code;
}

void message_put_header(struct message *message, const void *header, size_t header_len)
{
	must(nlmsg_append(message->libnl, (void *)(uintptr_t)header, header_len, NLMSG_ALIGNTO));
}

void message_put(struct message *message, int type, size_t n, const void *data)
{
	must(nla_put(message->libnl, type, (int)n, data));
}

void message_put_string(struct message *message, int type, const char *value)
{
	must(nla_put_string(message->libnl, type, value));
}

void message_put_u32(struct message *message, int type, uint32_t value)
{
	must(nla_put_u32(message->libnl, type, value));
}

void message_put_u8(struct message *message, int type, uint8_t value)
{
	must(nla_put_u8(message->libnl, type, value));
}

struct nlattr *message_nest(struct message *message, int type)
{
	struct nlattr *start = nla_nest_start(message->libnl, type);

	if (!start)
		out_of_memory();
	return start;
}

void message_nest_end(struct message *message, struct nlattr *start)
{
	nla_nest_end(message->libnl, start);
}

static int batch_send(struct netlink *netlink, struct batch *batch, struct error *err)
{
	struct iovec parts[BATCH_MAX];
	int r;

	for (size_t i = 0; i < batch->n; i++) {
		struct nlmsghdr *header = nlmsg_hdr(batch->messages[i].libnl);

		header->nlmsg_seq = ++netlink->sequence;
		parts[i].iov_base = header;
		parts[i].iov_len = NLMSG_ALIGN(header->nlmsg_len);
	}
	r = nl_send_iovec(netlink->socket, batch->messages[0].libnl, parts, (unsigned int)batch->n);
	if (r < 0)
		return fail(err, EIO, "%s: send to the kernel: %s", batch->messages[0].what, nl_geterror(r));
	return 0;
}

/* The kernel's own words in an error reply, or NULL. */
static const char *kernel_words(const struct nlmsghdr *header)
{
	size_t skip = sizeof(struct nlmsgerr);
	struct nlattr *attribute;
	int left;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(header->nlmsg_flags & NLM_F_CAPPED)) {
		const struct nlmsgerr *reply = nlmsg_data(header);

		skip += NLMSG_ALIGN(reply->msg.nlmsg_len) - sizeof(reply->msg);
	}
	if ((size_t)nlmsg_datalen(header) < skip)
		return NULL;
	nla_for_each_attr(attribute, (struct nlattr *)((char *)nlmsg_data(header) + skip),
			   nlmsg_datalen(header) - (int)skip, left)
		if (nla_type(attribute) == NLMSGERR_ATTR_MSG && nla_len(attribute) > 0 &&
		    memchr(nla_data(attribute), 0, (size_t)nla_len(attribute)))
			return nla_get_string(attribute);
	return NULL;
}

/* Judge an error reply (an acknowledgement is one with error 0) to a message. */
static int judge(const struct nlmsghdr *header, const struct message *message, struct error *err)
{
	const struct nlmsgerr *reply = nlmsg_data(header);
	const char *words = kernel_words(header);

	if (nlmsg_datalen(header) < (int)sizeof(reply->error))
		return fail(err, EBADMSG, "%s: read the kernel's answer", message->what);
	if (reply->error == 0 || -reply->error == message->tolerated)
		return 0;
	if (words)
		return fail(err, -reply->error, "%s: %s", message->what, words);
	return fail(err, -reply->error, "%s", message->what);
}

/* Nobody acknowledges the end of a transaction; its beginning is answered when it was not begun. */
static size_t last_answered(const struct batch *batch)
{
	return batch->n - (batch->transaction ? 2 : 1);
}

/* Go through one datagram. Returns true when the last message of the batch has been answered;
 * *result keeps the first failure (later messages were carried out all the same, as the kernel
 * does). */
static bool read_answers(struct nlmsghdr *header, int left, const struct batch *batch,
			 uint32_t first, const struct reader *reader, int *result,
			 struct error *err)
{
	size_t last = last_answered(batch);
	bool done = false;

	for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
		uint32_t i = header->nlmsg_seq - first;

		if (i >= batch->n)
			continue; /* the answer to something given up earlier */
		if (header->nlmsg_type == NLMSG_ERROR) {
			struct error one = ERROR_NONE;
			int r = judge(header, &batch->messages[i], &one);

			if (r < 0 && *result == 0) {
				*err = one;
				*result = r;
			}
			done = done || i >= last || (batch->transaction && i == 0);
		} else if (header->nlmsg_type == NLMSG_DONE) {
			done = true;
		} else if (reader) {
			reader->each(header, reader->arg);
			done = done || reader->single;
		}
	}
	return done;
}

/* Only the last message asks for an acknowledgement; failures of the others come anyway. */
int batch_run(struct netlink *netlink, struct batch *batch, const struct reader *reader,
	      struct error *err)
{
	auto_free char *buf = NULL;
	char small[4096];
	size_t room = sizeof(small);
	uint32_t first = netlink->sequence + 1;
	int result = 0, r;

	if (reader) {
		buf = xmalloc(REPLY_ROOM);
		room = REPLY_ROOM;
	}
	if (!reader || reader->acknowledged)
		nlmsg_hdr(batch->messages[last_answered(batch)].libnl)->nlmsg_flags |= NLM_F_ACK;
	r = batch_send(netlink, batch, err);
	if (r < 0)
		return r;
	for (;;) {
		void *data = buf ? buf : small;
		ssize_t n = recv(nl_socket_get_fd(netlink->socket), data, room, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "%s: wait for the kernel's answer", batch->messages[0].what);
		if (read_answers(data, (int)n, batch, first, reader, &result, err))
			return result;
	}
}

/* --- answers --- */

bool answer_attributes(struct nlmsghdr *header, size_t header_len, struct nlattr **ret, int max)
{
	return nlmsg_parse(header, (int)header_len, ret, max, NULL) >= 0;
}

bool answer_nested(struct nlattr *attribute, struct nlattr **ret, int max)
{
	return attribute && nla_parse_nested(ret, max, attribute, NULL) >= 0;
}

struct nlattr *answer_find(struct nlmsghdr *header, size_t header_len, int type)
{
	return nlmsg_find_attr(header, (int)header_len, type);
}

uint32_t answer_u32(struct nlattr *attribute)
{
	return nla_get_u32(attribute);
}

bool answer_bytes(struct nlattr *attribute, void *ret, size_t n)
{
	if (!attribute || (size_t)nla_len(attribute) != n)
		return false;
	memcpy(ret, nla_data(attribute), n);
	return true;
}

void answer_text(struct nlattr *attribute, char *ret, size_t room)
{
	if (attribute)
		nla_strlcpy(ret, attribute, room);
	else
		*ret = '\0';
}
