/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From INI to libconfuse to the structs. The only file that knows libconfuse.
 *
 * libconfuse's own syntax is not INI, and it miscounts lines after comments, expands ${HOME} in
 * values and drops some characters. So a front end reads the INI (ini.h), checks the names of
 * sections and keys, and gives libconfuse one line for each line read, every value 'quoted':
 *
 *     [limits]                      limits {
 *     memory = 2G  ; two            memory = '2G'
 *                                   (an empty line stays one)
 *     [network "eth0"]              } network 'eth0' {
 *     dns = 1.1.1.1                 dns = '1.1.1.1'
 *     dns = 9.9.9.9                 dns += '9.9.9.9'
 *
 * so that its line numbers are exact. It checks the values by call-back, and keeps them by section,
 * title and key. Only when all of the file is right are they stored. */
#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/fields.h"
#include "config/ini.h"
#include "config/parse.h"

#define MAX_SETTINGS 4096
#define FREE_KEY "set" /* in libconfuse: the list of NAME=value of a free section */

/* A section's header or a key that was read. */
struct setting {
	const struct section *section;
	const struct option *option; /* NULL: the header */
	char *title;		     /* NULL: a plain section */
	char *name;		     /* of the key */
	unsigned int line;	     /* the first one */
	unsigned int *lines;	     /* of a list: that of each element */
	size_t n_lines;
	bool append;		     /* a list that adds to what was there before this file */
};

struct parse {
	bool is_host; /* sysct.conf */
	struct problems problems;
	struct setting *settings;
	size_t n_settings;
	struct text out;	       /* for libconfuse */
	bool open;		       /* a section is, in out */
	bool began;		       /* a header was read, right or wrong */
	const struct section *section; /* NULL: keys are skipped, their section is wrong */
	char *title;
	unsigned int line;
};

/* libconfuse's call-backs carry no pointer of ours. Its lexer is one global state, which cfg_free() takes away too, so
 * that two parsers can never run at the same time anyway. */
static struct parse *current;

/* --- front end --- */

static bool same_title(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct setting *setting_find(const struct parse *parse, const struct section *section,
				    const char *title, const char *name)
{
	for (size_t i = 0; i < parse->n_settings; i++) {
		struct setting *setting = &parse->settings[i];

		if (setting->section == section && same_title(setting->title, title) &&
		    same_title(setting->name, name))
			return setting;
	}
	return NULL;
}

static struct setting *setting_add(struct parse *parse, const struct option *option,
				   const char *name)
{
	struct setting *setting;

	parse->settings =
		xrealloc(parse->settings, (parse->n_settings + 1) * sizeof(struct setting));
	setting = &parse->settings[parse->n_settings++];
	*setting = (struct setting){ .section = parse->section,
				     .option = option,
				     .title = parse->title ? xstrdup(parse->title) : NULL,
				     .name = name ? xstrdup(name) : NULL,
				     .line = parse->line };
	return setting;
}

static void emit_quoted(struct text *out, const char *s)
{
	text_append(out, "'", 1);
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			text_append(out, "\\", 1);
		text_append(out, s, 1);
	}
	text_append(out, "'", 1);
}

static void close_section(struct parse *parse)
{
	if (parse->open)
		text_add(&parse->out, "} ");
	parse->open = false;
	parse->section = NULL;
	free(parse->title);
	parse->title = NULL;
}

/* May this section stand in this file, with this title? Says why not. */
static bool section_fits(struct parse *parse, const struct section *section, const char *name,
			 const char *title)
{
	const char *near = section ? NULL : section_nearest(name);
	auto_free char *shown = text_printable(title ? title : "");

	if (!section && near)
		problem_add(&parse->problems, parse->line,
			    "unknown section [%.64s]; did you mean [%s]?", name, near);
	else if (!section)
		problem_add(&parse->problems, parse->line, "unknown section [%.64s]", name);
	else if (!section->built)
		problem_add(&parse->problems, parse->line, "[%s] is not in this version of sysct",
			    name);
	else if (parse->is_host && section->not_in_host)
		problem_add(&parse->problems, parse->line, "[%s] may not stand in sysct.conf",
			    name);
	else if (!parse->is_host && section->not_in_container)
		problem_add(&parse->problems, parse->line, "[%s] may stand in sysct.conf only",
			    name);
	else if (section->kind != SECTION_TITLED && title)
		problem_add(&parse->problems, parse->line,
			    "[%s] takes no title, and \"%.64s\" is one", name, shown);
	else if (section->kind == SECTION_TITLED && !title && !section->title)
		problem_add(&parse->problems, parse->line, "[%s] needs a title: [%s \"%s\"]", name,
			    name, section->title_allowed);
	else if (section->kind == SECTION_TITLED && title && !section->valid_title(title))
		problem_add(&parse->problems, parse->line,
			    "[%s]: \"%.64s\" is not valid; allowed: %s", name, shown,
			    section->title_allowed);
	else
		return true;
	return false;
}

static void read_header(struct parse *parse, const struct ini_line *line)
{
	const struct section *section = section_find(line->section);
	const struct setting *before;
	const char *title = line->title;

	close_section(parse);
	parse->began = true;
	if (!section_fits(parse, section, line->section, title))
		return;
	if (section->kind == SECTION_TITLED && !title)
		title = section->title;
	before = setting_find(parse, section, title, NULL);
	if (before && section->kind == SECTION_TITLED) {
		auto_free char *label = section_label(section, title);

		problem_add(&parse->problems, parse->line, "%s: given twice, first in line %u",
			    label, before->line);
		return;
	}
	parse->section = section;
	parse->title = title ? xstrdup(title) : NULL;
	parse->open = true;
	if (!before)
		setting_add(parse, NULL, NULL);
	text_add(&parse->out, "%s ", section->name);
	if (title)
		emit_quoted(&parse->out, title);
	text_add(&parse->out, " {");
}

/* May this key be given here, once more? Says why not. */
static bool key_fits(struct parse *parse, const struct option *option, const struct ini_line *line,
		     const struct setting *before)
{
	auto_free char *label = section_label(parse->section, parse->title);
	const char *near = option ? NULL : option_nearest(parse->section->name, line->key);
	bool list = option && option->type == OPTION_LIST;

	if (!option && near)
		problem_add(&parse->problems, parse->line,
			    "%s %.64s: no such key; did you mean \"%s\"?", label, line->key, near);
	else if (!option)
		problem_add(&parse->problems, parse->line, "%s %.64s: no such key", label,
			    line->key);
	else if (!option->built)
		problem_add(&parse->problems, parse->line,
			    "\"%s\" in [%s] is not in this version of sysct", line->key,
			    parse->section->name);
	else if (option->type == OPTION_PAIRS && !parse->section->valid_title(line->key))
		problem_add(&parse->problems, parse->line, "%s %.64s: not a valid key; allowed: %s",
			    label, line->key, parse->section->title_allowed);
	else if (line->append && !list)
		problem_add(&parse->problems, parse->line,
			    "%s %s: += is for lists, and this is none", label, line->key);
	else if (before && !list)
		problem_add(&parse->problems, parse->line, "%s %s: given twice, first in line %u",
			    label, line->key, before->line);
	else
		return true;
	return false;
}

static void emit_list(struct parse *parse, const struct ini_line *line, struct setting *setting,
		      bool first)
{
	if (!*line->value && !line->append) { /* from here on, as if nothing had been given */
		setting->append = false;
		setting->n_lines = 0;
		text_add(&parse->out, "%s = {}", line->key);
		return;
	}
	if (first)
		setting->append = line->append;
	if (!*line->value)
		return;
	setting->lines = xrealloc(setting->lines, (setting->n_lines + 1) * sizeof(*setting->lines));
	setting->lines[setting->n_lines++] = parse->line;
	text_add(&parse->out, "%s %s ", line->key, first ? "=" : "+=");
	emit_quoted(&parse->out, line->value);
}

static void read_key(struct parse *parse, const struct ini_line *line)
{
	const struct option *option;
	struct setting *setting;
	bool first;

	if (!parse->section) {
		if (!parse->began)
			problem_add(&parse->problems, parse->line,
				    "key \"%.64s\" stands before the first [section]", line->key);
		return;
	}
	option = option_find(parse->section->name, line->key);
	setting = setting_find(parse, parse->section, parse->title, line->key);
	if (!key_fits(parse, option, line, setting))
		return;
	first = !setting;
	if (first)
		setting = setting_add(parse, option, line->key);
	if (option->type == OPTION_LIST) {
		emit_list(parse, line, setting, first);
	} else if (option->type == OPTION_PAIRS) {
		auto_free char *pair = xasprintf("%s=%s", line->key, line->value), *why = NULL;

		if (option_check(option, line->value, &why) < 0)
			problem_add(&parse->problems, parse->line, "[%s] %s: %s", parse->section->name, line->key, why);
		text_add(&parse->out, FREE_KEY " += ");
		emit_quoted(&parse->out, pair);
	} else {
		text_add(&parse->out, "%s = ", line->key);
		emit_quoted(&parse->out, line->value);
	}
}

static void read_lines(struct parse *parse, const char *text, size_t len)
{
	size_t mark = ini_mark(text, len), n;
	const char *at;

	text += mark;
	len -= mark;
	while (ini_next(&text, &len, &at, &n)) {
		auto_ini_line struct ini_line line = { .kind = INI_BLANK };

		parse->line++;
		ini_line_read(&line, at, n);
		if (parse->n_settings >= MAX_SETTINGS && (line.kind == INI_SECTION || line.kind == INI_KEY)) {
			problem_add(&parse->problems, parse->line, "more than %d settings",
				    MAX_SETTINGS);
			break;
		}
		if (line.kind == INI_SECTION)
			read_header(parse, &line);
		else if (line.kind == INI_KEY)
			read_key(parse, &line);
		else if (line.kind == INI_BAD)
			problem_add(&parse->problems, parse->line, "%s", line.why);
		text_append(&parse->out, "\n", 1);
		/* keys below a header that cannot be read belong to nothing that we know */
		if (line.kind == INI_BAD && at[line.indent < n ? line.indent : 0] == '[') {
			close_section(parse);
			parse->began = true;
		}
	}
	close_section(parse);
}

/* --- libconfuse --- */

static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct section *section = section_find(cfg->name);
	const struct option *option = option_find(cfg->name, opt->name);
	auto_free char *why = NULL;

	if (option->type != OPTION_PAIRS && option_check(option, value, &why) < 0) {
		auto_free char *label = section_label(section, cfg->title);

		problem_add(&current->problems, (unsigned int)cfg->line, "%s %s: %s", label,
			    opt->name, why);
	}
	*(const char **)result = value; /* libconfuse makes a copy */
	return 0;
}

static void take_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	problem_add(&current->problems, (unsigned int)cfg->line, "%s", text);
}

static cfg_opt_t libconfuse_option(const struct option *option)
{
	cfg_opt_t scalar = CFG_STR_CB(option->key, NULL, CFGF_NODEFAULT, take_value);
	cfg_opt_t list = CFG_STR_LIST_CB(option->key, NULL, CFGF_NODEFAULT, take_value);

	if (option->type == OPTION_PAIRS)
		list.name = FREE_KEY;
	return option->type == OPTION_LIST || option->type == OPTION_PAIRS ? list : scalar;
}

/* store_pairs() asks for those of a free section whether there are any or not. */
static bool is_set(const struct parse *parse, const struct option *option)
{
	if (option->type == OPTION_PAIRS)
		return true;
	for (size_t i = 0; i < parse->n_settings; i++)
		if (parse->settings[i].option == option)
			return true;
	return false;
}

/* The keys of one section that the file sets. Caller frees. */
static cfg_opt_t *libconfuse_keys(const struct parse *parse, const char *section)
{
	size_t n, used = 0;
	const struct option *options = options_all(&n);
	cfg_opt_t *keys = xcalloc(parse->n_settings + 2, sizeof(cfg_opt_t));	/* a free section has one that is not set */

	for (size_t i = 0; i < n; i++)
		if (text_same(options[i].section, section) && is_set(parse, &options[i]))
			keys[used++] = libconfuse_option(&options[i]);
	keys[used] = (cfg_opt_t)CFG_END();
	return keys;
}

static bool is_given(const struct parse *parse, const struct section *section)
{
	for (size_t i = 0; i < parse->n_settings; i++)
		if (parse->settings[i].section == section)
			return true;
	return false;
}

/* A parser for the table's options, of those alone that the file has: to set it up for all of them takes longer than all the
 * rest. cfg_init() copies all that it is given. */
static cfg_t *libconfuse_new(const struct parse *parse)
{
	size_t n, used = 0;
	const struct section *sections = sections_all(&n);
	cfg_opt_t *all = xcalloc(parse->n_settings + 1, sizeof(cfg_opt_t));
	cfg_t *cfg;

	for (size_t i = 0; i < n; i++) {
		cfg_flag_t flags = sections[i].kind == SECTION_TITLED
					   ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
					   : CFGF_NONE;

		if (sections[i].built && is_given(parse, &sections[i]))
			all[used++] = (cfg_opt_t)CFG_SEC(sections[i].name,
							 libconfuse_keys(parse, sections[i].name), flags);
	}
	all[used] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(all, CFGF_NONE);
	for (size_t i = 0; i < used; i++)
		free(all[i].subopts);
	free(all);
	if (!cfg)
		out_of_memory();
	return cfg;
}

static void libconfuse_read(struct parse *parse, cfg_t *cfg)
{
	auto_fclose FILE *file = fmemopen(parse->out.data, parse->out.len, "r");

	if (!file) {
		problem_add(&parse->problems, 0, "%s", strerror(errno));
		return;
	}
	cfg_set_error_function(cfg, take_error);
	current = parse;
	errno = 0;
	if (cfg_parse_fp(cfg, file) != CFG_SUCCESS && !parse->problems.n)
		problem_add(&parse->problems, 0,
			    "libconfuse cannot read what the front end made of it");
	current = NULL;
}

/* --- from libconfuse to the structs --- */

static void store_values(const struct setting *setting, cfg_t *section, void *base)
{
	const struct option *option = setting->option;

	if (option->type != OPTION_LIST) {
		option_store(option, base, cfg_getstr(section, option->key));
		return;
	}
	if (!setting->append)
		option_store(option, base, "");
	for (unsigned int i = 0; i < cfg_size(section, option->key); i++)
		option_store(option, base, cfg_getnstr(section, option->key, i));
}

static void store_pairs(const struct section *section, cfg_t *cfg, void *base)
{
	const struct option *option = option_find(section->name, "*");
	struct strings *pairs = (struct strings *)(void *)((char *)base + option->offset);

	for (unsigned int i = 0; i < cfg_size(cfg, FREE_KEY); i++) {
		const char *pair = cfg_getnstr(cfg, FREE_KEY, i), *equals = strchr(pair, '=');
		auto_free char *name = xstrndup(pair, (size_t)(equals - pair));

		pairs_set(pairs, name, equals + 1);
	}
}

static void store_all(const struct parse *parse, cfg_t *cfg, struct container_config *config,
		      struct host_config *host)
{
	for (size_t i = 0; i < parse->n_settings; i++) {
		const struct setting *setting = &parse->settings[i];
		const struct section *section = setting->section;
		cfg_t *from = !cfg ? NULL
			      : setting->title ? cfg_gettsec(cfg, section->name, setting->title)
					       : cfg_getsec(cfg, section->name);
		void *base = section->base == BASE_HOST
				     ? (void *)host
				     : config_add_base(config, section, setting->title);

		if (section->kind == SECTION_FREE) {
			if (from && !setting->option) /* all of them at once, at the header */
				store_pairs(section, from, base);
		} else if (setting->option) {
			store_values(setting, from, base);
		}
	}
}

/* A rule that needs the file: afterwards nobody knows whether the default image was written down.
 */
static void check_rootfs(struct parse *parse)
{
	const struct section *rootfs = section_find("rootfs");
	const struct setting *image = setting_find(parse, rootfs, NULL, "image");
	const struct setting *directory = setting_find(parse, rootfs, NULL, "directory");

	if (image && directory)
		problem_add(
			&parse->problems,
			image->line > directory->line ? image->line : directory->line,
			"[rootfs] image and directory exclude each other, and both are given "
			    "(lines %u and %u)",
			image->line, directory->line);
}

/* For the rules, config_lines. */
static unsigned int line_of(const void *arg, const char *section, const char *title, const char *key, size_t back)
{
	const struct setting *setting = setting_find(arg, section_find(section), title, key);

	if (!setting || back > setting->n_lines)
		return 0;
	return back ? setting->lines[setting->n_lines - back] : setting->line;
}

static void parse_done(struct parse *parse)
{
	for (size_t i = 0; i < parse->n_settings; i++) {
		free(parse->settings[i].title);
		free(parse->settings[i].name);
		free(parse->settings[i].lines);
	}
	free(parse->settings);
	free(parse->title);
	text_done(&parse->out);
	problems_clear(&parse->problems);
}

/* The host's file as it is installed has headers and comments alone, and every command reads it. */
static bool sets_something(const struct parse *parse)
{
	for (size_t i = 0; i < parse->n_settings; i++)
		if (parse->settings[i].option)
			return true;
	return false;
}

int config_parse(const char *text, size_t len, const char *shown_path,
		 struct container_config *config, struct host_config *host, struct error *err)
{
	struct parse parse = { .is_host = host };
	const struct config_lines lines = { line_of, &parse };
	cfg_t *cfg = NULL;
	int r;

	text_append(&parse.out, "", 0);
	read_lines(&parse, text, len);
	if (sets_something(&parse)) {
		cfg = libconfuse_new(&parse);
		text_append(&parse.out, "\n", 1); /* fmemopen(3) wants at least one byte */
		libconfuse_read(&parse, cfg);
	}
	check_rootfs(&parse);
	if (!parse.problems.n) {
		store_all(&parse, cfg, config, host);
		if (!host)
			config_rules(config, &lines, &parse.problems);
	}
	r = problems_report(&parse.problems, shown_path, err);
	if (cfg)
		cfg_free(cfg);
	parse_done(&parse);
	return r;
}
