/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_CHECKS_H
#define SYSCT_CONFIG_CHECKS_H

/* checks - the form of single values. Pure: nothing on the host is looked at. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool check_apparmor(const char *s); /* a profile's name */
bool check_arch(const char *s);
bool check_address(const char *s);    /* auto, dhcp, none, or ADDRESS/PREFIX */
bool check_capability(const char *s); /* of those that libcap knows, with cap_ or without */
bool check_description(const char *s);
bool check_directory(const char *s); /* absolute, no "..", not "/" */
bool check_rootfs_directory(const char *s); /* or relative to the container's */
bool check_domain(const char *s);
bool check_environment_id(const char *s);
bool check_environment_name(const char *s);
bool check_hostname(const char *s);
bool check_hwaddr(const char *s);  /* auto, or a unicast address */
bool check_id_pool(const char *s); /* FIRST-LAST */
bool check_idmap(const char *s);   /* auto, or inside:outside:count */
bool check_seccomp(const char *s);
bool check_image(const char *s);   /* relative or absolute, no ".." */
bool check_init(const char *s);
bool check_ip(const char *s);
bool check_link_name(const char *s);
bool check_mirror(const char *s); /* TEMPLATE URL */
bool check_mount_path(const char *s);
bool check_mount_options(const char *s); /* mount_options.h */
bool check_device_allow(const char *s);
bool check_credential_name(const char *s); /* credential_name_valid() of systemd, of what a key may have */
bool check_credential(const char *s);
bool check_persist(const char *s);
bool check_time(const char *s);
/* CPUs: "0-3,7", ascending. */
bool check_cpuset(const char *s);
bool check_publish(const char *s); /* [HOSTIP:]HOSTPORT:PORT[/udp] */
bool check_selinux(const char *s); /* USER:ROLE:TYPE[:RANGE] */
bool check_signal(const char *s); /* auto, a name or a number */
bool check_subnet(const char *s);
bool check_subnet6(const char *s);
bool check_text(const char *s); /* not too long, nothing else */
bool check_user(const char *s); /* USER[:GROUP], names or numbers */

char *normal_capability(const char *s); /* lower case, with cap_ in front */
char *normal_hwaddr(const char *s);	/* lower case */
char *normal_mirror(const char *s);	/* one blank between template and URL */
char *normal_publish(const char *s);	/* tcp is not named, addresses are as inet_ntop(3) has them */

/* The bytes of a credential, which may be any: caller frees. NULL: it has an escape that is none. */
char *credential_bytes(const char *s, size_t *ret_n);

/* An IP address, with or without "/PREFIX" (then *ret_prefix; else the family's longest). */
struct ip {
	int family;
	uint8_t bytes[16];
	unsigned int prefix;
};
bool ip_parse(const char *s, bool with_prefix, struct ip *ret);
/* Is address in the net of the other, by the other's prefix? */
bool ip_in_net(const struct ip *address, const struct ip *net);

/* A port of the host that leads inside. */
struct publish {
	int family;    /* 0: both, unless the address says which */
	char host[46]; /* of the host; "": all of them */
	uint16_t host_port, port;
	bool udp;
};
bool publish_parse(const char *s, struct publish *ret);
/* As one writes it. Caller frees. */
char *publish_format(const struct publish *publish);
/* Would both want the same packet? */
bool publish_overlap(const struct publish *a, const struct publish *b);

#endif
