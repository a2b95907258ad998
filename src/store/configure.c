/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/configure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/process.h"
#include "store/guest.h"
#include "store/rootfs.h"

#define TIMEOUT_MS 30000
#define KILL_TIMEOUT_MS 2000
#define RESOLV_TARGET "../run/host/resolv.conf"

/* --- inside --- */

static const char *host_of(const struct configure *what)
{
	if (what->hostname)
		return what->hostname;
	return what->name ? what->name : "localhost";
}

static int do_hostname(int root, const struct configure *what, const char *kind, struct error *err)
{
	auto_free char *text = xasprintf("%s\n", host_of(what));

	(void)kind;
	return guest_put_file(root, "etc", "hostname", 0644, text, err);
}

/* The line of /etc/hosts with its own names. */
static void add_own_names(struct text *ret, const char *host, const char *name)
{
	const char *dot = strchr(host, '.');

	text_add(ret, "127.0.1.1\t%s", host);
	if (dot)
		text_add(ret, " %.*s", (int)(dot - host), host);
	if (strcmp(host, name) != 0 && (!dot || strncmp(host, name, (size_t)(dot - host)) != 0 || name[dot - host]))
		text_add(ret, " %s", name);
	text_add(ret, "\n");
}

static int do_hosts(int root, const struct configure *what, const char *kind, struct error *err)
{
	auto_text struct text text = TEXT_EMPTY;

	(void)kind;
	text_add(&text, "127.0.0.1\tlocalhost\n");
	add_own_names(&text, host_of(what), what->name);
	text_add(&text, "::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\n"
			"ff02::2\tip6-allrouters\n" HOSTS_BEGIN "\n" HOSTS_END "\n");
	return guest_put_file(root, "etc", "hosts", 0644, text.data, err);
}

/* Ours where there is none, or an empty one, or one that leads to a service which is not installed. What a guest keeps
 * by itself stays; systemd's resolved is told of ours at each start. */
static int do_resolv(int root, const struct configure *what, const char *kind, struct error *err)
{
	auto_close int etc = guest_dir(root, "etc");
	char target[256];
	struct stat st;
	ssize_t n;

	(void)what;
	(void)kind;
	if (etc < 0)
		return fail(err, -etc, "open /etc in the rootfs");
	if (fstatat(etc, "resolv.conf", &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode) && st.st_size > 0)
			return 0;
		n = readlinkat(etc, "resolv.conf", target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (n > 0 && strstr(target, "systemd") &&
		    (guest_exists(root, "usr/lib/systemd/systemd-resolved") || guest_exists(root, "lib/systemd/systemd-resolved")))
			return 0;
		if (n > 0 && strstr(target, "resolvconf") && guest_exists(root, "sbin/resolvconf"))
			return 0;
	}
	return guest_put_link(root, "etc", "resolv.conf", RESOLV_TARGET, err);
}

/* systemd fills an empty file with the container_uuid that it finds in its environment; a missing one would make
 * it think that this is the first boot. Elsewhere D-Bus alone wants it. */
static int do_machine_id(int root, const struct configure *what, const char *kind, struct error *err)
{
	bool dbus = guest_exists(root, "usr/bin/dbus-daemon") || guest_exists(root, "etc/machine-id");
	char text[UUID_LEN + 2];
	size_t n = 0;
	int r;

	if (strcmp(kind, "systemd") == 0) {
		r = guest_put_file(root, "etc", "machine-id", 0444, "", err);
	} else if (dbus) {
		for (const char *p = what->uuid; *p; p++)
			if (*p != '-')
				text[n++] = *p;
		strcpy(text + n, "\n");
		r = guest_put_file(root, "etc", "machine-id", 0444, text, err);
	} else {
		r = guest_drop(root, "etc", "machine-id", err);
	}
	if (r < 0 || !guest_exists(root, "var/lib/dbus"))
		return r;
	return guest_put_link(root, "var/lib/dbus", "machine-id", "/etc/machine-id", err);
}

static bool is_host_key(const char *name)
{
	return text_starts(name, "ssh_host_") &&
	       (text_ends(name, "_key") || text_ends(name, "_key.pub") || text_ends(name, "_key-cert.pub"));
}

static int do_ssh_keys(int root, const struct configure *what, const char *kind, struct error *err)
{
	int fd = open_in_root(root, "etc/ssh", O_RDONLY | O_DIRECTORY, 0);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	(void)what;
	(void)kind;
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (is_host_key(name) && unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			return fail(err, errno, "remove /etc/ssh/%s in the rootfs", name);
	}
	return 0;
}

static int do_user(int root, const struct configure *what, const char *kind, struct error *err)
{
	return what->user ? guest_user_make(root, what->user, kind, what->ret_made, err) : 0;
}

static int check_init(int root, const char *init, struct error *err)
{
	auto_free char *program = xstrndup(init, strcspn(init, " \t"));
	auto_close int fd = open_in_root(root, program, O_PATH, 0);
	struct stat st;

	if (fd < 0) {
		fail(err, 0, "init missing in the rootfs: %s: %s", program, strerror(-fd));
		err->code = ENOENT;
		return error_hint(err, "is it a whole system? install an init inside, or name the program by "
				       "container.init");
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		fail(err, 0, "init missing in the rootfs: %s is not an executable file", program);
		err->code = ENOEXEC;
		return error_hint(err, "name another program by container.init");
	}
	return 0;
}

int configure_root(int root_fd, const struct configure *what, char ret_kind[16], struct error *err)
{
	static int (*const steps[])(int root, const struct configure *what, const char *kind,
				    struct error *err) = {
		do_hostname, do_hosts, do_resolv, do_machine_id, do_ssh_keys, do_user,
	};
	int r = check_init(root_fd, what->init, err);

	if (r < 0)
		return r;
	rootfs_detect_init(root_fd, ret_kind);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		r = steps[i](root_fd, what, ret_kind, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- another name --- */

/* Whole or not at all: the disk may be full. */
static int replace_in_etc(int root, const char *name, const char *text, struct error *err)
{
	auto_close int etc = guest_dir(root, "etc");

	if (etc < 0)
		return fail(err, -etc, "open /etc in the rootfs");
	if (replace_file_at(etc, name, text, strlen(text), 0644, false, err) < 0)
		return error_prefix(err, "/etc");
	return 0;
}

/* That a guest has none of these files is its own affair. */
static int rename_in_hostname(int root, const char *before, const struct strings *perhaps, const struct configure *what,
			      struct error *err)
{
	auto_free char *text = NULL, *now = xasprintf("%s\n", host_of(what));

	if (guest_read(root, "etc/hostname", &text) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (!before && strcmp(text, what->name) != 0 && !strings_has(perhaps, text))
		return 0;
	return replace_in_etc(root, "hostname", now, err);
}

/* Where it begins, NULL: nowhere. The same after other words, in a comment say, is none. */
static const char *find_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	while (at && at > text && at[-1] != '\n')
		at = strstr(at + 1, line);
	return at;
}

/* Our line with this name in it, and its length; NULL: there is none. */
static const char *own_line(const char *text, const char *host, const char *name, size_t *ret_len)
{
	auto_text struct text line = TEXT_EMPTY;

	add_own_names(&line, host, name);
	*ret_len = line.len;
	return find_line(text, line.data);
}

static int rename_in_hosts(int root, const char *before, const struct strings *perhaps, const struct configure *what,
			   struct error *err)
{
	auto_text struct text all = TEXT_EMPTY;
	auto_free char *text = NULL;
	const char *at;
	size_t len;

	if (guest_read(root, "etc/hosts", &text) < 0)
		return 0;
	at = own_line(text, before ? before : what->name, what->name, &len);
	for (size_t i = 0; !at && i < perhaps->n; i++)
		at = own_line(text, perhaps->items[i], what->name, &len);
	if (!at)
		return 0;
	text_append(&all, text, (size_t)(at - text));
	add_own_names(&all, host_of(what), what->name);
	text_add(&all, "%s", at + len);
	return replace_in_etc(root, "hosts", all.data, err);
}

int configure_rename(int root_fd, const char *before, const char *perhaps, const struct configure *what, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (!perhaps && strcmp(before ? before : what->name, host_of(what)) == 0)
		return 0;
	strings_split(&names, perhaps ? perhaps : "", " ");
	if (rename_in_hostname(root_fd, before, &names, what, err) < 0 || rename_in_hosts(root_fd, before, &names, what, err) < 0)
		return -err->code;
	return 0;
}

/* --- the child --- */

struct answer {
	int r;
	struct error err;
	char kind[16];
	struct guest_user_made made;
};
_Static_assert(sizeof(struct answer) <= PIPE_BUF, "an answer is written whole");

struct child {
	const struct configure *what;
	int mount_fd, answer_fd;
	bool mapped;
};

static int enter(const struct child *child, struct error *err)
{
	int root;

	if (child->mapped &&
	    (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return fail(err, errno, "become root of the container");
	if (fchdir(child->mount_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return fail(err, errno, "enter the rootfs");
	umask(022);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? fail(err, errno, "open the rootfs") : root;
}

static void child_main(void *arg)
{
	const struct child *child = arg;
	struct answer answer = { .r = 0 };
	struct configure what = *child->what;
	int root;

	what.ret_made = &answer.made;

	signals_reset();
	root = enter(child, &answer.err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* changing ids forgets it */
	answer.r = root < 0 ? root : configure_root(root, &what, answer.kind, &answer.err);
	_exit(write_all(child->answer_fd, &answer, sizeof(answer)) < 0);
}

static int await(const struct ns_launch *launch, int fd, const struct configure *what, struct answer *ret,
		 struct error *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int timeout_ms = what->timeout_ms ? what->timeout_ms : TIMEOUT_MS, r;
	ssize_t n = -1;

	do {
		r = poll(&poll_fd, 1, timeout_ms);	/* ^C is looked at between steps */
	} while (r < 0 && errno == EINTR);
	if (r > 0)
		n = read(fd, ret, sizeof(*ret));	/* less than PIPE_BUF: whole or not at all */
	if (r <= 0)
		pidfd_signal(launch->ret_pidfd, SIGKILL);
	if (!child_wait(launch->ret_pid, KILL_TIMEOUT_MS, NULL))
		pidfd_signal(launch->ret_pidfd, SIGKILL);
	if (r == 0) {
		fail(err, ETIMEDOUT, "wait %d s for the rootfs to be configured", timeout_ms / 1000);
		return error_status(err, STATUS_TIMEOUT);
	}
	if (n != (ssize_t)sizeof(*ret))
		return fail(err, EPIPE, "configure the rootfs: the child died");
	return 0;
}

int configure_rootfs(int mount_fd, const struct idmap *map, bool idmapped, const struct configure *what,
		     char ret_kind[16], struct error *err)
{
	auto_close int userns = -1, reader = -1, writer = -1;
	struct child child = { .what = what, .mount_fd = mount_fd, .mapped = map->count > 0 };
	struct ns_launch launch = { .userns_fd = -1, .owner = map->outside, .cgroup_fd = -1, .mounts_fd = -1, .rootfs_fd = -1,
				    .child = child_main, .arg = &child };
	struct answer answer;
	int fds[2], r = 0;

	if (map->count) {
		launch.userns_fd = userns = userns_create(map, err);
		if (userns < 0)
			return userns;
		if (!idmapped && map->outside)
			r = mount_idmap(mount_fd, userns, err);
		if (r < 0)
			return r;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	reader = fds[0];
	child.answer_fd = writer = fds[1];
	r = ns_launch(&launch, err);
	if (r < 0)
		return r;
	close_fd(&writer);
	r = await(&launch, reader, what, &answer, err);
	close(launch.ret_pidfd);
	if (r < 0)
		return r;
	if (answer.r < 0) {
		*err = answer.err;
		return answer.r;
	}
	memcpy(ret_kind, answer.kind, sizeof(answer.kind));
	if (what->user)
		*what->ret_made = answer.made;
	return 0;
}
