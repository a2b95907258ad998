/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/dns.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/record.h"
#include "os/process.h"
#include "store/host_user.h"

#define NAMES "names"
#define HOSTS NAMES "/hosts"
#define DHCP NAMES "/dhcp"
#define SSH NAMES "/ssh"
#define RECORD "dnsmasq" /* process=PID:START, purpose=... */
#define PID_FILE "dnsmasq.pid"
#define SMALL_FILE 65536

/* --- the process --- */

void dns_arguments(const struct dns_service *service, const char *host_dir, const char *user,
		   struct strings *ret)
{
	strings_add(ret, "--conf-file=/dev/null");
	strings_add_take(ret, xasprintf("--pid-file=%s/" PID_FILE, host_dir));
	strings_add_take(ret, xasprintf("--user=%s", user));
	/* Only on the bridge, so that any other name server of the host lives on beside it. */
	strings_add_take(ret, xasprintf("--interface=%s", service->bridge));
	strings_add(ret, "--except-interface=lo");
	strings_add(ret, "--bind-interfaces");
	strings_add_take(ret, xasprintf("--listen-address=%s", service->gateway4));
	if (service->gateway6)
		strings_add_take(ret, xasprintf("--listen-address=%s", service->gateway6));
	/* Names: the boxes' from files, the rest from the host's resolvers; nothing private leaks
	 * upwards. */
	strings_add(ret, "--no-hosts");
	strings_add_take(ret, xasprintf("--hostsdir=%s/" HOSTS, host_dir));
	strings_add(ret, "--domain=" DNS_DOMAIN);
	strings_add(ret, "--local=/" DNS_DOMAIN "/");
	strings_add(ret, "--domain-needed");
	strings_add(ret, "--bogus-priv");
	/* DHCP: to each box its own address and nothing to anybody else, so no lease needs to be
	 * remembered. */
	strings_add_take(ret, xasprintf("--dhcp-range=%s,static,%s,12h", service->network4,
					service->netmask4));
	strings_add_take(ret, xasprintf("--dhcp-hostsdir=%s/" DHCP, host_dir));
	strings_add_take(ret, xasprintf("--dhcp-option=option:mtu,%u", service->mtu));
	strings_add(ret, "--dhcp-authoritative");
	strings_add(ret, "--leasefile-ro");
	strings_add(ret, "--no-ping");
	strings_add(ret, "--quiet-dhcp");
}

static bool has_user(const char *name)
{
	auto_free char *said = NULL;
	FILE *file = fopen("/etc/passwd", "re");	/* mostly he is there, and nobody need be asked */
	struct error ignored = ERROR_NONE;
	const struct passwd *pw;
	bool found = false;

	while (file && !found && (pw = fgetpwent(file)))
		found = strcmp(pw->pw_name, name) == 0;
	if (file)
		fclose(file);
	return found || (host_user_ask("passwd", name, &said, &ignored) == 0 && said);
}

/* Debian makes a user for it; elsewhere nobody, which owns nothing that matters here either. */
static const char *dnsmasq_user(void)
{
	return has_user("dnsmasq") ? "dnsmasq" : "nobody";
}

/* What the record says the process was started for: changes when it has to be a new one. */
static char *purpose(const struct dns_service *service)
{
	return xasprintf("%s %d %s %s %s/%s %u", service->bridge, service->index, service->gateway4,
			 service->gateway6 ? service->gateway6 : "-", service->network4,
			 service->netmask4, service->mtu);
}

static bool read_process(int dirfd, struct process_id *id, char **ret_purpose)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *text = NULL;
	const char *process, *what;
	size_t len;

	if (read_file_at(dirfd, RECORD, SMALL_FILE, &text, &len) < 0 ||
	    record_parse(&record, text, len) < 0)
		return false;
	process = record_get(&record, "process");
	what = record_get(&record, "purpose");
	if (!process || !what || process_id_parse(process, id) < 0)
		return false;
	if (ret_purpose)
		*ret_purpose = xstrdup(what);
	return true;
}

int dns_current(int dirfd, const struct dns_service *service, bool *ret_serving)
{
	auto_free char *wanted = purpose(service), *found = NULL, *path = NULL;
	struct process_id id;

	*ret_serving = false;
	if (!read_process(dirfd, &id, &found)) {
		path = tool_find("dnsmasq");
		return path == NULL;
	}
	*ret_serving = strcmp(found, wanted) == 0 && process_alive(&id);
	return *ret_serving;
}

/* A dnsmasq whose record was lost would keep the port from the next one. It is ours when its
 * arguments name our pid file. */
static bool find_by_pid_file(int dirfd, const char *host_dir, struct process_id *ret)
{
	auto_free char *text = NULL, *arguments = NULL, *path = NULL;
	auto_free char *mark = xasprintf("--pid-file=%s/" PID_FILE, host_dir);
	uint32_t pid;
	size_t len;

	if (read_file_at(dirfd, PID_FILE, 64, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (parse_u32(text, &pid) < 0 || pid == 0 || process_identify((pid_t)pid, ret) < 0)
		return false;
	path = xasprintf("/proc/%u/cmdline", pid);
	if (read_file_at(AT_FDCWD, path, SMALL_FILE, &arguments, &len) < 0)
		return false;
	for (size_t i = 0; i < len; i += strlen(arguments + i) + 1)
		if (strcmp(arguments + i, mark) == 0)
			return true;
	return false;
}

static char *path_of(int dirfd)
{
	char link[32], path[4096];
	ssize_t n = readlink(fd_path(dirfd, link, sizeof(link)), path, sizeof(path));

	return n > 0 && n < (ssize_t)sizeof(path) ? xstrndup(path, (size_t)n) : NULL;
}

int dns_stop(int dirfd, struct error *err)
{
	auto_free char *host_dir = path_of(dirfd);
	auto_close int pidfd = -1;
	struct process_id id;

	if (!read_process(dirfd, &id, NULL) &&
	    (!host_dir || !find_by_pid_file(dirfd, host_dir, &id)))
		return 0;
	pidfd = process_open(&id);
	if (pidfd < 0 && pidfd != -ESRCH)	/* whether it runs is not known: its record stays */
		return fail(err, -pidfd, "look at dnsmasq (process %d)", (int)id.pid);
	if (pidfd >= 0) {
		pidfd_signal(pidfd, SIGTERM);
		if (pidfd_wait(pidfd, 2000) == 0) {
			pidfd_signal(pidfd, SIGKILL);
			if (pidfd_wait(pidfd, 2000) == 0)
				return fail(err, EBUSY, "stop dnsmasq (process %d)", (int)id.pid);
		}
	}
	unlinkat(dirfd, RECORD, 0);
	unlinkat(dirfd, PID_FILE, 0);
	return 0;
}

/* The unprivileged user has to reach the files by path, and so have all users with an ssh client. */
static int open_the_way(int dirfd, struct error *err)
{
	static const char *const dirs[] = { "..", ".", NAMES, HOSTS, DHCP, SSH };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		mode_t wanted = i < 2 ? 0011 : 0755;
		struct stat st;

		if (i >= 2 && mkdirat(dirfd, dirs[i], 0755) < 0 && errno != EEXIST)
			return fail(err, errno, "make directory .host/%s", dirs[i]);
		if (fstatat(dirfd, dirs[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return fail(err, errno, "look at directory .host/%s", dirs[i]);
		if ((st.st_mode & wanted) != wanted &&
		    fchmodat(dirfd, dirs[i], (st.st_mode & 07777) | wanted, 0) < 0)
			return fail(err, errno, "let dnsmasq pass through directory .host/%s",
				    dirs[i]);
	}
	return 0;
}

static int launch(const struct strings *arguments, struct error *err)
{
	auto_free const char **argv = xcalloc(arguments->n + 2, sizeof(*argv));
	auto_free char *output = NULL;
	struct tool_run run = { .ret_output = &output, .keep_fd = -1, .timeout_ms = 20000 };
	int r;

	argv[0] = "dnsmasq";
	for (size_t i = 0; i < arguments->n; i++)
		argv[i + 1] = arguments->items[i];
	run.argv = argv;
	r = tool_run(&run, err);
	if (r > 0) {
		const char *words = output + strspn(output, "\n"); /* the first line is empty */

		fail(err, 0, "start %.*s", (int)strcspn(words, "\n"), words);
		return error_hint(
			err, "where another name server has taken every address, let it listen on "
			     "its own ones only (dnsmasq: bind-interfaces)");
	}
	return r;
}

/* dnsmasq puts itself into the background; when the command returns, its pid file is written and
 * its sockets are open. */
static int note_process(int dirfd, const char *host_dir, const char *what, struct error *err)
{
	auto_record struct record record = RECORD_EMPTY;
	auto_free char *text = NULL;
	struct process_id id;
	char shown[48];

	if (!find_by_pid_file(dirfd, host_dir, &id))
		return fail(err, ESRCH, "find the dnsmasq that was just started");
	record_set(&record, "process", process_id_format(&id, shown, sizeof(shown)));
	record_set(&record, "purpose", what);
	text = record_format(&record);
	return replace_file_at(dirfd, RECORD, text, strlen(text), 0600, false, err);
}

int dns_ensure(int dirfd, const struct dns_service *service, struct error *err)
{
	auto_free char *tool = tool_find("dnsmasq"), *host_dir = path_of(dirfd);
	auto_free char *what = purpose(service);
	auto_strings struct strings arguments = STRINGS_EMPTY;
	bool serving;
	int r = dns_current(dirfd, service, &serving);

	if (r == 1)
		return serving;
	if (!host_dir)
		return fail(err, errno, "find the path of the run directory");
	r = dns_stop(dirfd, err);
	if (r < 0 || !tool)
		return r;
	r = open_the_way(dirfd, err);
	if (r < 0)
		return r;
	dns_arguments(service, host_dir, dnsmasq_user(), &arguments);
	r = launch(&arguments, err);
	if (r == 0)
		r = note_process(dirfd, host_dir, what, err);
	return r < 0 ? r : 1;
}

pid_t dns_process(int dirfd)
{
	struct process_id id;

	return read_process(dirfd, &id, NULL) && process_alive(&id) ? id.pid : 0;
}

/* --- the names --- */

/* dnsmasq reads whatever is closed after writing or moved in: the file is written beside the
 * directory. */
static int put_file(int dirfd, const char *dir, const char *uuid, const char *text,
		    struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", dir, uuid);
	auto_free char *fresh = xasprintf(NAMES "/fresh-%s", uuid);

	return replace_file_by_at(dirfd, fresh, path, text, strlen(text), 0644, false, err);
}

/* Its host key is known by its UUID, in a file of its own: another box may get its name, and another one its address.
 * What is met for the first time is taken, as nobody could say what the key should be. */
static char *ssh_text(const char *name, const char *uuid, const char *v4)
{
	return xasprintf("Host %s." DNS_DOMAIN "\n\tHostName %s\n\tHostKeyAlias %s." DNS_DOMAIN "\n"
			 "\tStrictHostKeyChecking accept-new\n\tUserKnownHostsFile ~/.ssh/known_hosts." DNS_DOMAIN "\n",
			 name, v4, uuid);
}

char *dns_ssh_config(const char *run_dir, const char *uuid)
{
	return xasprintf("%s/.host/" SSH "/%s", run_dir, uuid);
}

int dns_claim(int dirfd, const char *name, const char *uuid, const char *v4, struct error *err)
{
	auto_free char *ssh = ssh_text(name, uuid, v4);

	if (!name_valid(name) || !uuid_valid(uuid))
		return fail(err, EINVAL, "register the name \"%s\"", name);
	return open_the_way(dirfd, err) < 0 ? -err->code : put_file(dirfd, SSH, uuid, ssh, err);
}

int dns_register(int dirfd, const char *name, const char *uuid, const char *hwaddr, const char *v4,
		 const char *v6, struct error *err)
{
	auto_free char *dhcp = xasprintf("%s,%s,%s,infinite\n", hwaddr, v4, name);
	auto_text struct text hosts = TEXT_EMPTY;
	int r = dns_claim(dirfd, name, uuid, v4, err);

	if (r < 0)
		return r;
	text_add(&hosts, "%s %s." DNS_DOMAIN " %s\n", v4, name, name);
	if (v6)
		text_add(&hosts, "%s %s." DNS_DOMAIN " %s\n", v6, name, name);
	r = put_file(dirfd, HOSTS, uuid, hosts.data, err);
	return r < 0 ? r : put_file(dirfd, DHCP, uuid, dhcp, err);
}

int dns_register_link(int dirfd, const char *uuid, const char *hwaddr, const char *v4, struct error *err)
{
	auto_free char *path = xasprintf(DHCP "/%s", uuid), *before = NULL, *text = NULL;
	int r = read_file_at(dirfd, path, SMALL_FILE, &before, NULL);

	if (r < 0)
		return fail(err, -r, "read .host/%s", path);
	text = xasprintf("%s%s,%s,infinite\n", before, hwaddr, v4);
	return put_file(dirfd, DHCP, uuid, text, err);
}

int dns_unregister(int dirfd, const char *uuid, struct error *err)
{
	static const char *const dirs[] = { HOSTS, DHCP, SSH };
	struct process_id id;
	bool removed = false;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_free char *path = xasprintf("%s/%s", dirs[i], uuid);

		if (unlinkat(dirfd, path, 0) == 0)
			removed = true;
		else if (errno != ENOENT)
			return fail(err, errno, "remove .host/%s", path);
	}
	/* It notices new files by itself, the loss of one only when told. */
	if (removed && read_process(dirfd, &id, NULL)) {
		auto_close int pidfd = process_open(&id);

		if (pidfd >= 0)
			pidfd_signal(pidfd, SIGHUP);
	}
	return 0;
}

/* The file names in .host/names/hosts, or another such, sorted; none when there is no directory. */
static int list_names(int dirfd, const char *path, struct strings *ret)
{
	auto_closedir DIR *dir = NULL;
	struct dirent *entry;
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir)))
		if (uuid_valid(entry->d_name))
			strings_add(ret, entry->d_name);
	strings_sort(ret);
	return 0;
}

int dns_registered(int dirfd)
{
	auto_strings struct strings names = STRINGS_EMPTY, claims = STRINGS_EMPTY;
	int r = list_names(dirfd, HOSTS, &names);

	if (r == 0)
		r = list_names(dirfd, SSH, &claims);
	return r < 0 ? r : (int)(names.n > claims.n ? names.n : claims.n);
}

char *dns_hosts_block(int dirfd)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct text block = TEXT_EMPTY;

	text_append(&block, "", 0);
	list_names(dirfd, HOSTS, &names);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf(HOSTS "/%s", names.items[i]), *text = NULL;
		size_t len;

		if (read_file_at(dirfd, path, SMALL_FILE, &text, &len) == 0)
			text_append(&block, text, len);
	}
	return block.data;
}

int dns_remove_files(int dirfd, struct error *err)
{
	if (remove_file_at(dirfd, RECORD, err) < 0 || remove_file_at(dirfd, PID_FILE, err) < 0)
		return -err->code;
	return remove_tree_at(dirfd, NAMES, err);
}

/* --- the host's resolvers --- */

static bool usable_inside(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 != 127 && v4.s_addr != 0;
	if (inet_pton(AF_INET6, address, &v6) == 1)
		return !IN6_IS_ADDR_LOOPBACK(&v6) && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
		       !IN6_IS_ADDR_LINKLOCAL(&v6);
	return false; /* also fe80::1%eth0: inside, that link is another one */
}

void dns_parse_resolv_conf(const char *text, struct strings *ret)
{
	auto_strings struct strings lines = STRINGS_EMPTY;

	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;

		strings_split(&words, lines.items[i], " \t\r");
		if (words.n >= 2 && strcmp(words.items[0], "nameserver") == 0 &&
		    usable_inside(words.items[1]) && !strings_has(ret, words.items[1]))
			strings_add(ret, words.items[1]);
	}
}

void dns_upstreams(struct strings *ret)
{
	static const char *const files[] = { "/run/systemd/resolve/resolv.conf",
					     "/etc/resolv.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(files) && ret->n == 0; i++) {
		auto_free char *text = NULL;

		if (read_file_at(AT_FDCWD, files[i], SMALL_FILE, &text, NULL) == 0)
			dns_parse_resolv_conf(text, ret);
	}
}
