/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/process.h"
#include "store/dns.h"
#include "store/firewall.h"
#include "store/foreign.h"
#include "store/network_parts.h"

#define RESOLV_CONF_MAX 65536

int network_lock(const struct network_host *host, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	return dirfd < 0 ? dirfd : network_lock_in(dirfd, err);
}

int network_plan(const struct network_host *host, struct netlink *netlink,
		 struct network_bridge *ret, struct error *err)
{
	auto_close int lock = network_lock(host, err);

	return lock < 0 ? lock : network_plan_locked(host, netlink, ret, err);
}

/* --- the whole --- */

/* A bridge's values as the rooms to the right of it want them: texts that live as long as this
 * does. */
struct view {
	struct network_rules rules;
	struct dns_service dns;
	struct foreign foreign;
	struct published_list published;
	char *table, *subnet4, *subnet6;
	char network4[INET_ADDRSTRLEN], netmask4[INET_ADDRSTRLEN];
};

static void view_done(struct view *view)
{
	free(view->table);
	free(view->subnet4);
	free(view->subnet6);
	published_clear(&view->published);
}
#define auto_view __attribute__((cleanup(view_done)))

static void view_make(const struct network_host *host, int dirfd, const struct network_bridge *bridge,
		      struct view *view)
{
	struct in_addr mask = { .s_addr = htonl(UINT32_MAX << (32 - bridge->subnet4.prefix)) };
	bool ipv6 = bridge->subnet6.prefix;

	view->table = network_table_name(host);
	view->subnet4 = subnet4_text(&bridge->subnet4);
	view->subnet6 = ipv6 ? subnet6_text(&bridge->subnet6) : NULL;
	subnet4_host(&bridge->subnet4, 0, view->network4);
	inet_ntop(AF_INET, &mask, view->netmask4, sizeof(view->netmask4));
	published_load(dirfd, &view->published);
	view->rules = (struct network_rules){ view->table, bridge->name, view->subnet4, view->subnet6,
					      &view->published };
	/* the table's name has the installation's suffix, and so has the mark */
	view->foreign = (struct foreign){ bridge->name, view->table, view->table };
	view->dns = (struct dns_service){ .bridge = bridge->name,
					  .index = bridge->index,
					  .gateway4 = bridge->gateway4,
					  .gateway6 = ipv6 ? bridge->gateway6 : NULL,
					  .network4 = view->network4,
					  .netmask4 = view->netmask4,
					  .mtu = bridge->mtu };
}

/* What the configuration asked for when the record was written: another one now means to look
 * again. */
static char *asked_for(const struct network_host *host)
{
	const struct host_config *config = host->config;

	return xasprintf("%s %s %s", config && config->bridge ? config->bridge : "-",
			 config && config->subnet ? config->subnet : "auto",
			 config && config->subnet6 ? config->subnet6 : "auto");
}

static bool load_made(const struct network_host *host, int dirfd, struct network_bridge *bridge)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *asked = asked_for(host);
	const char *boot, *name, *subnet4, *subnet6, *hwaddr, *asked_then;
	char boot_now[UUID_LEN + 1];

	memset(bridge, 0, sizeof(*bridge));
	if (!network_read_record(dirfd, &record))
		return false;
	boot = record_get(&record, "boot");
	name = record_get(&record, "bridge");
	subnet4 = record_get(&record, "subnet");
	subnet6 = record_get(&record, "subnet6");
	asked_then = record_get(&record, "asked");
	if (!boot || !name || !subnet4 || !asked_then || strlen(name) >= sizeof(bridge->name) ||
	    boot_id_read(boot_now) < 0 || strcmp(boot, boot_now) != 0) {
		return false;
	}
	if (strcmp(asked, asked_then) != 0 || subnet4_parse(subnet4, &bridge->subnet4) < 0 ||
	    (subnet6 && subnet6_parse(subnet6, &bridge->subnet6) < 0))
		return false;
	memcpy(bridge->name, name, strlen(name) + 1);
	bridge->index = (int)record_get_u64(&record, "index", 0);
	bridge->mtu = (uint32_t)record_get_u64(&record, "mtu", 1500);
	hwaddr = record_get(&record, "hwaddr");
	if (hwaddr)
		hwaddr_parse(hwaddr, bridge->hwaddr);
	network_fill_gateways(bridge);
	return true;
}

static int save_made(const struct network_host *host, int dirfd,
		     const struct network_bridge *bridge, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *asked = asked_for(host);
	auto_free char *subnet4 = subnet4_text(&bridge->subnet4);
	auto_free char *subnet6 = bridge->subnet6.prefix ? subnet6_text(&bridge->subnet6) : NULL;
	const uint8_t *mac = bridge->hwaddr;
	char boot[UUID_LEN + 1] = "";

	boot_id_read(boot);
	record_set(&record, "version", "1");
	record_set(&record, "boot", boot);
	record_set(&record, "asked", asked);
	record_set(&record, "bridge", bridge->name);
	record_setf(&record, "index", "%d", bridge->index);
	record_setf(&record, "mtu", "%u", bridge->mtu);
	record_setf(&record, "hwaddr", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		    mac[3], mac[4], mac[5]);
	record_set(&record, "subnet", subnet4);
	record_set(&record, "subnet6", subnet6);
	return network_write_record(dirfd, &record, false, err);
}

/* The host's own connections to a published port may begin at 127.0.0.1; the kernel sends and takes such packets on a
 * link only when told to. The rules that keep boxes from using it are in place by then. */
static int set_loopback_route(const struct network_bridge *bridge, bool on, struct error *err)
{
	auto_free char *name = xasprintf("ipv4/conf/%s/route_localnet", bridge->name);
	int r = net_sysctl_set(name, on ? "1" : "0");

	return r < 0 ? fail(err, -r, "set net/%s", name) : 0;
}

static bool loopback_route_is(const struct network_bridge *bridge, bool on)
{
	auto_free char *name = xasprintf("ipv4/conf/%s/route_localnet", bridge->name);
	char value[8];

	return net_sysctl_get(name, value, sizeof(value)) == 0 && strcmp(value, on ? "1" : "0") == 0;
}

/* The table, with the ports as they are recorded. */
static int apply_rules(int dirfd, const struct network_bridge *bridge, const struct view *view, struct error *err)
{
	bool published = view->published.n > 0;
	int r = published ? 0 : set_loopback_route(bridge, false, err);

	if (r == 0)
		r = firewall_apply(dirfd, &view->rules, err);
	if (r >= 0 && published)
		r = set_loopback_route(bridge, true, err);
	return r < 0 ? r : 0;
}

/* Whether all is there. Nothing here waits for the lock that link changes hold in the kernel: a
 * start elsewhere that deletes a link holds it for milliseconds. */
static bool all_there(const struct network_host *host, struct netlink *netlink, int dirfd,
		      struct network_bridge *bridge)
{
	auto_view struct view view = { .table = NULL };
	unsigned char gateway[16];
	char forward[8];

	if (!load_made(host, dirfd, bridge) || !bridge->index ||
	    netlink_link_index(netlink, bridge->name) != bridge->index ||
	    !netlink_link_is_up(netlink, bridge->name))
		return false;
	inet_pton(AF_INET, bridge->gateway4, gateway);
	if (!address_is_local(AF_INET, gateway))
		return false;
	if (bridge->subnet6.prefix && (inet_pton(AF_INET6, bridge->gateway6, gateway) != 1 ||
				       !address_is_local(AF_INET6, gateway)))
		return false;
	if (net_sysctl_get("ipv4/ip_forward", forward, sizeof(forward)) < 0 ||
	    strcmp(forward, "1") != 0)
		return false;
	view_make(host, dirfd, bridge, &view);
	return firewall_current(dirfd, &view.rules) && loopback_route_is(bridge, view.published.n > 0) &&
	       dns_current(dirfd, &view.dns, &bridge->dns);
}

/* Whether nobody has changed the host's other firewalls since they were looked at. */
static bool foreign_looked_at(const struct network_host *host, int dirfd, const struct network_bridge *bridge)
{
	auto_free char *table = network_table_name(host);
	const struct foreign foreign = { bridge->name, table, table };

	return foreign_current(dirfd, &foreign);
}

/* No start fails for another firewall's sake: where it cannot be changed the note says so. */
static void pass_foreign(const struct network_host *host, int dirfd, struct network_bridge *bridge)
{
	auto_free char *table = network_table_name(host);
	const struct foreign foreign = { bridge->name, table, table };
	struct error refused = ERROR_NONE;

	if (foreign_let_through(dirfd, &foreign, &refused) < 0 && !bridge->note[0])
		snprintf(bridge->note, sizeof(bridge->note), "let %s through the host's other firewalls: %.*s",
			 bridge->name, 160, refused.message);
}

static bool address_is_gone(const struct network_bridge *bridge)
{
	unsigned char gateway[4];

	return inet_pton(AF_INET, bridge->gateway4, gateway) != 1 || !address_is_local(AF_INET, gateway);
}

static int address_bridge(struct netlink *netlink, const struct network_bridge *bridge,
			  struct error *err)
{
	unsigned char gateway4[4], gateway6[16];
	int r;

	inet_pton(AF_INET, bridge->gateway4, gateway4);
	r = netlink_address_add(netlink, bridge->index, AF_INET, gateway4, bridge->subnet4.prefix,
				err);
	if (r == 0 && bridge->subnet6.prefix) {
		inet_pton(AF_INET6, bridge->gateway6, gateway6);
		r = netlink_address_add(netlink, bridge->index, AF_INET6, gateway6,
					bridge->subnet6.prefix, err);
	}
	if (r == 0)
		r = netlink_link_set_up(netlink, bridge->index, true, err);
	return r;
}

static void serve_names(int dirfd, const struct view *view, struct network_bridge *bridge)
{
	struct error refused = ERROR_NONE;
	int r = dns_ensure(dirfd, &view->dns, &refused);

	bridge->dns = r == 1;
	if (r < 0)
		snprintf(bridge->note, sizeof(bridge->note), "%.*s", (int)sizeof(bridge->note) - 1,
			 refused.message);
}

static int take_down(const struct network_host *host, struct netlink *netlink, int dirfd,
		     const char *bridge, struct error *err);

/* The bridge that was made last, also when the configuration names another one by now: 1 and its name, 0: there is
 * none. */
static int made_bridge(const struct network_host *host, struct netlink *netlink, int dirfd, struct link_info *ret,
		       struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *alias = network_bridge_alias(host);
	const char *name = network_read_record(dirfd, &record) ? record_get(&record, "bridge") : NULL;
	int r = text_empty(name) ? 0 : netlink_link_get(netlink, name, ret, err);

	return r <= 0 ? r : strcmp(ret->alias, alias) == 0;
}

/* One of another name has to go first: both would have the same addresses. */
static int leave_former(const struct network_host *host, struct netlink *netlink, int dirfd, const char *name,
			struct error *err)
{
	struct link_info former;
	int r = made_bridge(host, netlink, dirfd, &former, err), ports;

	if (r <= 0 || strcmp(former.name, name) == 0)
		return r < 0 ? r : 0;
	ports = netlink_port_count(netlink, former.index, err);
	if (ports <= 0)
		return ports < 0 ? ports : take_down(host, netlink, dirfd, former.name, err);
	fail_status(err, STATUS_STATE, "make bridge \"%s\": %d running containers are on \"%s\", which it was before",
		    name, ports, former.name);
	return error_hint(err, "stop them all, then start them again");
}

/* From the bridge to the names, each step idempotent. */
static int make_all(const struct network_host *host, struct netlink *netlink, int dirfd,
		    struct network_bridge *bridge, bool *created, struct error *err)
{
	auto_view struct view view = { .table = NULL };
	char name[LINK_NAME_ROOM];
	int r = network_bridge_name(host, name, err);

	if (r == 0)
		r = leave_former(host, netlink, dirfd, name, err);
	if (r == 0)
		r = network_plan_locked(host, netlink, bridge, err);
	if (r == 0)
		r = network_have_bridge(host, netlink, bridge, created, err);
	if (r == 0)
		r = network_forwarding_on(bridge->subnet6.prefix, err);
	if (r == 0)
		r = address_bridge(netlink, bridge, err);
	if (r == 0)
		r = save_made(host, dirfd, bridge, err);
	if (r < 0)
		return r;
	view_make(host, dirfd, bridge, &view);
	r = apply_rules(dirfd, bridge, &view, err);
	if (r < 0)
		return r;
	serve_names(dirfd, &view, bridge);
	pass_foreign(host, dirfd, bridge);
	return 0;
}

/* Everything of ours off the host. bridge: its name, or "" when there is none of ours. The lock is
 * held. */
static int take_down(const struct network_host *host, struct netlink *netlink, int dirfd,
		     const char *bridge, struct error *err)
{
	auto_free char *alias = network_bridge_alias(host), *table = network_table_name(host);
	auto_free char *name = NULL;
	struct foreign foreign = { .mark = table, .own_table = table };
	struct network_bridge made;
	int r = dns_stop(dirfd, err);

	/* the name that the rules were made for, also when the link itself is gone */
	name = xstrdup(!*bridge && load_made(host, dirfd, &made) ? made.name : bridge);
	foreign.bridge = name;
	if (r == 0)
		r = foreign_remove(dirfd, &foreign, err);
	if (r == 0)
		r = firewall_remove(dirfd, table, err);
	if (r == 0 && *bridge)
		r = netlink_link_delete(netlink, bridge, alias, err);
	if (r < 0)
		return r;
	network_restore_sysctls(netlink);
	unlinkat(dirfd, NETWORK_RECORD, 0);
	return 0;
}

int network_ensure(const struct network_host *host, struct netlink *netlink,
		   struct network_bridge *ret, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err), lock = -1;
	struct error ignored = ERROR_NONE;
	bool created = false;
	int r;

	if (dirfd < 0)
		return dirfd;
	if (all_there(host, netlink, dirfd, ret) && foreign_looked_at(host, dirfd, ret))
		return 0;
	lock = network_lock_in(dirfd, err);
	if (lock < 0)
		return lock;
	if (all_there(host, netlink, dirfd, ret)) { /* another start may just have made it */
		if (!foreign_looked_at(host, dirfd, ret))
			pass_foreign(host, dirfd, ret);
		return 0;
	}
	r = make_all(host, netlink, dirfd, ret, &created, err);
	if (r < 0 && created)
		take_down(host, netlink, dirfd, ret->name, &ignored);
	return r < 0 ? r : 1;
}

int network_mend(const struct network_host *host, struct error *err)
{
	struct error missing = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, false, &missing);
	auto_netlink struct netlink *netlink = NULL;
	struct network_bridge bridge;

	if (dirfd < 0 || dns_registered(dirfd) <= 0 || !load_made(host, dirfd, &bridge))
		return 0;
	netlink = netlink_open(err);
	if (!netlink)
		return -err->code;
	return all_there(host, netlink, dirfd, &bridge) ? 0 : network_ensure(host, netlink, &bridge, err);
}

/* --- published ports --- */

int network_publish(const struct network_host *host, const char *uuid, const struct published_list *own,
		    struct error *err)
{
	struct error missing = ERROR_NONE, ignored = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, own->n > 0, own->n ? err : &missing), lock = -1;
	auto_published struct published_list all = PUBLISHED_EMPTY, before = PUBLISHED_EMPTY;
	auto_view struct view view = { .table = NULL };
	struct network_bridge bridge;
	int r;

	if (dirfd < 0)
		return own->n ? dirfd : 0;
	lock = network_lock_in(dirfd, err);
	if (lock < 0)
		return lock;
	published_load(dirfd, &all);
	for (size_t i = 0; i < all.n; i++) {
		auto_free char *text = NULL;

		if (strcmp(all.items[i].uuid, uuid) != 0)
			continue;
		text = publish_format(&all.items[i].what);
		published_add(&before, uuid, all.items[i].box, text, all.items[i].v4, all.items[i].v6);
	}
	if (own->n == 0 && before.n == 0)
		return 0;
	r = published_check(own, &all, err);
	if (r == 0)
		r = published_save(dirfd, uuid, own, err);
	if (r < 0)
		return r;
	if (!load_made(host, dirfd, &bridge))
		return own->n ? fail(err, ENODEV, "publish ports: the bridge is gone") : 0;
	view_make(host, dirfd, &bridge, &view);
	/* a bridge that is gone took its packets along; its rules go with the next start or the last container */
	if (own->n == 0 && address_is_gone(&bridge))
		return 0;
	r = apply_rules(dirfd, &bridge, &view, err);
	if (r == 0)
		return 0;
	published_save(dirfd, uuid, &before, &ignored); /* what cannot be is not recorded either */
	return r;
}

static int forget_choice(const struct network_host *host, struct error *err)
{
	auto_free char *path = xasprintf("%s/" NETWORK_RECORD, host->state_dir);

	return unlink(path) < 0 && errno != ENOENT ? fail(err, errno, "remove %s", path) : 0;
}

int network_remove(const struct network_host *host, struct netlink *netlink, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, false, err), lock = -1;
	auto_free char *alias = network_bridge_alias(host);
	char name[LINK_NAME_ROOM];
	struct link_info info;
	int r;

	if (dirfd == -ENOENT)
		return 1;
	if (dirfd < 0)
		return dirfd;
	lock = network_lock_in(dirfd, err);
	r = lock < 0 ? lock : network_bridge_name(host, name, err);
	if (r == 0)
		r = dns_registered(dirfd);
	if (r != 0)
		return r < 0 ? (err->code ? r : fail(err, -r, "list the registered names")) : 0;
	r = made_bridge(host, netlink, dirfd, &info, err);
	if (r == 1)
		memcpy(name, info.name, sizeof(name));
	else if (r == 0)
		r = netlink_link_get(netlink, name, &info, err);
	if (r == 1 && strcmp(info.alias, alias) == 0) {
		r = netlink_port_count(netlink, info.index, err);
		if (r != 0)
			return r < 0 ? r : 0;
	} else if (r == 1) {
		name[0] = '\0'; /* somebody else's: not ours to delete */
	}
	if (r >= 0)
		r = take_down(host, netlink, dirfd, name, err);
	if (r == 0)
		r = dns_remove_files(dirfd, err);
	if (r == 0)
		r = forget_choice(host, err);
	return r < 0 ? r : 1;
}

/* --- one box --- */

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
	struct link_setup setup = { .name = link, .v4 = v4, .prefix4 = bridge->subnet4.prefix };

	if (inet_pton(AF_INET, lease->v4, v4) != 1)
		return fail(err, EINVAL, "read the address \"%s\"", lease->v4);
	if (bridge->subnet6.prefix && lease->v6[0]) {
		if (inet_pton(AF_INET6, lease->v6, v6) != 1)
			return fail(err, EINVAL, "read the address \"%s\"", lease->v6);
		setup.v6 = v6;
		setup.prefix6 = bridge->subnet6.prefix;
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

int network_register_link(const struct network_host *host, const char *uuid, const struct network_lease *lease,
			  struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	return dirfd < 0 ? dirfd : dns_register_link(dirfd, uuid, lease->hwaddr, lease->v4, err);
}

int network_unregister(const struct network_host *host, const char *uuid, struct error *err)
{
	struct error missing = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, false, &missing);

	return dirfd < 0 ? 0 : dns_unregister(dirfd, uuid, err);
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
