/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/account.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define FILE_BYTES (1 << 20)
#define LINE_BYTES 4096
#define FIELDS 7

/* One line cut at its colons. Returns the number of fields, 0 when the line is not to be used. */
static int cut_line(const char **at, char *line, char *fields[FIELDS])
{
	size_t len = strcspn(*at, "\n");
	int n = 1;

	if (len >= LINE_BYTES) {
		*at += len + ((*at)[len] == '\n');
		return 0;
	}
	memcpy(line, *at, len);
	line[len] = '\0';
	*at += len + ((*at)[len] == '\n');
	fields[0] = line;
	for (char *p = line; *p && n < FIELDS; p++) {
		if (*p == ':') {
			*p = '\0';
			fields[n++] = p + 1;
		}
	}
	return n;
}

static bool parse_id(const char *text, uint32_t *ret)
{
	return parse_u32(text, ret) == 0 && *ret != UINT32_MAX;
}

/* What looks like a number must be one in range, and nobody is called by nothing: the container's files do not decide
 * whom "4294967295", "-1" or "" means. */
static bool may_be_name(const char *text)
{
	return *text && !isdigit((unsigned char)*text) && *text != '-' && *text != '+';
}

static void put(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from);
}

/* 1: found. By name, or by number when wanted is one. */
static int find_user(const char *passwd, const char *wanted, struct account *ret)
{
	char line[LINE_BYTES], *f[FIELDS];
	uint32_t number;
	bool numeric = parse_id(wanted, &number);

	for (const char *at = passwd; at && *at;) {
		uint32_t uid, gid;

		if (cut_line(&at, line, f) != FIELDS || !parse_id(f[2], &uid) || !parse_id(f[3], &gid))
			continue;
		if (numeric ? uid != number : strcmp(f[0], wanted) != 0)
			continue;
		if (strlen(f[0]) >= sizeof(ret->name) || strlen(f[5]) >= sizeof(ret->home) ||
		    strlen(f[6]) >= sizeof(ret->shell))
			continue;
		ret->uid = uid;
		ret->gid = gid;
		put(ret->name, sizeof(ret->name), f[0]);
		put(ret->home, sizeof(ret->home), *f[5] == '/' ? f[5] : "/");
		put(ret->shell, sizeof(ret->shell), *f[6] == '/' ? f[6] : "/bin/sh");
		return 1;
	}
	return 0;
}

static bool is_member(char *members, const char *name)
{
	char *save;

	for (char *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (strcmp(m, name) == 0)
			return true;
	return false;
}

static void add_group(struct account *account, gid_t gid)
{
	for (int i = 0; i < account->n_groups; i++)
		if (account->groups[i] == gid)
			return;
	if (account->n_groups < MAX_GROUPS)
		account->groups[account->n_groups++] = gid;
}

static void find_groups(const char *group, struct account *account)
{
	char line[LINE_BYTES], *f[FIELDS];

	for (const char *at = group; at && *at;) {
		uint32_t gid;

		if (cut_line(&at, line, f) < 4 || !parse_id(f[2], &gid))
			continue;
		if (is_member(f[3], account->name))
			add_group(account, gid);
	}
}

static int find_group(const char *group, const char *wanted, gid_t *ret)
{
	char line[LINE_BYTES], *f[FIELDS];
	uint32_t gid;

	if (parse_id(wanted, &gid)) {
		*ret = gid;
		return 1;
	}
	for (const char *at = group; at && *at;) {
		if (cut_line(&at, line, f) < 3 || !parse_id(f[2], &gid) || strcmp(f[0], wanted) != 0)
			continue;
		*ret = gid;
		return 1;
	}
	return 0;
}

int account_parse(const char *spec, const char *passwd, const char *group, struct account *ret,
		  struct error *err)
{
	struct account account = { .home = "/", .shell = "/bin/sh" };
	auto_free char *user = xstrdup(spec);
	char *colon = strchr(user, ':');
	uint32_t number;

	if (colon)
		*colon++ = '\0';
	if ((!may_be_name(user) && !parse_id(user, &number)) ||
	    (colon && !may_be_name(colon) && !parse_id(colon, &number))) {
		fail_status(err, STATUS_USAGE, "\"%s\" is no user", spec);
		return error_hint(err, "USER or USER:GROUP, each a name or a number from 0 to 4294967294");
	}
	if (!find_user(passwd, user, &account)) {
		if (parse_id(user, &number)) {
			account.uid = number;
			account.gid = number;
			put(account.name, sizeof(account.name), user);
		} else if (strcmp(user, "root") == 0) {
			put(account.name, sizeof(account.name), "root");
			put(account.home, sizeof(account.home), "/root");
		} else {
			fail_status(err, STATUS_USAGE, "there is no user \"%s\" in the container", user);
			return error_hint(err, "a number works without a line in its /etc/passwd");
		}
	}
	add_group(&account, account.gid);
	if (colon) {
		if (!find_group(group, colon, &account.gid))
			return fail_status(err, STATUS_USAGE, "there is no group \"%s\" in the container", colon);
		account.groups[0] = account.gid;
	} else {
		find_groups(group, &account);
	}
	*ret = account;
	return 0;
}

/* The container may have put anything there: a FIFO, a device, a link to them, a file without end. */
static char *read_bounded(const char *path)
{
	/* a link may lead anywhere in the container, but through no descriptor of ours */
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = root < 0 ? -errno : open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES)
		return NULL;
	return read_fd(fd, FILE_BYTES, &text, NULL) == 0 ? text : NULL;
}

int account_find(const char *spec, struct account *ret, struct error *err)
{
	auto_free char *passwd = read_bounded("/etc/passwd");
	auto_free char *group = read_bounded("/etc/group");

	return account_parse(spec, passwd, group, ret, err);
}
