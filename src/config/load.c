/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "config/config.h"
#include "config/ini.h"
#include "config/parse.h"
#include "config/source.h"

int config_parse_text(const char *text, size_t len, const char *shown_path,
		      struct container_config *config, struct host_config *host, struct error *err)
{
	struct container_config new_config = { 0 };
	struct host_config new_host = { 0 };
	int r;

	if (len > CONFIG_BYTES)
		return fail_status(err, STATUS_USAGE, "%s: larger than 1 MiB", shown_path);
	if (config)
		config_copy(&new_config, config);
	else
		config_init(&new_config);
	if (host)
		host_config_copy(&new_host, host);
	r = config_parse(text, len, shown_path, &new_config, host ? &new_host : NULL, err);
	if (r >= 0 && config) {
		new_config.source = config->source;
		config_source_add(&new_config.source, text, len);
		config_done(config);
		*config = new_config;
	} else {
		config_done(&new_config);
	}
	if (r >= 0 && host) {
		host_config_done(host);
		*host = new_host;
	} else {
		host_config_done(&new_host);
	}
	return r;
}

/* Defaults for all containers are in a file that everybody may read. */
static int check_secrets(const char *path, const struct container_config *defaults, struct error *err)
{
	struct stat st;

	if (!defaults || !defaults->credentials.n || stat(path, &st) < 0 || !(st.st_mode & (S_IRGRP | S_IROTH)))
		return 0;
	fail_status(err, STATUS_USAGE, "%s: has [credentials], and may be read by others than its owner (mode %04o)", path,
		    st.st_mode & 07777);
	return error_hint(err, "chmod go-r %s", path);
}

int config_load_host(const char *path, bool optional, struct host_config *host,
		     struct container_config *defaults, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int r = optional ? config_read_optional(AT_FDCWD, path, &text, &len, err) :
			   config_read(AT_FDCWD, path, path, &text, &len, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = config_parse_text(text, len, path, defaults, host, err);
	return r < 0 ? r : check_secrets(path, defaults, err);
}

int config_load(int dirfd, const char *name, const char *shown_path,
		struct container_config *config, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int r = config_read(dirfd, name, shown_path, &text, &len, err);

	if (r < 0)
		return r;
	return config_parse_text(text, len, shown_path, config, NULL, err);
}

/* --- many files that are much the same --- */

/* Of bytes that stand for nothing else: others may be an error, in a comment too. */
static bool is_plain_comment(const char *line, size_t len)
{
	size_t indent = 0;

	while (indent < len && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	if (indent == len || (line[indent] != '#' && line[indent] != ';'))
		return false;
	for (size_t i = indent; i < len; i++)
		if ((line[i] < ' ' || line[i] > '~') && line[i] != '\t')
			return false;
	return true;
}

/* What the settings hang on. Caller frees. */
static char *without_comments(const char *text, size_t len, size_t *ret_len)
{
	char *ret = xmalloc(len + 1), *end = ret;
	const char *line;
	size_t n;

	while (ini_next(&text, &len, &line, &n)) {
		if (is_plain_comment(line, n))
			continue;
		/* with its own end: "\r\n" may be another thing than "\n" to who reads it */
		n = (size_t)(text - line);
		memcpy(end, line, n);
		end += n;
	}
	*ret_len = (size_t)(end - ret);
	return ret;
}

static const struct container_config *memo_find(const struct config_memo *memo, const char *text, size_t len)
{
	for (size_t i = 0; i < CONFIG_MEMO_FILES; i++)
		if (memo->files[i].text && memo->files[i].len == len && memcmp(memo->files[i].text, text, len) == 0)
			return &memo->files[i].config;
	return NULL;
}

static void memo_keep(struct config_memo *memo, char *text, size_t len, const struct container_config *config)
{
	size_t i = memo->next;

	free(memo->files[i].text);
	memo->files[i].text = text;
	memo->files[i].len = len;
	config_copy(&memo->files[i].config, config);
	memo->next = (i + 1) % CONFIG_MEMO_FILES;
}

int config_load_memo(int dirfd, const char *name, const char *shown_path, struct config_memo *memo,
		     struct container_config *config, struct error *err)
{
	auto_free char *text = NULL, *bare = NULL;
	const struct container_config *before;
	struct hash source;
	size_t len, bare_len;
	bool marked;
	int r = config_read(dirfd, name, shown_path, &text, &len, err);

	if (r < 0)
		return r;
	bare = without_comments(text, len, &bare_len);
	marked = ini_mark(bare, bare_len) > 0;	/* which is right in the first line alone, and that may have been a comment */
	before = marked ? NULL : memo_find(memo, bare, bare_len);
	if (!before) {
		r = config_parse_text(text, len, shown_path, config, NULL, err);
		if (r >= 0 && !marked)
			memo_keep(memo, take_ptr(&bare), bare_len, config);
		return r;
	}
	config_source_add(&config->source, text, len);
	source = config->source;
	config_copy(config, before);
	config->source = source;
	return 0;
}

void config_memo_done(struct config_memo *memo)
{
	for (size_t i = 0; i < CONFIG_MEMO_FILES; i++) {
		if (!memo->files[i].text)
			continue;
		free(memo->files[i].text);
		config_done(&memo->files[i].config);
	}
	*memo = (struct config_memo)CONFIG_MEMO_EMPTY;
}
