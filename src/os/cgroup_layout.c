/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the hierarchies of this host are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"
#include "os/mount.h"

#define CGROUP_MAGIC 0x27e0eb
#define CGROUP2_MAGIC 0x63677270

static struct cgroup_layout layout = { .root = -1 };
static bool known;

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

bool cgroup_has_controller(const struct hierarchy *h, const char *controller)
{
	auto_free char *word = xasprintf(",%s,", controller);

	return strstr(h->options, word) != NULL;
}

static const struct hierarchy *find_v1(const char *controller)
{
	for (size_t i = 0; i < layout.n_v1; i++)
		if (cgroup_has_controller(&layout.v1[i], controller))
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
int cgroup_mount_systemd(struct error *err)
{
	static const char *const options[] = { "none", CGROUP_SYSTEMD, NULL };
	int fd = mount_new("cgroup", NULL, options, 0, err);
	char path[32];

	if (fd < 0)
		return fd;
	add_v1(CGROUP_SYSTEMD, fd_path(fd, path, sizeof(path)));
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

	if (find_v1(CGROUP_SYSTEMD) || read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &own, NULL) < 0 ||
	    !strstr(own, ":" CGROUP_SYSTEMD ":"))
		return;
	fd = cgroup_mount_systemd(&ignored);
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

	if (known || learn_usual()) {
		known = true;
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
	known = true;
	return 0;
}

const struct cgroup_layout *cgroup_layout(struct error *err)
{
	return learn(err) < 0 ? NULL : &layout;
}

const struct hierarchy *cgroup_find_v1(const char *controller)
{
	struct error ignored = ERROR_NONE;

	return learn(&ignored) < 0 ? NULL : find_v1(controller);
}

bool cgroup_is_own_mount(const struct hierarchy *h)
{
	return text_starts(h->path, CGROUP_OWN_MOUNT);
}

char *cgroup_name_v1(const struct hierarchy *h, const char *group)
{
	auto_free char *earlier = xasprintf("%s/%s", h->path, group);
	char *name = xstrdup(group);

	/* a new cpuset has its processors from a directory above that is ours */
	if (!cgroup_has_controller(h, "cpu") || cgroup_has_controller(h, "cpuset") || access(earlier, F_OK) == 0)
		return name;
	for (char *p = name; (p = strchr(p, '/'));)
		*p = '-';
	return name;
}

char *cgroup_path_v1(const char *controller, const char *group)
{
	const struct hierarchy *h = cgroup_find_v1(controller);
	auto_free char *name = h ? cgroup_name_v1(h, group) : NULL;

	return h ? xasprintf("%s/%s", h->path, name) : NULL;
}
