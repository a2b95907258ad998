/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/publish.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/record.h"

#define PORTS "ports"
#define RECORD_MAX 65536
#define PROC_NET_MAX (16U << 20)

/* --- the list --- */

void published_clear(struct published_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].box);
	free(list->items);
	*list = (struct published_list)PUBLISHED_EMPTY;
}

void published_add(struct published_list *list, const char *uuid, const char *box, const char *text, const char *v4,
		   const char *v6)
{
	struct published one = { .box = NULL };

	if (!publish_parse(text, &one.what))
		return;
	snprintf(one.uuid, sizeof(one.uuid), "%s", uuid);
	snprintf(one.v4, sizeof(one.v4), "%s", v4 ? v4 : "");
	snprintf(one.v6, sizeof(one.v6), "%s", v6 ? v6 : "");
	one.box = xstrdup(box);
	list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
	list->items[list->n++] = one;
}

/* --- the records --- */

static bool valid_target(int family, const char *text)
{
	unsigned char address[16];

	return strcmp(text, "-") == 0 || inet_pton(family, text, address) == 1;
}

static void read_one(int dirfd, const char *uuid, struct published_list *list)
{
	auto_free char *path = xasprintf(PORTS "/%s", uuid), *text = NULL;
	auto_record struct record record = RECORD_EMPTY;
	const char *box;
	size_t len;

	if (read_file_at(dirfd, path, RECORD_MAX, &text, &len) < 0 || record_parse(&record, text, len) < 0)
		return;
	box = record_get(&record, "name");
	for (size_t i = 0; box && name_valid(box) && i < record.keys.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		if (strcmp(record.keys.items[i], "port") != 0)
			continue;
		strings_split(&words, record.values.items[i], " ");
		if (words.n == 3 && valid_target(AF_INET, words.items[1]) && valid_target(AF_INET6, words.items[2]))
			published_add(list, uuid, box, words.items[0], *words.items[1] == '-' ? "" : words.items[1],
				      *words.items[2] == '-' ? "" : words.items[2]);
	}
}

void published_load(int dirfd, struct published_list *ret)
{
	int fd = openat(dirfd, PORTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	auto_strings struct strings names = STRINGS_EMPTY;
	struct dirent *entry;

	*ret = (struct published_list)PUBLISHED_EMPTY;
	while (dir && (entry = readdir(dir)))
		if (uuid_valid(entry->d_name))
			strings_add(&names, entry->d_name);
	strings_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		read_one(dirfd, names.items[i], ret);
}

static char *record_text(const struct published_list *own)
{
	auto_record struct record record = RECORD_EMPTY;

	record_set(&record, "name", own->items[0].box);
	for (size_t i = 0; i < own->n; i++) {
		const struct published *one = &own->items[i];
		auto_free char *what = publish_format(&one->what);
		auto_free char *line = xasprintf("%s %s %s", what, *one->v4 ? one->v4 : "-", *one->v6 ? one->v6 : "-");

		record_add(&record, "port", line);
	}
	return record_format(&record);
}

int published_save(int dirfd, const char *uuid, const struct published_list *own, struct error *err)
{
	auto_free char *path = xasprintf(PORTS "/%s", uuid), *before = NULL, *text = NULL;
	int r;

	if (own->n == 0) {
		if (unlinkat(dirfd, path, 0) == 0) {
			unlinkat(dirfd, PORTS, AT_REMOVEDIR); /* with the last of them */
			return 1;
		}
		return errno == ENOENT ? 0 : fail(err, errno, "remove .host/%s", path);
	}
	text = record_text(own);
	if (read_file_at(dirfd, path, RECORD_MAX, &before, NULL) == 0 && strcmp(before, text) == 0)
		return 0;
	if (mkdirat(dirfd, PORTS, 0700) < 0 && errno != EEXIST)
		return fail(err, errno, "make directory .host/" PORTS);
	r = replace_file_at(dirfd, path, text, strlen(text), 0600, false, err);
	return r < 0 ? r : 1;
}

/* --- who has a port --- */

/* The socket of a process that is bound to a port, by the kernel's tables; 0: none. */
static unsigned long long socket_at(bool udp, bool v6, uint16_t port)
{
	auto_free char *path = xasprintf("/proc/net/%s%s", udp ? "udp" : "tcp", v6 ? "6" : ""), *text = NULL;
	auto_strings struct strings lines = STRINGS_EMPTY;

	if (read_file_at(AT_FDCWD, path, PROC_NET_MAX, &text, NULL) < 0)
		return 0;
	strings_split(&lines, text, "\n");
	for (size_t i = 1; i < lines.n; i++) {
		unsigned long long inode;
		unsigned int local, state;

		/* sl local:port remote:port state tx:rx tr:when retransmits uid timeout inode */
		if (sscanf(lines.items[i], " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %llu",
			   &local, &state, &inode) == 3 &&
		    local == port && (udp || state == 10 /* TCP_LISTEN */) && inode)
			return inode;
	}
	return 0;
}

static bool has_socket(const char *pid, const char *wanted)
{
	auto_free char *path = xasprintf("/proc/%s/fd", pid);
	auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char target[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, wanted) == 0)
			return true;
	}
	return false;
}

/* "process 812 (nginx)", or "a process of the host". Caller frees. */
static char *who_listens(const struct publish *what)
{
	unsigned long long inode = socket_at(what->udp, false, what->host_port);
	auto_closedir DIR *proc = opendir("/proc");
	auto_free char *wanted = NULL;
	struct dirent *entry;

	if (!inode)
		inode = socket_at(what->udp, true, what->host_port);
	wanted = xasprintf("socket:[%llu]", inode);
	while (inode && proc && (entry = readdir(proc))) {
		auto_free char *path = xasprintf("/proc/%s/comm", entry->d_name), *comm = NULL;

		if (entry->d_name[strspn(entry->d_name, "0123456789")] || !has_socket(entry->d_name, wanted) ||
		    read_file_at(AT_FDCWD, path, 256, &comm, NULL) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		return xasprintf("process %s (%s)", entry->d_name, comm);
	}
	return xstrdup("a process of the host");
}

/* 0 free, -errno of bind(2). Nothing listens there: the socket is gone at once. */
static int try_bind(const struct publish *what, int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { .any.sa_family = (sa_family_t)family };
	auto_close int fd = socket(family, (what->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return 0; /* no such family on this host */
	if (!what->udp) /* connections that are only waiting for their end do not count */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		name.v6.sin6_port = htons(what->host_port);
		if (*what->host)
			inet_pton(AF_INET6, what->host, &name.v6.sin6_addr);
	} else {
		name.v4.sin_port = htons(what->host_port);
		if (*what->host)
			inet_pton(AF_INET, what->host, &name.v4.sin_addr);
	}
	return bind(fd, &name.any, family == AF_INET6 ? sizeof(name.v6) : sizeof(name.v4)) < 0 ? -errno : 0;
}

static int check_host(const struct published *one, struct error *err)
{
	auto_free char *text = publish_format(&one->what), *who = NULL;
	int r = 0;

	if (*one->v4 && one->what.family != AF_INET6)
		r = try_bind(&one->what, AF_INET);
	if (r == 0 && *one->v6 && one->what.family != AF_INET)
		r = try_bind(&one->what, AF_INET6);
	if (r == 0)
		return 0;
	if (r == -EADDRNOTAVAIL) {
		fail_status(err, STATUS_STATE, "publish %s: the host has no address %s", text, one->what.host);
		err->code = EADDRNOTAVAIL;
		return error_hint(err, "its addresses: ip addr; without an address it is all of them");
	}
	if (r != -EADDRINUSE)
		return fail(err, -r, "publish %s: look whether the port is free", text);
	who = who_listens(&one->what);
	fail_status(err, STATUS_STATE, "publish %s: port %u/%s of the host is in use by %s", text, one->what.host_port,
		    one->what.udp ? "udp" : "tcp", who);
	err->code = EADDRINUSE;
	return error_hint(err, "take another port of the host, or give it an address: HOSTIP:%s", text);
}

static int check_boxes(const struct published *one, const struct published_list *all, struct error *err)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct published *other = &all->items[i];
		auto_free char *text = NULL;

		if (strcmp(other->uuid, one->uuid) == 0 || !publish_overlap(&one->what, &other->what))
			continue;
		text = publish_format(&one->what);
		fail_status(err, STATUS_STATE, "publish %s: port %u/%s of the host is published by container \"%s\"", text,
			    one->what.host_port, one->what.udp ? "udp" : "tcp", other->box);
		err->code = EADDRINUSE;
		return error_hint(err, "take another port of the host: sysct config set %s network.publish=HOSTPORT:%u",
				  one->box, one->what.port);
	}
	return 0;
}

int published_check(const struct published_list *own, const struct published_list *all, struct error *err)
{
	for (size_t i = 0; i < own->n; i++)
		if (check_boxes(&own->items[i], all, err) < 0 || check_host(&own->items[i], err) < 0)
			return -err->code;
	return 0;
}

/* --- the rules --- */

static void add_rule(const struct published *one, bool v6, struct text *ret)
{
	const struct publish *what = &one->what;
	const char *target = v6 ? one->v6 : one->v4;

	if (!*target || (what->family && (what->family == AF_INET6) != v6))
		return;
	text_add(ret, "\t\tmeta nfproto %s ", v6 ? "ipv6" : "ipv4");
	if (*what->host)
		text_add(ret, "%s daddr %s ", v6 ? "ip6" : "ip", what->host);
	text_add(ret, "%s dport %u dnat %s to %s%s%s:%u comment \"%s\"\n", what->udp ? "udp" : "tcp", what->host_port,
		 v6 ? "ip6" : "ip", v6 ? "[" : "", target, v6 ? "]" : "", what->port, one->box);
}

void published_rules(const struct published_list *list, struct text *ret)
{
	const char *last = "";

	for (size_t i = 0; i < list->n; i++) {
		const struct published *one = &list->items[i];

		if (strcmp(one->uuid, last) != 0)
			text_add(ret, "%s\tchain box-%s {\n", *last ? "\t}\n" : "", one->uuid);
		add_rule(one, false, ret);
		add_rule(one, true, ret);
		last = one->uuid;
	}
	text_add(ret, "%s\tchain published {\n", *last ? "\t}\n" : "");
	/* Packets from ::1 to another link are none that the kernel would send. */
	text_add(ret, "\t\tip6 daddr ::1 return\n");
	last = "";
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].uuid, last) != 0)
			text_add(ret, "\t\tjump box-%s\n", list->items[i].uuid);
		last = list->items[i].uuid;
	}
	text_add(ret, "\t}\n");
}
