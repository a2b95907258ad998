/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_RUNTIME_ROWS_H
#define SYSCT_RUNTIME_ROWS_H

/* rows - the functions of the start table, named SIDE_WHAT; private to src/runtime. */

#include "base/error.h"

struct launch;
struct container;
struct container_config;
struct container_state;

#define RUN(name) int name(struct launch *launch, struct error *err)
#define UNDO(name)                                                                                 \
	int name(const struct container *container, const struct container_state *state, struct error *err)

/* host_steps.c */
RUN(host_make_run_dir);
UNDO(host_remove_run_dir);
RUN(host_open_control);
RUN(host_mount_rootfs);
UNDO(host_wait_rootfs);
RUN(host_create_cgroup);
UNDO(host_remove_cgroup);
RUN(host_delegate_v1);
RUN(host_limit_disk);
RUN(host_open_kept);
RUN(host_open_bare_mounts);
RUN(host_make_namespaces);
RUN(host_enter_cgroups);
RUN(host_map_rootfs);
RUN(host_prepare_dev);
RUN(host_prepare_confinement);
RUN(host_open_mounts);
RUN(host_clone_payload);
UNDO(host_kill_payload);
RUN(host_keep_config);
/* hostname.c */
RUN(host_announce_hostname);
RUN(host_note_hostname);
/* masks.c */
RUN(host_mask_proc);
RUN(host_mask_sys);
void payload_take_proc(struct launch *launch, int fd);
void payload_take_sys(struct launch *launch, int fd);

RUN(host_pin_namespaces);
UNDO(host_unpin_namespaces);
void host_take_console(struct launch *launch, int fd);
void host_take_notify(struct launch *launch, int fd);

/* network_prepare.c */
RUN(host_prepare_network);
/* network_names.c */
RUN(host_admit_links);
RUN(host_register_names);
RUN(host_tell_others);
UNDO(host_release_network);
/* network_links.c */
RUN(host_create_links);
RUN(host_create_links_late);
RUN(host_configure_network);
RUN(host_configure_network_alone);
RUN(host_raise_links);
/* In the payload, whose own proc stands in root: best effort. */
void network_ask_no_router(const struct launch *launch, int root);
/* network_netns.c */
/* Around the clone: into the network namespace that is to be joined, if any (*ret_back is then >= 0), and back. */
int network_enter(struct launch *launch, int *ret_back, struct error *err);
void network_return(int *back);
/* network_guest.c */
RUN(payload_write_network);
/* What a resolv.conf says, as systemd's resolved is told it. Caller frees. */
char *network_resolved_text(const char *resolv_conf);

/* unit.c */
RUN(host_tell_machined);
UNDO(host_forget_machined);
RUN(host_hear_machined);

/* payload_steps.c */
RUN(payload_become_root);
RUN(payload_unshare_cgroup);
RUN(payload_enter_rootfs);
RUN(payload_mount_api);
RUN(payload_adjust_network);
RUN(payload_make_dev);
RUN(payload_make_run);
RUN(payload_give_boot_id);
RUN(payload_open_console);
RUN(payload_open_notify);
RUN(payload_give_credentials);
RUN(payload_mount_named);
RUN(payload_leave_host);
RUN(payload_set_hostname);
RUN(payload_write_hostname);
RUN(payload_write_hosts);
RUN(payload_set_limits);
RUN(payload_confine);
RUN(payload_exec_init);

#endif
