/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define REPLY_ROOM 32768 /* the kernel never makes a larger part of a dump */
#define REPLY_SECONDS 20 /* a hung kernel must not hang a command for ever */

struct netlink {
	struct nl_sock *socket;
	uint32_t sequence;
};

/* --- sockets --- */

static struct netlink *open_protocol(int protocol, struct error *err)
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
	return open_protocol(NETLINK_ROUTE, err);
}

struct netlink *netlink_open_in(int netns_fd, struct error *err)
{
	auto_close int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct netlink *netlink;

	if (here < 0) {
		fail(err, errno, "open the own network namespace");
		return NULL;
	}
	if (setns(netns_fd, CLONE_NEWNET) < 0) {
		fail(err, errno, "enter a network namespace");
		return NULL;
	}
	netlink = netlink_open(err);
	/* To go on in a box's namespace would do the host's work there: never. */
	if (setns(here, CLONE_NEWNET) < 0)
		end_here("return to the host's network namespace");
	return netlink;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	nl_socket_free(netlink->socket);
	free(netlink);
}

/* --- batches: messages that leave in one sendmsg, and their answers --- */

#define BATCH_MAX 32
#define MESSAGE_ROOM 4096
#define WHAT_ROOM 160

struct batch {
	struct nl_msg *messages[BATCH_MAX];
	char what[BATCH_MAX][WHAT_ROOM]; /* for the error: "add address 10.1.2.3 to eth0" */
	int tolerated[BATCH_MAX]; /* an errno that is no failure, or 0 */
	size_t n;
	bool transaction; /* of nftables: the first and the last message only enclose the others, and all are done or none */
};

static void batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		nlmsg_free(batch->messages[i]);
	batch->n = 0;
}
#define auto_batch __attribute__((cleanup(batch_done)))

/* Attributes never overflow: a message has a page, and names and addresses are bounded; out of
 * memory ends the program as everywhere. */
static void must(int r)
{
	if (r < 0)
		out_of_memory();
}

static struct nl_msg *batch_add(struct batch *batch, int type, int flags, const void *header,
				size_t header_len, const char *what, ...)
	__attribute__((format(printf, 6, 7)));

static struct nl_msg *batch_add(struct batch *batch, int type, int flags, const void *header,
				size_t header_len, const char *what, ...)
{
	struct nl_msg *message = nlmsg_alloc_size(MESSAGE_ROOM);
	va_list args;

	if (batch->n == BATCH_MAX)
		end_here("more messages of netlink than one batch has room for");
	if (!message)
		out_of_memory();
	if (!nlmsg_put(message, 0, 0, type, 0, NLM_F_REQUEST | flags))
		out_of_memory();
	must(nlmsg_append(message, (void *)(uintptr_t)header, header_len, NLMSG_ALIGNTO));
	va_start(args, what);
	vsnprintf(batch->what[batch->n], WHAT_ROOM, what, args);
	va_end(args);
	batch->tolerated[batch->n] = 0;
	batch->messages[batch->n++] = message;
	return message;
}

static void put_string(struct nl_msg *message, int type, const char *value)
{
	must(nla_put_string(message, type, value));
}

static void put_u32(struct nl_msg *message, int type, uint32_t value)
{
	must(nla_put_u32(message, type, value));
}

static struct nlattr *nest(struct nl_msg *message, int type)
{
	struct nlattr *start = nla_nest_start(message, type);

	if (!start)
		out_of_memory();
	return start;
}

static int batch_send(struct netlink *netlink, struct batch *batch, struct error *err)
{
	struct iovec parts[BATCH_MAX];
	int r;

	for (size_t i = 0; i < batch->n; i++) {
		struct nlmsghdr *header = nlmsg_hdr(batch->messages[i]);

		header->nlmsg_seq = ++netlink->sequence;
		parts[i].iov_base = header;
		parts[i].iov_len = NLMSG_ALIGN(header->nlmsg_len);
	}
	r = nl_send_iovec(netlink->socket, batch->messages[0], parts, (unsigned int)batch->n);
	if (r < 0)
		return fail(err, EIO, "%s: send to the kernel: %s", batch->what[0], nl_geterror(r));
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

/* Who gets the answers that are not acknowledgements. */
struct reader {
	void (*each)(struct nlmsghdr *header, void *arg);
	void *arg;
	bool single; /* the first answer is the only one */
};

/* Judge an error reply (an acknowledgement is one with error 0) to message number i. */
static int judge(const struct nlmsghdr *header, const struct batch *batch, size_t i,
		 struct error *err)
{
	const struct nlmsgerr *reply = nlmsg_data(header);
	const char *words = kernel_words(header);

	if (nlmsg_datalen(header) < (int)sizeof(reply->error))
		return fail(err, EBADMSG, "%s: read the kernel's answer", batch->what[i]);
	if (reply->error == 0 || -reply->error == batch->tolerated[i])
		return 0;
	if (words)
		return fail(err, -reply->error, "%s: %s", batch->what[i], words);
	return fail(err, -reply->error, "%s", batch->what[i]);
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
			int r = judge(header, batch, i, &one);

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

/* Send the batch and wait for its answers. Only the last message asks for an acknowledgement;
 * failures of the others come anyway. */
static int batch_run(struct netlink *netlink, struct batch *batch, const struct reader *reader,
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
	} else {
		nlmsg_hdr(batch->messages[last_answered(batch)])->nlmsg_flags |= NLM_F_ACK;
	}
	r = batch_send(netlink, batch, err);
	if (r < 0)
		return r;
	for (;;) {
		void *data = buf ? buf : small;
		ssize_t n = recv(nl_socket_get_fd(netlink->socket), data, room, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "%s: wait for the kernel's answer", batch->what[0]);
		if (read_answers(data, (int)n, batch, first, reader, &result, err))
			return result;
	}
}

/* --- links --- */

static const struct ifinfomsg no_link;

int netlink_link_index(struct netlink *netlink, const char *name)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	/* Not RTM_GETLINK: that waits for the lock which a start elsewhere may hold for
	 * milliseconds. */
	if (ioctl(nl_socket_get_fd(netlink->socket), SIOCGIFINDEX, &request) < 0)
		return 0;
	return request.ifr_ifindex;
}

bool netlink_link_is_up(struct netlink *netlink, const char *name)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	return ioctl(nl_socket_get_fd(netlink->socket), SIOCGIFFLAGS, &request) == 0 &&
	       request.ifr_flags & IFF_UP;
}

static void copy_text(char *to, size_t room, struct nlattr *attribute)
{
	if (attribute)
		nla_strlcpy(to, attribute, room);
	else
		*to = '\0';
}

static void read_link(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct link_info *ret = arg;
	const struct ifinfomsg *link = nlmsg_data(header);

	if (header->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(header, sizeof(*link), attributes, IFLA_MAX, NULL) < 0)
		return;
	memset(ret, 0, sizeof(*ret));
	ret->index = link->ifi_index;
	ret->up = link->ifi_flags & IFF_UP;
	if (attributes[IFLA_MASTER])
		ret->master = (int)nla_get_u32(attributes[IFLA_MASTER]);
	if (attributes[IFLA_MTU])
		ret->mtu = nla_get_u32(attributes[IFLA_MTU]);
	if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == HWADDR_BYTES)
		memcpy(ret->hwaddr, nla_data(attributes[IFLA_ADDRESS]), HWADDR_BYTES);
	copy_text(ret->name, sizeof(ret->name), attributes[IFLA_IFNAME]);
	copy_text(ret->alias, sizeof(ret->alias), attributes[IFLA_IFALIAS]);
	if (attributes[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) >= 0)
		copy_text(ret->kind, sizeof(ret->kind), info[IFLA_INFO_KIND]);
}

static int get_link(struct netlink *netlink, struct batch *batch, struct link_info *ret,
		    struct error *err)
{
	struct reader reader = { .each = read_link, .arg = ret, .single = true };
	int r;

	put_u32(batch->messages[0], IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	batch->tolerated[0] = ENODEV;
	memset(ret, 0, sizeof(*ret));
	r = batch_run(netlink, batch, &reader, err);
	return r < 0 ? r : ret->index > 0;
}

int netlink_link_get(struct netlink *netlink, const char *name, struct link_info *ret,
		     struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };

	memset(ret, 0, sizeof(*ret));
	if (strlen(name) >= LINK_NAME_ROOM)
		return 0;
	batch_add(&batch, RTM_GETLINK, 0, &no_link, sizeof(no_link), "look at link \"%s\"", name);
	put_string(batch.messages[0], IFLA_IFNAME, name);
	return get_link(netlink, &batch, ret, err);
}

int netlink_link_get_index(struct netlink *netlink, int index, struct link_info *ret,
			   struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = index };

	batch_add(&batch, RTM_GETLINK, 0, &link, sizeof(link), "look at link %d", index);
	return get_link(netlink, &batch, ret, err);
}

static void count_link(struct nlmsghdr *header, void *arg)
{
	struct nlattr *master = nlmsg_find_attr(header, sizeof(struct ifinfomsg), IFLA_MASTER);
	int *count = arg;

	/* count[1] is the master: kernels without the filter send every link */
	if (header->nlmsg_type == RTM_NEWLINK && master &&
	    nla_get_u32(master) == (uint32_t)count[1])
		count[0]++;
}

int netlink_port_count(struct netlink *netlink, int master, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	int count[2] = { 0, master };
	struct reader reader = { .each = count_link, .arg = count };
	struct nl_msg *message;
	int r;

	message = batch_add(&batch, RTM_GETLINK, NLM_F_DUMP, &no_link, sizeof(no_link),
			    "list the ports of link %d", master);
	put_u32(message, IFLA_MASTER, (uint32_t)master);
	put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = batch_run(netlink, &batch, &reader, err);
	return r < 0 ? r : count[0];
}

struct kind_count {
	const char *kind;
	int n;
};

static void count_kind(struct nlmsghdr *header, void *arg)
{
	struct kind_count *count = arg;
	struct link_info info = { .index = 0 };

	read_link(header, &info);
	count->n += strcmp(info.kind, count->kind) == 0;
}

int netlink_kind_count(struct netlink *netlink, const char *kind, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct kind_count count = { .kind = kind };
	struct reader reader = { .each = count_kind, .arg = &count };
	struct nl_msg *message;
	struct nlattr *info;
	int r;

	message = batch_add(&batch, RTM_GETLINK, NLM_F_DUMP, &no_link, sizeof(no_link),
			    "list the links of kind %s", kind);
	put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	info = nest(message, IFLA_LINKINFO);
	put_string(message, IFLA_INFO_KIND, kind);
	nla_nest_end(message, info);
	r = batch_run(netlink, &batch, &reader, err);
	return r < 0 ? r : count.n;
}

int netlink_link_set_up(struct netlink *netlink, int index, bool up, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = index,
				  .ifi_change = IFF_UP,
				  .ifi_flags = up ? IFF_UP : 0 };

	batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link), "set link %d %s", index,
		  up ? "up" : "down");
	return batch_run(netlink, &batch, NULL, err);
}

int netlink_link_set_mtu(struct netlink *netlink, int index, uint32_t mtu, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_msg *message = batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link),
					   "set the MTU of link %d to %u", index, mtu);

	put_u32(message, IFLA_MTU, mtu);
	return batch_run(netlink, &batch, NULL, err);
}

int netlink_link_set_alias(struct netlink *netlink, int index, const char *alias, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_msg *message = batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link),
					   "set the alias of link %d", index);

	put_string(message, IFLA_IFALIAS, alias);
	return batch_run(netlink, &batch, NULL, err);
}

int netlink_link_delete(struct netlink *netlink, const char *name, const char *alias_prefix,
			struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct link_info info;
	struct ifinfomsg link = { 0 };
	int r = netlink_link_get(netlink, name, &info, err);

	if (r <= 0)
		return r;
	if (!text_starts(info.alias, alias_prefix)) {
		fail(err, EPERM,
		     "delete link \"%s\", whose alias \"%s\" does not begin with \"%s\"", name,
		     info.alias, alias_prefix);
		return error_hint(err, "sysct did not make this link; see: ip -d link show %s",
				  name);
	}
	link.ifi_index = info.index; /* by index: the name may have gone to another since */
	batch_add(&batch, RTM_DELLINK, 0, &link, sizeof(link), "delete link \"%s\"", name);
	batch.tolerated[0] = ENODEV;
	r = batch_run(netlink, &batch, NULL, err);
	return r < 0 ? r : 1;
}

struct port_list {
	int master, *indexes;
	size_t n;
	const char *alias_prefix;
};

static void read_port(struct nlmsghdr *header, void *arg)
{
	struct port_list *list = arg;
	struct link_info info = { .index = 0 };

	read_link(header, &info);
	if (info.index && info.master == list->master && text_starts(info.alias, list->alias_prefix)) {
		list->indexes = xrealloc(list->indexes, (list->n + 1) * sizeof(*list->indexes));
		list->indexes[list->n++] = info.index;
	}
}

int netlink_ports_delete(struct netlink *netlink, int master, const char *alias_prefix,
			 struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct port_list list = { .master = master, .alias_prefix = alias_prefix };
	struct reader reader = { .each = read_port, .arg = &list };
	auto_free int *indexes = NULL;
	struct nl_msg *message;
	int r;

	message = batch_add(&batch, RTM_GETLINK, NLM_F_DUMP, &no_link, sizeof(no_link),
			    "list the ports of link %d", master);
	put_u32(message, IFLA_MASTER, (uint32_t)master);
	put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = batch_run(netlink, &batch, &reader, err);
	indexes = list.indexes;
	for (size_t i = 0; i < list.n && r >= 0; i++) {
		auto_batch struct batch one = { .n = 0 };
		struct ifinfomsg link = { .ifi_index = indexes[i] };

		batch_add(&one, RTM_DELLINK, 0, &link, sizeof(link), "delete link %d", indexes[i]);
		one.tolerated[0] = ENODEV;
		r = batch_run(netlink, &one, NULL, err);
	}
	return r < 0 ? r : (int)list.n;
}

/* --- bridge --- */

int netlink_bridge_add(struct netlink *netlink, const char *name,
		       const uint8_t hwaddr[HWADDR_BYTES], uint32_t mtu, const char *alias,
		       struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct nl_msg *message;
	struct nlattr *info, *data;
	int index, r;

	message = batch_add(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link,
			    sizeof(no_link), "make bridge \"%s\"", name);
	put_string(message, IFLA_IFNAME, name);
	/* A given address stays; else the bridge would take the lowest of its ports', and
	 * neighbours forget it. */
	must(nla_put(message, IFLA_ADDRESS, HWADDR_BYTES, hwaddr));
	if (mtu)
		put_u32(message, IFLA_MTU, mtu);
	info = nest(message, IFLA_LINKINFO);
	put_string(message, IFLA_INFO_KIND, "bridge");
	data = nest(message, IFLA_INFO_DATA);
	put_u32(message, IFLA_BR_STP_STATE, 0);
	put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	r = batch_run(netlink, &batch, NULL, err);
	if (r < 0)
		return r;
	index = netlink_link_index(netlink, name);
	if (!index)
		return fail(err, ENODEV, "find bridge \"%s\"", name);
	r = netlink_link_set_alias(netlink, index, alias, err);
	return r < 0 ? r : index;
}

static void put_port(struct nl_msg *message, const struct port_flags *flags)
{
	struct nlattr *port = nest(message, IFLA_PROTINFO | NLA_F_NESTED);

	must(nla_put_u8(message, IFLA_BRPORT_LEARNING, flags->learning));
	must(nla_put_u8(message, IFLA_BRPORT_UNICAST_FLOOD, flags->flooding));
	must(nla_put_u8(message, IFLA_BRPORT_ISOLATED, flags->isolated));
	if (flags->locked) /* not known before 5.18 */
		must(nla_put_u8(message, IFLA_BRPORT_LOCKED, 1));
	nla_nest_end(message, port);
}

int netlink_port_set(struct netlink *netlink, int index, const struct port_flags *flags,
		     struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_family = AF_BRIDGE, .ifi_index = index };

	put_port(batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link),
			   "set the bridge port flags of link %d", index),
		 flags);
	return batch_run(netlink, &batch, NULL, err);
}

/* Flags before the entry: what was learnt from the port cannot come between. */
static void put_guard(struct batch *batch, int index, const struct port_guard *guard)
{
	struct ifinfomsg port = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct ndmsg entry = { .ndm_family = AF_BRIDGE,
			       .ndm_ifindex = index,
			       .ndm_state = NUD_NOARP,
			       .ndm_flags = NTF_MASTER };

	put_port(batch_add(batch, RTM_SETLINK, 0, &port, sizeof(port),
			   "set the bridge port flags of link %d", index),
		 &guard->flags);
	must(nla_put(batch_add(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &entry,
			       sizeof(entry), "add to the forwarding table of link %d", index),
		     NDA_LLADDR, HWADDR_BYTES, guard->hwaddr));
}

int netlink_port_guard(struct netlink *netlink, int index, const struct port_guard *guard,
		       struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = index };

	if (guard->group)
		put_u32(batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link),
				  "set the group of link %d", index),
			IFLA_GROUP, guard->group);
	put_guard(&batch, index, guard);
	return batch_run(netlink, &batch, NULL, err);
}

/* --- veth --- */

static void put_veth(struct nl_msg *message, const struct veth *veth)
{
	uint32_t mtu = veth->mtu ? veth->mtu : 1500;
	struct nlattr *info, *data, *peer;

	put_string(message, IFLA_IFNAME, veth->name);
	put_u32(message, IFLA_MTU, mtu);
	if (veth->master)
		put_u32(message, IFLA_MASTER, (uint32_t)veth->master);
	/* From its birth: a rule that knows it by its group misses no packet. */
	if (veth->port && veth->port->group)
		put_u32(message, IFLA_GROUP, veth->port->group);
	/* One queue: else the kernel makes one per CPU at each end, each with files in sysfs. */
	put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	put_u32(message, IFLA_NUM_RX_QUEUES, 1);
	info = nest(message, IFLA_LINKINFO);
	put_string(message, IFLA_INFO_KIND, "veth");
	data = nest(message, IFLA_INFO_DATA);
	peer = nest(message, VETH_INFO_PEER);
	must(nlmsg_append(message, (void *)(uintptr_t)&no_link, sizeof(no_link), NLMSG_ALIGNTO));
	put_string(message, IFLA_IFNAME, veth->peer_name);
	put_u32(message, IFLA_MTU, mtu);
	put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	put_u32(message, IFLA_NUM_RX_QUEUES, 1);
	must(nla_put(message, IFLA_ADDRESS, HWADDR_BYTES, veth->peer_hwaddr));
	put_u32(message, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns);
	nla_nest_end(message, peer);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
}

/* Which link-local address it makes when it is set up. */
static void put_gen_mode(struct nl_msg *message, uint8_t mode)
{
	struct nlattr *families = nest(message, IFLA_AF_SPEC), *inet6 = nest(message, AF_INET6);

	must(nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, mode));
	nla_nest_end(message, inet6);
	nla_nest_end(message, families);
}

/* What the kernel does not take at a link's birth. */
static void put_host_end(struct nl_msg *message, const struct veth *veth)
{
	put_string(message, IFLA_IFALIAS, veth->alias);
	put_gen_mode(message, IN6_ADDR_GEN_MODE_NONE);
}

static int finish_veth(struct netlink *netlink, const struct veth *veth, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg link = { .ifi_index = netlink_link_index(netlink, veth->name) };

	if (!link.ifi_index)
		return fail(err, ENODEV, "find link \"%s\"", veth->name);
	put_host_end(batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link), "mark link \"%s\"",
			       veth->name),
		     veth);
	if (veth->port)
		put_guard(&batch, link.ifi_index, veth->port);
	return batch_run(netlink, &batch, NULL, err);
}

int netlink_veth_add(struct netlink *netlink, const struct veth *veth, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	int r;

	put_veth(batch_add(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link, sizeof(no_link),
			   "make the pair of links \"%s\" and \"%s\"", veth->name, veth->peer_name),
		 veth);
	r = batch_run(netlink, &batch, NULL, err);
	if (r == -EEXIST)
		return error_hint(err, "see who has the name: ip -d link show %s", veth->name);
	if (r < 0)
		return r;
	r = finish_veth(netlink, veth, err);
	if (r < 0) {
		auto_batch struct batch undo = { .n = 0 };
		struct error ignored = ERROR_NONE;

		/* by name: made by us a moment ago, and its alias may be what failed */
		put_string(batch_add(&undo, RTM_DELLINK, 0, &no_link, sizeof(no_link), "undo"),
			   IFLA_IFNAME, veth->name);
		batch_run(netlink, &undo, NULL, &ignored);
	}
	return r;
}

/* --- macvlan --- */

int netlink_macvlan_add(struct netlink *netlink, const struct macvlan *macvlan, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct nl_msg *message =
		batch_add(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &no_link, sizeof(no_link),
			  "make the link \"%s\" beside the host's", macvlan->name);
	struct nlattr *info, *data;

	put_string(message, IFLA_IFNAME, macvlan->name);
	put_u32(message, IFLA_LINK, (uint32_t)macvlan->parent);
	if (macvlan->mtu)
		put_u32(message, IFLA_MTU, macvlan->mtu);
	must(nla_put(message, IFLA_ADDRESS, HWADDR_BYTES, macvlan->hwaddr));
	put_u32(message, IFLA_NET_NS_FD, (uint32_t)macvlan->netns);
	info = nest(message, IFLA_LINKINFO);
	put_string(message, IFLA_INFO_KIND, "macvlan");
	data = nest(message, IFLA_INFO_DATA);
	put_u32(message, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return batch_run(netlink, &batch, NULL, err);
}

/* --- addresses and routes --- */

static size_t address_bytes(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void add_address(struct batch *batch, int index, int family, const void *address,
			unsigned int prefix)
{
	char shown[INET6_ADDRSTRLEN] = "";
	struct ifaddrmsg header = { .ifa_family = (unsigned char)family,
				    .ifa_prefixlen = (unsigned char)prefix,
				    .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
				    .ifa_index = (unsigned int)index };
	struct nl_msg *message;

	inet_ntop(family, address, shown, sizeof(shown));
	message = batch_add(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header),
			    "add address %s/%u to link %d", shown, prefix, index);
	batch->tolerated[batch->n - 1] = EEXIST;
	must(nla_put(message, IFA_LOCAL, (int)address_bytes(family), address));
	must(nla_put(message, IFA_ADDRESS, (int)address_bytes(family), address));
	if (family == AF_INET && prefix < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, address, 4);
		broadcast |= htonl(prefix ? UINT32_MAX >> prefix : UINT32_MAX);
		must(nla_put(message, IFA_BROADCAST, 4, &broadcast));
	}
}

static void add_default_route(struct batch *batch, int index, int family, const void *gateway)
{
	char shown[INET6_ADDRSTRLEN] = "";
	struct rtmsg header = { .rtm_family = (unsigned char)family,
				.rtm_table = RT_TABLE_MAIN,
				.rtm_protocol = RTPROT_STATIC,
				.rtm_scope = RT_SCOPE_UNIVERSE,
				.rtm_type = RTN_UNICAST };
	struct nl_msg *message;

	inet_ntop(family, gateway, shown, sizeof(shown));
	message = batch_add(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &header,
			    sizeof(header), "add the default route by %s", shown);
	must(nla_put(message, RTA_GATEWAY, (int)address_bytes(family), gateway));
	put_u32(message, RTA_OIF, (uint32_t)index);
}

int netlink_address_add(struct netlink *netlink, int index, int family, const void *address,
			unsigned int prefix, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };

	add_address(&batch, index, family, address, prefix);
	return batch_run(netlink, &batch, NULL, err);
}

int netlink_default_route_set(struct netlink *netlink, int index, int family, const void *gateway,
			      struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };

	add_default_route(&batch, index, family, gateway);
	return batch_run(netlink, &batch, NULL, err);
}

static void set_gen_mode(struct batch *batch, const struct ifinfomsg *link, uint8_t mode, const char *name)
{
	const struct ifinfomsg only = { .ifi_index = link->ifi_index };

	put_gen_mode(batch_add(batch, RTM_SETLINK, 0, &only, sizeof(only), "choose the link-local address of link \"%s\"", name), mode);
}

int netlink_link_setup(struct netlink *netlink, const struct link_setup *setup, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifinfomsg lo = { .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
			 link = lo;

	link.ifi_index = netlink_link_index(netlink, setup->name);
	if (!link.ifi_index)
		return fail(err, ENODEV, "find link \"%s\" in the container's network namespace",
			    setup->name);
	/* the loopback link is the first of every network namespace */
	batch_add(&batch, RTM_SETLINK, 0, &lo, sizeof(lo), "bring up the loopback link");
	if (setup->link_local)
		set_gen_mode(&batch, &link, IN6_ADDR_GEN_MODE_NONE, setup->name);
	batch_add(&batch, RTM_SETLINK, 0, &link, sizeof(link), "bring up link \"%s\"", setup->name);
	if (setup->link_local) {
		add_address(&batch, link.ifi_index, AF_INET6, setup->link_local, 64);
		set_gen_mode(&batch, &link, IN6_ADDR_GEN_MODE_EUI64, setup->name);
	}
	if (setup->v4)
		add_address(&batch, link.ifi_index, AF_INET, setup->v4, setup->prefix4);
	if (setup->v6)
		add_address(&batch, link.ifi_index, AF_INET6, setup->v6, setup->prefix6);
	if (setup->gateway4)
		add_default_route(&batch, link.ifi_index, AF_INET, setup->gateway4);
	if (setup->gateway6)
		add_default_route(&batch, link.ifi_index, AF_INET6, setup->gateway6);
	return batch_run(netlink, &batch, NULL, err);
}

struct route_list {
	struct route_info *items;
	size_t n, room;
};

static void read_route(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *route = nlmsg_data(header);
	struct route_list *list = arg;
	struct route_info *info;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(header, sizeof(*route), attributes, RTA_MAX, NULL) < 0)
		return;
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->items = xrealloc(list->items, list->room * sizeof(*list->items));
	}
	info = memset(&list->items[list->n++], 0, sizeof(*info));
	info->family = route->rtm_family;
	info->prefix = route->rtm_dst_len;
	if (attributes[RTA_DST] &&
	    (size_t)nla_len(attributes[RTA_DST]) == address_bytes(info->family))
		memcpy(info->destination, nla_data(attributes[RTA_DST]),
		       address_bytes(info->family));
	if (attributes[RTA_OIF])
		info->index = (int)nla_get_u32(attributes[RTA_OIF]);
}

int netlink_routes(struct netlink *netlink, int family, struct route_info **ret, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct rtmsg header = { .rtm_family = (unsigned char)family };
	struct route_list list = { .n = 0 };
	struct reader reader = { .each = read_route, .arg = &list };
	int r;

	batch_add(&batch, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header),
		  "list the host's routes");
	r = batch_run(netlink, &batch, &reader, err);
	if (r < 0) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	return (int)list.n;
}

struct address_list {
	struct address_info *items;
	size_t n;
	int index;
};

static void read_address(struct nlmsghdr *header, void *arg)
{
	struct nlattr *attributes[IFA_MAX + 1], *address;
	const struct ifaddrmsg *message = nlmsg_data(header);
	struct address_list *list = arg;
	struct address_info *info;

	if (header->nlmsg_type != RTM_NEWADDR || (int)message->ifa_index != list->index ||
	    nlmsg_parse(header, sizeof(*message), attributes, IFA_MAX, NULL) < 0)
		return;
	address = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!address || (size_t)nla_len(address) != address_bytes(message->ifa_family))
		return;
	list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
	info = memset(&list->items[list->n++], 0, sizeof(*info));
	info->family = message->ifa_family;
	info->prefix = message->ifa_prefixlen;
	memcpy(info->address, nla_data(address), address_bytes(info->family));
}

int netlink_addresses(struct netlink *netlink, int index, struct address_info **ret,
		      struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct ifaddrmsg header = { .ifa_index = (unsigned int)index };
	struct address_list list = { .index = index };
	struct reader reader = { .each = read_address, .arg = &list };
	int r;

	batch_add(&batch, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header),
		  "list the addresses of link %d", index);
	r = batch_run(netlink, &batch, &reader, err);
	if (r < 0) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	return (int)list.n;
}

int netlink_uplink(struct netlink *netlink, int family, struct link_info *ret, struct error *err)
{
	/* Nothing is sent there: only addresses that no site has inside. */
	static const unsigned char public4[4] = { 1, 1, 1, 1 };
	static const unsigned char public6[16] = { 0x26, 0x06, 0x47,	    0,
						   0x47, 0,    [14] = 0x11, [15] = 0x11 };
	auto_batch struct batch batch = { .n = 0 };
	struct rtmsg header = { .rtm_family = (unsigned char)family,
				.rtm_dst_len = (unsigned char)(address_bytes(family) * 8) };
	struct route_list list = { .n = 0 };
	struct reader reader = { .each = read_route, .arg = &list, .single = true };
	auto_free struct route_info *items = NULL;
	int r;

	must(nla_put(
		batch_add(&batch, RTM_GETROUTE, 0, &header, sizeof(header), "look for the uplink"),
		RTA_DST, (int)address_bytes(family), family == AF_INET6 ? public6 : public4));
	batch.tolerated[0] = ENETUNREACH;
	r = batch_run(netlink, &batch, &reader, err);
	items = list.items;
	if (r == -EHOSTUNREACH || r == -EACCES)
		return 0;
	if (r < 0)
		return r;
	if (list.n == 0 || !items[0].index)
		return 0;
	return netlink_link_get_index(netlink, items[0].index, ret, err);
}

bool address_is_local(int family, const void *address)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { .any.sa_family = (sa_family_t)family };
	socklen_t len = family == AF_INET6 ? sizeof(name.v6) : sizeof(name.v4);
	auto_close int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	memcpy(family == AF_INET6 ? (void *)&name.v6.sin6_addr : (void *)&name.v4.sin_addr, address,
	       address_bytes(family));
	return bind(fd, &name.any, len) == 0;
}

/* --- netfilter --- */

static void note_table(struct nlmsghdr *header, void *arg)
{
	if (header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE))
		*(int *)arg = 1;
}

static bool has_netfilter(void)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	return fd >= 0 || errno != EPROTONOSUPPORT;
}

static uint8_t nft_family(const char *family)
{
	return strcmp(family, "bridge") == 0 ? NFPROTO_BRIDGE : NFPROTO_INET;
}

int netlink_nft_table_exists(const char *family, const char *table, struct error *err)
{
	auto_batch struct batch batch = { .n = 0 };
	struct nfgenmsg header = { .nfgen_family = nft_family(family), .version = NFNETLINK_V0 };
	struct error why = ERROR_NONE;
	auto_netlink struct netlink *netlink = open_protocol(NETLINK_NETFILTER, &why);
	int found = 0, r;
	struct reader reader = { .each = note_table, .arg = &found, .single = true };

	if (!netlink && !has_netfilter())
		return 0; /* so there is no table; nft will say so in its words */
	if (!netlink) {
		*err = why;
		return -err->code;
	}
	put_string(batch_add(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, &header,
			     sizeof(header), "look for nftables table \"%s %s\"", family, table),
		   NFTA_TABLE_NAME, table);
	batch.tolerated[0] = ENOENT;
	r = batch_run(netlink, &batch, &reader, &why);
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return 0; /* nf_tables is a module that nobody has loaded yet */
	if (r < 0)
		*err = why;
	return r < 0 ? r : found;
}

static void note_generation(struct nlmsghdr *header, void *arg)
{
	struct nlattr *id = nlmsg_find_attr(header, sizeof(struct nfgenmsg), NFTA_GEN_ID);

	if (header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) && id)
		*(uint32_t *)arg = ntohl(nla_get_u32(id));
}

int netlink_nft_generation(uint32_t *ret)
{
	auto_batch struct batch batch = { .n = 0 };
	struct nfgenmsg header = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	struct error ignored = ERROR_NONE;
	auto_netlink struct netlink *netlink = open_protocol(NETLINK_NETFILTER, &ignored);
	struct reader reader = { .each = note_generation, .arg = ret, .single = true };

	*ret = 0;
	if (!netlink)
		return -ignored.code;
	batch_add(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, &header, sizeof(header),
		  "look at the generation of the rules");
	if (batch_run(netlink, &batch, &reader, &ignored) < 0)
		return -ignored.code;
	return *ret ? 0 : -ENODATA;
}

/* One that is about all of nftables: the beginning of a transaction, or its end. */
static struct nl_msg *enclose(struct batch *batch, int type)
{
	const struct nfgenmsg header = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0,
					 .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	return batch_add(batch, type, 0, &header, sizeof(header), "change sets of nftables");
}

static bool put_elements(struct batch *batch, const struct nft_elements *change)
{
	const struct nfgenmsg header = { .nfgen_family = nft_family(change->family), .version = NFNETLINK_V0 };
	size_t names = strlen(change->table) + strlen(change->set), each = change->key_bytes + 32;
	struct nlattr *list, *element, *key;
	struct nl_msg *message;

	if (batch->n + 1 >= BATCH_MAX || names + 128 + change->n * each > MESSAGE_ROOM)
		return false;
	message = batch_add(batch, NFNL_SUBSYS_NFTABLES << 8 | (change->add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
			    change->add ? NLM_F_CREATE : 0, &header, sizeof(header), "change the set \"%s\" of \"%s %s\"",
			    change->set, change->family, change->table);
	put_string(message, NFTA_SET_ELEM_LIST_TABLE, change->table);
	put_string(message, NFTA_SET_ELEM_LIST_SET, change->set);
	list = nest(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < change->n; i++) {
		element = nest(message, NFTA_LIST_ELEM);
		key = nest(message, NFTA_SET_ELEM_KEY);
		must(nla_put(message, NFTA_DATA_VALUE, (int)change->key_bytes, change->keys + i * change->key_bytes));
		nla_nest_end(message, key);
		nla_nest_end(message, element);
	}
	nla_nest_end(message, list);
	return true;
}

int netlink_nft_change(const struct nft_elements *changes, size_t n, uint32_t generation, struct error *err)
{
	auto_batch struct batch batch = { .transaction = true };
	auto_netlink struct netlink *netlink = open_protocol(NETLINK_NETFILTER, err);

	if (!netlink)
		return -err->code;
	put_u32(enclose(&batch, NFNL_MSG_BATCH_BEGIN), NFNL_BATCH_GENID, htonl(generation));
	for (size_t i = 0; i < n; i++)
		if (!put_elements(&batch, &changes[i]))
			return fail(err, E2BIG, "change sets of nftables");
	enclose(&batch, NFNL_MSG_BATCH_END);
	return n ? batch_run(netlink, &batch, NULL, err) : 0;
}

/* --- sysctls --- */

int net_sysctl_get(const char *name, char *buf, size_t room)
{
	auto_free char *path = xasprintf("/proc/sys/net/%s", name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, room - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int net_sysctl_set(const char *name, const char *value)
{
	auto_free char *path = xasprintf("/proc/sys/net/%s", name);
	char now[64];
	int r = net_sysctl_get(name, now, sizeof(now));

	if (r < 0 || strcmp(now, value) == 0)
		return r;
	return write_value_at(AT_FDCWD, path, value);
}
