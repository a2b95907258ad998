/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/network_parts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/record.h"
#include "os/net_sysctl.h"
#include "os/process.h"

#define NOTE_MAX 65536

/* --- sysctls that are put back --- */

/* What forwarding was before belongs to the network namespace, not to one installation: two that
 * live side by side share the note, and whoever leaves last puts things back. Its name ends in the
 * namespace's cookie, which is never used twice in a boot. */
#define NOTE_DIR "/run"
#define NOTE_NAME "sysct-sysctls-"

/* boot=ID, netns=INODE, pidns=INODE of who wrote it, by=SUFFIX of the installation that did so first; then
 * "restore=NAME VALUE" in the order of the changes */
struct note {
	char *path;
	struct record record;
};

static void note_done(struct note *note)
{
	free(note->path);
	record_clear(&note->record);
}
#define auto_note __attribute__((cleanup(note_done)))

static uint64_t namespace_id(void)
{
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0)
		return cookie;
	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0; /* before 5.14 */
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* A namespace lives while a process is in it, or it is mounted; one that only a descriptor holds is not looked for. */
static bool netns_lives(uint64_t inode)
{
	auto_free char *mounted = xasprintf(" net:[%llu] ", (unsigned long long)inode), *mounts = NULL;
	auto_closedir DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir || read_file_at(AT_FDCWD, "/proc/self/mountinfo", 64U << 20, &mounts, NULL) < 0 ||
	    strstr(mounts, mounted))
		return true;
	while ((entry = readdir(dir))) {
		auto_free char *path = NULL;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		path = xasprintf("/proc/%s/ns/net", entry->d_name);
		if (inode_of(path) == inode)
			return true;
	}
	return false;
}

/* Who sees other processes cannot say what lives. */
static bool note_is_dead(const struct record *record, const char *boot)
{
	const char *noted = record_get(record, "boot");
	uint64_t netns = record_get_u64(record, "netns", 0), pidns = record_get_u64(record, "pidns", 0);

	if (noted && strcmp(noted, boot) != 0)
		return true;
	return netns && pidns && pidns == inode_of("/proc/self/ns/pid") && !netns_lives(netns);
}

/* A network namespace that ended with a bridge in it, as one that is only there for a test, took along what its note says;
 * nobody else would ever look at it. */
static void collect_notes(const char *boot)
{
	auto_closedir DIR *dir = opendir(NOTE_DIR);
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_free const char **list = NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!text_starts(entry->d_name, NOTE_NAME))
			continue;
		strings_add_take(&names, xstrndup(entry->d_name, strlen(NOTE_NAME) +
						  strspn(entry->d_name + strlen(NOTE_NAME), "0123456789")));
	}
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf(NOTE_DIR "/%s", names.items[i]), *text = NULL;
		auto_record struct record record = RECORD_EMPTY;
		size_t len;

		if (read_file_at(AT_FDCWD, path, NOTE_MAX, &text, &len) == 0 &&
		    record_parse(&record, text, len) == 0 && note_is_dead(&record, boot))
			unlink(path);
	}
	list = xcalloc(names.n + 1, sizeof(*list));
	for (size_t i = 0; i < names.n; i++)
		list[i] = names.items[i];
	if (names.n)
		remove_abandoned_at(AT_FDCWD, NOTE_DIR, list);
}

static void note_open(struct note *note, const char *by)
{
	auto_free char *text = NULL;
	char boot[UUID_LEN + 1] = "";
	const char *noted;
	size_t len;

	*note = (struct note){ .path = xasprintf(NOTE_DIR "/" NOTE_NAME "%llu",
						 (unsigned long long)namespace_id()) };
	boot_id_read(boot);
	collect_notes(boot);
	if (read_file_at(AT_FDCWD, note->path, NOTE_MAX, &text, &len) == 0)
		record_parse(&note->record, text, len);
	noted = record_get(&note->record, "boot");
	if (!noted || strcmp(noted, boot) != 0) {
		/* another boot's values are nobody's to restore */
		record_clear(&note->record);
		record_set(&note->record, "boot", boot);
		record_setf(&note->record, "netns", "%llu", (unsigned long long)inode_of("/proc/self/ns/net"));
		record_setf(&note->record, "pidns", "%llu", (unsigned long long)inode_of("/proc/self/ns/pid"));
		record_set(&note->record, "by", by);
	}
}

/* Note the old value, then set: killed in between, the note says what is true already. */
static int note_and_set(struct note *note, const char *name, const char *value, struct error *err)
{
	auto_free char *line = NULL, *text = NULL;
	char old[32];
	int r = net_sysctl_get(name, old, sizeof(old));

	if (r < 0)
		return fail(err, -r, "read /proc/sys/net/%s", name);
	if (strcmp(old, value) == 0)
		return 0;
	line = xasprintf("%s %s", name, old);
	record_add(&note->record, "restore", line);
	text = record_format(&note->record);
	r = replace_file_at(AT_FDCWD, note->path, text, strlen(text), 0600, false, err);
	if (r < 0)
		return error_prefix(err, "note the old value of net/%s", name);
	r = net_sysctl_set(name, value);
	return r < 0 ? fail(err, -r, "set /proc/sys/net/%s to %s", name, value) : 0;
}

/* A host that forwards ignores router advertisements, and would lose its own default route, unless
 * accept_ra is 2 (ip-sysctl.rst). */
static int keep_own_routes(struct note *note, struct error *err)
{
	auto_closedir DIR *dir = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		auto_free char *name = xasprintf("ipv6/conf/%s/accept_ra", entry->d_name);
		char value[8];

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "all") == 0 ||
		    strcmp(entry->d_name, "lo") == 0 ||
		    net_sysctl_get(name, value, sizeof(value)) < 0 || strcmp(value, "1") != 0)
			continue;
		if (note_and_set(note, name, "2", err) < 0)
			return -err->code;
	}
	return 0;
}

int network_forwarding_on(const struct network_host *host, bool ipv6, struct error *err)
{
	auto_note struct note note = { .path = NULL };
	char value[8];
	int r;

	note_open(&note, host->suffix);
	r = note_and_set(&note, "ipv4/ip_forward", "1", err);
	if (r < 0)
		return error_hint(err, "containers reach the network only when the host forwards: "
				       "net.ipv4.ip_forward = 1 in /etc/sysctl.d");
	if (!ipv6 || net_sysctl_get("ipv6/conf/all/forwarding", value, sizeof(value)) < 0 ||
	    strcmp(value, "1") == 0)
		return 0;
	r = keep_own_routes(&note, err);
	return r < 0 ? r : note_and_set(&note, "ipv6/conf/all/forwarding", "1", err);
}

/* Last changed, first put back. With another bridge on the host (Docker, libvirt, a second sysct)
 * forwarding stays, and so does the note: whoever made that one has found it switched on and counts
 * on it. */
void network_restore_sysctls(const struct network_host *host, struct netlink *netlink)
{
	auto_note struct note note = { .path = NULL };
	struct error ignored = ERROR_NONE;

	if (netlink_kind_count(netlink, "bridge", &ignored) != 0)
		return;
	note_open(&note, host->suffix);
	for (size_t i = note.record.keys.n; i-- > 0;) {
		auto_strings struct strings words = STRINGS_EMPTY;

		if (strcmp(note.record.keys.items[i], "restore") != 0)
			continue;
		strings_split(&words, note.record.values.items[i], " ");
		if (words.n == 2 && !strstr(words.items[0], ".."))
			net_sysctl_set(words.items[0], words.items[1]);
	}
	unlink(note.path);
}

/* --- the bridge --- */

static int set_bridge_sysctls(const struct network_bridge *bridge, struct error *err)
{
	static const struct {
		const char *family, *key, *value;
	} wanted[] = {
		{ "ipv4", "accept_redirects", "0" }, { "ipv4", "send_redirects", "0" },
		{ "ipv4", "proxy_arp", "0" },	     { "ipv4", "rp_filter", "1" },
		{ "ipv4", "forwarding", "1" },	     { "ipv6", "accept_ra", "0" },
		{ "ipv6", "accept_redirects", "0" }, { "ipv6", "autoconf", "0" },
	};
	auto_free char *off = xasprintf("ipv6/conf/%s/disable_ipv6", bridge->name);
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		auto_free char *name =
			xasprintf("%s/conf/%s/%s", wanted[i].family, bridge->name, wanted[i].key);

		r = net_sysctl_set(name, wanted[i].value);
		if (r < 0 && !(r == -ENOENT && wanted[i].family[3] == '6'))
			return fail(err, -r, "set net/%s to %s", name, wanted[i].value);
	}
	/* A bridge of IPv4 alone has no IPv6 address at which boxes could reach the host. */
	r = net_sysctl_set(off, bridge->subnet6.prefix ? "0" : "1");
	return r < 0 && r != -ENOENT ? fail(err, -r, "set net/%s", off) : 0;
}

static uint32_t uplink_mtu(struct netlink *netlink)
{
	struct error ignored = ERROR_NONE;
	struct link_info uplink;

	if (netlink_uplink(netlink, AF_INET, &uplink, &ignored) == 1 && uplink.mtu >= 1280)
		return uplink.mtu;
	if (netlink_uplink(netlink, AF_INET6, &uplink, &ignored) == 1 && uplink.mtu >= 1280)
		return uplink.mtu;
	return 1500;
}

static int refuse_foreign(const struct link_info *info, struct error *err)
{
	fail_status(err, STATUS_FAILED,
		    "make bridge \"%s\": a %s of that name exists which sysct did not make",
		    info->name, info->kind[0] ? info->kind : "link");
	return error_hint(err,
			  "see it with: ip -d link show %s; or set another [host] bridge in "
			  "/etc/sysct/sysct.conf",
			  info->name);
}

/* Whether a bridge of ours has another IPv4 address than the one planned: the configuration was
 * changed. */
static int has_other_address(struct netlink *netlink, const struct network_bridge *bridge,
			     int index, struct error *err)
{
	auto_free struct address_info *addresses = NULL;
	int n = netlink_addresses(netlink, index, &addresses, err);
	struct in_addr gateway;

	inet_pton(AF_INET, bridge->gateway4, &gateway);
	for (int i = 0; i < n; i++)
		if (addresses[i].family == AF_INET &&
		    (memcmp(addresses[i].address, &gateway, 4) != 0 ||
		     addresses[i].prefix != bridge->subnet4.prefix))
			return 1;
	return n < 0 ? n : 0;
}

int network_ports_left(struct netlink *netlink, int index, struct error *err)
{
	int ports = netlink_port_count(netlink, index, err);

	for (int i = 0; ports > 0 && i < 50; i++) {
		usleep(20000);
		ports = netlink_port_count(netlink, index, err);
	}
	return ports;
}

/* Adopt a bridge of ours: 1; 0: it was in the way, and is deleted. */
static int adopt(struct netlink *netlink, const struct network_bridge *bridge,
		 const struct link_info *info, struct error *err)
{
	int r = has_other_address(netlink, bridge, info->index, err), ports;

	if (r <= 0)
		return r < 0 ? r : 1;
	ports = network_ports_left(netlink, info->index, err);
	if (ports < 0)
		return ports;
	if (ports > 0) {
		fail_status(err, STATUS_STATE,
			    "give bridge \"%s\" the address %s/%u: %d running containers use its "
			    "present subnet",
			    bridge->name, bridge->gateway4, bridge->subnet4.prefix, ports);
		return error_hint(err, "stop them all, then start them again");
	}
	r = netlink_link_delete(netlink, info->name, info->alias, err);
	return r < 0 ? r : 0;
}

/* As it is kept, or all zero, which no bridge has. */
static void kept_hwaddr(const struct network_host *host, uint8_t ret[HWADDR_BYTES])
{
	auto_close int dirfd = open(host->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_record struct record record = RECORD_EMPTY;
	const char *text = dirfd >= 0 && network_read_record(dirfd, &record) ? record_get(&record, "hwaddr") : NULL;

	if (!text || hwaddr_parse(text, ret) < 0)
		memset(ret, 0, HWADDR_BYTES);
}

int network_claim_bridge(const struct network_host *host, struct netlink *netlink, struct link_info *info,
			 struct error *err)
{
	auto_free char *alias = network_bridge_alias(host);
	uint8_t kept[HWADDR_BYTES];

	if (info->alias[0] || strcmp(info->kind, "bridge") != 0)
		return 0;
	kept_hwaddr(host, kept);
	if (memcmp(kept, info->hwaddr, HWADDR_BYTES) != 0)
		return 0;
	if (netlink_link_set_alias(netlink, info->index, alias, err) < 0)
		return -err->code;
	snprintf(info->alias, sizeof(info->alias), "%s", alias);
	return 0;
}

/* The link itself. *created: it is new, and this call's to delete. */
int network_have_bridge(const struct network_host *host, struct netlink *netlink,
			struct network_bridge *bridge, bool *created, struct error *err)
{
	auto_free char *alias = network_bridge_alias(host);
	struct link_info info;
	int r = netlink_link_get(netlink, bridge->name, &info, err);

	*created = false;
	if (r < 0)
		return r;
	if (r == 1 && network_claim_bridge(host, netlink, &info, err) < 0)
		return -err->code;
	if (r == 1 && (strcmp(info.kind, "bridge") != 0 || strcmp(info.alias, alias) != 0))
		return refuse_foreign(&info, err);
	if (r == 1)
		r = adopt(netlink, bridge, &info, err);
	if (r < 0)
		return r;
	bridge->mtu = uplink_mtu(netlink);
	if (r == 0) {
		r = netlink_bridge_add(netlink, bridge->name, bridge->hwaddr, bridge->mtu, alias,
				       err);
		if (r < 0)
			return r;
		*created = true;
		bridge->index = r;
	} else {
		bridge->index = info.index;
		if (info.mtu != bridge->mtu &&
		    netlink_link_set_mtu(netlink, info.index, bridge->mtu, err) < 0)
			return -err->code;
	}
	return set_bridge_sysctls(bridge, err);
}
