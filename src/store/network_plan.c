/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/network_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/lock.h"
#include "os/net_sysctl.h"
#include "store/dns.h"

#define HOST_DIR ".host"
#define LOCK_FILE "network.lock"
#define LOCK_MS 20000
#define RECORD_MAX 65536
#define DEFAULT_BRIDGE "sysct0"

/* --- names and files --- */

int network_bridge_name(const struct network_host *host, char name[LINK_NAME_ROOM],
			struct error *err)
{
	const char *wanted =
		host->config && host->config->bridge ? host->config->bridge : DEFAULT_BRIDGE;
	int n = snprintf(name, LINK_NAME_ROOM, "%s%s", wanted, host->suffix);

	if (n <= 0 || n >= LINK_NAME_ROOM || strpbrk(name, "/: \t\"") || *name == '.') {
		fail_status(err, STATUS_USAGE,
			    "name the bridge \"%s%s\": not a link name of at most 15 letters",
			    wanted, host->suffix);
		return error_hint(err, "set [host] bridge in /etc/sysct/sysct.conf");
	}
	return 0;
}

char *network_bridge_alias(const struct network_host *host)
{
	return xasprintf(NETWORK_ALIAS "bridge%s", host->suffix);
}

char *network_table_name(const struct network_host *host)
{
	return xasprintf("sysct%s", host->suffix);
}

/* RUN_DIR/.host; made when create. -ENOENT otherwise. */
int network_open_dir(const struct network_host *host, bool create, struct error *err)
{
	auto_free char *path = xasprintf("%s/" HOST_DIR, host->run_dir);
	int fd, r = create ? make_dirs(path, 0711) : 0;

	if (r < 0)
		return fail(err, -r, "make directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open directory %s", path) : fd;
}

int network_lock_in(int dirfd, struct error *err)
{
	const struct lock_wish wish = { .dirfd = dirfd, .path = LOCK_FILE, .wait_ms = LOCK_MS,
					.what = "the network", .status = STATUS_TIMEOUT };
	auto_record struct record record = RECORD_EMPTY;
	int fd = lock_take(&wish, err);

	if (fd < 0)
		return fd;
	/* who has the lock may change what is there */
	if (network_read_record(dirfd, &record) &&
	    record_check_version(&record, "version", NETWORK_MADE_VERSION, "what is known of the bridge", err) < 0) {
		close(fd);
		return -err->code;
	}
	return fd;
}

bool network_read_record(int dirfd, struct record *record)
{
	auto_free char *text = NULL;
	size_t len;

	return read_file_at(dirfd, NETWORK_RECORD, RECORD_MAX, &text, &len) == 0 &&
	       record_parse(record, text, len) == 0;
}

int network_write_record(int dirfd, const struct record *record, bool durable, struct error *err)
{
	auto_free char *text = record_format(record);

	return replace_file_at(dirfd, NETWORK_RECORD, text, strlen(text), 0600, durable, err);
}

void network_fill_gateways(struct network_bridge *bridge)
{
	subnet4_host(&bridge->subnet4, 1, bridge->gateway4);
	bridge->gateway6[0] = '\0';
	if (bridge->subnet6.prefix)
		subnet6_host(&bridge->subnet6, 1, bridge->gateway6);
}

/* --- the choice of subnets --- */

/* What may not overlap: every route of the host but the bridge's own, and the resolvers, which are
 * often reached by the default route. */
static int list_taken(struct netlink *netlink, int bridge_index, struct subnet4 **ret,
		      struct error *err)
{
	auto_free struct route_info *routes = NULL;
	auto_strings struct strings resolvers = STRINGS_EMPTY;
	int n = netlink_routes(netlink, AF_INET, &routes, err), count = 0;
	struct subnet4 *taken;

	if (n < 0)
		return n;
	dns_upstreams(&resolvers);
	taken = xcalloc((size_t)n + resolvers.n + 1, sizeof(*taken));
	for (int i = 0; i < n; i++) {
		uint32_t address;

		if (bridge_index && routes[i].index == bridge_index)
			continue;
		memcpy(&address, routes[i].destination, sizeof(address));
		taken[count++] = (struct subnet4){ ntohl(address), routes[i].prefix };
	}
	for (size_t i = 0; i < resolvers.n; i++) {
		struct in_addr in;

		if (inet_pton(AF_INET, resolvers.items[i], &in) == 1)
			taken[count++] = (struct subnet4){ ntohl(in.s_addr), 32 };
	}
	*ret = taken;
	return count;
}

static int given_subnet4(const char *text, const struct subnet4 *taken, int n, struct subnet4 *ret,
			 struct error *err)
{
	auto_free char *other = NULL;
	const struct subnet4 *hit;

	if (subnet4_parse(text, ret) < 0 || ret->prefix < 8 || ret->prefix > 29) {
		fail_status(err, STATUS_USAGE, "read [host] subnet \"%s\": not an IPv4 network",
			    text);
		return error_hint(
			err, "such as 10.0.3.0/24, or auto; a prefix of 8 to 29, no host bits");
	}
	hit = subnet4_find_overlap(ret, taken, (size_t)n);
	if (!hit)
		return 0;
	other = subnet4_text(hit);
	fail_status(err, STATUS_USAGE, "use [host] subnet %s: the host has a route to %s", text,
		    other);
	return error_hint(err, "set subnet = auto in /etc/sysct/sysct.conf, or another network");
}

static int choose_subnet4(const struct network_host *host, const char *kept,
			  const struct subnet4 *taken, int n, struct subnet4 *ret,
			  struct error *err)
{
	const char *wanted = host->config ? host->config->subnet : NULL;
	uint32_t seed = 0;

	if (wanted && strcmp(wanted, "auto") != 0)
		return given_subnet4(wanted, taken, n, ret, err);
	/* Since the choice a VPN may have come up over it: rather new addresses than none that
	 * work. */
	if (kept && subnet4_parse(kept, ret) == 0 && ret->prefix >= 8 && ret->prefix <= 29 &&
	    !subnet4_find_overlap(ret, taken, (size_t)n))
		return 0;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return fail(err, errno, "get random numbers");
	if (subnet4_choose(seed, taken, (size_t)n, ret) < 0) {
		fail(err, 0,
		     "choose a subnet: every private IPv4 network overlaps a route of the host");
		return error_hint(err,
				  "give one in /etc/sysct/sysct.conf: [host] subnet = 10.0.3.0/24");
	}
	return 0;
}

static int choose_subnet6(const struct network_host *host, const char *kept, struct subnet6 *ret,
			  struct error *err)
{
	const char *wanted = host->config ? host->config->subnet6 : NULL;
	unsigned char random[5];
	char disabled[8];

	*ret = (struct subnet6){ .prefix = 0 };
	if (wanted && strcmp(wanted, "none") == 0)
		return 0;
	if (wanted && strcmp(wanted, "auto") != 0) {
		if (subnet6_parse(wanted, ret) == 0 && ret->prefix >= 48 && ret->prefix <= 112)
			return 0;
		fail_status(err, STATUS_USAGE, "read [host] subnet6 \"%s\": not an IPv6 network",
			    wanted);
		return error_hint(err,
				  "such as fd00:1:2::/64, or auto, or none; a prefix of 48 to 112");
	}
	if (net_sysctl_get("ipv6/conf/all/disable_ipv6", disabled, sizeof(disabled)) < 0 ||
	    strcmp(disabled, "0") != 0)
		return 0;
	if (kept && subnet6_parse(kept, ret) == 0 && ret->prefix == 64)
		return 0;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail(err, errno, "get random numbers");
	subnet6_ula(random, ret);
	return 0;
}

/* A container has the same number in both. */
static int check_room(const struct network_bridge *bridge, struct error *err)
{
	auto_free char *v4 = NULL, *v6 = NULL;

	if (!bridge->subnet6.prefix || 128 - bridge->subnet6.prefix >= 32 - bridge->subnet4.prefix)
		return 0;
	v4 = subnet4_text(&bridge->subnet4);
	v6 = subnet6_text(&bridge->subnet6);
	fail_status(err, STATUS_USAGE, "use [host] subnet6 %s: it has fewer addresses than subnet %s", v6, v4);
	return error_hint(err, "give it a shorter prefix, such as 64, or subnet a longer one");
}

static int open_state_dir(const struct network_host *host, struct error *err)
{
	int r = make_dirs(host->state_dir, 0711), fd;

	if (r < 0)
		return fail(err, -r, "make directory %s", host->state_dir);
	fd = open(host->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open directory %s", host->state_dir) : fd;
}

/* A MAC of its own, kept: the gateway's neighbours entries in the boxes stay true over a new
 * bridge. */
static void choose_hwaddr(struct record *record, uint8_t ret[HWADDR_BYTES])
{
	const char *kept = record_get(record, "hwaddr");
	char random[UUID_LEN + 1], text[HWADDR_TEXT];

	if (kept && hwaddr_parse(kept, ret) == 0)
		return;
	uuid_make(random);
	hwaddr_from_uuid(random, text);
	hwaddr_parse(text, ret);
	record_set(record, "hwaddr", text);
}

int network_plan_locked(const struct network_host *host, struct netlink *netlink,
			struct network_bridge *ret, struct error *err)
{
	auto_free struct subnet4 *taken = NULL;
	auto_free char *before = NULL, *after = NULL, *path = NULL;
	auto_free char *subnet4 = NULL, *subnet6 = NULL;
	auto_record struct record record = RECORD_EMPTY;
	auto_close int dirfd = -1;
	int n, r;

	memset(ret, 0, sizeof(*ret));
	r = network_bridge_name(host, ret->name, err);
	if (r == 0)
		r = dirfd = open_state_dir(host, err);
	if (r < 0)
		return r;
	network_read_record(dirfd, &record);
	path = xasprintf("%s/" NETWORK_RECORD, host->state_dir);
	if (record_check_version(&record, "version", NETWORK_VERSION, path, err) < 0)
		return -err->code;
	before = record_format(&record);
	n = list_taken(netlink, netlink_link_index(netlink, ret->name), &taken, err);
	if (n < 0)
		return n;
	r = choose_subnet4(host, record_get(&record, "subnet"), taken, n, &ret->subnet4, err);
	if (r == 0)
		r = choose_subnet6(host, record_get(&record, "subnet6"), &ret->subnet6, err);
	if (r == 0)
		r = check_room(ret, err);
	if (r < 0)
		return r;
	network_fill_gateways(ret);
	choose_hwaddr(&record, ret->hwaddr);
	subnet4 = subnet4_text(&ret->subnet4);
	record_setf(&record, "version", "%d", NETWORK_VERSION);
	record_set(&record, "subnet", subnet4);
	if (ret->subnet6.prefix) { /* else a kept one stays for the day IPv6 is switched on again */
		subnet6 = subnet6_text(&ret->subnet6);
		record_set(&record, "subnet6", subnet6);
	}
	after = record_format(&record);
	return strcmp(before, after) ? network_write_record(dirfd, &record, true, err) : 0;
}
