/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Three texts with a NUL between them, as USER[:GROUP], passwd and group: an error with a message, or ids that are
 * exactly those of the number that was asked for or of a line that is there. Built with -fsanitize=fuzzer, or with
 * standalone/main.c to run files of the corpus. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "runtime/account.h"
#include "fuzz.h"

/* A number as hardening wants it: decimal, below 4294967295. */
static bool is_number(const char *text, size_t n, uint32_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)value;
	return n > 0 && value < UINT32_MAX;
}

/* Whether a line has "NAME:...:ID:". */
static bool line_says(const char *text, const char *name, size_t n, uint32_t id)
{
	for (const char *at = text; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *password, *number;
		uint32_t value;

		if (strncmp(at, name, n) != 0 || at[n] != ':')
			continue;
		password = at + n + 1;
		number = password + strcspn(password, ":\n");
		if (*number++ != ':')
			continue;
		if (is_number(number, strcspn(number, ":\n"), &value) && value == id)
			return true;
	}
	return false;
}

static void check(const struct account *account, const char *spec, const char *passwd, const char *group)
{
	const char *colon = strchr(spec, ':');
	size_t n = colon ? (size_t)(colon - spec) : strlen(spec);
	uint32_t number;

	require(account->uid != UINT32_MAX && account->gid != UINT32_MAX, "an id that means none", spec);
	require(memchr(account->name, '\0', sizeof(account->name)) && memchr(account->home, '\0', sizeof(account->home)) &&
			memchr(account->shell, '\0', sizeof(account->shell)),
		"a field has no end", spec);
	require(!strpbrk(account->name, ":\n") && !strpbrk(account->home, ":\n") && !strchr(account->shell, '\n'),
		"a field that is more than one", spec);
	require(*account->home == '/' && *account->shell == '/', "no absolute path", spec);
	require(account->n_groups >= 1 && account->n_groups <= MAX_GROUPS, "number of groups", spec);
	for (int i = 0; i < account->n_groups; i++)
		require(account->groups[i] != UINT32_MAX, "a group that means none", spec);
	if (is_number(spec, n, &number))
		require(account->uid == number, "another user than the number", spec);
	else if (!line_says(passwd, spec, n, account->uid))
		require(n == 4 && strncmp(spec, "root", 4) == 0 && account->uid == 0, "a user of no line", spec);
	if (!colon)
		return;
	require(account->n_groups == 1 && account->groups[0] == account->gid, "more groups than the given", spec);
	if (is_number(colon + 1, strlen(colon + 1), &number))
		require(account->gid == number, "another group than the number", spec);
	else
		require(line_says(group, colon + 1, strlen(colon + 1), account->gid), "a group of no line", spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *spec = xstrndup((const char *)data, size), *passwd = NULL, *group = NULL;
	struct account account = { .uid = 4711 };
	struct error err = ERROR_NONE;
	size_t at = strlen(spec) + 1;

	if (at <= size)
		passwd = xstrndup((const char *)data + at, size - at);
	at += passwd ? strlen(passwd) + 1 : 0;
	if (passwd && at <= size)
		group = xstrndup((const char *)data + at, size - at);
	if (account_parse(spec, passwd, group, &account, &err) == 0) {
		check(&account, spec, passwd, group);
	} else {
		require(err.code > 0 && err.message[0] && err.status == STATUS_USAGE, "no message", spec);
		require(account.uid == 4711 && account.n_groups == 0, "refused, and yet changed", spec);
	}
	return 0;
}
