/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_CONFIG_CONFIG_H
#define SYSCT_CONFIG_CONFIG_H

/* config - what the administrator wants. Values only: no descriptor, no pid, no path that was
 * resolved later; immutable once validated.
 *
 * Ownership: a struct owns its strings and lists; *_done() frees them, takes the empty value and is
 * safe twice. Units: sizes are bytes, durations microseconds. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

#define CONFIG_UNSET \
	UINT64_MAX /* a number that was not given: no limit, or the default of its reader */
#define CONFIG_NONE \
	(UINT64_MAX - 1) /* "none", where a number that was not given has a default */

enum cgroup_tree { CGROUP_TREE_AUTO, CGROUP_TREE_V2, CGROUP_TREE_V1 };
enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum network_type { NETWORK_VETH, NETWORK_MACVLAN, NETWORK_NAMESPACE, NETWORK_HOST, NETWORK_NONE };
enum discard_mode { DISCARD_AUTO, DISCARD_YES, DISCARD_NO };
enum mount_type { MOUNT_BIND, MOUNT_TMPFS };

struct network_config {
	char *name;		/* the section's title: the link inside, "eth0" */
	int type;		/* enum network_type */
	char *bridge;		/* NULL: [host] bridge */
	char *parent;		/* macvlan */
	char *path;		/* namespace */
	char *hwaddr;		/* "auto" or aa:bb:cc:dd:ee:ff */
	struct strings address; /* empty means "auto"; else auto, dhcp, none, ADDRESS/PREFIX */
	char *gateway;		/* NULL: automatic */
	struct strings dns, search;
	uint64_t mtu; /* CONFIG_UNSET: automatic */
	struct strings publish;
	bool isolated, host_access;
};

struct mount_config {
	char *path; /* the section's title: where inside */
	int type;   /* enum mount_type */
	char *source;
	bool readonly, create;
	char *options;
};

struct container_config {
	struct hash source;	/* of all texts that were read into it, in their order, and of this version; not copied by
				 * config_copy() */

	/* [container] */
	char *hostname; /* NULL: the name */
	char *init;	/* program and arguments, blank separated */
	char *environment_id;
	char *description; /* NULL: none */
	char *user;
	bool autostart;
	uint64_t autostart_priority;
	uint64_t autostart_delay;
	int cgroup;	   /* enum cgroup_tree */
	int restart;	   /* enum restart_policy */
	char *stop_signal; /* "auto", or what signal_parse() of os/process.h takes */
	uint64_t stop_timeout;
	uint64_t console_log_size;

	struct {
		char *image;	 /* relative to the container's directory, or absolute */
		char *directory; /* NULL: the image is used */
		uint64_t size;
		bool readonly;
		int discard; /* enum discard_mode */
	} rootfs;

	struct network_config *networks; /* none given: one veth "eth0" is made by validation */
	size_t n_networks;

	struct {
		uint64_t memory, swap; /* bytes */
		uint64_t cpus;	       /* thousandths of a CPU */
		uint64_t cpu_weight;   /* 1 to 10000 */
		char *cpuset;	       /* NULL: all */
		uint64_t tasks;
		uint64_t io_read, io_write; /* bytes a second */
		uint64_t io_weight;
	} limits;

	struct {
		bool privileged;
		char *idmap; /* "auto" or inside:outside:count */
		struct strings keep_capabilities, drop_capabilities;
		char *seccomp; /* default, none or a file */
		bool nesting, hardened, no_new_privileges;
		char *apparmor, *selinux;
	} security;

	struct {
		bool fuse, tun, kvm;
		struct strings allow;
	} device;

	struct mount_config *mounts;
	size_t n_mounts;

	struct strings environment; /* NAME=value */
	struct strings credentials; /* name=value */

	struct {
		struct strings persist;
		char *time; /* host or new */
	} namespaces;

	/* [template], written by create */
	struct {
		char *name, *release, *arch, *variant, *source, *checksum;
	} template;
};

struct host_config {
	char *bridge;  /* sysct0 */
	char *subnet;  /* "auto" or 10.0.3.0/24 */
	char *subnet6; /* "auto", "none" or fd00::/64 */
	char *id_pool; /* NULL: as documented in idpool.h; else FIRST-LAST */
	uint64_t cache_age;
	struct strings mirror; /* TEMPLATE URL */
};

/* Everything at its default. */
void config_init(struct container_config *config);
void config_done(struct container_config *config);
void host_config_init(struct host_config *host);
void host_config_done(struct host_config *host);
/* What to held is freed first, so it must have been initialised, or be all zero. */
void host_config_copy(struct host_config *to, const struct host_config *from);

/* Read /etc/sysct/sysct.conf (path; missing is no error when optional) into the defaults of both.
 * Every error of the file is collected: err->message then has one "FILE:LINE: ..." line each,
 * separated by newlines, and err's status is STATUS_USAGE. The file must be root's (or the caller's
 * in tests), a regular file, no link, and not writable by others. */
int config_load_host(const char *path, bool optional, struct host_config *host,
		     struct container_config *defaults, struct error *err);

/* Read a container's configuration on top of the defaults already in config, then check the rules
 * between options. shown_path is what messages name. dirfd and name as openat(2). Same errors.
 * config changes only on success.
 *
 * On top of: a scalar replaces the default; the first `key = value` of a list replaces the default
 * list and further ones append; `key += value` appends also to the default; an empty value means
 * the built-in default (an empty list). Titled sections are merged by title, variables by name. */
int config_load(int dirfd, const char *name, const char *shown_path,
		struct container_config *config, struct error *err);

/* For who reads many files on top of the same defaults: what the last ones said. A file that differs from one of them in comments
 * alone is not parsed again. */
#define CONFIG_MEMO_FILES 4
struct config_memo {
	struct {
		char *text;	/* NULL: none yet */
		size_t len;
		struct container_config config;
	} files[CONFIG_MEMO_FILES];
	size_t next;		/* the one to be replaced */
};
#define CONFIG_MEMO_EMPTY { .next = 0 }
int config_load_memo(int dirfd, const char *name, const char *shown_path, struct config_memo *memo,
		     struct container_config *config, struct error *err);
void config_memo_done(struct config_memo *memo);

/* The same for text in memory (tests, config check -, edit, fuzzing). host NULL: a container's
 * file, and the rules between options are checked. Else sysct.conf; config may then be NULL when
 * nobody needs the defaults. */
int config_parse_text(const char *text, size_t len, const char *shown_path,
		      struct container_config *config, struct host_config *host, struct error *err);

/* --set and config set: "section.key", or "section.title.key" where the section has a title (a
 * network without title means "eth0"). A list takes several values with commas between them, which
 * replace what was there; "section.key+" appends them. "" is the built-in default. config changes
 * only on success. */
int config_set_option(struct container_config *config, const char *key, const char *value,
		      struct error *err);

/* A deep copy; what to held is freed first, so it must have been initialised, or be all zero. */
void config_copy(struct container_config *to, const struct container_config *from);

/* The keys that may change while it runs get the values that now has, mounts among them; all others stay. now is
 * unchanged. */
void config_take_live(struct container_config *config, const struct container_config *now);

void config_drop_mount(struct container_config *config, const char *path);

/* The element with that title, or NULL. */
struct network_config *config_network(const struct container_config *config, const char *name);
struct mount_config *config_mount(const struct container_config *config, const char *path);

/* `config get`: the effective values of "section.key", as one would write them, appended to ret.
 * One for a scalar, any number for a list, none for what was not given and has no default.
 * STATUS_USAGE: no such key, or no section with that title. */
int config_get_option(const struct container_config *config, const char *key, struct strings *ret,
		      struct error *err);
int host_config_get_option(const struct host_config *host, const char *key, struct strings *ret,
			   struct error *err);

/* Every key of this version with its values, in the table's order: key is as config_set_option()
 * takes it. fn's negative return ends the walk and is returned. */
struct option;
typedef int config_each_fn(const char *key, const struct option *option,
			   const struct strings *values, bool is_default, void *arg);
int config_each(const struct container_config *config, config_each_fn *fn, void *arg);
int host_config_each(const struct host_config *host, config_each_fn *fn, void *arg);

/* A fresh file: what differs from defaults (NULL: from the built-in ones), so that reading it on
 * top of them gives config again. Variables that defaults has and config has not are the exception:
 * a file can only change them. Caller frees. */
char *config_format(const struct container_config *config, const struct container_config *defaults);

/* Rules between options; also fills in what an absent section means (a network "eth0"). */
int config_validate(struct container_config *config, struct error *err);

#endif
