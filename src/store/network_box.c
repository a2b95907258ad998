/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one box has of the shared network: addresses, a name, ports, what its links are held to. */
#include "store/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/dns.h"
#include "store/network_parts.h"

#define RESOLV_CONF_MAX 65536

int network_lease(const struct network_bridge *bridge, const char *uuid,
		  const struct strings *taken, struct network_lease *lease, struct error *err)
{
	int64_t number = subnet4_lease(&bridge->subnet4, uuid, lease->v4, taken);
	auto_free char *subnet = NULL;
	uint8_t parsed[HWADDR_BYTES];

	if (number < 0) {
		subnet = subnet4_text(&bridge->subnet4);
		fail(err, 0, "give the container an address: all %u of %s are taken",
		     (1U << (32 - bridge->subnet4.prefix)) - 3, subnet);
		return error_hint(err, "destroy a container, or set a larger [host] subnet in "
				       "/etc/sysct/sysct.conf, such as 10.80.0.0/16");
	}
	subnet4_host(&bridge->subnet4, (uint32_t)number, lease->v4);
	lease->v6[0] = '\0';
	if (bridge->subnet6.prefix)
		subnet6_host(&bridge->subnet6, (uint32_t)number, lease->v6);
	if (hwaddr_parse(lease->hwaddr, parsed) < 0)
		hwaddr_from_uuid(uuid, lease->hwaddr);
	return 0;
}

const char *network_link_name(const struct network_host *host, const char *uuid, uint64_t start,
			      char buf[LINK_NAME_ROOM])
{
	auto_free char *key = xasprintf("%s/%llu", uuid, (unsigned long long)start);
	auto_free char *digits = xasprintf("%016llx", (unsigned long long)hash_text(key));
	size_t fixed = strlen("sct") + strlen(host->suffix);
	size_t room = fixed < LINK_NAME_ROOM - 1 ? LINK_NAME_ROOM - 1 - fixed : 0;

	snprintf(buf, LINK_NAME_ROOM, "sct%.*s%s", (int)(room < 10 ? room : 10), digits + 4,
		 host->suffix);
	return buf;
}

char *network_link_alias(const char *uuid)
{
	return xasprintf(NETWORK_ALIAS "%s", uuid);
}

int network_setup_inside(struct netlink *inside, const struct network_bridge *bridge,
			 const char *link, const struct network_lease *lease, struct error *err)
{
	unsigned char v4[4], v6[16];
	uint8_t hwaddr[HWADDR_BYTES], link_local[16];
	struct link_setup setup = { .name = link, .v4 = v4, .prefix4 = bridge->subnet4.prefix };

	if (inet_pton(AF_INET, lease->v4, v4) != 1)
		return fail(err, EINVAL, "read the address \"%s\"", lease->v4);
	if (bridge->subnet6.prefix && lease->v6[0]) {
		if (inet_pton(AF_INET6, lease->v6, v6) != 1)
			return fail(err, EINVAL, "read the address \"%s\"", lease->v6);
		setup.v6 = v6;
		setup.prefix6 = bridge->subnet6.prefix;
		/* nobody else on the bridge may use it (store/guard.h) */
		if (hwaddr_parse(lease->hwaddr, hwaddr) == 0) {
			hwaddr_link_local(hwaddr, link_local);
			setup.link_local = link_local;
		}
	}
	return netlink_link_setup(inside, &setup, err);
}

int network_register(const struct network_host *host, const char *name, const char *uuid,
		     const struct network_lease *lease, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	if (dirfd < 0)
		return dirfd;
	return dns_register(dirfd, name, uuid, lease->hwaddr, lease->v4,
			    lease->v6[0] ? lease->v6 : NULL, err);
}

int network_claim(const struct network_host *host, const char *name, const char *uuid, const char *v4, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	return dirfd < 0 ? dirfd : dns_claim(dirfd, name, uuid, v4, err);
}

int network_register_link(const struct network_host *host, const char *uuid, const struct network_lease *lease,
			  struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	return dirfd < 0 ? dirfd : dns_register_link(dirfd, uuid, lease->hwaddr, lease->v4, err);
}

int network_unregister(const struct network_host *host, const char *uuid, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, false, err);

	if (dirfd == -ENOENT)
		*err = (struct error)ERROR_NONE;	/* nothing was ever there */
	if (dirfd < 0)
		return dirfd == -ENOENT ? 0 : dirfd;
	return dns_unregister(dirfd, uuid, err);
}

char *network_hosts_block(const struct network_host *host)
{
	struct error missing = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, false, &missing);

	return dirfd < 0 ? xstrdup("") : dns_hosts_block(dirfd);
}

static void add_lines(struct text *text, const char *key, const struct strings *values)
{
	for (size_t i = 0; i < values->n; i++)
		text_add(text, "%s %s\n", key, values->items[i]);
}

char *network_resolv_conf(const struct network_bridge *bridge, const struct network_config *config)
{
	auto_strings struct strings servers = STRINGS_EMPTY;
	auto_free char *own = NULL, *search = NULL;
	struct text text = TEXT_EMPTY;

	if (config->type == NETWORK_HOST && config->dns.n == 0 && config->search.n == 0 &&
	    read_file_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_CONF_MAX, &own, NULL) == 0)
		return take_ptr(&own); /* a loopback server too: there it answers */
	if (config->dns.n)
		strings_copy(&servers, &config->dns);
	else if (bridge && bridge->dns)
		strings_add(&servers, bridge->gateway4);
	else
		dns_upstreams(&servers);
	text_add(&text, "# made by sysct\n");
	add_lines(&text, "nameserver", &servers);
	if (config->search.n) {
		search = strings_join(&config->search, " ");
		text_add(&text, "search %s\n", search);
	} else if (bridge) {
		text_add(&text, "search " DNS_DOMAIN "\n");
	}
	return text.data;
}

/* --- what one box may and offers --- */

static void ports_of(const struct published_list *all, const char *uuid, struct published_list *ret)
{
	for (size_t i = 0; i < all->n; i++) {
		auto_free char *text = NULL;

		if (strcmp(all->items[i].uuid, uuid) != 0)
			continue;
		text = publish_format(&all->items[i].what);
		published_add(ret, uuid, all->items[i].box, text, all->items[i].v4, all->items[i].v6);
	}
}

/* Whether the rules were looked at already, by network_ensure(), or do not matter for these links. */
static bool rules_are_there(const struct guarded_list *links)
{
	if (links->n == 0)
		return true;
	for (size_t i = 0; i < links->n; i++)
		if (!links->items[i].bridge)
			return true;
	return false;
}

/* The entries of one box, which are to become these: 1 when they were others, and the file is written. *ret_before: the file
 * as it was; *ret_all: all entries as they are now, when they are others. */
static int record_guarded(const struct network_host *host, const char *uuid, struct guarded_list *guarded, char **ret_before,
			  struct guarded_list *ret_all, struct error *err)
{
	auto_guarded struct guarded_list own = GUARDED_EMPTY;

	*ret_before = NULL;
	if (network_read_guarded(host, ret_before, err) < 0 || network_parse_guarded(host, *ret_before, uuid, &own, err) < 0)
		return -err->code;
	if (!guarded_replace(&own, uuid, guarded))
		return 0;
	/* a new one's group must be nobody else's */
	if (network_parse_guarded(host, *ret_before, NULL, ret_all, err) < 0)
		return -err->code;
	guarded_replace(ret_all, uuid, guarded);
	return network_save_guarded(host, ret_all, err) < 0 ? -err->code : 1;
}

int network_admit(const struct network_host *host, const char *uuid, struct guarded_list *guarded,
		  const struct published_list *ports, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err), lock = -1;
	auto_published struct published_list all = PUBLISHED_EMPTY, before = PUBLISHED_EMPTY;
	auto_guarded struct guarded_list links = GUARDED_EMPTY;
	auto_free char *links_before = NULL;
	struct error ignored = ERROR_NONE;
	int r, changed;

	lock = dirfd < 0 ? dirfd : network_lock_in(dirfd, err);
	if (lock < 0)
		return lock;
	published_load(dirfd, &all);
	ports_of(&all, uuid, &before);
	if (published_check(ports, &all, err) < 0)
		return -err->code;
	r = changed = record_guarded(host, uuid, guarded, &links_before, &links, err);
	if (r >= 0)
		r = published_save(dirfd, uuid, ports, err);
	if (r == 0 && (!changed || guarded->n == 0) && rules_are_there(guarded))
		return 0;
	if (r >= 0)
		r = network_settle(host, dirfd, ports->n > 0, changed ? &links : NULL, err);
	if (r == 0)
		return 0;
	/* what cannot be is not recorded either */
	published_save(dirfd, uuid, &before, &ignored);
	if (changed > 0)
		network_write_guarded(host, links_before, &ignored);
	return r;
}

int network_guarded(const struct network_host *host, const char *uuid, struct guarded_list *ret, struct error *err)
{
	return network_load_guarded_of(host, uuid, ret, err);
}

int network_leave(const struct network_host *host, const char *uuid, struct error *err)
{
	const struct published_list nothing = PUBLISHED_EMPTY;
	struct error missing = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, false, &missing), lock = -1;
	struct network_bridge bridge;
	int r;

	if (dirfd < 0)
		return 0;
	lock = network_lock_in(dirfd, err);
	if (lock == -EPROTO) {	/* a newer sysct's bridge: we have given it nothing there */
		*err = (struct error)ERROR_NONE;
		return 0;
	}
	if (lock < 0)
		return lock;
	r = published_save(dirfd, uuid, &nothing, err);
	/* a bridge that is gone took its packets along; its rules go with the next start or the last container */
	if (r <= 0 || !network_load_old(dirfd, &bridge) || network_is_gone(&bridge))
		return r < 0 ? r : 0;
	return network_settle(host, dirfd, false, NULL, err);
}

int network_forget(const struct network_host *host, const char *uuid, struct error *err)
{
	auto_guarded struct guarded_list all = GUARDED_EMPTY, none = GUARDED_EMPTY;
	auto_close int lock = network_lock(host, err);
	int r = lock < 0 ? lock : network_load_guarded(host, &all, err);

	if (r == 0 && guarded_replace(&all, uuid, &none))
		r = network_save_guarded(host, &all, err);
	return r;
}
