/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nftables: whether a table is there, and sets that change. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "netlink_parts.h"

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
	auto_batch struct batch *batch = batch_new();
	struct nfgenmsg header = { .nfgen_family = nft_family(family), .version = NFNETLINK_V0 };
	struct error why = ERROR_NONE;
	auto_netlink struct netlink *netlink = netlink_open_protocol(NETLINK_NETFILTER, &why);
	int found = 0, r;
	struct reader reader = { .each = note_table, .arg = &found, .single = true };
	struct message *message;

	if (!netlink && !has_netfilter())
		return 0; /* so there is no table; nft will say so in its words */
	if (!netlink) {
		*err = why;
		return -err->code;
	}
	message = batch_add(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, &header,
			    sizeof(header), "look for nftables table \"%s %s\"", family, table);
	message_put_string(message, NFTA_TABLE_NAME, table);
	message_tolerate(message, ENOENT);
	r = batch_run(netlink, batch, &reader, &why);
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return 0; /* nf_tables is a module that nobody has loaded yet */
	if (r < 0)
		*err = why;
	return r < 0 ? r : found;
}

static void note_generation(struct nlmsghdr *header, void *arg)
{
	struct nlattr *id = answer_find(header, sizeof(struct nfgenmsg), NFTA_GEN_ID);

	if (header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) && id)
		*(uint32_t *)arg = ntohl(answer_u32(id));
}

int netlink_nft_generation(uint32_t *ret)
{
	auto_batch struct batch *batch = batch_new();
	struct nfgenmsg header = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	struct error ignored = ERROR_NONE;
	auto_netlink struct netlink *netlink = netlink_open_protocol(NETLINK_NETFILTER, &ignored);
	struct reader reader = { .each = note_generation, .arg = ret, .single = true };

	*ret = 0;
	if (!netlink)
		return -ignored.code;
	batch_add(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, &header, sizeof(header),
		  "look at the generation of the rules");
	if (batch_run(netlink, batch, &reader, &ignored) < 0)
		return -ignored.code;
	return *ret ? 0 : -ENODATA;
}

/* One that is about all of nftables: the beginning of a transaction, or its end. */
static struct message *enclose(struct batch *batch, int type)
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
	struct message *message;

	if (!batch_has_room(batch, names + 128 + change->n * each))
		return false;
	message = batch_add(batch, NFNL_SUBSYS_NFTABLES << 8 | (change->add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
			    change->add ? NLM_F_CREATE : 0, &header, sizeof(header), "change the set \"%s\" of \"%s %s\"",
			    change->set, change->family, change->table);
	message_put_string(message, NFTA_SET_ELEM_LIST_TABLE, change->table);
	message_put_string(message, NFTA_SET_ELEM_LIST_SET, change->set);
	list = message_nest(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < change->n; i++) {
		element = message_nest(message, NFTA_LIST_ELEM);
		key = message_nest(message, NFTA_SET_ELEM_KEY);
		message_put(message, NFTA_DATA_VALUE, change->key_bytes, change->keys + i * change->key_bytes);
		message_nest_end(message, key);
		message_nest_end(message, element);
	}
	message_nest_end(message, list);
	return true;
}

int netlink_nft_change(const struct nft_elements *changes, size_t n, uint32_t generation, struct error *err)
{
	auto_batch struct batch *batch = batch_new_transaction();
	auto_netlink struct netlink *netlink = netlink_open_protocol(NETLINK_NETFILTER, err);

	if (!netlink)
		return -err->code;
	message_put_u32(enclose(batch, NFNL_MSG_BATCH_BEGIN), NFNL_BATCH_GENID, htonl(generation));
	for (size_t i = 0; i < n; i++)
		if (!put_elements(batch, &changes[i]))
			return fail(err, E2BIG, "change sets of nftables");
	enclose(batch, NFNL_MSG_BATCH_END);
	return n ? batch_run(netlink, batch, NULL, err) : 0;
}
