/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the container's own network service needs to ask for an address (address = dhcp), and its resolver to ask ours. What is
 * for systemd's networkd and resolved is in /run and gone with the next stop; else a block of /etc/network/interfaces, which is
 * emptied again when nothing is to be asked for. It is written in the container's root, by its root. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "rows.h"
#include "runtime/hosts.h"
#include "runtime/launch.h"

#define INTERFACES_BYTES (1 << 20)

static bool exists(int root, const char *path)
{
	auto_close int fd = open_in_root(root, path, O_PATH, 0);

	return fd >= 0;
}

static bool wants_dhcp(const struct network_config *network)
{
	return (network->type == NETWORK_VETH || network->type == NETWORK_MACVLAN) &&
	       strings_has(&network->address, "dhcp");
}

/* --- systemd --- */

static char *networkd_text(const struct network_config *network)
{
	struct text text = TEXT_EMPTY;

	/* by the MAC: copies with one machine id would otherwise share one lease */
	text_add(&text, "# made by sysct\n[Match]\nName=%s\n\n[Network]\nDHCP=yes\n", network->name);
	for (size_t i = 0; i < network->address.n; i++)
		if (strchr(network->address.items[i], '/'))
			text_add(&text, "Address=%s\n", network->address.items[i]);
	if (network->gateway)
		text_add(&text, "Gateway=%s\n", network->gateway);
	text_add(&text, "\n[DHCPv4]\nClientIdentifier=mac\nUseMTU=yes\nUseDomains=yes\n");
	return text.data;
}

/* /run is ours and new: every directory and file is made here. */
static int make_dir(int root, const char *path, struct error *err)
{
	auto_strings struct strings parts = STRINGS_EMPTY;
	auto_text struct text way = TEXT_EMPTY;

	strings_split(&parts, path, "/");
	for (size_t i = 0; i < parts.n; i++) {
		text_add(&way, "%s%s", i ? "/" : "", parts.items[i]);
		if (mkdirat(root, way.data, 0755) < 0 && errno != EEXIST)
			return fail(err, errno, "make directory /%s", way.data);
	}
	return 0;
}

static int write_networkd(int root, const struct container_config *config, struct error *err)
{
	static const char unit[] = "run/systemd/system/multi-user.target.wants";
	const char *service = exists(root, "usr/lib/systemd/system/systemd-networkd.service") ?
				      "/usr/lib/systemd/system/systemd-networkd.service" :
				      "/lib/systemd/system/systemd-networkd.service";
	auto_close int wants = -1;

	if (make_dir(root, "run/systemd/network", err) < 0 || make_dir(root, unit, err) < 0)
		return -err->code;
	for (size_t i = 0; i < config->n_networks; i++) {
		auto_free char *path = xasprintf("run/systemd/network/10-sysct-%s.network", config->networks[i].name);
		auto_free char *text = wants_dhcp(&config->networks[i]) ? networkd_text(&config->networks[i]) : NULL;

		if (text && put_file_beneath(root, path, text, err) < 0)
			return -err->code;
	}
	wants = open_beneath(root, unit, O_RDONLY | O_DIRECTORY, 0);
	if (wants < 0 || (symlinkat(service, wants, "systemd-networkd.service") < 0 && errno != EEXIST))
		return fail(err, errno, "enable systemd-networkd inside");
	return 0;
}

static void add_domains(struct text *text, const struct strings *words)
{
	text_add(text, "Domains=");
	for (size_t i = 1; i < words->n; i++)
		text_add(text, "%s%s", i > 1 ? " " : "", words->items[i]);
	text_add(text, "\n");
}

char *network_resolved_text(const char *resolv_conf)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	struct text text = TEXT_EMPTY;

	text_add(&text, "# made by sysct\n[Resolve]\n");
	strings_split(&lines, resolv_conf, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, lines.items[i], " \t\r");
		if (words.n < 2)
			continue;
		if (strcmp(words.items[0], "nameserver") == 0)	/* what stands behind its address is a comment, to any libc */
			text_add(&text, "DNS=%s\n", words.items[1]);
		else if (strcmp(words.items[0], "search") == 0)
			add_domains(&text, &words);
	}
	return text.data;
}

/* resolved asks nobody that it is not told of, and its package makes /etc/resolv.conf lead to it: so it is told at each start, also
 * where it is not installed yet. */
static int write_resolved(int root, const char *resolv_conf, struct error *err)
{
	auto_free char *text = NULL;

	if (!exists(root, "usr/lib/systemd/systemd") && !exists(root, "lib/systemd/systemd"))
		return 0;
	if (make_dir(root, "run/systemd/resolved.conf.d", err) < 0)
		return -err->code;
	text = network_resolved_text(resolv_conf);
	return put_file_beneath(root, "run/systemd/resolved.conf.d/10-sysct.conf", text, err);
}

static bool has_networkd(int root)
{
	return (exists(root, "usr/lib/systemd/systemd-networkd") || exists(root, "lib/systemd/systemd-networkd")) &&
	       exists(root, "usr/lib/systemd/systemd");
}

/* --- ifupdown --- */

static char *interfaces_block(const struct container_config *config)
{
	struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct network_config *network = &config->networks[i];

		if (!wants_dhcp(network))
			continue;
		text_add(&text, "auto %s\niface %s inet dhcp\n", network->name, network->name);
		/* the client's scripts begin by taking all addresses away */
		for (size_t k = 0; k < network->address.n; k++)
			if (strchr(network->address.items[k], '/'))
				text_add(&text, "\tup ip addr replace %s dev %s\n", network->address.items[k],
					 network->name);
	}
	return text.data;
}

/* OpenRC's service runs ifup; in its own images it is enabled already. */
static void enable_networking(int root)
{
	auto_close int level = open_beneath(root, "etc/runlevels/default", O_RDONLY | O_DIRECTORY, 0);

	if (level >= 0 && exists(root, "etc/init.d/networking") && !exists(root, "etc/runlevels/boot/networking"))
		(void)!symlinkat("/etc/init.d/networking", level, "networking");
}

static int write_interfaces(int root, const struct container_config *config, struct error *err)
{
	auto_close int dir = open_beneath(root, "etc/network", O_RDONLY | O_DIRECTORY, 0), fd = -1;
	auto_free char *text = NULL, *wanted = NULL, *block = interfaces_block(config);
	struct stat st;

	if (dir < 0)
		return 0;	/* something else sets its links up */
	fd = open_beneath(dir, "interfaces", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -ENOENT && !*block)
		return 0;
	if (fd == -ENOENT)
		text = xstrdup("auto lo\niface lo inet loopback\n");
	else if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		 read_fd(fd, INTERFACES_BYTES, &text, NULL) < 0)
		return 0;	/* its own idea of one: left alone */
	wanted = hosts_with_block(text, block);
	if (strcmp(wanted, text) == 0)
		return 0;
	if (*block)
		enable_networking(root);
	return replace_file_at(dir, "interfaces", wanted, strlen(wanted), 0644, false, err);
}

int payload_write_network(struct launch *launch, struct error *err)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct container_config *config = launch->config;
	bool any = false;

	if (root < 0)
		return fail(err, errno, "open /");
	for (size_t i = 0; i < config->n_networks; i++)
		any = any || wants_dhcp(&config->networks[i]);
	if (launch->resolv_conf && write_resolved(root, launch->resolv_conf, err) < 0)
		return -err->code;
	if (has_networkd(root))
		return any ? write_networkd(root, config, err) : 0;
	if (config->rootfs.readonly)
		return 0;
	umask(022);
	return write_interfaces(root, config, err);
}
