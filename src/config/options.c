/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/options.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/ini.h"
#include "os/caps.h"

/* The field's type picks the parser, so they cannot disagree: a row whose field has another type
 * does not compile. */
#define FIELD(base, f) (((struct base *)0)->f)
#define BASE_OF(base) \
	_Generic((struct base *)0, struct container_config * : BASE_CONTAINER, struct network_config * : BASE_NETWORK, \
		 struct mount_config * : BASE_MOUNT, struct host_config * : BASE_HOST)
#define AT(which, f) .offset = offsetof(struct which, f), .base = BASE_OF(which)
#define TRUTH(base, f) \
	.type = _Generic(FIELD(base, f), bool : OPTION_BOOL), AT(base, f), .allowed = "yes, no"
#define TEXT(base, f) .type = _Generic(FIELD(base, f), char * : OPTION_TEXT), AT(base, f)
#define LIST(base, f) .type = _Generic(FIELD(base, f), struct strings : OPTION_LIST), AT(base, f)
#define PAIRS(base, f) .type = _Generic(FIELD(base, f), struct strings : OPTION_PAIRS), AT(base, f)
#define WORD(base, f, list) \
	.type = _Generic(FIELD(base, f), int : OPTION_WORD), AT(base, f), .words = (list)
#define NUMBER(kind, base, f, low, high) \
	.type = _Generic(FIELD(base, f), uint64_t : OPTION_##kind), AT(base, f), .min = (low), \
	.max = (high)

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define EIB (UINT64_C(1) << 60)
#define SECOND UINT64_C(1000000)
#define DAY (86400 * SECOND)

/* The order is that of the enums in config.h. */
static const char *const cgroup_words[] = { "auto", "v2", "v1", NULL };
static const char *const restart_words[] = { "no", "on-failure", "always", NULL };
static const char *const network_words[] = { "veth", "macvlan", "namespace", "host", "none", NULL };
static const char *const discard_words[] = { "auto", "yes", "no", NULL };
static const char *const mount_words[] = { "bind", "tmpfs", NULL };

static const struct section sections[] = {
	{ .name = "container", .built = true, .help = "The container and its init." },
	{ .name = "rootfs", .built = true, .help = "Where its root file system is." },
	{ .name = "network",
	  .kind = SECTION_TITLED,
	  .base = BASE_NETWORK,
	  .title = "eth0",
	  .valid_title = check_link_name,
	  .title_allowed = "the name of a link, at most 15 letters, digits, _ . -",
	  .built = true,
	  .help = "A network link inside, named by the title." },
	{ .name = "limits", .built = true, .help = "What it may use of the host." },
	{ .name = "security", .built = true, .help = "What it may do." },
	{ .name = "device", .built = true, .help = "Devices of the host that it may use." },
	{ .name = "mount",
	  .kind = SECTION_TITLED,
	  .base = BASE_MOUNT,
	  .valid_title = check_mount_path,
	  .title_allowed = "an absolute path inside, without \"..\", not in /proc or /sys",
	  .built = true,
	  .help = "A directory of the host, seen inside at the title's path." },
	{ .name = "environment",
	  .kind = SECTION_FREE,
	  .valid_title = check_environment_name,
	  .title_allowed = "letters, digits and _, not beginning with a digit",
	  .built = true,
	  .help = "Variables for init and attach; any key." },
	{ .name = "credentials",
	  .kind = SECTION_FREE,
	  .valid_title = check_credential_name,
	  .title_allowed = "at most 255 letters, digits, _ . -, and not . or ..",
	  .built = true,
	  .help = "Handed to systemd inside; any key." },
	{ .name = "namespaces", .built = true, .help = "Which namespaces outlive a stop." },
	{ .name = "template",
	  .not_in_host = true,
	  .built = true,
	  .help = "What it was made of; written by create." },
	{ .name = "host",
	  .base = BASE_HOST,
	  .not_in_container = true,
	  .built = true,
	  .help = "The host side, for all containers; in sysct.conf only." },
};

static const struct option options[] = {
	/* [container] */
	{ "container", "hostname", TEXT(container_config, hostname), .valid = check_hostname,
	  .allowed = "a host name of at most 64 letters, digits, - and .",
	  .help = "Host name inside; the container's name when not given.", .built = true },
	{ "container", "init", TEXT(container_config, init), .preset = "/sbin/init",
	  .valid = check_init,
	  .allowed = "an absolute path inside and arguments, separated by blanks",
	  .help = "Program that runs as process 1, with its arguments.", .built = true },
	{ "container", "environment_id", TEXT(container_config, environment_id), .preset = "lxc",
	  .valid = check_environment_id, .allowed = "at most 64 letters, digits, _ . -",
	  .help = "Value of the variable container= for init.", .built = true },
	{ "container", "cgroup", WORD(container_config, cgroup, cgroup_words), .preset = "auto",
	  .allowed = "auto, v2, v1",
	  .help = "Which tree of cgroups init finds; auto: v1 for a systemd of before 230.", .built = true },
	{ "container", "description", TEXT(container_config, description),
	  .valid = check_description, .allowed = "at most 1024 bytes of text",
	  .help = "For people.", .built = true, .live = true },
	{ "container", "user", TEXT(container_config, user), .preset = "root", .valid = check_user,
	  .allowed = "USER or USER:GROUP, names or numbers", .help = "Whom attach enters as.",
	  .built = true, .live = true },
	{ "container", "autostart", TRUTH(container_config, autostart), .preset = "no",
	  .help = "Whether sysct autostart starts it, when the host boots.", .built = true, .live = true },
	{ "container", "autostart_priority",
	  NUMBER(NUMBER, container_config, autostart_priority, 0, 1000000), .preset = "0",
	  .allowed = "0 to 1000000", .help = "Higher numbers start first, and stop last.",
	  .built = true, .live = true },
	{ "container", "autostart_delay",
	  NUMBER(DURATION, container_config, autostart_delay, 0, DAY), .preset = "0s",
	  .allowed = "0s to 1d", .help = "Wait before the next one starts.",
	  .built = true, .live = true },
	{ "container", "restart", WORD(container_config, restart, restart_words), .preset = "no",
	  .allowed = "no, on-failure, always", .help = "Start it again when it ends by itself.",
	  .built = true },
	{ "container", "stop_signal", TEXT(container_config, stop_signal), .preset = "auto",
	  .valid = check_signal, .allowed = "auto, a signal's name such as SIGRTMIN+3, or 1 to 64",
	  .help = "What asks init to end; auto: what the kind of init understands.", .built = true,
	  .live = true },
	{ "container", "stop_timeout", NUMBER(DURATION, container_config, stop_timeout, 0, DAY),
	  .preset = "30s", .allowed = "0s to 1d", .help = "How long stop waits before it kills.",
	  .built = true, .live = true },
	{ "container", "console_log_size",
	  NUMBER(SIZE, container_config, console_log_size, 4 * KIB, GIB), .preset = "8M",
	  .allowed = "4K to 1G", .help = "How much of the console's output is kept.",
	  .built = true },
	/* [rootfs] */
	{ "rootfs", "image", TEXT(container_config, rootfs.image), .preset = "rootfs.img",
	  .valid = check_image,
	  .allowed = "a file, absolute or relative to the container's directory, without \"..\"",
	  .help = "Image with an ext4 file system.", .built = true },
	{ "rootfs", "directory", TEXT(container_config, rootfs.directory), .valid = check_rootfs_directory,
	  .allowed = "a directory, absolute or relative to the container's, without \"..\", not /",
	  .help = "Directory to use instead of an image.", .built = true },
	{ "rootfs", "size", NUMBER(SIZE, container_config, rootfs.size, 16 * MIB, 16 * TIB),
	  .preset = "10G", .allowed = "16M to 16T",
	  .help = "Size of the image; blocks are taken when written.", .built = true,
	  .at_create = true },
	{ "rootfs", "readonly", TRUTH(container_config, rootfs.readonly), .preset = "no",
	  .help = "Mount the root file system read-only.", .built = true },
	{ "rootfs", "discard", WORD(container_config, rootfs.discard, discard_words),
	  .preset = "auto", .allowed = "auto, yes, no",
	  .help = "Give freed blocks back to the host.", .built = true },
	/* [network "eth0"] */
	{ "network", "type", WORD(network_config, type, network_words), .preset = "veth",
	  .allowed = "veth, macvlan, namespace, host, none",
	  .help = "How it is connected: a link on the bridge, a link beside one of the host's, a "
		  "network namespace that is there, the host's network, or not at all.",
	  .built = true },
	{ "network", "bridge", TEXT(network_config, bridge), .valid = check_link_name,
	  .allowed = "the name of a link, at most 15 letters, digits, _ . -",
	  .help = "Bridge of the host; that of [host] when not given.", .built = true },
	{ "network", "parent", TEXT(network_config, parent), .valid = check_link_name,
	  .allowed = "the name of a link, at most 15 letters, digits, _ . -",
	  .help = "Link of the host below a macvlan.", .built = true },
	{ "network", "path", TEXT(network_config, path), .valid = check_directory,
	  .allowed = "an absolute path, without \"..\", such as /run/netns/NAME",
	  .help = "Network namespace to join.", .built = true },
	{ "network", "hwaddr", TEXT(network_config, hwaddr), .preset = "auto",
	  .valid = check_hwaddr, .normal = normal_hwaddr,
	  .allowed = "auto, or a unicast address such as 02:16:3e:11:22:33",
	  .help = "MAC address; auto: made once and kept.", .built = true },
	{ "network", "address", LIST(network_config, address), .valid = check_address,
	  .allowed = "auto, dhcp, none, or ADDRESS/PREFIX such as 10.0.3.7/24",
	  .help = "Addresses; auto (or none given): from the bridge's subnets, before init runs.",
	  .built = true },
	{ "network", "gateway", TEXT(network_config, gateway), .valid = check_ip,
	  .allowed = "an IP address", .help = "Default route; automatic when not given.",
	  .built = true },
	{ "network", "dns", LIST(network_config, dns), .valid = check_ip,
	  .allowed = "an IP address", .help = "Name servers.", .built = true },
	{ "network", "search", LIST(network_config, search), .valid = check_domain,
	  .allowed = "a domain name", .help = "Domains to search names in.", .built = true },
	{ "network", "mtu", NUMBER(NUMBER, network_config, mtu, 68, 65535), .preset = "auto",
	  .unset = "auto", .allowed = "auto, or 68 to 65535",
	  .help = "Largest packet; auto: the bridge's.", .built = true },
	{ "network", "publish", LIST(network_config, publish), .valid = check_publish,
	  .normal = normal_publish,
	  .allowed = "[HOSTIP:]HOSTPORT:PORT[/udp] such as 8080:80, an IPv6 HOSTIP in brackets and not ::1",
	  .help = "Ports of the host that lead inside.", .built = true, .live = true },
	{ "network", "isolated", TRUTH(network_config, isolated), .preset = "no",
	  .help = "Keep it from the other containers.", .built = true, .live = true },
	{ "network", "host_access", TRUTH(network_config, host_access), .preset = "no",
	  .help = "Let it reach services of the host.", .built = true, .live = true },
	/* [limits] */
	{ "limits", "memory", NUMBER(SIZE, container_config, limits.memory, MIB, 7 * EIB),
	  .preset = "auto", .unset = "auto", .none = "none", .allowed = "auto, none, or 1M to 7E",
	  .help = "Most memory; auto: four fifths of the host's.",
	  .built = true, .live = true },
	{ "limits", "swap", NUMBER(SIZE, container_config, limits.swap, 0, 7 * EIB),
	  .preset = "auto", .unset = "auto", .none = "none", .allowed = "auto, none, or 0 to 7E",
	  .help = "Most swap space; auto: half of the most memory.", .built = true, .live = true },
	{ "limits", "cpus", NUMBER(THOUSANDTHS, container_config, limits.cpus, 10, 8192000),
	  .preset = "none", .unset = "none", .allowed = "none, or 0.01 to 8192",
	  .help = "Most CPU time, in CPUs.", .built = true, .live = true },
	{ "limits", "cpu_weight", NUMBER(NUMBER, container_config, limits.cpu_weight, 1, 10000),
	  .preset = "none", .unset = "none", .allowed = "none, or 1 to 10000",
	  .help = "Share of the CPUs when they are short; others have 100.", .built = true,
	  .live = true },
	{ "limits", "cpuset", TEXT(container_config, limits.cpuset),
	  .valid = check_cpuset, .allowed = "a list such as 0-3,7", .help = "CPUs that it may run on.",
	  .built = true, .live = true },
	{ "limits", "tasks", NUMBER(NUMBER, container_config, limits.tasks, 1, 4194304),
	  .preset = "auto", .unset = "auto", .none = "none", .allowed = "auto, none, or 1 to 4194304",
	  .help = "Most processes and threads; auto: an eighth of the host's, at most 16384.", .built = true, .live = true },
	{ "limits", "io_read", NUMBER(SIZE, container_config, limits.io_read, 4 * KIB, 7 * EIB),
	  .preset = "none", .unset = "none", .allowed = "none, or 4K to 7E",
	  .help = "Most bytes read a second from its own disk.", .built = true,
	  .live = true },
	{ "limits", "io_write", NUMBER(SIZE, container_config, limits.io_write, 4 * KIB, 7 * EIB),
	  .preset = "none", .unset = "none", .allowed = "none, or 4K to 7E",
	  .help = "Most bytes written a second to its own disk.", .built = true,
	  .live = true },
	{ "limits", "io_weight", NUMBER(NUMBER, container_config, limits.io_weight, 1, 10000),
	  .preset = "none", .unset = "none", .allowed = "none, or 1 to 10000",
	  .help = "Share of the disks when they are busy.", .built = true,
	  .live = true },
	/* [security] */
	{ "security", "privileged", TRUTH(container_config, security.privileged), .preset = "no",
	  .help = "Root inside is root of the host. No boundary against root inside.",
	  .built = true },
	{ "security", "idmap", TEXT(container_config, security.idmap), .preset = "auto",
	  .valid = check_idmap, .allowed = "auto, or INSIDE:OUTSIDE:COUNT such as 0:100000:65536",
	  .help = "Which ids of the host its ids are.", .built = true },
	{ "security", "keep_capabilities", LIST(container_config, security.keep_capabilities),
	  .valid = check_capability, .near = caps_nearest, .normal = normal_capability,
	  .allowed = "a capability such as cap_net_admin",
	  .help = "Capabilities to keep of those that are dropped by default.", .built = true },
	{ "security", "drop_capabilities", LIST(container_config, security.drop_capabilities),
	  .valid = check_capability, .near = caps_nearest, .normal = normal_capability,
	  .allowed = "a capability such as cap_sys_time", .help = "Capabilities to drop as well.",
	  .built = true },
	{ "security", "seccomp", TEXT(container_config, security.seccomp), .preset = "default",
	  .valid = check_seccomp, .allowed = "default, none, or the absolute path of a profile",
	  .help = "Filter of system calls.", .built = true },
	{ "security", "nesting", TRUTH(container_config, security.nesting), .preset = "no",
	  .help = "Let it run containers itself.", .built = true },
	{ "security", "hardened", TRUTH(container_config, security.hardened), .preset = "no",
	  .help = "Take away what most containers do not need.", .built = true },
	{ "security", "no_new_privileges", TRUTH(container_config, security.no_new_privileges),
	  .preset = "no", .help = "No program inside gains rights by setuid or file capabilities.",
	  .built = true },
	{ "security", "apparmor", TEXT(container_config, security.apparmor), .valid = check_apparmor,
	  .allowed = "the name of a loaded profile", .help = "AppArmor profile that it runs under.",
	  .built = true },
	{ "security", "selinux", TEXT(container_config, security.selinux), .valid = check_selinux,
	  .allowed = "a context, USER:ROLE:TYPE or USER:ROLE:TYPE:RANGE",
	  .help = "SELinux context that it runs in.", .built = true },
	/* [device] */
	{ "device", "fuse", TRUTH(container_config, device.fuse), .preset = "no",
	  .help = "/dev/fuse.", .built = true, .live = true },
	{ "device", "tun", TRUTH(container_config, device.tun), .preset = "no",
	  .help = "/dev/net/tun.", .built = true, .live = true },
	{ "device", "kvm", TRUTH(container_config, device.kvm), .preset = "no",
	  .help = "/dev/kvm.", .built = true, .live = true },
	{ "device", "allow", LIST(container_config, device.allow),
	  .valid = check_device_allow, .allowed = "/dev/NODE, and any of r, w, m behind it",
	  .help = "Other devices.", .built = true, .live = true },
	/* [mount "/path"] */
	{ "mount", "source", TEXT(mount_config, source), .valid = check_directory,
	  .allowed = "an absolute path", .help = "What is mounted.", .built = true, .live = true },
	{ "mount", "type", WORD(mount_config, type, mount_words), .preset = "bind",
	  .allowed = "bind, tmpfs", .help = "A directory or file of the host, or memory.",
	  .built = true, .live = true },
	{ "mount", "readonly", TRUTH(mount_config, readonly), .preset = "no",
	  .help = "Mount read-only, with all that is below.", .built = true, .live = true },
	{ "mount", "create", TRUTH(mount_config, create), .preset = "no",
	  .help = "Make the place inside when it is missing.", .built = true, .live = true },
	{ "mount", "options", TEXT(mount_config, options), .valid = check_mount_options,
	  .allowed = "nosuid, suid, noexec, exec, noatime, relatime, strictatime, nodiratime, nosymfollow, "
		     "norbind, noidmap; for tmpfs: size=, mode=, uid=, gid=, nr_inodes=",
	  .help = "More mount options, with commas between them.", .built = true, .live = true },
	/* free sections */
	{ "environment", "*", PAIRS(container_config, environment), .allowed = "any text",
	  .help = "A variable.", .built = true },
	{ "credentials", "*", PAIRS(container_config, credentials), .valid = check_credential,
	  .allowed = "text, with \\n for a new line, \\t, \\\\ and \\xHH", .secret = true,
	  .help = "A credential.", .built = true },
	/* [namespaces] */
	{ "namespaces", "persist", LIST(container_config, namespaces.persist),
	  .valid = check_persist, .allowed = "net, uts, ipc", .help = "Kept from stop to the next start.",
	  .built = true },
	{ "namespaces", "time", TEXT(container_config, namespaces.time), .preset = "host",
	  .valid = check_time, .allowed = "host, new",
	  .help = "new: uptime counts from the container's start.", .built = true },
	/* [template] */
	{ "template", "name", TEXT(container_config, template.name), .valid = check_text,
	  .allowed = "at most 4096 bytes of text", .help = "Name of the template.", .built = true,
	  .live = true },
	{ "template", "release", TEXT(container_config, template.release), .valid = check_text,
	  .allowed = "at most 4096 bytes of text", .help = "Release of the distribution.", .built = true,
	  .live = true },
	{ "template", "arch", TEXT(container_config, template.arch), .valid = check_arch,
	  .allowed = "a name as of uname -m", .help = "Architecture.", .built = true, .live = true },
	{ "template", "variant", TEXT(container_config, template.variant), .valid = check_text,
	  .allowed = "at most 4096 bytes of text", .help = "Variant of the template.", .built = true,
	  .live = true },
	{ "template", "source", TEXT(container_config, template.source), .valid = check_text,
	  .allowed = "at most 4096 bytes of text", .help = "Where it was taken from.", .built = true,
	  .live = true },
	{ "template", "checksum", TEXT(container_config, template.checksum), .valid = check_text,
	  .allowed = "at most 4096 bytes of text", .help = "Of what was taken.", .built = true,
	  .live = true },
	/* [host] */
	{ "host", "bridge", TEXT(host_config, bridge), .preset = "sysct0", .valid = check_link_name,
	  .allowed = "the name of a link, at most 15 letters, digits, _ . -",
	  .help = "Bridge that sysct makes for its containers.", .built = true },
	{ "host", "subnet", TEXT(host_config, subnet), .preset = "auto", .valid = check_subnet,
	  .allowed = "auto, or NETWORK/PREFIX such as 10.0.3.0/24, prefix 8 to 29",
	  .help = "IPv4 network of the bridge; auto: one that the host does not use.",
	  .built = true },
	{ "host", "subnet6", TEXT(host_config, subnet6), .preset = "auto", .valid = check_subnet6,
	  .allowed = "auto, none, or NETWORK/PREFIX such as fd00:1::/64, prefix 48 to 112",
	  .help = "IPv6 network of the bridge.", .built = true },
	{ "host", "id_pool", TEXT(host_config, id_pool), .valid = check_id_pool,
	  .allowed = "FIRST-LAST, from 65536 to 4294967294, at least 65536 ids",
	  .help = "Ids of the host that unprivileged containers get.", .built = true },
	{ "host", "cache_age", NUMBER(DURATION, host_config, cache_age, 0, 3650 * DAY),
	  .preset = "7d", .allowed = "0s to 3650d",
	  .help = "How old a built image may be to be used again.", .built = true },
	{ "host", "mirror", LIST(host_config, mirror), .valid = check_mirror,
	  .normal = normal_mirror, .allowed = "TEMPLATE and a URL of http, https or file",
	  .help = "Where a template downloads from; one line for each.", .built = true },
};

const struct option *options_all(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(options);
	return options;
}

const struct section *sections_all(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(sections);
	return sections;
}

const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (text_same(sections[i].name, name))
			return &sections[i];
	return NULL;
}

const struct option *option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if ((text_same(options[i].key, key) || options[i].type == OPTION_PAIRS) &&
		    text_same(options[i].section, section))
			return &options[i];
	return NULL;
}

const char *section_nearest(const char *name)
{
	const char *names[ARRAY_SIZE(sections)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (sections[i].built)
			names[n++] = sections[i].name;
	return nearest_of(name, names, n);
}

const char *option_nearest(const char *section, const char *key)
{
	const char *names[ARRAY_SIZE(options)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].built && options[i].type != OPTION_PAIRS &&
		    strcmp(options[i].section, section) == 0)
			names[n++] = options[i].key;
	return nearest_of(key, names, n);
}

char *section_label(const struct section *section, const char *title)
{
	struct text text = TEXT_EMPTY;

	ini_add_header(&text, section->name, title);
	return text.data;
}
