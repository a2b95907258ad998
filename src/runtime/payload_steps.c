/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the container's first process does before it becomes init: in its own namespaces, with the rights
 * of their root and no others. Paths inside the rootfs are hostile: they are opened below its descriptor
 * without following links. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/checks.h"
#include "os/affinity.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/process.h"
#include "os/pty.h"
#include "os/session.h"
#include "rows.h"
#include "runtime/confine.h"
#include "runtime/devices.h"
#include "runtime/hosts.h"
#include "runtime/launch.h"
#include "runtime/mounts.h"
#include "store/configure.h"
#include "store/guest.h"

/* The rootfs, from "enter the rootfs" on. The payload is one process with one rootfs. */
static int root = -1;
static int old_root = -1;	/* the host's tree, until "leave the host's mounts" */
static int console_slave = -1;

#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

int payload_become_root(struct launch *launch, struct error *err)
{
	if (launch->userns < 0)
		return 0;
	return ns_become_root(err);
}

int payload_unshare_cgroup(struct launch *launch, struct error *err)
{
	(void)launch;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return fail(err, errno, "unshare the cgroup namespace");
	return 0;
}

int payload_enter_rootfs(struct launch *launch, struct error *err)
{
	auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)launch;
	if (here < 0)
		return fail(err, errno, "open the rootfs");
	/* A copy of it: what came from the host is locked in its place and could not become the root. The copy's nodev
	 * and read-only stay locked. */
	root = mount_clone(here, "", false, err);
	if (root < 0)
		return root;
	if (mount_attach(root, here, err) < 0)
		return -err->code;
	old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old_root < 0)
		return fail(err, errno, "open the old root");
	return mount_pivot(root, err);
}

/* Mount a new file system on a directory of the rootfs. */
static int put_new(const char *type, const char *path, const char *const *options, unsigned int attributes,
		   struct error *err)
{
	auto_close int target = mount_target(root, path, 0755, err);
	auto_close int fd = -1;

	if (target < 0)
		return target;
	fd = mount_new(type, type, options, attributes, err);
	if (fd < 0)
		return fd;
	return mount_attach(fd, target, err);
}

static int put_mount(int fd, const char *path, struct error *err)
{
	auto_close int target = mount_target(root, path, 0755, err);

	return target < 0 ? target : mount_attach(fd, target, err);
}

/* A user namespace that does not own the net namespace may not mount sysfs: it gets the host's, whose files its
 * root cannot write. */
static int put_host_sys(struct error *err)
{
	auto_close int fd = mount_clone(old_root, "sys", true, err);

	if (fd < 0)
		return fd;
	if (mount_set(fd, MOUNT_ATTR_RDONLY | PLAIN, true, err) < 0)
		return -err->code;
	return put_mount(fd, "sys", err);
}

/* What systemd looks for first, and takes for an order. */
static int put_cgroup_v1(struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=64k", NULL };
	static const char *const systemd[] = { "none", "name=systemd", NULL };
	auto_close int fd = mount_new("tmpfs", "tmpfs", options, PLAIN, err);
	auto_close int target = fd < 0 ? -1 : mount_target(root, "sys/fs/cgroup", 0755, err);

	if (target < 0 || mount_attach(fd, target, err) < 0 ||
	    put_new("cgroup", "sys/fs/cgroup/systemd", systemd, PLAIN, err) < 0)
		return -err->code;
	return mount_set(fd, MOUNT_ATTR_RDONLY, false, err);
}

static bool has_host_sys(const struct launch *launch)
{
	const struct container_config *config = launch->config;

	return launch->userns >= 0 && config->n_networks && config->networks[0].type == NETWORK_HOST;
}

static bool owns_sys(const struct launch *launch)
{
	return launch->sys < 0 && !has_host_sys(launch);
}

int payload_mount_api(struct launch *launch, struct error *err)
{
	if (launch->proc >= 0 ? put_mount(launch->proc, "proc", err) < 0 :
				put_new("proc", "proc", NULL, PLAIN, err) < 0)
		return -err->code;
	/* The root of /sys is read-only for every init: systemd, udev and networkd look at just that. */
	if (launch->sys >= 0) {
		if (put_mount(launch->sys, "sys", err) < 0)
			return -err->code;
	} else if (has_host_sys(launch)) {
		if (put_host_sys(err) < 0)
			return -err->code;
	} else if (put_new("sysfs", "sys", NULL, PLAIN | MOUNT_ATTR_RDONLY, err) < 0) {
		return -err->code;
	}
	return launch->cgroup_v1 ? put_cgroup_v1(err) : put_new("cgroup2", "sys/fs/cgroup", NULL, PLAIN, err);
}

/* Users may ping without a privileged program, as on most distributions: there systemd sets it, to a range that is not
 * in the container's id map and so refused (icmp(7)). Best effort: the kernel may lack it. */
int payload_adjust_network(struct launch *launch, struct error *err)
{
	uint32_t count = launch->container->idmap.count;
	auto_free char *range = xasprintf("0 %u", (count > 65536 ? 65536 : count) - 1);

	(void)err;
	write_value_at(root, "proc/sys/net/ipv4/ping_group_range", range);
	network_ask_no_router(launch, root);
	return 0;
}

/* --- /dev --- */

static int bind_host_node(const char *name, struct error *err)
{
	auto_free char *path = xasprintf("dev/%s", name);
	auto_close int fd = -1;
	auto_close int target = open_beneath(root, path, O_RDONLY | O_CREAT | O_EXCL, 0666);

	if (target < 0)
		return fail(err, -target, "create /%s", path);
	fd = mount_clone(old_root, path, false, err);
	return fd < 0 ? fd : mount_attach(fd, target, err);
}

static const char *const host_nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };

static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "ptmx", "pts/ptmx" },	      { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
};

/* Nodes of the host's, with its owners. */
static int bind_devices(const struct container_config *config, struct error *err)
{
	auto_devices struct devices devices = DEVICES_EMPTY;

	if (devices_find(config, &devices, err) < 0)
		return -err->code;
	for (size_t i = 0; i < devices.n; i++) {
		const char *name = devices.items[i].name;
		auto_free char *parent = xasprintf("dev/%s", name);
		auto_close int dir = -1;

		*strrchr(parent, '/') = '\0';
		dir = mount_target(root, parent, 0755, err);
		if (dir < 0 || bind_host_node(name, err) < 0)
			return -err->code;
	}
	return 0;
}

static int put_dev(const struct launch *launch, struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=4m", "nr_inodes=64k", NULL };

	if (launch->dev >= 0)
		return put_mount(launch->dev, "dev", err);
	if (put_new("tmpfs", "dev", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(host_nodes); i++)
		if (bind_host_node(host_nodes[i], err) < 0)
			return -err->code;
	return bind_devices(launch->config, err);
}

int payload_make_dev(struct launch *launch, struct error *err)
{
	static const char *const pts[] = { "mode=0620", "gid=5", "ptmxmode=0666", "max=1024", NULL };
	auto_free char *size = mounts_memory_size(launch->config, 10, 50);
	const char *const shm[] = { "mode=1777", size, "nr_inodes=400k", NULL };
	struct error no_mqueue = ERROR_NONE;
	auto_close int dev = -1;

	if (put_dev(launch, err) < 0)
		return error_prefix(err, "/dev");
	if (put_new("devpts", "dev/pts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err) < 0 ||
	    put_new("tmpfs", "dev/shm", shm, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err) < 0)
		return -err->code;
	put_new("mqueue", "dev/mqueue", NULL, PLAIN, &no_mqueue);	/* not in every kernel */
	dev = open_beneath(root, "dev", O_RDONLY | O_DIRECTORY, 0);
	if (dev < 0)
		return fail(err, -dev, "open /dev");
	for (size_t i = 0; i < ARRAY_SIZE(dev_links); i++)
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0)
			return fail(err, errno, "link /dev/%s", dev_links[i].name);
	return 0;
}

/* --- /run and /run/host --- */

#define CREDENTIALS "run/host/credentials"

/* Programs expect to write here also where the rest is read-only. A rootfs without one of them has no use for it. */
static int put_temporary(const struct launch *launch, struct error *err)
{
	auto_free char *size = mounts_memory_size(launch->config, 10, 20);
	const char *const options[] = { "mode=1777", size, "nr_inodes=400k", NULL };
	static const char *const dirs[] = { "tmp", "var/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_close int there = open_beneath(root, dirs[i], O_PATH | O_DIRECTORY, 0);

		if (there >= 0 && put_new("tmpfs", dirs[i], options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err) < 0)
			return -err->code;
	}
	return 0;
}

#define TMP_UNIT "usr/lib/systemd/system/tmp.mount"

/* systemd mounts half of the host's memory on /tmp, where a distribution wants that: half of the limit it shall be. By the
 * directory of what systemctl set-property sets for this boot, and below all others' names, so that theirs count. It would
 * replace the options of whatever becomes tmp.mount: a disk of /etc/fstab could not be mounted with these. */
static int put_tmp_size(const struct launch *launch, struct error *err)
{
	static const char *const dirs[] = { "run/systemd", "run/systemd/system.control",
					    "run/systemd/system.control/tmp.mount.d" };
	auto_close int unit = open_beneath(root, TMP_UNIT, O_PATH, 0);
	auto_free char *size = mounts_memory_size(launch->config, 50, 50), *text = NULL;

	if (unit < 0 || strchr(size, '%') || guest_has_own_tmp(root))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_close int dir = mount_target(root, dirs[i], 0755, err);

		if (dir < 0)
			return dir;
	}
	text = xasprintf("[Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,%s,nr_inodes=1m\n", size);
	return put_file_beneath(root, "run/systemd/system.control/tmp.mount.d/00-sysct.conf", text, err);
}

int payload_make_run(struct launch *launch, struct error *err)
{
	auto_free char *size = mounts_memory_size(launch->config, 20, 20);
	const char *const options[] = { "mode=0755", size, "nr_inodes=800k", NULL };
	auto_free char *uuid = xasprintf("%s\n", launch->container->uuid);
	auto_close int host = -1;

	if (put_new("tmpfs", "run", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err) < 0)
		return -err->code;
	if (launch->config->rootfs.readonly && put_temporary(launch, err) < 0)
		return -err->code;
	umask(022);
	if (put_tmp_size(launch, err) < 0)
		return -err->code;
	host = mount_target(root, "run/host", 0755, err);
	if (host < 0)
		return host;
	if (put_file_beneath(root, "run/host/container-manager", "sysct\n", err) < 0 ||
	    put_file_beneath(root, "run/host/container-uuid", uuid, err) < 0)
		return -err->code;
	if (launch->config->credentials.n && mkdirat(host, "credentials", 0755) < 0)
		return fail(err, errno, "make /" CREDENTIALS);
	if (launch->resolv_conf && put_file_beneath(root, "run/host/resolv.conf", launch->resolv_conf, err) < 0)
		return -err->code;
	return 0;
}

/* --- the boot id --- */

#define BOOT_ID "run/host/boot-id"

/* A proc or sysfs of one's own may be mounted only where there is one with nothing locked on it: not by a user namespace
 * that sees the boot id's cover, nor by ip netns exec, which takes /sys away first. So there is a second one of each. Later
 * a read-only /run/host comes above them and hides them: nobody gets round what a service's own /proc keeps from it. */
static int put_bare(const char *what, struct error *err)
{
	auto_free char *path = xasprintf("run/host/%s", what);
	auto_close int fd = mount_clone(root, what, false, err);

	return fd < 0 ? fd : put_mount(fd, path, err);
}

/* Where they are masked, or another network's, nobody may mount another one anyway. */
static int put_bares(const struct launch *launch, struct error *err)
{
	if (launch->proc < 0 && put_bare("proc", err) < 0)
		return -err->code;
	return owns_sys(launch) ? put_bare("sys", err) : 0;
}

/* A machine has another one after each boot, by which journalctl -b and whoever notices a reboot tell them apart; the
 * kernel's is the host's. */
int payload_give_boot_id(struct launch *launch, struct error *err)
{
	auto_close int target = open_beneath(root, "proc/sys/kernel/random/boot_id", O_PATH, 0), fd = -1;
	char text[UUID_LEN + 2];

	if (put_bares(launch, err) < 0)
		return -err->code;
	if (target == -ENOENT)
		return 0;	/* a kernel without sysctl */
	if (target < 0)
		return fail(err, -target, "open the boot id in /proc");
	uuid_make(text);
	strcpy(text + UUID_LEN, "\n");
	if (put_file_beneath(root, BOOT_ID, text, err) < 0)
		return -err->code;
	fd = mount_clone(root, BOOT_ID, false, err);
	if (fd < 0 || mount_set(fd, MOUNT_ATTR_RDONLY | PLAIN, false, err) < 0)
		return -err->code;
	return mount_attach(fd, target, err);
}

/* --- console and notify socket --- */

int payload_open_console(struct launch *launch, struct error *err)
{
	auto_close int pts = open_beneath(root, "dev/pts", O_RDONLY | O_DIRECTORY, 0);
	auto_free char *target = NULL;
	auto_close int dev = open_beneath(root, "dev", O_RDONLY | O_DIRECTORY, 0);
	int number;

	if (pts < 0 || dev < 0)
		return fail(err, EIO, "open /dev/pts");
	launch->send_fd = pty_open(pts, &console_slave, &number, err);
	if (launch->send_fd < 0)
		return launch->send_fd;
	target = xasprintf("pts/%d", number);
	if (symlinkat(target, dev, "console") < 0)
		return fail(err, errno, "link /dev/console");
	return 0;
}

int payload_open_notify(struct launch *launch, struct error *err)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/host/notify" };
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	auto_close int copy = -1;
	auto_close int host = -1;
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fail(err, errno, "make the notify socket");
	umask(0);
	/* absolute: we are in the rootfs already, and /run is our own new tmpfs */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, errno, "bind %s", address.sun_path);
	umask(022);
	launch->send_fd = take_fd(&fd);
	host = open_beneath(root, "run/host", O_PATH | O_DIRECTORY, 0);
	if (host < 0)
		return fail(err, -host, "open /run/host");
	copy = mount_clone(host, "", false, err);
	if (copy < 0 || mount_set(copy, MOUNT_ATTR_RDONLY | PLAIN, false, err) < 0)
		return -err->code;
	return mount_attach(copy, host, err);
}

static int put_credential(int dir, const char *pair, struct error *err)
{
	const char *equals = strchr(pair, '=');
	auto_free char *name = xstrndup(pair, (size_t)(equals - pair)), *bytes = NULL;
	auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	size_t n;
	int r;

	if (fd < 0)
		return fail(err, errno, "create /" CREDENTIALS "/%s", name);
	bytes = credential_bytes(equals + 1, &n);
	r = bytes ? write_all(fd, bytes, n) : -EINVAL;
	if (bytes)
		explicit_bzero(bytes, n);
	return r < 0 ? fail(err, -r, "write /" CREDENTIALS "/%s", name) : 0;
}

/* Memory that is never swapped out, root's alone (systemd.exec(5), CREDENTIALS; https://systemd.io/CONTAINER_INTERFACE). Above
 * /run/host, which is read-only by now. */
int payload_give_credentials(struct launch *launch, struct error *err)
{
	static const char *const options[] = { "mode=0500", NULL };
	const struct strings *credentials = &launch->config->credentials;
	auto_close int mount = mount_new("ramfs", "ramfs", options, PLAIN, err), target = -1;

	if (mount < 0)
		return mount;
	for (size_t i = 0; i < credentials->n; i++)
		if (put_credential(mount, credentials->items[i], err) < 0)
			return -err->code;
	target = open_beneath(root, CREDENTIALS, O_PATH | O_DIRECTORY, 0);
	if (target < 0)
		return fail(err, -target, "open /" CREDENTIALS);
	if (mount_set(mount, MOUNT_ATTR_RDONLY, false, err) < 0)
		return -err->code;
	return mount_attach(mount, target, err);
}

int payload_mount_named(struct launch *launch, struct error *err)
{
	return mounts_place(root, &launch->mounts, err);
}

int payload_leave_host(struct launch *launch, struct error *err)
{
	(void)launch;
	close_fd(&old_root);
	if (mount_drop_old_root(err) < 0)
		return -err->code;
	/* services inside get slave copies of what init mounts later, as on any systemd host */
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return fail(err, errno, "share the mounts inside");
	return 0;
}

int payload_set_hostname(struct launch *launch, struct error *err)
{
	const char *name = container_hostname(launch->container);

	if (launch->kept.fds[KEPT_UTS] >= 0)
		return 0;	/* whatever it was named last */
	if (sethostname(name, strlen(name)) < 0)
		return fail(err, errno, "set the host name \"%s\"", name);
	return 0;
}

/* Once for each name, so that what somebody inside chooses afterwards stays. */
int payload_write_hostname(struct launch *launch, struct error *err)
{
	const struct configure what = { .name = launch->container->name, .hostname = launch->config->hostname };
	const struct record *identity = &launch->container->identity;

	if (!launch->renamed)
		return 0;
	*launch->renamed = configure_rename(root, record_get(identity, IDENTITY_HOSTNAME), record_get(identity, IDENTITY_RENAMING),
					    &what, err) == 0;
	if (!*launch->renamed)
		dprintf(console_slave, "sysct: the new host name could not be written: %s\n", err->message);
	*err = (struct error)ERROR_NONE;	/* a disk that is full is no reason not to boot */
	return 0;
}

/* Without a name server on the bridge the names of the other containers stand in /etc/hosts. */
int payload_write_hosts(struct launch *launch, struct error *err)
{
	if (!launch->hosts_block || launch->config->rootfs.readonly)
		return 0;
	return hosts_write_block(root, launch->hosts_block, err);
}

/* --- the last steps --- */

int payload_set_limits(struct launch *launch, struct error *err)
{
	(void)launch;
	(void)err;
	affinity_free();
	session_set_rlimits();
	session_forget_caller();
	return 0;
}

int payload_confine(struct launch *launch, struct error *err)
{
	return confine(&launch->confinement, err);
}

static void make_environment(const struct launch *launch, struct strings *env)
{
	const struct container_config *config = launch->config;

	strings_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strings_add(env, "TERM=xterm-256color");
	strings_add(env, "HOME=/root");
	strings_add(env, "USER=root");
	strings_add(env, "LOGNAME=root");
	strings_add_take(env, xasprintf("container=%s", config->environment_id));
	strings_add_take(env, xasprintf("container_uuid=%s", launch->container->uuid));
	strings_add(env, "NOTIFY_SOCKET=/run/host/notify");
	if (config->credentials.n)
		strings_add(env, "CREDENTIALS_DIRECTORY=/" CREDENTIALS);
	for (size_t i = 0; i < config->environment.n; i++)
		session_set_env(env, config->environment.items[i]);
}

int payload_exec_init(struct launch *launch, struct error *err)
{
	auto_strings struct strings env = STRINGS_EMPTY, words = STRINGS_EMPTY;
	int saved;

	make_environment(launch, &env);
	strings_split(&words, launch->config->init, " \t");
	if (words.n == 0)
		return fail(err, 0, "the init setting is empty");
	setsid();
	umask(022);
	if (dup2(console_slave, 0) < 0 || dup2(console_slave, 1) < 0 || dup2(console_slave, 2) < 0)
		return fail(err, errno, "open the console");
	/* what is closed no link of the container's can lead to, neither here nor in what names its interpreter */
	close_others(&launch->peer, 1);
	signals_reset();
	execve(words.items[0], words.items, env.items);
	saved = errno;
	fail(err, saved, "execute %s", words.items[0]);
	if (saved == ENOENT && access(words.items[0], F_OK) == 0)
		error_hint(err, "the file is there, but the interpreter or loader that it names is not");
	else if (saved == ENOENT)
		error_hint(err, "the rootfs has no such init: install one (systemd-sysv, openrc, busybox), or name "
				"another: sysct config set %s container.init=/path",
			   launch->container->name);
	else if (saved == ENOEXEC)
		error_hint(err, "it is not a program of this machine's architecture");
	return -err->code;
}
