/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/fields.h"
#include "config/ini.h"
#include "config/options.h"

/* --- walk over all keys --- */

static int each_pair(const struct option *option, const struct strings *pairs, config_each_fn *fn,
		     void *arg)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		size_t n = (size_t)(equals - pairs->items[i]);
		auto_free char *key =
			xasprintf("%s.%.*s", option->section, (int)n, pairs->items[i]);
		auto_strings struct strings value = STRINGS_EMPTY;
		int r;

		strings_add(&value, equals + 1);
		r = fn(key, option, &value, false, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The keys of one section, at its fields. */
static int each_of(const struct section *section, const char *title, const void *base,
		   config_each_fn *fn, void *arg)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++) {
		const struct option *option = &options[i];
		auto_strings struct strings values = STRINGS_EMPTY;
		auto_free char *key = NULL;
		int r;

		if (!option->built || strcmp(option->section, section->name) != 0)
			continue;
		option_values(option, base, &values);
		key = xasprintf("%s%s%s.%s", section->name, title ? "." : "", title ? title : "",
				option->key);
		if (option->type == OPTION_PAIRS)
			r = each_pair(option, &values, fn, arg);
		else
			r = fn(key, option, &values, option_is_default(option, base), arg);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_each(const struct container_config *config, config_each_fn *fn, void *arg)
{
	size_t n;
	const struct section *sections = sections_all(&n);
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		switch (sections[i].base) {
		case BASE_CONTAINER:
			r = each_of(&sections[i], NULL, config, fn, arg);
			break;
		case BASE_NETWORK:
			for (size_t j = 0; j < config->n_networks && r >= 0; j++)
				r = each_of(&sections[i], config->networks[j].name,
					    &config->networks[j], fn, arg);
			break;
		case BASE_MOUNT:
			for (size_t j = 0; j < config->n_mounts && r >= 0; j++)
				r = each_of(&sections[i], config->mounts[j].path,
					    &config->mounts[j], fn, arg);
			break;
		case BASE_HOST:
			break;
		}
	}
	return r < 0 ? r : 0;
}

int host_config_each(const struct host_config *host, config_each_fn *fn, void *arg)
{
	return each_of(section_find("host"), NULL, host, fn, arg);
}

/* --- a fresh file --- */

static bool same(const struct strings *a, const struct strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static void add_line(struct text *out, const char *key, const char *value)
{
	text_add(out, "%s =%s", key, *value ? " " : "");
	ini_add_value(out, value);
	text_append(out, "\n", 1);
}

static void add_pairs(struct text *out, const struct strings *values,
		      const struct strings *defaults)
{
	for (size_t i = 0; i < values->n; i++) {
		const char *equals = strchr(values->items[i], '=');
		auto_free char *name =
			xstrndup(values->items[i], (size_t)(equals - values->items[i]));

		if (!strings_has(defaults, values->items[i]))
			add_line(out, name, equals + 1);
	}
}

static void add_option(struct text *out, const struct option *option, const void *base,
		       const void *defaults)
{
	auto_strings struct strings values = STRINGS_EMPTY, before = STRINGS_EMPTY;

	option_values(option, base, &values);
	option_values(option, defaults, &before);
	if (same(&values, &before))
		return;
	if (option->type == OPTION_PAIRS) {
		add_pairs(out, &values, &before);
		return;
	}
	if (values.n == 0)
		add_line(out, option->key, "");
	for (size_t i = 0; i < values.n; i++)
		add_line(out, option->key, values.items[i]);
}

/* always: the header counts by itself, as a network without a key does. */
static void add_section(struct text *out, const struct section *section, const char *title,
			const void *base, const void *defaults, bool always)
{
	auto_text struct text body = TEXT_EMPTY;
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(options[i].section, section->name) == 0)
			add_option(&body, &options[i], base, defaults);
	if (!body.len && !always)
		return;
	if (out->len)
		text_append(out, "\n", 1);
	ini_add_header(out, section->name, title);
	text_append(out, "\n", 1);
	text_append(out, body.data, body.len);
}

static void add_network(struct text *out, const struct section *section,
			const struct network_config *network,
			const struct container_config *defaults)
{
	const struct network_config *before = config_network(defaults, network->name);
	struct network_config fresh;

	options_init_base(BASE_NETWORK, &fresh);
	add_section(out, section, network->name, network, before ? before : &fresh, !before);
	options_done_base(BASE_NETWORK, &fresh);
}

static void add_mount(struct text *out, const struct section *section,
		      const struct mount_config *mount, const struct container_config *defaults)
{
	const struct mount_config *before = config_mount(defaults, mount->path);
	struct mount_config fresh;

	options_init_base(BASE_MOUNT, &fresh);
	add_section(out, section, mount->path, mount, before ? before : &fresh, !before);
	options_done_base(BASE_MOUNT, &fresh);
}

char *config_format(const struct container_config *config, const struct container_config *defaults)
{
	struct container_config built_in;
	struct text out = TEXT_EMPTY;
	size_t n;
	const struct section *sections = sections_all(&n);

	config_init(&built_in);
	if (!defaults)
		defaults = &built_in;
	text_append(&out, "", 0);
	for (size_t i = 0; i < n; i++) {
		const struct section *section = &sections[i];

		if (section->base == BASE_CONTAINER)
			add_section(&out, section, NULL, config, defaults, false);
		for (size_t j = 0; section->base == BASE_NETWORK && j < config->n_networks; j++)
			add_network(&out, section, &config->networks[j], defaults);
		for (size_t j = 0; section->base == BASE_MOUNT && j < config->n_mounts; j++)
			add_mount(&out, section, &config->mounts[j], defaults);
	}
	config_done(&built_in);
	return out.data;
}
