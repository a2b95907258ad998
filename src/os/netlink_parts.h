/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NETLINK_PARTS_H
#define SYSCT_OS_NETLINK_PARTS_H

/* netlink_parts - what the files of netlink share; private to src/os. netlink.c has the sockets, the messages and their
 * answers, and alone knows libnl, of which no type stands here (those of <linux/netlink.h> are the kernel's); netlink_links.c
 * looks at links, sets and deletes them, netlink_make.c makes them, netlink_routes.c has addresses and routes, netlink_nft.c
 * nftables. */

#include <linux/netlink.h>

#include "os/netlink.h"

/* A socket of another protocol than NETLINK_ROUTE. NULL on failure. */
struct netlink *netlink_open_protocol(int protocol, struct error *err);
/* For an ioctl(2); it stays the socket's. */
int netlink_fd(const struct netlink *netlink);

/* Messages that leave in one sendmsg(2), and their answers. */
struct batch;
struct message;

struct batch *batch_new(void);
/* Of nftables: the first and the last message only enclose the others, and all are done or none. */
struct batch *batch_new_transaction(void);
void batch_freep(struct batch **batch);
#define auto_batch __attribute__((cleanup(batch_freep)))

/* Whether a message of so many bytes fits, and another one behind it. */
bool batch_has_room(const struct batch *batch, size_t bytes);
/* A message of a type of the kernel's, which begins with a header of that type; the rest says what it does, for the error. It is
 * the batch's, as long as that lives. */
struct message *batch_add(struct batch *batch, int type, int flags, const void *header,
			  size_t header_len, const char *what, ...)
	__attribute__((format(printf, 6, 7)));

/* Attributes, one after another. */
void message_put(struct message *message, int type, size_t n, const void *data);
void message_put_string(struct message *message, int type, const char *value);
void message_put_u32(struct message *message, int type, uint32_t value);
void message_put_u8(struct message *message, int type, uint8_t value);
struct nlattr *message_nest(struct message *message, int type);
void message_nest_end(struct message *message, struct nlattr *start);
/* A second header, where an attribute is a message of its own. */
void message_put_header(struct message *message, const void *header, size_t header_len);
/* Which link-local address a link makes when it is set up: IN6_ADDR_GEN_MODE_*. */
void message_put_gen_mode(struct message *message, uint8_t mode);

/* This errno is no failure of it. */
void message_tolerate(struct message *message, int code);

/* Who gets the answers that are not acknowledgements. */
struct reader {
	void (*each)(struct nlmsghdr *header, void *arg);
	void *arg;
	bool single; /* the first answer is the only one */
	bool acknowledged; /* each message has one answer or fails: the last one's acknowledgement is the end */
};

/* Send the batch and wait for its answers. reader NULL: there are acknowledgements alone. Returns the first failure; what comes
 * after it is carried out all the same, unless it is a transaction. */
int batch_run(struct netlink *netlink, struct batch *batch, const struct reader *reader,
	      struct error *err);

/* The attributes behind an answer's header, by type: ret has max + 1 of them, NULL where there is none. */
bool answer_attributes(struct nlmsghdr *header, size_t header_len, struct nlattr **ret, int max);
struct nlattr *answer_find(struct nlmsghdr *header, size_t header_len, int type);
/* Those within one, which may be NULL: false. */
bool answer_nested(struct nlattr *attribute, struct nlattr **ret, int max);
uint32_t answer_u32(struct nlattr *attribute);
/* Of exactly so many bytes. false: it is NULL, or has others, and nothing is written. */
bool answer_bytes(struct nlattr *attribute, void *ret, size_t n);
/* "" for NULL. */
void answer_text(struct nlattr *attribute, char *ret, size_t room);

#endif
