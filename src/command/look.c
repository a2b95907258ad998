/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/look.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/output.h"
#include "os/cgroup.h"
#include "runtime/launch.h"
#include "runtime/settle.h"
#include "runtime/started.h"
#include "store/rootfs.h"

const char *const look_keys[] = {
	"name",	    "state",	"init_pid",	"monitor_pid", "ipv4",	    "ipv6",	   "autostart",	 "template",
	"release",  "arch",	"unprivileged", "disk_size",   "disk_used", "memory_used", "created_at", "started_at",
};
const size_t n_look_keys = ARRAY_SIZE(look_keys);

/* --- addresses: what its configuration gives, and the leases that its identity keeps --- */

static void add_address(struct look *look, const char *address)
{
	auto_free char *bare = xstrndup(address, strcspn(address, "/"));

	strings_add(strchr(bare, ':') ? &look->ipv6 : &look->ipv4, bare);
}

/* Where our own server gives the addresses, it gives what was leased. */
static bool on_own_bridge(const struct look *look, const struct network_config *network)
{
	return network->type == NETWORK_VETH &&
	       (!network->bridge || strcmp(network->bridge, look->container.host.bridge) == 0);
}

static void add_leases(struct look *look, const char *link, bool ipv6)
{
	static const char *const families[] = { "ipv4", "ipv6" };

	for (size_t i = 0; i < 1 + (size_t)ipv6; i++) {
		auto_free char *key = xasprintf("%s.%s", families[i], link);
		const char *address = record_get(&look->container.identity, key);

		if (!text_empty(address))
			add_address(look, address);
	}
}

static void find_addresses(struct look *look)
{
	const struct container_config *config = &look->container.config;

	for (size_t i = 0; i < config->n_networks; i++) {
		const struct network_config *network = &config->networks[i];

		if (network->type != NETWORK_VETH && network->type != NETWORK_MACVLAN)
			continue;
		if (network->address.n == 0)
			add_leases(look, network->name, true);
		for (size_t k = 0; k < network->address.n; k++) {
			if (strcmp(network->address.items[k], "auto") == 0)
				add_leases(look, network->name, true);
			else if (strcmp(network->address.items[k], "dhcp") == 0 && on_own_bridge(look, network))
				add_leases(look, network->name, false);
			else if (strchr(network->address.items[k], '/'))
				add_address(look, network->address.items[k]);
		}
	}
}

/* --- state --- */

static void broken(struct look *look, const char *why)
{
	look->state = "broken";
	if (!look->problem)
		look->problem = xstrdup(why);
}

/* Between our two looks, at the state and at the processes it names, a stop may have come to its end: then another
 * look finds no state. */
static int peek(struct look *look, bool *ret_left_over, struct error *err)
{
	int r = 0;

	*ret_left_over = true;
	for (int i = 0; i < 3 && r == 0 && *ret_left_over; i++)
		r = container_peek(&look->container, &look->run, ret_left_over, err);
	return r;
}

/* ext4 counts what it finds wrong (Documentation/admin-guide/ext4.rst); mounted with errors=remount-ro it then takes no
 * more writes. */
static void look_for_damage(struct look *look)
{
	const char *loop = record_get(&look->run.more, "loop");
	auto_free char *path = NULL, *text = NULL;
	int number;

	if (look->problem || look->run.phase == PHASE_STOPPED || !loop || sscanf(loop, "%d", &number) != 1)
		return;
	path = xasprintf("/sys/fs/ext4/loop%d/errors_count", number);
	if (read_file_at(AT_FDCWD, path, 64, &text, NULL) < 0 || strtoul(text, NULL, 10) == 0)
		return;
	look->problem = xasprintf("its file system is damaged (%lu errors) and read-only by now: save what matters, stop it, "
				  "and the next start repairs it, or says how", strtoul(text, NULL, 10));
}

void look_for_problems(struct look *look)
{
	if (!look->problem && container_is_alone(&look->run))
		look->problem = xasprintf("its monitor and its holder were killed: sysct attach, console, or any other command that "
					  "works on it makes new ones");
	look_for_damage(look);
}

static void find_usage(struct look *look)
{
	auto_free char *group = launch_group(&look->container);
	bool frozen;

	cgroup_glance(group, &look->memory_used, &frozen);
	if (frozen && strcmp(look->state, "running") == 0)
		look->state = "frozen";
}

static void find_state(struct look *look)
{
	struct container *c = &look->container;
	struct error err = ERROR_NONE;
	bool left_over = false;

	if (c->broken)
		broken(look, c->broken);
	if (peek(look, &left_over, &err) < 0) {
		broken(look, err.message);
		return;
	}
	if (left_over) {
		broken(look, "something is left over of a start or stop that died; the next start, stop or destroy cleans up");
		return;
	}
	look->settled = true;
	if (look->run.phase != PHASE_STOPPED && started_load(c, &look->run, &err) < 0)
		broken(look, err.message);
	if (!*c->uuid)	/* the identity is unreadable */
		memcpy(c->uuid, look->run.uuid, sizeof(c->uuid));
	/* one that runs was found alive by the peek */
	look->alive = look->run.phase == PHASE_RUNNING ||
		      (look->run.phase != PHASE_STOPPED && process_alive(&look->run.init));
	if (!look->state)
		look->state = phase_name(container_is_ending(&look->run) ? PHASE_STOPPING : look->run.phase);
	if (look->run.phase != PHASE_STOPPED && *c->uuid)
		find_usage(look);
}

int look_at(const struct install *install, const struct container_defaults *defaults, const char *name, struct look *ret,
	    struct error *err)
{
	struct look look = LOOK_EMPTY;
	struct error why = ERROR_NONE;

	state_init(&look.run);
	if (container_look(install, defaults, name, &look.container, &why) < 0) {
		if (why.status == STATUS_NOT_FOUND) {
			*err = why;
			return -err->code;
		}
		look.name = xstrdup(name);
		broken(&look, why.message);
		*ret = look;
		return 0;
	}
	look.name = xstrdup(name);
	look.opened = true;
	look.created_at = (int64_t)record_get_u64(&look.container.identity, "created_at", 0);
	find_state(&look);
	rootfs_usage(&look.container, &look.disk_size, &look.disk_used);
	if (look.alive)
		find_addresses(&look);
	*ret = look;
	return 0;
}

void look_done(struct look *look)
{
	free(look->name);
	free(look->problem);
	strings_clear(&look->ipv4);
	strings_clear(&look->ipv6);
	if (look->opened)
		container_close(&look->container);
	state_done(&look->run);
	*look = (struct look)LOOK_EMPTY;
}

/* --- JSON --- */

static struct value *pid_of(const struct look *look, const struct process_id *id)
{
	bool there = look->run.phase != PHASE_STOPPED && process_alive(id);

	return there ? value_uint((uint64_t)id->pid) : NULL;
}

struct value *look_json(const struct look *look)
{
	const struct container_config *config = &look->container.config;
	/* of one whose configuration is unreadable nothing is claimed */
	bool known = look->opened && !look->container.broken;
	struct value *o = value_object();

	value_set(o, "name", value_string(look->name));
	value_set(o, "state", value_string(look->state));
	value_set(o, "init_pid", pid_of(look, &look->run.init));
	value_set(o, "monitor_pid", pid_of(look, &look->run.monitor));
	value_set(o, "ipv4", value_strings(&look->ipv4));
	value_set(o, "ipv6", value_strings(&look->ipv6));
	value_set(o, "autostart", known ? value_bool(config->autostart) : NULL);
	value_set(o, "template", value_text(config->template.name));
	value_set(o, "release", value_text(config->template.release));
	value_set(o, "arch", value_text(config->template.arch));
	value_set(o, "unprivileged",
			       known ? value_bool(!config->security.privileged) : NULL);
	value_set(o, "disk_size", value_number(look->disk_size));
	value_set(o, "disk_used", value_number(look->disk_used));
	value_set(o, "memory_used", value_number(look->memory_used));
	value_set(o, "created_at", value_time(look->created_at));
	value_set(o, "started_at",
			       value_time(look->run.phase == PHASE_STOPPED ? 0 : look->run.started_at));
	return o;
}

const char *look_color(const char *state)
{
	static const struct {
		const char *state, *color;
	} colors[] = {
		{ "running", "green" }, { "starting", "yellow" }, { "stopping", "yellow" },
		{ "frozen", "cyan" },	{ "broken", "red" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(colors); i++)
		if (strcmp(colors[i].state, state) == 0)
			return colors[i].color;
	return NULL;
}
