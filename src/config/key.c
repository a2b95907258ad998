/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/ini.h"

/* The section in which a key stands, for those who leave the section out. */
static const struct option *option_anywhere(const char *key)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++)
		if (options[i].built && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

/* The section alone, or the title of one, is no key. */
static int no_key(const struct section *section, const char *text, struct error *err)
{
	return fail_status(err, STATUS_USAGE, "\"%s\" is no key; a key of [%s] is %s.%sKEY", text, section->name,
			   section->name, section->kind == SECTION_TITLED ? "TITLE." : "");
}

static int unknown_section(const char *text, const char *name, struct error *err)
{
	const char *near = section_nearest(name);
	const struct option *other = option_anywhere(text);

	if (other)
		return fail_status(err, STATUS_USAGE, "unknown key \"%s\"; did you mean \"%s.%s\"?",
				   text, other->section, other->key);
	if (near)
		return fail_status(err, STATUS_USAGE, "unknown key \"%s\"; did you mean \"%s%s\"?",
				   text, near, text + strlen(name));
	return fail_status(err, STATUS_USAGE, "unknown key \"%s\"; a key is SECTION.KEY", text);
}

static int unknown_key(const struct option_key *key, const char *text, struct error *err)
{
	const char *near = option_nearest(key->section->name, key->name);
	const struct option *other = option_anywhere(key->name);
	size_t head = strlen(text) - strlen(key->name) - (key->append ? 1 : 0);

	if (near)
		return fail_status(err, STATUS_USAGE,
				   "unknown key \"%s\"; did you mean \"%.*s%s\"?", text, (int)head,
				   text, near);
	if (other)
		return fail_status(err, STATUS_USAGE, "unknown key \"%s\"; did you mean \"%s.%s\"?",
				   text, other->section, other->key);
	if (key->section->kind == SECTION_TITLED && strcmp(text + head, strchr(text, '.') + 1) == 0)
		return no_key(key->section, text, err);
	return fail_status(err, STATUS_USAGE, "unknown key \"%s\"", text);
}

/* Take rest, what is behind "section.", apart. */
static int split_title(struct option_key *key, const char *rest, struct error *err)
{
	const struct section *section = key->section;
	const char *dot = section->kind == SECTION_TITLED ? strrchr(rest, '.') : NULL;

	key->name = xstrdup(dot ? dot + 1 : rest);
	if (section->kind != SECTION_TITLED)
		return 0;
	if (dot)
		key->title = xstrndup(rest, (size_t)(dot - rest));
	else if (section->title)
		key->title = xstrdup(section->title);
	else
		return fail_status(err, STATUS_USAGE, "\"%s.%s\": a key of [%s] is %s.TITLE.KEY",
				   section->name, rest, section->name, section->name);
	if (!section->valid_title(key->title) || !ini_printable(key->title)) {
		auto_free char *shown = text_printable(key->title);

		return fail_status(err, STATUS_USAGE, "[%s]: \"%s\" is not valid; allowed: %s",
				   section->name, shown, section->title_allowed);
	}
	return 0;
}

static int key_parse(const char *text, bool any_version, struct option_key *key, struct error *err)
{
	const char *dot = strchr(text, '.');
	auto_free char *name = xstrndup(text, dot ? (size_t)(dot - text) : strlen(text));
	size_t n;
	int r;

	key->section = section_find(name);
	if (!key->section || (!dot && option_anywhere(text)))
		return unknown_section(text, name, err);
	if (!dot)
		return no_key(key->section, text, err);
	r = split_title(key, dot + 1, err);
	if (r < 0)
		return r;
	n = strlen(key->name);
	if (n && key->name[n - 1] == '+') {
		key->append = true;
		key->name[n - 1] = '\0';
	}
	key->option = option_find(name, key->name);
	if (!key->option)
		return unknown_key(key, text, err);
	if (!key->option->built && !any_version)
		return fail_status(err, STATUS_USAGE,
				   "\"%s\" in [%s] is not in this version of sysct", key->name,
				   name);
	if (key->section->kind == SECTION_FREE && !key->section->valid_title(key->name))
		return fail_status(err, STATUS_USAGE, "[%s]: \"%s\" is not valid; allowed: %s",
				   name, key->name, key->section->title_allowed);
	if (key->append && key->option->type != OPTION_LIST)
		return fail_status(err, STATUS_USAGE, "[%s] %s: += is for lists, and this is none",
				   name, key->name);
	return 0;
}

int option_key_parse(const char *text, bool any_version, struct option_key *ret, struct error *err)
{
	struct option_key key = OPTION_KEY_EMPTY;
	int r;

	if (!ini_printable(text) || strlen(text) > 4352) {
		auto_free char *shown = text_printable(text);

		return fail_status(err, STATUS_USAGE, "\"%s\" is no key", shown);
	}
	r = key_parse(text, any_version, &key, err);
	if (r < 0)
		option_key_done(&key);
	else
		*ret = key;
	return r;
}

void option_key_done(struct option_key *key)
{
	free(key->title);
	free(key->name);
	*key = (struct option_key)OPTION_KEY_EMPTY;
}

int option_key_again(const char *text, const char *earlier, struct error *err)
{
	auto_option_key struct option_key key = OPTION_KEY_EMPTY, other = OPTION_KEY_EMPTY;
	int r = option_key_parse(text, false, &key, err);

	if (r == 0)
		r = option_key_parse(earlier, false, &other, err);
	if (r < 0)
		return r;
	if (key.section != other.section || strcmp(key.name, other.name) != 0 ||
	    strcmp(key.title ? key.title : "", other.title ? other.title : "") != 0)
		return 0;
	if (key.option->type == OPTION_LIST)
		return 1;
	return fail_status(err, STATUS_USAGE, "\"%s\" is given twice", text);
}
