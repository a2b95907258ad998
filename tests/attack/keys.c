/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyrings, which have no namespace of their own: they belong to uids and to sessions. */
#include "attack.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The host's root has put a key into the keyring of its uid. */
static void find_key(const void *arg)
{
	static const long rings[] = { KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING, KEY_SPEC_SESSION_KEYRING };
	const char *mark = fact("key"), *keys;
	char secret[64];

	(void)arg;
	if (!mark || !*mark)
		skip("needs a key of the host");
	for (size_t i = 0; i < COUNT(rings); i++) {
		long id = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", mark, 0);

		if (id < 0)
			continue;
		if (syscall(SYS_keyctl, KEYCTL_READ, id, secret, sizeof(secret)) > 0)
			breach("the host's key can be read");
		breach("the host's key is found");
	}
	keys = slurp("/proc/keys");
	if (keys && strstr(keys, mark))
		breach("the host's key is in /proc/keys");
	pass("no key of the host");
}

/* The session of whoever attaches: what is in it would be that person's. */
static void session(const void *arg)
{
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	char text[200];
	long n;

	(void)arg;
	if (id < 0)
		pass("no session keyring: %s", errno_name(errno));
	n = syscall(SYS_keyctl, KEYCTL_READ, id, text, sizeof(text));
	if (n > 0)
		breach("the session keyring holds %ld keys", n / 4);
	pass("the session keyring is empty");
}

/* session MARK COMMAND...: in a session of its own, with a key in its keyring. */
int session_main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: inside session MARK COMMAND...\n");
		return 2;
	}
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", argv[1], "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("session");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}

static const struct check items[] = {
	{ "C6-canary", find_key, NULL },
	{ "C6-session", session, NULL },
};
const struct checks key_checks = CHECKS(items);
