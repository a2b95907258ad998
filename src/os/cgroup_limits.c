/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of a group: one row for each, in a table. Whichever hierarchy holds the controller gets the value, in the words
 * that this file of it knows (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup_parts.h"

typedef void format_fn(struct text *text, uint64_t value, const struct cgroup_limits *limits);

struct version {
	const char *file;
	const char *other;	/* where the kernel may have it under another name */
	format_fn *format;
};

struct row {
	const char *key;	/* of [limits] */
	const char *v1_controller, *controller;
	size_t offset;		/* of the value in struct cgroup_limits */
	struct version v2, v1;
};

/* --- formats --- */

static void put(struct text *text, uint64_t value)
{
	text_add(text, "%llu", (unsigned long long)value);
}

static void plain_or_max(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	(void)limits;
	if (value == CGROUP_LIFT)
		text_add(text, "max");
	else
		put(text, value);
}

static void plain_or_minus(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	(void)limits;
	if (value == CGROUP_LIFT)
		text_add(text, "-1");
	else
		put(text, value);
}

/* v1 has one file for memory and swap together */
static void memory_and_swap(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	plain_or_minus(text, value == CGROUP_LIFT ? value : limits->memory + value, limits);
}

/* thousandths of a CPU in a period of 100 ms */
static void cpu_max(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	plain_or_max(text, value == CGROUP_LIFT ? value : value * 100, limits);
	text_add(text, " 100000");
}

static void cpu_quota(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	plain_or_minus(text, value == CGROUP_LIFT ? value : value * 100, limits);
}

static uint64_t weight_of(uint64_t value)
{
	return value == CGROUP_LIFT ? 100 : value;
}

static void weight(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	(void)limits;
	put(text, weight_of(value));
}

static void cpu_shares(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	uint64_t shares = weight_of(value) * 1024 / 100;

	(void)limits;
	put(text, shares < 2 ? 2 : shares);
}

/* BFQ counts from 1 to 1000, and 100 is its default too */
static void bfq_weight(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	uint64_t w = weight_of(value);

	(void)limits;
	put(text, w <= 100 ? w : 100 + (w - 100) * 900 / 9900);
}

static void put_disk(struct text *text, const struct cgroup_limits *limits)
{
	text_add(text, "%u:%u ", major(limits->disk), minor(limits->disk));
}

static void io_max(struct text *text, const char *name, uint64_t value, const struct cgroup_limits *limits)
{
	put_disk(text, limits);
	text_add(text, "%s=", name);
	plain_or_max(text, value, limits);
}

static void io_max_read(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	io_max(text, "rbps", value, limits);
}

static void io_max_write(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	io_max(text, "wbps", value, limits);
}

/* 0 takes the rule away */
static void io_throttle(struct text *text, uint64_t value, const struct cgroup_limits *limits)
{
	put_disk(text, limits);
	put(text, value == CGROUP_LIFT ? 0 : value);
}

/* --- the table --- */

#define AT(f) offsetof(struct cgroup_limits, f)

static const struct row rows[] = {
	{ "memory", "memory", "memory", AT(memory), { "memory.max", NULL, plain_or_max },
	  { "memory.limit_in_bytes", NULL, plain_or_minus } },
	{ "swap", "memory", "memory", AT(swap), { "memory.swap.max", NULL, plain_or_max },
	  { "memory.memsw.limit_in_bytes", NULL, memory_and_swap } },
	{ "cpus", "cpu", "cpu", AT(cpus), { "cpu.max", NULL, cpu_max }, { "cpu.cfs_quota_us", NULL, cpu_quota } },
	{ "cpu_weight", "cpu", "cpu", AT(cpu_weight), { "cpu.weight", NULL, weight },
	  { "cpu.shares", NULL, cpu_shares } },
	{ "tasks", "pids", "pids", AT(tasks), { "pids.max", NULL, plain_or_max }, { "pids.max", NULL, plain_or_max } },
	{ "io_read", "blkio", "io", AT(io_read), { "io.max", NULL, io_max_read },
	  { "blkio.throttle.read_bps_device", NULL, io_throttle } },
	{ "io_write", "blkio", "io", AT(io_write), { "io.max", NULL, io_max_write },
	  { "blkio.throttle.write_bps_device", NULL, io_throttle } },
	{ "io_weight", "blkio", "io", AT(io_weight), { "io.weight", NULL, weight },
	  { "blkio.bfq.weight", "blkio.weight", bfq_weight } },
};

/* In v2 the weight has two files, for disks with io.cost and those with BFQ. */
static const struct version bfq = { "io.bfq.weight", NULL, bfq_weight };

static uint64_t value_of(const struct row *row, const struct cgroup_limits *limits)
{
	return *(const uint64_t *)((const char *)limits + row->offset);
}

/* --- where --- */

/* A file that can be written, below the group in this version's hierarchy. Name in *ret. */
static bool find_file(int dir, const struct version *version, const char **ret)
{
	const char *const names[] = { version->file, version->other };

	for (size_t i = 0; i < ARRAY_SIZE(names) && dir >= 0; i++) {
		*ret = names[i];
		if (names[i] && faccessat(dir, names[i], W_OK, 0) == 0)
			return true;
	}
	return false;
}

static int open_v1(const struct limits_place *place, const char *controller)
{
	auto_free char *path = place->v1(controller, place->group);

	return path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int no_controller(const char *key, const char *controller, struct error *err)
{
	if (strcmp(key, "io_weight") == 0) {
		fail(err, 0, "limits.%s cannot be kept: no io controller of this kernel weighs disks", key);
		return error_hint(err, "load the bfq scheduler: modprobe bfq; or take the limit away: sysct config unset "
				       "NAME limits.%s", key);
	}
	fail(err, 0, "limits.%s cannot be kept: this host has no %s controller for it", key, controller);
	return error_hint(err, "enable the controller, or take the limit away: sysct config unset NAME limits.%s", key);
}

/* --- writing --- */

static int write_file(int dir, const char *file, const char *value, const char *key, struct error *err)
{
	int r = write_value_at(dir, file, value);

	if (r == 0)
		return 0;
	fail(err, -r, "write \"%s\" to %s for limits.%s", value, file, key);
	if (r == -EBUSY)
		error_hint(err, "more than that is in use, and cannot be given back: stop something inside first");
	return -err->code;
}

/* A rule stays with the group over a reboot, and the disk is another loop device then: what is not ours goes. */
static void drop_old_rules(int dir, const char *file, dev_t disk)
{
	auto_free char *ours = xasprintf("%u:%u", major(disk), minor(disk)), *rules = NULL;
	char *save;

	if (read_file_at(dir, file, 65536, &rules, NULL) < 0)
		return;
	for (char *line = strtok_r(rules, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		auto_free char *none = NULL;

		line[strcspn(line, " ")] = '\0';
		none = xasprintf("%s 0", line);
		if (strcmp(line, ours) != 0)
			write_value_at(dir, file, none);
	}
}

/* A share counts among those beside it: other containers, where the payload is alone. */
static int v2_of(const struct limits_place *place, const struct row *row)
{
	return row->offset == AT(cpu_weight) || row->offset == AT(io_weight) ? place->v2_shares : place->v2;
}

/* 1: there is no such file. */
static int write_v2(int dir, const char *key, const struct version *version, uint64_t value,
		    const struct cgroup_limits *limits, struct error *err)
{
	auto_text struct text text = TEXT_EMPTY;
	const char *file;

	if (!find_file(dir, version, &file))
		return 1;
	version->format(&text, value, limits);
	return write_file(dir, file, text.data, key, err);
}

static int write_row(const struct limits_place *place, const struct row *row, const struct cgroup_limits *limits,
		     struct error *err)
{
	uint64_t value = value_of(row, limits);
	int dir = v2_of(place, row), v2 = write_v2(dir, row->key, &row->v2, value, limits, err);
	int too = v2 < 0 || row->offset != AT(io_weight) ? v2 : write_v2(dir, row->key, &bfq, value, limits, err);
	auto_text struct text text = TEXT_EMPTY;
	auto_close int v1 = -1;
	const char *file;

	if (too < 0)
		return too;
	if (v2 == 0 || too == 0)
		return 0;
	v1 = open_v1(place, row->v1_controller);
	if (find_file(v1, &row->v1, &file)) {
		if (row->v1.format == io_throttle)
			drop_old_rules(v1, file, limits->disk);
		row->v1.format(&text, value, limits);
		return write_file(v1, file, text.data, row->key, err);
	}
	/* what nobody can set is lifted already */
	return value == CGROUP_LIFT ? 0 : no_controller(row->key, row->controller, err);
}

/* --- what does not fit a row --- */

static int cpuset_error(int code, const char *cpus, struct error *err)
{
	auto_free char *online = NULL;

	fail(err, code, "limits.cpuset: use the CPUs %s", cpus);
	if (read_file_at(AT_FDCWD, "/sys/devices/system/cpu/online", 4096, &online, NULL) < 0)
		return -err->code;
	online[strcspn(online, "\n")] = '\0';
	return error_hint(err, "this host has the CPUs %s", online);
}

/* No word means "all": v2 takes an empty line as long as no process is there, else both want those of the parent by
 * number. */
static int write_cpuset(const struct limits_place *place, const char *cpus, struct error *err)
{
	static const struct version v2 = { "cpuset.cpus", NULL, NULL }, v1 = { "cpuset.cpus", NULL, NULL };
	auto_free char *parents = NULL;
	auto_close int dir = -1;
	const char *file;
	int r;

	if (find_file(place->v2, &v2, &file)) {
		r = write_value_at(place->v2, file, *cpus ? cpus : "\n");
		if (r == -ENOSPC && !*cpus &&
		    read_file_at(place->v2, "../cpuset.cpus.effective", 4096, &parents, NULL) == 0)
			r = write_value_at(place->v2, file, parents);
		return r < 0 ? cpuset_error(-r, cpus, err) : 0;
	}
	dir = open_v1(place, "cpuset");
	if (!find_file(dir, &v1, &file))
		return *cpus ? no_controller("cpuset", "cpuset", err) : 0;
	if (!*cpus && read_file_at(dir, "../cpuset.cpus", 4096, &parents, NULL) == 0)
		cpus = parents;
	r = write_value_at(dir, file, cpus);
	return r < 0 ? cpuset_error(-r, cpus, err) : 0;
}

/* v1 counts memory and both together, and wants the second never below the first: which is written first depends on
 * whether they grow or shrink. */
static int write_memory(const struct limits_place *place, const struct cgroup_limits *limits, struct error *err)
{
	const struct row *memory = &rows[0], *swap = &rows[1];
	bool has_memory = limits->memory != CGROUP_KEEP, has_swap = limits->swap != CGROUP_KEEP;
	struct error first = ERROR_NONE;
	const char *file;

	if (has_swap && limits->swap != CGROUP_LIFT && (!has_memory || limits->memory == CGROUP_LIFT) &&
	    !find_file(place->v2, &swap->v2, &file)) {
		auto_close int v1 = open_v1(place, "memory");

		if (!find_file(v1, &swap->v1, &file))
			return no_controller("swap", "memory", err);
		fail(err, 0, "limits.swap cannot be kept alone: this host's memory controller limits memory and swap "
			     "together");
		return error_hint(err, "set limits.memory too");
	}
	if (!has_memory || write_row(place, memory, limits, &first) == 0)
		return has_swap ? write_row(place, swap, limits, err) : 0;
	if (first.code == EINVAL && has_swap && write_row(place, swap, limits, err) == 0)
		return write_row(place, memory, limits, err);
	*err = first;
	return -err->code;
}

static int check_disk(const struct cgroup_limits *limits, struct error *err)
{
	if (limits->disk || (limits->io_read == CGROUP_KEEP && limits->io_write == CGROUP_KEEP))
		return 0;
	fail(err, 0, "limits.io_read and io_write act on a disk of the container's own, and it has none");
	return error_hint(err, "use an image instead of a directory, or limits.io_weight");
}

int cgroup_limits_write(const struct limits_place *place, const struct cgroup_limits *limits, struct error *err)
{
	if (check_disk(limits, err) < 0 || write_memory(place, limits, err) < 0)
		return -err->code;
	for (size_t i = 2; i < ARRAY_SIZE(rows); i++)	/* memory and swap are done */
		if (value_of(&rows[i], limits) != CGROUP_KEEP && write_row(place, &rows[i], limits, err) < 0)
			return -err->code;
	return limits->cpuset ? write_cpuset(place, limits->cpuset, err) : 0;
}

int cgroup_set_limits(const char *group, const struct cgroup_limits *limits, struct error *err)
{
	auto_close int payload = cgroup_open(group, "payload", err);
	auto_close int above = payload < 0 ? payload : cgroup_open(group, cgroup_shares_leaf(group), err);
	struct limits_place place = { payload, above, cgroup_path_v1, group };

	if (above < 0)
		return above;
	return cgroup_limits_write(&place, limits, err);
}

const char *cgroup_limits_note(const struct cgroup_limits *limits)
{
	bool rates = limits->io_read != CGROUP_KEEP || limits->io_write != CGROUP_KEEP;

	if (!cgroup_find_v1("blkio"))
		return NULL;
	if (rates)
		return "io_read and io_write hold for reads and direct writes only: on this host (cgroup v1) the kernel "
		       "writes the rest out by itself";
	if (limits->io_weight != CGROUP_KEEP)
		return "io_weight counts on disks with the bfq scheduler only, on this host (cgroup v1)";
	return NULL;
}
