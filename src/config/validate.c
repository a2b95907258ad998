/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/checks.h"
#include "config/fields.h"
#include "config/mount_options.h"

/* One section that is looked at. */
struct rules {
	struct problems *problems;
	const struct config_lines *lines; /* NULL: there is no file */
	const char *section, *title;
};

/* --- where it stands --- */

static unsigned int line_of(const struct rules *rules, const char *key)
{
	return rules->lines ? rules->lines->line(rules->lines->arg, rules->section, rules->title, key, 0) : 0;
}

static unsigned int line_of_element(const struct rules *rules, const char *key, const struct strings *list, size_t i)
{
	return rules->lines ? rules->lines->line(rules->lines->arg, rules->section, rules->title, key, list->n - i) : 0;
}

static unsigned int line_of_word(const struct rules *rules, const char *key, const struct strings *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], word) == 0)
			return line_of_element(rules, key, list, i);
	return 0;
}

/* Of two keys that do not go together it is the second one that is too much. */
static unsigned int later(unsigned int a, unsigned int b)
{
	return a > b ? a : b;
}

__attribute__((format(printf, 3, 4))) static void refuse(const struct rules *rules, unsigned int line,
							 const char *format, ...)
{
	auto_free char *label = section_label(section_find(rules->section), rules->title), *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	/* what this file does not say it was read on top of */
	problem_add(rules->problems, line, "%s %s%s", label, text, rules->lines && !line ? "; given in sysct.conf" : "");
}

/* --- rootfs, limits, mounts --- */

static void check_rootfs(const struct container_config *config, struct rules *rules)
{
	const struct option *image = option_find("rootfs", "image");

	rules->section = "rootfs";
	if (config->rootfs.directory && !option_is_default(image, config))
		refuse(rules, later(line_of(rules, "image"), line_of(rules, "directory")),
		       "image and directory exclude each other, and both are given");
}

/* What acts on a disk of its own. */
static void check_limits(const struct container_config *config, struct rules *rules)
{
	unsigned int line, directory;

	if (!config->rootfs.directory ||
	    (config->limits.io_read == CONFIG_UNSET && config->limits.io_write == CONFIG_UNSET))
		return;
	rules->section = "rootfs";
	directory = line_of(rules, "directory");
	rules->section = "limits";
	line = later(line_of(rules, "io_read"), line_of(rules, "io_write"));
	refuse(rules, line ? line : directory,
	       "io_read and io_write act on the container's own disk, and a directory has none");
}

/* A section without a key in it is what is left when the last one was taken away: no mount. */
static void drop_empty_mounts(struct container_config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_mounts; i++) {
		struct mount_config *mount = &config->mounts[i];

		if (mount->type != MOUNT_BIND || !text_empty(mount->source) || mount->readonly || mount->create ||
		    !text_empty(mount->options)) {
			config->mounts[n++] = *mount;
			continue;
		}
		options_done_base(BASE_MOUNT, mount);
		free(mount->path);
	}
	config->n_mounts = n;
}

static void check_mount(const struct mount_config *mount, struct rules *rules)
{
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;

	rules->section = "mount";
	rules->title = mount->path;
	if (mount->type == MOUNT_BIND && text_empty(mount->source))
		refuse(rules, line_of(rules, NULL), "source is missing: what of the host is to be mounted");
	if (mount->type == MOUNT_TMPFS && !text_empty(mount->source))
		refuse(rules, line_of(rules, "source"), "source: a tmpfs has none");
	if (!mount_options_parse(mount->options, &options))
		return;	/* told where it stands */
	if (mount->type == MOUNT_BIND && options.of_tmpfs)
		refuse(rules, line_of(rules, "options"),
		       "options: size=, mode=, uid=, gid= and nr_inodes= are for type = tmpfs");
	if (mount->type == MOUNT_TMPFS && options.of_bind)
		refuse(rules, line_of(rules, "options"),
		       "options: rbind, norbind, idmap and noidmap are for type = bind");
}

/* --- networks --- */

static bool is_static(const char *address)
{
	return strcmp(address, "auto") != 0 && strcmp(address, "none") != 0 &&
	       strcmp(address, "dhcp") != 0;
}

/* Does the gateway stand in the net of one of the addresses? An IPv6 link address stands in every
 * one. */
static bool gateway_reachable(const struct network_config *network, const struct ip *gateway,
			      bool *ret_has_address)
{
	bool link_address = gateway->bytes[0] == 0xfe && (gateway->bytes[1] & 0xc0) == 0x80;
	bool reachable = false;

	*ret_has_address = false;
	for (size_t i = 0; i < network->address.n; i++) {
		struct ip address;

		if (!is_static(network->address.items[i]) ||
		    !ip_parse(network->address.items[i], true, &address) ||
		    address.family != gateway->family)
			continue;
		*ret_has_address = true;
		if (ip_in_net(gateway, &address) || (strchr(network->gateway, ':') && link_address))
			reachable = true;
	}
	return reachable;
}

static void check_gateway(const struct network_config *network, const struct rules *rules)
{
	struct ip gateway;
	bool has_address;

	if (!network->gateway || !ip_parse(network->gateway, false, &gateway))
		return;
	if (gateway_reachable(network, &gateway, &has_address))
		return;
	if (has_address)
		refuse(rules, line_of(rules, "gateway"), "gateway: %s is not in the net of the address beside it",
		       network->gateway);
	else
		refuse(rules, line_of(rules, "gateway"), "gateway: needs an address = ADDRESS/PREFIX of the same family");
}

static void check_addresses(const struct network_config *network, const struct rules *rules)
{
	const struct strings *address = &network->address;

	if (address->n > 1 && strings_has(address, "none"))
		refuse(rules, line_of_word(rules, "address", address, "none"), "address: none excludes other addresses");
	for (size_t i = 0; i < address->n; i++) {
		for (size_t j = 0; j < i; j++)
			if (strcmp(address->items[i], address->items[j]) == 0)
				refuse(rules, line_of_element(rules, "address", address, i), "address: %s is given twice",
				       address->items[i]);
		if (network->mtu < 1280 && strchr(address->items[i], ':'))
			refuse(rules, line_of(rules, "mtu"), "mtu: IPv6 needs at least 1280");
	}
}

/* As in the table of options. */
static const char *type_name(const struct network_config *network)
{
	static const char *const names[] = { "veth", "macvlan", "namespace", "host", "none" };

	return names[network->type];
}

/* A wish that the type cannot fulfil is no harmless one. */
static void refuse_with_type(const struct network_config *network, const struct rules *rules, unsigned int line,
			     const char *what)
{
	refuse(rules, line ? line : line_of(rules, "type"), "%s cannot be given with type = %s", what, type_name(network));
}

/* Keys that a type needs. */
static void check_needs(const struct network_config *network, const struct rules *rules)
{
	const struct strings *address = &network->address;
	unsigned int line = line_of(rules, "address");

	if (network->type == NETWORK_MACVLAN && !network->parent)
		refuse(rules, line_of(rules, "type"),
		       "parent: type = macvlan needs the link of the host that it goes beside");
	if (network->type == NETWORK_MACVLAN && (address->n == 0 || strings_has(address, "auto")))
		refuse(rules, line ? line : line_of(rules, "type"),
		       "address: type = macvlan needs dhcp, none, or ADDRESS/PREFIX: sysct gives no addresses there");
	if (network->type == NETWORK_NAMESPACE && !network->path)
		refuse(rules, line_of(rules, "type"),
		       "path: type = namespace needs the namespace's file, such as /run/netns/NAME");
}

/* Keys that belong to one type only. */
static void check_type(const struct network_config *network, const struct rules *rules)
{
	bool has_static = false;

	for (size_t i = 0; i < network->address.n; i++)
		has_static = has_static || is_static(network->address.items[i]);
	check_needs(network, rules);
	if (network->isolated && network->type != NETWORK_VETH)
		refuse_with_type(network, rules, line_of(rules, "isolated"), "isolated:");
	if (network->host_access && network->type != NETWORK_VETH)
		refuse_with_type(network, rules, line_of(rules, "host_access"), "host_access:");
	if (network->publish.n && network->type != NETWORK_VETH)
		refuse_with_type(network, rules, line_of(rules, "publish"), "publish:");
	else if (network->publish.n && network->address.n && !has_static &&
		 !strings_has(&network->address, "auto") && !strings_has(&network->address, "dhcp"))
		refuse(rules, line_of(rules, "publish"), "publish: needs an address that ports can lead to");
}

/* The same port twice leads to one place only. */
static void check_published(const struct network_config *a, const struct network_config *b, const struct rules *rules)
{
	for (size_t i = 0; i < b->publish.n; i++) {
		for (size_t j = 0; j < (a == b ? i : a->publish.n); j++) {
			struct publish one, other;

			if (publish_parse(a->publish.items[j], &one) && publish_parse(b->publish.items[i], &other) &&
			    publish_overlap(&one, &other))
				refuse(rules, line_of_element(rules, "publish", &b->publish, i),
				       "publish: %s wants the host's port of %s", b->publish.items[i], a->publish.items[j]);
		}
	}
}

static void check_network(const struct network_config *network, const struct rules *rules)
{
	bool unconnected = network->type == NETWORK_HOST || network->type == NETWORK_NONE ||
			   network->type == NETWORK_NAMESPACE;

	check_addresses(network, rules);
	check_type(network, rules);
	check_published(network, network, rules);
	if (!unconnected) {
		check_gateway(network, rules);
		return;
	}
	for (size_t i = 0; i < network->address.n; i++) {
		auto_free char *what = xasprintf("address: %s", network->address.items[i]);

		if (is_static(network->address.items[i]))
			refuse_with_type(network, rules, line_of_element(rules, "address", &network->address, i), what);
	}
	if (network->gateway)
		refuse_with_type(network, rules, line_of(rules, "gateway"), "gateway:");
}

/* What two networks may not have both; the rules are at b. */
static void check_pair(const struct network_config *a, const struct network_config *b, const struct rules *rules)
{
	if (strcmp(a->hwaddr, "auto") != 0 && strcmp(a->hwaddr, b->hwaddr) == 0)
		refuse(rules, line_of(rules, "hwaddr"), "hwaddr: that of [network \"%s\"]", a->name);
	check_published(a, b, rules);
	for (size_t i = 0; i < b->address.n; i++)
		if (is_static(b->address.items[i]) && strings_has(&a->address, b->address.items[i]))
			refuse(rules, line_of_element(rules, "address", &b->address, i),
			       "address: %s is that of [network \"%s\"]", b->address.items[i], a->name);
}

static void check_networks(const struct container_config *config, struct rules *rules)
{
	rules->section = "network";
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct network_config *network = &config->networks[i];
		bool alone = network->type == NETWORK_HOST || network->type == NETWORK_NAMESPACE ||
			     network->type == NETWORK_NONE;

		rules->title = network->name;
		check_network(network, rules);
		if (config->n_networks > 1 && alone)
			refuse(rules, line_of(rules, "type"), "type: %s excludes other networks", type_name(network));
		for (size_t j = 0; j < i; j++)
			check_pair(&config->networks[j], network, rules);
	}
	rules->title = NULL;
}

/* --- security, namespaces --- */

static void check_own_map(const struct container_config *config, const struct rules *rules)
{
	auto_strings struct strings ids = STRINGS_EMPTY;
	unsigned int line = line_of(rules, "idmap");

	if (config->security.privileged)
		refuse(rules, line ? line : line_of(rules, "privileged"), "idmap: a privileged container has none");
	strings_split(&ids, config->security.idmap, ":");
	if (ids.n != 3)
		return;
	if (strspn(ids.items[0], "0") != strlen(ids.items[0]))
		refuse(rules, line, "idmap: must begin at id 0 inside, which init runs as");
	if (strspn(ids.items[1], "0") == strlen(ids.items[1]))
		refuse(rules, line, "idmap: id 0 inside would be root of the host; privileged = yes says that plainly");
}

static void check_capabilities(const struct container_config *config, const struct rules *rules)
{
	const struct strings *keep = &config->security.keep_capabilities, *drop = &config->security.drop_capabilities;

	for (size_t i = 0; i < keep->n; i++)
		for (size_t j = 0; j < drop->n; j++)
			if (strcmp(keep->items[i], drop->items[j]) == 0)
				refuse(rules, later(line_of_element(rules, "keep_capabilities", keep, i),
						    line_of_element(rules, "drop_capabilities", drop, j)),
				       "%s is both to be kept and to be dropped", keep->items[i]);
}

static void check_security(const struct container_config *config, struct rules *rules)
{
	unsigned int hardened;

	rules->section = "security";
	hardened = line_of(rules, "hardened");
	if (config->security.nesting && config->security.hardened)
		refuse(rules, later(line_of(rules, "nesting"), hardened), "nesting and hardened exclude each other");
	if (config->security.hardened && strcmp(config->security.seccomp, "none") == 0)
		refuse(rules, later(line_of(rules, "seccomp"), hardened),
		       "seccomp = none and hardened exclude each other");
	check_capabilities(config, rules);
	if (strcmp(config->security.idmap, "auto") != 0)
		check_own_map(config, rules);
}

static void check_namespaces(const struct container_config *config, struct rules *rules)
{
	rules->section = "namespaces";
	for (size_t i = 0; i < config->n_networks; i++)
		if (config->networks[i].type == NETWORK_HOST && strings_has(&config->namespaces.persist, "net"))
			refuse(rules, line_of_word(rules, "persist", &config->namespaces.persist, "net"),
			       "persist: the host's network is not its own to keep");
}

void config_rules(struct container_config *config, const struct config_lines *lines, struct problems *problems)
{
	struct rules rules = { .problems = problems, .lines = lines };

	if (config->n_networks == 0)
		config_add_network(config, "eth0");
	check_rootfs(config, &rules);
	check_networks(config, &rules);
	check_security(config, &rules);
	check_limits(config, &rules);
	check_namespaces(config, &rules);
	drop_empty_mounts(config);
	for (size_t i = 0; i < config->n_mounts; i++)
		check_mount(&config->mounts[i], &rules);
}

int config_validate(struct container_config *config, struct error *err)
{
	auto_problems struct problems problems = PROBLEMS_EMPTY;

	config_rules(config, NULL, &problems);
	return problems_report(&problems, NULL, err);
}
