/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/host_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/process.h"

#define FILE_BYTES (64U << 10)
#define KEYS_BYTES (64U << 10)
#define LINE_BYTES 16384
#define KEY_FILES 64
#define TIMEOUT_MS 10000
#define KILL_TIMEOUT_MS 2000
#define GROUPS 1024
#define GETENT_NONE 2	/* its exit status */

/* How the child ends. */
enum { READ_ALL, READ_SOME, NOT_HE };

/* --- keys --- */

static size_t blanks(const char *s)
{
	return strspn(s, " \t");
}

static size_t word(const char *s)
{
	return strcspn(s, " \t");
}

/* Where the key itself begins, "AAAA...", if a type and a key stand here; NULL otherwise. A certificate is no key that
 * authorized_keys could have. */
static const char *key_at(const char *s, size_t *ret_len)
{
	static const char *const types[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-" };
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	auto_free char *type = xstrndup(s, word(s));
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known |= text_starts(type, types[i]);
	if (!known || strstr(type, "-cert-"))
		return NULL;
	s += word(s);
	s += blanks(s);
	*ret_len = word(s);
	return text_starts(s, "AAAA") && *ret_len >= 32 && strspn(s, base64) == *ret_len ? s : NULL;
}

/* What stands before the first blank that is in no quotes. */
static const char *behind_options(const char *s)
{
	bool quoted = false;

	for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '\\' && s[1] == '"')
			s++;
		else if (*s == '"')
			quoted = !quoted;
	}
	return s + blanks(s);
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return false;
	return true;
}

static bool has_key(const struct strings *keys, const char *key, size_t len)
{
	for (size_t i = 0; i < keys->n; i++) {
		const char *found = strstr(keys->items[i], "AAAA");

		for (; found; found = strstr(found + 1, "AAAA"))
			if (strncmp(found, key, len) == 0 && (!found[len] || found[len] == ' ' || found[len] == '\t'))
				return true;
	}
	return false;
}

void host_user_take_keys(const char *text, bool options, struct strings *keys)
{
	auto_strings struct strings lines = STRINGS_EMPTY;

	strings_split(&lines, text, "\r\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.items[i] + blanks(lines.items[i]), *key;
		size_t len;

		if (*line == '#' || strlen(line) > LINE_BYTES || !printable(line))
			continue;
		key = key_at(line, &len);
		if (!key && options)
			key = key_at(behind_options(line), &len);
		if (key && !has_key(keys, key, len))
			strings_add(keys, line);
	}
}

/* --- as the user himself --- */

static bool read_key_file(int dir, const char *name, bool options, struct strings *keys)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_fd(fd, FILE_BYTES, &text, NULL) < 0)
		return false;
	host_user_take_keys(text, options, keys);
	return true;
}

/* The public halves of his own keys first: where one of them stands in authorized_keys with restrictions, those are for
 * this host. */
static int read_keys(const char *home, struct strings *keys)
{
	auto_close int home_fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_strings struct strings names = STRINGS_EMPTY;
	int fd = openat(home_fd, ".ssh", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool all = true;

	while (dir && (entry = readdir(dir)) && names.n < KEY_FILES)
		if (text_ends(entry->d_name, ".pub"))
			strings_add(&names, entry->d_name);
	strings_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		all &= read_key_file(dirfd(dir), names.items[i], false, keys);
	if (dir)
		all &= read_key_file(dirfd(dir), "authorized_keys", true, keys);
	return all && names.n < KEY_FILES ? READ_ALL : READ_SOME;
}

/* The further groups: of "NAME GID GID ...", as getent gives them; a module of the name service may have said something, too. */
static size_t read_groups(const char *text, const char *name, gid_t *groups, size_t most)
{
	auto_strings struct strings lines = STRINGS_EMPTY;
	size_t n = 0;
	uint32_t gid;

	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, lines.items[i], " ");
		for (size_t k = 1; k < words.n && n < most && strcmp(words.items[0], name) == 0; k++)
			if (parse_u32(words.items[k], &gid) == 0)
				groups[n++] = gid;
	}
	return n;
}

__attribute__((noreturn)) static void child_main(const struct passwd *pw, const char *groups_text, int fd)
{
	gid_t groups[GROUPS];
	size_t n_groups = read_groups(groups_text, pw->pw_name, groups, GROUPS);
	auto_strings struct strings keys = STRINGS_EMPTY;
	size_t bytes = 0;
	int status;

	signals_reset();
	if (setgroups(n_groups, groups) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		_exit(NOT_HE);
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* changing ids forgets it */
	status = read_keys(pw->pw_dir, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		size_t n = strlen(keys.items[i]);

		bytes += n + 1;
		if (bytes > KEYS_BYTES)
			_exit(READ_SOME);
		if (write_all(fd, keys.items[i], n) < 0 || write_all(fd, "\n", 1) < 0)
			_exit(READ_SOME);
	}
	_exit(status);
}

/* Until the end of the pipe, or of the time: a home may be on a file system that does not answer. */
static int collect(int fd, struct text *ret)
{
	uint64_t end = now_usec() + TIMEOUT_MS * 1000ULL;
	char buf[4096];

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		uint64_t now = now_usec();
		ssize_t n;

		if (now >= end)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, (int)((end - now) / 1000) + 1) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			text_append(ret, buf, (size_t)n);
		if (ret->len > KEYS_BYTES + LINE_BYTES)
			return -EFBIG;
	}
}

static int fetch_keys(const struct passwd *pw, const char *groups, struct host_user *user, struct error *err)
{
	auto_close int reader = -1, writer = -1;
	auto_text struct text text = TEXT_EMPTY;
	int fds[2], status = 0, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	reader = fds[0];
	writer = fds[1];
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "fork");
	if (pid == 0)
		child_main(pw, groups, writer);
	close_fd(&writer);
	r = collect(reader, &text);
	if (r < 0)
		kill(pid, SIGKILL);	/* our child, not reaped yet */
	if (!child_wait(pid, KILL_TIMEOUT_MS, &status) && r == 0)
		r = -ETIMEDOUT;
	if (r < 0)
		return fail(err, -r, "read the ssh keys of %s in %s/.ssh", pw->pw_name, pw->pw_dir);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == NOT_HE)
		return fail(err, 0, "become %s to read his ssh keys", pw->pw_name);
	user->left_out = WEXITSTATUS(status) == READ_SOME;
	user->keys = xstrdup(text.data ? text.data : "");
	return 0;
}

/* --- who he is --- */

int host_user_ask(const char *database, const char *key, char **ret, struct error *err)
{
	const char *argv[] = { "getent", database, key, NULL };
	auto_free char *output = NULL, *shown = text_printable(key);
	struct tool_run run = { .argv = argv, .ret_output = &output, .keep_fd = -1, .timeout_ms = TIMEOUT_MS };
	int r = tool_run(&run, err);

	*ret = NULL;
	if (r == GETENT_NONE)
		return 0;
	if (r < 0)
		return error_prefix(err, "look for \"%s\" in %s", shown, database);
	if (r > 0) {
		output[strcspn(output, "\n")] = '\0';
		return fail(err, 0, "look for \"%s\" in %s: getent ended with status %d: %s", shown, database, r, output);
	}
	*ret = take_ptr(&output);
	return 0;
}

/* *ret until the next call, NULL: there is none. A number would be an id, and getent takes blanks and signs for parts of one; what
 * begins with "-" would be an option. */
static int find_user(const char *name, const struct passwd **ret, struct error *err)
{
	auto_free char *said = NULL;
	FILE *file;

	*ret = NULL;
	if (*name == '-' || !name[strspn(name, " \t\n\v\f\r+0123456789-")])
		return 0;
	if (host_user_ask("passwd", name, &said, err) < 0)
		return -err->code;
	file = text_empty(said) ? NULL : fmemopen(said, strlen(said), "r");	/* what is no line of an account is passed over */
	if (!file)
		return 0;
	*ret = fgetpwent(file);
	fclose(file);
	return 0;
}

static const struct group *find_group(gid_t gid)
{
	auto_free char *number = xasprintf("%u", gid), *said = NULL;
	struct error ignored = ERROR_NONE;
	FILE *file = host_user_ask("group", number, &said, &ignored) == 0 && !text_empty(said) ? fmemopen(said, strlen(said), "r") : NULL;
	const struct group *group = file ? fgetgrent(file) : NULL;

	if (file)
		fclose(file);
	return group;
}

/* What useradd takes, tools of all distributions know, and no file with colons or blanks chokes on. */
static bool name_usable(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";

	return *name && strchr(letters, *name) && strlen(name) <= 32 && !name[strspn(name, rest)];
}

static int check(const char *name, const struct passwd *pw, struct error *err)
{
	const char *base = pw && pw->pw_shell ? strrchr(pw->pw_shell, '/') : NULL;
	auto_free char *shown = text_printable(name);

	if (!pw) {
		fail_status(err, STATUS_USAGE, "--user: this host has no user \"%s\"", shown);
		return error_hint(err, "it makes inside who is here already: getent passwd lists them");
	}
	if (pw->pw_uid == 0) {
		fail_status(err, STATUS_USAGE, "--user: \"%s\" is root, who is in every container", shown);
		return error_hint(err, "leave it out: sysct attach enters as root");
	}
	if (!name_usable(pw->pw_name)) {
		fail_status(err, STATUS_USAGE, "--user: \"%s\" cannot be a user's name inside", shown);
		return error_hint(err, "32 letters, digits, \"_\", \".\" and \"-\", a letter or \"_\" first");
	}
	if (base && (strcmp(base, "/nologin") == 0 || strcmp(base, "/false") == 0)) {
		fail_status(err, STATUS_USAGE, "--user: \"%s\" cannot log in on this host (%s)", shown,
			    pw->pw_shell);
		return error_hint(err, "name a person's account, such as your own");
	}
	return 0;
}

/* For people alone, one field of /etc/passwd: no colon, no control character. */
static char *clean_gecos(const char *gecos)
{
	auto_free char *text = xstrndup(gecos ? gecos : "", 255);

	if (!printable(text) || strpbrk(text, ":\t"))
		*text = '\0';
	return take_ptr(&text);
}

int host_user_find(const char *name, struct host_user *ret, struct error *err)
{
	struct host_user user = HOST_USER_EMPTY;
	auto_free char *groups = NULL;
	const struct passwd *pw;
	const struct group *group;
	int r;

	if (find_user(name, &pw, err) < 0 || check(name, pw, err) < 0)
		return -err->code;
	user.name = xstrdup(pw->pw_name);
	user.uid = pw->pw_uid;
	user.gid = pw->pw_gid;
	user.gecos = clean_gecos(pw->pw_gecos);
	user.shell = xstrdup(pw->pw_shell ? pw->pw_shell : "");
	if (!printable(user.shell) || strpbrk(user.shell, ":\t"))
		*user.shell = '\0';
	group = find_group(pw->pw_gid);
	user.group = xstrdup(group && name_usable(group->gr_name) ? group->gr_name : pw->pw_name);
	/* not every getent knows them; without, what only they may read is not read */
	r = host_user_ask("initgroups", pw->pw_name, &groups, err);
	if (r < 0 && r != -EINTR)
		*err = (struct error)ERROR_NONE;
	if (r == -EINTR || fetch_keys(pw, groups ? groups : "", &user, err) < 0) {
		host_user_done(&user);
		return -err->code;
	}
	*ret = user;
	return 0;
}

void host_user_done(struct host_user *user)
{
	free(user->name);
	free(user->group);
	free(user->gecos);
	free(user->shell);
	free(user->keys);
	*user = (struct host_user)HOST_USER_EMPTY;
}
