/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In a group of the test's own, in every hierarchy that this host has; nothing of it is left. */
#include "testing.h"

#include <linux/sched.h>
#include <sys/syscall.h>

#include "../../../src/os/cgroup_parts.h"
#include "os/cgroup.h"
#include "os/process.h"

#define OWNER 700000
#define WAIT_MS 20000

static char parent[64], group[80];
static struct error err;
static pid_t children[8];
static size_t n_children;

/* Of this run; what a test that failed has left is the run's to remove. */
static void name_group(void)
{
	snprintf(parent, sizeof(parent), "sysct-unittest-%d", (int)getpid());
	snprintf(group, sizeof(group), "%s/xyz", parent);
}

static void sweep(void)
{
	struct error ignored = ERROR_NONE;

	cgroup_kill(group, &ignored);
	cgroup_remove(group, WAIT_MS, &ignored);
	cgroup_remove_empty(parent, &ignored);
}

static void setup(void)
{
	err = (struct error)ERROR_NONE;
	n_children = 0;
	sweep();
}

/* --- the trees, by the test's own eyes --- */

/* A mounted hierarchy: its directory and, for v1, its controllers ("" for cgroup2). */
struct tree {
	char path[128], controllers[128];
};

static size_t find_trees(struct tree *trees, size_t room)
{
	auto_free char *mounts = NULL;
	char *save;
	size_t n = 0;

	ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/mounts", 1 << 24, &mounts, NULL), 0);
	for (char *line = strtok_r(mounts, "\n", &save); line && n < room; line = strtok_r(NULL, "\n", &save)) {
		char type[32];

		if (sscanf(line, "%*s %127s %31s %127s", trees[n].path, type, trees[n].controllers) != 3)
			continue;
		if (strcmp(type, "cgroup2") == 0)
			trees[n++].controllers[0] = '\0';
		else if (strcmp(type, "cgroup") == 0)
			n++;
	}
	return n;
}

static bool has_controller(const struct tree *tree, const char *controller)
{
	auto_free char *words = xasprintf(",%s,", tree->controllers), *word = xasprintf(",%s,", controller);

	return strstr(words, word) != NULL;
}

/* Where a group is: beside the directory of all groups where each level costs time. */
static char *place_in(const struct tree *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree->path, name), *slash = strchr(name, '/');

	if (slash && has_controller(tree, "cpu") && !has_controller(tree, "cpuset"))
		path[strlen(tree->path) + 1 + (size_t)(slash - name)] = '-';
	return path;
}

/* How many directories of this name below all hierarchies. */
static size_t count_groups(const char *name)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees)), found = 0;

	for (size_t i = 0; i < n; i++) {
		auto_free char *path = place_in(&trees[i], name);

		found += access(path, F_OK) == 0;
	}
	return found;
}

/* The value of a limit, from the hierarchy that has it: "" when none does. */
static char *limit(const char *v2_file, const char *v1_controller, const char *v1_file)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));
	char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		auto_free char *path = NULL, *above = place_in(&trees[i], group);

		if (!trees[i].controllers[0])
			path = xasprintf("%s/%s/payload/%s", trees[i].path, group, v2_file);
		else if (has_controller(&trees[i], v1_controller))
			path = xasprintf("%s/%s", above, v1_file);
		if (path && read_file_at(AT_FDCWD, path, 4096, &text, NULL) == 0) {
			text[strcspn(text, "\n")] = '\0';
			return text;
		}
	}
	return xstrdup("");
}

static int payload(void)
{
	return must(cgroup_open(group, "payload", &err));
}

/* A process in the payload leaf, and in v1, as of a container with the host's ids or with its own. It forks `forks` children,
 * who live as long as it does, and says how many it could. */
static pid_t add_process_of(bool host_ids, int forks, int *ret_forked)
{
	auto_close int dir = payload();
	pid_t self = getpid();
	int ready[2];
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dir };
	pid_t pid;
	char n;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	ck_assert_msg(pid >= 0, "clone into the group: %m");
	if (pid == 0) {
		pid_t mother = getpid();

		if (cgroup_enter_v1(group, host_ids, &err) < 0)
			_exit(1);
		for (n = 0; n < forks; n++) {
			pid_t child = fork();

			if (child < 0)
				break;
			while (child == 0 && getppid() == mother)
				usleep(100000);
			if (child == 0)
				_exit(0);
		}
		if (write(ready[1], &n, 1) != 1)
			_exit(1);
		while (getppid() == self)
			usleep(100000);
		_exit(0);
	}
	children[n_children++] = pid;
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &n, 1), 1);
	close(ready[0]);
	if (ret_forked)
		*ret_forked = n;
	return pid;
}

static pid_t add_process(int forks, int *ret_forked)
{
	return add_process_of(false, forks, ret_forked);
}

static void reap(void)
{
	while (n_children)
		waitpid(children[--n_children], NULL, 0);
}

static void teardown(void)
{
	must(cgroup_kill(group, &err));
	reap();
	must(cgroup_remove(group, WAIT_MS, &err));
	must(cgroup_remove_empty(parent, &err));
	ck_assert_uint_eq(count_groups(group), 0);
	ck_assert_uint_eq(count_groups(parent), 0);
}

static void create(uid_t owner)
{
	must(cgroup_create(group, owner, &err));
}

/* --- */

START_TEST(a_group_is_made_in_every_hierarchy)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));

	ck_assert_uint_eq(count_groups(group), 0);
	create(0);
	ck_assert_uint_eq(count_groups(group), n);
	create(0);	/* again is no error */
	ck_assert_uint_eq(count_groups(group), n);
}
END_TEST

START_TEST(one_of_an_earlier_sysct_is_used_and_removed)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees)), flat = 0;

	for (size_t i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s", trees[i].path, group);

		ck_assert_int_eq(make_dirs(path, 0755), 0);
	}
	create(0);
	for (size_t i = 0; i < n; i++) {
		auto_free char *earlier = xasprintf("%s/%s", trees[i].path, group), *path = place_in(&trees[i], group);

		flat += strcmp(path, earlier) != 0 && access(path, F_OK) == 0;
	}
	ck_assert_uint_eq(flat, 0);
	must(cgroup_remove(group, WAIT_MS, &err));
	for (size_t i = 0; i < n; i++) {
		auto_free char *earlier = xasprintf("%s/%s", trees[i].path, group);

		ck_assert_int_ne(access(earlier, F_OK), 0);
	}
}
END_TEST

/* cpuset.cpus or .mems of v1, or cgroup.controllers of cgroup2, of a group; NULL where that is not. */
static char *value_of(const char *controller, const char *name, const char *file)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));
	char *text = NULL;

	for (size_t i = 0; i < n && !text; i++) {
		auto_free char *path = xasprintf("%s/%s/%s", trees[i].path, name, file);

		if (*controller ? strstr(trees[i].controllers, controller) != NULL : !*trees[i].controllers)
			read_file_at(AT_FDCWD, path, 4096, &text, NULL);
	}
	return text;
}

static void ck_same_value(const char *controller, const char *a, const char *b, const char *file)
{
	auto_free char *first = value_of(controller, a, file), *second = value_of(controller, b, file);

	ck_assert_msg(!first == !second && (!first || strcmp(first, second) == 0), "%s: \"%s\" and \"%s\"", file, first, second);
}

/* By inheritance, or by writing where the directory above is of a build that knew none: both are usable. */
START_TEST(a_cpuset_has_what_its_parent_has)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	auto_free char *neighbour = xasprintf("%s/abc", parent), *clones = NULL;
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));

	create(0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		ck_same_value("cpuset", group, ".", files[i]);
	for (size_t i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s/cgroup.clone_children", trees[i].path, parent);

		if (!strstr(trees[i].controllers, "cpuset"))
			continue;
		ck_assert_int_eq(read_file_at(AT_FDCWD, path, 16, &clones, NULL), 0);
		ck_assert_str_eq(clones, "1\n");
		ck_assert_int_eq(write_value_at(AT_FDCWD, path, "0"), 0);
	}
	must(cgroup_create(neighbour, 0, &err));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		ck_same_value("cpuset", neighbour, ".", files[i]);
	must(cgroup_remove(neighbour, WAIT_MS, &err));
}
END_TEST

/* Whoever made the directory of all groups was killed before it could prepare it. */
START_TEST(an_unprepared_cpuset_above_is_prepared)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));

	for (size_t i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s", trees[i].path, parent);

		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	create(0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		ck_same_value("cpuset", parent, ".", files[i]);
		ck_same_value("cpuset", group, ".", files[i]);
	}
}
END_TEST

START_TEST(every_controller_of_cgroup2_reaches_the_payload)
{
	auto_free char *leaf = xasprintf("%s/payload", group);

	create(0);
	ck_same_value("", leaf, ".", "cgroup.controllers");
	create(0);
	ck_same_value("", leaf, ".", "cgroup.controllers");
}
END_TEST

START_TEST(the_container_owns_its_leaf_and_nothing_above)
{
	static const char *const own[] = { "", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads" };
	static const char *const hosts[] = { "cgroup.freeze", "cgroup.kill", "cgroup.max.depth",
					     "cgroup.max.descendants", "memory.max", "pids.max", "cpu.max" };
	auto_close int dir = -1, above = -1;
	struct stat st;

	create(OWNER);
	dir = payload();
	above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		ck_assert_int_eq(fstatat(dir, own[i], &st, *own[i] ? 0 : AT_EMPTY_PATH), 0);
		ck_assert_msg(st.st_uid == OWNER && st.st_gid == OWNER, "%s is of %u:%u", own[i], st.st_uid, st.st_gid);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (fstatat(dir, hosts[i], &st, 0) == 0)
			ck_assert_msg(st.st_uid == 0, "%s is the container's", hosts[i]);
	ck_assert_int_eq(fstat(above, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_int_eq(fstatat(above, "cgroup.procs", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

START_TEST(in_v1_everything_is_the_hosts)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));
	struct stat st;

	create(OWNER);
	for (size_t i = 0; i < n; i++) {
		auto_free char *path = place_in(&trees[i], group);
		auto_free char *procs = xasprintf("%s/cgroup.procs", path);

		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_uid, 0);
		ck_assert_int_eq(stat(procs, &st), 0);
		ck_assert_uint_eq(st.st_uid, 0);
	}
}
END_TEST

START_TEST(a_process_is_born_and_placed_in_every_hierarchy)
{
	auto_free char *groups = NULL, *path = NULL;
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees)), found = 0;
	char *save;
	pid_t pid;

	create(OWNER);
	pid = add_process(0, NULL);
	path = xasprintf("/proc/%d/cgroup", (int)pid);
	ck_assert_int_eq(read_file_at(AT_FDCWD, path, 65536, &groups, NULL), 0);
	for (char *line = strtok_r(groups, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':') + 1, *where = strchr(controllers, ':');
		bool mounted = controllers == where;	/* cgroup2, mounted or not */

		const char *expected = group;
		auto_free char *place = NULL;

		*where++ = '\0';
		for (size_t i = 0; i < n && !place; i++)
			if (*controllers && text_ends(trees[i].controllers, controllers)) {
				mounted = true;
				place = place_in(&trees[i], group);
				expected = place + strlen(trees[i].path);
			}
		if (!mounted)
			continue;	/* by nobody, so it cannot be written */
		ck_assert_msg(strstr(where, expected), "%s: %s", controllers, where);
		found++;
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

START_TEST(a_group_that_is_not_there_cannot_be_entered)
{
	if (cgroup_layout(&err)->n_v1 == 0)
		ck_assert_int_eq(cgroup_enter_v1("sysct-none/nowhere", false, &err), 0);
	else
		ck_assert_int_eq(cgroup_enter_v1("sysct-none/nowhere", false, &err), -ENOENT);
}
END_TEST

/* --- limits --- */

#define NOT_GIVEN CGROUP_LIMITS_NONE

/* Set, or refused with a hint since the host cannot: whether it is kept. */
static bool set(const struct cgroup_limits *limits, const char *key)
{
	if (cgroup_set_limits(group, limits, &err) == 0)
		return true;
	ck_has(err.message, key);
	ck_has(err.hint, key);
	return can_run(false, key);
}

START_TEST(without_limits_nothing_is_written)
{
	struct cgroup_limits limits = NOT_GIVEN;
	auto_free char *before = NULL, *after = NULL;

	create(0);
	before = limit("pids.max", "pids", "pids.max");
	must(cgroup_set_limits(group, &limits, &err));
	after = limit("pids.max", "pids", "pids.max");
	ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(memory_is_limited)
{
	struct cgroup_limits limits = NOT_GIVEN;
	auto_free char *value = NULL;

	create(0);
	limits.memory = 64 << 20;
	if (!set(&limits, "limits.memory"))
		return;
	value = limit("memory.max", "memory", "memory.limit_in_bytes");
	ck_assert_str_eq(value, "67108864");
	limits.memory = 32 << 20;	/* less, in place */
	must(cgroup_set_limits(group, &limits, &err));
	limits.memory = 128 << 20;	/* and more */
	must(cgroup_set_limits(group, &limits, &err));
	free(value);
	value = limit("memory.max", "memory", "memory.limit_in_bytes");
	ck_assert_str_eq(value, "134217728");
}
END_TEST

/* v1 knows memory and swap together only, and wants them written in the right order. */
START_TEST(swap_is_limited_beside_memory_up_and_down)
{
	static const struct {
		uint64_t memory, swap;
		const char *both;
	} steps[] = {
		{ 64 << 20, 32 << 20, "100663296" },
		{ 256 << 20, 32 << 20, "301989888" },	/* up: both first */
		{ 16 << 20, 0, "16777216" },		/* down: memory first */
		{ 64 << 20, 64 << 20, "134217728" },
	};

	create(0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct cgroup_limits limits = NOT_GIVEN;
		auto_free char *v1 = NULL;

		limits.memory = steps[i].memory;
		limits.swap = steps[i].swap;
		if (i == 0 && !set(&limits, "limits."))
			return;
		ck_assert_msg(cgroup_set_limits(group, &limits, &err) == 0, "step %zu: %s", i, err.message);
		v1 = limit("none", "memory", "memory.memsw.limit_in_bytes");
		if (*v1)
			ck_assert_str_eq(v1, steps[i].both);
	}
}
END_TEST

START_TEST(cpus_and_their_weight_are_limited)
{
	struct cgroup_limits limits = NOT_GIVEN;
	auto_free char *quota = NULL, *weight = NULL, *least = NULL;

	create(0);
	limits.cpus = 1500;
	limits.cpu_weight = 200;
	if (!set(&limits, "limits.cpu"))
		return;
	quota = limit("cpu.max", "cpu", "cpu.cfs_quota_us");
	ck_assert_msg(strcmp(quota, "150000") == 0 || strcmp(quota, "150000 100000") == 0, "%s", quota);
	weight = limit("../cpu.weight", "cpu", "cpu.shares");
	ck_assert_msg(strcmp(weight, "200") == 0 || strcmp(weight, "2048") == 0, "%s", weight);
	limits.cpu_weight = 1;
	must(cgroup_set_limits(group, &limits, &err));
	least = limit("../cpu.weight", "cpu", "cpu.shares");
	ck_assert_msg(strcmp(least, "1") == 0 || strcmp(least, "10") == 0, "%s", least);
}
END_TEST

START_TEST(tasks_are_counted_and_stopped)
{
	struct cgroup_limits limits = NOT_GIVEN;
	struct cgroup_ways ways;
	int forked = -1;

	create(0);
	limits.tasks = 5;
	if (!set(&limits, "limits.tasks"))
		return;
	must(cgroup_ways(group, false, &ways, &err));
	ck_assert(!cgroup_ways_full(&ways));
	add_process(20, &forked);
	ck_assert_int_eq(forked, 4);
	ck_assert(cgroup_ways_full(&ways) == (cgroup_find_v1("pids") != NULL));
	cgroup_ways_done(&ways);
}
END_TEST

/* What a process of the group may open: 1: /dev/null, 2: /dev/zero. 100: it could not be tried. */
static int opens(void)
{
	auto_close int dir = payload();
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dir };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int status;

	ck_assert_msg(pid >= 0, "clone into the group: %m");
	if (pid == 0)
		_exit(cgroup_enter_v1(group, true, &err) < 0 ? 100 :
		      (open("/dev/null", O_RDWR) >= 0) | (open("/dev/zero", O_RDONLY) >= 0) << 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Root inside may own the files of the group where its processes are: what is said there lifts nothing. */
START_TEST(a_limit_stands_above_the_group_of_the_processes)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NONE;
	auto_free char *pids = cgroup_path_v1("pids", group);
	auto_free char *inner = pids ? xasprintf("%s/payload", pids) : NULL;
	auto_free char *most = pids ? xasprintf("%s/pids.max", inner) : NULL;
	auto_free char *procs = pids ? xasprintf("%s/cgroup.procs", inner) : NULL;
	auto_free char *text = NULL;
	char number[16];
	pid_t pid;
	int forked;

	if (!pids) {
		can_run(false, "the pids controller of v1");
		return;
	}
	limits.tasks = 6;
	create(0);
	if (!set(&limits, "limits.tasks"))
		return;
	pid = add_process_of(true, 0, NULL);
	ck_assert_int_eq(read_file_at(AT_FDCWD, procs, 4096, &text, NULL), 0);
	snprintf(number, sizeof(number), "%d\n", (int)pid);
	ck_assert_str_eq(text, number);
	ck_assert_int_eq(write_value_at(AT_FDCWD, most, "max"), 0);
	add_process_of(true, 20, &forked);
	ck_assert_int_eq(forked, 4);	/* and the two processes */
}
END_TEST

/* Whose root cannot write there has no level between, which the scheduler would walk; but goes where an older start went. */
START_TEST(others_are_in_the_group_itself)
{
	static const char *const controllers[] = { "memory", "pids", "cpu" };
	auto_free char *pids = cgroup_path_v1("pids", group);
	auto_free char *inner = pids ? xasprintf("%s/payload", pids) : NULL;
	auto_free char *procs = pids ? xasprintf("%s/cgroup.procs", inner) : NULL;
	auto_free char *text = NULL;
	char number[16];
	pid_t pid;

	if (!pids) {
		can_run(false, "the pids controller of v1");
		return;
	}
	create(0);
	add_process(0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		auto_free char *own = cgroup_path_v1(controllers[i], group), *path = own ? xasprintf("%s/payload", own) : NULL;

		ck_assert(!path || (access(path, F_OK) < 0 && errno == ENOENT));
	}
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	pid = add_process(0, NULL);
	ck_assert_int_eq(read_file_at(AT_FDCWD, procs, 4096, &text, NULL), 0);
	snprintf(number, sizeof(number), "%d\n", (int)pid);
	ck_assert_str_eq(text, number);
}
END_TEST

/* By v1's controller or by cgroup2's program, whichever this host has. */
START_TEST(devices_are_denied_but_the_allowed)
{
	static const char *const allow[] = { "c 1:3 rwm", "c 5:2 rwm", NULL };
	static const char *const more[] = { "c 1:3 rwm", "c 5:2 rwm", "c 1:5 r", NULL };

	create(0);
	ck_assert_int_eq(opens(), 3);
	ck_assert_int_eq(must(cgroup_set_devices(group, allow, &err)), 0);
	ck_assert_int_eq(opens(), 1);
	ck_assert_int_eq(must(cgroup_extend_devices(group, more, &err)), 0);
	ck_assert_int_eq(opens(), 3);
	must(cgroup_set_devices(group, allow, &err));	/* again, as a reboot does */
	ck_assert_int_eq(opens(), 1);
}
END_TEST

START_TEST(a_rule_for_devices_that_is_none_is_refused)
{
	static const char *const wrong[] = { "c banana rwm", NULL };

	create(0);
	ck_assert_int_lt(cgroup_set_devices(group, wrong, &err), 0);
	ck_has(err.message, "banana");
	err = (struct error)ERROR_NONE;
}
END_TEST

/* --- freeze, kill, wait --- */

START_TEST(a_group_freezes_and_thaws)
{
	struct cgroup_ways ways;

	create(0);
	must(cgroup_ways(group, false, &ways, &err));
	add_process(3, NULL);
	ck_assert(!cgroup_frozen(group));
	ck_assert(!cgroup_ways_frozen(&ways));
	must(cgroup_freeze(group, true, WAIT_MS, &err));
	ck_assert(cgroup_frozen(group));
	ck_assert(cgroup_ways_frozen(&ways));
	cgroup_ways_done(&ways);
	must(cgroup_freeze(group, true, WAIT_MS, &err));	/* twice */
	must(cgroup_freeze(group, false, WAIT_MS, &err));
	ck_assert(!cgroup_frozen(group));
}
END_TEST

START_TEST(an_empty_group_can_be_frozen)
{
	create(0);
	must(cgroup_freeze(group, true, WAIT_MS, &err));
	must(cgroup_freeze(group, false, WAIT_MS, &err));
}
END_TEST

START_TEST(all_are_killed_frozen_or_not)
{
	int status;

	for (int frozen = 0; frozen < 2; frozen++) {
		pid_t pid;

		create(0);
		pid = add_process(4, NULL);
		if (frozen)
			must(cgroup_freeze(group, true, WAIT_MS, &err));
		ck_assert_int_eq(cgroup_wait_empty(group, 50, &err), -ETIMEDOUT);
		ck_assert_int_eq(err.status, STATUS_TIMEOUT);
		err = (struct error)ERROR_NONE;
		must(cgroup_kill(group, &err));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		n_children--;
		must(cgroup_wait_empty(group, WAIT_MS, &err));
		ck_assert(!cgroup_frozen(group));	/* the next boot would not move */
		/* As a reboot does: into a leaf that was killed once nobody can be born on Linux 6.18, which takes
		 * each child for one that was forked while it was killed. */
		must(cgroup_remove_payload(group, WAIT_MS, &err));
	}
}
END_TEST

START_TEST(what_the_container_made_below_is_killed_too)
{
	auto_close int dir = -1, below = -1;
	char pid[16];

	create(OWNER);
	dir = payload();
	ck_assert_int_eq(mkdirat(dir, "deep", 0755), 0);
	ck_assert_int_eq(mkdirat(dir, "deep/er", 0755), 0);
	snprintf(pid, sizeof(pid), "%d", (int)add_process(0, NULL));
	below = openat(dir, "deep/er", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(write_value_at(below, "cgroup.procs", pid), 0);
	must(cgroup_kill(group, &err));
	must(cgroup_wait_empty(group, WAIT_MS, &err));
	reap();
}
END_TEST

START_TEST(memory_in_use_is_known_where_the_controller_is)
{
	auto_free char *used = NULL;

	ck_assert_uint_eq(cgroup_memory_used(group), 0);
	create(0);
	add_process(5, NULL);
	used = limit("memory.current", "memory", "memory.usage_in_bytes");
	if (can_run(*used && strcmp(used, "0") != 0, "the memory controller"))
		ck_assert_uint_gt(cgroup_memory_used(group), 0);
}
END_TEST

static void glance_is_true(void)
{
	uint64_t memory = 1, before = cgroup_memory_used(group);
	bool frozen = true;

	cgroup_glance(group, &memory, &frozen);
	ck_assert(frozen == cgroup_frozen(group));
	/* it is idle, but the kernel counts in batches: within a MiB */
	ck_assert((memory == 0) == (before == 0));
	ck_assert_uint_lt(memory > before ? memory - before : before - memory, 1 << 20);
}

static void glance_at_all(void)
{
	glance_is_true();	/* there is none */
	create(0);
	add_process(5, NULL);
	glance_is_true();
	must(cgroup_freeze(group, true, WAIT_MS, &err));
	glance_is_true();
	must(cgroup_freeze(group, false, WAIT_MS, &err));
	glance_is_true();
}

START_TEST(a_glance_sees_what_a_look_sees)
{
	glance_at_all();
}
END_TEST

/* The mounted hierarchy with this controller, "" for cgroup2, or for NULL any of v1 without memory; NULL: there is none. */
static const char *tree_of(const char *controller)
{
	static struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));

	for (size_t i = 0; i < n; i++) {
		auto_strings struct strings words = STRINGS_EMPTY;
		const char *all = trees[i].controllers;

		strings_split(&words, all, ",");
		if (controller ? (*controller ? strings_has(&words, controller) : !*all) : *all && !strings_has(&words, "memory"))
			return trees[i].path;
	}
	return NULL;
}

static void put_on(const char *tree, const char *point)
{
	ck_assert_msg(mount(tree, point, NULL, MS_BIND, NULL) == 0, "%s on %s: %m", tree, point);
}

/* On /mnt, in a mount namespace of the test's own. A name alone is not believed. */
START_TEST(a_glance_is_true_wherever_cgroups_are)
{
	auto_free char *v2 = tree_of("") ? xstrdup(tree_of("")) : NULL, *memory = tree_of("memory") ? xstrdup(tree_of("memory")) : NULL;
	auto_free char *other = tree_of(NULL) ? xstrdup(tree_of(NULL)) : NULL;

	if (!can_run(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount namespaces") ||
	    !can_run(v2, "a mounted cgroup2"))
		return;
	ck_assert_int_eq(mount("none", "/mnt", "tmpfs", 0, NULL), 0);
	ck_assert(!cgroup_glance_from("/mnt/none"));
	ck_assert(!cgroup_glance_from("/mnt"));
	ck_assert_int_eq(mkdir("/mnt/unified", 0700), 0);
	ck_assert_int_eq(mkdir("/mnt/memory", 0700), 0);
	close(must(creat("/mnt/memory/memory.usage_in_bytes", 0600)));
	ck_assert(!cgroup_glance_from("/mnt"));
	glance_at_all();
	ck_assert_int_eq(mkdir("/mnt/alone", 0700), 0);
	put_on(v2, "/mnt/alone");
	ck_assert(cgroup_glance_from("/mnt/alone") == !memory);	/* by its controllers */
	put_on(v2, "/mnt/unified");
	ck_assert(!cgroup_glance_from("/mnt"));
	if (other) {
		put_on(other, "/mnt/memory");
		ck_assert(!cgroup_glance_from("/mnt"));
	}
	if (memory)
		put_on(memory, "/mnt/memory");
	ck_assert(cgroup_glance_from(memory ? "/mnt" : "/mnt/alone"));
	glance_is_true();
	must(cgroup_freeze(group, true, WAIT_MS, &err));
	glance_is_true();
}
END_TEST

START_TEST(who_joins_later_has_a_leaf_of_its_own)
{
	auto_close int first = -1, second = -1;
	struct cgroup_ways ways;
	struct stat st;

	create(OWNER);
	must(cgroup_ways(group, false, &ways, &err));
	first = must(cgroup_ways_open(&ways, OWNER, &err));
	second = must(cgroup_ways_open(&ways, OWNER, &err));
	cgroup_ways_done(&ways);
	ck_assert_int_eq(fstat(first, &st), 0);
	ck_assert_uint_eq(st.st_uid, OWNER);
	ck_assert_int_eq(fcntl(second, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(ways_last_where_nobody_but_the_kernel_makes_files)
{
	struct cgroup_ways ways = CGROUP_WAYS_EMPTY;

	ways.payload = (char *)"/sys/fs/cgroup/unified/sysct/a/payload";
	ck_assert(cgroup_ways_last(&ways));
	ways.pids = (char *)"/sys/fs/cgroup/pids/sysct/a";
	strings_add(&ways.tasks, "/sys/fs/cgroup/pids/sysct/a/tasks");
	ck_assert(cgroup_ways_last(&ways));
	strings_add(&ways.tasks, "/proc/self/fd/7/sysct/a/tasks");
	ck_assert(!cgroup_ways_last(&ways));
	strings_clear(&ways.tasks);
	strings_add(&ways.tasks, "/tmp/cgroup/pids/sysct/a/tasks");
	ck_assert(!cgroup_ways_last(&ways));
	strings_clear(&ways.tasks);
	ways.pids = (char *)"/sys/fs/cgroups/pids/sysct/a";
	ck_assert(!cgroup_ways_last(&ways));
	ways.pids = NULL;
	ways.payload = (char *)"/tmp/cgroup/sysct/a/payload";
	ck_assert(!cgroup_ways_last(&ways));
}
END_TEST

START_TEST(the_path_for_people_is_the_payloads)
{
	auto_free char *path = cgroup_path(group);

	create(0);
	if (!can_run(path != NULL, "a mounted cgroup2"))
		return;
	ck_has(path, group);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* --- a unit of systemd, as it would make one --- */

/* The directory of cgroup2; NULL: none is mounted. */
static char *find_v2(void)
{
	struct tree trees[32];
	size_t n = find_trees(trees, ARRAY_SIZE(trees));

	for (size_t i = 0; i < n; i++)
		if (!trees[i].controllers[0])
			return xstrdup(trees[i].path);
	return NULL;
}

/* In a process that is put there: does it find itself, and can it go on to the leaf? */
static void check_inside(const char *unit, const char *directory)
{
	auto_free char *procs = xasprintf("%s/cgroup.procs", directory);
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		auto_free char *before = NULL, *after = NULL, *own = NULL;

		if (write_value_at(AT_FDCWD, procs, "0") < 0)
			_exit(1);
		before = cgroup_own_unit();
		if (!before || !text_ends(before, unit) || cgroup_enter_supervisor(unit, &err) < 0)
			_exit(2);
		after = cgroup_own_unit();
		if (!after || strcmp(before, after) != 0)
			_exit(3);
		if (read_file_at(AT_FDCWD, procs, 4096, &own, NULL) < 0 || *own)
			_exit(4);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "wait status %#x: %s", (unsigned int)status, err.message);
}

START_TEST(of_a_unit_only_what_is_below_is_ours)
{
	auto_free char *unit = xasprintf("%s.service", group), *v2 = find_v2(), *above = NULL, *directory = NULL;
	auto_free char *payload_path = NULL, *control = NULL, *before = NULL, *after = NULL;
	struct stat st;

	if (!can_run(v2 != NULL, "a mounted cgroup2"))
		return;
	above = xasprintf("%s/%s", v2, parent);
	directory = xasprintf("%s/%s", v2, unit);
	payload_path = xasprintf("%s/payload", directory);
	control = xasprintf("%s/cgroup.subtree_control", above);
	ck_assert_int_eq(mkdir(above, 0755), 0);
	ck_assert_int_eq(cgroup_create(unit, OWNER, &err), -ENOENT);	/* it is not ours to make */
	err = (struct error)ERROR_NONE;
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(read_file_at(AT_FDCWD, control, 4096, &before, NULL), 0);
	check_inside(unit, directory);
	must(cgroup_create(unit, OWNER, &err));
	ck_assert_int_eq(read_file_at(AT_FDCWD, control, 4096, &after, NULL), 0);
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(count_groups(unit), 1);
	ck_assert_int_eq(stat(payload_path, &st), 0);
	ck_assert_uint_eq(st.st_uid, OWNER);
	ck_assert_int_eq(stat(directory, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	must(cgroup_bound(unit, 77, 7, &err));
	must(cgroup_remove(unit, WAIT_MS, &err));
	ck_assert_int_lt(access(payload_path, F_OK), 0);
	ck_assert_int_eq(access(directory, F_OK), 0);
	ck_assert(!cgroup_wait_unit_gone(unit, 20));
	free(take_ptr(&payload_path));
	payload_path = xasprintf("%s/supervisor", directory);
	ck_assert_int_eq(rmdir(payload_path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	ck_assert_int_eq(rmdir(above), 0);
	ck_assert(cgroup_wait_unit_gone(unit, 20));
	ck_assert(cgroup_wait_unit_gone(group, 0));	/* none of systemd's */
	create(0);	/* what every test takes away */
}
END_TEST

/* --- removal --- */

START_TEST(what_is_not_there_is_no_error)
{
	must(cgroup_remove(group, 0, &err));
	must(cgroup_remove_payload(group, 0, &err));
	must(cgroup_kill(group, &err));
	must(cgroup_wait_empty(group, 0, &err));
	ck_assert(!cgroup_frozen(group));
	ck_assert_int_eq(cgroup_open(group, "payload", &err), -ENOENT);
	ck_assert_int_lt(cgroup_freeze(group, true, 0, &err), 0);
	err = (struct error)ERROR_NONE;
}
END_TEST

START_TEST(everything_below_goes_too_and_neighbours_stay)
{
	auto_free char *neighbour = xasprintf("%s/abc", parent);
	auto_close int dir = -1;

	create(OWNER);
	must(cgroup_create(neighbour, 0, &err));
	dir = payload();
	for (int i = 0; i < 5; i++) {
		char name[40];

		snprintf(name, sizeof(name), "slice%d", i);
		ck_assert_int_eq(mkdirat(dir, name, 0755), 0);
		snprintf(name, sizeof(name), "slice%d/service", i);
		ck_assert_int_eq(mkdirat(dir, name, 0755), 0);
	}
	must(cgroup_remove(group, WAIT_MS, &err));
	ck_assert_uint_eq(count_groups(group), 0);
	ck_assert_uint_gt(count_groups(neighbour), 0);
	ck_assert_uint_gt(count_groups(parent), 0);
	must(cgroup_remove_empty(parent, &err));
	ck_assert_uint_gt(count_groups(neighbour), 0);	/* it is not empty */
	must(cgroup_remove(neighbour, WAIT_MS, &err));
	ck_assert_uint_gt(count_groups(parent), 0);	/* for the next one */
	must(cgroup_remove_empty(parent, &err));
	ck_assert_uint_eq(count_groups(parent), 0);
	must(cgroup_remove_empty(parent, &err));
}
END_TEST

START_TEST(a_group_with_living_processes_is_not_removed)
{
	create(0);
	add_process(0, NULL);
	ck_assert_int_lt(cgroup_remove(group, 50, &err), 0);
	ck_has(err.message, group);
	err = (struct error)ERROR_NONE;
	ck_assert_uint_gt(count_groups(group), 0);
}
END_TEST

START_TEST(dying_processes_are_waited_for)
{
	for (int i = 0; i < 10; i++) {
		create(0);
		add_process(3, NULL);
		must(cgroup_kill(group, &err));
		must(cgroup_remove(group, WAIT_MS, &err));	/* not waited for before */
		ck_assert_uint_eq(count_groups(group), 0);
		reap();
	}
}
END_TEST

START_TEST(the_payload_alone_can_be_made_anew)
{
	create(OWNER);
	must(cgroup_remove_payload(group, WAIT_MS, &err));
	ck_assert_int_eq(cgroup_open(group, "payload", &err), -ENOENT);
	err = (struct error)ERROR_NONE;
	ck_assert_uint_gt(count_groups(group), 0);
	create(OWNER);
	close(payload());
}
END_TEST

START_TEST(no_descriptor_is_lost)
{
	int before;

	create(0);
	before = count_fds();
	must(cgroup_freeze(group, true, WAIT_MS, &err));
	must(cgroup_kill(group, &err));
	must(cgroup_wait_empty(group, WAIT_MS, &err));
	must(cgroup_remove(group, WAIT_MS, &err));
	create(0);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

static int make_and_remove(void *arg)
{
	struct error error = ERROR_NONE;
	char name[100];

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%s/%c%d", parent, *(char *)arg, i);
		if (cgroup_create(name, 0, &error) < 0 || cgroup_remove(name, WAIT_MS, &error) < 0 ||
		    cgroup_remove_empty(parent, &error) < 0) {
			fprintf(stderr, "# %s: %s\n", name, error.message);
			return 1;
		}
	}
	return 0;
}

/* The directory above may go whenever it is empty, while others make their groups. */
START_TEST(groups_come_and_go_side_by_side)
{
	char names[] = "abcd";
	pid_t pids[4];
	int status, failed = 0;

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(make_and_remove(&names[i]));
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		failed += status != 0;
	}
	ck_assert_int_eq(failed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/cgroup");
	TCase *tests = tcase_create("cgroup");
	struct error error = ERROR_NONE;
	int skipped = skip_without_root("cgroups");

	if (skipped >= 0)
		return skipped;
	name_group();
	if (cgroup_create(group, 0, &error) < 0) {
		printf("1..0 # SKIP needs a cgroup tree that can be written: %s\n", error.message);
		return getenv("SYSCT_TESTS_MUST_RUN") ? 1 : EXIT_SKIPPED;
	}
	sweep();
	tcase_add_unchecked_fixture(tests, NULL, sweep);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 90);
	tcase_add_test(tests, ways_last_where_nobody_but_the_kernel_makes_files);
	tcase_add_test(tests, a_group_is_made_in_every_hierarchy);
	tcase_add_test(tests, one_of_an_earlier_sysct_is_used_and_removed);
	tcase_add_test(tests, a_cpuset_has_what_its_parent_has);
	tcase_add_test(tests, an_unprepared_cpuset_above_is_prepared);
	tcase_add_test(tests, every_controller_of_cgroup2_reaches_the_payload);
	tcase_add_test(tests, the_container_owns_its_leaf_and_nothing_above);
	tcase_add_test(tests, in_v1_everything_is_the_hosts);
	tcase_add_test(tests, a_process_is_born_and_placed_in_every_hierarchy);
	tcase_add_test(tests, a_group_that_is_not_there_cannot_be_entered);
	tcase_add_test(tests, without_limits_nothing_is_written);
	tcase_add_test(tests, memory_is_limited);
	tcase_add_test(tests, swap_is_limited_beside_memory_up_and_down);
	tcase_add_test(tests, cpus_and_their_weight_are_limited);
	tcase_add_test(tests, tasks_are_counted_and_stopped);
	tcase_add_test(tests, a_limit_stands_above_the_group_of_the_processes);
	tcase_add_test(tests, others_are_in_the_group_itself);
	tcase_add_test(tests, devices_are_denied_but_the_allowed);
	tcase_add_test(tests, a_rule_for_devices_that_is_none_is_refused);
	tcase_add_test(tests, a_group_freezes_and_thaws);
	tcase_add_test(tests, an_empty_group_can_be_frozen);
	tcase_add_test(tests, all_are_killed_frozen_or_not);
	tcase_add_test(tests, what_the_container_made_below_is_killed_too);
	tcase_add_test(tests, memory_in_use_is_known_where_the_controller_is);
	tcase_add_test(tests, a_glance_sees_what_a_look_sees);
	tcase_add_test(tests, a_glance_is_true_wherever_cgroups_are);
	tcase_add_test(tests, who_joins_later_has_a_leaf_of_its_own);
	tcase_add_test(tests, the_path_for_people_is_the_payloads);
	tcase_add_test(tests, of_a_unit_only_what_is_below_is_ours);
	tcase_add_test(tests, what_is_not_there_is_no_error);
	tcase_add_test(tests, everything_below_goes_too_and_neighbours_stay);
	tcase_add_test(tests, a_group_with_living_processes_is_not_removed);
	tcase_add_test(tests, dying_processes_are_waited_for);
	tcase_add_test(tests, the_payload_alone_can_be_made_anew);
	tcase_add_test(tests, no_descriptor_is_lost);
	tcase_add_test(tests, groups_come_and_go_side_by_side);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
