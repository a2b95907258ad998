/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* template list and info; image list and prune. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/command.h"
#include "command/output.h"
#include "store/image.h"
#include "store/template.h"

enum { O_FORMAT = 256, O_ALL, O_DRY_RUN };

/* Options of the four: --format, and what prune has besides. */
struct wish {
	enum format format;
	bool all, dry_run;
};

static int read_wish(const struct command *self, int argc, char **argv, bool prune, struct wish *wish,
		     struct error *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, O_FORMAT },
		{ "help", no_argument, NULL, 'h' },
		{ "all", no_argument, NULL, O_ALL },
		{ "dry-run", no_argument, NULL, O_DRY_RUN },
		{ NULL, 0, NULL, 0 },
	};
	static const struct option format_only[] = {
		{ "format", required_argument, NULL, O_FORMAT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = command_option(self, argc, argv, "h", prune ? options : format_only, err)) >= 0) {
		wish->all |= c == O_ALL;
		wish->dry_run |= c == O_DRY_RUN;
		if (c == O_FORMAT && format_parse(optarg, &wish->format, err) < 0)
			return -err->code;
	}
	return c == -1 ? 0 : c;
}

static int nothing_more(const struct command *self, int argc, char **argv, struct error *err)
{
	return optind < argc ? command_usage(self, err, "\"%s\" is too much", argv[optind]) : 0;
}

/* The one that is wanted of the two; table: NULL for the others. */
static void print_both_take(struct value *array, struct table *table, enum format format,
			    const char *const *keys, size_t n_keys)
{
	if (table)
		table_print_take(table);
	if (format == FORMAT_JSON)
		value_print_take(array);
	else if (format == FORMAT_CSV)
		csv_print_take(array, keys, n_keys);
	else
		value_put(array);
}

/* --- templates --- */

static struct value *words(const char *text)
{
	auto_strings struct strings list = STRINGS_EMPTY;

	strings_split(&list, text ? text : "", " ");
	return value_strings(&list);
}

static struct value *template_json(const struct template *t)
{
	const char *network = template_fact(t, "network");
	struct value *o = value_object();

	value_set(o, "name", value_string(t->name));
	value_set(o, "description", value_text(template_fact(t, "description")));
	value_set(o, "releases", words(template_fact(t, "releases")));
	value_set(o, "default_release", value_text(template_fact(t, "default_release")));
	value_set(o, "architectures", words(template_fact(t, "architectures")));
	value_set(o, "variants", words(template_fact(t, "variants")));
	value_set(o, "init", value_text(template_fact(t, "init")));
	value_set(o, "network", value_bool(network && strcmp(network, "yes") == 0));
	value_set(o, "mirror", value_text(template_fact(t, "mirror")));
	value_set(o, "path", value_text(t->path));
	return o;
}

static const char *const template_keys[] = { "name",	 "description", "releases", "default_release", "architectures",
					     "variants", "init",	"network",  "mirror",	       "path" };

static void template_line(struct table *table, const struct template *t)
{
	const char *const cells[] = { t->name, template_fact(t, "releases"), template_fact(t, "init"),
				      template_fact(t, "description") };

	table_add(table, cells);
}

static int template_list(const struct command *self, struct context *context, int argc, char **argv,
			 struct error *err)
{
	static const struct column columns[] = {
		{ "NAME", false }, { "RELEASES", false }, { "INIT", false }, { "DESCRIPTION", false },
	};
	auto_strings struct strings names = STRINGS_EMPTY;
	struct value *array;
	struct table *table;
	struct wish wish = { .format = FORMAT_TABLE };

	if (read_wish(self, argc, argv, false, &wish, err) < 0 || nothing_more(self, argc, argv, err) < 0 ||
	    template_names(&context->install, &names, err) < 0)
		return -err->code;
	array = value_array();
	table = wish.format == FORMAT_TABLE ? table_new(columns, ARRAY_SIZE(columns), context->install.libexec_dir) : NULL;
	for (size_t i = 0; i < names.n; i++) {
		auto_template struct template t = TEMPLATE_EMPTY;
		struct error why = ERROR_NONE;

		if (template_find(&context->install, names.items[i], &t, &why) < 0) {
			log_warning("template %s: %s", names.items[i], why.message);
			continue;
		}
		if (table)
			template_line(table, &t);
		value_append(array, template_json(&t));
	}
	print_both_take(array, table, wish.format, template_keys, ARRAY_SIZE(template_keys));
	return 0;
}

static void template_people(const struct template *t)
{
	printf("%-18s%s\n%-18s%s\n", "name:", t->name, "path:", t->path);
	for (size_t i = 0; i < t->facts.keys.n; i++) {
		auto_free char *value = text_printable(t->facts.values.items[i]);
		auto_free char *key = xasprintf("%s:", t->facts.keys.items[i]);
		auto_free char *clean = text_printable(key);

		printf("%-17s %s\n", clean, value);
	}
}

static int template_info(const struct command *self, struct context *context, int argc, char **argv,
			 struct error *err)
{
	auto_template struct template t = TEMPLATE_EMPTY;
	struct wish wish = { .format = FORMAT_TABLE };
	struct value *array;

	if (read_wish(self, argc, argv, false, &wish, err) < 0)
		return -err->code;
	if (argc - optind != 1)
		return command_usage(self, err, "one template, please");
	if (template_find(&context->install, argv[optind], &t, err) < 0)
		return -err->code;
	if (wish.format == FORMAT_TABLE)
		template_people(&t);
	if (wish.format == FORMAT_JSON)
		value_print_take(template_json(&t));
	if (wish.format == FORMAT_CSV) {
		array = value_array();
		value_append(array, template_json(&t));
		csv_print_take(array, template_keys, ARRAY_SIZE(template_keys));
	}
	return 0;
}

int command_template(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct verb verbs[] = {
		{ "list", template_list }, { "info", template_info }, { NULL, NULL },
	};

	return command_verb(command_find("template"), verbs, context, argc, argv, err);
}

/* --- images --- */

static const char *const image_keys[] = { "key",     "template", "release",   "version", "arch", "variant",
					  "built_at", "disk_used", "old", "users", "path", "base" };

static struct value *image_json(const struct image_info *image)
{
	static const char *const facts[] = { "template", "release", "version", "arch", "variant" };
	struct value *o = value_object();

	value_set(o, "key", value_string(image->key));
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		value_set(o, facts[i], value_text(record_get(&image->meta, facts[i])));
	value_set(o, "built_at", value_time(image->built_at));
	value_set(o, "disk_used", value_number(image->used));
	value_set(o, "old", value_bool(image->old));
	value_set(o, "users", value_strings(&image->users));
	value_set(o, "path", value_text(image->path));
	value_set(o, "base", value_bool(image->base));
	return o;
}

static void image_line(struct table *table, const struct image_info *image)
{
	auto_free char *users = strings_join(&image->users, " ");
	char built[32], used[32];
	const char *const cells[] = {
		record_get(&image->meta, "template"), record_get(&image->meta, "release"),
		record_get(&image->meta, "arch"),     format_size(image->used, used, sizeof(used)),
		format_time(image->built_at, built, sizeof(built)),
		image->old ? "old" : NULL,	      users, image->key,
	};

	table_add(table, cells);
}

static void print_images(const struct install *install, const struct image_list *list, enum format format)
{
	static const struct column columns[] = {
		{ "TEMPLATE", false }, { "RELEASE", false }, { "ARCH", false },	 { "DISK", true },
		{ "BUILT", false },    { "AGE", false },     { "USERS", false }, { "KEY", false },
	};
	struct value *array = value_array();
	struct table *table = format == FORMAT_TABLE ? table_new(columns, ARRAY_SIZE(columns), install->libexec_dir) : NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (table)
			image_line(table, &list->items[i]);
		value_append(array, image_json(&list->items[i]));
	}
	print_both_take(array, table, format, image_keys, ARRAY_SIZE(image_keys));
}

static int load_host(const struct install *install, struct host_config *ret, struct error *err)
{
	struct container_config unused;
	int r;

	config_init(&unused);
	host_config_init(ret);
	r = config_load_host(install->config, !install->config_given, ret, &unused, err);
	config_done(&unused);
	if (r < 0)
		host_config_done(ret);
	return r;
}

static int image_list_verb(const struct command *self, struct context *context, int argc, char **argv,
			   struct error *err)
{
	auto_image_list struct image_list list = IMAGE_LIST_EMPTY;
	struct wish wish = { .format = FORMAT_TABLE };
	struct host_config host;
	int r;

	if (read_wish(self, argc, argv, false, &wish, err) < 0 || nothing_more(self, argc, argv, err) < 0 ||
	    load_host(&context->install, &host, err) < 0)
		return -err->code;
	r = image_list(&context->install, &host, &list, err);
	if (r == 0)
		print_images(&context->install, &list, wish.format);
	host_config_done(&host);
	return r;
}

static int image_prune_verb(const struct command *self, struct context *context, int argc, char **argv,
			    struct error *err)
{
	auto_image_list struct image_list list = IMAGE_LIST_EMPTY;
	struct wish wish = { .format = FORMAT_TABLE };
	struct host_config host;
	uint64_t bytes = 0;
	char size[32];
	int r;

	if (read_wish(self, argc, argv, true, &wish, err) < 0 || nothing_more(self, argc, argv, err) < 0 ||
	    load_host(&context->install, &host, err) < 0)
		return -err->code;
	r = image_prune(&context->install, &host, wish.all ? 0 : host.cache_age, wish.dry_run, &list, err);
	for (size_t i = 0; i < list.n; i++)
		bytes += list.items[i].used;
	/* also those that went before one failed */
	if (list.n || wish.format != FORMAT_TABLE)
		print_images(&context->install, &list, wish.format);
	if (r == 0)
		log_note("%zu image%s %s, %s", list.n, list.n == 1 ? "" : "s",
			 wish.dry_run ? "would be removed" : "removed", format_size(bytes, size, sizeof(size)));
	host_config_done(&host);
	return r;
}

int command_image(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct verb verbs[] = {
		{ "list", image_list_verb }, { "prune", image_prune_verb }, { NULL, NULL },
	};

	return command_verb(command_find("image"), verbs, context, argc, argv, err);
}
