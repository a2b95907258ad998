/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network that containers share: what the kernel can, and what others on this host have made of it. Trials are in network
 * namespaces of their own. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/doctor.h"
#include "os/net_sysctl.h"
#include "os/netlink.h"
#include "os/probe.h"
#include "os/process.h"
#include "store/dns.h"
#include "store/firewall.h"
#include "store/foreign.h"
#include "store/network.h"

#define TOOL_MS 4000

static char *with_suffix(const struct exam *exam, const char *name)
{
	const char *suffix = exam->install->suffix;

	return xasprintf("%s%s%s", name, *suffix ? "-" : "", suffix);
}

static void look_links(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const char *const modules[] = { "bridge", "veth", NULL };
	struct error err = ERROR_NONE;

	(void)exam, (void)check;
	if (found_loadable(modules, ret))
		return;
	if (probe_links(&err) < 0)
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_BRIDGE and CONFIG_VETH; type = host and none need neither", "%s", err.message);
	else
		found(ret, VERDICT_OK, NULL, "a bridge and a pair of links were made");
}

/* The very rules that a container with one published port would be held to. */
static char *rules_to_try(void)
{
	static const char uuid[] = "00000000-0000-4000-8000-000000000001";
	auto_guarded struct guarded_list guarded = GUARDED_EMPTY;
	auto_published struct published_list published = PUBLISHED_EMPTY;
	auto_strings struct strings addresses = STRINGS_EMPTY;
	struct guarded one = { .link = (char *)(uintptr_t)"eth0", .group = 1, .hwaddr = "02:00:00:00:00:02" };
	struct network_rules rules = { "sysct-doctor", "sct0", "192.0.2.0/24", "2001:db8::/64", &published, &guarded, 0 };

	memcpy(one.uuid, uuid, sizeof(one.uuid));
	strings_add(&addresses, "192.0.2.2");
	one.addresses = addresses;
	guarded_add(&guarded, &one);
	published_add(&published, uuid, "box", "8080:80", "192.0.2.2", "2001:db8::2");
	return network_ruleset(&rules);
}

static void look_rules(const struct exam *exam, const struct check *check, struct finding *ret)
{
	static const char *const modules[] = { "nf_tables", "nft_chain_nat", "nft_masq", NULL };
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	auto_free char *input = rules_to_try(), *output = NULL, *nft = tool_find("nft");
	struct tool_run run = { .argv = argv, .input = input, .ret_output = &output, .keep_fd = -1, .timeout_ms = TOOL_MS };
	struct error err = ERROR_NONE;
	int r;

	(void)exam, (void)check;
	if (!nft) {
		found(ret, VERDICT_UNKNOWN, NULL, "there is no nft to try it with, see program.nft");
		return;
	}
	if (found_loadable(modules, ret))
		return;
	if (unshare(CLONE_NEWNET) < 0) {
		found(ret, VERDICT_UNKNOWN, NULL, "no network namespace can be made: %s", strerror(errno));
		return;
	}
	r = tool_run(&run, &err);
	if (r < 0)
		found(ret, VERDICT_FAIL, *err.hint ? err.hint : NULL, "%s", err.message);
	else if (r > 0)
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_NF_TABLES, _INET, _BRIDGE and CONFIG_NFT_NAT; type = host and none need none",
		      "nft: %.*s", (int)strcspn(output, "\n"), output);
	else
		found(ret, VERDICT_OK, NULL, "the rules of a container were loaded");
}

/* 1: our bridge is there. */
static int bridge_there(const struct exam *exam, struct link_info *ret)
{
	auto_free char *name = with_suffix(exam, exam->host->bridge);
	struct error ignored = ERROR_NONE;
	auto_netlink struct netlink *netlink = netlink_open(&ignored);

	return netlink && netlink_link_get(netlink, name, ret, &ignored) == 1 && text_starts(ret->alias, NETWORK_ALIAS);
}

static void look_bridge(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *name = with_suffix(exam, exam->host->bridge), *fix = NULL;
	struct error ignored = ERROR_NONE;
	auto_netlink struct netlink *netlink = netlink_open(&ignored);
	auto_free char *accept_ra = xasprintf("ipv6/conf/%s/accept_ra", name), *refuse = NULL;
	struct link_info link;
	char value[8] = "0";

	(void)check;
	if (!netlink) {
		found(ret, VERDICT_UNKNOWN, NULL, "%s", ignored.message);
		return;
	}
	refuse = xasprintf("sysctl -w net.ipv6.conf.%s.accept_ra=0", name);
	fix = xasprintf("another name: [host] bridge in sysct.conf; or ip link delete %s, if nobody needs it", name);
	if (netlink_link_get(netlink, name, &link, &ignored) != 1)
		found(ret, VERDICT_OK, NULL, "%s is made with the first container on it", name);
	else if (!text_starts(link.alias, NETWORK_ALIAS))
		found(ret, VERDICT_FAIL, fix, "there is a link %s (%s) that sysct has not made, and no container starts on it", name,
		      *link.kind ? link.kind : "hardware");
	else if (!link.up)
		found(ret, VERDICT_FAIL, "sysct start any of them, which mends it", "%s is down", name);
	else if (net_sysctl_get(accept_ra, value, sizeof(value)) == 0 && strcmp(value, "0") != 0)
		found(ret, VERDICT_WARN, refuse, "%s takes router advertisements, which containers could send if its rules were away", name);
	else
		found(ret, VERDICT_OK, NULL, "%s is there and up", name);
}

static void look_forwarding(const struct exam *exam, const struct check *check, struct finding *ret)
{
	struct link_info bridge;
	char value[8] = "";

	(void)check;
	if (net_sysctl_get("ipv4/ip_forward", value, sizeof(value)) < 0)
		found(ret, VERDICT_FAIL, "a kernel with CONFIG_INET", "there is no net.ipv4.ip_forward");
	else if (strcmp(value, "1") == 0)
		found(ret, VERDICT_OK, NULL, "on");
	else if (bridge_there(exam, &bridge))
		found(ret, VERDICT_FAIL, "sysctl -w net.ipv4.ip_forward=1; and see who switches it off in /etc/sysctl.d",
		      "off, though containers are on %s: they reach nothing beyond this host", bridge.name);
	else
		found(ret, VERDICT_OK, NULL, "off; the first container on the bridge switches it on, the last one off");
}

static const char *firewalls(void)
{
	auto_free char *ufw = NULL;
	bool has_ufw = read_file_at(AT_FDCWD, "/etc/ufw/ufw.conf", 65536, &ufw, NULL) == 0 && strstr(ufw, "\nENABLED=yes");
	bool docker = access("/run/docker.sock", F_OK) == 0, firewalld = access("/run/firewalld", F_OK) == 0;

	if (docker)
		return has_ufw ? " (Docker and ufw are here)" : " (Docker is here)";
	return has_ufw ? " (ufw is here)" : firewalld ? " (firewalld is here)" : "";
}

static void look_firewall(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *bridge = with_suffix(exam, exam->host->bridge), *table = with_suffix(exam, "sysct"), *nft = tool_find("nft");
	const struct foreign foreign = { bridge, table, table };
	struct error err = ERROR_NONE;
	struct link_info link;
	int r;

	(void)check;
	if (!nft) {
		found(ret, VERDICT_UNKNOWN, NULL, "there is no nft to look with, see program.nft");
		return;
	}
	r = foreign_pending(&foreign, &err);
	if (r < 0)
		found(ret, VERDICT_UNKNOWN, NULL, "%s", err.message);
	else if (r == 0)
		found(ret, VERDICT_OK, NULL, "none drops what %s forwards%s", bridge, firewalls());
	else if (bridge_there(exam, &link))
		found(ret, VERDICT_FAIL, "sysct start or restart any container: it puts rules marked sysct where they count",
		      "another firewall drops what %s forwards, and has no rule that lets it through%s", bridge, firewalls());
	else
		found(ret, VERDICT_WARN, "nothing now: the first start puts rules marked sysct where they count",
		      "another firewall drops what is forwarded%s", firewalls());
}

/* A server of names that has taken port 53 of all addresses leaves none to ours. */
static bool wildcard_taken(const char *path, const char *any)
{
	auto_free char *text = NULL, *word = xasprintf(" %s:0035 ", any);

	return read_file_at(AT_FDCWD, path, 4U << 20, &text, NULL) == 0 && strstr(text, word);
}

static void look_names(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_free char *dnsmasq = tool_find("dnsmasq");

	(void)exam, (void)check;
	if (wildcard_taken("/proc/net/udp", "00000000") || wildcard_taken("/proc/net/udp6", "00000000000000000000000000000000"))
		found(ret, VERDICT_WARN, "have it listen on the addresses that it needs alone, such as bind-interfaces of dnsmasq",
		      "a server of names holds port 53 of all addresses: sysct's dnsmasq has none, and names of containers are in /etc/hosts alone");
	else
		found(ret, VERDICT_OK, NULL, "port 53 is free for sysct's %s", dnsmasq ? "dnsmasq" : "dnsmasq, which is not installed");
}

static void look_resolvers(const struct exam *exam, const struct check *check, struct finding *ret)
{
	auto_strings struct strings servers = STRINGS_EMPTY;
	auto_free char *list = NULL;

	(void)exam, (void)check;
	dns_upstreams(&servers);
	list = strings_join(&servers, ", ");
	if (!servers.n)
		found(ret, VERDICT_WARN, "a nameserver in /etc/resolv.conf that is no loopback address; or network.eth0.dns of each container",
		      "the host has no server of names that containers can reach: without dnsmasq they resolve nothing outside");
	else
		found(ret, VERDICT_OK, NULL, "%s", list);
}

static void look_ipv6(const struct exam *exam, const struct check *check, struct finding *ret)
{
	char value[8] = "";

	(void)check;
	if (strcmp(exam->host->subnet6, "none") == 0)
		found(ret, VERDICT_OK, NULL, "[host] subnet6 = none: containers have no IPv6");
	else if (net_sysctl_get("ipv6/conf/all/disable_ipv6", value, sizeof(value)) < 0)
		found(ret, VERDICT_WARN, "a kernel with CONFIG_IPV6; or [host] subnet6 = none, if that is wanted", "the kernel has none");
	else if (strcmp(value, "1") == 0)
		found(ret, VERDICT_WARN, "sysctl -w net.ipv6.conf.all.disable_ipv6=0; or [host] subnet6 = none, if that is wanted",
		      "it is switched off for all links: containers have none");
	else
		found(ret, VERDICT_OK, NULL, "containers get an address of a private prefix");
}

const struct check network_checks[] = {
	{ "network.links", "bridges and veth", look_links, NULL, true },
	{ "network.rules", "nftables", look_rules, NULL, true },
	{ "network.bridge", "bridge", look_bridge, NULL, false },
	{ "network.forwarding", "forwarding", look_forwarding, NULL, false },
	{ "network.firewall", "other firewalls", look_firewall, NULL, true },
	{ "network.names", "port 53", look_names, NULL, false },
	{ "network.resolvers", "servers of names", look_resolvers, NULL, false },
	{ "network.ipv6", "IPv6", look_ipv6, NULL, false },
};
const size_t n_network_checks = ARRAY_SIZE(network_checks);
