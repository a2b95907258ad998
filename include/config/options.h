/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_OPTIONS_H
#define SYSCT_CONFIG_OPTIONS_H

/* options - one row per key of the configuration, one per section.
 *
 * The table is the only place that knows a key: the parser, --set, `config get`, completion, the
 * man page check and the defaults all read it. A row with built == false is a key of the contract
 * that this version does not have: it is refused by name, never read and ignored.
 *
 * "base" below is the struct that holds a section's fields: struct host_config for [host], one
 * element of networks or mounts for a titled section, struct container_config for all others. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum section_kind {
	SECTION_PLAIN,
	SECTION_TITLED, /* [network "eth0"]: once per title */
	SECTION_FREE,	/* [environment]: any key of the right form */
};

enum section_base { BASE_CONTAINER, BASE_NETWORK, BASE_MOUNT, BASE_HOST };

struct section {
	const char *name;
	enum section_kind kind;
	enum section_base base;
	const char *title; /* what a missing title means; NULL: it must be given */
	bool (*valid_title)(const char *title); /* titled: the title; free: the key */
	const char *title_allowed;
	bool not_in_container, not_in_host; /* which file it may not stand in */
	bool built;			    /* false: all of its keys are for later */
	const char *help;
};

enum option_type {
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_WORD, /* an enum: the index in words */
	OPTION_NUMBER,
	OPTION_SIZE,	    /* bytes */
	OPTION_DURATION,    /* microseconds */
	OPTION_THOUSANDTHS, /* "1.5" is 1500 */
	OPTION_LIST,	    /* repeated key; struct strings */
	OPTION_PAIRS,	    /* all keys of a free section; struct strings of NAME=value */
};

struct option {
	const char *section, *key; /* key is "*" for OPTION_PAIRS */
	enum option_type type;
	size_t offset;		  /* of the field in its base */
	enum section_base base;	  /* that of its section */
	const char *preset;	  /* the default as one writes it; NULL: nothing */
	const char *unset;	  /* numbers: the word that means CONFIG_UNSET, or NULL */
	const char *none;	  /* numbers: the word that means CONFIG_NONE, or NULL */
	uint64_t min, max;	  /* numbers */
	const char *const *words; /* OPTION_WORD: NULL-terminated */
	const char *const *later; /* words of the contract that this version does not have */
	bool (*valid)(const char *value);
	const char *(*near)(const char *value); /* "did you mean", of what is not valid; NULL: nobody knows */
	char *(*normal)(const char *value); /* how a valid value is stored; NULL: as written */
	const char *allowed;		    /* for messages and the man page */
	const char *help;
	bool built;
	bool secret; /* never shown in messages */
	bool live; /* may be applied to a running container */
	bool at_create; /* counts when the container is made: a later change has no effect */
};

const struct option *options_all(size_t *ret_n);
const struct section *sections_all(size_t *ret_n);

/* NULL: none. In a free section every key finds the section's one row. */
const struct option *option_find(const char *section, const char *key);
const struct section *section_find(const char *name);

/* "did you mean": the nearest built section, or built key of section; NULL: none is near. */
const char *section_nearest(const char *name);
const char *option_nearest(const char *section, const char *key);

/* [limits] or [network "eth0"], as it stands in a file. Caller frees. */
char *section_label(const struct section *section, const char *title);

/* "section.key", "section.title.key" or "section.NAME" (free section) taken apart. A '+' at the end
 * asks to append to a list. */
struct option_key {
	const struct section *section;
	const struct option *option;
	char *title; /* NULL: a plain section */
	char *name;  /* the key, or the free key */
	bool append;
};
#define OPTION_KEY_EMPTY        \
	{                       \
		.section = NULL \
	}

/* Unknown keys are refused with what is near; keys not in this version too unless any_version.
 * STATUS_USAGE. */
int option_key_parse(const char *text, bool any_version, struct option_key *ret, struct error *err);
void option_key_done(struct option_key *key);
/* For a command that takes several keys: is text the key of earlier again? As in a file a list appends then (1), and another
 * key is refused; 0: it is another key. network.dns is network.eth0.dns. STATUS_USAGE. */
int option_key_again(const char *text, const char *earlier, struct error *err);
#define auto_option_key __attribute__((cleanup(option_key_done)))

/* May value be given? For a list: one element. An empty value is always fine: it means the default.
 * Returns 0, or -EINVAL and *ret_why says what is wrong and what is allowed (caller frees). */
int option_check(const struct option *option, const char *value, char **ret_why);

/* Store a checked value; "" stores the default. For a list: append one element, "" empties it. */
void option_store(const struct option *option, void *base, const char *value);
void option_reset(const struct option *option, void *base);
/* Give back what the field owns. */
void option_release(const struct option *option, void *base);
/* The field as one would write it, exact: option_store() of it gives the same. Empty: nothing was
 * given and there is no default. Appends to ret. */
void option_values(const struct option *option, const void *base, struct strings *ret);
bool option_is_default(const struct option *option, const void *base);
void option_copy(const struct option *option, void *to, const void *from);

/* Make every field of base its default; *base may hold anything before, or for reset is all zero or initialised. Release
 * all of them. */
void options_init_base(enum section_base base, void *fields);
void options_reset_base(enum section_base base, void *fields);
void options_done_base(enum section_base base, void *fields);
void options_copy_base(enum section_base base, void *to, const void *from);

/* Replace or append NAME=value in a list of them. */
void pairs_set(struct strings *pairs, const char *name, const char *value);
/* NULL: not there. */
const char *pairs_get(const struct strings *pairs, const char *name);

#endif
