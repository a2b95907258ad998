/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "command/look.h"
#include "command/output.h"

enum { O_FORMAT = 256, O_RUNNING };

struct list {
	enum format format;
	bool quiet, running;
	struct value *array;
	struct table *table;
	struct container_defaults defaults;
};

static const char *size_or_nothing(uint64_t bytes, char *buf, size_t room)
{
	return bytes ? format_size(bytes, buf, room) : NULL;
}

static void add_line(struct table *table, const struct look *look)
{
	const struct container_config *config = &look->container.config;
	auto_free char *ipv4 = strings_join(&look->ipv4, " ");
	char memory[32], used[32], size[32];
	const char *const cells[] = {
		look->name,
		look->state,
		ipv4,
		config->template.name,
		config->template.release,
		size_or_nothing(look->memory_used, memory, sizeof(memory)),
		size_or_nothing(look->disk_used, used, sizeof(used)),
		size_or_nothing(look->disk_size, size, sizeof(size)),
	};

	table_add_colored(table, cells, 1, look_color(look->state));
}

/* One that goes while we look is not there any more; nothing else keeps a container from its line. */
static void add_box(struct list *list, const struct install *install, const char *name)
{
	auto_look struct look look = LOOK_EMPTY;
	struct error gone = ERROR_NONE;

	if (look_at(install, &list->defaults, name, &look, &gone) < 0 || (list->running && !look.alive))
		return;
	if (list->quiet)
		printf("%s\n", name);
	else if (list->format == FORMAT_TABLE)
		add_line(list->table, &look);
	else
		value_append(list->array, look_json(&look));
}

static void show(struct list *list, const struct install *install, const struct strings *names)
{
	static const struct column columns[] = {
		{ "NAME", false },    { "STATE", false },  { "IPV4", false }, { "TEMPLATE", false },
		{ "RELEASE", false }, { "MEMORY", true }, { "DISK", true },  { "SIZE", true },
	};

	if (list->quiet && !list->running) {	/* as fast as completion wants it */
		for (size_t i = 0; i < names->n; i++)
			printf("%s\n", names->items[i]);
		return;
	}
	if (!list->quiet && list->format == FORMAT_TABLE)
		list->table = table_new(columns, ARRAY_SIZE(columns), install->libexec_dir);
	else if (!list->quiet)
		list->array = value_array();
	container_defaults_load(install, &list->defaults);
	for (size_t i = 0; i < names->n; i++)
		add_box(list, install, names->items[i]);
	container_defaults_done(&list->defaults);
	if (list->table)
		table_print_take(list->table);
	else if (list->array && list->format == FORMAT_JSON)
		value_print_take(list->array);
	else if (list->array)
		csv_print_take(list->array, look_keys, n_look_keys);
}

int command_list(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, O_FORMAT }, { "quiet", no_argument, NULL, 'q' },
		{ "running", no_argument, NULL, O_RUNNING },	 { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("list");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct list list = { .format = FORMAT_TABLE };
	int c;

	while ((c = command_option(self, argc, argv, "hq", options, err)) >= 0) {
		list.quiet |= c == 'q';
		list.running |= c == O_RUNNING;
		if (c == O_FORMAT && format_parse(optarg, &list.format, err) < 0)
			return -err->code;
	}
	if (c != -1)
		return -err->code;
	if (optind < argc)
		return command_usage(self, err, "it takes no names; sysct info %s shows one", argv[optind]);
	if (container_names(&context->install, &names, err) < 0)
		return -err->code;
	show(&list, &context->install, &names);
	return 0;
}
