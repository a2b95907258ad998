/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry from a configuration, into a state, and from there. Keys of container_state.more: */
#include "runtime/entry.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/namespace.h"
#include "runtime/launch.h"

#define SOURCE "entry.source"	/* of which texts the rest is */
#define NAMESPACES "entry.namespaces"
#define TIME "entry.time"
#define ROOT "entry.root"
#define PAYLOAD "entry.payload"
#define PIDS "entry.pids"	/* absent: v1 has no limit of tasks */
#define TASKS "entry.tasks"	/* as often as there is one; so is the last */
#define USER "entry.user"
#define ID "entry.id"
#define ENVIRONMENT "entry.environment"

#define ENVIRONMENT_MOST 64	/* and bytes: a state has 64 KiB and 512 lines (base/record.c) */
#define ENVIRONMENT_BYTES 16384

static unsigned long long time_of(const struct container_state *state)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/time", (int)state->init.pid);
	return ns_inode(path);
}

static int namespaces_of(const struct container *container)
{
	const struct container_config *config = &container->config;
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

	if (container->idmap.count)
		flags |= CLONE_NEWUSER;
	if (!config->n_networks || config->networks[0].type != NETWORK_HOST)
		flags |= CLONE_NEWNET;
	return flags;
}

int entry_of(const struct container *container, const struct container_state *state, struct entry *ret, struct error *err)
{
	const struct container_config *config = &container->config;
	auto_free char *group = launch_group(container);

	*ret = (struct entry){ .run_dir = container->install->run_dir,
			       .name = container->name,
			       .state = state,
			       .namespaces = namespaces_of(container),
			       .time = time_of(state),
			       .root = container->idmap.outside,
			       .user = config->user,
			       .environment_id = config->environment_id };
	strings_copy(&ret->environment, &config->environment);
	return cgroup_ways(group, !ret->root, &ret->ways, err);
}

void entry_done(struct entry *entry)
{
	cgroup_ways_done(&entry->ways);
	strings_clear(&entry->environment);
}

/* A record's values are lines of text that can be printed. */
static bool fits(const char *value, size_t *bytes)
{
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	*bytes += strlen(value);
	return *bytes <= ENVIRONMENT_BYTES;
}

static bool may_be_noted(const struct container_config *config)
{
	size_t bytes = 0;
	bool may = !config->security.privileged && config->environment.n <= ENVIRONMENT_MOST && config->user &&
		   config->environment_id && fits(config->user, &bytes) && fits(config->environment_id, &bytes);

	for (size_t i = 0; may && i < config->environment.n; i++)
		may = fits(config->environment.items[i], &bytes);
	return may;
}

static void add_all(struct record *more, const char *key, const struct strings *values)
{
	for (size_t i = 0; i < values->n; i++)
		record_add(more, key, values->items[i]);
}

static void take_all(const struct record *more, const char *key, struct strings *ret)
{
	for (size_t i = 0; i < more->keys.n; i++)
		if (text_same(more->keys.items[i], key))
			strings_add(ret, more->values.items[i]);
}

void entry_note(const struct container *container, struct container_state *state)
{
	static const char *const keys[] = { SOURCE, PIDS, TASKS, ENVIRONMENT };
	const struct container_config *config = &container->config;
	struct record *more = &state->more;
	auto_entry struct entry entry = ENTRY_EMPTY;
	struct error ignored = ERROR_NONE;
	char source[HASH_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		record_set(more, keys[i], NULL);
	if (!may_be_noted(config) || entry_of(container, state, &entry, &ignored) < 0 || !cgroup_ways_last(&entry.ways))
		return;
	record_set(more, SOURCE, hash_format(&config->source, source));
	record_setf(more, NAMESPACES, "%d", entry.namespaces);
	record_setf(more, TIME, "%llu", entry.time);
	record_setf(more, ROOT, "%u", entry.root);
	record_set(more, PAYLOAD, entry.ways.payload);
	record_set(more, PIDS, entry.ways.pids);
	add_all(more, TASKS, &entry.ways.tasks);
	record_set(more, USER, entry.user);
	record_set(more, ID, entry.environment_id);
	add_all(more, ENVIRONMENT, &entry.environment);
}

bool entry_noted(const struct install *install, const char *name, const struct container_state *state, const struct hash *source,
		 struct entry *ret)
{
	const struct record *more = &state->more;
	const char *noted = record_get(more, SOURCE), *payload = record_get(more, PAYLOAD), *pids = record_get(more, PIDS);
	char now[HASH_TEXT];

	if (!noted || strcmp(noted, hash_format(source, now)) != 0 || !payload)
		return false;
	*ret = (struct entry){ .run_dir = install->run_dir,
			       .name = name,
			       .state = state,
			       .namespaces = (int)record_get_u64(more, NAMESPACES, 0),
			       .time = record_get_u64(more, TIME, 0),
			       .root = (uid_t)record_get_u64(more, ROOT, 0),
			       .ways = { .payload = xstrdup(payload), .pids = pids ? xstrdup(pids) : NULL },
			       .user = record_get(more, USER),
			       .environment_id = record_get(more, ID) };
	take_all(more, TASKS, &ret->ways.tasks);
	take_all(more, ENVIRONMENT, &ret->environment);
	return ret->user && ret->environment_id && ret->namespaces && ret->root;
}
