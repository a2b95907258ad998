/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/mount_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "config/checks.h"

enum type { BOTH, BIND, TMPFS };

static const struct {
	const char *word;
	unsigned int set, clear;
	enum type type;
} words[] = {
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, BOTH },
	{ "suid", 0, MOUNT_ATTR_NOSUID, BOTH },
	{ "nodev", MOUNT_ATTR_NODEV, 0, BOTH },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, BOTH },
	{ "exec", 0, MOUNT_ATTR_NOEXEC, BOTH },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, BOTH },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, BOTH },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, BOTH },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, BOTH },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, BOTH },
	{ "rbind", 0, 0, BIND },
	{ "norbind", 0, 0, BIND },
	{ "idmap", 0, 0, BIND },
	{ "noidmap", 0, 0, BIND },
};

static const char *const tmpfs_keys[] = { "size=", "nr_inodes=", "mode=", "uid=", "gid=" };

static bool take_word(const char *word, struct mount_options *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		ret->set = (ret->set & ~words[i].clear) | words[i].set;
		ret->clear = (ret->clear & ~words[i].set) | words[i].clear;
		ret->of_bind |= words[i].type == BIND;
		if (words[i].type == BIND && text_ends(word, "rbind"))
			ret->single = *word == 'n';
		if (words[i].type == BIND && text_ends(word, "idmap"))
			ret->noidmap = *word == 'n';
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tmpfs_keys); i++) {
		if (!text_starts(word, tmpfs_keys[i]) || !word[strlen(tmpfs_keys[i])])
			continue;
		ret->of_tmpfs = true;
		strings_add(&ret->data, word);
		return true;
	}
	return false;
}

bool mount_options_parse(const char *text, struct mount_options *ret)
{
	auto_strings struct strings list = STRINGS_EMPTY;

	*ret = (struct mount_options){ .set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };
	strings_split(&list, text ? text : "", ", ");
	for (size_t i = 0; i < list.n; i++) {
		if (!take_word(list.items[i], ret)) {
			mount_options_done(ret);
			return false;
		}
	}
	return true;
}

void mount_options_done(struct mount_options *options)
{
	strings_clear(&options->data);
}

bool check_mount_options(const char *s)
{
	auto_mount_options struct mount_options options = MOUNT_OPTIONS_EMPTY;

	return strlen(s) < 1024 && mount_options_parse(s, &options);
}

bool device_allow_parse(const char *text, char **ret_name, char **ret_rights)
{
	auto_strings struct strings list = STRINGS_EMPTY;
	const char *rights;

	strings_split(&list, text, " \t");
	if (list.n < 1 || list.n > 2 || !text_starts(list.items[0], "/dev/") || !check_directory(list.items[0]) ||
	    text_ends(list.items[0], "/") || strstr(list.items[0], "//") || strstr(list.items[0], "/."))
		return false;
	rights = list.n == 2 ? list.items[1] : "rwm";
	if (!*rights || strlen(rights) > 3 || rights[strspn(rights, "rwm")])
		return false;
	for (const char *p = rights; *p; p++)
		if (strchr(p + 1, *p))
			return false;
	*ret_name = xstrdup(list.items[0] + strlen("/dev/"));
	*ret_rights = xstrdup(rights);
	return true;
}

bool check_device_allow(const char *s)
{
	auto_free char *name = NULL, *rights = NULL;

	return device_allow_parse(s, &name, &rights);
}
