/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/checks.h"
#include "config/fields.h"
#include "config/mount_options.h"

static void check_rootfs(const struct container_config *config, struct problems *problems)
{
	const struct option *image = option_find("rootfs", "image");

	if (config->rootfs.directory && !option_is_default(image, config))
		problem_add(problems, 0,
			    "[rootfs] image and directory exclude each other, and both are given");
}

/* What acts on a disk of its own. */
static void check_limits(const struct container_config *config, struct problems *problems)
{
	if (config->rootfs.directory &&
	    (config->limits.io_read != CONFIG_UNSET || config->limits.io_write != CONFIG_UNSET))
		problem_add(problems, 0,
			    "[limits] io_read and io_write act on the container's own disk, and a directory "
			    "has none");
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

static void check_mount(const struct mount_config *mount, struct problems *problems)
{
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;

	if (mount->type == MOUNT_BIND && text_empty(mount->source))
		problem_add(problems, 0, "[mount \"%s\"] source is missing: what of the host is to be mounted", mount->path);
	if (mount->type == MOUNT_TMPFS && !text_empty(mount->source))
		problem_add(problems, 0, "[mount \"%s\"] source: a tmpfs has none", mount->path);
	if (!mount_options_parse(mount->options, &options))
		return;	/* told where it stands */
	if (mount->type == MOUNT_BIND && options.of_tmpfs)
		problem_add(problems, 0, "[mount \"%s\"] options: size=, mode=, uid=, gid= and nr_inodes= are for "
			    "type = tmpfs", mount->path);
	if (mount->type == MOUNT_TMPFS && options.of_bind)
		problem_add(problems, 0, "[mount \"%s\"] options: rbind, norbind, idmap and noidmap are for type = bind",
			    mount->path);
}

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

static void check_gateway(const struct network_config *network, struct problems *problems)
{
	struct ip gateway;
	bool has_address;

	if (!network->gateway || !ip_parse(network->gateway, false, &gateway))
		return;
	if (gateway_reachable(network, &gateway, &has_address))
		return;
	if (has_address)
		problem_add(
			problems, 0,
			"[network \"%s\"] gateway: %s is not in the net of the address beside it",
			network->name, network->gateway);
	else
		problem_add(
			problems, 0,
			"[network \"%s\"] gateway: needs an address = ADDRESS/PREFIX "
			"of the same family",
			network->name);
}

static void check_addresses(const struct network_config *network, struct problems *problems)
{
	const struct strings *address = &network->address;

	if (address->n > 1 && strings_has(address, "none"))
		problem_add(problems, 0, "[network \"%s\"] address: none excludes other addresses",
			    network->name);
	for (size_t i = 0; i < address->n; i++) {
		for (size_t j = 0; j < i; j++)
			if (strcmp(address->items[i], address->items[j]) == 0)
				problem_add(problems, 0,
					    "[network \"%s\"] address: %s is given twice",
					    network->name, address->items[i]);
		if (network->mtu < 1280 && strchr(address->items[i], ':'))
			problem_add(problems, 0, "[network \"%s\"] mtu: IPv6 needs at least 1280",
				    network->name);
	}
}

/* As in the table of options. */
static const char *type_name(const struct network_config *network)
{
	static const char *const names[] = { "veth", "macvlan", "namespace", "host", "none" };

	return names[network->type];
}

/* Keys that belong to one type only. */
static void check_type(const struct network_config *network, struct problems *problems)
{
	bool has_static = false;

	for (size_t i = 0; i < network->address.n; i++)
		has_static = has_static || is_static(network->address.items[i]);
	if (network->type == NETWORK_MACVLAN && !network->parent)
		problem_add(problems, 0,
			    "[network \"%s\"] parent: type = macvlan needs the link of the host that "
			    "it goes beside",
			    network->name);
	if (network->type == NETWORK_MACVLAN &&
	    (network->address.n == 0 || strings_has(&network->address, "auto")))
		problem_add(problems, 0,
			    "[network \"%s\"] address: type = macvlan needs dhcp, none, or "
			    "ADDRESS/PREFIX: sysct gives no addresses there",
			    network->name);
	if (network->type == NETWORK_NAMESPACE && !network->path)
		problem_add(problems, 0,
			    "[network \"%s\"] path: type = namespace needs the namespace's file, such "
			    "as /run/netns/NAME",
			    network->name);
	/* where it could not be kept, it is no harmless wish */
	if (network->isolated && network->type != NETWORK_VETH)
		problem_add(problems, 0, "[network \"%s\"] isolated: cannot be given with type = %s",
			    network->name, type_name(network));
	if (network->host_access && network->type != NETWORK_VETH)
		problem_add(problems, 0, "[network \"%s\"] host_access: cannot be given with type = %s",
			    network->name, type_name(network));
	if (network->publish.n && network->type != NETWORK_VETH)
		problem_add(problems, 0, "[network \"%s\"] publish: cannot be given with type = %s",
			    network->name, type_name(network));
	else if (network->publish.n && network->address.n && !has_static &&
		 !strings_has(&network->address, "auto") && !strings_has(&network->address, "dhcp"))
		problem_add(problems, 0,
			    "[network \"%s\"] publish: needs an address that ports can lead to",
			    network->name);
}

/* The same port twice leads to one place only. */
static void check_published(const struct network_config *a, const struct network_config *b,
			    struct problems *problems)
{
	for (size_t i = 0; i < b->publish.n; i++) {
		for (size_t j = 0; j < (a == b ? i : a->publish.n); j++) {
			struct publish one, other;

			if (publish_parse(a->publish.items[j], &one) &&
			    publish_parse(b->publish.items[i], &other) &&
			    publish_overlap(&one, &other))
				problem_add(problems, 0,
					    "[network \"%s\"] publish: %s wants the host's port of %s",
					    b->name, b->publish.items[i], a->publish.items[j]);
		}
	}
}

static void check_network(const struct network_config *network, struct problems *problems)
{
	bool unconnected = network->type == NETWORK_HOST || network->type == NETWORK_NONE ||
			   network->type == NETWORK_NAMESPACE;

	check_addresses(network, problems);
	check_type(network, problems);
	check_published(network, network, problems);
	if (!unconnected) {
		check_gateway(network, problems);
		return;
	}
	for (size_t i = 0; i < network->address.n; i++)
		if (is_static(network->address.items[i]))
			problem_add(problems, 0,
				    "[network \"%s\"] address: %s cannot be given with type = %s",
				    network->name, network->address.items[i], type_name(network));
	if (network->gateway)
		problem_add(problems, 0, "[network \"%s\"] gateway: cannot be given with type = %s",
			    network->name, type_name(network));
}

/* What two networks may not have both. */
static void check_pair(const struct network_config *a, const struct network_config *b,
		       struct problems *problems)
{
	if (strcmp(a->hwaddr, "auto") != 0 && strcmp(a->hwaddr, b->hwaddr) == 0)
		problem_add(problems, 0, "[network \"%s\"] hwaddr: that of [network \"%s\"]",
			    b->name, a->name);
	check_published(a, b, problems);
	for (size_t i = 0; i < b->address.n; i++)
		if (is_static(b->address.items[i]) && strings_has(&a->address, b->address.items[i]))
			problem_add(problems, 0,
				    "[network \"%s\"] address: %s is that of [network \"%s\"]",
				    b->name, b->address.items[i], a->name);
}

static void check_networks(const struct container_config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct network_config *network = &config->networks[i];

		check_network(network, problems);
		if (config->n_networks > 1 && network->type == NETWORK_HOST)
			problem_add(problems, 0,
				    "[network \"%s\"] type: host excludes other networks",
				    network->name);
		if (config->n_networks > 1 && network->type == NETWORK_NAMESPACE)
			problem_add(problems, 0,
				    "[network \"%s\"] type: namespace excludes other networks",
				    network->name);
		if (config->n_networks > 1 && network->type == NETWORK_NONE)
			problem_add(problems, 0,
				    "[network \"%s\"] type: none excludes other networks",
				    network->name);
		for (size_t j = 0; j < i; j++)
			check_pair(&config->networks[j], network, problems);
	}
}

static void check_security(const struct container_config *config, struct problems *problems)
{
	const struct strings *keep = &config->security.keep_capabilities;
	bool own_map = strcmp(config->security.idmap, "auto") != 0;
	auto_strings struct strings ids = STRINGS_EMPTY;

	if (config->security.privileged && own_map)
		problem_add(problems, 0, "[security] idmap: a privileged container has none");
	if (config->security.nesting && config->security.hardened)
		problem_add(problems, 0, "[security] nesting and hardened exclude each other");
	if (config->security.hardened && strcmp(config->security.seccomp, "none") == 0)
		problem_add(problems, 0, "[security] seccomp = none and hardened exclude each other");
	for (size_t i = 0; i < keep->n; i++)
		if (strings_has(&config->security.drop_capabilities, keep->items[i]))
			problem_add(problems, 0,
				    "[security] %s is both to be kept and to be dropped",
				    keep->items[i]);
	if (!own_map)
		return;
	strings_split(&ids, config->security.idmap, ":");
	if (ids.n != 3)
		return;
	if (strspn(ids.items[0], "0") != strlen(ids.items[0]))
		problem_add(problems, 0,
			    "[security] idmap: must begin at id 0 inside, which init runs as");
	if (strspn(ids.items[1], "0") == strlen(ids.items[1]))
		problem_add(problems, 0,
			    "[security] idmap: id 0 inside would be root of the host; "
			    "privileged = yes says that plainly");
}

void config_rules(struct container_config *config, struct problems *problems)
{
	if (config->n_networks == 0)
		config_add_network(config, "eth0");
	check_rootfs(config, problems);
	check_networks(config, problems);
	check_security(config, problems);
	check_limits(config, problems);
	for (size_t i = 0; i < config->n_networks; i++)
		if (config->networks[i].type == NETWORK_HOST && strings_has(&config->namespaces.persist, "net"))
			problem_add(problems, 0, "[namespaces] persist: the host's network is not its own to keep");
	drop_empty_mounts(config);
	for (size_t i = 0; i < config->n_mounts; i++)
		check_mount(&config->mounts[i], problems);
}

int config_validate(struct container_config *config, struct error *err)
{
	auto_problems struct problems problems = PROBLEMS_EMPTY;

	config_rules(config, &problems);
	return problems_report(&problems, NULL, err);
}
