/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is recorded of the shared network, and the rules that follow from all of it. */
#include "store/network_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/net_sysctl.h"
#include "os/process.h"

void network_view_done(struct network_view *view)
{
	free(view->table);
	free(view->subnet4);
	free(view->subnet6);
	published_clear(&view->published);
	guarded_clear(&view->guarded);
	free(view->guard);
}

/* Where sysct 0.1.0 kept the entries. Descriptor, -1: nothing is there. */
static int open_former(const struct network_host *host, int *ret, struct error *err)
{
	*ret = open(host->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open directory %s", host->state_dir);
	if (!guarded_exists(*ret))
		close_fd(ret);
	return 0;
}

static int read_here(const struct network_host *host, char **ret, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, false, err);
	int r;

	*ret = NULL;
	if (dirfd < 0 && err->code != ENOENT)
		return -err->code;
	if (dirfd < 0) {
		*err = (struct error)ERROR_NONE;
		return 0;
	}
	r = guarded_read(dirfd, ret, err);
	return r < 0 ? error_hint(err, "it is in %s/.host, beside the names and locks of all containers", host->run_dir) : r;
}

/* Without them a link is not held to anything: so what cannot be read is an error. Whoever moves them from where they were writes
 * first and removes then, and so whoever finds neither looks here once more. */
int network_read_guarded(const struct network_host *host, char **ret, struct error *err)
{
	auto_close int former = -1;
	int r = read_here(host, ret, err);

	if (r == 1)
		return 0;
	free(take_ptr(ret));
	if (r < 0 || open_former(host, &former, err) < 0)
		return -err->code;
	r = former < 0 ? read_here(host, ret, err) : guarded_read(former, ret, err);
	if (r >= 0 && !*ret)
		*ret = xstrdup("");
	return r < 0 ? r : 0;
}

/* Has an older sysct put the rules in place, and could be put back? */
static bool rules_are_older(int dirfd)
{
	auto_record struct record record = RECORD_EMPTY;

	return firewall_applied(dirfd) && (!network_read_record(dirfd, &record) ||
					   record_get_u64(&record, "version", 1) < NETWORK_MADE_VERSION);
}

/* They stay where they were while the rules do: an older sysct that is put back finds them. */
int network_write_guarded(const struct network_host *host, const char *text, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err), former = -1;

	if (dirfd < 0 || open_former(host, &former, err) < 0)
		return -err->code;
	if (former >= 0 && !guarded_exists(dirfd) && rules_are_older(dirfd))
		return guarded_write(former, text, err);
	if (!*text && former >= 0 && guarded_write(former, "", err) < 0)
		return -err->code;
	if (guarded_write(dirfd, text, err) < 0)
		return -err->code;
	return former >= 0 && *text ? guarded_write(former, "", err) : 0;
}

int network_parse_guarded(const struct network_host *host, const char *text, const char *uuid, struct guarded_list *ret,
			  struct error *err)
{
	if (guarded_parse_of(text, uuid, ret) == 0)
		return 0;
	fail(err, EINVAL, "read what links are held to: the file \"guard\" in %s/.host, or else in %s, is damaged", host->run_dir,
	     host->state_dir);
	return error_hint(err, "stop all containers and remove it: each start writes its own lines anew");
}

int network_load_guarded_of(const struct network_host *host, const char *uuid, struct guarded_list *ret, struct error *err)
{
	auto_free char *text = NULL;

	*ret = (struct guarded_list)GUARDED_EMPTY;
	return network_read_guarded(host, &text, err) < 0 ? -err->code : network_parse_guarded(host, text, uuid, ret, err);
}

int network_load_guarded(const struct network_host *host, struct guarded_list *ret, struct error *err)
{
	return network_load_guarded_of(host, NULL, ret, err);
}

int network_save_guarded(const struct network_host *host, const struct guarded_list *list, struct error *err)
{
	auto_free char *text = guarded_format(list);

	return network_write_guarded(host, text, err);
}

/* A hash of what the rules are made of: the entries as they are recorded, and how this sysct writes rules, of which all that an
 * entry can say is a sample. So rules that another version has written are made anew. */
static uint64_t hash_sources(const struct network_view *view)
{
	static const char uuid[] = "00000000-0000-4000-8000-000000000001";
	char *addresses[] = { (char *)(uintptr_t)"192.0.2.2", (char *)(uintptr_t)"2001:db8::2" };
	struct guarded sample[16];
	const struct guarded_list list = { sample, ARRAY_SIZE(sample) };
	struct network_rules rules = view->rules;
	auto_free char *text = NULL, *whole = NULL;
	uint64_t hash;

	for (size_t i = 0; i < list.n; i++) {
		sample[i] = (struct guarded){ .group = (uint32_t)i + 1, .link = (char *)(uintptr_t)"eth0",
					      .bridge = i & 1 ? (char *)(uintptr_t)"br0" : NULL, .open = i & 2,
					      .isolated = i & 4, .host_access = i & 8 };
		snprintf(sample[i].hwaddr, sizeof(sample[i].hwaddr), "02:00:00:00:00:%02zx", i);
		memcpy(sample[i].uuid, uuid, sizeof(uuid));
		if (i)
			sample[i].addresses = (struct strings){ .items = addresses, .n = ARRAY_SIZE(addresses) };
	}
	rules.guarded = &list;
	text = network_ruleset(&rules);
	whole = xasprintf("%s%s", text, view->guard);
	hash = hash_text(whole);
	return hash ? hash : 1;
}

int network_view_guarded(struct network_view *view, struct error *err)
{
	if (!view->guard)
		return 0;
	if (network_parse_guarded(view->host, view->guard, NULL, &view->guarded, err) < 0)
		return -err->code;
	free(take_ptr(&view->guard));
	return 0;
}

bool network_rules_are(int dirfd, struct network_view *view)
{
	struct error ignored = ERROR_NONE;

	return firewall_current_of(dirfd, view->table, view->rules.made_of) ||
	       (network_view_guarded(view, &ignored) == 0 && firewall_current(dirfd, &view->rules));
}

int network_view_make(const struct network_host *host, int dirfd, const struct network_bridge *bridge,
		      struct network_view *view, struct error *err)
{
	struct in_addr mask;
	bool ipv6;

	view->host = host;
	view->table = network_table_name(host);
	published_load(dirfd, &view->published);
	view->rules = (struct network_rules){ .table = view->table,
					      .published = &view->published,
					      .guarded = &view->guarded };
	if (network_read_guarded(host, &view->guard, err) < 0)
		return -err->code;
	if (!bridge) {
		view->rules.made_of = hash_sources(view);
		return 0;
	}
	ipv6 = bridge->subnet6.prefix;
	mask.s_addr = htonl(UINT32_MAX << (32 - bridge->subnet4.prefix));
	view->subnet4 = subnet4_text(&bridge->subnet4);
	view->subnet6 = ipv6 ? subnet6_text(&bridge->subnet6) : NULL;
	subnet4_host(&bridge->subnet4, 0, view->network4);
	inet_ntop(AF_INET, &mask, view->netmask4, sizeof(view->netmask4));
	view->rules.bridge = bridge->name;
	view->rules.subnet4 = view->subnet4;
	view->rules.subnet6 = view->subnet6;
	/* the table's name has the installation's suffix, and so has the mark */
	view->foreign = (struct foreign){ bridge->name, view->table, view->table };
	view->dns = (struct dns_service){ .bridge = bridge->name,
					  .index = bridge->index,
					  .gateway4 = bridge->gateway4,
					  .gateway6 = ipv6 ? bridge->gateway6 : NULL,
					  .network4 = view->network4,
					  .netmask4 = view->netmask4,
					  .mtu = bridge->mtu };
	view->rules.made_of = hash_sources(view);
	return 0;
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

/* What was made in this boot, whatever is asked for now. */
static bool read_made(const struct record *record, struct network_bridge *bridge)
{
	const char *boot, *name, *subnet4, *subnet6, *hwaddr;
	char boot_now[UUID_LEN + 1];

	boot = record_get(record, "boot");
	name = record_get(record, "bridge");
	subnet4 = record_get(record, "subnet");
	subnet6 = record_get(record, "subnet6");
	if (!boot || !name || !subnet4 || strlen(name) >= sizeof(bridge->name) || boot_id_read(boot_now) < 0 ||
	    strcmp(boot, boot_now) != 0)
		return false;
	if (subnet4_parse(subnet4, &bridge->subnet4) < 0 ||
	    (subnet6 && subnet6_parse(subnet6, &bridge->subnet6) < 0))
		return false;
	memcpy(bridge->name, name, strlen(name) + 1);
	bridge->index = (int)record_get_u64(record, "index", 0);
	bridge->mtu = (uint32_t)record_get_u64(record, "mtu", 1500);
	hwaddr = record_get(record, "hwaddr");
	if (hwaddr)
		hwaddr_parse(hwaddr, bridge->hwaddr);
	network_fill_gateways(bridge);
	return true;
}

bool network_load_made(const struct network_host *host, int dirfd, struct network_bridge *bridge)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *asked = asked_for(host);
	const char *asked_then;

	memset(bridge, 0, sizeof(*bridge));
	if (!network_read_record(dirfd, &record))
		return false;
	asked_then = record_get(&record, "asked");
	return asked_then && strcmp(asked, asked_then) == 0 && read_made(&record, bridge);
}

bool network_load_old(int dirfd, struct network_bridge *bridge)
{
	auto_record struct record record = RECORD_EMPTY;

	memset(bridge, 0, sizeof(*bridge));
	return network_read_record(dirfd, &record) && read_made(&record, bridge);
}

int network_save_made(const struct network_host *host, int dirfd,
		     const struct network_bridge *bridge, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *asked = asked_for(host);
	auto_free char *subnet4 = subnet4_text(&bridge->subnet4);
	auto_free char *subnet6 = bridge->subnet6.prefix ? subnet6_text(&bridge->subnet6) : NULL;
	const uint8_t *mac = bridge->hwaddr;
	char boot[UUID_LEN + 1] = "";

	boot_id_read(boot);
	record_setf(&record, "version", "%d", NETWORK_MADE_VERSION);
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

bool network_loopback_route_is(const struct network_bridge *bridge, bool on)
{
	auto_free char *name = xasprintf("ipv4/conf/%s/route_localnet", bridge->name);
	char value[8];

	return net_sysctl_get(name, value, sizeof(value)) == 0 && strcmp(value, on ? "1" : "0") == 0;
}

int network_apply_rules(int dirfd, const struct network_bridge *bridge, struct network_view *view, struct error *err)
{
	bool published = bridge && view->published.n > 0;
	struct error ignored = ERROR_NONE;
	uint32_t before = 0;
	int r = network_view_guarded(view, err);

	if (r == 0 && !published && bridge)
		r = set_loopback_route(bridge, false, err);
	netlink_nft_generation(&before);
	if (r == 0)
		r = firewall_apply(dirfd, &view->rules, err);
	if (r == 1 && bridge)
		foreign_carry(dirfd, &view->foreign, before, &ignored); /* else the next start looks again */
	if (r >= 0 && published)
		r = set_loopback_route(bridge, true, err);
	return r < 0 ? r : 0;
}

int network_shrink_rules(const struct network_host *host, int dirfd, struct error *err)
{
	auto_network_view struct network_view view = { .table = NULL };
	int r = network_view_make(host, dirfd, NULL, &view, err);

	if (r < 0 || network_view_guarded(&view, err) < 0)
		return -err->code;
	for (size_t i = 0; i < view.guarded.n; i++)
		if (view.guarded.items[i].bridge)
			return network_apply_rules(dirfd, NULL, &view, err);
	return firewall_remove(dirfd, view.table, err);
}

bool network_is_gone(const struct network_bridge *bridge)
{
	unsigned char gateway[4];

	return inet_pton(AF_INET, bridge->gateway4, gateway) != 1 || !address_is_local(AF_INET, gateway);
}

int network_settle(const struct network_host *host, int dirfd, bool needs_bridge, struct guarded_list *links, struct error *err)
{
	auto_network_view struct network_view view = { .table = NULL };
	struct network_bridge bridge;
	bool own = network_load_old(dirfd, &bridge);
	int r;

	if (!own && needs_bridge)
		return fail(err, ENODEV, "publish ports: the bridge is gone");
	if (!own)
		return network_shrink_rules(host, dirfd, err);
	r = network_view_make(host, dirfd, &bridge, &view, err);
	if (r == 0 && links) {
		view.guarded = *links;
		*links = (struct guarded_list)GUARDED_EMPTY;
		free(take_ptr(&view.guard));
	}
	return r < 0 ? r : network_apply_rules(dirfd, &bridge, &view, err);
}
