/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_STORE_DNS_H
#define SYSCT_STORE_DNS_H

/* dns - names of the boxes, and who answers for them.
 *
 * Every box with an address has a file in RUN_DIR/.host/names/hosts (as /etc/hosts) and one in
 * .../dhcp (as dnsmasq's dhcp-host), and one in .../ssh (as ssh_config(5)), named by its UUID. Where dnsmasq is installed, one process per
 * bridge serves both, notices new files by itself, and asks the host's own resolvers for all other
 * names. It runs as an unprivileged user who reads those files by path: RUN_DIR gets the right to
 * be walked through (o+x), its entries keep theirs.
 *
 * dirfd is always the directory RUN_DIR/.host. Privilege: root. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

#define DNS_DOMAIN "sysct"

struct dns_service {
	const char *bridge;
	int index; /* of the bridge: a new bridge needs a new dnsmasq */
	const char *gateway4;
	const char *gateway6; /* NULL: no IPv6 */
	const char *network4, *netmask4; /* "10.3.4.0", "255.255.255.0" */
	uint32_t mtu; /* told to those who ask by DHCP */
};

/* The arguments of dnsmasq, without its name. host_dir: absolute path of .host. */
void dns_arguments(const struct dns_service *service, const char *host_dir, const char *user,
		   struct strings *ret);

/* 1: dnsmasq runs with just these arguments, or is not installed and not running; else 0. Changes
 * nothing. *ret_serving tells which. */
int dns_current(int dirfd, const struct dns_service *service, bool *ret_serving);

/* Make it so: 1 it serves, 0 dnsmasq is not installed. A dead one, or one with other arguments, is
 * replaced. */
int dns_ensure(int dirfd, const struct dns_service *service, struct error *err);
/* The process that serves; 0: none. */
pid_t dns_process(int dirfd);
/* Stop it: SIGTERM, SIGKILL after two seconds. None is no error. */
int dns_stop(int dirfd, struct error *err);

/* Before a box has links: it counts as registered, and the host's ssh client knows it; the server hears nothing yet. */
int dns_claim(int dirfd, const char *name, const char *uuid, const char *v4, struct error *err);
/* v6 may be NULL. Registering again replaces. Unregistering what is not there is no error. */
int dns_register(int dirfd, const char *name, const char *uuid, const char *hwaddr, const char *v4,
		 const char *v6, struct error *err);
/* A further link of a box that is registered: DHCP alone. */
int dns_register_link(int dirfd, const char *uuid, const char *hwaddr, const char *v4, struct error *err);
int dns_unregister(int dirfd, const char *uuid, struct error *err);
/* Where the ssh client of any user of the host finds a box that is registered. Caller frees. */
char *dns_ssh_config(const char *run_dir, const char *uuid);
/* How many boxes are registered, or -errno. */
int dns_registered(int dirfd);
/* The lines "ADDRESS NAME.sysct NAME" of all registered boxes, sorted. Caller frees. */
char *dns_hosts_block(int dirfd);
/* Remove every file of this module. */
int dns_remove_files(int dirfd, struct error *err);

/* The nameservers of a resolv.conf(5) that a box can use too: no loopback ones (a stub resolver of
 * the host's), none that need a link's name. Appended to ret. */
void dns_parse_resolv_conf(const char *text, struct strings *ret);
/* The host's upstream resolvers: systemd-resolved's own list where there is one, else
 * /etc/resolv.conf. */
void dns_upstreams(struct strings *ret);

#endif
