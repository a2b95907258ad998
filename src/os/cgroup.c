/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"
#include "os/mount.h"

#define CGROUP_MAGIC 0x27e0eb
#define CGROUP2_MAGIC 0x63677270
#define CGROUP_ROOT "/sys/fs/cgroup"
#define ATTACH_LEAF "payload/.sysct"

/* One v1 hierarchy. */
struct hierarchy {
	char *options;	/* "cpu,cpuacct" or "name=systemd", with a comma on both ends */
	char *path;
};

/* What this host has; read once, it does not change under us. */
static struct {
	bool known;
	int root;		/* cgroup2, -1: none */
	char *path;		/* where it is mounted, NULL: privately by us */
	struct hierarchy *v1;
	size_t n_v1;
} layout = { .root = -1 };

static int open_cgroup2(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_MAGIC)
		return -1;
	return take_fd(&fd);
}

/* A hierarchy that is mounted twice, for a chroot perhaps and read-only there, is used once, where it came first. */
static bool known_v1(const char *super)
{
	auto_free char *options = xasprintf(",%s,", strchr(super, ',') ? strchr(super, ',') + 1 : "");

	for (size_t i = 0; i < layout.n_v1; i++)
		if (text_ends(layout.v1[i].options, options))
			return true;
	return false;
}

static bool has_controller(const struct hierarchy *h, const char *controller)
{
	auto_free char *word = xasprintf(",%s,", controller);

	return strstr(h->options, word) != NULL;
}

static const struct hierarchy *find_v1(const char *controller)
{
	for (size_t i = 0; i < layout.n_v1; i++)
		if (has_controller(&layout.v1[i], controller))
			return &layout.v1[i];
	return NULL;
}

bool cgroup_mount_line(char *line, struct mount_line *ret)
{
	char *save, *dash = strstr(line, " - ");

	if (!dash)
		return false;
	*dash = '\0';
	ret->type = strtok_r(dash + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	ret->super = strtok_r(NULL, " ", &save);
	ret->point = strtok_r(line, " ", &save);
	for (int i = 0; ret->point && i < 4; i++)
		ret->point = strtok_r(NULL, " ", &save);
	return ret->type && ret->super && ret->point;
}

static void add_v1(const char *options, const char *point)
{
	layout.v1 = xrealloc(layout.v1, (layout.n_v1 + 1) * sizeof(*layout.v1));
	layout.v1[layout.n_v1++] = (struct hierarchy){ xasprintf(",%s,", options), xstrdup(point) };
}

static void learn_line(char *line)
{
	struct mount_line mount;

	if (!cgroup_mount_line(line, &mount))
		return;
	if (strcmp(mount.type, "cgroup2") == 0 && layout.root < 0) {
		layout.root = open_cgroup2(mount.point);
		if (layout.root >= 0)
			layout.path = xstrdup(mount.point);
	}
	if (strcmp(mount.type, "cgroup") == 0 && !known_v1(mount.super))
		add_v1(mount.super, mount.point);
}

/* A v1 hierarchy without a controller, as systemd had it before cgroup2. A mount of ours that nobody sees: its descriptor,
 * which stays open. */
#define SYSTEMD "name=systemd"
#define OWN_MOUNT "/proc/self/fd/"

static int mount_systemd(struct error *err)
{
	static const char *const options[] = { "none", SYSTEMD, NULL };
	int fd = mount_new("cgroup", NULL, options, 0, err);
	char path[32];

	if (fd < 0)
		return fd;
	add_v1(SYSTEMD, fd_path(fd, path, sizeof(path)));
	return fd;
}

static void forget_last_v1(void)
{
	layout.n_v1--;
	free(layout.v1[layout.n_v1].options);
	free(layout.v1[layout.n_v1].path);
}

/* "4:memory:/path" of /proc/self/cgroup, which has a line for each hierarchy there is (cgroups(7)). */
static bool learn_usual_v1(const char *line)
{
	const char *options = strchr(line, ':'), *end = options ? strchr(++options, ':') : NULL;
	auto_free char *name = end ? xstrndup(options, (size_t)(end - options)) : NULL, *path = NULL;
	struct statfs fs;

	if (!name)
		return false;
	path = xasprintf(CGROUP_ROOT "/%s", text_starts(name, "name=") ? name + strlen("name=") : name);
	if (statfs(path, &fs) < 0 || fs.f_type != CGROUP_MAGIC)
		return false;
	add_v1(name, path);
	return true;
}

/* Where everybody mounts them (file-hierarchy of systemd, cgroups(7)): all of them, or it is not known. The list of all mounts is
 * long where many containers run. */
static bool learn_usual(void)
{
	auto_free char *own = NULL;
	char *save, *line;
	bool all;

	if (read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &own, NULL) < 0)
		return false;
	layout.path = xstrdup(CGROUP_ROOT);
	layout.root = open_cgroup2(layout.path);
	if (layout.root < 0) {
		free(layout.path);
		layout.path = xstrdup(CGROUP_ROOT "/unified");
		layout.root = open_cgroup2(layout.path);
	}
	all = layout.root >= 0;
	for (line = strtok_r(own, "\n", &save); all && line; line = strtok_r(NULL, "\n", &save))
		all = text_starts(line, "0::") || learn_usual_v1(line);
	if (all)
		return true;
	while (layout.n_v1 > 0)
		forget_last_v1();
	close_fd(&layout.root);
	free(take_ptr(&layout.path));
	return false;
}

/* One that is there without a mount holds groups of ours; not in a container, which was given no part of it. */
static void learn_systemd(void)
{
	struct error ignored = ERROR_NONE;
	auto_free char *own = NULL;
	int fd;

	if (find_v1(SYSTEMD) || read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &own, NULL) < 0 ||
	    !strstr(own, ":" SYSTEMD ":"))
		return;
	fd = mount_systemd(&ignored);
	if (fd < 0 || faccessat(fd, ".", W_OK, AT_EACCESS) == 0)
		return;
	forget_last_v1();
	close(fd);
}

static int learn(struct error *err)
{
	auto_free char *mounts = NULL;
	char *save, *line;
	int r;

	if (layout.known || learn_usual()) {
		layout.known = true;
		return 0;
	}
	r = read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 24, &mounts, NULL);
	if (r < 0)
		return fail(err, -r, "read /proc/self/mountinfo");
	for (line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, " - cgroup"))
			learn_line(line);
	if (layout.root < 0) {
		layout.root = mount_new("cgroup2", NULL, NULL, 0, err);
		if (layout.root < 0) {
			error_hint(err, "sysct needs cgroup2, mounted or not: a kernel with CONFIG_CGROUPS");
			return -err->code;
		}
	}
	learn_systemd();
	layout.known = true;
	return 0;
}

const char *cgroup_layout_name(void)
{
	struct error err = ERROR_NONE;

	if (learn(&err) < 0)
		return "none";
	if (layout.n_v1 == 0)
		return "v2";
	return layout.path ? "hybrid" : "v1";
}

static int not_writable(struct error *err)
{
	if (err->code == EROFS || err->code == EACCES || err->code == EPERM)
		error_hint(err, "the cgroup tree must be writable: run sysct as root, and in a container "
				"give that one a delegated cgroup (with sysct: nesting = yes)");
	return -err->code;
}

static int make_path(int root, char *path, void (*prepare)(int dirfd, const char *name))
{
	for (char *p = path;; p++) {
		char end = *p;

		if (end != '/' && end != '\0')
			continue;
		*p = '\0';
		if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (prepare)
			prepare(root, path);
		*p = end;
		if (end == '\0')
			return 0;
	}
}

#define MAKE_TRIES 100

/* mkdir -p below a directory. prepare, when given, runs on each directory that was there or made: whoever made one may have
 * been killed before it could. The directory of all groups is there as a rule, and may go with another container's last one at
 * any moment: then it is made again. */
static int make_group(int root, const char *group, void (*prepare)(int dirfd, const char *name), struct error *err)
{
	auto_free char *path = xstrdup(group);
	int r = -ENOENT;

	if (!prepare && mkdirat(root, path, 0755) == 0)
		return 0;
	for (int i = 0; i < MAKE_TRIES && (r == -ENOENT || r == -ENODEV); i++) {
		strcpy(path, group);
		r = make_path(root, path, prepare);
	}
	if (r == 0)
		return 0;
	fail(err, -r, "create the cgroup %s", path);
	return not_writable(err);
}

static bool lacks_value(int root, const char *file)
{
	auto_free char *value = NULL;
	size_t n;

	return read_file_at(root, file, 4096, &value, &n) == 0 && n <= 1;
}

/* A new v1 cpuset has no CPU and no memory node, and nothing can be moved into it; but below one with clone_children set it
 * has those of its parent, and to write them makes the kernel build the domains of its scheduler anew (cpusets.rst of the
 * kernel's documents). */
static void prepare_cpuset(int root, const char *path)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *own = xasprintf("%s/%s", path, files[i]);
		auto_free char *parent = xasprintf("%s/../%s", path, files[i]);
		auto_free char *value = NULL;

		if (lacks_value(root, own) && read_file_at(root, parent, 4096, &value, NULL) == 0)
			write_value_at(root, own, value);
	}
	if (!strchr(path, '/')) {	/* the directory of all groups */
		auto_free char *clone = xasprintf("%s/cgroup.clone_children", path);

		write_value_at(root, clone, "1");
	}
}

/* Let children have every controller there is; false: there is none, and so none further below. Each write takes the kernel's lock
 * on all cgroups: what is enabled is not written again, and the rest is in one go, unless some of it is refused. */
static bool enable_there(int root, const char *path)
{
	auto_free char *file = xasprintf("%s/cgroup.controllers", path);
	auto_free char *target = xasprintf("%s/cgroup.subtree_control", path);
	auto_free char *list = NULL, *text = NULL, *all = NULL;
	auto_strings struct strings there = STRINGS_EMPTY, enabled = STRINGS_EMPTY, wanted = STRINGS_EMPTY;

	if (read_file_at(root, file, 4096, &list, NULL) < 0)
		return true;
	strings_split(&there, list, " \n");
	if (!there.n)
		return false;
	if (read_file_at(root, target, 4096, &text, NULL) < 0)
		return true;
	strings_split(&enabled, text, " \n");
	for (size_t i = 0; i < there.n; i++)
		if (!strings_has(&enabled, there.items[i]))
			strings_add_take(&wanted, xasprintf("+%s", there.items[i]));
	all = strings_join(&wanted, " ");
	if (!wanted.n || write_value_at(root, target, all) == 0)
		return true;
	for (size_t i = 0; i < wanted.n; i++)
		write_value_at(root, target, wanted.items[i]);
	return true;
}

static void enable_controllers(int root, const char *path)
{
	enable_there(root, path);
}

/* The files of a delegated cgroup that its new owner must be able to write: the kernel's own list
 * (/sys/kernel/cgroup/delegate) without the limits of the directory itself. */
static const char *const delegated[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads",
					 "memory.oom.group", "memory.reclaim" };

static int delegate(int root, const char *path, uid_t owner, struct error *err)
{
	if (fchownat(root, path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "give the cgroup %s to user %u", path, owner);
	for (size_t i = 0; i < ARRAY_SIZE(delegated); i++) {
		auto_free char *file = xasprintf("%s/%s", path, delegated[i]);

		if (fchownat(root, file, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return fail(err, errno, "give %s to user %u", file, owner);
	}
	return 0;
}

/* --- in a unit of systemd --- */

#define UNIT_SUFFIX ".service"
#define SUPERVISOR "supervisor"

/* What is above our own leaves is systemd's, and so are the limits of the unit itself. */
static bool is_unit(const char *group)
{
	return text_ends(group, UNIT_SUFFIX);
}

char *cgroup_own_unit(void)
{
	auto_free char *text = NULL;
	char *save, *line;

	if (read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &text, NULL) < 0)
		return NULL;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end = strstr(line, UNIT_SUFFIX "/");

		if (!text_starts(line, "0::/"))
			continue;
		if (end)	/* in one of its leaves, ours or systemd's own */
			end[strlen(UNIT_SUFFIX)] = '\0';
		return is_unit(line) ? xstrdup(line + strlen("0::/")) : NULL;
	}
	return NULL;
}

int cgroup_enter_supervisor(const char *group, struct error *err)
{
	auto_free char *path = xasprintf("%s/" SUPERVISOR, group), *procs = xasprintf("%s/cgroup.procs", path);
	int r;

	if (learn(err) < 0)
		return -err->code;
	if (mkdirat(layout.root, path, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "create the cgroup %s", path);
	r = write_value_at(layout.root, procs, "0");
	return r < 0 ? fail(err, -r, "enter the cgroup %s", path) : 0;
}

bool cgroup_wait_unit_gone(const char *group, int timeout_ms)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	struct error ignored = ERROR_NONE;
	long pause_usec = 500;

	if (!is_unit(group) || learn(&ignored) < 0)
		return true;
	while (faccessat(layout.root, group, F_OK, 0) == 0) {
		struct timespec pause = { .tv_nsec = pause_usec * 1000 };

		if (now_usec() >= end)
			return false;
		nanosleep(&pause, NULL);
		if (pause_usec < 10000)
			pause_usec *= 2;
	}
	return true;
}

static int create_in_unit(const char *group, const char *payload, struct error *err)
{
	enable_controllers(layout.root, group);
	if (mkdirat(layout.root, payload, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "create the cgroup %s", payload);
	return 0;
}

/* The usual case, where the directory of all groups is there, and made as cpusets want it. */
static bool made_v1(const struct hierarchy *h, const char *group)
{
	auto_free char *path = xasprintf("%s/%s", h->path, group);
	auto_free char *cpus = xasprintf("%s/cpuset.cpus", path), *mems = xasprintf("%s/cpuset.mems", path);

	return mkdir(path, 0755) == 0 &&
	       (!has_controller(h, "cpuset") || (!lacks_value(AT_FDCWD, cpus) && !lacks_value(AT_FDCWD, mems)));
}

static int make_group_v1(const struct hierarchy *h, const char *group, struct error *err)
{
	auto_close int dir = -1;

	if (made_v1(h, group))
		return 0;
	dir = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(err, errno, "open %s", h->path);
	if (make_group(dir, group, has_controller(h, "cpuset") ? prepare_cpuset : NULL, err) < 0)
		return error_prefix(err, "%s", h->path);
	return 0;
}

int cgroup_create(const char *group, uid_t owner, struct error *err)
{
	auto_free char *payload = xasprintf("%s/payload", group);

	if (learn(err) < 0)
		return -err->code;
	if (is_unit(group)) {	/* on a host with cgroup2 alone */
		if (create_in_unit(group, payload, err) < 0)
			return -err->code;
		return owner ? delegate(layout.root, payload, owner, err) : 0;
	}
	if (make_group(layout.root, group, enable_there(layout.root, ".") ? enable_controllers : NULL, err) < 0 ||
	    make_group(layout.root, payload, NULL, err) < 0)
		return -err->code;
	if (owner && delegate(layout.root, payload, owner, err) < 0)
		return -err->code;
	for (size_t i = 0; i < layout.n_v1; i++)
		if (make_group_v1(&layout.v1[i], group, err) < 0)
			return -err->code;
	return 0;
}

int cgroup_delegate_systemd(const char *group, uid_t owner, struct error *err)
{
	static const char *const files[] = { ".", "cgroup.procs", "tasks", "cgroup.clone_children", "notify_on_release" };
	const struct hierarchy *h;
	auto_close int root = -1, dir = -1;

	if (learn(err) < 0)
		return -err->code;
	if (!find_v1(SYSTEMD) && mount_systemd(err) < 0) {
		error_prefix(err, "make a hierarchy of cgroup v1 named systemd");
		return error_hint(err, "this kernel has none, or another container is the host: container.cgroup = v2");
	}
	h = find_v1(SYSTEMD);
	root = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open %s", h->path);
	if (make_group(root, group, NULL, err) < 0)
		return error_prefix(err, "%s", h->path);
	dir = openat(root, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(err, errno, "open %s/%s", h->path, group);
	for (size_t i = 0; owner && i < ARRAY_SIZE(files); i++)
		if (fchownat(dir, files[i], owner, owner, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return fail(err, errno, "give %s/%s/%s to user %u", h->path, group, files[i], owner);
	return 0;
}

static int open_at(const char *path, struct error *err)
{
	int fd;

	if (learn(err) < 0)
		return -err->code;
	fd = openat(layout.root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open the cgroup %s", path);
	return fd;
}

int cgroup_open(const char *group, const char *leaf, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", group, leaf);

	return open_at(path, err);
}

int cgroup_bound(const char *group, unsigned int descendants, unsigned int depth, struct error *err)
{
	auto_close int dir = cgroup_open(group, is_unit(group) ? "payload" : ".", err);
	char text[24];
	int r;

	if (dir < 0)
		return dir;
	snprintf(text, sizeof(text), "%u", descendants);
	r = write_value_at(dir, "cgroup.max.descendants", text);
	if (r == 0) {
		snprintf(text, sizeof(text), "%u", depth);
		r = write_value_at(dir, "cgroup.max.depth", text);
	}
	return r < 0 ? fail(err, -r, "bound the number of cgroups in %s", group) : 0;
}

int cgroup_open_attach(const char *group, uid_t owner, struct error *err)
{
	auto_free char *path = xasprintf("%s/" ATTACH_LEAF, group);
	int fd;

	if (learn(err) < 0)
		return -err->code;
	if (mkdirat(layout.root, path, 0755) == 0) {
		if (owner && delegate(layout.root, path, owner, err) < 0)
			return -err->code;
	} else if (errno != EEXIST) {
		return fail(err, errno, "create the cgroup %s", path);
	}
	/* The container may have made it before us, with files of its own, and frozen whatever comes in. */
	fd = open_at(path, err);
	if (fd >= 0)
		write_value_at(fd, "cgroup.freeze", "0");
	return fd;
}

/* Where the group of the processes may be below the one with the limits: the container's root sees the directory that its
 * processes are in, and where it has the host's ids its files are its own. What stands above it stays. Others can write none of
 * them, and each level below the first makes every switch of tasks 28 ns longer ("cpu"), of some 1,300. Not with
 * controllers whose rules count for the group's own processes alone (blkio), or which a smaller parent would contradict
 * (cpuset); devices asks for more than an id. */
static bool has_inner(const struct hierarchy *h)
{
	static const char *const inherited[] = { "memory", "pids", "cpu" }, *const own[] = { "blkio", "cpuset", "devices" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		any = any || has_controller(h, inherited[i]);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		any = any && !has_controller(h, own[i]);
	return any;
}

static int open_tasks(const struct hierarchy *h, const char *group, bool host_ids, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s/payload", h->path, group), *tasks = NULL;
	bool inner = has_inner(h);
	int fd;

	if (inner && host_ids) {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fail(err, errno, "create the cgroup %s", path);
	} else if (inner) {	/* an older start made it for everybody */
		inner = access(path, F_OK) == 0;
	}
	if (!inner)
		path[strlen(path) - strlen("/payload")] = '\0';
	tasks = xasprintf("%s/tasks", path);
	fd = open(tasks, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open %s", tasks) : fd;
}

int cgroup_open_v1(const char *group, bool host_ids, struct cgroup_v1 *ret, struct error *err)
{
	ret->n = 0;
	if (learn(err) < 0)
		return -err->code;
	if (layout.n_v1 > CGROUP_V1_MOST)
		return fail(err, E2BIG, "enter %zu hierarchies of cgroup v1", layout.n_v1);
	for (; ret->n < layout.n_v1; ret->n++) {
		ret->fds[ret->n] = open_tasks(&layout.v1[ret->n], group, host_ids, err);
		if (ret->fds[ret->n] >= 0)
			continue;
		cgroup_close_v1(ret);
		return -err->code;
	}
	return 0;
}

/* "0" to "tasks" is the writer itself, one thread: nobody else's execution or end can come between, so the kernel takes no
 * lock over all processes (cgroup_procs_write_start() of kernel/cgroup/cgroup.c, since 5.16). That lock is what makes the
 * same move from outside cost a grace period of RCU, 8 to 18 ms. */
int cgroup_enter_opened(const struct cgroup_v1 *groups, struct error *err)
{
	for (size_t i = 0; i < groups->n; i++) {
		ssize_t w;

		do {
			w = write(groups->fds[i], "0", 1);
		} while (w < 0 && errno == EINTR);
		if (w < 0)
			return fail(err, errno, "enter the cgroup of %s", layout.v1[i].path);
	}
	return 0;
}

void cgroup_close_v1(struct cgroup_v1 *groups)
{
	while (groups->n > 0)
		close(groups->fds[--groups->n]);
}

int cgroup_enter_v1(const char *group, bool host_ids, struct error *err)
{
	struct cgroup_v1 groups;
	int r = cgroup_open_v1(group, host_ids, &groups, err);

	if (r == 0)
		r = cgroup_enter_opened(&groups, err);
	cgroup_close_v1(&groups);
	return r;
}

/* --- controllers --- */

const char *cgroup_shares_leaf(const char *group)
{
	return is_unit(group) ? "payload" : ".";
}

const char *cgroup_v1_path(const char *controller)
{
	struct error ignored = ERROR_NONE;
	const struct hierarchy *h = learn(&ignored) < 0 ? NULL : find_v1(controller);

	return h ? h->path : NULL;
}

static int write_limit(const char *path, int dirfd, const char *value, struct error *err)
{
	int r = write_value_at(dirfd, path, value);

	return r < 0 ? fail(err, -r, "write \"%s\" to %s", value, path) : 0;
}

static int set_devices_v1(const char *hierarchy, const char *group, bool deny, const char *const *allow, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", hierarchy, group);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = -1;

	if (dir < 0)
		return fail(err, errno, "open %s", path);
	if (deny && write_limit("devices.deny", dir, "a", err) < 0)
		return error_prefix(err, "%s", path);
	file = openat(dir, "devices.allow", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	for (; *allow; allow++) {	/* each write is one rule */
		int r = file < 0 ? -errno : write_all(file, *allow, strlen(*allow));

		if (r < 0) {
			fail(err, -r, "write \"%s\" to devices.allow", *allow);
			return error_prefix(err, "%s", path);
		}
	}
	return 0;
}

static int write_devices(const char *group, bool deny, const char *const *allow, struct error *err)
{
	const struct hierarchy *v1;
	auto_close int dir = -1;

	if (learn(err) < 0)
		return -err->code;
	v1 = find_v1("devices");
	if (v1)
		return set_devices_v1(v1->path, group, deny, allow, err);
	/* not the payload, which is made anew for each boot; but whoever is beside it in a unit has devices to open */
	dir = cgroup_open(group, is_unit(group) ? "payload" : ".", err);
	return dir < 0 ? dir : cgroup_devices_write(dir, allow, err);
}

int cgroup_set_devices(const char *group, const char *const *allow, struct error *err)
{
	return write_devices(group, true, allow, err);
}

int cgroup_extend_devices(const char *group, const char *const *allow, struct error *err)
{
	return write_devices(group, false, allow, err);
}

/* --- freeze, kill, wait --- */

/* Whether a line "key 1" stands in cgroup.events. */
static int event_is_set(int dir, const char *key)
{
	auto_free char *text = NULL;
	const char *at;
	int r = read_file_at(dir, "cgroup.events", 4096, &text, NULL);

	if (r < 0)
		return r;
	at = strstr(text, key);
	return at && at[strlen(key)] == ' ' && at[strlen(key) + 1] == '1';
}

/* Wait for an event; the kernel signals POLLPRI on cgroup.events when one changes. */
static int wait_event(int dir, const char *key, bool set, int timeout_ms)
{
	auto_close int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;

	if (fd < 0)
		return -errno;
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
		char buf[256];
		int r = event_is_set(dir, key);
		uint64_t now = now_usec();

		if (r < 0)
			return r;
		if ((r > 0) == set)
			return 0;
		if (now >= end)
			return -ETIMEDOUT;
		if (pread(fd, buf, sizeof(buf), 0) < 0)
			return -errno;
		poll(&poll_fd, 1, (int)((end - now) / 1000) < 20 ? (int)((end - now) / 1000) + 1 : 20);
	}
}

int cgroup_freeze(const char *group, bool freeze, int timeout_ms, struct error *err)
{
	auto_close int dir = cgroup_open(group, "payload", err);
	int r;

	if (dir < 0)
		return dir;
	r = write_value_at(dir, "cgroup.freeze", freeze ? "1" : "0");
	if (r < 0)
		return fail(err, -r, "write cgroup.freeze");
	r = wait_event(dir, "frozen", freeze, timeout_ms);
	if (r == -ETIMEDOUT) {
		fail(err, ETIMEDOUT, "wait until all processes are %s", freeze ? "frozen" : "thawed");
		return error_status(err, STATUS_TIMEOUT);
	}
	return r < 0 ? fail(err, -r, "read cgroup.events") : 0;
}

bool cgroup_frozen(const char *group)
{
	auto_free char *path = xasprintf("%s/payload/cgroup.freeze", group), *text = NULL;
	struct error err = ERROR_NONE;

	return learn(&err) == 0 && read_file_at(layout.root, path, 16, &text, NULL) == 0 && text[0] == '1';
}

/* 0: it is gone. */
static int open_payload(const char *group, int *ret, struct error *err)
{
	struct error why = ERROR_NONE;

	*ret = cgroup_open(group, "payload", &why);
	if (*ret >= 0)
		return 1;
	if (*ret == -ENOENT)
		return 0;
	*err = why;
	return *ret;
}

/* Removed since it was opened, by who had nothing to wait for any more; before Linux 5.14 there is no cgroup.kill either. */
static bool is_gone(int dir)
{
	return faccessat(dir, "cgroup.procs", F_OK, 0) < 0 && (errno == ENOENT || errno == ENODEV);
}

int cgroup_kill(const char *group, struct error *err)
{
	auto_close int dir = -1;
	int r = open_payload(group, &dir, err);

	if (r <= 0)
		return r;
	write_value_at(dir, "cgroup.freeze", "0");
	r = write_value_at(dir, "cgroup.kill", "1");
	return r < 0 && !is_gone(dir) ? fail(err, -r, "write cgroup.kill") : 0;
}

int cgroup_wait_empty(const char *group, int timeout_ms, struct error *err)
{
	auto_close int dir = -1;
	int r = open_payload(group, &dir, err);

	if (r <= 0)
		return r;
	r = wait_event(dir, "populated", false, timeout_ms);
	if (r == -ETIMEDOUT) {
		fail(err, ETIMEDOUT, "wait until the container's processes are gone");
		return error_status(err, STATUS_TIMEOUT);
	}
	return r < 0 && !is_gone(dir) ? fail(err, -r, "read cgroup.events") : 0;
}

/* --- removal --- */

/* rmdir(2); what is not there is removed, which a read-only file system does not say: EROFS comes before the name is looked for. */
static int remove_dir(int parent, const char *name)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == EROFS)
		return faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT ? 0 : -EROFS;
	return -errno;
}

static bool is_busy(int r)
{
	return r == -EBUSY || r == -ENOTEMPTY;
}

static int open_group(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Remove what is directly below, up to the first that does not go, and open that one. -ENOENT: nothing is left. emptied: the inode
 * of one that has nothing below it, so processes hold it if it does not go now; 0: none. */
static int open_next_below(int group, ino_t emptied, uint64_t end)
{
	int list = open_group(group, "."), next = -ENOENT;
	auto_closedir DIR *dir = list < 0 ? NULL : fdopendir(list);
	struct dirent *entry;

	if (list < 0)
		return list;
	if (!dir) {
		close(list);
		return -ENOMEM;
	}
	while (next == -ENOENT && (entry = readdir(dir))) {
		int r;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '\0' || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_dir(group, entry->d_name);
		if (r < 0 && (!is_busy(r) || entry->d_ino == emptied))
			return r;
		if (now_usec() >= end)	/* somebody may be making them as fast as they go */
			return -EBUSY;
		if (r < 0)
			next = open_group(group, entry->d_name);
	}
	return next;
}

/* The parent of a group is always the same one: cgroup v1 renames in place alone, v2 not at all (cgroup1_rename() of
 * kernel/cgroup/cgroup-v1.c). */
static int open_above(int group, ino_t *ret_emptied)
{
	struct stat st;

	if (fstat(group, &st) < 0)
		return -errno;
	*ret_emptied = st.st_ino;
	return open_group(group, "..");
}

/* rmdir a cgroup and all below it, depth first, until `end`. A hierarchy of v1 has no bound for its depth, so one level alone is
 * open at a time, and no path is longer than a name. Returns 0, -EBUSY (processes are left) or another. */
static int remove_group(int parent, const char *name, uint64_t end)
{
	auto_close int group = -1;
	ino_t emptied = 0;
	int r = remove_dir(parent, name);

	if (!is_busy(r))
		return r;
	group = open_group(parent, name);
	if (group < 0)
		return group == -ENOENT ? 0 : group;
	for (size_t depth = 1; depth > 0;) {
		int next = open_next_below(group, emptied, end);

		emptied = 0;
		depth = next == -ENOENT ? depth - 1 : depth + 1;
		if (depth == 0)
			break;
		if (next == -ENOENT)
			next = open_above(group, &emptied);
		if (next < 0)
			return is_busy(next) || next == -ENOENT ? -EBUSY : next;	/* or all of it went meanwhile */
		close(group);
		group = next;
	}
	return remove_dir(parent, name);
}

static int remove_patiently(int root, const char *group, uint64_t end)
{
	long pause_usec = 200;

	for (;;) {
		struct timespec pause = { .tv_nsec = pause_usec * 1000 };
		int r = remove_group(root, group, end);

		if (r != -EBUSY || now_usec() >= end)
			return r;
		nanosleep(&pause, NULL);
		if (pause_usec < 10000)
			pause_usec *= 2;
	}
}

/* A hierarchy that only we have mounted lasts as long as there is a group in it. */
static bool is_ours(const struct hierarchy *h)
{
	return text_starts(h->path, OWN_MOUNT);
}

static void remove_parent(int root, const char *group)
{
	auto_free char *parent = xstrndup(group, strcspn(group, "/"));

	if (strcmp(parent, group) != 0)
		unlinkat(root, parent, AT_REMOVEDIR);
}

/* One that is in use stays, and is no error. */
static int remove_if_empty(int root, const char *path, const char *dir, struct error *err)
{
	int r = remove_dir(root, dir);

	return r == 0 || r == -EBUSY || r == -ENOTEMPTY ? 0 : fail(err, -r, "remove the cgroup %s%s%s", path, *path ? "/" : "", dir);
}

int cgroup_remove_empty(const char *dir, struct error *err)
{
	struct error first = ERROR_NONE;

	if (learn(err) < 0)
		return -err->code;
	remove_if_empty(layout.root, layout.path ? layout.path : "", dir, &first);
	for (size_t i = 0; i < layout.n_v1; i++) {
		auto_close int root = open(layout.v1[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct error one = ERROR_NONE;

		if (root < 0 && errno != ENOENT)
			fail(&one, errno, "open %s", layout.v1[i].path);
		else if (root >= 0)
			remove_if_empty(root, layout.v1[i].path, dir, &one);
		if (!first.code)
			first = one;
	}
	if (!first.code)
		return 0;
	*err = first;
	return -err->code;
}

int cgroup_remove_payload(const char *group, int timeout_ms, struct error *err)
{
	auto_free char *path = xasprintf("%s/payload", group);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	int r;

	if (learn(err) < 0)
		return -err->code;
	r = remove_patiently(layout.root, path, end);
	if (r == 0 && find_v1(SYSTEMD)) {
		auto_close int dir = open(find_v1(SYSTEMD)->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = dir < 0 ? -errno : remove_patiently(dir, group, end);
	}
	return r < 0 ? fail(err, -r, "remove the cgroup %s", path) : 0;
}

int cgroup_remove(const char *group, int timeout_ms, struct error *err)
{
	auto_free char *payload = xasprintf("%s/payload", group);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;
	int r;

	if (learn(err) < 0)
		return -err->code;
	r = remove_patiently(layout.root, is_unit(group) ? payload : group, end);
	if (r < 0)
		return fail(err, -r, "remove the cgroup %s", group);
	for (size_t i = 0; i < layout.n_v1; i++) {
		auto_close int dir = open(layout.v1[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0 && errno == ENOENT)	/* unmounted meanwhile */
			continue;
		if (dir < 0)
			return fail(err, errno, "open %s", layout.v1[i].path);
		r = remove_patiently(dir, group, end);
		if (r < 0)
			return fail(err, -r, "remove the cgroup %s/%s", layout.v1[i].path, group);
		if (is_ours(&layout.v1[i]))
			remove_parent(dir, group);
	}
	return 0;
}

/* --- reading --- */

static bool read_number(int dirfd, const char *path, uint64_t *ret)
{
	auto_free char *text = NULL;

	if (read_file_at(dirfd, path, 64, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, ret) == 0;
}

bool cgroup_full_v1(const char *group)
{
	struct error ignored = ERROR_NONE;
	const struct hierarchy *h = learn(&ignored) < 0 ? NULL : find_v1("pids");
	auto_free char *max_path = h ? xasprintf("%s/%s/pids.max", h->path, group) : NULL;
	auto_free char *current_path = h ? xasprintf("%s/%s/pids.current", h->path, group) : NULL;
	uint64_t current, max;

	/* "max" is no number */
	return h && read_number(AT_FDCWD, max_path, &max) && read_number(AT_FDCWD, current_path, &current) && current >= max;
}

uint64_t cgroup_memory_used(const char *group)
{
	auto_free char *path = NULL;
	struct error err = ERROR_NONE;
	const struct hierarchy *h;
	uint64_t used = 0;

	if (learn(&err) < 0)
		return 0;
	h = find_v1("memory");	/* a controller is in one hierarchy alone */
	path = h ? xasprintf("%s/%s/memory.usage_in_bytes", h->path, group) :
		   xasprintf("%s/payload/memory.current", group);
	return read_number(h ? AT_FDCWD : layout.root, path, &used) ? used : 0;
}

static void collect_pids(int parent, const char *name, pid_t **pids, size_t *n)
{
	auto_free char *procs = NULL;
	auto_closedir DIR *dir = NULL;
	struct dirent *entry;
	char *save, *line;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read_file_at(fd, "cgroup.procs", 1 << 22, &procs, NULL) == 0) {
		for (line = strtok_r(procs, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			*pids = xrealloc(*pids, (*n + 1) * sizeof(pid_t));
			(*pids)[(*n)++] = (pid_t)atoi(line);
		}
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			collect_pids(fd, entry->d_name, pids, n);
}

int cgroup_pids(const char *group, pid_t **ret, size_t *ret_n)
{
	auto_free char *path = xasprintf("%s/payload", group);
	struct error err = ERROR_NONE;

	*ret = NULL;
	*ret_n = 0;
	if (learn(&err) < 0)
		return -err.code;
	collect_pids(layout.root, path, ret, ret_n);
	return 0;
}

char *cgroup_path(const char *group)
{
	struct error err = ERROR_NONE;

	if (learn(&err) < 0 || !layout.path)
		return NULL;
	return xasprintf("%s/%s/payload", layout.path, group);
}
