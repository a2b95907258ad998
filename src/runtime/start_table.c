/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "config/config.h"
#include "rows.h"
#include "runtime/limits.h"
#include "runtime/steps.h"

/* What the box's root shall not see or change, though its user namespace or its ids would let it. */
static bool has_masks(const struct container_config *config)
{
	return config->security.privileged || config->security.hardened;
}

static bool has_mounts(const struct container_config *config)
{
	return config->n_mounts > 0;
}

static bool has_links(const struct container_config *config)
{
	for (size_t i = 0; i < config->n_networks; i++)
		if (config->networks[i].type == NETWORK_VETH || config->networks[i].type == NETWORK_MACVLAN)
			return true;
	return false;
}

static bool keeps_namespaces(const struct container_config *config)
{
	return config->namespaces.persist.n > 0;
}

static bool has_new_links(const struct container_config *config)
{
	return has_links(config) && !keeps_namespaces(config);
}

static bool has_late_links(const struct container_config *config)
{
	return has_links(config) && keeps_namespaces(config);
}

static bool has_own_network(const struct container_config *config)
{
	for (size_t i = 0; i < config->n_networks; i++)
		if (config->networks[i].type == NETWORK_HOST || config->networks[i].type == NETWORK_NAMESPACE)
			return false;
	return true;
}

/* Of the masks' helper the memory must be nobody's but its maker's. */
static bool is_configured_alone(const struct container_config *config)
{
	return has_own_network(config) && (has_masks(config) || keeps_namespaces(config));
}

static bool is_configured_beside(const struct container_config *config)
{
	return has_own_network(config) && !is_configured_alone(config);
}

static bool has_credentials(const struct container_config *config)
{
	return config->credentials.n > 0;
}

static bool may_want_v1(const struct container_config *config)
{
	return config->cgroup != CGROUP_TREE_V2;
}

/* A later split of start into create and start fills this in: the payload then stands complete and waits. */
static bool waits_for_go(const struct container_config *config)
{
	(void)config;
	return false;
}

static int host_wait_for_go(struct launch *launch, struct error *err)
{
	(void)launch;
	(void)err;
	return 0;
}

const struct step start_steps[] = {
	{ HOST, "make the run directory", .run = host_make_run_dir, .undo = host_remove_run_dir,
	  .why = "the first one: it holds the state, so it is undone when all else has been" },
	{ HOST, "open what is kept", .run = host_open_kept,
	  .why = "the user namespace is among it" },
	{ BESIDE, "make the namespaces", .run = host_make_namespaces, .joins = true,
	  .why = "the user namespace before the clone, which enters it; the network's with it, since it takes longest" },
	{ HOST, "open the control socket", .run = host_open_control },
	{ BESIDE, "prepare /dev", .run = host_prepare_dev,
	  .why = "nodes can only be made on a mount of the host's. Beside the network, which takes as long as both" },
	{ HOST, "prepare the network", .run = host_prepare_network, .undo = host_release_network },
	{ HOST, "open the bare mounts", .run = host_open_bare_mounts,
	  .why = "they are every start's, so they are not undone; the last container takes them along" },
	{ HOST, "announce the host name", .run = host_announce_hostname,
	  .why = "before it is written: a start that is cut off then is known to have been at it" },
	{ HOST, "prepare the confinement", .run = host_prepare_confinement,
	  .why = "the payload takes it along in its memory" },
	{ HOST, "admit the links", .run = host_admit_links,
	  .why = "before there are any: the rules know a link by the group that it is born with. Undone with the network" },
	{ HOST, "create the cgroup", .run = host_create_cgroup, .undo = host_remove_cgroup,
	  .why = "the process that becomes the holder makes it meanwhile; before the rootfs: undone after it, when the last process "
		 "that held the mount is gone" },
	{ BESIDE, "enter the cgroups", .run = host_enter_cgroups, .joins = true,
	  .why = "those of cgroup v1, which know threads: what this one clones is born in them, and it ends before init begins" },
	{ HOST, "create the links", .when = has_new_links, .run = host_create_links, .follows = "make the namespaces",
	  .why = "while the other thread enters the cgroups; their ends inside stay down until all is ready. No undo: a link dies with "
		 "the net namespace that its other end is in. Waiting for that would cost each stop 15 ms, so each start gives its links "
		 "a new name" },
	{ HOST, "mount the rootfs", .run = host_mount_rootfs, .undo = host_wait_rootfs,
	  .why = "somebody may be at it meanwhile: the command, or the process that becomes the holder. A loop device frees itself "
		 "with its last user: undoing is waiting for that" },
	{ BESIDE, "give init a tree of cgroup v1", .when = may_want_v1, .run = host_delegate_v1, .joins = true,
	  .why = "what it wants was found in the rootfs; its group goes with the cgroup" },
	{ HOST, "limit input and output", .when = limits_has_disk, .run = host_limit_disk, .joins = true,
	  .why = "the rules name the loop device; they go with the cgroup" },
	{ BESIDE, "map the ids of the rootfs", .run = host_map_rootfs, .joins = true,
	  .why = "by the user namespace" },
	{ HOST, "open what is to be mounted", .when = has_mounts, .run = host_open_mounts, .joins = true,
	  .why = "as the host's root, in the host's tree; locked for the user namespace" },
	{ BESIDE, "clone the payload", .run = host_clone_payload, .undo = host_kill_payload, .joins = true, .clones = true,
	  .why = "all that the payload needs from the host it takes along in its memory; it is born in its cgroups, which "
		 "the cgroup namespace made later has as its roots" },
	{ HOST, "create the links late", .when = has_late_links, .run = host_create_links_late,
	  .why = "where namespaces are kept: the net one is there only now, or outlives a start that fails" },
	{ HOST, "tell machined", .run = host_tell_machined, .undo = host_forget_machined,
	  .why = "it takes the unit that the payload's cgroup is in for the machine's, and wants the numbers of the links" },
	{ HOST, "mask proc", .when = has_masks, .run = host_mask_proc, .take = payload_take_proc,
	  .why = "from outside of the user namespace, whose root then cannot lift it; proc is of the new pid namespace" },
	{ HOST, "mask sys", .when = has_masks, .run = host_mask_sys, .take = payload_take_sys },
	{ PAYLOAD, "become root inside", .run = payload_become_root },
	{ PAYLOAD, "unshare the cgroup namespace", .run = payload_unshare_cgroup },
	{ HOST, "pin the namespaces", .run = host_pin_namespaces, .undo = host_unpin_namespaces, .joins = true,
	  .why = "the cgroup namespace is the last of them" },
	{ HOST, "configure the network alone", .when = is_configured_alone, .run = host_configure_network_alone,
	  .why = "not beside the rows that mask, whose helper is made without fork(2), nor before late links" },
	{ BESIDE, "configure the network", .when = is_configured_beside, .run = host_configure_network,
	  .why = "before init runs, so that no boot waits for an address; the others have enough to do meanwhile" },
	{ PAYLOAD, "enter the rootfs", .run = payload_enter_rootfs,
	  .why = "the old root stays below until the kernel's own file systems are mounted: a user "
		 "namespace may mount proc and sysfs only where it already sees them whole" },
	{ PAYLOAD, "mount proc, sys and cgroup", .run = payload_mount_api },
	{ PAYLOAD, "adjust the network's settings", .when = has_own_network, .run = payload_adjust_network,
	  .why = "before the links have a carrier; by its own proc: in the host's, each lookup below /proc/sys/net passes those of all containers" },
	{ PAYLOAD, "make /dev", .run = payload_make_dev },
	{ PAYLOAD, "make /run", .run = payload_make_run },
	{ PAYLOAD, "give it a boot id", .run = payload_give_boot_id,
	  .why = "before /run/host becomes read-only, and hides the proc and sysfs that this leaves below it" },
	{ PAYLOAD, "open the console", .run = payload_open_console, .take = host_take_console },
	{ PAYLOAD, "open the notify socket", .run = payload_open_notify, .take = host_take_notify },
	{ PAYLOAD, "give it credentials", .when = has_credentials, .run = payload_give_credentials,
	  .why = "above /run/host, which the row before has made read-only" },
	{ PAYLOAD, "mount what the configuration names", .when = has_mounts, .run = payload_mount_named,
	  .why = "above /run and /dev, which are new" },
	{ PAYLOAD, "leave the host's mounts", .run = payload_leave_host },
	{ PAYLOAD, "set the host name", .run = payload_set_hostname },
	{ PAYLOAD, "write the host name", .run = payload_write_hostname,
	  .why = "init takes it from /etc/hostname; in its own root, where no link leads out" },
	{ PAYLOAD, "write /etc/hosts", .when = has_links, .run = payload_write_hosts },
	{ PAYLOAD, "write the network configuration", .run = payload_write_network,
	  .why = "for the container's own DHCP client and resolver; in its own root, where no link leads out" },
	{ HOST, "keep the configuration", .run = host_keep_config,
	  .why = "what it was started with, for the commands that change it later; goes with the run directory" },
	{ HOST, "tell the other containers", .when = has_links, .run = host_tell_others,
	  .why = "undone with the network" },
	{ HOST, "raise the links", .when = has_links, .run = host_raise_links,
	  .why = "as late as can be: with the carrier the kernel begins to tell all neighbours, which takes it a while where they are many" },
	{ HOST, "wait for go", .when = waits_for_go, .run = host_wait_for_go, .joins = true },
	{ HOST, "hear machined", .run = host_hear_machined, .why = "as late as can be; init may want to find itself known" },
	{ PAYLOAD, "set the process limits", .run = payload_set_limits, .joins = true,
	  .why = "nothing is to be received behind the filter of the next row" },
	{ PAYLOAD, "confine it", .run = payload_confine,
	  .why = "the filter of system calls, then the capabilities: loading it needs CAP_SYS_ADMIN, and so does any "
		 "mount before" },
	{ PAYLOAD, "execute init", .run = payload_exec_init, .execs = true },
	{ HOST, "note the host name", .run = host_note_hostname, .joins = true,
	  .why = "once it is written; it never fails, since init runs" },
	{ HOST, "register the names", .when = has_links, .run = host_register_names, .joins = true,
	  .why = "the name server would keep a processor from init's way to its first instruction. It never fails, since init runs; "
		 "undone with the network" },
};

const size_t n_start_steps = ARRAY_SIZE(start_steps);
