/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/guest_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "store/guest.h"

#define FIRST_ID 1000	/* of people; those below are the system's */
#define LAST_ID 59999
#define SKEL_DEPTH 8
#define SKEL_FILES 1000
#define SKEL_BYTES (16U << 20)

struct making {
	int root;
	const struct guest_user *what;
	struct guest_user_made *made;
	char *passwd, *groups;	/* the files' texts, as they were */
	uid_t uid;
	gid_t gid;
	char *home;		/* absolute */
	bool adopted;
};

__attribute__((format(printf, 2, 3))) static void note(struct making *m, const char *format, ...)
{
	char *notes = m->made->notes;
	size_t n = strlen(notes), room = sizeof(m->made->notes);
	va_list list;
	int r;

	va_start(list, format);
	r = vsnprintf(notes + n, room - n, format, list);
	va_end(list);
	if (r < 0 || (size_t)r + 1 >= room - n)
		notes[n] = '\0';	/* whole lines alone */
	else
		strcat(notes, "\n");
}

/* --- lines with colons --- */

#define MOST_PATH 511	/* of a home or a shell, as attach knows them */

static char *field(const char *line, int column)
{
	while (column-- > 0) {
		line += strcspn(line, ":");
		if (*line++ != ':')
			return NULL;
	}
	return xstrndup(line, strcspn(line, ":"));
}

/* The first line whose column says value; NULL: none. Caller frees. */
static char *find_line(const char *text, int column, const char *value)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		auto_free char *line = xstrndup(at, strcspn(at, "\n"));
		auto_free char *found = field(line, column);

		if (found && strcmp(found, value) == 0)
			return take_ptr(&line);
	}
	return NULL;
}

static int id_field(const char *line, int column, const char *file, uint32_t *ret, struct error *err)
{
	auto_free char *text = field(line, column);

	if (text && parse_u32(text, ret) == 0 && *ret != UINT32_MAX)
		return 0;
	return fail(err, EINVAL, "read the line of that name in %s of the rootfs", file);
}

static char *id_owner(const char *text, uint32_t id)
{
	char number[16];
	auto_free char *line = NULL;

	snprintf(number, sizeof(number), "%u", id);
	line = find_line(text, 2, number);
	return line ? field(line, 0) : NULL;
}

static int append_line(struct making *m, const char *name, const char *text, const char *line, struct error *err)
{
	size_t n = strlen(text);
	auto_free char *whole = xasprintf("%s%s%s\n", text, n && text[n - 1] != '\n' ? "\n" : "", line);

	return guest_rewrite(m->root, "etc", name, whole, err);
}

/* A file that a system may do without. */
static int append_if_there(struct making *m, const char *name, const char *line, struct error *err)
{
	auto_free char *path = xasprintf("etc/%s", name), *text = NULL;
	int r = guest_read(m->root, path, &text);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? fail(err, -r, "read /%s in the rootfs", path) : append_line(m, name, text, line, err);
}

/* --- ids --- */

static bool id_usable(const struct making *m, uint32_t id)
{
	return !m->what->ids || id < m->what->ids;
}

static int free_id(const struct making *m, uint32_t *ret, struct error *err)
{
	for (uint32_t id = FIRST_ID; id <= LAST_ID && id_usable(m, id); id++) {
		auto_free char *user = id_owner(m->passwd, id), *group = id_owner(m->groups, id);

		if (!user && !group) {
			*ret = id;
			return 0;
		}
	}
	fail(err, 0, "there is no free id from %d to %d in the container", FIRST_ID, LAST_ID);
	return error_hint(err, "does security.idmap give it so many?");
}

/* The id that is wanted, or a free one and a line that says so. */
static int choose_id(struct making *m, const char *which, const char *name, uint32_t wanted, const char *text,
		     uint32_t *ret, struct error *err)
{
	auto_free char *owner = id_owner(text, wanted);

	if (!owner && id_usable(m, wanted)) {
		*ret = wanted;
		return 0;
	}
	if (free_id(m, ret, err) < 0)
		return -err->code;
	if (owner)
		note(m, "%s has %s %u in the container: %u is that of %s there", name, which, *ret, wanted, owner);
	else
		note(m, "%s has %s %u in the container, which has ids from 0 to %u alone", name, which, *ret,
		     m->what->ids - 1);
	return 0;
}

static int make_group(struct making *m, struct error *err)
{
	const struct guest_user *what = m->what;
	auto_free char *line = find_line(m->groups, 0, what->group), *shadow = NULL;
	uint32_t gid;

	if (line) {
		if (id_field(line, 2, "/etc/group", &gid, err) < 0)
			return -err->code;
		if (gid != what->gid)
			note(m, "the group %s has gid %u in the container", what->group, gid);
		m->gid = gid;
		return 0;
	}
	/* where a private group's number is free for both, user and group have the same */
	if (what->gid == what->uid && m->uid != what->uid) {
		auto_free char *owner = id_owner(m->groups, m->uid);

		gid = m->uid;
		if (owner && choose_id(m, "gid", what->group, what->gid, m->groups, &gid, err) < 0)
			return -err->code;
	} else if (choose_id(m, "gid", what->group, what->gid, m->groups, &gid, err) < 0) {
		return -err->code;
	}
	m->gid = gid;
	line = xasprintf("%s:x:%u:", what->group, gid);
	shadow = xasprintf("%s:!::", what->group);
	if (append_line(m, "group", m->groups, line, err) < 0)
		return -err->code;
	return append_if_there(m, "gshadow", shadow, err);
}

/* --- the account --- */

/* Not "!": sshd without PAM takes that for an account that nobody may enter, by key neither. */
static int unlock(struct making *m, struct error *err)
{
	auto_free char *text = NULL, *line = NULL, *password = NULL, *changed = NULL;
	const char *at;
	size_t n = strlen(m->what->name) + 1;

	if (guest_read(m->root, "etc/shadow", &text) < 0)
		return 0;
	line = find_line(text, 0, m->what->name);
	password = line ? field(line, 1) : NULL;
	if (!password || !*password || password[strspn(password, "!")])
		return 0;
	at = strstr(text, line);	/* a line is found at its beginning or not at all: look from line to line */
	while (at && at != text && at[-1] != '\n')
		at = strstr(at + 1, line);
	if (!at)
		return 0;
	changed = xasprintf("%.*s*%s", (int)(at - text + (ssize_t)n), text, at + n + strlen(password));
	return guest_rewrite(m->root, "etc", "shadow", changed, err);
}

static int adopt(struct making *m, const char *line, struct error *err)
{
	const char *name = m->what->name;
	auto_free char *home = field(line, 5), *shell = field(line, 6);

	/* nobody could be entered as that user later */
	if (!home || !shell || strlen(home) > MOST_PATH || strlen(shell) > MOST_PATH) {
		fail(err, 0, "--user %s: his line in the container's /etc/passwd is damaged", name);
		return error_hint(err, "leave --user out, and mend it inside");
	}
	if (id_field(line, 2, "/etc/passwd", &m->uid, err) < 0 || id_field(line, 3, "/etc/passwd", &m->gid, err) < 0)
		return -err->code;
	if (m->uid == 0 || (m->uid < FIRST_ID && m->uid != m->what->uid)) {
		fail_status(err, STATUS_USAGE, "--user %s: in the container that is an account of the system (uid %u)",
			    name, m->uid);
		return error_hint(err, "leave --user out, and make a user of another name inside");
	}
	if (m->what->ids && (m->uid >= m->what->ids || m->gid >= m->what->ids)) {
		fail_status(err, STATUS_USAGE, "--user %s: in the container that account has uid %u and gid %u, and the container has "
			    "ids below %u alone", name, m->uid, m->gid, m->what->ids);
		return error_hint(err, "leave --user out, or give the container more ids: security.idmap");
	}
	m->adopted = true;
	m->home = take_ptr(&home);
	if (m->uid != m->what->uid)
		note(m, "%s is there already, with uid %u", name, m->uid);
	return unlock(m, err);
}

static char *choose_shell(struct making *m)
{
	static const char *const others[] = { "/bin/bash", "/bin/sh" };
	const char *wanted = m->what->shell;

	if (!text_empty(wanted) && *wanted == '/' && guest_can_run(m->root, wanted))
		return xstrdup(wanted);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!guest_can_run(m->root, others[i]))
			continue;
		if (!text_empty(wanted))
			note(m, "the shell of %s is %s in the container, which has no %s", m->what->name, others[i],
			     wanted);
		return xstrdup(others[i]);
	}
	return xstrdup("/bin/sh");
}

static int add(struct making *m, struct error *err)
{
	const struct guest_user *what = m->what;
	bool shadowed = guest_exists(m->root, "etc/shadow");
	auto_free char *shell = choose_shell(m), *line = NULL, *shadow = NULL;

	if (choose_id(m, "uid", what->name, what->uid, m->passwd, &m->uid, err) < 0 || make_group(m, err) < 0)
		return -err->code;
	m->home = xasprintf("/home/%s", what->name);
	line = xasprintf("%s:%s:%u:%u:%s:%s:%s", what->name, shadowed ? "x" : "*", m->uid, m->gid,
			 what->gecos ? what->gecos : "", m->home, shell);
	shadow = xasprintf("%s:*:%lld:0:99999:7:::", what->name, (long long)(time(NULL) / 86400));
	if (append_line(m, "passwd", m->passwd, line, err) < 0)
		return -err->code;
	return append_if_there(m, "shadow", shadow, err);
}

static int read_files(struct making *m, struct error *err)
{
	int r = guest_read(m->root, "etc/passwd", &m->passwd);

	if (r < 0) {
		fail(err, -r, "--user %s: read /etc/passwd in the rootfs", m->what->name);
		return error_hint(err, "what has no users gets none: leave --user out");
	}
	r = guest_read(m->root, "etc/group", &m->groups);
	if (r == -ENOENT) {
		m->groups = xstrdup("");
		return guest_put_file(m->root, "etc", "group", 0644, "", err);
	}
	return r < 0 ? fail(err, -r, "read /etc/group in the rootfs") : 0;
}

static int make_account(struct making *m, struct error *err)
{
	auto_free char *line = NULL;

	if (read_files(m, err) < 0)
		return -err->code;
	line = find_line(m->passwd, 0, m->what->name);
	return line ? adopt(m, line, err) : add(m, err);
}

/* --- the home --- */

struct skel {
	uid_t uid;
	gid_t gid;
	unsigned int files;
	size_t bytes;
};

static int copy_dir(struct skel *skel, int from, int to, int depth);

static int copy_data(struct skel *skel, int from, int to)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		int r = n < 0 ? -errno : write_all(to, buf, (size_t)n);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return r;
		skel->bytes += (size_t)n;
		if (skel->bytes > SKEL_BYTES)
			return -EFBIG;
	}
	return 0;
}

static int copy_link(struct skel *skel, int from, int to, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 || fchownat(to, name, skel->uid, skel->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* What is neither file, directory nor link is nothing that a home is made of. */
static int copy_entry(struct skel *skel, int from, int to, const char *name, int depth)
{
	auto_close int in = -1, out = -1;
	struct stat st;
	int r;

	if (++skel->files > SKEL_FILES)
		return -EFBIG;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return copy_link(skel, from, to, name);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to, name, 0700) < 0)
			return -errno;
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = out < 0 ? -errno : copy_dir(skel, in, out, depth + 1);
	} else {
		out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = out < 0 ? -errno : copy_data(skel, in, out);
	}
	if (r == 0 && (fchown(out, skel->uid, skel->gid) < 0 || fchmod(out, st.st_mode & 0777) < 0))
		r = -errno;
	return r;
}

static int copy_dir(struct skel *skel, int from, int to, int depth)
{
	auto_close int fd = fcntl(from, F_DUPFD_CLOEXEC, 3);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	take_fd(&fd);
	if (depth > SKEL_DEPTH)
		return -ELOOP;
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = copy_entry(skel, from, to, entry->d_name, depth);
	return r;
}

static int fill_home(struct making *m, int home, struct error *err)
{
	struct skel skel = { .uid = m->uid, .gid = m->gid };
	auto_close int from = open_in_root(m->root, "etc/skel", O_RDONLY | O_DIRECTORY, 0);
	int r = from < 0 ? 0 : copy_dir(&skel, from, home, 0);

	return r < 0 ? fail(err, -r, "copy /etc/skel to %s in the rootfs", m->home) : 0;
}

/* Its own directory, or whatever leads to one: made when it is not there. Returns a descriptor. */
static int open_home(struct making *m, struct error *err)
{
	auto_free char *above = xstrndup(m->home, (size_t)(strrchr(m->home, '/') - m->home));
	auto_close int above_fd = -1, home = -1;
	bool fresh;
	int r = guest_make_dirs(m->root, above);

	if (r == 0)
		r = above_fd = open_in_root(m->root, *above ? above : "/", O_RDONLY | O_DIRECTORY, 0);
	if (r < 0)
		return fail(err, -r, "make %s in the rootfs", m->home);
	fresh = mkdirat(above_fd, strrchr(m->home, '/') + 1, 0700) == 0;
	if (!fresh && errno != EEXIST)
		return fail(err, errno, "make %s in the rootfs", m->home);
	home = open_in_root(m->root, m->home, O_RDONLY | O_DIRECTORY, 0);
	if (home < 0)
		return fail(err, -home, "open %s in the rootfs", m->home);
	if (!fresh && !m->adopted)
		note(m, "%s is there already in the container; what is in it stays", m->home);
	if (fresh && fill_home(m, home, err) < 0)
		return -err->code;
	if ((fresh || !m->adopted) && (fchown(home, m->uid, m->gid) < 0 || (fresh && fchmod(home, 0700) < 0)))
		return fail(err, errno, "give %s in the rootfs to %s", m->home, m->what->name);
	return take_fd(&home);
}

/* --- the keys --- */

static int read_at(int dir, const char *name, char **ret)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	return read_fd(fd, GUEST_BYTES, ret, NULL);
}

static int write_keys(const struct making *m, int ssh)
{
	static const char name[] = "authorized_keys";
	auto_strings struct strings before = STRINGS_EMPTY, keys = STRINGS_EMPTY;
	auto_free char *old = NULL, *text = NULL;
	auto_close int fd = -1;
	int r = read_at(ssh, name, &old);

	if (r < 0)
		return r;
	strings_split(&before, old ? old : "", "\n");
	strings_split(&keys, m->what->keys, "\n");
	for (size_t i = 0; i < keys.n; i++)
		if (!strings_has(&before, keys.items[i]))
			strings_add(&before, keys.items[i]);
	text = strings_join(&before, "\n");
	if (unlinkat(ssh, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(ssh, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0)
		r = write_all(fd, "\n", 1);
	return r < 0 ? r : fchown(fd, m->uid, m->gid) < 0 ? -errno : 0;
}

static int put_keys(struct making *m, int home, struct error *err)
{
	auto_close int ssh = -1;
	bool fresh;
	int r = 0;

	if (text_empty(m->what->keys))
		return 0;
	fresh = mkdirat(home, ".ssh", 0700) == 0;
	if (!fresh && errno != EEXIST)
		r = -errno;
	if (r == 0) {
		ssh = openat(home, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = ssh < 0 ? -errno : 0;
	}
	if (r == 0 && fresh && (fchown(ssh, m->uid, m->gid) < 0 || fchmod(ssh, 0700) < 0))
		r = -errno;
	if (r == 0)
		r = write_keys(m, ssh);
	return r < 0 ? fail(err, -r, "write %s/.ssh/authorized_keys in the rootfs", m->home) : 0;
}

static int make_home(struct making *m, struct error *err)
{
	auto_close int home = -1;

	if (text_empty(m->home) || *m->home != '/' || !m->home[1] || text_ends(m->home, "/")) {
		note(m, "the home of %s in the container is \"%s\"; no keys are put there", m->what->name,
		     m->home ? m->home : "");
		return 0;
	}
	home = open_home(m, err);
	return home < 0 ? home : put_keys(m, home, err);
}

/* --- what needs packages --- */

static bool has_program(const struct making *m, const char *name)
{
	static const char *const dirs[] = { "usr/sbin", "usr/bin", "sbin", "bin", "usr/local/sbin", "usr/local/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_free char *path = xasprintf("%s/%s", dirs[i], name);

		if (guest_can_run(m->root, path))
			return true;
	}
	return false;
}

/* In quotes a name is never taken for a word or an alias of the language. */
static int allow_sudo(struct making *m, struct error *err)
{
	auto_free char *rule = xasprintf("\"%s\" ALL=(ALL:ALL) NOPASSWD: ALL\n", m->what->name), *text = NULL;
	int r = guest_make_dirs(m->root, "etc/sudoers.d");

	if (r < 0)
		return fail(err, -r, "make /etc/sudoers.d in the rootfs");
	if (guest_read(m->root, "etc/sudoers", &text) < 0 || !strstr(text, "includedir /etc/sudoers.d"))
		note(m, "the /etc/sudoers of the container does not include /etc/sudoers.d: sudo will not know %s",
		     m->what->name);
	return guest_put_file(m->root, "etc/sudoers.d", "sysct-user", 0440, rule, err);
}

/* Where there is a directory for it (Alpine) it is read, elsewhere there is the one file. */
static int allow_doas(struct making *m, struct error *err)
{
	auto_free char *rule = xasprintf("permit nopass \"%s\"\n", m->what->name), *text = NULL, *whole = NULL;
	int r;

	if (guest_exists(m->root, "etc/doas.d"))
		return guest_put_file(m->root, "etc/doas.d", "sysct-user.conf", 0440, rule, err);
	r = guest_read(m->root, "etc/doas.conf", &text);
	if (r == -ENOENT)
		return guest_put_file(m->root, "etc", "doas.conf", 0440, rule, err);
	if (r < 0)
		return fail(err, -r, "read /etc/doas.conf in the rootfs");
	whole = xasprintf("%s\n%s", text, rule);
	return guest_rewrite(m->root, "etc", "doas.conf", whole, err);
}

static int allow_root(struct making *m, struct error *err)
{
	bool sudo = has_program(m, "sudo"), doas = has_program(m, "doas");

	if (sudo && allow_sudo(m, err) < 0)
		return -err->code;
	if (doas && allow_doas(m, err) < 0)
		return -err->code;
	if (doas && !sudo)
		note(m, "there is no sudo in the container: doas does the same");
	else if (!sudo)
		note(m, "there is no sudo in the container: sysct attach -u root enters as root");
	return 0;
}

static bool enabled(const struct making *m, const char *const *links, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_close int fd = open_in_root(m->root, links[i], O_PATH | O_NOFOLLOW, 0);

		if (fd >= 0)
			return true;
	}
	return false;
}

/* Packages of Debian enable it, those of others may not; one that is masked stays so. */
static int enable_systemd(struct making *m, struct error *err)
{
	static const char *const links[] = {
		"etc/systemd/system/multi-user.target.wants/ssh.service",
		"etc/systemd/system/multi-user.target.wants/sshd.service",
		"etc/systemd/system/sockets.target.wants/ssh.socket",
		"etc/systemd/system/sockets.target.wants/sshd.socket",
		"etc/systemd/system/ssh.service",
		"etc/systemd/system/sshd.service",
	};
	static const char *const units[] = { "ssh.service", "sshd.service" };

	for (size_t i = 0; i < ARRAY_SIZE(units) && !enabled(m, links, ARRAY_SIZE(links)); i++) {
		auto_free char *path = xasprintf("usr/lib/systemd/system/%s", units[i]);
		auto_free char *target = xasprintf("/%s", path);
		int r;

		if (!guest_exists(m->root, path))
			continue;
		r = guest_make_dirs(m->root, "etc/systemd/system/multi-user.target.wants");
		if (r < 0)
			return fail(err, -r, "make /etc/systemd/system/multi-user.target.wants in the rootfs");
		return guest_put_link(m->root, "etc/systemd/system/multi-user.target.wants", units[i], target, err);
	}
	return 0;
}

static int enable_openrc(struct making *m, struct error *err)
{
	static const char *const links[] = { "etc/runlevels/default/sshd", "etc/runlevels/default/ssh",
					     "etc/runlevels/boot/sshd", "etc/runlevels/boot/ssh" };
	static const char *const scripts[] = { "sshd", "ssh" };

	for (size_t i = 0; i < ARRAY_SIZE(scripts) && !enabled(m, links, ARRAY_SIZE(links)); i++) {
		auto_free char *path = xasprintf("etc/init.d/%s", scripts[i]);
		auto_free char *target = xasprintf("/%s", path);

		if (guest_exists(m->root, path) && guest_exists(m->root, "etc/runlevels/default"))
			return guest_put_link(m->root, "etc/runlevels/default", scripts[i], target, err);
	}
	return 0;
}

static int enable_ssh(struct making *m, const char *kind, struct error *err)
{
	m->made->ssh = has_program(m, "sshd") || has_program(m, "dropbear");
	if (!m->made->ssh) {
		note(m, "there is no ssh server in the container: sysct attach alone enters it");
		return 0;
	}
	if (strcmp(kind, "systemd") == 0)
		return enable_systemd(m, err);
	return strcmp(kind, "openrc") == 0 ? enable_openrc(m, err) : 0;
}

int guest_user_make(int root_fd, const struct guest_user *what, const char *kind, struct guest_user_made *ret,
		    struct error *err)
{
	struct making m = { .root = root_fd, .what = what, .made = ret };
	int r;

	*ret = (struct guest_user_made){ .ssh = false };
	r = make_account(&m, err);
	if (r == 0)
		r = make_home(&m, err);
	if (r == 0)
		r = allow_root(&m, err);
	if (r == 0)
		r = enable_ssh(&m, kind, err);
	free(m.passwd);
	free(m.groups);
	free(m.home);
	return r;
}
