/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/fields.h"
#include "config/ini.h"
#include "config/options.h"

/* --- life --- */

void config_init(struct container_config *config)
{
	options_init_base(BASE_CONTAINER, config);
}

static void network_done(struct network_config *network)
{
	free(network->name);
	options_done_base(BASE_NETWORK, network);
}

static void mount_done(struct mount_config *mount)
{
	free(mount->path);
	options_done_base(BASE_MOUNT, mount);
}

void config_done(struct container_config *config)
{
	for (size_t i = 0; i < config->n_networks; i++)
		network_done(&config->networks[i]);
	free(config->networks);
	config->networks = NULL;
	config->n_networks = 0;
	for (size_t i = 0; i < config->n_mounts; i++)
		mount_done(&config->mounts[i]);
	free(config->mounts);
	config->mounts = NULL;
	config->n_mounts = 0;
	options_done_base(BASE_CONTAINER, config);
}

void host_config_init(struct host_config *host)
{
	options_init_base(BASE_HOST, host);
}

void host_config_done(struct host_config *host)
{
	options_done_base(BASE_HOST, host);
}

void host_config_copy(struct host_config *to, const struct host_config *from)
{
	options_copy_base(BASE_HOST, to, from);
}

/* Elements behind the last one, with nothing in them yet, not even defaults. */
static struct network_config *new_network(struct container_config *config, const char *name)
{
	struct network_config *network;

	config->networks = xrealloc(config->networks, (config->n_networks + 1) * sizeof(struct network_config));
	network = &config->networks[config->n_networks++];
	*network = (struct network_config){ .name = xstrdup(name) };
	return network;
}

static struct mount_config *new_mount(struct container_config *config, const char *path)
{
	struct mount_config *mount;

	config->mounts = xrealloc(config->mounts, (config->n_mounts + 1) * sizeof(struct mount_config));
	mount = &config->mounts[config->n_mounts++];
	*mount = (struct mount_config){ .path = xstrdup(path) };
	return mount;
}

void config_copy(struct container_config *to, const struct container_config *from)
{
	if (to == from)
		return;
	config_done(to);
	to->source = (struct hash){ 0 };
	options_copy_base(BASE_CONTAINER, to, from);
	for (size_t i = 0; i < from->n_networks; i++)
		options_copy_base(BASE_NETWORK, new_network(to, from->networks[i].name), &from->networks[i]);
	for (size_t i = 0; i < from->n_mounts; i++)
		options_copy_base(BASE_MOUNT, new_mount(to, from->mounts[i].path), &from->mounts[i]);
}

static void take_live(enum section_base base, void *fields, const void *now)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (options[i].live && options[i].base == base)
			option_copy(&options[i], fields, now);
}

void config_take_live(struct container_config *config, const struct container_config *now)
{
	take_live(BASE_CONTAINER, config, now);
	for (size_t i = 0; i < config->n_networks; i++) {
		const struct network_config *network = config_network(now, config->networks[i].name);

		if (network)
			take_live(BASE_NETWORK, &config->networks[i], network);
	}
	for (size_t i = 0; i < config->n_mounts; i++)
		mount_done(&config->mounts[i]);
	config->n_mounts = 0;
	for (size_t i = 0; i < now->n_mounts; i++)
		options_copy_base(BASE_MOUNT, config_add_mount(config, now->mounts[i].path), &now->mounts[i]);
}

void config_drop_mount(struct container_config *config, const char *path)
{
	struct mount_config *mount = config_mount(config, path);

	if (!mount)
		return;
	mount_done(mount);
	*mount = config->mounts[--config->n_mounts];
}

/* --- titled sections --- */

struct network_config *config_network(const struct container_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_networks; i++)
		if (strcmp(config->networks[i].name, name) == 0)
			return &config->networks[i];
	return NULL;
}

struct mount_config *config_mount(const struct container_config *config, const char *path)
{
	for (size_t i = 0; i < config->n_mounts; i++)
		if (strcmp(config->mounts[i].path, path) == 0)
			return &config->mounts[i];
	return NULL;
}

struct network_config *config_add_network(struct container_config *config, const char *name)
{
	struct network_config *network = config_network(config, name);

	if (network)
		return network;
	network = new_network(config, name);
	options_reset_base(BASE_NETWORK, network);
	return network;
}

struct mount_config *config_add_mount(struct container_config *config, const char *path)
{
	struct mount_config *mount = config_mount(config, path);

	if (mount)
		return mount;
	mount = new_mount(config, path);
	options_reset_base(BASE_MOUNT, mount);
	return mount;
}

const void *config_base(const struct container_config *config, const struct section *section,
			const char *title)
{
	switch (section->base) {
	case BASE_NETWORK:
		return config_network(config, title);
	case BASE_MOUNT:
		return config_mount(config, title);
	case BASE_CONTAINER:
	case BASE_HOST:
		break;
	}
	return section->base == BASE_CONTAINER ? config : NULL;
}

void *config_add_base(struct container_config *config, const struct section *section,
		      const char *title)
{
	switch (section->base) {
	case BASE_NETWORK:
		return config_add_network(config, title);
	case BASE_MOUNT:
		return config_add_mount(config, title);
	case BASE_CONTAINER:
	case BASE_HOST:
		break;
	}
	return section->base == BASE_CONTAINER ? config : NULL;
}

/* --- set and get --- */

int config_check_values(const struct option_key *key, const char *value, struct strings *ret,
			struct error *err)
{
	auto_strings struct strings values = STRINGS_EMPTY;
	auto_free char *label = section_label(key->section, key->title);

	if (!ini_printable(value))
		return fail_status(
			err, STATUS_USAGE,
			"%s %s: control characters and bytes that are not UTF-8 are refused", label,
			key->name);
	if (strlen(value) > INI_VALUE_BYTES)
		return fail_status(err, STATUS_USAGE, "%s %s: longer than 32 KiB", label,
				   key->name);
	if (key->option->type == OPTION_LIST)
		strings_split(&values, value, ",");
	else
		strings_add(&values, value);
	for (size_t i = 0; i < values.n; i++) {
		auto_free char *why = NULL;
		char *v = values.items[i];
		size_t n;

		if (key->option->type == OPTION_LIST) { /* "a, b" */
			memmove(v, v + strspn(v, " \t"), strlen(v + strspn(v, " \t")) + 1);
			for (n = strlen(v); n && (v[n - 1] == ' ' || v[n - 1] == '\t'); n--)
				v[n - 1] = '\0';
			if (!*v)
				return fail_status(err, STATUS_USAGE,
						   "%s %s: an empty value in a list", label,
						   key->name);
		}
		if (option_check(key->option, v, &why) < 0)
			return fail_status(err, STATUS_USAGE, "%s %s: %s", label, key->name, why);
	}
	strings_copy(ret, &values);
	return 0;
}

int config_set_option(struct container_config *config, const char *key, const char *value,
		      struct error *err)
{
	auto_option_key struct option_key at = OPTION_KEY_EMPTY;
	auto_strings struct strings values = STRINGS_EMPTY;
	void *base;
	int r = option_key_parse(key, false, &at, err);

	if (r < 0)
		return r;
	if (at.section->not_in_container)
		return fail_status(err, STATUS_USAGE, "[%s] may stand in sysct.conf only",
				   at.section->name);
	r = config_check_values(&at, value, &values, err);
	if (r < 0)
		return r;
	base = config_add_base(config, at.section, at.title);
	if (at.option->type == OPTION_PAIRS) {
		struct strings *pairs =
			(struct strings *)(void *)((char *)base + at.option->offset);

		pairs_set(pairs, at.name, value);
		return 0;
	}
	if (at.option->type == OPTION_LIST && !at.append)
		option_store(at.option, base, "");
	for (size_t i = 0; i < values.n; i++)
		option_store(at.option, base, values.items[i]);
	return 0;
}

static int get(const struct option_key *at, const void *base, struct strings *ret)
{
	auto_strings struct strings values = STRINGS_EMPTY;
	const char *value;

	if (at->option->type != OPTION_PAIRS) {
		option_values(at->option, base, ret);
		return 0;
	}
	option_values(at->option, base, &values);
	value = pairs_get(&values, at->name);
	if (value)
		strings_add(ret, value);
	return 0;
}

int config_get_option(const struct container_config *config, const char *key, struct strings *ret,
		      struct error *err)
{
	auto_option_key struct option_key at = OPTION_KEY_EMPTY;
	const void *base;
	int r = option_key_parse(key, false, &at, err);

	if (r < 0)
		return r;
	if (at.section->not_in_container)
		return fail_status(err, STATUS_USAGE, "[%s] may stand in sysct.conf only",
				   at.section->name);
	base = config_base(config, at.section, at.title);
	if (!base) {
		auto_free char *label = section_label(at.section, at.title);

		return fail_status(err, STATUS_USAGE, "there is no %s", label);
	}
	return get(&at, base, ret);
}

int host_config_get_option(const struct host_config *host, const char *key, struct strings *ret,
			   struct error *err)
{
	auto_option_key struct option_key at = OPTION_KEY_EMPTY;
	int r = option_key_parse(key, false, &at, err);

	if (r < 0)
		return r;
	if (at.section->base != BASE_HOST)
		return fail_status(err, STATUS_USAGE, "\"%s\" is a container's key", key);
	return get(&at, host, ret);
}
