/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/command.h"
#include "command/look.h"
#include "command/output.h"
#include "os/cgroup.h"
#include "runtime/init.h"
#include "runtime/kept.h"
#include "runtime/launch.h"
#include "runtime/limits.h"
#include "store/linked.h"
#include "store/rootfs.h"

enum { O_FORMAT = 256 };

/* What info tells beyond list, in its order. */
static const char *const more_keys[] = {
	"uuid",	    "description", "variant", "source", "checksum", "problem", "config_path", "rootfs", "base",
	"hostname", "hwaddr",	   "cgroup",
	"idmap",    "namespaces",  "init",    "booted",	     "last_exit", "limits", "limits_note",	"kept",
	"snapshots",
};

/* --- single facts --- */

static char *hwaddr_of(const struct container *c)
{
	const struct network_config *first = c->config.n_networks ? &c->config.networks[0] : NULL;
	auto_free char *key = NULL;
	const char *kept;

	if (!first || first->type != NETWORK_VETH)
		return NULL;
	if (strcmp(first->hwaddr, "auto") != 0)
		return xstrdup(first->hwaddr);
	key = xasprintf("hwaddr.%s", first->name);
	kept = record_get(&c->identity, key);
	return kept ? xstrdup(kept) : NULL;
}

static struct value *namespaces_of(const struct look *look)
{
	static const char *const types[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
	struct value *o = value_object();
	auto_free char *dir = launch_run_dir(&look->container);

	for (size_t i = 0; look->alive && i < ARRAY_SIZE(types); i++) {
		auto_free char *path = xasprintf("%s/ns/%s", dir, types[i]);

		if (access(path, F_OK) == 0)
			value_set(o, types[i], value_string(path));
	}
	return o;
}

/* Of what outlives a stop. */
static struct value *kept_of(const struct container *c)
{
	auto_strings struct strings kinds = STRINGS_EMPTY, paths = STRINGS_EMPTY;
	struct value *o = value_object();

	kept_list(c, &kinds, &paths);
	for (size_t i = 0; i < kinds.n; i++)
		value_set(o, kinds.items[i], value_text(paths.items[i]));
	return o;
}

/* What runs as pid 1 tells more than what create found, but for OpenRC, whose pid 1 is another's program. */
static const char *init_of(const struct look *look)
{
	const char *made = record_get(&look->container.identity, "init_kind");
	enum init_kind kind = look->alive ? init_kind_of(look->run.init.pid) : INIT_UNKNOWN;

	if ((kind == INIT_BUSYBOX || kind == INIT_SYSVINIT) && (!made || strcmp(made, "openrc") != 0))
		return init_kind_name(kind);	/* another one may have been installed since */
	if (kind == INIT_UNKNOWN && look->alive)
		return init_kind_name(kind);
	if (kind == INIT_UNKNOWN || kind == INIT_BUSYBOX || kind == INIT_SYSVINIT)
		return made && strcmp(made, "unknown") != 0 ? made : init_kind_name(kind);
	return init_kind_name(kind);
}

static struct value *booted_of(const struct look *look)
{
	int booted = 0;

	if (look->alive)
		booted = init_booted(init_kind_of(look->run.init.pid), look->run.init.pid, look->run.booted);
	return booted < 0 ? NULL : value_bool(booted);
}

static char *last_exit_of(const struct look *look)
{
	char *text = NULL;

	if (read_file_at(look->container.dir_fd, "last_exit", 4096, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* As they are kept, defaults too; null: no limit. */
static struct value *limits_json(const struct container_config *config)
{
	struct cgroup_limits given, automatic;
	struct value *o = value_object();

	limits_of(config, NULL, &given);
	limits_defaults(config, &automatic);
	const struct {
		const char *name;
		uint64_t given, automatic;
	} rows[] = {
		{ "memory", given.memory, automatic.memory },
		{ "swap", given.swap, automatic.swap },
		{ "cpu_weight", given.cpu_weight, CGROUP_KEEP },
		{ "tasks", given.tasks, automatic.tasks },
		{ "io_read", given.io_read, CGROUP_KEEP },
		{ "io_write", given.io_write, CGROUP_KEEP },
		{ "io_weight", given.io_weight, CGROUP_KEEP },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = rows[i].given == CGROUP_KEEP ? rows[i].automatic : rows[i].given;

		value_set(o, rows[i].name, value == CGROUP_KEEP || value == CGROUP_LIFT ? NULL : value_uint(value));
	}
	value_set(o, "cpus", config->limits.cpus == CONFIG_UNSET ?
						  NULL : value_thousandths(config->limits.cpus));
	value_set(o, "cpuset", value_text(config->limits.cpuset));
	return o;
}

/* --- all of them --- */

static void add_take(struct value *o, const char *key, char *text)
{
	value_set(o, key, value_text(text));
	free(text);
}

static void add_opened(struct value *o, const struct look *look)
{
	const struct container *c = &look->container;
	auto_free char *group = launch_group(c);
	struct cgroup_limits limits;
	char map[40];

	value_set(o, "uuid", value_text(c->uuid));
	value_set(o, "description", value_text(c->config.description));
	value_set(o, "variant", value_text(c->config.template.variant));
	value_set(o, "source", value_text(c->config.template.source));
	value_set(o, "checksum", value_text(c->config.template.checksum));
	value_set(o, "problem", value_text(look->problem));
	add_take(o, "config_path", xasprintf("%s/config", c->dir));
	add_take(o, "rootfs", rootfs_path(c));
	add_take(o, "base", linked_path(c));
	value_set(o, "hostname", value_text(container_hostname(c)));
	add_take(o, "hwaddr", hwaddr_of(c));
	add_take(o, "cgroup", look->alive ? cgroup_path(group) : NULL);
	value_set(o, "idmap", c->idmap.count ?
				       value_text(idmap_format(&c->idmap, map, sizeof(map))) : NULL);
	value_set(o, "namespaces", namespaces_of(look));
	value_set(o, "kept", kept_of(c));
	value_set(o, "init", value_text(init_of(look)));
	value_set(o, "booted", booted_of(look));
	add_take(o, "last_exit", last_exit_of(look));
	value_set(o, "limits", limits_json(&c->config));
	limits_of(&c->config, &look->run, &limits);
	value_set(o, "limits_note", value_text(cgroup_limits_note(&limits)));
	value_set(o, "snapshots", value_array());
}

static struct value *info_json(const struct look *look)
{
	struct value *o = look_json(look);

	if (look->opened) {
		add_opened(o, look);
		return o;
	}
	for (size_t i = 0; i < ARRAY_SIZE(more_keys); i++)
		value_set(o, more_keys[i], NULL);
	value_set(o, "namespaces", value_object());
	value_set(o, "snapshots", value_array());
	value_set(o, "problem", value_text(look->problem));
	return o;
}

/* --- for people --- */

struct line {
	const char *group;	/* heading of the first line of a group, else NULL */
	const char *label, *key;
};

static const struct line lines[] = {
	{ NULL, "Name", "name" },	     { NULL, "State", "state" },
	{ NULL, "Problem", "problem" },	     { NULL, "Description", "description" },
	{ NULL, "UUID", "uuid" },	     { NULL, "Created", "created_at" },
	{ NULL, "Template", "template" },    { NULL, "Release", "release" },
	{ NULL, "Architecture", "arch" },    { NULL, "Variant", "variant" },
	{ NULL, "Source", "source" },	     { NULL, "Checksum", "checksum" },
	{ NULL, "Unprivileged", "unprivileged" },
	{ NULL, "Id map", "idmap" },	     { NULL, "Autostart", "autostart" },
	{ NULL, "Configuration", "config_path" },
	{ "Run", "Init", "init" },	     { NULL, "Init pid", "init_pid" },
	{ NULL, "Monitor pid", "monitor_pid" }, { NULL, "Started", "started_at" },
	{ NULL, "Booted", "booted" },	     { NULL, "Last exit", "last_exit" },
	{ NULL, "Memory used", "memory_used" }, { NULL, "Cgroup", "cgroup" },
	{ "Network", "Host name", "hostname" }, { NULL, "IPv4", "ipv4" },
	{ NULL, "IPv6", "ipv6" },	     { NULL, "MAC", "hwaddr" },
	{ "Disk", "Root file system", "rootfs" }, { NULL, "On the base", "base" },
	{ NULL, "Size", "disk_size" },
	{ NULL, "Used", "disk_used" },
	{ "Limits", NULL, "limits" },	     { NULL, "Note", "limits_note" },
	{ "Namespaces", NULL, "namespaces" }, { "Kept namespaces", NULL, "kept" },
};

static char *shown(const char *key, struct value *value)
{
	static const char *const sizes[] = { "disk_size", "disk_used", "memory_used", "memory", "swap",
					     "io_read",	  "io_write" };
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (value && strcmp(sizes[i], key) == 0)
			return xstrdup(format_size(value_as_uint(value), buf, sizeof(buf)));
	if (value_truth(value) >= 0)
		return xstrdup(value_truth(value) ? "yes" : "no");
	return value_flat(value);
}

/* The problem may have several lines. */
static void print_value(const char *label, const char *key, struct value *value, const char *indent)
{
	auto_free char *text = shown(key, value);
	char *save, *part = strtok_r(text, "\n", &save);

	for (bool first = true; part; part = strtok_r(NULL, "\n", &save), first = false) {
		auto_free char *clean = text_printable(part);

		printf("%s%-*s", indent, (int)(20 - strlen(indent)), first ? label : "");
		print_colored(strcmp(key, "state") == 0 ? look_color(clean) : NULL, clean);
		printf("\n");
	}
}

static void print_member(const char *key, struct value *member, void *indent)
{
	auto_free char *label = xasprintf("%s:", key);

	print_value(label, key, member, indent);
}

static void print_people(struct value *o)
{
	const char *heading = NULL, *indent = "";

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct value *value = value_member(o, lines[i].key);
		auto_free char *text = value_flat(value), *label = NULL;

		if (lines[i].group)
			heading = lines[i].group;
		if (!*text)
			continue;	/* what there is not needs no line */
		if (heading) {
			printf("%s:\n", heading);
			indent = "  ";
		}
		heading = NULL;
		if (lines[i].label) {
			label = xasprintf("%s:", lines[i].label);
			print_value(label, lines[i].key, value, indent);
			continue;
		}
		value_each(value, print_member, (void *)indent);
	}
}

/* --- the command --- */

struct info {
	enum format format;
	struct value *array;	/* csv, and json of several */
	struct value *one;	/* json of one */
	bool several, printed;
	struct container_defaults defaults;
};

static int info_one(struct context *context, const char *name, void *arg, struct error *err)
{
	struct info *info = arg;
	auto_look struct look look = LOOK_EMPTY;
	struct value *o;

	if (look_at(&context->install, &info->defaults, name, &look, err) < 0)
		return -err->code;
	look_for_problems(&look);
	o = info_json(&look);
	if (info->format == FORMAT_JSON && !info->several) {
		info->one = o;
		return 0;
	}
	if (info->format != FORMAT_TABLE) {
		value_append(info->array, o);
		return 0;
	}
	if (info->printed)
		printf("\n");
	info->printed = true;
	print_people(o);
	value_put(o);
	return 0;
}

static void print_collected(struct info *info)
{
	const char *keys[ARRAY_SIZE(more_keys) + 32];
	size_t n = 0;

	for (size_t i = 0; i < n_look_keys; i++)
		keys[n++] = look_keys[i];
	for (size_t i = 0; i < ARRAY_SIZE(more_keys); i++)
		keys[n++] = more_keys[i];
	if (info->format == FORMAT_CSV && value_count(info->array)) {
		csv_print_take(info->array, keys, n);
		return;
	}
	if (info->format == FORMAT_JSON && info->several) {
		value_print_take(info->array);
		return;
	}
	if (info->format == FORMAT_JSON && info->one)
		value_print_take(info->one);
	value_put(info->array);
}

int command_info(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, O_FORMAT },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("info");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct info info = { .format = FORMAT_TABLE };
	bool all = false;
	int c;

	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0) {
		all |= c == 'a';
		if (c == O_FORMAT && format_parse(optarg, &info.format, err) < 0)
			return -err->code;
	}
	if (c != -1 || command_names(self, context, all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	info.several = all || names.n > 1;
	info.array = value_array();
	container_defaults_load(&context->install, &info.defaults);
	c = command_each(self, context, &names, info_one, &info);
	container_defaults_done(&info.defaults);
	print_collected(&info);
	return c;
}
