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
#include "base/log.h"
#include "os/net_sysctl.h"
#include "os/process.h"
#include "os/systemd.h"
#include "store/dns.h"
#include "store/firewall.h"
#include "store/foreign.h"
#include "store/network_parts.h"

#define SETTLE_MS 15000

int network_lock(const struct network_host *host, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, true, err);

	return dirfd < 0 ? dirfd : network_lock_in(dirfd, err);
}

/* --- the whole --- */

/* Whether all is there. Nothing here waits for the lock that link changes hold in the kernel: a
 * start elsewhere that deletes a link holds it for milliseconds. */
static bool all_there(const struct network_host *host, struct netlink *netlink, int dirfd,
		      struct network_bridge *bridge)
{
	auto_network_view struct network_view view = { .table = NULL };
	struct error ignored = ERROR_NONE;
	unsigned char gateway[16];
	char forward[8];

	if (!network_load_made(host, dirfd, bridge) || !bridge->index ||
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
	if (network_view_make(host, dirfd, bridge, &view, &ignored) < 0)
		return false;
	return network_rules_are(dirfd, &view) && network_loopback_route_is(bridge, view.published.n > 0) &&
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

/* Whoever started the first container is not whom the name server belongs to: a session or a container's unit that ends
 * would take it along. With systemd it gets a unit of its own; without one for now, the next call tries again. */
static void settle_server(const struct network_host *host, int dirfd)
{
	auto_free char *unit = xasprintf("sysct-dns%s.scope", host->suffix);
	pid_t pid = host->libexec_dir && systemd_reachable(host->libexec_dir) ? dns_process(dirfd) : 0;
	auto_free char *cgroup = NULL, *path = xasprintf("/proc/%d/cgroup", (int)pid);
	auto_strings struct strings words = STRINGS_EMPTY;
	struct error refused = ERROR_NONE;

	if (!pid || read_file_at(AT_FDCWD, path, 65536, &cgroup, NULL) < 0 || strstr(cgroup, unit))
		return;
	strings_add(&words, unit);
	strings_add(&words, "Description=Names of the containers of sysct");
	strings_add(&words, "Slice=system.slice");
	strings_add(&words, "CollectMode=inactive-or-failed");
	strings_add_take(&words, xasprintf("PIDs=%d", (int)pid));
	if (systemd_say(host->libexec_dir, "start", &words, SETTLE_MS, &refused) < 0)
		log_debug("%s: %s", unit, refused.message);
}

static void serve_names(const struct network_host *host, int dirfd, const struct network_view *view,
			struct network_bridge *bridge)
{
	struct error refused = ERROR_NONE;
	int r = dns_ensure(dirfd, &view->dns, &refused);

	bridge->dns = r == 1;
	if (r < 0)
		snprintf(bridge->note, sizeof(bridge->note), "%.*s", (int)sizeof(bridge->note) - 1,
			 refused.message);
	if (bridge->dns)
		settle_server(host, dirfd);
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
	ports = network_ports_left(netlink, former.index, err);
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
	auto_network_view struct network_view view = { .table = NULL };
	char name[LINK_NAME_ROOM];
	int r = network_bridge_name(host, name, err);

	if (r == 0)
		r = leave_former(host, netlink, dirfd, name, err);
	if (r == 0)
		r = network_plan_locked(host, netlink, bridge, err);
	if (r == 0)
		r = network_have_bridge(host, netlink, bridge, created, err);
	if (r == 0)
		r = network_forwarding_on(host, bridge->subnet6.prefix, err);
	if (r == 0)
		r = address_bridge(netlink, bridge, err);
	if (r == 0)
		r = network_save_made(host, dirfd, bridge, err);
	if (r < 0)
		return r;
	r = network_view_make(host, dirfd, bridge, &view, err);
	if (r == 0)
		r = network_apply_rules(dirfd, bridge, &view, err);
	if (r < 0)
		return r;
	serve_names(host, dirfd, &view, bridge);
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
	name = xstrdup(!*bridge && network_load_made(host, dirfd, &made) ? made.name : bridge);
	foreign.bridge = name;
	if (r == 0)
		r = foreign_remove(dirfd, &foreign, err);
	if (r == 0)
		r = network_shrink_rules(host, dirfd, err);
	if (r == 0 && *bridge)
		r = netlink_link_delete(netlink, bridge, alias, err);
	if (r < 0)
		return r;
	network_restore_sysctls(host, netlink);
	return remove_file_at(dirfd, NETWORK_RECORD, err);
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

/* Where no box is on a bridge of our own. */
static int mend_rules(const struct network_host *host, int dirfd, struct error *err)
{
	auto_network_view struct network_view view = { .table = NULL };
	struct network_bridge made;
	bool own = network_load_old(dirfd, &made);
	auto_close int lock = -1;
	int r = network_view_make(host, dirfd, own ? &made : NULL, &view, err);

	if (r < 0 || network_rules_are(dirfd, &view))
		return r;
	lock = network_lock_in(dirfd, err);
	r = lock < 0 ? lock : 0;
	if (r == 0 && firewall_applied(dirfd)) /* the last box may just have gone */
		r = network_settle(host, dirfd, false, NULL, err);
	return r < 0 ? r : 1;
}

int network_mend(const struct network_host *host, int least, struct error *err)
{
	struct error missing = ERROR_NONE;
	auto_close int dirfd = network_open_dir(host, false, &missing);
	auto_netlink struct netlink *netlink = NULL;
	auto_free char *table = network_table_name(host);
	struct network_bridge bridge;
	int registered;

	if (dirfd < 0 || !firewall_is_of(dirfd, table))
		return 0;
	registered = dns_registered(dirfd);
	if (registered >= 0 && registered < least)
		return 0;
	if (registered <= 0 || !network_load_made(host, dirfd, &bridge))
		return firewall_applied(dirfd) ? mend_rules(host, dirfd, err) : 0;
	netlink = netlink_open(err);
	if (!netlink)
		return -err->code;
	if (all_there(host, netlink, dirfd, &bridge) && foreign_looked_at(host, dirfd, &bridge))
		return 0;
	return network_ensure(host, netlink, &bridge, err);
}

static int forget_choice(const struct network_host *host, struct error *err)
{
	auto_free char *path = xasprintf("%s/" NETWORK_RECORD, host->state_dir);
	auto_close int dirfd = open(host->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_record struct record record = RECORD_EMPTY;

	if (dirfd >= 0)
		network_read_record(dirfd, &record);
	if (record_check_version(&record, "version", NETWORK_VERSION, path, err) < 0)
		return -err->code;
	return unlink(path) < 0 && errno != ENOENT ? fail(err, errno, "remove %s", path) : 0;
}

static int forget_guarded(const struct network_host *host, struct error *err)
{
	const struct guarded_list none = GUARDED_EMPTY;

	return network_save_guarded(host, &none, err);
}

/* forget: what was chosen for containers that there will be no more, too. */
static int remove_all(const struct network_host *host, struct netlink *netlink, bool impatient, bool forget, struct error *err)
{
	auto_close int dirfd = network_open_dir(host, false, err), lock = -1;
	auto_free char *alias = network_bridge_alias(host), *table = network_table_name(host);
	char name[LINK_NAME_ROOM];
	struct link_info info;
	int r;

	if (dirfd == -ENOENT) {
		*err = (struct error)ERROR_NONE;
		return forget && (forget_guarded(host, err) < 0 || forget_choice(host, err) < 0) ? -err->code : 1;
	}
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
	if (r == 1 && network_claim_bridge(host, netlink, &info, err) < 0)
		return -err->code;
	if (r == 1 && strcmp(info.alias, alias) == 0) {
		if (impatient && netlink_ports_delete(netlink, info.index, NETWORK_ALIAS, err) < 0)
			return -err->code;
		r = netlink_port_count(netlink, info.index, err);
		if (r != 0)
			return r < 0 ? r : 0;
	} else if (r == 1) {
		name[0] = '\0'; /* somebody else's: not ours to delete */
	}
	if (r >= 0)
		r = forget ? forget_guarded(host, err) : 0;
	if (r == 0)
		r = take_down(host, netlink, dirfd, name, err);
	if (r == 0)
		r = dns_remove_files(dirfd, err);
	/* what is kept of links on other bridges has kept its rules */
	if (r == 0)
		r = forget ? forget_choice(host, err) : firewall_remove(dirfd, table, err);
	return r < 0 ? r : 1;
}

int network_remove(const struct network_host *host, struct netlink *netlink, bool impatient, struct error *err)
{
	return remove_all(host, netlink, impatient, true, err);
}

int network_down(const struct network_host *host, struct netlink *netlink, bool impatient, struct error *err)
{
	return remove_all(host, netlink, impatient, false, err);
}
