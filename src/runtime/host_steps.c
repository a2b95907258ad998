/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "os/bare_mounts.h"
#include "os/cgroup.h"
#include "os/fdpass.h"
#include "os/lock.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "rows.h"
#include "runtime/devices.h"
#include "runtime/handshake.h"
#include "runtime/init.h"
#include "runtime/launch.h"
#include "runtime/limits.h"
#include "runtime/reclaim.h"
#include "runtime/started.h"
#include "runtime/steps.h"
#include "runtime/supervise.h"
#include "runtime/unit.h"
#include "store/linked.h"

#define KILL_TIMEOUT_MS 20000
#define LOOP_TIMEOUT_MS 20000
#define CGROUP_TIMEOUT_MS 5000
#define LENDER_TIMEOUT_MS 60000
#define LOCK_WAIT_MS 2000

char *launch_run_dir(const struct container *container)
{
	return xasprintf("%s/%s", container->install->run_dir, container->name);
}

static char *groups_dir(const struct install *install)
{
	return xasprintf("sysct%s%s", *install->suffix ? "-" : "", install->suffix);
}

char *launch_group(const struct container *container)
{
	auto_free char *dir = groups_dir(container->install);
	char *unit = unit_group(container);

	return unit ? unit : xasprintf("%s/%s", dir, container->uuid);
}

/* --- run directory --- */

int host_make_run_dir(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container);
	auto_free char *root = xasprintf("%s/root", dir);
	int r = make_dirs(root, 0700);

	return r < 0 ? fail(err, -r, "create %s", root) : 0;
}

int host_remove_run_dir(const struct container *container, const struct container_state *state,
			struct error *err)
{
	(void)state;
	auto_close int run = open(container->install->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (run < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open %s", container->install->run_dir);
	return remove_tree_at(run, container->name, err);
}

int host_keep_config(struct launch *launch, struct error *err)
{
	return started_save(launch->container, err);
}

int host_open_control(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container);
	auto_close int fd = -1;

	if (launch->control >= 0)
		return 0;	/* a reboot keeps it, and the clients on it */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open %s", dir);
	launch->control = unix_listen(fd, "control");
	if (launch->control < 0)
		return fail(err, -launch->control, "listen on %s/control", dir);
	return 0;
}

/* --- rootfs --- */

/* What the lender says; its descriptors come along. */
struct lent {
	int r;
	struct error err;
	struct rootfs rootfs;
};
#define LENT_FDS 3

#define WARM_BYTES (256 << 10)

/* What the payload reads of the image one after the other, the most of it when nobody has anything else to do: so that it is in memory
 * by then. It must not matter what stands there; nodes of devices are closed on this mount. No link is followed: that would write its
 * time, and while somebody writes a mount takes no id map (EBUSY of mount_setattr(2)). */
static void warm(const struct container *container, const struct rootfs *rootfs)
{
	static const char *const places[] = { "proc", "sys", "dev", "run" };
	auto_free char *init = xstrndup(container->config.init, strcspn(container->config.init, " \t"));
	const char *const paths[] = { "/etc/hosts", init };

	for (size_t i = 0; i < ARRAY_SIZE(places) && rootfs->loop.fd >= 0; i++) {
		auto_close int fd = open_beneath(rootfs->mount_fd, places[i], O_PATH, 0);
	}

	for (size_t i = 0; i < ARRAY_SIZE(paths) && rootfs->loop.fd >= 0; i++) {
		const char *path = paths[i] + strspn(paths[i], "/");
		auto_close int fd = open_beneath(rootfs->mount_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			posix_fadvise(fd, 0, WARM_BYTES, POSIX_FADV_WILLNEED);
	}
}

void launch_lend_rootfs(const struct container *container, int socket)
{
	struct lent lent = { .err = ERROR_NONE, .rootfs = ROOTFS_EMPTY };
	const struct rootfs *rootfs = &lent.rootfs;

	lent.r = rootfs_open(container, container->config.rootfs.readonly, &lent.rootfs, &lent.err);
	fd_send(socket, &lent, sizeof(lent), (const int[LENT_FDS]){ rootfs->mount_fd, rootfs->lock_fd, rootfs->loop.fd },
		lent.r < 0 ? 0 : LENT_FDS);
	if (lent.r >= 0)
		warm(container, rootfs);
	rootfs_close(&lent.rootfs);
}

/* 1: the lender has ended without a word. */
static int take_lent(int lender, struct rootfs *ret, struct error *err)
{
	struct pollfd poll_fd = { .fd = lender, .events = POLLIN };
	int fds[LENT_FDS];
	size_t n_fds = LENT_FDS;
	struct lent lent;
	ssize_t n;

	while (poll(&poll_fd, 1, LENDER_TIMEOUT_MS) < 0 && errno == EINTR)
		;
	if (!poll_fd.revents) {
		fail(err, ETIMEDOUT, "wait %d s for the rootfs", LENDER_TIMEOUT_MS / 1000);
		return error_hint(err, "is the command stopped that began this start? Let it go on: kill -CONT PID");
	}
	n = fd_receive(lender, &lent, sizeof(lent), fds, &n_fds);
	if (n <= 0)
		return 1;
	if (n != (ssize_t)sizeof(lent) || (lent.r >= 0 && n_fds != LENT_FDS)) {
		while (n_fds > 0)
			close(fds[--n_fds]);
		return fail(err, EPROTO, "understand who has opened the rootfs");
	}
	if (lent.r < 0) {
		*err = lent.err;
		return lent.r;
	}
	*ret = lent.rootfs;
	ret->mount_fd = fds[0];
	ret->lock_fd = fds[1];
	ret->loop.fd = fds[2];
	return 0;
}

static int have_rootfs(struct launch *launch, struct error *err)
{
	int r = launch->lender < 0 ? 1 : take_lent(launch->lender, &launch->rootfs, err);

	close_fd(&launch->lender);
	return r == 1 ? rootfs_open(launch->container, launch->config->rootfs.readonly, &launch->rootfs, err) : r;
}

/* For whoever waits until it is free again. */
static void note_loop(struct launch *launch)
{
	const struct rootfs *rootfs = &launch->rootfs;

	record_setf(&launch->state->more, "loop", "%d %llu %llu", rootfs->loop.number, rootfs->device, rootfs->inode);
}

/* 1: nobody has made it for us. */
static int have_cgroup(struct launch *launch, struct error *err)
{
	int r = HANDSHAKE_CLOSED, none;

	if (launch->cgroup_lender >= 0)
		r = handshake_await(launch->cgroup_lender, 0, LENDER_TIMEOUT_MS, &none, err);
	close_fd(&launch->cgroup_lender);
	return r == HANDSHAKE_CLOSED ? 1 : r;
}

void launch_settle_lender(struct launch *launch)
{
	struct error ignored = ERROR_NONE;

	have_cgroup(launch, &ignored);
	if (launch->lender >= 0 && take_lent(launch->lender, &launch->rootfs, &ignored) == 0)
		note_loop(launch);
	close_fd(&launch->lender);
}

int host_mount_rootfs(struct launch *launch, struct error *err)
{
	struct rootfs *rootfs = &launch->rootfs;

	if (have_rootfs(launch, err) < 0)
		return -err->code;
	if (reclaim_period(launch->container))
		record_setf(&launch->state->more, MORE_RECLAIM, "%u", reclaim_period(launch->container));
	else
		record_set(&launch->state->more, MORE_RECLAIM, NULL);
	if (rootfs->loop.fd >= 0) {
		note_loop(launch);
		if (rootfs->base.fd >= 0)
			record_setf(&launch->state->more, "base", "%d %llu %llu", rootfs->base.number, rootfs->base_device,
				    rootfs->base_inode);
		if (state_save(launch->container->install->run_dir, launch->container->name, launch->state,
			       err) < 0)
			return -err->code;
	}
	launch->cgroup_v1 = launch->config->cgroup == CGROUP_TREE_V1 ||
			    (launch->config->cgroup != CGROUP_TREE_V2 && init_wants_cgroup_v1(rootfs->mount_fd));
	return 0;
}

int host_wait_rootfs(const struct container *container, const struct container_state *state,
		     struct error *err)
{
	const char *text = record_get(&state->more, "loop");
	unsigned long long device, inode;
	int number;

	if (!text || sscanf(text, "%d %llu %llu", &number, &device, &inode) != 3)
		return 0;
	if (loop_wait_free(number, device, inode, LOOP_TIMEOUT_MS) < 0) {
		fail(err, ETIMEDOUT, "wait until /dev/loop%d lets go of the image", number);
		error_hint(err, "some process still uses the file system: see lsof /dev/loop%d", number);
		return error_status(err, STATUS_TIMEOUT);
	}
	text = record_get(&state->more, "base");
	if (text && sscanf(text, "%d %llu %llu", &number, &device, &inode) == 3)
		linked_wait_base(container, number, device, inode);
	return 0;
}

/* --- cgroup --- */

static int limit_devices(const struct container_config *config, const char *group, struct error *err)
{
	auto_devices struct devices devices = DEVICES_EMPTY;
	auto_strings struct strings rules = STRINGS_EMPTY;
	int r;

	if (devices_find(config, &devices, err) < 0)
		return -err->code;
	devices_rules(&devices, &rules);
	r = cgroup_set_devices(group, (const char *const *)rules.items, err);
	if (r == 1)
		log_debug("devices are limited by what this sysct runs in alone");
	return r;
}

static int make_cgroup(const struct container *container, struct error *err)
{
	auto_free char *group = launch_group(container);

	if (cgroup_create(group, container->idmap.outside, err) < 0 || limits_begin(container, err) < 0)
		return -err->code;
	return limit_devices(&container->config, group, err);
}

void launch_lend_cgroup(const struct container *container, int socket)
{
	auto_free char *group = launch_group(container);
	struct error err = ERROR_NONE, ignored = ERROR_NONE;
	int r = make_cgroup(container, &err);

	if (handshake_report(socket, 0, r < 0 ? &err : NULL, -1) < 0)
		cgroup_remove(group, CGROUP_TIMEOUT_MS, &ignored);
}

int host_create_cgroup(struct launch *launch, struct error *err)
{
	auto_free char *group = launch_group(launch->container);
	int r = have_cgroup(launch, err);

	if (r == 1)
		r = make_cgroup(launch->container, err);
	if (r < 0)
		return r;
	launch->cgroup = cgroup_open(group, "payload", err);
	return launch->cgroup < 0 ? launch->cgroup : 0;
}

int host_delegate_v1(struct launch *launch, struct error *err)
{
	auto_free char *group = launch_group(launch->container);

	return launch->cgroup_v1 ? cgroup_delegate_systemd(group, launch->container->idmap.outside, err) : 0;
}

int host_limit_disk(struct launch *launch, struct error *err)
{
	return limits_begin_disk(launch->container, launch->state, err);
}

int host_remove_cgroup(const struct container *container, const struct container_state *state,
		       struct error *err)
{
	auto_free char *group = launch_group(container);

	(void)state;
	return cgroup_remove(group, CGROUP_TIMEOUT_MS, err);
}

/* --- user namespace and /dev --- */

int host_open_kept(struct launch *launch, struct error *err)
{
	return kept_open(launch->container, &launch->kept, err);
}

/* The host's network namespace, or one that somebody else has made. */
static bool foreign_network(const struct container_config *config)
{
	return config->n_networks && (config->networks[0].type == NETWORK_HOST ||
				      config->networks[0].type == NETWORK_NAMESPACE);
}

/* --- the mount namespace that starts begin with --- */

static int lock_bare_mounts(const struct install *install, struct error *err)
{
	auto_free char *path = xasprintf("%s/.host/lock/.mounts", install->run_dir);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = path, .wait_ms = LOCK_WAIT_MS,
					.what = "the mount namespace that starts have in common", .status = STATUS_TIMEOUT };

	return lock_take(&wish, err);
}

static int make_bare_mounts(const struct install *install, const char *dir, struct error *err)
{
	auto_close int lock = lock_bare_mounts(install, err);
	int fd;

	if (lock < 0)
		return lock;
	fd = bare_mounts_open(dir);	/* somebody may have made it meanwhile */
	return fd >= 0 ? fd : bare_mounts_make(dir, err);
}

/* Without it a start takes longer, and that is all. */
int host_open_bare_mounts(struct launch *launch, struct error *err)
{
	const struct install *install = launch->container->install;
	auto_free char *dir = install_mounts_dir(install);

	launch->bare_mounts = bare_mounts_open(dir);
	if (launch->bare_mounts >= 0)
		return 0;
	launch->bare_mounts = make_bare_mounts(install, dir, err);
	if (launch->bare_mounts < 0) {
		log_debug("no mount namespace is kept for starts: %s", err->message);
		*err = (struct error)ERROR_NONE;
	}
	return 0;
}

static int drop_bare_mounts(const struct install *install, struct error *err)
{
	auto_free char *dir = install_mounts_dir(install);
	auto_close int lock = lock_bare_mounts(install, err);

	return lock < 0 ? lock : bare_mounts_drop(dir, err);
}

int launch_drop_shared(const struct install *install, struct error *err)
{
	auto_free char *groups = groups_dir(install);
	struct error other = ERROR_NONE;
	int r = drop_bare_mounts(install, err);

	if (cgroup_remove_empty(groups, &other) >= 0 || r < 0)
		return r;
	*err = other;
	return -err->code;
}

int host_make_namespaces(struct launch *launch, struct error *err)
{
	const struct idmap *map = &launch->container->idmap;

	if (launch->kept.userns >= 0)
		launch->userns = take_fd(&launch->kept.userns);
	else if (launch->kept.fds[KEPT_NET] >= 0 || foreign_network(launch->config))
		launch->userns = userns_create(map, err);
	else
		launch->userns = userns_create_with_net(map, &launch->netns, err);
	return launch->userns < 0 ? launch->userns : 0;
}

int host_enter_cgroups(struct launch *launch, struct error *err)
{
	auto_free char *group = launch_group(launch->container);

	return cgroup_enter_v1(group, !launch->container->idmap.outside, err);
}

int host_map_rootfs(struct launch *launch, struct error *err)
{
	if (!launch->container->idmap.outside || launch->rootfs.shifted ||
	    mount_idmap(launch->rootfs.mount_fd, launch->userns, err) == 0)
		return 0;
	if (err->code == EINVAL || err->code == EPERM)
		error_hint(err, "the file system below the rootfs knows no idmapped mounts: use an image, or "
				"ext4, xfs, btrfs below the directory");
	return -err->code;
}

static const struct {
	char name[8];
	unsigned int major, minor;
} nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 },    { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static int make_node(int dir, size_t i, uid_t owner)
{
	char name[sizeof(nodes[i].name)];
	struct device node = { .name = name, .mode = S_IFCHR | 0666, .number = makedev(nodes[i].major, nodes[i].minor) };

	memcpy(name, nodes[i].name, sizeof(name));
	return device_make(dir, &node, owner);
}

/* Nobody may make nodes in a container of somebody else's: then the payload binds the host's one by one. */
int host_prepare_dev(struct launch *launch, struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=4m", "nr_inodes=64k", NULL };
	auto_close int fd = mount_new("tmpfs", "dev", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	auto_devices struct devices devices = DEVICES_EMPTY;
	uid_t owner = launch->container->idmap.outside;
	const char *name = "";
	int r = 0;

	if (fd < 0)
		return fd;
	if (devices_find(launch->config, &devices, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(nodes) && r == 0; i++) {
		name = nodes[i].name;
		r = make_node(fd, i, owner);
	}
	for (size_t i = 0; i < devices.n && r == 0; i++) {
		name = devices.items[i].name;
		r = device_make(fd, &devices.items[i], owner);
	}
	if (r == -EPERM)
		return 0;
	if (r < 0)
		return fail(err, -r, "make the node /dev/%s", name);
	if (fchownat(fd, "", owner, owner, AT_EMPTY_PATH) < 0)
		return fail(err, errno, "give /dev to the container");
	launch->dev = take_fd(&fd);
	return 0;
}

int host_prepare_confinement(struct launch *launch, struct error *err)
{
	return confinement_make(launch->container, launch->state, &launch->confinement, err);
}

/* --- mounts --- */

int host_open_mounts(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container), *at = xasprintf("%s/root", dir);

	return mounts_open(launch->config, launch->userns, launch->container->idmap.outside, launch->bare_mounts, at,
			   &launch->mounts, err);
}

/* --- the payload --- */

static void payload_main(void *arg)
{
	struct launch *launch = arg;
	struct error err = ERROR_NONE;

	launch->peer = launch->handshake[1];
	close_fd(&launch->handshake[0]);
	launch->timing = NULL;
	launch->pid = -1;
	steps_run(start_steps, n_start_steps, PAYLOAD, launch, &err);
	_exit(1);	/* fail closed: the host side has our error */
}

int host_clone_payload(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container);
	auto_free char *at = xasprintf("%s/root", dir);
	/* nodes that cannot be made are bound: of the host's /dev */
	bool bare = launch->bare_mounts >= 0 && launch->dev >= 0;
	struct ns_launch args = {
		.flags = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC,
		.userns_fd = launch->userns,
		.owner = launch->container->idmap.outside,
		.cgroup_fd = launch->cgroup,
		.mounts_fd = bare ? launch->bare_mounts : -1,
		.rootfs_fd = launch->rootfs.mount_fd,
		.rootfs_at = bare ? BARE_MOUNTS_ROOT : at,
		.ret_helper = &launch->helper,
		.child = payload_main,
		.arg = launch,
	};
	int pair[2], join[KEPT_KINDS + 1], join_flags[KEPT_KINDS + 1], back, r;

	/* into the hierarchy, too, that was made for it since */
	if (launch->cgroup_v1 && host_enter_cgroups(launch, err) < 0)
		return -err->code;
	if (launch->netns >= 0) {
		join[args.n_join] = launch->netns;
		join_flags[args.n_join++] = CLONE_NEWNET;
	} else if (!foreign_network(launch->config)) {
		args.flags |= CLONE_NEWNET;
	}
	args.join = join;
	args.join_flags = join_flags;
	args.new_time = strcmp(launch->config->namespaces.time, "new") == 0;
	for (enum kept_kind i = 0; i < KEPT_KINDS; i++) {
		if (launch->kept.fds[i] < 0)
			continue;
		args.flags &= ~kept_flag(i);
		join[args.n_join] = launch->kept.fds[i];
		join_flags[args.n_join++] = kept_flag(i);
	}
	if (handshake_pair(pair, err) < 0)
		return -err->code;
	launch->handshake[0] = pair[0];
	launch->handshake[1] = pair[1];
	r = network_enter(launch, &back, err);
	if (r == 0) {
		r = ns_launch(&args, err);
		network_return(&back);
	}
	close_fd(&launch->sys);
	if (r < 0) {
		close(pair[0]);
		close(pair[1]);
		return -err->code;
	}
	close(pair[1]);
	launch->peer = pair[0];
	launch->pid = args.ret_pid;
	launch->pidfd = args.ret_pidfd;
	mount_items_done(&launch->mounts);
	confinement_done(&launch->confinement);
	close_fd(&launch->rootfs.mount_fd);	/* from here on the payload alone holds the mount */
	r = process_identify(launch->pid, &launch->state->init);
	if (r < 0)	/* without it nobody could tell later that it runs */
		return fail(err, -r, "look at the container's first process");
	record_setf(&launch->state->more, MORE_INIT_INODE, "%llu", (unsigned long long)process_inode(launch->pidfd));
	if (!foreign_network(launch->config)) {
		char path[40];

		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)launch->pid);
		record_setf(&launch->state->more, "netns", "%llu", ns_inode(path));
	}
	return state_save(launch->container->install->run_dir, launch->container->name, launch->state, err);
}

int host_kill_payload(const struct container *container, const struct container_state *state,
		      struct error *err)
{
	auto_free char *group = launch_group(container);
	auto_close int pidfd = process_open(&state->init);

	if (pidfd >= 0)
		pidfd_signal(pidfd, SIGKILL);
	if (cgroup_kill(group, err) < 0)
		return -err->code;
	return cgroup_wait_empty(group, KILL_TIMEOUT_MS, err);
}

/* --- pins --- */

/* /run/netns is the whole host's: another installation's entry, or a person's, is left alone. */
static void netns_names(const struct container *container, char *names[2])
{
	const char *suffix = container->install->suffix;

	names[0] = xasprintf("%s%s%s", container->name, *suffix ? "-" : "", suffix);
	names[1] = xasprintf("sysct-%s", names[0]);
}

static int pin_netns(const struct container *container, const char *source, struct error *err)
{
	char *names[2];
	int r = 1;

	netns_names(container, names);
	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 1; i++)
		r = ns_pin_netns(source, names[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		free(names[i]);
	return r < 0 ? r : 0;	/* a convenience: with both names taken there is none */
}

int host_pin_namespaces(struct launch *launch, struct error *err)
{
	auto_free char *dir = launch_run_dir(launch->container);
	auto_free char *ns = xasprintf("%s/ns", dir);
	auto_free char *net = xasprintf("%s/net", ns);

	if (ns_pin(launch->pid, ns, err) < 0)
		return -err->code;
	return foreign_network(launch->config) ? 0 : pin_netns(launch->container, net, err);
}

int host_unpin_namespaces(const struct container *container, const struct container_state *state,
			  struct error *err)
{
	auto_free char *dir = launch_run_dir(container);
	auto_free char *ns = xasprintf("%s/ns", dir);
	char *names[2];
	int r;

	if (kept_keep(container, state, err) < 0)
		return -err->code;
	r = ns_unpin(ns, err);	/* first, since somebody may have other things to do meanwhile */
	netns_names(container, names);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int one = ns_unpin_netns(names[i], record_get_u64(&state->more, "netns", 0));

		if (one < 0 && r == 0)
			r = fail(err, -one, "remove the name %s of its network namespace", names[i]);
		free(names[i]);
	}
	return r;
}

/* --- what the payload sends --- */

void host_take_console(struct launch *launch, int fd)
{
	close_fd(&launch->console);
	launch->console = fd;
}

void host_take_notify(struct launch *launch, int fd)
{
	close_fd(&launch->notify);
	launch->notify = fd;
}
